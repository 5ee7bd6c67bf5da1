"""Which links of a graph make up paths, and under what rule each: one reading, for bandwidth and for hops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from drapolicy.errors import InputError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.measures.checks import check_names
from drapolicy.topology.rates import PCIE_SHARE_24THS

WHOLE = 24
"""A link that keeps its full bandwidth, in the unit of `PCIE_SHARE_24THS`."""

REACHES = (LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE, LinkKind.SYS)
"""How far paths may go, nearest first: one PCIe switch, several, a host bridge, a NUMA node, the host."""

PATHS = frozenset(kind.value for kind in REACHES)
"""Edges that are a path as a whole; they join their ends and are no part of longer paths."""

NETWORK = frozenset(kind.value for kind in (LinkKind.INFINIBAND, LinkKind.ETHERNET, LinkKind.NETWORK))

_MEMORY = frozenset({"numa", "cpu"})
_HOST_PARTS = frozenset({"pcie_root", "host"}) | _MEMORY
_FORWARD = frozenset({"switch"}) | _HOST_PARTS


class Road(NamedTuple):
    """A link that paths may take.

    Attributes
    ----------
    a, b
        Vertices.
    mb_s
        Per direction; None where nothing limits it: a part of a host inside another.
    reach
        Position in `REACHES` from which on paths may take it.
    shrinks
        Whether a path that goes so far keeps only its share of it (`PCIE_SHARE_24THS`). Links inside the host are
        rated for what they carry there.
    """

    a: str
    b: str
    mb_s: int | None
    reach: int
    shrinks: bool

    def capacity(self, reach: int) -> int | None:
        """Return what the road carries on a path of a reach, in MB/s times 24; None where nothing limits it."""
        share = PCIE_SHARE_24THS[REACHES[reach]][0] if self.shrinks else WHOLE
        return None if self.mb_s is None else self.mb_s * share


@dataclass(frozen=True)
class Roads:
    """The links of a graph as paths use them.

    Attributes
    ----------
    ends
        Vertices that paths begin and end at: those asked for, then the ports.
    ports
        Vertices that have network links; paths enter and leave the network there. A switch is one only if it is asked
        for, and for itself alone.
    direct
        Links and whole paths between two ends, but for the network's.
    local, network
        Other links: inside hosts and NVLink domains, and of the network.
    forwarding, crossing
        Vertices that pass on what comes in: inside hosts and domains, and in the network.
    """

    ends: tuple[str, ...]
    ports: tuple[str, ...]
    direct: tuple[Road, ...]
    local: tuple[Road, ...]
    network: tuple[Road, ...]
    forwarding: frozenset[str]
    crossing: frozenset[str]

    @cached_property
    def reaches(self) -> tuple[int, ...]:
        """Reaches that open further roads; the others find no path that a nearer one does not."""
        return tuple(sorted({road.reach for road in self.local}))


def roads(topology: Topology, names: Sequence[str]) -> Roads:
    """Read the paths between vertices out of a graph.

    Raises
    ------
    InputError
        If a name is given twice, or there are too many for the size of the graph.
    UnknownReferenceError
        If a name is not a vertex.
    """
    topology.require(names)
    check_names(names, len(topology.graph))
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise InputError(f"names: {twice} is given twice; give each vertex once")
    nodes: dict[str, dict[str, Any]] = {name: topology.graph.nodes[name] for name in topology.graph}
    edges = _merged(topology, nodes, frozenset(names))
    torus = frozenset(v for v, data in nodes.items() if "position" in data)
    crossing = [(a, b) for (a, b), (kind, _) in edges.items() if kind in NETWORK and not {a, b} <= torus]
    on_network = {v for pair in crossing for v in pair}
    switches = frozenset(v for v, data in nodes.items() if data["kind"] == "switch")
    ports = tuple(v for v in nodes if v in on_network and (v not in switches or v in names))
    ends = tuple(dict.fromkeys([*names, *ports]))
    ending = set(ends)
    rated = frozenset(
        v
        for a, b, data in topology.graph.edges(data=True)
        if data["kind"] != INSIDE and {nodes[a]["kind"], nodes[b]["kind"]} <= _MEMORY
        for v in (a, b)
    )
    direct, local, network = [], [], []
    for (a, b), (kind, mb_s) in edges.items():
        in_torus = {a, b} <= torus
        between = Road(a, b, mb_s, 0, shrinks=False)
        if kind in NETWORK and not in_torus:
            network.append(between)
            continue
        if a in ending and b in ending and kind != INSIDE:
            direct.append(between)
        if kind not in PATHS:
            road = _local(a, b, kind, mb_s, nodes, in_torus=in_torus, rated=rated)
            if road is not None:
                local.append(road)
    forwarding = torus | {v for v, data in nodes.items() if data["kind"] in _FORWARD}
    crossing_at = forwarding - (frozenset(ports) - switches)
    return Roads(ends, ports, tuple(direct), tuple(local), tuple(network), forwarding, crossing_at)


def _merged(
    topology: Topology, nodes: dict[str, dict[str, Any]], kept: frozenset[str]
) -> dict[tuple[str, str], tuple[str, int]]:
    """Return kind and bandwidth of the links that work, with all planes of a switch as one vertex.

    NVSwitches are planes of one where they are linked to the same devices and to planes of the same switches: what
    joins devices is spread over them all. Which are alike is told with what has failed, so that a plane that lost a
    link is still one of them.
    """
    edges = list(topology.graph.edges(data=True))
    planes = [v for v, data in nodes.items() if data.get("layer") == "nvswitch" and v not in kept]
    one = dict.fromkeys(planes, "")
    while True:
        beside: dict[str, set[str]] = {v: {one[v]} for v in planes}
        for a, b, data in edges:
            if data["kind"] != INSIDE:
                for v, other in ((a, b), (b, a)):
                    if v in one:
                        beside[v].add(one.get(other, other))
        alike: dict[frozenset[str], str] = {}
        before = len(set(one.values()))
        one = {v: alike.setdefault(frozenset(around), v) for v, around in beside.items()}
        if len(alike) == before:
            break
    merged: dict[tuple[str, str], tuple[str, int]] = {}
    for a, b, data in edges:
        if _works(data, nodes[a], nodes[b]):
            a, b = one.get(a, a), one.get(b, b)
            pair = (b, a) if (b, a) in merged else (a, b)
            merged[pair] = (data["kind"], merged.get(pair, ("", 0))[1] + data["bandwidth_mb_s"])
    return {pair: found for pair, found in merged.items() if pair[0] != pair[1]}


def _works(*parts: dict[str, Any]) -> bool:
    return not any(part.get("failed") for part in parts)


def _local(
    a: str, b: str, kind: str, mb_s: int, nodes: dict[str, dict[str, Any]], *, in_torus: bool, rated: frozenset[str]
) -> Road | None:
    """Return a link inside a host or an NVLink domain as a road; None for one that only says where something is.

    What is in a host is joined by it, but for memory nodes and CPUs that have links of their own to each other.
    """
    kinds = {nodes[a]["kind"], nodes[b]["kind"]}
    pix, pxb, phb, node, sys = range(len(REACHES))
    if in_torus and kind != INSIDE:
        return Road(a, b, mb_s, pix, shrinks=False)
    if kinds <= _HOST_PARTS:
        if kind == INSIDE and "host" in kinds and {a, b} & rated:
            return None
        reach = node if "pcie_root" in kinds and kinds & _MEMORY else sys
        return Road(a, b, None if kind == INSIDE else mb_s, reach, shrinks=False)
    if kind == INSIDE:
        return None
    layers = {nodes[v].get("layer", "pcie") for v in (a, b)}
    if kinds == {"switch"} and layers == {"pcie"}:
        return Road(a, b, mb_s, pxb, shrinks=True)
    return Road(a, b, mb_s, phb if kinds & _HOST_PARTS else pix, shrinks=True)


def joins(given: Sequence[Road]) -> list[tuple[Road, str, str]]:
    """Return each road both ways, with where it comes from and where it goes."""
    return [(road, *way) for road in given for way in ((road.a, road.b), (road.b, road.a))]
