"""Charts of an experiment as static SVG: made without a network, safe to stand in a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from math import isnan, nan
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from drapolicy.evaluate.metrics import METRICS, PRIMARY, Metric
from drapolicy.evaluate.statistics import paired
from drapolicy.evaluate.table import Results
from drapolicy.text import distinct

if TYPE_CHECKING:
    import altair as alt

# Okabe and Ito's palette, which the common kinds of colour blindness leave apart; yellow is left out, it is too pale.
_FIXED = {
    "kube-scheduler": "#5a5a5a",
    "first-fit": "#56b4e9",
    "random": "#cc79a7",
    "packing": "#e69f00",
    "bandwidth": "#0072b2",
}
_OTHERS = ("#009e73", "#d55e00", "#882255", "#44aa99", "#000000")
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (4, 2))

_WIDTH, _HEIGHT = 430, 220
_FONT = "Helvetica, Arial, sans-serif"
_POINTS = 80
_SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", _SVG)


def colours(policies: Sequence[str]) -> dict[str, str]:
    """Return one colour for each policy, the same wherever the policy is drawn.

    Examples
    --------
    >>> colours(["kube-scheduler", "mine"])
    {'kube-scheduler': '#5a5a5a', 'mine': '#009e73'}
    """
    others = cycle(_OTHERS)
    return {name: _FIXED.get(name) or next(others) for name in policies}


def svg(chart: alt.TopLevelMixin | Mapping[str, Any], name: str, label: str) -> str:
    """Return a chart as SVG that can stand in a page beside others.

    Parameters
    ----------
    chart
        Altair chart, or Vega-Lite as a mapping.
    name
        Letters, digits and dashes; starts every id in the picture, so that ids of two pictures differ.
    label
        What a screen reader says.
    """
    import vl_convert

    spec = dict(chart) if isinstance(chart, Mapping) else chart.to_dict()
    return _embeddable(vl_convert.vegalite_to_svg(spec), name, label)


def _embeddable(text: str, name: str, label: str) -> str:
    root = ET.fromstring(text)  # noqa: S314 - made by the line above; it declares no entities
    names = {e.attrib["id"]: f"{name}-{n}" for n, e in enumerate(root.iter()) if "id" in e.attrib}
    for element in root.iter():
        # What Vega says of single marks is noise to a screen reader; the picture has one label.
        for key in [k for k in element.attrib if k.startswith("aria-") or k in {"role", "class"}]:
            del element.attrib[key]
        for key, value in element.attrib.items():
            if key == "id":
                element.attrib[key] = names[value]
            elif "url(#" in value:
                element.attrib[key] = re.sub(r"url\(#([^)]*)\)", lambda m: f"url(#{names.get(m[1], m[1])})", value)
            elif key in {"d", "transform"}:
                element.attrib[key] = re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", value)
    root.attrib.update({"role": "img", "aria-label": label})
    return ET.tostring(root, encoding="unicode")


def _data(rows: Sequence[Mapping[str, object]]) -> alt.Data:
    import altair as alt

    # Rows as they are: neither pandas nor a file beside the chart.
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _scale(results: Results) -> tuple[dict[str, str], alt.Color]:
    import altair as alt

    names = distinct(results.policies)
    palette = colours(results.policies)
    scale = alt.Scale(domain=list(names.values()), range=[palette[name] for name in names])
    return names, alt.Color(
        "policy:N", scale=scale, sort=None, legend=alt.Legend(title=None, orient="bottom", columns=3)
    )


def _dashes(names: Mapping[str, str]) -> alt.StrokeDash:
    import altair as alt

    ranges = [list(dash) for _, dash in zip(names, cycle(_DASHES))]
    return alt.StrokeDash(
        "policy:N", scale=alt.Scale(domain=list(names.values()), range=ranges), sort=None, legend=None
    )


def _finished(chart: Any, title: str) -> alt.TopLevelMixin:
    return (  # type: ignore[no-any-return]
        chart.properties(width=_WIDTH, height=_HEIGHT, title=title, background="white", padding=8)
        .configure(font=_FONT)
        .configure_title(anchor="start", fontSize=13, fontWeight=600, offset=8)
        .configure_axis(
            labelFontSize=11, titleFontSize=11, titleFontWeight="normal", gridColor="#e6e6e6", labelLimit=160
        )
        .configure_legend(labelFontSize=11, labelLimit=160, symbolStrokeWidth=2.5)
        .configure_view(stroke=None)
    )


def means(results: Results, scenario: str, metric: Metric) -> alt.TopLevelMixin | None:
    """Draw a metric by policy: the mean with its 95 % interval, and every seed as a faint dot; None without a value."""
    import altair as alt

    names, colour = _scale(results)
    colour = colour.legend(None)
    rows, dots = [], []
    for policy, shown in names.items():
        values = results.values(scenario, policy, metric.name)
        spread = paired(values, [0.0] * len(values))
        if isnan(spread.mean):
            continue
        low, high = (spread.mean, spread.mean) if isnan(spread.low) else (spread.low, spread.high)
        rows.append({"policy": shown, "mean": spread.mean, "low": low, "high": high, "text": f"{spread.mean:.3g}"})
        dots += [{"policy": shown, "value": value} for value in values if not isnan(value)]
    if not rows:
        return None
    y = alt.Y("policy:N", sort=list(names.values()), title=None)
    title = f"{metric.label} [{metric.unit}]"
    base = alt.Chart(_data(rows))
    x = alt.X("low:Q", title=title, scale=alt.Scale(zero=False, nice=False, padding=24), axis=alt.Axis(tickCount=7))
    rules = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q", y=y, color=colour)
    points = base.mark_point(filled=True, size=90, opacity=1).encode(x="mean:Q", y=y, color=colour)
    texts = base.mark_text(dy=-12, fontSize=11).encode(x="mean:Q", y=y, text="text:N")
    seeds = alt.Chart(_data(dots)).mark_tick(thickness=1.5, opacity=0.45, size=12)
    ticks = seeds.encode(x="value:Q", y=y, color=colour)
    return _finished(alt.layer(ticks, rules, points, texts), f"{metric.name}: mean and 95 % interval; {metric.better}")


def slowdowns(results: Results, scenario: str) -> alt.TopLevelMixin | None:
    """Draw which part of the pods ended within how many ideal run times; None when none ended."""
    import altair as alt

    names, colour = _scale(results)
    rows = []
    for policy, shown in names.items():
        values = sorted(s for cell in results.of(scenario, policy) for s in cell.slowdowns)
        if not values:
            continue
        picked = sorted({round(i * (len(values) - 1) / _POINTS) for i in range(_POINTS + 1)})
        # Pods that take exactly their ideal run time are the first step; a logarithmic axis has no zero before it.
        rows += [
            {"policy": shown, "slowdown": max(values[i], 1.0), "part": round(100 * (i + 1) / len(values), 2)}
            for i in picked
        ]
    if not rows:
        return None
    chart = (
        alt.Chart(_data(rows))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X(
                "slowdown:Q",
                title=METRICS["slowdown"].label + " [x]",
                scale=alt.Scale(type="log", nice=False),
                axis=_log_axis(),
            ),
            y=alt.Y("part:Q", title="pods that ended within it [%]", scale=alt.Scale(domain=[0, 100])),
            color=colour,
            strokeDash=_dashes(names),
        )
    )
    return _finished(chart, "How long pods took: all seeds together")


def _log_axis() -> Any:
    import altair as alt

    return alt.Axis(values=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], format="~g")


def waiting(results: Results, scenario: str) -> alt.TopLevelMixin | None:
    """Draw how many pods wait over time, the mean over the seeds; None when nothing was played."""
    import altair as alt

    names, colour = _scale(results)
    rows = []
    for policy, shown in names.items():
        queues = [cell.queue for cell in results.of(scenario, policy) if cell.queue]
        for point in range(min(map(len, queues), default=0)):
            mean = sum(queue[point] for queue in queues) / len(queues)
            rows.append({"policy": shown, "time": round(100 * (point + 1) / len(queues[0]), 1), "pods": round(mean, 2)})
    if not rows:
        return None
    chart = (
        alt.Chart(_data(rows))
        .mark_line(interpolate="step-before", strokeWidth=2)
        .encode(
            x=alt.X("time:Q", title="time up to the last arrival [%]", scale=alt.Scale(domain=[0, 100])),
            y=alt.Y("pods:Q", title="pods that wait"),
            color=colour,
            strokeDash=_dashes(names),
        )
    )
    return _finished(chart, "Pods that wait for devices: mean over the seeds")


def terms(values: Mapping[str, int], units: Mapping[str, str], title: str) -> alt.TopLevelMixin:
    """Draw a score by term, one bar each; every unit has a scale of its own.

    Parameters
    ----------
    values
        Value by term.
    units
        Unit by term; terms without one are points.
    title
        Above the chart.
    """
    import altair as alt

    shown = distinct(values)
    by_unit: dict[str, list[dict[str, object]]] = {}
    for term, value in values.items():
        row = {"term": shown[term], "value": float(value), "text": f"{value:,}"}
        by_unit.setdefault(units.get(term, "points"), []).append(row)
    charts = []
    for unit, rows in by_unit.items():
        base = alt.Chart(_data(rows)).encode(
            x=alt.X("value:Q", title=unit, scale=alt.Scale(padding=30), axis=alt.Axis(tickCount=4, format="~s")),
            y=alt.Y("term:N", sort=None, title=None, axis=alt.Axis(minExtent=110, labelLimit=160)),
        )
        bars = base.mark_bar(color=_FIXED["bandwidth"], height=14)
        texts = base.mark_text(align="left", dx=4).encode(text="text:N")
        charts.append(alt.layer(bars, texts).properties(width=330, height=26 * len(rows)))
    return (  # type: ignore[no-any-return]
        alt.vconcat(*charts, spacing=6)
        .properties(title=title, background="white", padding=6)
        .configure(font=_FONT)
        .configure_title(anchor="start", fontSize=13)
        .configure_view(stroke=None)
    )


def of_scenario(results: Results, scenario: str, metric: Metric, name: str) -> list[str]:
    """Return the charts of a scenario as SVG: the judged metric first, others where they have a meaning.

    Parameters
    ----------
    metric
        By which the scenario is judged.
    name
        Starts every id, see :func:`svg`.
    """
    shown = distinct(results.policies)
    drawn: list[tuple[Any, str]] = []

    def add(chart: Any, label: str) -> None:
        if chart is not None:
            drawn.append((chart, label))

    def listed(which: Metric) -> str:
        values = ((shown[p], results.mean(scenario, p, which.name)) for p in results.policies)
        return "; ".join(f"{p} {value:.3g} {which.unit}" for p, value in values if not isnan(value))

    add(means(results, scenario, metric), f"{metric.label} by policy: {listed(metric)}.")
    add(slowdowns(results, scenario), f"Distribution of slowdowns by policy. {_medians(results, scenario)}")
    add(waiting(results, scenario), f"Pods that wait over time by policy. {_peaks(results, scenario)}")
    if metric.name != "bandwidth":
        bandwidth = METRICS[PRIMARY[2]]
        add(means(results, scenario, bandwidth), f"{bandwidth.label} by policy: {listed(bandwidth)}.")
    return [svg(chart, f"{name}-{number}", label) for number, (chart, label) in enumerate(drawn)]


def _medians(results: Results, scenario: str) -> str:
    shown = distinct(results.policies)
    parts = []
    for policy in results.policies:
        values = sorted(s for cell in results.of(scenario, policy) for s in cell.slowdowns)
        middle = values[len(values) // 2] if values else nan
        parts.append(f"{shown[policy]}: median {middle:.3g}")
    return "; ".join(parts) + "."


def _peaks(results: Results, scenario: str) -> str:
    shown = distinct(results.policies)
    peaks = ((p, max((max(c.queue, default=0) for c in results.of(scenario, p)), default=0)) for p in results.policies)
    return "; ".join(f"{shown[policy]}: at most {peak}" for policy, peak in peaks) + "."
