"""Numbers and texts as Go writes them in error texts and conversions (K8s S57)."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

# Go's shortest format writes an exponent from this power of ten on.
_EXPONENT_FROM = 6


def number_text(value: Any) -> str:
    """Return a value as Go prints it with ``%v`` in error texts."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return double_text(value)
    return str(value)


def double_text(value: float) -> str:
    """Return a double as Go's ``%v`` and ``strconv`` format 'g' with shortest digits do."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    # Python and Go both take the fewest digits that read back; they differ in when to write an exponent.
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    power = len(text) - 1 + exponent
    minus = "-" if sign else ""
    if not -4 <= power < _EXPONENT_FROM:
        point = "." if len(text) > 1 else ""
        return f"{minus}{text[0]}{point}{text[1:]}e{'-' if power < 0 else '+'}{abs(power):02}"
    return minus + format(Decimal(text).scaleb(exponent), "f")


def quoted(text: str) -> str:
    """Return a text as Go's ``%q`` writes it."""
    written = json.dumps(text, ensure_ascii=False)
    return (
        re.sub(r"\\u00([0-9a-f]{2})", r"\\x\1", written)
        .replace("\\x07", "\\a")
        .replace("\\x0b", "\\v")
        .replace("\x7f", "\\x7f")
    )
