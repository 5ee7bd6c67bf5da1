"""What an expression may cost, estimated before it runs as cel-go and Kubernetes estimate it.

API validation refuses a selector whose estimate exceeds the limit. Sizes come from the expression where it shows them
and from what Kubernetes declares of ``device`` where it does not.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from drapolicy.cel.call_estimates import Estimate, Shape, estimate_call
from drapolicy.cel.cost import IDENT, LIST_BASE, MAP_BASE, MAX, NOTHING, ONE, STRUCT_BASE, UNKNOWN, Range, exactly
from drapolicy.cel.declared import Path, declared_size, extended
from drapolicy.cel.environment import Environment
from drapolicy.cel.syntax import (
    Call,
    Checked,
    Const,
    Fold,
    Ident,
    ListLiteral,
    MapLiteral,
    Node,
    Select,
    Type,
)

_SCALARS = frozenset({"bool", "double", "int", "uint", "google.protobuf.Duration", "google.protobuf.Timestamp"})
_STRUCTS = "kubernetes."


class Entries(NamedTuple):
    """Sizes of the keys and values of a list or map."""

    container: str
    key: Range
    value: Range

    def union(self, other: Entries | None) -> Entries | None:
        """Return the sizes of what may be either."""
        if other is None:
            return None
        return Entries(self.container, self.key.union(other.key), self.value.union(other.value))


class Local(NamedTuple):
    """A variable of a comprehension."""

    path: Path | None
    size: Range | None
    entries: Entries | None


def estimate(checked: Checked, environment: Environment) -> Range:
    """Return the least and the most that evaluating an expression may cost."""
    return _Estimator(checked, environment).cost(checked.root)


class _Estimator:
    def __init__(self, checked: Checked, environment: Environment) -> None:
        self._checked = checked
        self._environment = environment
        self._paths: dict[int, Path] = {}
        self._locals: dict[str, list[Local]] = {}
        self._sizes: dict[int, Range] = {}
        self._entries: dict[int, Entries] = {}

    def cost(self, node: Node) -> Range:
        match node:
            case Const():
                return NOTHING
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
                return self._bind(node) if is_bind(node) else self._fold(node)
        return exactly(STRUCT_BASE)

    def _ident(self, node: Ident) -> Range:
        local = self._local(node.name)
        if local is not None:
            if local.path is not None:
                self._paths[node.id] = local.path
            return exactly(IDENT)
        name = self._checked.names.get(node.id, node.name)
        head, _, field = name.removeprefix(".").partition(".")
        if head == "device" and field:
            # Fields of the device are declared as names of their own, but cost what a field costs.
            self._paths[node.id] = extended(extended(None, head), field)
            return exactly(2 * IDENT)
        self._paths[node.id] = extended(None, name)
        return exactly(IDENT)

    def _select(self, node: Select) -> Range:
        cost = self.cost(node.operand)
        if node.test:
            return cost
        kind = self._checked.type_of(node.operand)[0]
        if kind == "map" or kind.startswith(_STRUCTS):
            cost = cost.plus(exactly(IDENT))
        self._paths[node.id] = extended(self._path(node.operand), node.field)
        return cost

    def _list(self, node: ListLiteral) -> Range:
        total, item = NOTHING, Range(0 if not node.elements else MAX, 0)
        for element in node.elements:
            total = total.plus(self.cost(element))
            item = item.union(self._size(element) or UNKNOWN)
        self._entries[node.id] = Entries("list", ONE, item)
        return total.plus(exactly(LIST_BASE))

    def _map(self, node: MapLiteral) -> Range:
        total = NOTHING
        keys = values = Range(0 if not node.entries else MAX, 0)
        for _, key, value, _ in node.entries:
            total = total.plus(self.cost(key)).plus(self.cost(value))
            keys = keys.union(self._size(key) or UNKNOWN)
            values = values.union(self._size(value) or UNKNOWN)
        self._entries[node.id] = Entries("map", keys, values)
        return total.plus(exactly(MAP_BASE))

    def _fold(self, node: Fold) -> Range:
        total = self.cost(node.over).plus(self.cost(node.start))
        self._push(node.accumulator, self._bound(node.start))
        if node.variable2:
            self._push(node.variable, self._iterated(node.over, "@keys", "@indices", key=True))
            self._push(node.variable2, self._iterated(node.over, "@values", "@items", key=False))
        else:
            kind = self._container(node.over)
            self._push(node.variable, self._iterated(node.over, "@keys", "@items", key=kind != "list"))
        loop = self.cost(node.condition)
        loop = self.cost(node.step).plus(loop)
        self._locals[node.variable].pop()
        if node.variable2:
            self._locals[node.variable2].pop()
        total = total.plus(self.cost(node.result))
        self._locals[node.accumulator].pop()
        count = self._size(node.over) or UNKNOWN
        total = total.plus(count.times(loop))
        if isinstance(node.start, Const):
            self._set_size(node, self._size(node.start))
        elif isinstance(node.start, ListLiteral | MapLiteral):
            self._sizes[node.id] = count
            self._set_entries(node, self._entries_of(node.step))
        return total

    def _bind(self, node: Fold) -> Range:
        total = self.cost(node.over).plus(self.cost(node.start))
        self._push(node.accumulator, self._bound(node.start))
        total = total.plus(self.cost(node.result))
        self._locals[node.accumulator].pop()
        self._copy(node, node.result)
        return total

    def _call(self, node: Call) -> Range:
        if node.function == "dyn":
            cost = ONE.plus(self.cost(node.args[0]))
            self._copy(node, node.args[0])
            return cost
        costs, shapes = [], []
        for argument in node.args:
            costs.append(self.cost(argument))
            shapes.append(self._shape(argument))
        overloads = self._checked.overloads.get(node.id, ())
        if not overloads:
            return NOTHING
        total, target = NOTHING, None
        if node.target is not None:
            total = self.cost(node.target)
            target = self._shape(node.target)
        price = Range(MAX, 0)
        size: Range | None = None
        for overload in overloads:
            found = self._overload(node, overload, target, shapes, costs)
            price = price.union(found.cost)
            if found.size is not None:
                size = found.size if size is None else size.union(found.size)
            if overload in {"index_list", "index_map"}:
                entries = self._entries_of(node.args[0])
                size = entries.value if entries else None
                step = "@items" if overload == "index_list" else "@values"
                self._paths[node.id] = extended(self._path(node.args[0]), step)
            if size is None:
                size = self._size(node)
        self._set_size(node, size)
        return total.plus(price)

    def _overload(
        self, node: Call, overload: str, target: Shape | None, shapes: list[Shape], costs: list[Range]
    ) -> Estimate:
        match overload:
            case "logical_and" | "logical_or":
                return Estimate(Range(costs[0].min, costs[0].plus(costs[1]).max), None)
            case "conditional":
                then, otherwise = (self._entries_of(part) for part in node.args[1:])
                if then is not None:
                    self._set_entries(node, then.union(otherwise))
                size = (shapes[1].size or UNKNOWN).union(shapes[2].size or UNKNOWN)
                return Estimate(costs[0].plus(costs[1].union(costs[2])), size)
            case "add_list" | "add_string" | "add_bytes":
                left = self._entries_of(node.args[0])
                if left is not None:
                    self._set_entries(node, left.union(self._entries_of(node.args[1])))
        found = estimate_call(node, overload, target, shapes, self._environment)
        return Estimate(functools.reduce(Range.plus, costs, found.cost), found.size)

    def _local(self, name: str) -> Local | None:
        stack = self._locals.get(name)
        return stack[-1] if stack else None

    def _push(self, name: str, local: Local) -> None:
        self._locals.setdefault(name, []).append(local)

    def _bound(self, node: Node) -> Local:
        path, entries = self._path(node), self._entries_of(node)
        return Local(path, self._size(node), entries)

    def _container(self, over: Node) -> str:
        entries = self._entries_of(over)
        return entries.container if entries else str(self._checked.type_of(over)[0])

    def _iterated(self, over: Node, of_map: str, of_list: str, *, key: bool) -> Local:
        entries = self._entries_of(over)
        size = None if entries is None else entries.key if key else entries.value
        step = of_list if self._container(over) == "list" else of_map
        return Local(extended(self._path(over), step), size, None)

    def _path(self, node: Node) -> Path | None:
        if isinstance(node, Ident) and (local := self._local(node.name)) is not None:
            return local.path
        return self._paths.get(node.id)

    def _shape(self, node: Node) -> Shape:
        path = self._path(node)
        if path is not None and path.names[0] in {"__result__", "@result"}:
            path = None
        return Shape(path, self._checked.type_of(node), node, self._size(node))

    def _set_size(self, node: Node, size: Range | None) -> None:
        if size is not None:
            self._sizes[node.id] = size

    def _set_entries(self, node: Node, entries: Entries | None) -> None:
        if entries is not None:
            self._entries[node.id] = entries

    def _copy(self, node: Node, source: Node) -> None:
        self._set_size(node, self._size(source))
        self._set_entries(node, self._entries_of(source))

    def _size(self, node: Node) -> Range | None:
        if (known := self._sizes.get(node.id)) is not None:
            return known
        if (written := _written_size(node)) is not None:
            return exactly(written)
        if (declared := declared_size(self._path(node))) is not None:
            self._sizes[node.id] = declared
            return declared
        if _is_scalar(self._checked.type_of(node)):
            return ONE
        if isinstance(node, Ident) and (local := self._local(node.name)) is not None:
            return local.size
        return None

    def _entries_of(self, node: Node) -> Entries | None:
        if (known := self._entries.get(node.id)) is not None:
            return known
        if isinstance(node, Ident) and (local := self._local(node.name)) is not None:
            return local.entries
        return None


def _written_size(node: Node) -> int | None:
    match node:
        case Const(value=str(value) | bytes(value)):
            return len(value)
        case Const():
            return 1
        case ListLiteral():
            return len(node.elements)
        case MapLiteral():
            return len(node.entries)
    return None


def _is_scalar(kind: Type) -> bool:
    name, parameters = kind
    if name == "optional_type" and parameters:
        return _is_scalar(parameters[0])
    return name in _SCALARS


def is_bind(node: Fold) -> bool:
    """Return whether a comprehension only names a value."""
    empty = isinstance(node.over, ListLiteral) and not node.over.elements
    never = isinstance(node.condition, Const) and node.condition.value is False
    return empty and never and node.accumulator != "__result__"
