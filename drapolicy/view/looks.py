"""How what is chosen, taken and free looks in a picture."""

from __future__ import annotations

from typing import Any

from drapolicy.view.facts import Holder
from drapolicy.view.picture import Canvas

# Okabe and Ito's palette; the flag says that text on it is white.
COLOURS = (
    ("#0072b2", True),
    ("#e69f00", False),
    ("#009e73", True),
    ("#d55e00", True),
    ("#cc79a7", False),
    ("#56b4e9", False),
)
_GREY = "#d4d8dd"
FRAME = "#9aa3ad"
TAKEN = {"fill": "url(#drapolicy-taken)", "stroke": FRAME}

HALO: dict[str, Any] = {"stroke": "#ffffff", "stroke_width": "3", "paint_order": "stroke", "stroke_linejoin": "round"}
"""Of text over lines and fills."""


def colour(who: int) -> tuple[str, bool]:
    """Return the colour of a placement by its position, and whether text on it is white."""
    return COLOURS[who % len(COLOURS)]


def style(holder: Holder) -> dict[str, Any]:
    """Return the look of what somebody holds."""
    if holder.who < 0:
        return dict(TAKEN)
    return {"fill": colour(holder.who)[0], "stroke": colour(holder.who)[0]}


def hatch(canvas: Canvas) -> None:
    """Define the pattern of what is taken."""
    pattern = canvas.add(
        "pattern",
        canvas.add("defs"),
        id="drapolicy-taken",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    canvas.add("rect", pattern, width=6, height=6, fill="#f1f3f5")
    canvas.add("rect", pattern, width=2, height=6, fill=_GREY)
