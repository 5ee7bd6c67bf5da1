"""What a picture of a topology is made of: frames, marks and links with their places, in pixels from the top left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind

Point: TypeAlias = tuple[float, float]

PATHS = (LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE, LinkKind.SYS)
"""Edges that are a path as a whole, nearest first; the last two say no more than the frames of memory nodes."""

DRAWN_PATHS = frozenset(kind.value for kind in PATHS[:3])
HIDDEN_PATHS = tuple(kind.value for kind in PATHS[3:])

NETWORK_LAYERS = ("core", "spine", "leaf")
"""Switches of a network, outermost first."""

HOST_LINKS = frozenset({INSIDE, LinkKind.PCIE.value, LinkKind.SOCKET.value, *(kind.value for kind in PATHS)})
"""Edges that are drawn where a host's inside is drawn; all others are links of the fabric."""


@dataclass(frozen=True)
class Frame:
    """A part that holds others: a rectangle with a caption.

    Attributes
    ----------
    name
        Vertex; empty where no vertex holds these parts together.
    label
        Caption.
    kind
        Of the vertex.
    x, y, width, height
        Of the rectangle.
    failed
        Whether the part has failed.
    covers
        Whether lines pass behind it.
    """

    name: str
    label: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    failed: bool = False
    covers: bool = False


@dataclass(frozen=True)
class Mark:
    """One part, or several that are linked alike.

    Attributes
    ----------
    names
        Vertices.
    kind
        What it looks like: kind of the vertices, for switches their layer.
    x, y
        Middle.
    label
        Beside it; empty where there is no room.
    where
        Of the label: ``below``, ``above``, ``left`` or ``right``.
    """

    names: tuple[str, ...]
    kind: str
    x: float
    y: float
    label: str = ""
    where: str = "below"


@dataclass(frozen=True)
class Link:
    """A line between two marks, for one edge or several.

    Attributes
    ----------
    ends
        What it joins, in words.
    edges
        Attributes of each edge that it stands for; all of one kind.
    points
        Where it runs.
    labelled
        Whether its count has room beside it.
    """

    ends: str
    edges: tuple[Mapping[str, Any], ...]
    points: tuple[Point, ...]
    labelled: bool = False

    @property
    def kind(self) -> str:
        """Kind of its edges."""
        return str(self.edges[0]["kind"])

    @property
    def count(self) -> int:
        """Parallel links of all its edges together."""
        return sum(edge["count"] for edge in self.edges)


@dataclass
class Scene:
    """Everything with its place, and what is to be said in words."""

    frames: list[Frame] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    captions: list[tuple[float, float, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    width: float = 0
    height: float = 0

    def add(self, other: Scene, x: float, y: float) -> None:
        """Take over another scene, moved."""
        self.frames += [replace(f, x=f.x + x, y=f.y + y) for f in other.frames]
        self.marks += [replace(m, x=m.x + x, y=m.y + y) for m in other.marks]
        self.links += [replace(k, points=tuple((px + x, py + y) for px, py in k.points)) for k in other.links]
        self.captions += [(px + x, py + y, text) for px, py, text in other.captions]
        self.notes += [note for note in other.notes if note not in self.notes]
        self.width = max(self.width, x + other.width)
        self.height = max(self.height, y + other.height)


NAMES: Mapping[str, str] = MappingProxyType(
    {
        "gpu": "GPU",
        "nic": "NIC",
        "cpu": "CPU",
        "nvswitch": "NVSwitch",
        "pcie": "PCIe switch",
        "leaf": "leaf switch",
        "spine": "spine switch",
        "core": "core switch",
        "switch": "switch",
        "pcie_root": "PCIe root",
        "numa": "NUMA node",
        "host": "host",
        "rack": "rack",
        "domain": "domain",
    }
)
"""What each kind of part is called."""


def looks(topology: Topology, name: str) -> str:
    """Return what a vertex looks like: its kind, or its layer where it is a switch."""
    data = topology.graph.nodes[name]
    return str(data.get("layer", data["kind"]))


def short(name: str, home: str) -> str:
    """Return a name without that of the part it is in.

    Examples
    --------
    >>> short("rack0/tray1/GPU2", "rack0/tray1"), short("GPU2", "host")
    ('GPU2', 'GPU2')
    """
    return name.removeprefix(f"{home}/") if home else name


def bow(a: Point, b: Point, height: float, steps: int = 14) -> tuple[Point, ...]:
    """Return a curve from a to b that leaves the straight line by a height, to the left of its way."""
    (ax, ay), (bx, by) = a, b
    if not height:
        return (a, b)
    length = max(((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5, 1e-9)
    nx, ny = (by - ay) / length, -(bx - ax) / length
    points = []
    for step in range(steps + 1):
        t = step / steps
        off = 4 * height * t * (1 - t)
        points.append((ax + (bx - ax) * t + nx * off, ay + (by - ay) * t + ny * off))
    return tuple(points)


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Move places apart, in the order they are wanted, until each two have a gap between them; their mean stays.

    Examples
    --------
    >>> spread([10, 10, 50], 20)
    [0.0, 20.0, 50.0]
    """
    if not wanted:
        return []
    blocks: list[tuple[float, int]] = []
    for place in wanted:
        start, size = float(place), 1
        while blocks and blocks[-1][0] + blocks[-1][1] * gap > start:
            before, count = blocks.pop()
            mean = ((before + (count - 1) * gap / 2) * count + (start + (size - 1) * gap / 2) * size) / (count + size)
            size += count
            start = mean - (size - 1) * gap / 2
        blocks.append((start, size))
    return [start + i * gap for start, size in blocks for i in range(size)]
