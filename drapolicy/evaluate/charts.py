"""Charts of an experiment as static SVG: made without a network, safe to stand in a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from math import isnan
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from drapolicy.evaluate.metrics import Metric
from drapolicy.evaluate.numbers import number
from drapolicy.evaluate.statistics import paired
from drapolicy.evaluate.table import Results
from drapolicy.text import distinct

if TYPE_CHECKING:
    import altair as alt

# Okabe and Ito's palette, which the common kinds of colour blindness leave apart, and colours of Tol's; what is too
# pale for white or too dark for black is left out.
_FIXED = {
    "kube-scheduler": "#7f7f7f",
    "first-fit": "#56b4e9",
    "random": "#cc79a7",
    "packing": "#e69f00",
    "bandwidth": "#0072b2",
}
_OTHERS = ("#009e73", "#d55e00", "#aa4499", "#997700", "#6a6add")
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (4, 2))

_WIDTH, _HEIGHT = 430, 220
_FONT = "Helvetica, Arial, sans-serif"
_SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", _SVG)


def colours(policies: Sequence[str]) -> dict[str, str]:
    """Return one colour for each policy, the same wherever the policy is drawn.

    Examples
    --------
    >>> colours(["kube-scheduler", "mine"])
    {'kube-scheduler': '#7f7f7f', 'mine': '#009e73'}
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


def data(rows: Sequence[Mapping[str, object]]) -> alt.Data:
    """Return rows as they are as data of a chart: neither pandas nor a file beside it."""
    import altair as alt

    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def scale(results: Results) -> tuple[dict[str, str], alt.Color]:
    """Return the shown name of each policy, and their colours with a legend below the chart."""
    import altair as alt

    names = distinct(results.policies)
    palette = colours(results.policies)
    scale = alt.Scale(domain=list(names.values()), range=[palette[name] for name in names])
    return names, alt.Color(
        "policy:N", scale=scale, sort=None, legend=alt.Legend(title=None, orient="bottom", columns=3)
    )


def dashes(names: Mapping[str, str]) -> alt.StrokeDash:
    """Return how the line of each policy is dashed, so that colours are not all that tells them apart."""
    import altair as alt

    ranges = [list(dash) for _, dash in zip(names, cycle(_DASHES))]
    return alt.StrokeDash(
        "policy:N", scale=alt.Scale(domain=list(names.values()), range=ranges), sort=None, legend=None
    )


def finished(chart: Any, title: str, below: str) -> alt.TopLevelMixin:
    """Return a chart in the report's looks, with a line below its title; its text is of the colour of the page's."""
    import altair as alt

    ink, grid = "currentColor", "rgba(128,128,128,0.25)"
    return (  # type: ignore[no-any-return]
        chart.properties(
            width=_WIDTH,
            height=_HEIGHT,
            title=alt.TitleParams(title, subtitle=below),
            background="transparent",
            padding=8,
        )
        .configure(font=_FONT)
        .configure_title(
            anchor="start", fontSize=13, fontWeight=600, offset=8, color=ink, subtitleColor=ink, subtitleFontSize=11
        )
        .configure_axis(
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
            labelLimit=160,
            labelColor=ink,
            titleColor=ink,
            gridColor=grid,
            domainColor="rgba(128,128,128,0.7)",
            tickColor="rgba(128,128,128,0.7)",
        )
        .configure_legend(labelFontSize=11, labelLimit=160, symbolStrokeWidth=2.5, labelColor=ink)
        .configure_text(color=ink)
        .configure_view(stroke=None)
    )


def means(results: Results, scenario: str, metric: Metric) -> alt.TopLevelMixin | None:
    """Draw a metric by policy: mean, 95 % interval, every seed as a faint tick, and the bound; None without a value."""
    import altair as alt

    names, colour = scale(results)
    colour = colour.legend(None)
    rows, dots = [], []
    for policy, shown in names.items():
        values = results.values(scenario, policy, metric.name)
        spread = paired(values, [0.0] * len(values))
        if isnan(spread.mean):
            continue
        low, high = (spread.mean, spread.mean) if isnan(spread.low) else (spread.low, spread.high)
        rows.append({"policy": shown, "mean": spread.mean, "low": low, "high": high, "text": number(spread.mean)})
        dots += [{"policy": shown, "value": value} for value in values if not isnan(value)]
    if not rows:
        return None
    y = alt.Y("policy:N", sort=list(names.values()), title=None)
    title = f"{metric.label} [{metric.unit}]"
    base = alt.Chart(data(rows))
    x = alt.X("low:Q", title=title, scale=alt.Scale(zero=False, nice=False, padding=24), axis=alt.Axis(tickCount=7))
    rules = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q", y=y, color=colour)
    points = base.mark_point(filled=True, size=90, opacity=1).encode(x="mean:Q", y=y, color=colour)
    texts = base.mark_text(dy=-12, fontSize=11).encode(x="mean:Q", y=y, text="text:N")
    seeds = alt.Chart(data(dots)).mark_tick(thickness=1.5, opacity=0.45, size=12)
    ticks = seeds.encode(x="value:Q", y=y, color=colour)
    layers = [ticks, rules, points, texts]
    bound = results.bound(scenario, metric.name)
    if not isnan(bound):
        limit = alt.Chart(data([{"bound": bound}])).mark_rule(strokeDash=[3, 3], color="currentColor")
        layers.append(limit.encode(x="bound:Q"))
    told = "" if isnan(bound) else f"; dashed: the bound, {number(bound, digits=4)}"
    below = f"mean, 95 % interval{told}; {metric.better or 'told, not judged'}"
    return finished(alt.layer(*layers), f"{metric.name} by policy", below)


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
        base = alt.Chart(data(rows)).encode(
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
