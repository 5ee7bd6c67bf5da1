"""Conversions between the simple types of CEL (K8s S57)."""

from __future__ import annotations

import math
import re
from typing import Any

from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.go_texts import double_text
from drapolicy.cel.standard import checked_int, checked_uint
from drapolicy.cel.values import INT_MAX, INT_MIN, UINT_MAX, Uint

LIBRARY = Library()
_overload = LIBRARY.overload

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
    return checked_int(int(value))


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
    return checked_uint(value)


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
def string_from_bool(value: bool) -> str:
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
