"""Comparisons with constants on columns of very many distinct values, such as serial numbers.

Only where the answer cannot depend on more than two plain values of one type; the evaluator decides the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from drapolicy.cel.columns.step import slot
from drapolicy.cel.syntax import Call, Const, ListLiteral, Node

_ANY: dict[str, Callable[[Sequence[Any], Any], list[bool]]] = {
    "_==_": lambda values, wanted: [value == wanted for value in values],
    "_!=_": lambda values, wanted: [value != wanted for value in values],
}
_TESTS: dict[type, dict[str, Callable[[Sequence[Any], Any], list[bool]]]] = {
    str: {
        **_ANY,
        "startsWith": lambda values, part: [value.startswith(part) for value in values],
        "endsWith": lambda values, part: [value.endswith(part) for value in values],
        "contains": lambda values, part: [part in value for value in values],
    },
    int: {
        **_ANY,
        "_<_": lambda values, bound: [value < bound for value in values],
        "_<=_": lambda values, bound: [value <= bound for value in values],
        "_>_": lambda values, bound: [value > bound for value in values],
        "_>=_": lambda values, bound: [value >= bound for value in values],
    },
}


def in_bulk(node: Node, kind: type | None, values: Sequence[Any]) -> list[bool] | None:
    """Return what a part of an expression says of many values; None unless it compares them with constants.

    Parameters
    ----------
    node
        The part, with one slot for its operand.
    kind
        Type of all values, None if there is no such type.
    values
        What the operand may be.
    """
    if kind not in _TESTS or not isinstance(node, Call):
        return None
    match (*([] if node.target is None else [node.target]), *node.args):
        case (operand, Const(value=wanted)) if operand == slot(0) and type(wanted) is kind:
            test = _TESTS[kind].get(node.function)
            return None if test is None else test(values, wanted)
        case (operand, ListLiteral(elements=elements)) if operand == slot(0) and node.function == "@in":
            if all(isinstance(part, Const) and type(part.value) is kind for part in elements):
                members = {part.value for part in elements if isinstance(part, Const)}
                return [value in members for value in values]
    return None
