"""Operators and functions of standard CEL on numbers, strings and types, and conversions (K8s S57)."""

from __future__ import annotations

import math
import re
from typing import Any

from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.library import regex_matches
from drapolicy.cel.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    DefaultMap,
    TypeName,
    Uint,
    compare,
    double_text,
    equal,
    key,
    no_overload,
    type_name,
)

LIBRARY = Library()
_function, _overload = LIBRARY.function, LIBRARY.overload

# Longer lists can only be built to exhaust memory; upstream keeps them unjoined.
MAX_LIST = 1_000_000


def _int(value: int) -> int:
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
_ORDERED = frozenset({int, Uint, float, str, bytes, bool})


def _uint(value: int) -> Uint:
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise EvaluationError("unsigned integer overflow")


@_function("_+_")
def add(left: Any, right: Any) -> Any:
    """Return a sum or a concatenation."""
    kind = type(left)
    if kind is not type(right):
        raise _foreign("_+_", left, _ADDED)
    if kind is int:
        return _int(left + right)
    if kind is Uint:
        return _uint(int(left) + int(right))
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
    if kind is not type(right):
        raise _foreign("_-_", left, _SCALED)
    if kind is int:
        return _int(left - right)
    if kind is Uint:
        return _uint(int(left) - int(right))
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
        return _int(left * right)
    if kind is Uint:
        return _uint(int(left) * int(right))
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
    return _int(quotient if (left < 0) == (right < 0) else -quotient)


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
        return _int(-value)
    if type(value) is float:
        return -value
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
    if type(left) not in _ORDERED:
        raise _foreign(operator, left, _ORDERED)
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
    if type(container) is dict or type(container) is DefaultMap:
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


_INTEGER = re.compile(r"[+-]?[0-9]+")
_UNSIGNED = re.compile(r"[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_HEX_FLOAT = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]{1,4}")


def _no_conversion(source: str, target: str) -> EvaluationError:
    return EvaluationError(f"type conversion error from '{source}' to '{target}'")


@_overload("int", "int")
@_overload("uint", "uint")
@_overload("double", "double")
@_overload("string", "string")
@_overload("bool", "bool")
@_overload("bytes", "bytes")
def same(value: Any) -> Any:
    """Return the value itself."""
    return value


@_overload("int", "uint")
def int_from_uint(value: Uint) -> int:
    """Return an uint as int."""
    return _int(int(value))


@_overload("int", "double")
def int_from_double(value: float) -> int:
    """Return a double cut towards zero."""
    if not math.isfinite(value) or not INT_MIN < value < 2**63:
        raise EvaluationError("integer overflow")
    return int(value)


@_overload("int", "string")
def int_from_string(value: str) -> int:
    """Return the int that a string spells."""
    if _INTEGER.fullmatch(value) and len(value) < 100 and INT_MIN <= int(value) <= INT_MAX:
        return int(value)
    raise _no_conversion("string", "int")


@_overload("uint", "int")
def uint_from_int(value: int) -> Uint:
    """Return an int as uint."""
    return _uint(value)


@_overload("uint", "double")
def uint_from_double(value: float) -> Uint:
    """Return a double cut towards zero as uint."""
    if not math.isfinite(value) or not 0 <= value < 2**64:
        raise EvaluationError("unsigned integer overflow")
    return Uint(int(value))


@_overload("uint", "string")
def uint_from_string(value: str) -> Uint:
    """Return the uint that a string spells."""
    if _UNSIGNED.fullmatch(value) and len(value) < 100 and int(value) <= UINT_MAX:
        return Uint(int(value))
    raise _no_conversion("string", "uint")


@_overload("double", "int")
@_overload("double", "uint")
def double_from_number(value: int) -> float:
    """Return the nearest double."""
    return float(value)


@_overload("double", "string")
def double_from_string(value: str) -> float:
    """Return the double that a string spells."""
    if _HEX_FLOAT.fullmatch(value):
        return float.fromhex(value)
    if _FLOAT.fullmatch(value) and not (math.isinf(float(value)) and "n" not in value.lower()):
        return float(value)
    raise _no_conversion("string", "double")


@_overload("string", "int")
@_overload("string", "uint")
def string_from_integer(value: int) -> str:
    """Return the decimal digits."""
    return str(int(value))


@_overload("string", "double")
def string_from_double(value: float) -> str:
    """Return the shortest digits that read back as the same double."""
    return double_text(value)


@_overload("string", "bool")
def string_from_bool(value: bool) -> str:  # noqa: FBT001
    """Return true or false."""
    return "true" if value else "false"


@_overload("string", "bytes")
def string_from_bytes(value: bytes) -> str:
    """Return bytes read as UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


@_overload("bytes", "string")
def bytes_from_string(value: str) -> bytes:
    """Return a string in UTF-8."""
    return value.encode()


@_overload("bool", "string")
def bool_from_string(value: str) -> bool:
    """Return the bool that a string spells."""
    if value in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if value in {"0", "f", "F", "false", "FALSE", "False"}:
        return False
    raise _no_conversion("string", "bool")
