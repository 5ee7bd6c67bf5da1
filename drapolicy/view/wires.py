"""How links run between devices in a picture, and where their labels stand: no label on another, nor on a box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from drapolicy.view.facts import Link
from drapolicy.view.layout import Block

LABEL_SIZE = 10.5
_LANE, _GUTTER = 18, 40
_MOST_LABELS = 6


@dataclass(frozen=True)
class Wire:
    """A link of a placement, in the gutter below a row of frames.

    Attributes
    ----------
    who
        Position of the placement among those that are drawn.
    link
        What it shows.
    row
        Below which row its label stands: the upper one of its two ends.
    left, right
        Middles of the boxes that it joins.
    flat
        Whether both ends are in one row.
    lane
        Line of the gutter that is its own over its whole width; -1 without labels.
    """

    who: int
    link: Link
    row: int
    left: float
    right: float
    flat: bool
    lane: int = -1

    @property
    def depth(self) -> float:
        """How far a flat wire hangs below the frames."""
        return 6.0 + _LANE * self.lane if self.lane >= 0 else min(4 + 0.07 * (self.right - self.left), _GUTTER - 8)

    @property
    def baseline(self) -> float:
        """Where its label stands below the frames."""
        return 20.0 + _LANE * self.lane


def routed(chosen: Sequence[Sequence[Link]], rows: Sequence[Sequence[Block]]) -> list[Wire]:
    """Route the links of each placement; they have lanes, thus labels, where those are few and between whole rows."""
    spots: dict[int, tuple[int, float]] = {}
    folded = set()
    for number, row in enumerate(rows):
        for block in row:
            for device, middle in block.placed():
                spots[device.index] = (number, middle)
                if block.lines > 1:
                    folded.add(device.index)
    found = []
    for who, links in enumerate(chosen):
        for link in links:
            (above, x), (below, y) = spots[link.a], spots[link.b]
            found.append(Wire(who, link, min(above, below), min(x, y), max(x, y), above == below))
    if len(found) > _MOST_LABELS or any({wire.link.a, wire.link.b} & folded for wire in found):
        return found
    return [wire for row in range(len(rows)) for wire in _in_lanes([w for w in found if w.row == row])]


def gutters(wires: Sequence[Wire], count: int) -> list[float]:
    """Return the room that the wires take below each of so many rows."""
    found = [0.0] * count
    for wire in wires:
        found[wire.row] = max(found[wire.row], wire.baseline + 8 if wire.lane >= 0 else _GUTTER)
    return found


def _in_lanes(wires: Sequence[Wire]) -> Iterator[Wire]:
    """Give each wire of a gutter the first lane where it meets no other; flat and short ones lie above."""
    lanes: list[list[tuple[float, float]]] = []
    for wire in sorted(wires, key=lambda w: (not w.flat, w.right - w.left)):
        left, right = _span(wire)
        lane = next((n for n, spans in enumerate(lanes) if all(right <= a or b <= left for a, b in spans)), len(lanes))
        lanes[lane : lane + 1] = [[*(lanes[lane] if lane < len(lanes) else []), (left, right)]]
        yield replace(wire, lane=lane)


def _span(wire: Wire) -> tuple[float, float]:
    """Return from where to where a wire and its label reach; the label of a sloping one may be anywhere on it."""
    half = 0.31 * LABEL_SIZE * len(str(wire.link))
    if not wire.flat:
        return wire.left - half, wire.right + half
    middle = (wire.left + wire.right) / 2
    return min(wire.left, middle - half), max(wire.right, middle + half)


def curve(
    wire: Wire, ends: Mapping[int, tuple[float, float, float, float]], bottom: float
) -> tuple[str, tuple[float, float]]:
    """Return the path of a wire and the place of its label.

    Parameters
    ----------
    wire
        The wire.
    ends
        Boxes by device index: x, y, width, height.
    bottom
        Of the frames of the row below which it runs.
    """
    (ax, ay, a_width, a_height), (bx, by, b_width, b_height) = sorted(
        (ends[wire.link.a], ends[wire.link.b]), key=lambda box: (box[1], box[0])
    )
    start, end = (ax + a_width / 2, ay + a_height), (bx + b_width / 2, by + b_height if wire.flat else by)
    if wire.flat:
        # A cubic reaches three quarters of the way to its control points.
        high = (start[1] + end[1]) / 2
        low = high + (bottom + wire.depth - high) * 4 / 3
        label = ((start[0] + end[0]) / 2, bottom + wire.baseline)
    else:
        low = (start[1] + end[1]) / 2
        label = (_crossing(start, end, low, bottom + wire.baseline - 4), bottom + wire.baseline)
    path = f"M{start[0]:g} {start[1]:g}C{start[0]:g} {low:g} {end[0]:g} {low:g} {end[0]:g} {end[1]:g}"
    return path, label


def _crossing(start: tuple[float, float], end: tuple[float, float], low: float, y: float) -> float:
    """Return where a sloping curve, which only goes down, passes a height."""

    def at(t: float, first: float, second: float, third: float, fourth: float) -> float:
        return (1 - t) ** 3 * first + 3 * t * (1 - t) ** 2 * second + 3 * t**2 * (1 - t) * third + t**3 * fourth

    t = next((n / 50 for n in range(50) if at(n / 50, start[1], low, low, end[1]) >= y), 1.0)
    return round(at(t, start[0], start[0], end[0], end[0]), 2)
