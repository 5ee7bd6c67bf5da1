"""Who hangs on what in a host, as boxes: host around memory nodes around PCIe roots over switches over devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from drapolicy.topology.drawing.bundles import bundled
from drapolicy.topology.drawing.scene import (
    DRAWN_PATHS,
    HIDDEN_PATHS,
    PATHS,
    Frame,
    Link,
    Mark,
    Point,
    Scene,
    looks,
    short,
    spread,
)
from drapolicy.topology.drawing.tree import above, homes, inside
from drapolicy.topology.graph import DEVICE_KINDS, Topology
from drapolicy.topology.links import LinkKind

_ROW, _PAD, _CAPTION, _FOOT = 46, 10, 22, 30
_WIDEST = 900
_MOST_LETTERS = 18
_MOST_ARCS = 4
_FRAMES = ("domain", "rack", "host", "numa")
_ON_THE_WAY = ("pcie_root", "switch")
_LINKS = frozenset({LinkKind.PCIE.value, LinkKind.SOCKET.value, LinkKind.C2C.value, *DRAWN_PATHS})


def boxes(topology: Topology) -> Scene:
    """Lay out a host with everything in it; links are those of PCIe, sockets and coherent links."""
    return _Boxes(topology).scene


class _Boxes:
    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.scene = Scene()
        self.home = homes(topology)
        self.kind = {name: data["kind"] for name, data in topology.graph.nodes(data=True)}
        self.order = {name: i for i, name in enumerate(topology.graph)}
        drawn = [n for n in topology.graph if looks(topology, n) in {*_FRAMES, "pcie_root", "pcie", *DEVICE_KINDS}]
        self.inside = inside({name: self.home[name] for name in drawn if name in self.home})
        self.rows = max((self._above(name) for name in drawn if self.kind[name] in DEVICE_KINDS), default=0)
        self.links = set(_LINKS)
        names = [self._label(name) for name in drawn if self.kind[name] in DEVICE_KINDS]
        self.slot = max([46, *(6 * len(name[:_MOST_LETTERS]) + 4 for name in names)])
        nodes = len(topology.of_kind("numa"))
        sockets = [data for _, _, data in topology.graph.edges(data=True) if data["kind"] == LinkKind.SOCKET]
        rates = {(data["bandwidth_mb_s"], bool(data.get("failed"))) for data in sockets}
        if nodes > _MOST_ARCS and len(sockets) == nodes * (nodes - 1) // 2 and len(rates) == 1:
            self.links.remove(LinkKind.SOCKET.value)
            self.scene.notes.append(f"not drawn: equal links of each of {nodes} NUMA nodes to each")
            sockets = []
        self.arcs = min(12 + 8 * nodes, 64) if sockets else 0
        self.at: dict[str, Point] = {}
        outermost = [name for name in drawn if name not in self.home]
        self.scene.width, self.scene.height = self._flow(outermost, 0, 0)
        links = bundled(topology, self.at, self.links.__contains__, self._height)
        self.scene.links = [self._between(link) for link in links]
        self._note()

    def _above(self, name: str) -> int:
        return sum(self.kind[part] in _ON_THE_WAY for part in above(name, self.home))

    def _flow(self, names: Sequence[str], x: float, y: float) -> tuple[float, float]:
        """Place parts side by side, frames in lines; return the right and the lower end."""
        right, low, at, line = x, y, x, y
        for name in names:
            is_frame = self.kind[name] in _FRAMES
            if is_frame and at > x and at + self._width(name) > x + _WIDEST:
                at, line = x, low + _PAD + self.arcs
            to, bottom = self._place(name, at, line)
            right, low = max(right, to), max(low, bottom)
            at = to + (_PAD if is_frame else 0)
        return right, low

    def _width(self, name: str) -> float:
        """Return what a part takes where its frames are side by side."""
        within = self.inside.get(name, [])
        width = sum(self._width(n) + (_PAD if self.kind[n] in _FRAMES else 0) for n in within)
        return max(width + 2 * _PAD, 96) if self.kind[name] in _FRAMES else max(width, self.slot)

    def _place(self, name: str, x: float, y: float) -> tuple[float, float]:
        within = sorted(self.inside.get(name, ()), key=self._near(name))
        if self.kind[name] in _FRAMES:
            return self._frame(name, within, x, y)
        if self.kind[name] in DEVICE_KINDS:
            self._mark(name, x + self.slot / 2, y + _ROW * self.rows)
            return x + self.slot, y + _ROW * self.rows + _FOOT
        right, low = self._flow(within, x, y)
        right = max(right, x + self.slot)
        places = [self.at[n][0] for n in within]
        here = y + _ROW * self._above(name)
        self._mark(name, (min(places) + max(places)) / 2 if places else x + self.slot / 2, here)
        return right, max(low, here + _FOOT)

    def _frame(self, name: str, within: Sequence[str], x: float, y: float) -> tuple[float, float]:
        holds_nodes = any(self.kind[n] == "numa" for n in within)
        top = y + _CAPTION + (_PAD if any(self.kind[n] in _FRAMES for n in within) else 16)
        place = len(self.scene.frames)
        frames = [n for n in within if self.kind[n] in _FRAMES]
        loose = [n for n in within if n not in frames] if frames else []
        right, low = self._flow(frames or within, x + _PAD, top + (self.arcs if holds_nodes else 0))
        if loose:
            right, low = self._below(loose, x + _PAD, right, low + _PAD)
        right = max(right + _PAD, x + 96)
        failed = bool(self.topology.graph.nodes[name].get("failed"))
        label = short(name, self.home.get(name, ""))
        self.scene.frames.insert(place, Frame(name, label, self.kind[name], x, y, right - x, low + _PAD - y, failed))
        if self.kind[name] == "numa":
            self.at[name] = (x + right) / 2, y
            self.scene.marks.append(Mark((name,), "numa", (x + right) / 2, y))
        return right, low + _PAD

    def _below(self, loose: Sequence[str], x: float, right: float, y: float) -> tuple[float, float]:
        """Place parts whose memory node is not told under those whose is, each below what it is nearest to."""
        ways = self.topology.graph.adj
        wanted = {}
        for name in loose:
            near = next((found for kind in PATHS[:-1] if (found := self._placed(ways[name], kind))), [])
            wanted[name] = sum(near) / len(near) if near else right - self.slot / 2
        row = sorted(loose, key=lambda name: (wanted[name], self.order[name]))
        places = spread([wanted[name] for name in row], self.slot)
        shift = max(x + self.slot / 2 - places[0], 0)
        low = y
        for name, place in zip(row, places, strict=True):
            to, bottom = self._place(name, place + shift - self.slot / 2, y)
            right, low = max(right, to), max(low, bottom)
        return right, low

    def _placed(self, ways: Mapping[str, Mapping[str, Any]], kind: str) -> list[float]:
        return [self.at[other][0] for other, data in ways.items() if data["kind"] == kind and other in self.at]

    def _near(self, home: str) -> Callable[[str], tuple[int, int]]:
        """Order what is in a part: as the topology has it, network cards after the GPU that they are nearest to."""

        def key(name: str) -> tuple[int, int]:
            close = [
                self.order[other]
                for other, data in self.topology.graph.adj[name].items()
                if data["kind"] in {"PIX", "PXB"} and self.kind[other] == "gpu" and self.home.get(other) == home
            ]
            return (min(close), 1) if self.kind[name] == "nic" and close else (self.order[name], 0)

        return key

    def _mark(self, name: str, x: float, y: float) -> None:
        self.at[name] = x, y
        where = "below" if self.kind[name] in DEVICE_KINDS else "above"
        self.scene.marks.append(Mark((name,), looks(self.topology, name), x, y, self._label(name), where))

    def _label(self, name: str) -> str:
        if self.kind[name] == "switch":
            return ""
        host = next((part for part in above(name, self.home) if self.kind[part] == "host"), "")
        # A root's mark says that it is one of PCIe.
        return short(name, host).removeprefix("pci") if self.kind[name] == "pcie_root" else short(name, host)

    def _height(self, start: Point, end: Point) -> float:
        """Return how far a line bows: between memory nodes up, between devices of a row down."""
        if start[1] != end[1]:
            return 0
        reach = end[0] - start[0]
        if any(self.kind[n] == "numa" and self.at[n] == start for n in self.topology.of_kind("numa")):
            return min(10 + reach * 0.1, self.arcs - 4)
        return -min(14 + reach * 0.1, 26) if reach > self.slot else 0

    def _between(self, link: Link) -> Link:
        """Return a line between sockets of different rows so that it does not cross the inside of the upper one."""
        if link.kind != LinkKind.SOCKET or link.points[0][1] == link.points[-1][1]:
            return link
        upper, lower = sorted((link.points[0], link.points[-1]), key=lambda point: point[1])
        frame = next(f for f in self.scene.frames if f.kind == "numa" and self.at[f.name] == upper)
        return replace(link, points=((upper[0], frame.y + frame.height), lower))

    def _note(self) -> None:
        kinds = Counter(data["kind"] for _, _, data in self.topology.graph.edges(data=True))
        hidden = [f"{kinds[kind]} {kind}" for kind in HIDDEN_PATHS if kinds[kind]]
        if hidden:
            self.scene.notes.append(f"not drawn: {', '.join(hidden)}")
