"""A host's inside: its devices on a ring with the links between them, and beside it who hangs on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import cos, hypot, pi, sin

from drapolicy.topology.drawing.boxes import boxes
from drapolicy.topology.drawing.bundles import bundled
from drapolicy.topology.drawing.scene import (
    HOST_LINKS,
    NAMES,
    Link,
    Mark,
    Point,
    Scene,
    looks,
    short,
)
from drapolicy.topology.drawing.tree import above, alike, homes
from drapolicy.topology.graph import DEVICE_KINDS, Topology

_BESIDE, _HUBS, _ABOVE = 900, 36, 18


def host_scene(topology: Topology) -> Scene:
    """Lay out a topology with at most one host."""
    ring, tree = _ring(topology), boxes(topology)
    scene = Scene()
    if not ring.marks:
        scene.add(tree, 0, 0)
    elif ring.width + 24 + tree.width <= _BESIDE:
        height = max(ring.height, tree.height)
        scene.add(ring, 0, (height - ring.height) / 2)
        scene.add(tree, ring.width + 24, (height - tree.height) / 2)
    else:
        width = max(ring.width, tree.width)
        scene.add(ring, (width - ring.width) / 2, 0)
        scene.add(tree, (width - tree.width) / 2, ring.height + 16)
    return scene


def _ring(topology: Topology) -> Scene:
    """Place devices with links of their own on a ring, in the order of their memory nodes, and NVSwitches within."""
    graph, home = topology.graph, homes(topology)
    devices = topology.devices
    linked = [
        name
        for name in devices
        if any(
            data["kind"] not in HOST_LINKS and graph.nodes[other]["kind"] in {"switch", *DEVICE_KINDS}
            for other, data in graph.adj[name].items()
        )
    ]
    scene = Scene()
    if len(linked) < 2:
        return scene
    node = {name: next((up for up in above(name, home) if graph.nodes[up]["kind"] == "numa"), "") for name in linked}
    first = {name: i for i, name in enumerate(dict.fromkeys(node.values()))}
    linked.sort(key=lambda name: first[node[name]])
    host = {name: next((up for up in above(name, home) if graph.nodes[up]["kind"] == "host"), "") for name in graph}
    label = {name: short(name, host[name]) for name in graph} | {"": ""}
    switches = [name for name in topology.of_kind("switch") if looks(topology, name) != "pcie"]
    hubs = alike(topology, switches)
    radius = max(112.0, len(linked) * 13.0)
    far = radius + 20 + 6 * max(len(label[name][:14]) for name in linked)
    margin = far - radius + 24 + 6 * max(len(label[name][:14]) for name in first)
    middle = radius + margin
    scene.width = scene.height = 2 * middle
    at: dict[str, Point] = {}
    for i, name in enumerate(linked):
        x, y = _on_ring(i, len(linked), radius, middle)
        at[name] = x, y
        scene.marks.append(Mark((name,), looks(topology, name), x, y, label[name], _side(x - middle, y - middle)))
    around = frozenset(at)
    for i, hub in enumerate(hubs):
        x, y = _hub(i, len(hubs), [at[other] for other in graph.adj[hub[0]] if other in around], middle)
        while any(hypot(x - px, y - py) < _HUBS for px, py in at.values()):
            y += _HUBS
        at |= dict.fromkeys(hub, (x, y))
        told = f"{len(hub)} × {NAMES[looks(topology, hub[0])]}" if len(hub) > 1 else hub[0]
        scene.marks.append(Mark(hub, looks(topology, hub[0]), x, y, told))
    middles = {at[name] for hub in hubs for name in hub}
    scene.links = [_outward(link, middles) for link in bundled(topology, at, lambda kind: kind not in HOST_LINKS)]
    counts = {link.count for link in scene.links}
    if len(counts) == 1 and (count := counts.pop()) > 1:
        scene.notes.append(f"each line of the ring is {count} links")
    for group in first:
        places = [i for i, name in enumerate(linked) if node[name] == group]
        if group and len(first) > 1:
            _arc(scene, label[group], places, len(linked), far)
    cut = Scene()
    cut.add(scene, 0, far + _ABOVE - middle)
    cut.height = 2 * (far + _ABOVE)
    return cut


def _outward(link: Link, hubs: set[Point]) -> Link:
    """Return a line that starts at the device where its other end is a hub: counts beside hubs would be a heap."""
    return replace(link, points=link.points[::-1]) if link.points[0] in hubs and link.points[-1] not in hubs else link


def _angle(i: float, count: int) -> float:
    return 2 * pi * (i + 0.5) / count - pi / 2


def _on_ring(i: float, count: int, radius: float, middle: float) -> Point:
    return middle + radius * cos(_angle(i, count)), middle + radius * sin(_angle(i, count))


def _side(dx: float, dy: float) -> str:
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "below" if dy > 0 else "above"


def _hub(i: int, count: int, around: Sequence[Point], middle: float) -> Point:
    if count == 1:
        return middle, middle
    if around:
        x, y = (sum(p[axis] for p in around) / len(around) - middle for axis in (0, 1))
        if hypot(x, y) > 20:
            return middle + x * 0.6, middle + y * 0.6
    return _on_ring(i, count, 42, middle)


def _arc(scene: Scene, text: str, places: Sequence[int], count: int, radius: float) -> None:
    middle = scene.width / 2
    a, b = places[0] - 0.3, places[-1] + 0.3
    points = tuple(_on_ring(a + (b - a) * t / 24, count, radius, middle) for t in range(25))
    aside = abs(cos(_angle((a + b) / 2, count)))
    x, y = _on_ring((a + b) / 2, count, radius + 10 + 3 * len(text[:14]) * aside, middle)
    scene.captions.append((x, y, text))
    scene.links.append(Link(text, ({"kind": "in", "count": 1, "bandwidth_mb_s": 0},), points))
