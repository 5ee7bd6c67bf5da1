"""What plain scalars of YAML mean to Kubernetes (K8s I3b).

``y n yes no on off`` are booleans, also as keys; ``0777`` and ``0o17`` are octal, ``12:30`` is text; dates stay text;
numbers end as JSON numbers, so ``1e3`` is the whole number 1000.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal
from typing import Any, Final

from drapolicy.api.values import MAX_DIGITS, Unreadable, too_long

_LARGEST_SINGLE: Final = 3.4e38
_FIRST_OF_NUMBERS: Final = frozenset("+-.0123456789")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?")


def resolve(text: str) -> Any:
    """Return what a plain scalar means to Kubernetes.

    Examples
    --------
    >>> [resolve(text) for text in ("n", "0777", "12:30", "1e3", "1.50", "2001-01-01")]
    [False, 511, '12:30', 1000, 1.5, '2001-01-01']
    """
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in _FIRST_OF_NUMBERS:
        return text
    if len(text) > MAX_DIGITS and _FLOAT.fullmatch(text.replace("_", "")):
        return Unreadable(too_long(text))
    if _NOT_FINITE.fullmatch(text):
        return Unreadable(f"{text} is no number that Kubernetes knows; write a finite number or quote it")
    if text.startswith("._"):
        return text
    plain = text.replace("_", "")
    if _INT.fullmatch(plain):
        return _whole(plain)
    if _FLOAT.fullmatch(plain):
        return _float(text)
    return text


def is_float(text: str) -> bool:
    """Return whether a plain scalar is a number, but not written as a whole one."""
    plain = text.replace("_", "")
    return (
        text[:1] in _FIRST_OF_NUMBERS
        and not text.startswith("._")
        and len(text) <= MAX_DIGITS
        and _FLOAT.fullmatch(plain) is not None
        and _INT.fullmatch(plain) is None
    )


def _whole(plain: str) -> Any:
    """Return a whole number; beyond 64 bits it becomes a float, and so loses digits, as upstream."""
    digits = plain.lstrip("+-")
    base = {"x": 16, "b": 2, "o": 8}.get(digits[1:2].lower(), 8 if len(digits) > 1 and digits[0] == "0" else 10)
    number = int(digits[2:] if digits[1:2].lower() in {"x", "b", "o"} else digits, base)
    if plain[0] == "-":
        number = -number
    if -(2**63) <= number < 2**64:
        return number
    return _float(plain) if base == 10 else plain


def _float(text: str) -> Any:
    """Return a float as its JSON form reads again: without a point, and so as an int64 if it fits, if it is whole."""
    number = float(text.replace("_", ""))
    if math.isinf(number):
        return text
    if number.is_integer() and abs(number) < 2**63:
        return int(Decimal(repr(number)))
    return number


def is_date(text: str) -> bool:
    """Return whether a text may stand under the tag ``!!timestamp``."""
    return _DATE.fullmatch(text) is not None


def float_key(text: str) -> str:
    """Return a number that is a key and no whole number the way upstream writes it: the digits of single precision."""
    number = float(text.replace("_", ""))
    if abs(number) > _LARGEST_SINGLE:
        return text
    digits = next(shown for n in range(9) if _single(float(shown := f"{number:.{n}e}")) == _single(number))
    exponent = int(digits.partition("e")[2])
    return format(Decimal(digits), "f") if -4 <= exponent < 6 else digits


def _single(number: float) -> bytes:
    """Return a number in single precision."""
    return struct.pack("f", number)
