"""The type checker: which overloads calls may turn out to be and which types parts have, as cel-go decides (K8s S56).

Names and namespaced functions are resolved on the way. A field of the variable ``device`` becomes a name of its own,
``device.attributes`` for example: selectors hardly ever want the device as such, and columns are read by field.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from typing import Final

from drapolicy.cel.declarations import Overload
from drapolicy.cel.environment import DEVICE_TYPE, Environment
from drapolicy.cel.errors import CompileError
from drapolicy.cel.library import grammar_fault
from drapolicy.cel.parsing import UnparsableError, parse
from drapolicy.cel.syntax import (
    DYN,
    ERROR,
    Call,
    Checked,
    Const,
    Fold,
    Ident,
    ListLiteral,
    MapLiteral,
    Node,
    Select,
    Struct,
    Tree,
    Type,
)
from drapolicy.cel.unification import Unifier, is_dyn, is_object, is_parameter, most_general, unwrapped, written
from drapolicy.cel.values import Uint
from drapolicy.cel.wording import Fault, shown

_CONSTANTS: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
}
_BOOL: Final[Type] = ("bool", ())
_INT: Final[Type] = ("int", ())
_LOGICAL: Final = {"_&&_": "logical_and", "_||_": "logical_or"}
_NO_RANGE: Final = "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)"


def type_check(expression: str, environment: Environment) -> Checked:
    """Return an expression parsed and type-checked, with the names and overloads it refers to.

    Raises
    ------
    CompileError
        With upstream's text of every fault.
    """
    if any("\ud800" <= character <= "\udfff" for character in expression):
        reason = "the expression holds half a character (a lone surrogate), which UTF-8 cannot write"
        raise CompileError(f"compilation failed: {reason}", expression)
    try:
        tree = parse(expression, sorting=environment.lists, escapes=environment.engine.escapes)
    except UnparsableError:
        raise grammar_fault(expression) from None
    checker = _Checker(tree, environment)
    root = checker.check(tree.root)
    if checker.faults:
        faults = [Fault.at(tree.positions[node_id], reason, expression) for node_id, reason in checker.faults]
        raise CompileError(f"compilation failed: {shown(faults, expression)}", expression)
    types = {node_id: checker.types.resolved(kind, closed=True) for node_id, kind in checker.kinds.items()}
    return Checked(root, types, checker.names, checker.overloads, tree.positions)


class _Checker:
    def __init__(self, tree: Tree, environment: Environment) -> None:
        self.types = Unifier()
        self.kinds: dict[int, Type] = {}
        self.names: dict[int, str] = {}
        self.overloads: dict[int, tuple[str, ...]] = {}
        self.faults: list[tuple[int, str]] = []
        self._positions = tree.positions
        self._environment = environment
        self._scope: ChainMap[str, Type] = ChainMap()

    def check(self, node: Node) -> Node:
        """Return a node with names resolved; its type is in :attr:`kinds`."""
        match node:
            case Const():
                return self._typed(node, (_CONSTANTS[type(node.value)], ()))
            case Ident():
                return self._ident(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListLiteral():
                return self._list(node)
            case MapLiteral():
                return self._map(node)
            case Fold():
                return self._fold(node)
            case Struct():
                return self._struct(node)

    def _typed(self, node: Node, kind: Type) -> Node:
        self.kinds[node.id] = kind
        return node

    def _fault(self, node: Node, reason: str) -> None:
        self.faults.append((node.id, reason))

    def _undeclared(self, node: Node, name: str) -> Node:
        self._fault(node, f"undeclared reference to '{name}' (in container '')")
        return self._typed(node, ERROR)

    def _kind(self, node: Node) -> Type:
        return self.kinds[node.id]

    def _local(self, name: str) -> Type | None:
        """Return the type of a variable of a comprehension."""
        if not name.startswith("."):
            return self._scope.get(name)
        return None if self._environment.engine.dot_is_global else self._scope.get(name[1:])

    def _ident(self, node: Ident) -> Node:
        name = node.name.removeprefix(".")
        if (kind := self._local(node.name)) is not None:
            return self._typed(Ident(node.id, name), kind)
        kind = self._environment.names.get(name)
        if kind is None:
            return self._undeclared(node, node.name)
        self.names[node.id] = name
        return self._typed(node, kind)

    def _qualified(self, node: Node) -> str | None:
        """Return the name that a chain of fields spells, None if it is no such chain."""
        parts: list[str] = []
        while isinstance(node, Select):
            if node.test:
                return None
            parts.append(node.field)
            node = node.operand
        if not isinstance(node, Ident):
            return None
        return ".".join([node.name, *reversed(parts)])

    def _select(self, node: Select) -> Node:
        name = self._qualified(node)
        if name is not None:
            # A variable of a comprehension hides names that begin with its own, from cel-go 0.29 on.
            hidden = self._environment.engine.dot_is_global and self._local(name.partition(".")[0]) is not None
            kind = None if hidden else self._environment.names.get(name.removeprefix("."))
            if kind is not None:
                self.names[node.id] = name.removeprefix(".")
                return self._typed(node, kind)
        operand = self.check(node.operand)
        kind = self._field(node, operand, node.field)
        kind = _BOOL if node.test else self.types.resolved(kind)
        if isinstance(operand, Ident) and operand.name == "device" and not node.test and operand.id in self.names:
            name = f"device.{node.field}"
            self.names[node.id] = name
            return self._typed(Ident(node.id, name), kind)
        return self._typed(replace(node, operand=operand), kind)

    def _field(self, node: Node, operand: Node, field: str) -> Type:
        """Return the type of a field of an operand."""
        kind, optional = unwrapped(self.types.resolved(self._kind(operand)))
        if kind[0] == "map":
            found: Type = kind[1][1]
        elif kind[0] == DEVICE_TYPE:
            fields = self._environment.fields
            found = fields.get(field, ERROR)
            if field not in fields:
                self._fault(node, f"undefined field '{field}'")
        elif is_object(kind):
            self._fault(node, f"unexpected failed resolution of '{kind[0]}'")
            found = ERROR
        elif is_parameter(kind):
            self.types.assignable(DYN, kind)
            found = DYN
        else:
            if not (is_dyn(kind) or kind == ERROR):
                self._fault(node, f"type '{written(kind)}' does not support field selection")
            found = DYN
        return ("optional_type", (found,)) if optional else found

    def _optional_field(self, node: Call) -> Node:
        operand, field = node.args
        operand = self.check(operand)
        assert isinstance(field, Const)
        kind, _ = unwrapped(self._field(node, operand, field.value))
        self.overloads[node.id] = ("select_optional_field",)
        self._typed(field, ("string", ()))
        return self._typed(replace(node, args=(operand, field)), self.types.resolved(("optional_type", (kind,))))

    def _call(self, node: Call) -> Node:
        if node.function == "_?._":
            return self._optional_field(node)
        node = replace(node, args=tuple(map(self.check, node.args)))
        target = node.target
        functions = self._environment.functions
        if target is None:
            name = node.function.removeprefix(".")
            if name not in functions:
                return self._undeclared(node, node.function)
            return self._resolved(replace(node, function=name), functions[name])
        prefix = self._qualified(target)
        if prefix is not None and (name := f"{prefix}.{node.function}".removeprefix(".")) in functions:
            return self._resolved(replace(node, function=name, target=None), functions[name])
        node = replace(node, target=self.check(target))
        if node.function not in functions:
            return self._undeclared(node, node.function)
        return self._resolved(node, functions[node.function])

    def _resolved(self, node: Call, overloads: tuple[Overload, ...]) -> Node:
        """Return a call with the overloads that its arguments allow."""
        parts = node.args if node.target is None else (node.target, *node.args)
        kinds = tuple(map(self._kind, parts))
        if node.function in _LOGICAL:
            return self._logical(node, parts, kinds)
        found: list[str] = []
        result: Type | None = None
        for overload in overloads:
            if overload.member != (node.target is not None):
                continue
            fresh = {name: self.types.parameter() for name in overload.generics}
            parameters = tuple(_instance(kind, fresh) for kind in overload.kinds)
            if not self.types.all_assignable(kinds, parameters):
                continue
            found.append(overload.id)
            kind = self.types.resolved(_instance(overload.result_kind, fresh))
            if result is None:
                result = kind
            elif not is_dyn(result) and kind != result:
                result = DYN
        if result is None:
            texts = [written(self.types.resolved(kind, closed=True)) for kind in kinds]
            before = "" if node.target is None else f"{texts.pop(0)}."
            applied = f"{before}({', '.join(texts)})"
            self._fault(node, f"found no matching overload for '{node.function}' applied to '{applied}'")
            return self._typed(node, ERROR)
        self.overloads[node.id] = tuple(found)
        return self._typed(node, result)

    def _logical(self, node: Call, parts: tuple[Node, ...], kinds: tuple[Type, ...]) -> Node:
        good = True
        for part, kind in zip(parts, kinds, strict=True):
            if not self.types.assignable(kind, _BOOL):
                self._fault(part, f"expected type 'bool' but found '{written(kind)}'")
                good = False
        if good:
            self.overloads[node.id] = (_LOGICAL[node.function],)
        return self._typed(node, _BOOL if good else ERROR)

    def _joined(self, before: Type | None, kind: Type) -> Type:
        """Return the type of elements of which one more is known; those of mixed types are a matter of the rules."""
        if before is None:
            return kind
        return most_general(before, kind) if self.types.assignable(before, kind) else DYN

    def _element(self, node: Node, *, optional: bool) -> Type:
        kind = self._kind(node)
        if not optional:
            return kind
        inner, wrapped = unwrapped(kind)
        if not wrapped and not is_dyn(kind):
            self._fault(node, f"expected type 'optional_type({written(kind)})' but found '{written(kind)}'")
        return inner

    def _list(self, node: ListLiteral) -> Node:
        kind: Type | None = None
        elements = []
        for index, element in enumerate(node.elements):
            elements.append(self.check(element))
            kind = self._joined(kind, self._element(element, optional=index in node.optional))
        return self._typed(replace(node, elements=tuple(elements)), ("list", (kind or self.types.parameter(),)))

    def _map(self, node: MapLiteral) -> Node:
        keys: Type | None = None
        values: Type | None = None
        entries = []
        for entry_id, key, value, optional in node.entries:
            checked_key = self.check(key)
            keys = self._joined(keys, self._kind(key))
            checked_value = self.check(value)
            values = self._joined(values, self._element(value, optional=optional))
            entries.append((entry_id, checked_key, checked_value, optional))
        if keys is None or values is None:
            keys, values = self.types.parameter(), self.types.parameter()
        return self._typed(replace(node, entries=tuple(entries)), ("map", (keys, values)))

    def _struct(self, node: Struct) -> Node:
        name = node.name.removeprefix(".")
        if name.startswith("google.protobuf.") or name == DEVICE_TYPE:
            # Upstream knows these messages.
            return self._typed(node, DYN)
        if name not in self._environment.names:
            return self._undeclared(node, node.name)
        kind = self._environment.names[name]
        if kind[0] != "type":
            self._fault(node, f"'{written(kind)}' is not a type")
        else:
            self._fault(node, f"'{written(kind[1][0]) if kind[1] else 'type'}' is not a message type")
        return self._typed(node, ERROR)

    def _variables(self, node: Fold, over: Node) -> tuple[Type, Type]:
        """Return the types of what a comprehension runs over: of the first and the second variable."""
        kind = self.types.resolved(self._kind(over))
        two = bool(node.variable2)
        if kind[0] == "list":
            return (_INT, kind[1][0]) if two else (kind[1][0], ERROR)
        if kind[0] == "map":
            return kind[1][0], kind[1][1]
        if kind[0] == "dyn" or kind == ERROR or is_parameter(kind):
            self.types.assignable(DYN, kind)
            return DYN, DYN
        self._fault(over, _NO_RANGE.format(written(kind)))
        return ERROR, ERROR

    def _fold(self, node: Fold) -> Node:
        over, start = self.check(node.over), self.check(node.start)
        # cel-go types the range before the rest of the comprehension is seen.
        outer, accumulated = self._scope, self._kind(start)
        first, second = self._variables(node, over)
        inner = outer.new_child({node.accumulator: accumulated})
        own = {node.variable: first}
        if node.variable2:
            own[node.variable2] = second
        self._scope = inner.new_child(own)
        condition = self._asserted(node.condition, _BOOL)
        step = self._asserted(node.step, accumulated)
        self._scope = inner
        result = self.check(node.result)
        self._scope = outer
        kind = self.types.resolved(self._kind(result))
        return self._typed(replace(node, over=over, start=start, condition=condition, step=step, result=result), kind)

    def _asserted(self, node: Node, kind: Type) -> Node:
        checked = self.check(node)
        found = self._kind(node)
        if not self.types.assignable(kind, found):
            self._fault(node, f"expected type '{written(kind)}' but found '{written(found)}'")
        return checked


def _instance(kind: Type, fresh: dict[str, Type]) -> Type:
    """Return a declared type with fresh type parameters."""
    if is_parameter(kind):
        return fresh[kind[0]]
    name, parameters = kind
    return (name, tuple(_instance(part, fresh) for part in parameters)) if parameters else kind
