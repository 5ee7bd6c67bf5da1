"""Functions that Kubernetes adds for quantities and versions (K8s S57)."""

from __future__ import annotations

import math
import re
from typing import Any

from drapolicy.api.quantity import Quantity
from drapolicy.cel import semver
from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.values import INT_MAX, INT_MIN, Sum

LIBRARY = Library()
_overload = LIBRARY.overload

_WRITTEN = re.compile(r"([+-]?[0-9]*)(\.[0-9]*)?(.*)")
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

_EXPONENT = re.compile(r"[eE][+-]?[0-9]+")
_NO_DIGITS = re.compile(r"[+-]?\.?((?!$)[numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]+)|[+-]\.?()|\.()")
# How far upstream's parser reads before it judges the suffix.
_TO_SUFFIX = re.compile(r"[+-]?[0-9]*(?:\.[0-9]*)?([eEinumkKMGTP]*[+-]?[0-9]*)")

# Messages of apimachinery's parser.
_FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_SUFFIX_WRONG = "unable to parse quantity's suffix"


def _amount(value: Any) -> Quantity:
    amount = value.quantity if type(value) is Sum else value
    assert isinstance(amount, Quantity)
    return amount


@_overload("quantity", "string")
def quantity(text: str) -> Quantity:
    """Return the quantity in a text."""
    # Upstream takes a text without any digit for zero; elsewhere in drapolicy such amounts are refused.
    if bare := _NO_DIGITS.fullmatch(text):
        text = f"0{bare[1] or ''}"
    try:
        return Quantity(text)
    except ValueError as error:
        reached = _TO_SUFFIX.fullmatch(text)
        if text and reached and (reached[1] in {*_BINARY, *_DECIMAL} or _EXPONENT.fullmatch(reached[1])):
            raise EvaluationError(f"a quantity that long is not supported by drapolicy: {error}") from None
        raise EvaluationError(_SUFFIX_WRONG if reached and text else _FORMAT_WRONG) from None


@_overload("isQuantity", "string")
def is_quantity(text: str) -> bool:
    """Return whether a text is a quantity."""
    try:
        quantity(text)
    except EvaluationError as error:
        if "not supported" in str(error):
            raise
        return False
    return True


@_overload("sign", "Quantity")
def sign(value: Any) -> int:
    """Return -1, 0 or 1."""
    return _amount(value).sign()


@_overload("isGreaterThan", "Quantity", "Quantity")
def is_greater(left: Any, right: Any) -> bool:
    """Return whether an amount is larger."""
    return _amount(left) > _amount(right)


@_overload("isLessThan", "Quantity", "Quantity")
def is_less(left: Any, right: Any) -> bool:
    """Return whether an amount is smaller."""
    return _amount(left) < _amount(right)


@_overload("compareTo", "Quantity", "Quantity")
def compare_to(left: Any, right: Any) -> int:
    """Return -1, 0 or 1."""
    mine, other = _amount(left), _amount(right)
    return (mine > other) - (mine < other)


@_overload("asApproximateFloat", "Quantity")
def as_approximate_float(value: Any) -> float:
    """Return the digits as double times a power of ten, which may be one step off the nearest double."""
    digits, fraction, suffix = _WRITTEN.fullmatch(str(_amount(value))).groups(default="")  # type: ignore[union-attr]
    number = int(digits + fraction[1:])
    if suffix in _BINARY:
        number, power = number << _BINARY[suffix], 0
    else:
        power = int(suffix[1:]) if suffix[:1] in {"e", "E"} and suffix[1:] else _DECIMAL[suffix]
    power -= len(fraction[1:])
    try:
        double = float(number)
    except OverflowError:
        double = math.inf if number > 0 else -math.inf
    return double * float(f"1e{power}") if power else double


@_overload("isInteger", "Quantity")
def is_integer(value: Any) -> bool:
    """Return whether ``asInteger`` works."""
    return _amount(value).as_int64() is not None


@_overload("asInteger", "Quantity")
def as_integer(value: Any) -> int:
    """Return a whole amount as int."""
    whole = _amount(value).as_int64()
    if whole is None:
        raise EvaluationError("cannot convert value to integer")
    return whole


@_overload("add", "Quantity", "Quantity")
def add(left: Any, right: Any) -> Sum:
    """Return the sum of two amounts."""
    return Sum(_amount(left) + _amount(right))


def _whole(number: int) -> Quantity:
    return Quantity.from_nano(number * 10**9, "DecimalExponent")


@_overload("add", "Quantity", "int")
def add_int(left: Any, right: int) -> Sum:
    """Return the sum of an amount and a number."""
    return Sum(_amount(left) + _whole(right))


@_overload("sub", "Quantity", "Quantity")
def sub(left: Any, right: Any) -> Sum:
    """Return the difference of two amounts."""
    return Sum(_amount(left) - _amount(right))


@_overload("sub", "Quantity", "int")
def sub_int(left: Any, right: int) -> Sum:
    """Return the difference of an amount and a number."""
    return Sum(_amount(left) - _whole(right))


@_overload("semver", "string")
def version(text: str) -> semver.Semver:
    """Return the version in a text."""
    return semver.parse(text)


@_overload("semver", "string", "bool")
def version_normalized(text: str, normalize: bool) -> semver.Semver:
    """Return the version in a text, made regular first if asked."""
    return semver.parse_normalized(text) if normalize else semver.parse(text)


@_overload("isSemver", "string")
def is_version(text: str) -> bool:
    """Return whether a text is a version."""
    return is_version_normalized(text, normalize=False)


@_overload("isSemver", "string", "bool")
def is_version_normalized(text: str, normalize: bool) -> bool:
    """Return whether a text is a version, made regular first if asked."""
    try:
        version_normalized(text, normalize)
    except EvaluationError:
        return False
    return True


@_overload("isGreaterThan", "Semver", "Semver")
def is_later(left: semver.Semver, right: semver.Semver) -> bool:
    """Return whether a version is later."""
    return left.compare(right) > 0


@_overload("isLessThan", "Semver", "Semver")
def is_earlier(left: semver.Semver, right: semver.Semver) -> bool:
    """Return whether a version is earlier."""
    return left.compare(right) < 0


@_overload("compareTo", "Semver", "Semver")
def compare_versions(left: semver.Semver, right: semver.Semver) -> int:
    """Return -1, 0 or 1."""
    return left.compare(right)


def _int64(value: int) -> int:
    # Upstream converts its uint64 without a check.
    return (value - INT_MIN) % 2**64 + INT_MIN if value > INT_MAX else value


@_overload("major", "Semver")
def major(value: semver.Semver) -> int:
    """Return the first number."""
    return _int64(value.release[0])


@_overload("minor", "Semver")
def minor(value: semver.Semver) -> int:
    """Return the second number."""
    return _int64(value.release[1])


@_overload("patch", "Semver")
def patch(value: semver.Semver) -> int:
    """Return the third number."""
    return _int64(value.release[2])
