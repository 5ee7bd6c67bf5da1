"""Many hosts: boxes of hosts in racks and domains, or below their switches; networks above, NVSwitches as hubs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, sqrt

from drapolicy.topology.drawing.bundles import bundled
from drapolicy.topology.drawing.scene import (
    HOST_LINKS,
    NAMES,
    NETWORK_LAYERS,
    Frame,
    Mark,
    Point,
    Scene,
    looks,
    short,
    spread,
)
from drapolicy.topology.drawing.tree import above, alike, homes, inside
from drapolicy.topology.graph import DEVICE_KINDS, Topology

_PAD, _CAPTION, _ROW, _SWITCH = 10, 20, 58, 64
_WIDEST = 1100
_MOST_NAMED = 24
_WIDE = 1.8
_MOST_LINES = 300
_MOST_OF_GROUP = 200
_HOLDERS = ("domain", "rack")


def fabric_scene(topology: Topology) -> Scene:
    """Lay out a topology of several hosts, or of none."""
    return _Fabric(topology).scene


class _Fabric:
    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.scene = Scene()
        self.home = homes(topology)
        self.inside = inside(self.home)
        self.kind = {name: looks(topology, name) for name in topology.graph}
        self.order = {name: i for i, name in enumerate(topology.graph)}
        self.hosts = [name for name in topology.graph if self._is_cell(name)]
        self.cell_of = {name: self._cell(name) for name in topology.graph}
        self.named = len(self.hosts) <= _MOST_NAMED
        switches = {*NETWORK_LAYERS, "nvswitch", "switch"}
        outside = [n for n in topology.graph if self.kind[n] in switches and not self.cell_of[n]]
        self.bundles = alike(topology, outside)
        groups = self._groups()
        self.owner = self._owners(groups)
        self._layout(groups)
        self._lines(groups)

    # --- who is where ----------------------------------------------------------------------------------------

    def _is_cell(self, name: str) -> bool:
        """Tell whether a part is drawn as one box of the grid: a host, or what is in none."""
        if self.kind[name] == "host":
            return True
        return self.kind[name] in DEVICE_KINDS and not any(self.kind[part] == "host" for part in above(name, self.home))

    def _cell(self, name: str) -> str:
        return next((part for part in (name, *above(name, self.home)) if self._is_cell(part)), "")

    def _groups(self) -> dict[tuple[str, ...], list[str]]:
        """Gather hosts by what holds them, outermost first; where nothing does, by the switches they are linked to."""
        under = defaultdict(set)
        for a, b, data in self.topology.graph.edges(data=True):
            if data["kind"] not in HOST_LINKS:
                for one, other in ((a, b), (b, a)):
                    if self.kind[other] in {"leaf", "spine", "switch"} and self.cell_of[one]:
                        under[self.cell_of[one]].add(other)
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        alone: dict[frozenset[str], list[str]] = defaultdict(list)
        for host in self.hosts:
            held = tuple(part for part in above(host, self.home) if self.kind[part] in _HOLDERS)[::-1]
            if held:
                found[held].append(host)
            else:
                alone[frozenset(under[host])].append(host)
        for hosts in alone.values():
            found["", hosts[0]] = hosts
        return found

    def _owners(self, groups: dict[tuple[str, ...], list[str]]) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Return the group that each bundle of switches serves alone; no key where it serves several."""
        group_of = {host: key for key, hosts in groups.items() for host in hosts}
        found = {}
        for bundle in self.bundles:
            served = {
                group_of[self.cell_of[other]]
                for name in bundle
                for other in self.topology.graph.adj[name]
                if self.cell_of[other] and self.kind[other] not in {"rack", "domain"}
            }
            if len(served) == 1:
                found[bundle] = served.pop()
        return found

    # --- places ----------------------------------------------------------------------------------------------

    def _layout(self, groups: dict[tuple[str, ...], list[str]]) -> None:
        drawn = {key: self._group(key, hosts) for key, hosts in groups.items()}
        holders: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for key in groups:
            holders[key[0] if len(key) > 1 and key[0] else ""].append(key)
        top = [bundle for bundle in self.bundles if bundle not in self.owner]
        layers = [[b for b in top if self.kind[b[0]] == layer] for layer in (*NETWORK_LAYERS, "switch", "nvswitch")]
        layers = [layer for layer in layers if layer]
        y: float = _ROW * len(layers) + (_PAD if layers else 0)
        for holder, keys in holders.items():
            inner = Scene()
            self._flow(inner, [drawn[key] for key in keys])
            if holder:
                self._framed(inner, holder)
            moved = self._take(self.scene, inner, 0, y)
            y += moved.height + _PAD
        for number, layer in reversed(list(enumerate(layers))):
            self._layer(layer, _ROW * number + 16)

    def _flow(self, scene: Scene, parts: Sequence[Scene]) -> None:
        area = sum((p.width + _PAD) * (p.height + _PAD) for p in parts)
        in_line = sum(p.width + _PAD for p in parts)
        widest = max(in_line if in_line <= _WIDEST else min(sqrt(area * 2.6), _WIDEST), parts[0].width)
        x = y = low = 0.0
        for part in parts:
            if x > 0 and x + part.width > widest:
                x, y = 0.0, low + _PAD
            self._take(scene, part, x, y)
            x += part.width + _PAD
            low = max(low, y + part.height)

    def _take(self, scene: Scene, part: Scene, x: float, y: float) -> Scene:
        scene.add(part, x, y)
        return part

    def _framed(self, scene: Scene, name: str) -> None:
        inner = Scene()
        inner.add(scene, _PAD, _CAPTION + 2)
        width, height = scene.width + 2 * _PAD, scene.height + _CAPTION + 2 + _PAD
        failed = bool(self.topology.graph.nodes[name].get("failed"))
        label = short(name, self.home.get(name, ""))
        frame = Frame(name, label, self.kind[name], 0, 0, width, height, failed)
        scene.frames, scene.marks, scene.captions = [frame, *inner.frames], inner.marks, inner.captions
        scene.width, scene.height = width, height

    def _group(self, key: tuple[str, ...], hosts: Sequence[str]) -> Scene:
        """Place switches that serve these hosts alone above them, NVSwitches between their rows."""
        scene = Scene()
        own = [bundle for bundle in self.bundles if self.owner.get(bundle) == key]
        hubs = [bundle for bundle in own if self.kind[bundle[0]] == "nvswitch"]
        nets = [bundle for bundle in own if bundle not in hubs]
        cells = [self._cell_scene(host) for host in hosts]
        gap = 8 if self.named else 4
        width, height = max(c.width for c in cells) + gap, max(c.height for c in cells) + gap
        rows = max(round(sqrt(len(cells) * width / height / _WIDE)), 1)
        if hubs and len(cells) > 3:
            rows = max(rows // 2 * 2, 2)
        columns = ceil(len(cells) / rows)
        room = max(columns * width - gap, _SWITCH * max(len(nets), len(hubs)) * (1 if self.named else 0.6), 60)
        y = 0.0
        levels = [[b for b in nets if self.kind[b[0]] == layer] for layer in (*NETWORK_LAYERS, "switch")]
        for level in filter(None, levels):
            self._row(scene, level, room, y + 14)
            y += _ROW - 8
        start = (room - columns * width + gap) / 2
        for i, cell in enumerate(cells):
            row, column = divmod(i, columns)
            if hubs and row == rows // 2 and column == 0 and row:
                self._row(scene, hubs, room, y + row * height + 20)
                y += _ROW
            scene.add(cell, start + column * width, y + row * height)
        if hubs and rows == 1:
            self._row(scene, hubs, room, scene.height + 30)
            scene.height += 56
        scene.width = max(scene.width, room)
        if len(key) > 1 and key[0]:
            self._framed(scene, key[-1])
        elif len(key) == 1:
            self._framed(scene, key[0])
        return scene

    def _row(self, scene: Scene, bundles: Sequence[tuple[str, ...]], room: float, y: float) -> None:
        for i, bundle in enumerate(bundles):
            scene.marks.append(self._switch(bundle, room * (i + 0.5) / len(bundles), y, len(bundles) <= 12))

    def _switch(self, bundle: tuple[str, ...], x: float, y: float, named: bool) -> Mark:
        kind = self.kind[bundle[0]]
        label = f"{len(bundle)} × {NAMES[kind]}" if len(bundle) > 1 else short(bundle[0], self.home.get(bundle[0], ""))
        return Mark(bundle, kind, x, y, label if named else "", "below" if kind == "nvswitch" else "above")

    def _layer(self, bundles: Sequence[tuple[str, ...]], y: float) -> None:
        """Place switches that serve several groups above the middle of what they are linked to."""
        near = {n: (m.x, m.y) for m in self.scene.marks for n in m.names}
        near |= self._middles()
        wanted = {}
        for bundle in bundles:
            below = [near[n][0] for other in self.topology.graph.adj[bundle[0]] if (n := self._shown(other, near))]
            wanted[bundle] = sum(below) / len(below) if below else self.scene.width / 2
        row = sorted(bundles, key=lambda bundle: (wanted[bundle], self.order[bundle[0]]))
        gap = max(min(_SWITCH, self.scene.width / len(row)), 14)
        places = spread([wanted[bundle] for bundle in row], gap)
        shift = max(20 - places[0], 0)
        for bundle, x in zip(row, places, strict=True):
            self.scene.marks.append(self._switch(bundle, x + shift, y, gap >= _SWITCH))
        self.scene.width = max(self.scene.width, places[-1] + shift + 30)

    def _middles(self) -> dict[str, Point]:
        return {f.name: (f.x + f.width / 2, f.y + f.height / 2) for f in self.scene.frames}

    def _shown(self, name: str, near: dict[str, Point]) -> str:
        return next((part for part in (name, self.cell_of[name]) if part in near), "")

    def _cell_scene(self, host: str) -> Scene:
        """Place a host's devices in its box: one line of a kind for each, wrapped where there are many."""
        scene = Scene()
        if self.kind[host] != "host":
            scene.marks.append(Mark((host,), self.kind[host], 10, 10, host if self.named else "", "below"))
            scene.width, scene.height = (56, 40) if self.named else (20, 20)
            return scene
        devices = [n for n in self._below(host) if self.kind[n] in DEVICE_KINDS]
        if not devices:
            scene.marks.append(Mark((host,), "host", 10, 8, "", "below"))
            scene.width, scene.height = 20, 16
            if self.named:
                scene.marks[0] = Mark((host,), "host", 30, 8, short(host, self.home.get(host, "")), "below")
                scene.width, scene.height = 60, 34
            return scene
        step = 22 if self.named else 12
        y = (_CAPTION + 8) if self.named else step * 0.6
        columns = 1
        for kind in DEVICE_KINDS:
            some = [n for n in devices if self.kind[n] == kind]
            across = min(len(some), 4 if self.named or len(some) > 4 else 2)
            across = max(across, ceil(sqrt(len(some))))
            columns = max(columns, across)
            for i, name in enumerate(some):
                scene.marks.append(Mark((name,), kind, step * (i % across + 0.6), y + step * (i // across)))
            y += step * ceil(len(some) / across) if some else 0
        scene.width = max(step * (columns + 0.2), 56 if self.named else 16)
        scene.height = y - step * 0.4
        failed = bool(self.topology.graph.nodes[host].get("failed"))
        label = short(host, self.home.get(host, "")) if self.named else ""
        scene.frames.append(Frame(host, label, "host", 0, 0, scene.width, scene.height, failed, covers=True))
        return scene

    def _below(self, name: str) -> Iterable[str]:
        for n in self.inside.get(name, ()):
            yield n
            yield from self._below(n)

    # --- links -----------------------------------------------------------------------------------------------

    def _lines(self, groups: Mapping[tuple[str, ...], Sequence[str]]) -> None:
        """Draw links of the fabric from device to device, or where these are too many from host to host."""
        marks = {name: (m.x, m.y) for m in self.scene.marks for name in m.names}
        graph = self.topology.graph
        within = [(a, b) for a, b, data in graph.edges(data=True) if self._is_within_host(a, b, data["kind"])]
        outside = self.topology
        if within:
            apart = graph.copy()
            apart.remove_edges_from(within)
            outside = Topology(apart)
            self.scene.notes.append("links inside of hosts are not drawn: give within= a host, or see the bandwidths")
        lines = bundled(outside, marks, self._is_fabric, self._height)
        if len(lines) > _MOST_LINES:
            ends = self._middles()
            hosts = {n: ends[cell] for n, cell in self.cell_of.items() if cell in ends}
            marks = {n: hosts.get(n, place) for n, place in marks.items()}
            single, lines = lines, bundled(outside, marks, self._is_fabric, self._height)
            if len(lines) < len(single):
                self.scene.notes.append("a line from a host stands for all its devices")
        if len(lines) > _MOST_OF_GROUP * len(groups):
            tops = {n: self._top(hosts, marks) for hosts in groups.values() for n in hosts}
            marks = {n: tops.get(self.cell_of[n], place) for n, place in marks.items()}
            lines = bundled(outside, marks, self._is_fabric, self._height)
            self.scene.notes = [n for n in self.scene.notes if not n.startswith("a line from")]
            self.scene.notes += ["a line to hosts that stand together stands for all of them"]
        self.scene.links = lines

    def _top(self, hosts: Sequence[str], marks: Mapping[str, Point]) -> Point:
        places = [marks[n] for n in marks if self.cell_of[n] in set(hosts)]
        return sum(x for x, _ in places) / len(places), min(y for _, y in places) - 14

    def _is_within_host(self, a: str, b: str, kind: str) -> bool:
        return self._is_fabric(kind) and self.cell_of[a] == self.cell_of[b] != ""

    def _is_fabric(self, kind: str) -> bool:
        return kind not in HOST_LINKS and kind != "C2C"

    def _height(self, start: Point, end: Point) -> float:
        reach = abs(end[0] - start[0])
        return min(6 + reach * 0.12, 40) if abs(start[1] - end[1]) < 1 and reach > 30 else 0
