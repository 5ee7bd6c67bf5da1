"""Kubernetes quantities, exact: parsed, compared, added and written as ``resource.Quantity`` of apimachinery does.

A quantity is a decimal number that also remembers the family of suffixes it was written with. Upstream keeps the
number either as an int64 with a power of ten or, when that does not fit, as a big decimal; three of its answers
(``==`` on the struct, ``AsInt64``, ``String``) depend on which, so :class:`Quantity` remembers it too.
"""

from __future__ import annotations

import re
from typing import Final, Literal, final

Format = Literal["BinarySI", "DecimalSI", "DecimalExponent"]

_NANO: Final = 10**9
_MAX: Final = 2**63 - 1
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_NAMES: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL_NAMES: Final = {power: name for name, power in _DECIMAL.items()}
_SUFFIXES: Final = "n u m k M G T P E Ki Mi Gi Ti Pi Ei"
_PATTERN: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(.*)", re.DOTALL)
_EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]+)")

# Beyond these no real amount lies; they keep hostile input from costing time or memory.
_LONGEST: Final = 256
_LARGEST_EXPONENT: Final = 1000

_INTERNED: dict[str, Quantity] = {}
_INTERN_LIMIT: Final = 1 << 16


@final
class Quantity:
    """An exact amount, held in nano units; immutable, compared and hashed by number.

    Equal texts give the same object while the intern table has room, so a million devices with the same memory
    share one quantity.

    Parameters
    ----------
    text
        A number with a suffix or exponent as Kubernetes writes it (``40Gi``, ``500m``, ``1e3``), or an int.

    Attributes
    ----------
    nano
        The amount times 10^9, an exact int. Smaller parts are rounded away from zero, as upstream does.
    format
        ``BinarySI``, ``DecimalSI`` or ``DecimalExponent``; decides how the amount is written.

    Raises
    ------
    ValueError
        For text that is no quantity; the message names it and the fix.
    TypeError
        For floats, bools and everything else that is neither text nor int.

    Notes
    -----
    Kubernetes' parser also takes texts without any digit, such as ``Ki`` or ``+``, for zero; they are refused here.
    So are texts of more than 256 characters and exponents beyond 1000. White space around the number is refused,
    which Kubernetes' JSON decoder (not its parser) strips.

    Examples
    --------
    >>> str(Quantity("1024Mi")), str(Quantity("0.5")), Quantity("1Gi").value()
    ('1Gi', '500m', 1073741824)
    """

    __slots__ = ("_decimal", "_text", "format", "nano")

    nano: int
    format: Format
    _decimal: tuple[int, int] | None  # (value, power of ten) of upstream's int64Amount; None for its big decimal
    _text: str  # the spelling that upstream keeps because it takes it for canonical; often empty

    def __new__(cls, text: str | int = 0) -> Quantity:  # noqa: D102 - the class docstring says it
        known = _INTERNED.get(text) if isinstance(text, str) else None
        if known is not None:
            return known
        if isinstance(text, int) and not isinstance(text, bool):
            text = str(text) if abs(text) < 10**_LONGEST else "9" * (_LONGEST + 1)
        if not isinstance(text, str):
            message = f"quantity {text!r} is a {type(text).__name__}; write it as text, e.g. '40Gi' or '500m'"
            raise TypeError(message)
        made = _parse(text)
        if len(_INTERNED) >= _INTERN_LIMIT:
            _INTERNED.clear()
        _INTERNED[str(text)] = made
        return made

    @classmethod
    def from_nano(cls, nano: int, format: Format = "DecimalSI") -> Quantity:  # noqa: A002
        """Return the quantity of ``nano`` nano units, as computed amounts are held upstream.

        Whole units are held as ``NewQuantity`` holds them, whole milli units as ``NewMilliQuantity`` does.
        """
        for power in (0, -3, -6, -9):
            value, rest = divmod(nano, 10 ** (9 + power))
            if not rest:
                decimal = (value, power) if -_MAX - 1 <= value <= _MAX else None
                return _make(nano, format, decimal)
        raise AssertionError

    def value(self) -> int:
        """Return the amount in whole units, rounded away from zero (I4); exact where int64 would overflow."""
        return self._rounded(_NANO)

    def milli_value(self) -> int:
        """Return the amount in milli units, rounded away from zero (I4); exact where int64 would overflow."""
        return self._rounded(10**6)

    def as_int64(self) -> int | None:
        """Return the amount as upstream's ``AsInt64``: None for amounts it holds with a fraction or as big decimal.

        ``1000m`` and ``1.0`` are such amounts although they are whole.
        """
        if self._decimal is None or self._decimal[1] < 0 or not -_MAX - 1 <= self.nano // _NANO <= _MAX:
            return None
        return self.nano // _NANO

    def sign(self) -> int:
        """Return -1, 0 or 1."""
        return (self.nano > 0) - (self.nano < 0)

    def same_form(self, other: Quantity) -> bool:
        """Tell whether Go's ``==`` on the two structs holds, which S43 asks of an amount and its policy's default.

        Number, format, power of ten and kept spelling must agree, so ``1Gi`` differs from ``1024Mi`` and ``1`` from
        ``1000m``. Amounts held as big decimals (``1.5Gi``, ``8Ei``) are compared by pointer upstream and never equal,
        because the allocator always works on copies.
        """
        return (
            self._decimal is not None
            and self._decimal == other._decimal
            and self.format == other.format
            and self._text == other._text
        )

    def canonical(self) -> str:
        """Return the shortest spelling without fraction (upstream's ``CanonicalizeBytes``).

        Amounts of 1000E and more keep the suffix E, where upstream drops it and writes another number.
        """
        nano = self.nano
        if not nano:
            return "0"
        if self.format == "BinarySI" and abs(nano) >= 1024 * _NANO and nano % _NANO == 0:
            whole, step = nano // _NANO, 0
            while whole % 1024 == 0 and step < len(_BINARY_NAMES) - 1:
                whole, step = whole // 1024, step + 1
            return f"{whole}{_BINARY_NAMES[step]}"
        power = -9
        exponential = self.format == "DecimalExponent"
        while nano % 1000 == 0 and (exponential or power < 18):
            nano, power = nano // 1000, power + 3
        if exponential:
            return f"{nano}e{power}" if power else str(nano)
        return f"{nano}{_DECIMAL_NAMES[power]}"

    def _rounded(self, unit: int) -> int:
        """Return the amount in units of ``unit`` nano, rounded away from zero."""
        return self.nano // unit if self.nano < 0 else -(-self.nano // unit)

    def __add__(self, other: Quantity) -> Quantity:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._plus(other, other.nano, other._decimal)

    def __sub__(self, other: Quantity) -> Quantity:
        if not isinstance(other, Quantity):
            return NotImplemented
        minus = None if other._decimal is None else (-other._decimal[0], other._decimal[1])
        return self._plus(other, -other.nano, minus)

    def _plus(self, other: Quantity, nano: int, decimal: tuple[int, int] | None) -> Quantity:
        """Return the sum; zero takes over the other's format, and int64 stays int64 while it fits."""
        total = None
        if self._decimal is not None and decimal is not None:
            (value, power), (more, more_power) = self._decimal, decimal
            if not more:
                total = self._decimal
            elif not value:
                total = decimal
            else:
                lower = min(power, more_power)
                total = (value * 10 ** (power - lower) + more * 10 ** (more_power - lower), lower)
            if not -_MAX - 1 <= total[0] <= _MAX:
                total = None
        return _make(self.nano + nano, self.format if self.nano else other.format, total)

    def __eq__(self, other: object) -> bool:
        return self.nano == other.nano if isinstance(other, Quantity) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.nano < other.nano if isinstance(other, Quantity) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.nano <= other.nano if isinstance(other, Quantity) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.nano > other.nano if isinstance(other, Quantity) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.nano >= other.nano if isinstance(other, Quantity) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.nano)

    def __str__(self) -> str:
        """Return the text that Kubernetes writes: a kept spelling (``1.234``, ``007``), else the canonical one."""
        return self._text or self.canonical()

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __setattr__(self, name: str, value: object) -> None:
        message = f"quantities are immutable; {name} cannot be set"
        raise AttributeError(message)

    def __delattr__(self, name: str) -> None:
        message = f"quantities are immutable; {name} cannot be deleted"
        raise AttributeError(message)

    def __reduce__(self) -> tuple[object, ...]:
        return _make, (self.nano, self.format, self._decimal, self._text)


def _make(nano: int, format: Format, decimal: tuple[int, int] | None, text: str = "") -> Quantity:  # noqa: A002
    """Return a quantity of these parts; the only place that writes them."""
    made = object.__new__(Quantity)
    put = object.__setattr__
    put(made, "nano", nano)
    put(made, "format", format)
    put(made, "_decimal", decimal)
    put(made, "_text", text)
    return made


def _malformed(text: str, fix: str) -> ValueError:
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    return ValueError(f"quantity {shown!r} {fix}")


def _parse(text: str) -> Quantity:
    """Read one quantity as upstream's ``ParseQuantity`` does."""
    if len(text) > _LONGEST:
        raise _malformed(text, f"has {len(text)} characters; write at most {_LONGEST}")
    match = _PATTERN.fullmatch(text)
    assert match
    sign, whole, fraction, suffix = match[1], match[2].lstrip("0"), match[3] or "", match[4]
    if not match[2] and not fraction:
        raise _malformed(text, "is malformed; write a number with an optional suffix, e.g. 40Gi, 500m or 1e3")
    exponent, binary = 0, 0
    format: Format = "DecimalSI"  # noqa: A001
    if suffix in _DECIMAL:
        exponent = _DECIMAL[suffix]
    elif suffix in _BINARY:
        format, binary = "BinarySI", _BINARY[suffix]  # noqa: A001
    elif exponential := _EXPONENT.fullmatch(suffix):
        format, exponent = "DecimalExponent", int(exponential[1])  # noqa: A001
        if abs(exponent) > _LARGEST_EXPONENT:
            raise _malformed(text, f"has an exponent beyond {_LARGEST_EXPONENT}; write a smaller one")
    elif any(character.isspace() for character in text):
        raise _malformed(text, "holds white space; remove it")
    else:
        raise _malformed(text, f"has the unknown suffix {suffix!r}; use one of {_SUFFIXES} or an exponent such as e3")
    if not whole and match[3] is None:
        fraction, whole = "", "0"
    digits = (whole or "0") + fraction
    number = int(digits) << binary
    power = exponent - len(fraction)
    nano = number * 10 ** (power + 9) if power >= -9 else -(-number // 10 ** (-power - 9))

    # Upstream's fast path keeps (value, power) and, where it takes the text for canonical, the text.
    if format == "BinarySI":
        quick = not fraction and 15 - len(digits) - binary * 3 // 10 - 1 >= 0
        kept = bool(number >> binary & 7)
    else:
        quick = len(digits) <= 18 and power >= -9
        kept = power % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    if quick:
        signed = (-number, power) if sign == "-" else (number, power)
        return _make(-nano if sign == "-" else nano, format, signed, text if kept or text == "0" else "")
    if format == "BinarySI":
        nano = min(nano, _MAX * _NANO)
        if 0 < nano < _NANO:
            format = "DecimalSI"  # noqa: A001
    return _make(-nano if sign == "-" else nano, format, None)
