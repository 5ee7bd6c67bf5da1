"""The Altair chart of a scene: kinds have shapes, links have dashes and widths, and colour says nothing alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

from drapolicy.topology.drawing.looks import (
    DASHES,
    FAILED,
    FILLS,
    INK,
    LINE,
    MARKS,
    OFFSETS,
    SOFT,
    data_of,
    finished,
    gb_s,
    safe,
)
from drapolicy.topology.drawing.scene import NAMES, Frame, Link, Mark, Scene
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind

if TYPE_CHECKING:
    import altair as alt


def chart(scene: Scene, topology: Topology, title: str, subtitle: Sequence[str]) -> alt.LayerChart:
    """Return the chart of a scene.

    Parameters
    ----------
    scene
        What is where.
    topology
        What the tooltips are from.
    title, subtitle
        Above the chart.
    """
    import altair as alt

    edge = 12
    width, height = scene.width + 2 * edge, scene.height + 2 * edge
    x = alt.X("x:Q", scale=alt.Scale(domain=[-edge, width - edge], nice=False, zero=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[height - edge, -edge], nice=False, zero=False), axis=None)
    below, over = ([f for f in scene.frames if f.covers is covers] for covers in (False, True))
    layers = [*_frames(below, x, y), *_links(scene.links, x, y), *_frames(over, x, y)]
    layers += _marks(scene.marks, topology, x, y)
    layers += _texts(
        [{"x": cx, "y": cy, "text": safe(text, 40)} for cx, cy, text in scene.captions], x, y, color=SOFT, fontSize=11
    )
    return finished(layers, round(width), round(height), title, subtitle)


def _frames(frames: Sequence[Frame], x: alt.X, y: alt.Y) -> list[Any]:
    import altair as alt

    if not frames:
        return []
    rows = [
        {
            "x": f.x, "y": f.y, "x2": f.x + f.width, "y2": f.y + f.height, "fill": FILLS.get(f.kind, "#ffffff"),
            "edge": FAILED if f.failed else LINE, "what": NAMES.get(f.kind, f.kind), "name": safe(f.name or f.label),
            "state": "failed" if f.failed else "works",
        }
        for f in frames
    ]  # fmt: skip
    base = alt.Chart(data_of(rows))
    told = [alt.Tooltip("what:N", title="part"), alt.Tooltip("name:N"), alt.Tooltip("state:N")]
    rects = base.mark_rect(cornerRadius=4, strokeWidth=1.2).encode(
        x=x, y=y, x2="x2:Q", y2="y2:Q", fill=alt.Fill("fill:N", scale=None), stroke=alt.Stroke("edge:N", scale=None),
        tooltip=told,
    )  # fmt: skip
    words = [
        {
            "x": f.x + 7,
            "y": f.y + 11,
            "text": safe(f.label + (" (failed)" if f.failed else ""), max(int((f.width - 10) / 6), 3)),
        }
        for f in frames
        if f.label or f.failed
    ]
    captions = alt.Chart(data_of(words)).mark_text(align="left", baseline="middle", fontSize=10, color=SOFT)
    return [rects, captions.encode(x=x, y=y, text="text:N")]


def _links(links: Sequence[Link], x: alt.X, y: alt.Y) -> list[Any]:
    import altair as alt

    sides = [link for link in links if link.kind == INSIDE]
    shown = [link for link in links if link.kind != INSIDE]
    layers = []
    if sides:
        arcs = [{"x": px, "y": py, "id": i, "n": n} for i, s in enumerate(sides) for n, (px, py) in enumerate(s.points)]
        layers.append(
            alt.Chart(data_of(arcs)).mark_line(color=SOFT, strokeWidth=2.5).encode(x=x, y=y, detail="id:N", order="n:Q")
        )
    if not shown:
        return layers
    kinds = [kind for kind in DASHES if any(link.kind == kind for link in shown)]
    names = [DASHES[kind][0] for kind in kinds]
    counts_of = [link.count for link in shown if link.kind not in _THIN] or [1]
    least, most = min(counts_of), max(counts_of)
    many = len(shown) > 120
    rows: list[dict[str, object]] = []
    crosses: list[dict[str, object]] = []
    counts: list[dict[str, object]] = []
    for i, link in enumerate(shown):
        told = _told(link)
        failed = bool(link.edges[0].get("failed"))
        size = 2.0 if least == most else 1 + 3.5 * log(link.count) / log(max(most, 8))
        size = 1.2 if link.kind in _THIN else size * (0.6 if many else 1)
        for n, (px, py) in enumerate(link.points):
            rows.append(
                {"x": px, "y": py, "id": i, "n": n, "size": round(size, 2), "kind": DASHES[link.kind][0]}
                | told
                | {"opacity": 1.0 if failed else 0.45 if many else 0.8}
            )
        mx, my = _middle(link)
        if failed:
            crosses.append({"x": mx, "y": my} | told)
        elif link.labelled and link.count > 1:
            counts.append({"x": mx, "y": my, "text": f"×{link.count}"})
    tips = [alt.Tooltip(f"{name}:N") for name in ("link", "what", "count", "bandwidth", "latency", "state")]
    layers.append(
        alt.Chart(data_of(rows))
        .mark_line()
        .encode(
            x=x,
            y=y,
            detail="id:N",
            order="n:Q",
            stroke=alt.Stroke(
                "kind:N",
                scale=alt.Scale(domain=names, range=[DASHES[kind][2] for kind in kinds]),
                legend=alt.Legend(title="link", symbolType="stroke", symbolStrokeWidth=2, symbolSize=300),
            ),
            strokeDash=alt.StrokeDash(
                "kind:N",
                scale=alt.Scale(domain=names, range=[list(DASHES[kind][1]) for kind in kinds]),
                legend=alt.Legend(title="link", symbolType="stroke", symbolStrokeWidth=2, symbolSize=300),
            ),
            strokeWidth=alt.StrokeWidth("size:Q", scale=None),
            strokeOpacity=alt.StrokeOpacity("opacity:Q", scale=None),
            tooltip=tips,
        )
    )
    layers += _texts(counts, x, y, color=INK, fontSize=10)
    if crosses:
        layers += _crosses(crosses, x, y, tips, 90)
    return layers


_THIN = frozenset({LinkKind.PCIE, LinkKind.SOCKET, LinkKind.PIX, LinkKind.PXB, LinkKind.PHB})


def _middle(link: Link) -> tuple[float, float]:
    if len(link.points) > 2:
        return link.points[len(link.points) // 2]
    (ax, ay), (bx, by) = link.points
    # Off the middle, where the lines of a full mesh cross.
    return ax + (bx - ax) * 0.28, ay + (by - ay) * 0.28


def _told(link: Link) -> dict[str, object]:
    first = link.edges[0]
    generation = f" generation {first['generation']}" if "generation" in first else ""
    lanes = f" × {first['lanes']} lanes" if "lanes" in first else ""
    latency = f"{first['latency_ns']:,} ns" if "latency_ns" in first else "unknown"
    if "slit" in first:
        latency = f"{first['slit']} (relative, 10 is local)"
    return {
        "link": safe(link.ends, 120),
        "what": f"{DASHES[link.kind][0]}{generation}{lanes}",
        "count": f"{link.count:,}",
        "bandwidth": gb_s(sum(edge["bandwidth_mb_s"] for edge in link.edges)),
        "latency": latency,
        "state": "failed: carries nothing" if first.get("failed") else "works",
    }


def _crosses(rows: Sequence[Mapping[str, object]], x: alt.X, y: alt.Y, tips: Sequence[Any], size: int) -> list[Any]:
    import altair as alt

    path = "M-1,-1L1,1M1,-1L-1,1"
    base = alt.Chart(data_of(rows)).encode(x=x, y=y, tooltip=list(tips))
    return [
        base.mark_point(shape=path, stroke=stroke, strokeWidth=wide, size=size, opacity=1, fill=None)
        for stroke, wide in (("white", 5), (FAILED, 2.4))
    ]


def _texts(rows: Sequence[Mapping[str, object]], x: alt.X, y: alt.Y, **style: Any) -> list[Any]:
    """Return words on a white edge, so that lines behind them do not cross them out."""
    import altair as alt

    if not rows:
        return []
    base = alt.Chart(data_of(rows)).encode(x=x, y=y, text="text:N")
    edge = {"stroke": "white", "strokeWidth": 3, "strokeJoin": "round"}
    return [base.mark_text(baseline="middle", **{**style, **edge}), base.mark_text(baseline="middle", **style)]


def _marks(marks: Sequence[Mark], topology: Topology, x: alt.X, y: alt.Y) -> list[Any]:
    import altair as alt

    if not marks:
        return []
    rows, crosses = [], []
    small = len(marks) > 150
    words: dict[str, list[dict[str, object]]] = {}
    for mark in marks:
        told = _about(mark, topology)
        size = MARKS[mark.kind][2] * (0.4 if small and mark.kind in {"gpu", "nic", "cpu"} else 1)
        rows.append({"x": mark.x, "y": mark.y, "kind": NAMES[mark.kind], "size": size} | told)
        if told["state"] != "works":
            crosses.append({"x": mark.x, "y": mark.y} | told)
        if mark.label:
            dx, dy, _ = OFFSETS[mark.where]
            row: dict[str, object] = {"x": mark.x + dx, "y": mark.y + dy, "text": safe(mark.label, 18)}
            words.setdefault(mark.where, []).append(row)
    kinds = [kind for kind in MARKS if any(mark.kind == kind for mark in marks)]
    names = [NAMES[kind] for kind in kinds]
    tips = [alt.Tooltip(f"{name}:N") for name in ("part", "name", "product", "pci", "more", "state")]
    legend = alt.Legend(title="part", symbolOpacity=1)
    layers = [
        alt.Chart(data_of(rows))
        .mark_point(filled=True, opacity=1, stroke="white", strokeWidth=0.8)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape(
                "kind:N", scale=alt.Scale(domain=names, range=[MARKS[kind][0] for kind in kinds]), legend=legend
            ),
            fill=alt.Fill(
                "kind:N", scale=alt.Scale(domain=names, range=[MARKS[kind][1] for kind in kinds]), legend=legend
            ),
            size=alt.Size("size:Q", scale=None),
            tooltip=tips,
        )
    ]
    for where, some in words.items():
        layers += _texts(some, x, y, color=INK, fontSize=10, align=OFFSETS[where][2])
    if crosses:
        layers += _crosses(crosses, x, y, tips, 220)
    return layers


def _about(mark: Mark, topology: Topology) -> dict[str, object]:
    nodes = topology.graph.nodes
    first = nodes[mark.names[0]]
    few = ", ".join(mark.names[:4]) + (f", … ({len(mark.names)})" if len(mark.names) > 4 else "")
    more = [f"{key} {safe(first[key])}" for key in ("index", "uuid", "rdma", "rail", "position") if key in first]
    if "speed_mb_s" in first:
        more.append(gb_s(first["speed_mb_s"]))
    alone = len(mark.names) == 1
    return {
        "part": NAMES[mark.kind],
        "name": safe(few, 200),
        "product": safe(first.get("product", "")) if alone else "",
        "pci": safe(first.get("pci", "")) if alone else "",
        "more": ", ".join(more) if alone else "",
        "state": "failed" if any(nodes[name].get("failed") for name in mark.names) else "works",
    }
