"""Bandwidth between devices along the best path."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.topology.graph import Topology
from drapolicy.topology.measures.roads import WHOLE, Road, Roads, joins, roads

_UNLIMITED = 2**62

_Ways: TypeAlias = Mapping[str, list[tuple[str, int]]]
_Edge: TypeAlias = tuple[str, str, int]


def pairwise(topology: Topology, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the bandwidth between each two vertices along the best path.

    Parameters
    ----------
    topology
        Graph.
    names
        D distinct vertices.

    Returns
    -------
    ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal; 0 where there is no path

    Raises
    ------
    InputError
        If a name is given twice.
    UnknownReferenceError
        If a name is not a vertex.

    Notes
    -----
    A path carries what its narrowest link does, and the best path is the widest. What has failed carries nothing.

    * Switches pass on what comes in, at full rate. NVSwitches that are linked to the same devices and switches are
      planes of one: their links add up. Devices pass nothing on, but for those with a ``position`` in a torus, which
      are their own routers.
    * On the way through a host, a PCIe link keeps the share of `PCIE_SHARE_24THS` for how far the path goes: PXB over
      links between PCIe switches, PHB through a PCIe root or straight to the memory node or CPU that a device is
      linked to, NODE between a root and its memory node, SYS over anything else of the host. Links between memory
      nodes and CPUs keep their own rate; where the graph has none, the host joins what is in it.
    * The network is entered and left at ports: network cards, and hosts that are linked to it. It is crossed once.
    * An edge that is a path as a whole (PIX to SYS, from a matrix) joins its ends, and is part of no longer path but
      one that goes on over the network.

    Where parts pass on (V in number), the widest paths are those of a greatest spanning tree (M. Pollack, Operations
    Research 8, 1960, doi:10.1287/opre.8.5.733). Time O(V² + D (E + D)) for E links of the devices.
    """
    read = roads(topology, names)
    at = {name: i for i, name in enumerate(read.ends)}
    best = np.zeros((len(at), len(at)), np.int64)
    np.fill_diagonal(best, _UNLIMITED)
    for road in read.direct:
        _join(best, at[road.a], at[road.b], (road.mb_s or 0) * WHOLE)
    for reach in read.reaches:
        np.maximum(best, _Fabric(_edges(read.local, reach), read.forwarding, set(at)).between(at), out=best)
    if read.network:
        np.maximum(best, _over_network(read, best, at), out=best)
    found: NDArray[np.int64] = best[: len(names), : len(names)] // WHOLE
    # Nothing limits the way from a part to what it is in, and nothing goes over it but what a link of theirs carries.
    return np.where(found >= _UNLIMITED // WHOLE, topology.direct_links(names), found)


def pairwise_loop(topology: Topology, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the bandwidth between each two vertices, path by path: the reference of `pairwise`.

    Parameters, result and errors are those of `pairwise`.

    Notes
    -----
    From each vertex and for each reach, paths grow by the widest first. Time O(D (V + E) log V + D² P²), P ports.
    """
    read = roads(topology, names)
    local = {a: {b: _UNLIMITED if b == a else 0 for b in read.ends} for a in read.ends}
    for road, a, b in joins(read.direct):
        local[a][b] = max(local[a][b], (road.mb_s or 0) * WHOLE)
    for reach in read.reaches:
        ways = _ways(_edges(read.local, reach))
        for a in read.ends:
            for b, width in _widest_from(a, ways, read.forwarding).items():
                if b in local[a]:
                    local[a][b] = max(local[a][b], width)
    ways = _ways(_edges(read.network, 0))
    crossing = {i: _widest_from(i, ways, read.crossing) for i in read.ports}
    found = np.zeros((len(names), len(names)), np.int64)
    for d, a in enumerate(names):
        for e, b in enumerate(names):
            legs = [
                min(_leg(read, local, a, i), width, _leg(read, local, b, j))
                for i in read.ports
                for j, width in crossing[i].items()
                if j in read.ports
            ]
            found[d, e] = max([local[a][b], *legs]) // WHOLE
    return np.where(found >= _UNLIMITED // WHOLE, topology.direct_links(names), found)


def _leg(read: Roads, local: Mapping[str, Mapping[str, int]], name: str, port: str) -> int:
    return 0 if port in read.crossing and port != name else local[name][port]


def _widest_from(start: str, ways: _Ways, forwarding: Iterable[str]) -> dict[str, int]:
    """Return the width of the widest path to each vertex that one can reach; to itself over what is next to it."""
    found: dict[str, int] = {}
    done: set[str] = set()
    open_ = [(-_UNLIMITED, start)]
    while open_:
        width, at = heapq.heappop(open_)
        if at in done:
            continue
        done.add(at)
        if at != start:
            found[at] = max(found.get(at, 0), -width)
        if at == start or at in forwarding:
            for other, capacity in ways.get(at, ()):
                if other == start and at != start:
                    found[start] = max(found.get(start, 0), min(-width, capacity))
                else:
                    heapq.heappush(open_, (max(width, -capacity), other))
    return found


def _edges(given: Iterable[Road], reach: int) -> list[_Edge]:
    """Return the roads that paths of a reach may take, with their capacity in MB/s times 24."""
    open_ = ((road, road.capacity(reach)) for road in given if road.reach <= reach)
    return [(road.a, road.b, _UNLIMITED if capacity is None else capacity) for road, capacity in open_]


def _ways(edges: Iterable[_Edge]) -> _Ways:
    ways: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for a, b, capacity in edges:
        ways[a].append((b, capacity))
        ways[b].append((a, capacity))
    return ways


class _Fabric:
    """Widest paths among the vertices that forward, and the links by which others hang on them."""

    def __init__(self, edges: list[_Edge], forwarding: frozenset[str], ends: set[str]) -> None:
        touched = {v for a, b, _ in edges for v in (a, b)}
        self.at = {v: i for i, v in enumerate(sorted(touched & forwarding))}
        self.inside = np.zeros((len(self.at), len(self.at)), np.int64)
        np.fill_diagonal(self.inside, _UNLIMITED)
        self.hanging: list[_Edge] = [(v, v, _UNLIMITED) for v in self.at if v in ends]
        trunk = []
        for a, b, capacity in edges:
            if a in self.at and b in self.at:
                trunk.append((capacity, self.at[a], self.at[b]))
            else:
                self.hanging += [(end, v, capacity) for end, v in ((a, b), (b, a)) if v in self.at and end in ends]
        part = [[i] for i in range(len(self.at))]
        for capacity, i, j in sorted(trunk, reverse=True):
            one, other = part[i], part[j]
            if one is not other:
                self.inside[np.ix_(one, other)] = self.inside[np.ix_(other, one)] = capacity
                one += other
                for k in other:
                    part[k] = one

    def reached(self, at: Mapping[str, int]) -> NDArray[np.int64]:
        """Return the widest way from each end to each forwarding vertex; shape (ends, forwarding)."""
        reached = np.zeros((len(at), len(self.at)), np.int64)
        for end, v, capacity in self.hanging:
            row = reached[at[end]]
            np.maximum(row, np.minimum(self.inside[self.at[v]], capacity), out=row)
        return reached

    def between(self, at: Mapping[str, int]) -> NDArray[np.int64]:
        """Return the widest way between ends; shape (ends, ends)."""
        reached = np.ascontiguousarray(self.reached(at).T)
        between = np.zeros((len(at), len(at)), np.int64)
        for end, v, capacity in self.hanging:
            row = between[at[end]]
            np.maximum(row, np.minimum(reached[self.at[v]], capacity), out=row)
        return between


def _over_network(read: Roads, local: NDArray[np.int64], at: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the widest way between ends that crosses the network once."""
    ports = set(read.ports)
    legs = local.copy()
    legs[[at[port] for port in read.ports if port in read.crossing]] = 0
    np.fill_diagonal(legs, _UNLIMITED)
    fabric = _Fabric(_edges(read.network, 0), read.crossing, ports)
    entered = np.zeros((len(fabric.at), len(at)), np.int64)
    for port, v, capacity in fabric.hanging:
        row = entered[fabric.at[v]]
        np.maximum(row, np.minimum(legs[at[port]], capacity), out=row)
    found = np.zeros_like(legs)
    for row, inside in zip(entered, fabric.inside, strict=True):
        crossed = np.minimum(entered, inside[:, None]).max(axis=0)
        np.maximum(found, np.minimum(crossed[:, None], row[None, :]), out=found)
    for a, b, capacity in _edges(read.network, 0):
        if a in ports and b in ports:
            over = np.minimum(np.minimum(legs[at[a]][:, None], legs[at[b]][None, :]), capacity)
            np.maximum(found, np.maximum(over, over.T), out=found)
    return found


def _join(table: NDArray[np.int64], a: int, b: int, width: int) -> None:
    table[a, b] = table[b, a] = max(int(table[a, b]), width)
