"""Charts of rows of one's own, in the look of all other pictures: lines over steps or sizes, and tables as tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from drapolicy.errors import InputError
from drapolicy.evaluate.charts import colours
from drapolicy.topology.drawing.looks import INK, LINE, data_of, finished, safe

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, str | int | float]

_DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (4, 2))
_TILE = 34


def lines(rows: Sequence[Row], x: str, y: str, by: str, *, title: str = "", log: str = "") -> alt.LayerChart:
    """Draw one line for each value of a column.

    Parameters
    ----------
    rows
        The data; each row has the three columns.
    x, y, by
        Names of columns, which become the titles of the axes: put the unit into them.
    title
        Above the chart.
    log
        Axes that are logarithmic: ``"x"``, ``"y"`` or ``"xy"``.

    Raises
    ------
    InputError
        When there are no rows, or one lacks a column.
    """
    import altair as alt

    kept = _kept(rows, (x, y, by))
    names = list(dict.fromkeys(str(row[by]) for row in kept))
    data = data_of({"x": row[x], "y": row[y], "by": safe(row[by], 40)} for row in kept)
    dashes = [list(_DASHES[position % len(_DASHES)]) for position in range(len(names))]
    domain = [safe(name, 40) for name in names]
    base = alt.Chart(data).encode(
        x=alt.X("x:Q", title=x, scale=_scale("x" in log), axis=_axis("x" in log)),
        y=alt.Y("y:Q", title=y, scale=_scale("y" in log), axis=_axis("y" in log)),
        color=alt.Color("by:N", title=by, scale=alt.Scale(domain=domain, range=list(colours(names).values()))),
        tooltip=[alt.Tooltip("by:N", title=by), alt.Tooltip("x:Q", title=x), alt.Tooltip("y:Q", title=y)],
    )
    dash = alt.StrokeDash("by:N", scale=alt.Scale(domain=domain, range=dashes), legend=None)
    layers = [base.mark_line(strokeWidth=2).encode(strokeDash=dash)]
    if log:
        layers.append(base.mark_point(filled=True, size=50, opacity=1))
    return finished(layers, 430, 240, title, [])


def tiles(rows: Sequence[Row], x: str, y: str, shade: str, *, text: str = "", title: str = "") -> alt.LayerChart:
    """Draw a table: one tile for each row of the data, dark where its value is large.

    Parameters
    ----------
    rows
        The data.
    x, y
        Columns of the data that say where a tile stands; in the order in which values first occur.
    shade
        Column of numbers; in the order of the shades only their differences count.
    text
        Column that is written into the tiles; by default that of the shades.
    title
        Above the table.

    Raises
    ------
    InputError
        When there are no rows, or one lacks a column.
    """
    import altair as alt

    kept = _kept(rows, (x, y, shade, text or shade))
    columns, lanes = (list(dict.fromkeys(safe(row[name], 40) for row in kept)) for name in (x, y))
    low, high = min(float(row[shade]) for row in kept), max(float(row[shade]) for row in kept)
    span = high - low or 1.0
    data = data_of(
        {
            "x": safe(row[x], 40),
            "y": safe(row[y], 40),
            "part": (float(row[shade]) - low) / span,
            "text": safe(row[text or shade], 12),
        }
        for row in kept
    )
    base = alt.Chart(data).encode(
        x=alt.X("x:N", title=x, sort=columns, axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False)),
        y=alt.Y("y:N", title=y, sort=lanes, axis=alt.Axis(ticks=False, domain=False)),
        tooltip=[alt.Tooltip("x:N", title=x), alt.Tooltip("y:N", title=y), alt.Tooltip("text:N", title=text or shade)],
    )
    scale = alt.Scale(domain=[0, 1], range=["#f5f6f8", "#0072b2"])
    boxes = base.mark_rect(stroke="white", strokeWidth=2).encode(color=alt.Color("part:Q", scale=scale, legend=None))
    dark = alt.condition("datum.part > 0.55", alt.value("white"), alt.value(INK))
    words = base.mark_text(fontSize=11).encode(text="text:N", color=dark)
    widest = max(len(safe(row[text or shade], 12)) for row in kept)
    width = max(_TILE, 7 * max(widest, *(len(name) for name in columns)) + 10)
    return finished([boxes, words], width * len(columns), _TILE * len(lanes), title, [])


def _scale(log: bool) -> alt.Scale:
    import altair as alt

    return alt.Scale(type="log", nice=False) if log else alt.Scale(type="linear", zero=True)


def _axis(log: bool) -> alt.Axis:
    import altair as alt

    # Of a logarithmic axis only the powers of ten are written and have a line.
    return alt.Axis(format="~s", gridColor=LINE, tickCount=4 if log else 6)


def _kept(rows: Sequence[Row], columns: Sequence[str]) -> Sequence[Row]:
    if not rows:
        message = "chart: no rows; give at least one"
        raise InputError(message)
    for position, row in enumerate(rows):
        for column in columns:
            if column not in row:
                message = f"chart: row {position} has no column {column!r}; it has {', '.join(row)}"
                raise InputError(message)
    return rows
