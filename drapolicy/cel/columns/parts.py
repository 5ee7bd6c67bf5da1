"""Parts of expressions: which names they mention, and the same part with other parts in place of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from drapolicy.cel.syntax import Call, Checked, Fold, Ident, ListLiteral, MapLiteral, Node, Select, children


class Names:
    """Answers which names a part of an expression mentions and does not bind itself."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._known: dict[int, frozenset[str]] = {}

    def of(self, node: Node) -> frozenset[str]:
        """Return fields of the device as ``device.driver``, variables by name; names of types are left out."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = self._find(node)
        return known

    def is_type(self, node: Node) -> bool:
        """Return whether a part is the name of a type."""
        named = isinstance(node, Ident) or (isinstance(node, Select) and node.id in self._checked.names)
        return named and self._checked.type_of(node)[0] == "type"

    def _find(self, node: Node) -> frozenset[str]:
        if isinstance(node, Ident):
            full = self._checked.full_name(node)
            # A variable may hold a type, so only names that resolve to one without a scope are told apart later.
            return frozenset((full if full.startswith("device.") else node.name,))
        if self.is_type(node):
            return frozenset()
        if isinstance(node, Fold):
            inner = self.of(node.condition) | self.of(node.step)
            inner -= {node.variable, node.variable2}
            return self.of(node.over) | self.of(node.start) | ((inner | self.of(node.result)) - {node.accumulator})
        return frozenset[str]().union(*map(self.of, children(node)))


def is_binding(node: Fold) -> bool:
    """Return whether a comprehension runs over nothing, as ``cel.bind`` does to give a value a name."""
    return isinstance(node.over, ListLiteral) and not node.over.elements


def runs(node: Node) -> bool:
    """Return whether a part holds a comprehension, or a function that makes a list of any length."""
    if isinstance(node, Fold) or (isinstance(node, Call) and node.function == "lists.range"):
        return True
    return any(map(runs, children(node)))


def rebuilt(node: Node, change: Callable[[Node, frozenset[str]], Node]) -> Node:
    """Return a node with changed parts; ``change`` also gets the variables that the node binds for the part."""
    free = frozenset[str]()
    match node:
        case Select():
            return replace(node, operand=change(node.operand, free))
        case Call():
            target = None if node.target is None else change(node.target, free)
            return replace(node, target=target, args=tuple(change(arg, free) for arg in node.args))
        case ListLiteral():
            return replace(node, elements=tuple(change(element, free) for element in node.elements))
        case MapLiteral():
            entries = ((at, change(key, free), change(value, free), maybe) for at, key, value, maybe in node.entries)
            return replace(node, entries=tuple(entries))
        case Fold():
            own = frozenset((node.accumulator, node.variable, node.variable2))
            return replace(
                node,
                over=change(node.over, free),
                start=change(node.start, free),
                condition=change(node.condition, own),
                step=change(node.step, own),
                result=change(node.result, own),
            )
        case _:
            return node
