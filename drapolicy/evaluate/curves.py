"""Curves of a scenario: how the fleet went over time, with bands over the seeds, and how waits are distributed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.charts import dashes, data, finished, scale, svg
from drapolicy.evaluate.numbers import number
from drapolicy.evaluate.table import Results
from drapolicy.text import distinct

if TYPE_CHECKING:
    import altair as alt

_BAND = (10, 90)
_STEPS = 100


@dataclass(frozen=True)
class _Course:
    """A series of cells, to be drawn: which, over what, and what to call it."""

    field: str
    title: str
    unit: str
    x: str
    percent: bool


_TIME = "time up to the last arrival [%]"
_COURSES = (
    _Course(
        "allocation", "Allocation over arrived workload", "devices held [%]", "devices asked for [% of fleet]", True
    ),
    _Course("held", "Utilisation over time", "devices held [%]", _TIME, True),
    _Course("queue", "Pods that wait over time", "pods that wait", _TIME, False),
    _Course("wasted", "Fragmentation over time (FGD)", "of no use [% of free]", _TIME, True),
    _Course("wasted_counters", "Fragmentation of counters over time", "of no use [% of free]", _TIME, True),
)


@dataclass(frozen=True)
class _Distribution:
    """Numbers of pods or decisions in cells, to be drawn as the part that is within."""

    field: str
    title: str
    x: str
    y: str
    least: float
    labels: str
    ticks: tuple[float, ...]


_SPAN = (
    "datum.value == 0 ? '0' : datum.value < 60 ? datum.value + ' s' : datum.value < 3600 ? datum.value / 60 + ' min' : "
    "datum.value < 86400 ? datum.value / 3600 + ' h' : datum.value / 86400 + ' d'"
)
_MICRO = (
    "datum.value < 1000 ? datum.value + ' µs' : "
    "datum.value < 1e6 ? datum.value / 1000 + ' ms' : datum.value / 1e6 + ' s'"
)
_DISTRIBUTIONS = (
    _Distribution(
        "slowdowns",
        "How long pods took",
        "from arrival to end, in ideal run times [x]",
        "pods that ended [%]",
        1.0,
        "format(datum.value, '~g')",
        (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1e4, 1e5),
    ),
    _Distribution(
        "waits",
        "How long pods waited",
        "wait, logarithmic from 1 s on",
        "pods that started [%]",
        0.0,
        _SPAN,
        (0, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 70 * 86400),
    ),
)
_DECISIONS = _Distribution(
    "decision_us",
    "How long decisions took",
    "time of a decision",
    "decisions [%]",
    1.0,
    _MICRO,
    (1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7),
)


def curves_of(results: Results, scenario: str, name: str) -> Iterator[str]:
    """Yield the curves of a scenario as SVG, those that have data.

    Parameters
    ----------
    name
        Starts every id, see :func:`~drapolicy.evaluate.charts.svg`.
    """
    for course in _COURSES:
        chart = _over(results, scenario, course)
        if chart is not None:
            yield svg(chart, f"{name}-{course.field}".replace("_", "-"), _told(results, scenario, course))
    for distribution in _DISTRIBUTIONS:
        yield from _distributed(results, scenario, distribution, name)


def decisions_of(results: Results, scenario: str, name: str) -> Iterator[str]:
    """Yield how times of decisions are distributed, where there are any; ids as in :func:`curves_of`."""
    yield from _distributed(results, scenario, _DECISIONS, name)


def _distributed(results: Results, scenario: str, distribution: _Distribution, name: str) -> Iterator[str]:
    chart = _within(results, scenario, distribution)
    if chart is not None:
        yield svg(chart, f"{name}-{distribution.field}".replace("_", "-"), _medians(results, scenario, distribution))


def _series(cells: Sequence[Cell], field: str) -> Any:
    """Return a series of all seeds, as far as all of them go; ndarray of shape (seeds, points)."""
    found = [list(getattr(cell, field)) for cell in cells if getattr(cell, field)]
    length = min(map(len, found), default=0)
    return np.array([values[:length] for values in found], np.float64).reshape(len(found), length)


def _over(results: Results, scenario: str, course: _Course) -> alt.TopLevelMixin | None:
    import altair as alt

    names, colour = scale(results)
    rows: list[dict[str, object]] = []
    seeds = 0
    for policy, shown in names.items():
        table = _series(results.of(scenario, policy), course.field)
        if not table.size:
            continue
        seeds = max(seeds, len(table))
        points = table.shape[1]
        low, high = np.percentile(table, _BAND, axis=0)
        places = range(points) if course.field == "allocation" else [100 * (k + 1) / points for k in range(points)]
        rows += [
            {"policy": shown, "x": round(x, 2), "y": round(y, 2), "low": round(a, 2), "high": round(b, 2)}
            for x, y, a, b in zip(places, table.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
        ]
    if not rows:
        return None
    limit = 100 if course.field in {"held", "allocation"} else None
    y_scale = alt.Scale(domain=[0, limit]) if limit else alt.Scale(zero=True)
    base = alt.Chart(data(rows)).encode(x=alt.X("x:Q", title=course.x, scale=alt.Scale(nice=False)), color=colour)
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("y:Q", title=course.unit, scale=y_scale), strokeDash=dashes(names)
    )
    layers = [line]
    if seeds > 1:
        band = base.mark_area(opacity=0.14).encode(
            color=colour.legend(None),
            y=alt.Y("low:Q", title=course.unit, scale=y_scale),
            y2="high:Q",
        )
        layers.insert(0, band)
    below = f"mean of {seeds} seeds, band of the middle 80 %" if seeds > 1 else "one seed"
    # A legend of its own for the lines: one for both would show how faint the bands are.
    return finished(alt.layer(*layers).resolve_legend(color="independent"), course.title, below)


def _within(results: Results, scenario: str, distribution: _Distribution) -> alt.TopLevelMixin | None:
    import altair as alt

    names, colour = scale(results)
    rows: list[dict[str, object]] = []
    greatest = distribution.least
    for policy, shown in names.items():
        values = sorted(v for cell in results.of(scenario, policy) for v in getattr(cell, distribution.field))
        if not values:
            continue
        picked = sorted({round(i * (len(values) - 1) / _STEPS) for i in range(_STEPS + 1)})
        rows += [
            {
                "policy": shown,
                "x": round(max(values[i], distribution.least), 4),
                "y": round(100 * (i + 1) / len(values), 2),
            }
            for i in picked
        ]
        greatest = max(greatest, values[-1])
    if not rows:
        return None
    ticks = [tick for tick in distribution.ticks if tick <= greatest] or [distribution.least]
    axis = alt.Axis(values=ticks, labelOverlap=True, labelExpr=distribution.labels)
    # Nothing stands on a logarithmic axis at 0, where most waits are.
    kind: Any = {"type": "symlog", "constant": 1} if not distribution.least else {"type": "log"}
    chart = (
        alt.Chart(data(rows))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("x:Q", title=distribution.x, scale=alt.Scale(**kind, nice=False), axis=axis),
            y=alt.Y("y:Q", title=distribution.y, scale=alt.Scale(domain=[0, 100])),
            color=colour,
            strokeDash=dashes(names),
        )
    )
    return finished(chart, distribution.title, "part that is within, all seeds together")


def _told(results: Results, scenario: str, course: _Course) -> str:
    """Return a curve in words: the mean of each policy."""
    parts = []
    for policy, shown in distinct(results.policies).items():
        table = _series(results.of(scenario, policy), course.field)
        if table.size:
            parts.append(f"{shown}: mean {number(table.mean())}, highest {number(table.max())}")
    return f"{course.title}, {course.unit}, by policy. {'; '.join(parts)}."


def _medians(results: Results, scenario: str, distribution: _Distribution) -> str:
    parts = []
    for policy, shown in distinct(results.policies).items():
        values = [v for cell in results.of(scenario, policy) for v in getattr(cell, distribution.field)]
        if values:
            parts.append(f"{shown}: median {number(median(values))}")
    return f"{distribution.title}, {distribution.x}, by policy. {'; '.join(parts)}."
