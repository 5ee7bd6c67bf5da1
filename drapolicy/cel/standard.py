"""Operators and functions of standard CEL on numbers, strings and types (K8s S57)."""

from __future__ import annotations

import math
from typing import Any

from drapolicy.cel.comparison import compare, equal
from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.library import regex_matches
from drapolicy.cel.times import Duration, Timestamp, added, negated, subtracted
from drapolicy.cel.values import INT_MAX, INT_MIN, MAPS, UINT_MAX, TextMap, TypeName, Uint, key, no_overload, type_name

LIBRARY = Library()
_function, _overload = LIBRARY.function, LIBRARY.overload

# Longer lists can only be built to exhaust memory; upstream keeps them unjoined.
MAX_LIST = 1_000_000


def checked_int(value: int) -> int:
    """Return an int that fits 64 bits."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("integer overflow")


def _foreign(operator: str, value: Any, kinds: frozenset[type]) -> EvaluationError:
    """Return the error of an operator whose left operand may be of a type without that operator at all.

    Upstream names the operator then, except for strings, which it asks to handle the call themselves.
    """
    return (
        no_overload()
        if type(value) in kinds or type(value) is str
        else EvaluationError(f"no such overload: {operator}")
    )


_ADDED = frozenset({int, Uint, float, str, bytes, list})
_SCALED = frozenset({int, Uint, float})
_DIVIDED = frozenset({int, Uint})
_NEGATED = frozenset({int, float, bool})
ORDERED = frozenset({int, Uint, float, str, bytes, bool, Duration, Timestamp})


def checked_uint(value: int) -> Uint:
    """Return an uint that fits 64 bits."""
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise EvaluationError("unsigned integer overflow")


_TIMES = frozenset({Duration, Timestamp})


def _timed(result: Duration | Timestamp | None) -> Duration | Timestamp:
    if result is None:
        raise no_overload()
    return result


@_function("_+_")
def add(left: Any, right: Any) -> Any:
    """Return a sum or a concatenation."""
    kind = type(left)
    if kind in _TIMES:
        return _timed(added(left, right))
    if kind is not type(right):
        raise _foreign("_+_", left, _ADDED)
    if kind is int:
        return checked_int(left + right)
    if kind is Uint:
        return checked_uint(int(left) + int(right))
    if kind is list:
        if len(left) + len(right) > MAX_LIST:
            raise EvaluationError(f"lists of more than {MAX_LIST} elements are not supported by drapolicy")
        return left + right
    if kind is str or kind is bytes or kind is float:
        return left + right
    raise _foreign("_+_", left, _ADDED)


@_function("_-_")
def subtract(left: Any, right: Any) -> Any:
    """Return a difference."""
    kind = type(left)
    if kind in _TIMES:
        return _timed(subtracted(left, right))
    if kind is not type(right):
        raise _foreign("_-_", left, _SCALED)
    if kind is int:
        return checked_int(left - right)
    if kind is Uint:
        return checked_uint(int(left) - int(right))
    if kind is float:
        return left - right
    raise _foreign("_-_", left, _SCALED)


@_function("_*_")
def multiply(left: Any, right: Any) -> Any:
    """Return a product."""
    kind = type(left)
    if kind is not type(right):
        raise _foreign("_*_", left, _SCALED)
    if kind is int:
        return checked_int(left * right)
    if kind is Uint:
        return checked_uint(int(left) * int(right))
    if kind is float:
        return left * right
    raise _foreign("_*_", left, _SCALED)


@_function("_/_")
def divide(left: Any, right: Any) -> Any:
    """Return a quotient; integers are cut towards zero."""
    kind = type(left)
    if kind is not type(right):
        raise _foreign("_/_", left, _SCALED)
    if kind is float:
        if right:
            return left / right
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    if kind is not int and kind is not Uint:
        raise _foreign("_/_", left, _SCALED)
    if not right:
        raise EvaluationError("division by zero")
    quotient = abs(int(left)) // abs(int(right))
    if kind is Uint:
        return Uint(quotient)
    return checked_int(quotient if (left < 0) == (right < 0) else -quotient)


@_function("_%_")
def modulo(left: Any, right: Any) -> Any:
    """Return a remainder with the sign of the dividend."""
    kind = type(left)
    if kind is not type(right) or kind not in {int, Uint}:
        raise _foreign("_%_", left, _DIVIDED)
    if not right:
        raise EvaluationError("modulus by zero")
    remainder = abs(int(left)) % abs(int(right))
    if kind is Uint:
        return Uint(remainder)
    if left == INT_MIN and right == -1:
        raise EvaluationError("integer overflow")
    return -remainder if left < 0 else remainder


@_function("-_")
def negate(value: Any) -> Any:
    """Return the negative."""
    if type(value) is int:
        return checked_int(-value)
    if type(value) is float:
        return -value
    if type(value) is Duration:
        return negated(value)
    raise _foreign("-_", value, _NEGATED)


@_function("!_")
def negation(value: Any) -> bool:
    """Return the opposite of a bool."""
    if type(value) is bool:
        return not value
    raise no_overload()


@_function("_==_")
def equals(left: Any, right: Any) -> bool:
    """Return whether two values are equal; quantities and versions refuse other types on their right."""
    answer = equal(left, right)
    if answer is None:
        raise no_overload()
    return answer


@_function("_!=_")
def differs(left: Any, right: Any) -> bool:
    """Return whether two values are not known to be equal."""
    return equal(left, right) is not True


def _order(operator: str, left: Any, right: Any) -> int:
    if type(left) not in ORDERED:
        raise _foreign(operator, left, ORDERED)
    return compare(left, right)


@_function("_<_")
def less(left: Any, right: Any) -> bool:
    """Return whether left comes before right."""
    return _order("_<_", left, right) < 0


@_function("_<=_")
def less_or_equal(left: Any, right: Any) -> bool:
    """Return whether left does not come after right."""
    return _order("_<=_", left, right) <= 0


@_function("_>_")
def greater(left: Any, right: Any) -> bool:
    """Return whether left comes after right."""
    return _order("_>_", left, right) > 0


@_function("_>=_")
def greater_or_equal(left: Any, right: Any) -> bool:
    """Return whether left does not come before right."""
    return _order("_>=_", left, right) >= 0


@_function("@in")
def contained(value: Any, container: Any) -> bool:
    """Return whether a list holds a value or a map a key."""
    if type(container) is list:
        return any(equal(value, element) is True for element in container)
    if type(container) in MAPS:
        if isinstance(container, TextMap) and type(value) is not str:
            return False
        try:
            return key(value) in container
        except TypeError:
            return False
    raise no_overload()


@_function("size")
def size(value: Any) -> int:
    """Return the number of characters, bytes, elements or entries."""
    if isinstance(value, (str, bytes, list, dict)):
        return len(value)
    raise EvaluationError("no such overload: size")


@_function("contains")
def contains(text: Any, part: Any) -> bool:
    """Return whether a string holds another."""
    if type(text) is not str or type(part) is not str:
        raise no_overload()
    return part in text


@_function("startsWith")
def starts_with(text: Any, part: Any) -> bool:
    """Return whether a string starts with another."""
    if type(text) is not str or type(part) is not str:
        raise no_overload()
    return text.startswith(part)


@_function("endsWith")
def ends_with(text: Any, part: Any) -> bool:
    """Return whether a string ends with another."""
    if type(text) is not str or type(part) is not str:
        raise no_overload()
    return text.endswith(part)


@_function("matches")
def matches(text: Any, pattern: Any) -> bool:
    """Return whether an RE2 pattern is found in a string."""
    if type(text) is not str or type(pattern) is not str:
        raise no_overload()
    return regex_matches(text, pattern)


@_function("type")
def type_of(value: Any) -> TypeName:
    """Return the type of a value."""
    return TypeName(type_name(value))


@_function("dyn")
def dyn(value: Any) -> Any:
    """Return the value itself."""
    return value
