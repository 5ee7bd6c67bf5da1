"""A topology as a chart: a host's ring and boxes, hosts in racks below their network, or a torus."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology.drawing.chart import chart
from drapolicy.topology.drawing.fabric import fabric_scene
from drapolicy.topology.drawing.host import host_scene
from drapolicy.topology.drawing.scene import NAMES, NETWORK_LAYERS, Scene, looks
from drapolicy.topology.drawing.torus import torus_scene
from drapolicy.topology.drawing.tree import above, homes
from drapolicy.topology.graph import DEVICE_KINDS, INSIDE, Topology

if TYPE_CHECKING:
    import altair as alt

MOST_PARTS = 3_000
MOST_OF_HOST = 64


def draw(graph: Topology, *, within: str = "", title: str = "") -> alt.LayerChart:
    """Draw devices, what they are in and what links them.

    Parameters
    ----------
    graph
        Topology.
    within
        Vertex of which only the inside is drawn, with the NVSwitches that it is linked to: a host of a rack, say; for
        a switch of a network, what it serves.
    title
        Above the chart; without it `within`, or the kind that a generator gave.

    Returns
    -------
    altair.LayerChart
        Static, the same for the same topology. One host: its devices with links of their own on a ring, NVSwitches
        as hubs, and below or beside it boxes for memory nodes with the tree of PCIe. Several: boxes of hosts in racks
        and domains below the switches of the network. Vertices with a position: a torus. Kinds of parts differ in
        shape, kinds of links in dashes, counts in width; what has failed is crossed out; tooltips have units.

    Raises
    ------
    InputError
        If there is nothing to draw, or more than `MOST_PARTS` vertices.
    UnknownReferenceError
        If `within` is not a vertex.

    Examples
    --------
    >>> from drapolicy.topology import generate
    >>> draw(generate("dgx-1-v100")).title.text
    'dgx-1-v100'
    """
    if within:
        graph = _part(graph, within)
    size = graph.graph.number_of_nodes()
    if not size:
        raise InputError("graph: has no vertices; nothing can be drawn")
    if size > MOST_PARTS:
        raise InputError(
            f"graph: has {size} vertices, {MOST_PARTS} can be drawn; give within=, a rack, leaf switch or host"
        )
    scene = _scene(graph)
    kinds = Counter(looks(graph, name) for name in graph.graph)
    counted = ", ".join(_counted(kinds[kind], NAMES[kind]) for kind in NAMES if kinds[kind])
    failed = sum(bool(data.get("failed")) for _, _, data in graph.graph.edges(data=True))
    dead = sum(bool(data.get("failed")) for _, data in graph.graph.nodes(data=True))
    notes = [counted, *scene.notes]
    if failed or dead:
        notes.append(f"failed, crossed out: {failed} links, {dead} parts")
    kind = graph.graph.graph.get("kind", "")
    return chart(scene, graph, title or within or str(kind) or "Topology", notes)


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" + ("" if count == 1 else "es" if name.endswith("ch") else "s")


def _scene(graph: Topology) -> Scene:
    placed = {len(data["position"]) for _, data in graph.graph.nodes(data=True) if "position" in data}
    if len(placed) == 1:
        return torus_scene(graph)
    network = any(data.get("layer") in {"leaf", "spine", "core"} for _, data in graph.graph.nodes(data=True))
    if network or len(graph.of_kind("host")) > 1 or graph.of_kind("rack", "domain"):
        return fabric_scene(graph)
    if len(graph.devices) <= MOST_OF_HOST and graph.of_kind("host", "numa", *DEVICE_KINDS):
        return host_scene(graph)
    return fabric_scene(graph)


def _part(graph: Topology, name: str) -> Topology:
    if name not in graph.graph:
        raise UnknownReferenceError(f"within: no vertex named {name!r}")
    home = homes(graph)
    roots = _served(graph, name)
    roots |= {part for other in roots for part in above(other, home) if graph.graph.nodes[part]["kind"] == "host"}
    inside = roots | {other for other in graph.graph if not roots.isdisjoint(above(other, home))}
    inside |= {
        other for n in inside for other in graph.graph.adj[n] if graph.graph.nodes[other].get("layer") == "nvswitch"
    }
    part = graph.graph.copy()
    # What is left keeps its order; a subgraph would have that of a set.
    part.remove_nodes_from([other for other in graph.graph if other not in inside])
    return Topology(part)


def _served(graph: Topology, name: str) -> set[str]:
    """Return a part and, where it is a switch of a network, all that is linked below it."""
    layers = dict(zip(NETWORK_LAYERS, range(len(NETWORK_LAYERS)), strict=True))
    depth = {other: layers.get(looks(graph, other), len(layers)) for other in graph.graph}
    found, waiting = {name}, [name]
    while waiting:
        at = waiting.pop()
        if depth[at] < len(layers):
            ways = graph.graph.adj[at].items()
            new = {other for other, data in ways if depth[other] > depth[at] and data["kind"] != INSIDE} - found
            found |= new
            waiting += new
    return found
