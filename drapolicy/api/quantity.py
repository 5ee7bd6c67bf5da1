"""Kubernetes quantities, exact."""

from __future__ import annotations

import re
from functools import total_ordering

_NANO = 10**9
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_PATTERN = re.compile(r"^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,4})|([KMGTPE]i|[numkMGTPE]?))$")


@total_ordering
class Quantity:
    """An exact amount, held in nano units.

    Attributes
    ----------
    nano
        The amount times 10^9, an exact int.
    format
        ``BinarySI``, ``DecimalSI`` or ``DecimalExponent``; decides how the amount is written.
    """

    __slots__ = ("format", "nano")

    nano: int
    format: str

    def __init__(self, text: str | int = 0) -> None:
        text = str(text)
        match = _PATTERN.match(text)
        if not match or not (match[2] or match[3]):
            message = f"quantity {text!r} is malformed"
            raise ValueError(message)
        sign, whole, fraction, exponential, exponent, suffix = match.groups()
        fraction = fraction or ""
        digits = int((whole or "") + fraction or "0")
        if exponential:
            self.format, scale, factor = "DecimalExponent", int(exponent), 1
        elif suffix in _BINARY:
            self.format, scale, factor = "BinarySI", 0, 1024 ** _BINARY[suffix]
        else:
            self.format, scale, factor = "DecimalSI", _DECIMAL[suffix or ""], 1
        scale += 9 - len(fraction)
        amount = digits * factor
        amount = amount * 10**scale if scale >= 0 else -(-amount // 10**-scale)
        self.nano = -amount if sign == "-" else amount

    @classmethod
    def from_nano(cls, nano: int, format: str = "DecimalSI") -> Quantity:  # noqa: A002
        """Return the quantity of ``nano`` nano units."""
        made = cls.__new__(cls)
        made.nano = nano
        made.format = format
        return made

    def value(self) -> int:
        """Return the amount in whole units, rounded up."""
        return -(-self.nano // _NANO)

    def milli_value(self) -> int:
        """Return the amount in milli units, rounded up."""
        return -(-self.nano // 10**6)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nano == other.nano

    def __lt__(self, other: Quantity) -> bool:
        return self.nano < other.nano

    def __hash__(self) -> int:
        return hash(self.nano)

    def __str__(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"
