"""Macros: calls that the parser replaces by comprehensions and the like, as cel-go does (K8s S57)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from drapolicy.cel.syntax import Call, Const, Fold, Ident, ListLiteral, MapLiteral, Node, Select

ACCUMULATOR = "@result"
_ACCUMULATORS = frozenset({ACCUMULATOR, "__result__"})
_UNUSED, _SORTED = "#unused", "@__sortBy_input__"
_NAME, _IDENTIFIER = "argument must be a simple name", "argument is not an identifier"


class MacroError(Exception):
    """A macro's arguments are not what it needs; ``node`` is the id of the one that is wrong."""

    def __init__(self, node: int, reason: str) -> None:
        self.node = node
        self.reason = reason
        super().__init__(reason)


class Expander:
    """Replaces macro calls.

    Parameters
    ----------
    new
        Returns the id of a new node at an offset.
    positions
        Offset of each node by its id.
    sorting
        Whether ``sortBy`` exists.
    """

    def __init__(self, new: Callable[[int], int], positions: Mapping[int, int], *, sorting: bool) -> None:
        self._new = new
        self._positions = positions
        self._sorting = sorting
        self._start = 0

    def expand(self, start: int, name: str, target: Node | None, args: tuple[Node, ...]) -> Node | None:
        """Return what a call stands for, None if it is no macro.

        Raises
        ------
        MacroError
            For arguments that the macro cannot use.
        """
        self._start = start
        if target is None:
            return self._has(args[0]) if name == "has" and len(args) == 1 else None
        match name, len(args):
            case "all" | "exists" | "exists_one" | "existsOne", 2 | 3:
                return self._quantified(name, target, args)
            case "map", 2 | 3:
                return self._mapped(target, args)
            case "filter", 2:
                return self._filtered(target, args)
            case "transformList" | "transformMap" | "transformMapEntry", 3 | 4:
                return self._transformed(name, target, args)
            case "optMap" | "optFlatMap", 2:
                return self._optional(name, target, args)
            case "bind", 3 if isinstance(target, Ident) and target.name == "cel":
                return self._bound(args)
            case "sortBy", 2 if self._sorting:
                return self._sorted(target, args)
        return None

    def _id(self) -> int:
        return self._new(self._start)

    def _const(self, value: Any) -> Node:
        return Const(self._id(), value)

    def _ident(self, name: str) -> Node:
        return Ident(self._id(), name)

    def _result(self) -> Node:
        return self._ident(ACCUMULATOR)

    def _call(self, function: str, *args: Node) -> Node:
        return Call(self._id(), function, None, args)

    def _member(self, function: str, target: Node, *args: Node) -> Node:
        return Call(self._id(), function, target, args)

    def _list(self, *elements: Node) -> Node:
        return ListLiteral(self._id(), elements, frozenset())

    def _fold(self, over: Node, names: tuple[str, str], *parts: Node) -> Node:
        start, condition, step, result = parts
        return Fold(self._id(), *names, over, ACCUMULATOR, start, condition, step, result)

    def _binding(self, name: str, value: Node, result: Node) -> Node:
        condition = self._const(value=False)
        return Fold(self._id(), _UNUSED, "", self._list(), name, value, condition, self._ident(name), result)

    def _copy(self, node: Node) -> Node:
        """Return a node and all below it under new ids, at the same places."""
        match node:
            case Select():
                node = replace(node, operand=self._copy(node.operand))
            case Call():
                target = None if node.target is None else self._copy(node.target)
                node = replace(node, target=target, args=tuple(map(self._copy, node.args)))
            case ListLiteral():
                node = replace(node, elements=tuple(map(self._copy, node.elements)))
            case MapLiteral():
                entries = [
                    (self._id(), self._copy(key), self._copy(value), maybe) for _, key, value, maybe in node.entries
                ]
                node = replace(node, entries=tuple(entries))
            case Fold():
                parts = (node.over, node.start, node.condition, node.step, node.result)
                over, start, condition, step, result = map(self._copy, parts)
                node = replace(node, over=over, start=start, condition=condition, step=step, result=result)
        return replace(node, id=self._new(self._positions[node.id]))

    def _has(self, field: Node) -> Node:
        if not isinstance(field, Select):
            raise MacroError(field.id, "invalid argument to has() macro")
        return Select(self._id(), field.operand, field.field, test=True)

    def _quantified(self, name: str, target: Node, args: tuple[Node, ...]) -> Node:
        names = _variables(args[:-1], _NAME)
        predicate = args[-1]
        match name:
            case "all":
                start = self._const(value=True)
                condition = self._call("@not_strictly_false", self._result())
                step = self._call("_&&_", self._result(), predicate)
                result = self._result()
            case "exists":
                start = self._const(value=False)
                condition = self._call("@not_strictly_false", self._call("!_", self._result()))
                step = self._call("_||_", self._result(), predicate)
                result = self._result()
            case _:
                start, condition = self._const(0), self._const(value=True)
                more = self._call("_+_", self._result(), self._const(1))
                step = self._call("_?_:_", predicate, more, self._result())
                result = self._call("_==_", self._result(), self._const(1))
        return self._fold(target, names, start, condition, step, result)

    def _collected(self, target: Node, names: tuple[str, str], item: Node, test: Node | None) -> Node:
        start, condition = self._list(), self._const(value=True)
        step = self._call("_+_", self._result(), self._list(item))
        if test is not None:
            step = self._call("_?_:_", test, step, self._result())
        return self._fold(target, names, start, condition, step, self._result())

    def _mapped(self, target: Node, args: tuple[Node, ...]) -> Node:
        names = _variables(args[:1], _IDENTIFIER)
        return self._collected(target, names, args[-1], args[1] if len(args) == 3 else None)

    def _filtered(self, target: Node, args: tuple[Node, ...]) -> Node:
        return self._collected(target, _variables(args[:1], _IDENTIFIER), args[0], args[1])

    def _transformed(self, name: str, target: Node, args: tuple[Node, ...]) -> Node:
        names = _variables(args[:2], _NAME)
        test = args[2] if len(args) == 4 else None
        if name == "transformList":
            return self._collected(target, names, args[-1], test)
        added = (args[-1],) if name == "transformMapEntry" else (self._ident(names[0]), args[-1])
        step = self._call("cel.@mapInsert", self._result(), *added)
        if test is not None:
            step = self._call("_?_:_", test, step, self._result())
        start: Node = MapLiteral(self._id(), ())
        return self._fold(target, names, start, self._const(value=True), step, self._result())

    def _optional(self, name: str, target: Node, args: tuple[Node, ...]) -> Node:
        variable = args[0]
        if not isinstance(variable, Ident):
            raise MacroError(variable.id, f"{name}() variable name must be a simple identifier")
        found = self._member("hasValue", target)
        value = self._binding(variable.name, self._member("value", self._copy(target)), args[1])
        if name == "optMap":
            value = self._namespaced("of", value)
        return self._call("_?_:_", found, value, self._namespaced("none"))

    def _namespaced(self, name: str, *args: Node) -> Node:
        return self._call(f"optional.{name}", *args)

    def _bound(self, args: tuple[Node, ...]) -> Node:
        variable, value, result = args
        if not isinstance(variable, Ident):
            raise MacroError(variable.id, "cel.bind() variable names must be simple identifiers")
        return self._binding(variable.name, value, result)

    def _sorted(self, target: Node, args: tuple[Node, ...]) -> Node:
        if isinstance(target, Const | MapLiteral):
            reason = "sortBy can only be applied to a list, identifier, comprehension, call or select expression"
            raise MacroError(target.id, reason)
        keys = self._mapped(self._ident(_SORTED), args)
        return self._binding(_SORTED, target, self._member("@sortByAssociatedKeys", self._ident(_SORTED), keys))


def _variables(args: tuple[Node, ...], reason: str) -> tuple[str, str]:
    """Return the variables that arguments name, the second one empty if there is one only."""
    names = []
    for arg in args:
        if not isinstance(arg, Ident):
            raise MacroError(arg.id, reason)
        names.append(arg.name)
    if len(names) == 2 and names[0] == names[1]:
        raise MacroError(args[1].id, f"duplicate variable name: {names[0]}")
    for arg, name in zip(args, names, strict=True):
        if name in _ACCUMULATORS:
            raise MacroError(arg.id, "iteration variable overwrites accumulator variable")
    return names[0], names[1] if len(names) == 2 else ""
