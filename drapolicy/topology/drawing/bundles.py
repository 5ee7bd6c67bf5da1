"""Lines between marks: one for all edges of a kind and health that join the same two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from drapolicy.topology.drawing.scene import Link, Point, bow
from drapolicy.topology.graph import Topology

_MOST_LABELLED = 40


def bundled(
    topology: Topology,
    at: Mapping[str, Point],
    drawn: Callable[[str], bool],
    height: Callable[[Point, Point], float] = lambda _a, _b: 0,
) -> list[Link]:
    """Return a line for each two places that links join; all of a kind and health share it.

    Parameters
    ----------
    topology
        Whose edges.
    at
        Place of each vertex that has one.
    drawn
        Tells whether edges of a kind are drawn.
    height
        How far a line between two places bows to the left of its way; places come in order.
    """
    found: dict[tuple[Point, Point, str, bool], list[tuple[str, str]]] = defaultdict(list)
    nodes = topology.graph.nodes
    for a, b, data in topology.graph.edges(data=True):
        if a not in at or b not in at or at[a] == at[b] or not drawn(data["kind"]):
            continue
        pair = (a, b) if at[a] <= at[b] else (b, a)
        failed = bool(data.get("failed") or nodes[a].get("failed") or nodes[b].get("failed"))
        found[at[pair[0]], at[pair[1]], data["kind"], failed].append(pair)
    counts = {sum(topology.graph.edges[pair]["count"] for pair in pairs) for pairs in found.values()}
    few = len(found) <= _MOST_LABELLED and len(counts) > 1
    links = []
    for (start, end, _, failed), pairs in found.items():
        edges = tuple({**topology.graph.edges[pair], "failed": failed} for pair in pairs)
        links.append(Link(_ends(pairs), edges, bow(start, end, height(start, end)), few))
    return links


def _ends(pairs: Sequence[tuple[str, str]]) -> str:
    a, b = (tuple(dict.fromkeys(pair[side] for pair in pairs)) for side in (0, 1))
    return f"{_some(a)} – {_some(b)}"


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)})"
