"""Checked expressions as a tree of small values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Const:
    """A literal."""

    id: int
    value: Any


@dataclass(frozen=True, slots=True)
class Ident:
    """A variable, or a type named in the expression."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """A field of an operand; with ``test`` only whether it is there."""

    id: int
    operand: Node
    field: str
    test: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function or, with a target, a member function."""

    id: int
    function: str
    target: Node | None
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """A list; elements whose position is in ``optional`` are left out when they hold nothing."""

    id: int
    elements: tuple[Node, ...]
    optional: frozenset[int]


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """A map; entries are (id, key, value, optional)."""

    id: int
    entries: tuple[tuple[int, Node, Node, bool], ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """A comprehension: what every macro over lists and maps, and ``cel.bind``, turns into."""

    id: int
    variable: str
    variable2: str
    over: Node
    accumulator: str
    start: Node
    condition: Node
    step: Node
    result: Node


@dataclass(frozen=True, slots=True)
class Struct:
    """A message literal; no message can be named in a selector, so it is only ever refused."""

    id: int
    name: str


Node = Const | Ident | Select | Call | ListLiteral | MapLiteral | Fold | Struct


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node, in the order of the expression."""
    match node:
        case Select():
            return (node.operand,)
        case Call():
            return (node.target, *node.args) if node.target else node.args
        case ListLiteral():
            return node.elements
        case MapLiteral():
            return tuple(part for _, key, value, _ in node.entries for part in (key, value))
        case Fold():
            return (node.over, node.start, node.condition, node.step, node.result)
        case _:
            return ()


# A type is its name and parameters, e.g. ("map", (("string", ()), ("dyn", ()))).
Type = tuple[str, tuple[Any, ...]]
DYN: Type = ("dyn", ())
# What has a fault; it fits anywhere, so that one fault does not cause others.
ERROR: Type = ("!error!", ())


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed expression.

    Attributes
    ----------
    root
        The tree.
    positions
        Offset of each node in the expression by its id, in characters.
    """

    root: Node
    positions: dict[int, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked expression.

    Attributes
    ----------
    root
        The tree.
    types
        Type of each node by its id; nodes of type dyn may be left out.
    names
        Qualified name that each identifier, field chain or namespaced function was resolved to, by node id.
    overloads
        Overloads that each call may turn out to be, by node id.
    positions
        Offset of each node in the expression, in characters.
    """

    root: Node
    types: dict[int, Type]
    names: dict[int, str]
    overloads: dict[int, tuple[str, ...]]
    positions: dict[int, int]

    def full_name(self, node: Ident) -> str:
        """Return the name that an identifier was resolved to, without the dot that may lead it."""
        return self.names.get(node.id, node.name).removeprefix(".")

    def type_of(self, node: Node) -> Type:
        """Return the static type of a node."""
        return self.types.get(node.id, DYN)
