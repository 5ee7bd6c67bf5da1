"""What each two devices exchange, as a heat map: darker is more, and numbers are in the cells where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise as steps
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.drawing.looks import SOFT, data_of, finished, gb_s, safe
from drapolicy.topology.graph import Topology
from drapolicy.topology.measures import pairwise

if TYPE_CHECKING:
    import altair as alt

MOST_RUNS = 20_000
_SIDE, _MOST_NAMED, _MOST_WRITTEN, _MOST_COLOURS = 560, 72, 16, 9
_NONE, _SELF = "#ffffff", "#d4d8dd"
# Viridis from its pale end: falls in lightness, so that it reads without hue too.
_SHADES = ("#fde725", "#aadc32", "#5ec962", "#28ae80", "#21918c", "#2c728e", "#3b528b", "#472d7b", "#440154")


def draw_bandwidths(graph: Topology, names: Sequence[str] | None = None, *, title: str = "") -> alt.LayerChart:
    """Draw the bandwidth between each two devices along the best path.

    Parameters
    ----------
    graph
        Topology.
    names
        D distinct vertices, in the order of rows and columns; without them all GPUs, or all devices where there is
        none.
    title
        Above the chart; without it the number of devices.

    Returns
    -------
    altair.LayerChart
        MB/s are written in GB/s per direction; neighbouring cells of a row that are equal are one rectangle.

    Raises
    ------
    InputError
        If there is nothing to draw, or more than `MOST_RUNS` rectangles are needed.
    UnknownReferenceError
        If a name is not a vertex.
    """
    import altair as alt

    chosen = tuple(names) if names is not None else graph.of_kind("gpu") or graph.devices
    if not chosen:
        raise InputError("names: the topology has no devices; name the vertices to compare")
    table = pairwise(graph, chosen)
    runs = [(row, *run) for row in range(len(chosen)) for run in _runs(table[row], row)]
    if len(runs) > MOST_RUNS:
        raise InputError(
            f"names: {len(chosen)} devices need {len(runs)} rectangles, {MOST_RUNS} can be drawn; name fewer"
        )
    values = sorted({value for *_, value in runs if value > 0})
    shades = _shades(values)
    count = len(chosen)
    # Rows without a gap lie over the edge of the one before: else screens that scale show stripes between equal rows.
    lap = 1 if count <= _MOST_NAMED else 2
    cell = max(_SIDE // count, 1) if count > _MOST_WRITTEN else min(_SIDE // count, 72)
    rows = [
        {
            "x": start, "x2": end, "y": row, "y2": min(row + lap, count), "band": _band(value, values),
            "from": safe(chosen[row]), "to": _to(chosen, start, end), "bandwidth": _words(value),
            "mx": (start + end) / 2, "my": row + 0.5, "text": f"{value / 1000:g}" if value > 0 else "",
            "ink": "#ffffff" if value > 0 and shades[_band(value, values)] in _SHADES[4:] else "#000000",
        }
        for row, start, end, value in runs
    ]  # fmt: skip
    domain = [band for band in shades if any(row["band"] == band for row in rows)]
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, count], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[count, 0], nice=False), axis=None)
    base = alt.Chart(data_of(rows))
    layers = [
        base.mark_rect(stroke="white", strokeWidth=1 if count <= _MOST_NAMED else 0).encode(
            x=x, x2="x2:Q", y=y, y2="y2:Q",
            fill=alt.Fill(
                "band:N", sort=None, scale=alt.Scale(domain=domain, range=[shades[band] for band in domain]),
                legend=alt.Legend(title="GB/s per direction", symbolStrokeColor=SOFT, symbolStrokeWidth=0.5),
            ),
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("from", "to", "bandwidth")],
        )
    ]  # fmt: skip
    if count <= _MOST_WRITTEN:
        words = base.mark_text(fontSize=10).encode(
            x=alt.X("mx:Q", axis=None), y=alt.Y("my:Q", axis=None), text="text:N", color=alt.Color("ink:N", scale=None)
        )
        layers.append(words)
    if count <= _MOST_NAMED:
        layers += _names(chosen, x, y, min(10, cell))
    return finished(
        layers,
        cell * count,
        cell * count,
        title or f"Bandwidth between {count} devices",
        ["along the best path, GB/s per direction"],
    )


def _names(chosen: Sequence[str], x: alt.X, y: alt.Y, size: int) -> list[alt.Chart]:
    """Write the names beside the rows and above the columns, ``size`` points high."""
    import altair as alt

    left = [{"x": 0, "y": d + 0.5, "text": safe(name, 24)} for d, name in enumerate(chosen)]
    top = [{"x": d + 0.5, "y": 0, "text": safe(name, 24)} for d, name in enumerate(chosen)]
    rows = alt.Chart(data_of(left)).mark_text(align="right", dx=-4, fontSize=size)
    columns = alt.Chart(data_of(top)).mark_text(align="left", angle=270, dx=4, fontSize=size)
    return [words.encode(x=x, y=y, text="text:N") for words in (rows, columns)]


def _runs(row: NDArray[np.int64], own: int) -> Iterator[tuple[int, int, int]]:
    """Yield first column, end and value of each run of equal cells; a device's cell with itself is -1."""
    values = row.copy()
    values[own] = -1
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    for start, end in steps(edges):
        if int(values[start]) > 0 and len(values) <= _MOST_WRITTEN:
            yield from ((column, column + 1, int(values[column])) for column in range(start, end))
        else:
            yield start, end, int(values[start])


def _band(value: int, values: Sequence[int]) -> str:
    """Return the legend's words for a value: itself, or the range that it shares a shade with."""
    if value <= 0:
        return "itself" if value < 0 else "no path"
    if len(values) <= _MOST_COLOURS:
        return f"{value / 1000:g}"
    step = -(-len(values) // _MOST_COLOURS)
    first = values.index(value) // step * step
    some = values[first : first + step]
    return f"{some[0] / 1000:g} to {some[-1] / 1000:g}"


def _shades(values: Sequence[int]) -> dict[str, str]:
    bands = list(dict.fromkeys(_band(value, values) for value in reversed(values)))
    picked = [_SHADES[round((len(_SHADES) - 1) * (1 - i / max(len(bands) - 1, 1)))] for i in range(len(bands))]
    return dict(zip(bands, picked, strict=True)) | {"no path": _NONE, "itself": _SELF}


def _to(chosen: Sequence[str], start: int, end: int) -> str:
    return safe(chosen[start] if end - start == 1 else f"{chosen[start]} to {chosen[end - 1]} ({end - start})", 160)


def _words(value: int) -> str:
    if value <= 0:
        return "itself" if value < 0 else "no path"
    return gb_s(value)
