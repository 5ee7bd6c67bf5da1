"""The chart of the bench of the engine: what a decision costs by size of the fleet, and upstream's cost of one node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt

_LABELS = {
    "devices_only": "devices only",
    "with_room": "with CPU, memory and zone",
    "mixed": "shared GPUs, mixed nodes",
    "mig": "208 MIG devices a node",
}


def write(summary: dict[str, Any], folder: Path) -> None:
    """Write ``chart.html`` and ``chart.png``."""
    drawn = chart(summary)
    drawn.save(folder / "chart.html", inline=True)
    drawn.save(folder / "chart.png", scale_factor=2)


def chart(summary: dict[str, Any]) -> alt.TopLevelMixin:
    """Return median decisions over nodes, both logarithmic, a panel for each case, beside one node of upstream."""
    ours, theirs = [], []
    for name, label in _LABELS.items():
        for rule, told in summary.get(name, {"rules": {}})["rules"].items():
            for nodes, each in told["sizes"].items():
                for what in ("p50", "p99") if "p50_us" in each else ():
                    ours.append(
                        {"case": label, "rule": rule, "nodes": int(nodes), "of": what, "us": each[f"{what}_us"]}
                    )
                theirs.append({"case": label, "rule": f"{rule} / upstream", "us": told["upstream"]["node_us"]})
    base = alt.Chart().encode(
        y=alt.Y("us:Q", scale=alt.Scale(type="log"), title="µs"),
        color=alt.Color("rule:N", title=None, legend=alt.Legend(orient="bottom")),
    )
    x = alt.X("nodes:Q", scale=alt.Scale(type="log"), title="nodes", axis=alt.Axis(format="~s"))
    lines = base.mark_line(point=True).encode(
        x=x, strokeDash=alt.StrokeDash("of:N", title=None, legend=alt.Legend(orient="bottom", symbolType="stroke"))
    )
    panels = []
    for label in dict.fromkeys(each["case"] for each in ours):
        mine = alt.Data(values=[each for each in ours if each["case"] == label])
        upstream = alt.Data(
            values=[{"us": each["us"], "text": "one node, upstream"} for each in theirs if each["case"] == label][:1]
        )
        rule = alt.Chart(upstream).mark_rule(color="black", strokeDash=[2, 2]).encode(y="us:Q", tooltip="text:N")
        panels.append(alt.layer(lines.properties(data=mine), rule).properties(width=260, height=200, title=label))
    return alt.concat(*panels, columns=2).properties(
        title="Time of a decision; dotted: upstream's allocator for one node of the same fleet", background="white"
    )
