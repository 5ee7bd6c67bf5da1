"""Devices of a torus or mesh where their coordinates say: planes behind each other, more axes side by side."""

from __future__ import annotations

from math import prod

from drapolicy.topology.drawing.bundles import bundled
from drapolicy.topology.drawing.scene import HOST_LINKS, Link, Mark, Point, Scene, looks
from drapolicy.topology.graph import Topology

_STEP, _PAD, _STUB = 30, 26, 13
_MOST_NAMED = 32


def torus_scene(topology: Topology) -> Scene:
    """Lay out vertices that have a ``position``, all of as many axes.

    The first axis goes right, the second down, the third to the back; each further one places such blocks side by
    side. A link around the end of an axis is two stubs.
    """
    where: dict[str, tuple[int, ...]] = {
        name: data["position"] for name, data in topology.graph.nodes(data=True) if "position" in data
    }
    axes = max(map(len, where.values()))
    used = [sorted({p[axis] for p in where.values()}) for axis in range(axes)]
    ranks = [{place: rank for rank, place in enumerate(places)} for places in used]
    # Coordinates that nothing has take no room.
    where = {name: tuple(rank[i] for rank, i in zip(ranks, p, strict=True)) for name, p in where.items()}
    lengths = [*map(len, used), 1, 1, 1]
    depth = lengths[2]
    step = max(_STEP + 14 * (depth - 1), 44 if len(where) <= _MOST_NAMED else 0)
    back = 0.0 if depth == 1 else step * 0.72 / depth
    block_x, block_y = (step * lengths[i] + back * depth + _PAD for i in (0, 1))
    at: dict[str, Point] = {}
    scene = Scene()
    for name, position in where.items():
        x, y, z, *others = (*position, 0, 0, 0)[: max(axes, 3)]
        tile = [sum(others[i] * prod(lengths[3 + i % 2 : 3 + i : 2]) for i in range(o, len(others), 2)) for o in (0, 1)]
        at[name] = (
            _PAD + tile[0] * block_x + x * step + z * back,
            _PAD + tile[1] * block_y + y * step + (depth - 1 - z) * back,
        )
        label = ",".join(str(used[axis][i]) for axis, i in enumerate(position)) if len(where) <= _MOST_NAMED else ""
        scene.marks.append(Mark((name,), looks(topology, name), *at[name], label))
    wraps = {
        frozenset({a, b})
        for a, b in topology.graph.edges
        if a in where and b in where and sum(abs(i - j) for i, j in zip(where[a], where[b], strict=True)) > 1
    }
    by_place = {place: name for name, place in at.items()}
    for link in bundled(topology, at, lambda kind: kind not in HOST_LINKS):
        start, end = link.points[0], link.points[-1]
        if frozenset({by_place[start], by_place[end]}) in wraps:
            scene.links += [_stub(link, start, end), _stub(link, end, start)]
        else:
            scene.links.append(link)
    if wraps:
        scene.notes.append(f"{len(wraps)} links around the ends are drawn as two stubs each")
    scene.width = max(x for x, _ in at.values()) + _PAD
    scene.height = max(y for _, y in at.values()) + _PAD + (12 if len(where) <= _MOST_NAMED else 0)
    return scene


def _stub(link: Link, start: Point, end: Point) -> Link:
    """Return the first bit of a link, leading away from its other end."""
    dx, dy = start[0] - end[0], start[1] - end[1]
    length = (dx * dx + dy * dy) ** 0.5
    tip = start[0] + dx / length * _STUB, start[1] + dy / length * _STUB
    return Link(link.ends, link.edges, (start, tip))
