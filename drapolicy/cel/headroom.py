"""How large a device may be before a selector could reach the limit of cost.

Keeping account costs time. Most selectors cannot come near the limit on any device that an API server stores; an upper
bound of their cost, far simpler than the cost itself, shows it once per selector.
"""

from __future__ import annotations

from drapolicy.cel.call_estimates import NOMINAL, PARSES, WALKS
from drapolicy.cel.cost import LIMIT
from drapolicy.cel.syntax import Call, Checked, Const, Fold, ListLiteral, MapLiteral, Node, children

# Functions whose result is no larger than the largest operand, and whose cost is within that of a pattern match.
_MODEST = (
    NOMINAL
    | PARSES
    | WALKS
    | {"_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_[_]", "_[?_]", "_?._"}
    | {"_-_", "_*_", "_/_", "_%_", "-_", "@not_strictly_false", "or", "orValue", "value", "hasValue", "optional.of"}
    | {"optional.none", "size", "int", "uint", "double", "bool", "dyn", "type", "startsWith", "endsWith", "contains"}
    | {"matches", "find", "ip", "containsIP", "containsCIDR", "lowerAscii", "upperAscii", "trim", "substring", "charAt"}
)
_SCALES = (64, 256, 1024, 4096)
# A literal of a map, the most expensive step of a fixed cost.
_STEP = 31


def free_to(checked: Checked) -> int:
    """Return a device scale up to which the selector stays below the limit; -1 if none is sure."""
    added = _growth(checked.root)
    if added is None:
        return -1
    best = -1
    for scale in _SCALES:
        if _most(checked.root, (scale + added[0]) << added[1]) > LIMIT:
            break
        best = scale
    return best


def _growth(root: Node) -> tuple[int, int] | None:
    """Return the size of all literals and the number of sums, which may double a size; None for other growth."""
    literals, sums = 32, 0
    nodes = [root]
    while nodes:
        node = nodes.pop()
        nodes += children(node)
        match node:
            case Const(value=str(value) | bytes(value)):
                literals += len(value)
            case ListLiteral(elements=elements):
                literals += len(elements)
            case MapLiteral(entries=entries):
                literals += len(entries)
            case Call(function="_+_"):
                sums += 1
            case Call(function=function) if function not in _MODEST:
                return None
    return literals, sums


def _most(node: Node, size: int) -> int:
    """Return more than a node can cost if no string, list or map is larger than a size."""
    if isinstance(node, Fold):
        loop = _most(node.condition, size) + _most(node.step, size)
        return _STEP + _most(node.over, size) + _most(node.start, size) + _most(node.result, size) + size * loop
    cost = _STEP + sum(_most(child, size) for child in children(node))
    if isinstance(node, Call):
        match node.function:
            case "contains" | "matches" | "find":
                return cost + (size // 10 + 2) * (size // 4 + 2)
            case function if function in WALKS:
                return cost + size * (size // 10 + 2)
            case _:
                return cost + size
    return cost
