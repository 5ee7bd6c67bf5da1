"""Equality and order of CEL values (K8s S57)."""

from __future__ import annotations

import math
from typing import Any

from drapolicy.api.quantity import Quantity
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.values import EMPTY, MAPS, DefaultMap, Optional, Sum, Uint, no_overload

_NUMBERS = frozenset({int, Uint, float})


def same_number(left: Any, right: Any) -> bool:
    """Return whether two numbers are equal; beside a double, an integer counts as the nearest double."""
    if type(left) is float or type(right) is float:
        return float(left) == float(right)
    return bool(left == right)


def equal(left: Any, right: Any) -> bool | None:
    """Return whether two values are equal; None where upstream's comparison is an error.

    Inside lists and maps such an error counts as equal, because upstream only looks for a clear "no" there.
    """
    if left is None or right is None:
        return left is None and right is None
    kind = type(left)
    if kind in _NUMBERS:
        return type(right) in _NUMBERS and same_number(left, right)
    if kind is Quantity or kind is Sum:
        if type(right) is not Quantity:
            return None
        return bool((left.quantity if kind is Sum else left) == right)
    if kind is list:
        if type(right) is not list or len(left) != len(right):
            return False
        return all(equal(mine, other) is not False for mine, other in zip(left, right, strict=True))
    if kind in MAPS:
        return _equal_maps(left, right)
    if kind is Optional:
        if type(right) is not Optional or left.present != right.present:
            return False
        return equal(left.value, right.value) if left.present else True
    if getattr(left, "strict_equality", False) and type(right) is not kind:
        return None
    return type(right) is kind and bool(left == right)


def _equal_maps(left: dict[Any, Any], right: Any) -> bool:
    if not isinstance(right, dict) or len(left) != len(right):
        return False
    for entry, value in left.items():
        if entry in right:
            other = right[entry]
        elif type(right) is DefaultMap:
            other = EMPTY
        else:
            return False
        if equal(value, other) is False:
            return False
    return True


def compare(left: Any, right: Any) -> int:
    """Return -1, 0 or 1 for two values that have an order.

    Raises
    ------
    EvaluationError
        For values without order between them (``no such overload``) and for NaN.
    """
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        if math.isnan(left) or math.isnan(right):
            raise EvaluationError("NaN values cannot be ordered")
        if type(left) is float or type(right) is float:
            left, right = float(left), float(right)
    elif type(left) is not type(right) or not (isinstance(left, (str, bytes, bool)) or getattr(left, "ordered", False)):
        raise no_overload()
    if type(left) is str and not (left.isascii() and right.isascii()):
        left, right = left.encode(), right.encode()
    return int(left > right) - int(left < right)
