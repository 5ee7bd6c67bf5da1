"""The picture of a machine: devices, switches and memory nodes as vertices, links as edges with units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import Fault, InputError, UnknownReferenceError
from drapolicy.topology.links import LinkKind

if TYPE_CHECKING:
    import networkx as nx

DEVICE_KINDS = ("gpu", "nic", "cpu")
"""Kinds of vertices that a DRA device can be bound to."""

VERTEX_KINDS = frozenset({*DEVICE_KINDS, "host", "numa", "pcie_root", "switch", "rack", "domain"})

SWITCH_LAYERS = ("nvswitch", "pcie", "leaf", "spine", "core")
"""What a switch joins: GPUs, PCIe devices, hosts, leaves, spines."""

INSIDE = "in"
"""Kind of an edge that says where a vertex is; it carries nothing: 0 MB/s."""

EDGE_KINDS = frozenset({INSIDE, *(kind.value for kind in LinkKind if kind is not LinkKind.SELF)})

_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_MAY_CARRY_NOTHING = frozenset({INSIDE, LinkKind.NETWORK.value})


@dataclass(frozen=True, eq=False)
class Topology:
    """A validated `networkx.Graph` with units; knows nothing of DRA.

    Vertices are named by text and have ``kind`` (`VERTEX_KINDS`). Any may have ``failed`` (bool). Devices may have
    ``index`` (position in the vendor's listing), ``pci`` (address like ``0000:10:1c.0``), ``uuid``, ``product`` and
    ``rdma`` (name of the RDMA device); a switch has ``layer`` (`SWITCH_LAYERS`) where it is known.

    Edges have ``kind`` (`EDGE_KINDS`), ``count`` (parallel links, at least 1) and ``bandwidth_mb_s`` (int, 10⁶ bytes/s
    per direction, of all ``count`` together; 0 for ``in`` and where a network's speed is not known). They may have
    ``generation`` and ``lanes`` (ints of at least 1), ``latency_ns`` (int of at least 0) and ``failed`` (bool): a
    failed link stays in the picture and carries nothing.

    The graph is copied and frozen: vertices and edges cannot be added or removed, attributes must not be changed.

    Raises
    ------
    InputError
        With every vertex and edge that is not as described.
    """

    graph: nx.Graph[str]

    def __post_init__(self) -> None:
        import networkx as nx

        faults = _faults(self.graph)
        if faults:
            raise InputError(faults=faults)
        object.__setattr__(self, "graph", nx.freeze(self.graph.copy()))

    def __eq__(self, other: object) -> bool:
        import networkx as nx

        return isinstance(other, Topology) and bool(nx.utils.graphs_equal(self.graph, other.graph))

    __hash__ = None  # type: ignore[assignment]  # holds a graph

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Return the names of the vertices of these kinds, in the order they were added."""
        return tuple(name for name, data in self.graph.nodes(data=True) if data["kind"] in kinds)

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the vertices that are devices, in the order they were added."""
        return self.of_kind(*DEVICE_KINDS)

    def direct_links(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the bandwidth of the edges between vertices; 0 where there is no edge.

        Parameters
        ----------
        names
            D distinct vertices.

        Returns
        -------
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal

        Raises
        ------
        UnknownReferenceError
            If a name is not a vertex.
        """
        unknown = [name for name in names if name not in self.graph]
        if unknown:
            raise UnknownReferenceError(f"topology: no vertex named {', '.join(map(repr, unknown))}")
        links = np.zeros((len(names), len(names)), np.int64)
        place = {name: d for d, name in enumerate(names)}
        for a, b, data in self.graph.subgraph(names).edges(data=True):
            if not data.get("failed"):
                links[place[a], place[b]] = links[place[b], place[a]] = data["bandwidth_mb_s"]
        return links


def _faults(graph: nx.Graph[Any]) -> list[Fault]:
    if graph.is_directed() or graph.is_multigraph():
        return [Fault("", -1, "topology", "graph", f"{type(graph).__name__} given; use networkx.Graph, with count")]
    faults = []

    def check(valid: bool, where: str, field: str, message: str) -> None:
        if not valid:
            faults.append(Fault("", -1, where, field, message))

    for name, data in graph.nodes(data=True):
        kind = data.get("kind")
        where = f"vertex {name}"
        check(isinstance(name, str) and name != "", where, "", f"{name!r} is not a name; use text")
        check(kind in VERTEX_KINDS, where, "kind", f"{kind!r} is unknown; use one of {sorted(VERTEX_KINDS)}")
        check("index" not in data or _is_int(data["index"], 0), where, "index", "must be an integer of at least 0")
        check("failed" not in data or isinstance(data["failed"], bool), where, "failed", "must be True or False")
        check(
            "pci" not in data or (isinstance(data["pci"], str) and _PCI.fullmatch(data["pci"]) is not None),
            where,
            "pci",
            f"{data.get('pci')!r} is not an address; write it like 0000:10:1c.0",
        )
        if "layer" in data:
            known = kind == "switch" and data["layer"] in SWITCH_LAYERS
            check(known, where, "layer", f"{data['layer']!r} is unknown; use one of {', '.join(SWITCH_LAYERS)}")
    for a, b, data in graph.edges(data=True):
        kind, where = data.get("kind"), f"edge {a} - {b}"
        check(a != b, where, "", "joins a vertex to itself; remove it")
        check(kind in EDGE_KINDS, where, "kind", f"{kind!r} is unknown; use one of {sorted(EDGE_KINDS)}")
        count, bandwidth_mb_s = data.get("count"), data.get("bandwidth_mb_s")
        check(_is_int(count, 1), where, "count", f"{count!r} is not an integer of at least 1")
        least, most = 0 if kind in _MAY_CARRY_NOTHING else 1, 0 if kind == INSIDE else 2**40
        check(
            _is_int(bandwidth_mb_s, least, most),
            where,
            "bandwidth_mb_s",
            f"{bandwidth_mb_s!r} is not an integer from {least} to {most}",
        )
        for field, lowest in (("generation", 1), ("lanes", 1), ("latency_ns", 0)):
            good = field not in data or _is_int(data[field], lowest)
            check(good, where, field, f"{data.get(field)!r} is not an integer of at least {lowest}")
        check("failed" not in data or isinstance(data["failed"], bool), where, "failed", "must be True or False")
    return faults


def _is_int(value: object, least: int, most: int = 2**31) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
