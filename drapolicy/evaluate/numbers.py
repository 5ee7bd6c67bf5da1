"""Numbers as people read them: three digits that count, thousands set apart, long times in hours and minutes."""

from __future__ import annotations

from itertools import pairwise
from math import floor, isfinite, log10

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def number(value: float, *, sign: bool = False, digits: int = 3) -> str:
    """Return a number with so many significant digits at least, written out.

    Examples
    --------
    >>> number(12345.6), number(12.345), number(-0.01234, sign=True), number(9.999)
    ('12,346', '12.3', '−0.0123', '10.0')
    >>> number(float("inf"))
    '∞'
    """
    if not isfinite(value):
        return {"inf": "∞", "-inf": "−∞"}.get(str(value), "–")
    rounded = float(f"{value:.{digits - 1}e}")  # 9.999 has as many decimals as 10.0
    decimals = 0 if rounded == 0 else min(max(digits - 1 - floor(log10(abs(rounded))), 0), 6)
    return f"{value:{'+' if sign else ''},.{decimals}f}".replace("-", "−")


def amount(value: float, unit: str) -> str:
    """Return a number with its unit; seconds from two minutes on in the two greatest units that fit.

    Examples
    --------
    >>> amount(5213.4, "s"), amount(93_784.0, "s"), amount(-150.0, "s"), amount(7_200.0, "s")
    ('1 h 27 min', '1 d 2 h', '−2 min 30 s', '2 h')
    >>> amount(12.345, "s"), amount(1234.5, "x"), amount(97.3, "%"), amount(3.0, "")
    ('12.3 s', '1,234 x', '97.3 %', '3.00')
    """
    if unit == "s" and isfinite(value) and abs(value) >= 120:
        return _duration(value)
    return f"{number(value)} {unit}".rstrip()


def _duration(seconds: float) -> str:
    # Rounding to the second unit may carry into the first, and into a greater one.
    whole = round(abs(seconds))
    for (name, size), (below, step) in pairwise(_UNITS):
        whole_steps = round(whole / step)
        if whole_steps * step >= size:
            most, rest = divmod(whole_steps * step, size)
            told = f"{most:,} {name}" + (f" {rest // step} {below}" if rest else "")
            return f"−{told}" if seconds < 0 else told
    return f"{seconds:.0f} s"  # pragma: no cover - two minutes at least
