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
        If a name is given twice, or there are too many for the size of the graph (`MOST_ENTRIES`).
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

    Where parts pass on, the widest paths are those of a greatest spanning forest (M. Pollack, Operations Research 8,
    1960, doi:10.1287/opre.8.5.733). Time O(E log E + (V + E) D), memory O(V D), for a graph of V vertices and E links.
    """
    read = roads(topology, names)
    at = {name: i for i, name in enumerate(read.ends)}
    local = np.zeros((len(at), len(names)), np.int64)
    _to_itself(local)
    for road in read.direct:
        for a, b in ((at[road.a], at[road.b]), (at[road.b], at[road.a])):
            if b < len(names):
                local[a, b] = max(int(local[a, b]), (road.mb_s or 0) * WHOLE)
    for reach in read.reaches:
        fabric = _Fabric(_edges(read.local, reach), read.forwarding, set(at))
        reached = fabric.spread(fabric.entered(_of_names(len(at), len(names)), at))
        for end, v, capacity in fabric.hanging:
            row = local[at[end]]
            np.maximum(row, np.minimum(reached[fabric.at[v]], capacity), out=row)
    best = local[: len(names)]
    if read.network:
        best = np.maximum(best, _over_network(read, local, at))
    found: NDArray[np.int64] = best // WHOLE
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
    """Widest paths among the vertices that forward, and the links by which others hang on them.

    Attributes
    ----------
    at
        Number of each vertex that forwards.
    hanging
        Links from an end to a vertex that forwards; an end that forwards hangs on itself.
    """

    def __init__(self, edges: list[_Edge], forwarding: frozenset[str], ends: set[str]) -> None:
        touched = {v for a, b, _ in edges for v in (a, b)}
        self.at = {v: i for i, v in enumerate(sorted(touched & forwarding))}
        self.hanging: list[_Edge] = [(v, v, _UNLIMITED) for v in self.at if v in ends]
        self._trunk = []
        for a, b, capacity in edges:
            if a in self.at and b in self.at:
                self._trunk.append((self.at[a], self.at[b], capacity))
            else:
                self.hanging += [(end, v, capacity) for end, v in ((a, b), (b, a)) if v in self.at and end in ends]

    def entered(self, legs: NDArray[np.int64], at: Mapping[str, int]) -> NDArray[np.int64]:
        """Return the widest way of each column of legs to each vertex over one link; shape (forwarding, columns)."""
        entered = np.zeros((len(self.at), legs.shape[1]), np.int64)
        for end, v, capacity in self.hanging:
            row = entered[self.at[v]]
            np.maximum(row, np.minimum(legs[at[end]], capacity), out=row)
        return entered

    def spread(self, entered: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the widest way to each vertex from all that were entered: up a greatest spanning forest, and down.

        A root over the forest has links that carry nothing, so that it is one tree.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

        size = len(self.at)
        trunk = np.array([each for each in self._trunk if each[2]], np.int64).reshape(-1, 3)
        forest = minimum_spanning_tree(
            csr_array((-trunk[:, 2].astype(np.float64), (trunk[:, 0], trunk[:, 1])), shape=(size, size))
        ).tocoo()
        _, first = np.unique(connected_components(forest, directed=False)[1], return_index=True)
        ends = np.array([[*forest.row, *[size] * len(first)], [*forest.col, *first]], np.int64)
        capacity = np.append(-forest.data, np.zeros(len(first))).astype(np.int64)
        tree = csr_array((np.ones(size, np.int8), (ends[0], ends[1])), shape=(size + 1, size + 1))
        order, before = breadth_first_order(tree, size, directed=False)
        place = np.empty(size + 1, np.int64)
        place[order] = np.arange(size + 1)
        above = place[before[order[1:]]]
        over = np.empty(size, np.int64)
        over[place[np.where(before[ends[1]] == ends[0], ends[1], ends[0])] - 1] = capacity
        levels = [(0, len(first))]
        while levels[-1][1] < size:
            levels.append((levels[-1][1], int(np.searchsorted(above, levels[-1][1], side="right"))))
        wide = np.zeros((size + 1, entered.shape[1]), np.int64)
        wide[1:] = entered[order[1:]]
        for begin, end in reversed(levels):
            fresh = np.minimum(wide[begin + 1 : end + 1], over[begin:end, None])
            parents, starts = np.unique(above[begin:end], return_index=True)
            wide[parents] = np.maximum(wide[parents], np.maximum.reduceat(fresh, starts, axis=0))
        for begin, end in levels:
            own = wide[begin + 1 : end + 1]
            np.maximum(own, np.minimum(wide[above[begin:end]], over[begin:end, None]), out=own)
        reached = np.empty_like(entered)
        reached[order[1:]] = wide[1:]
        return reached


def _over_network(read: Roads, local: NDArray[np.int64], at: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the widest way between names that crosses the network once."""
    ports, count = set(read.ports), local.shape[1]
    legs = local.copy()
    legs[[at[port] for port in read.ports if port in read.crossing]] = 0
    _to_itself(legs)
    fabric = _Fabric(_edges(read.network, 0), read.crossing, ports)
    entered = fabric.entered(legs, at)
    found = np.zeros((count, count), np.int64)
    for row, crossed in zip(entered, fabric.spread(entered), strict=True):
        near = np.flatnonzero(row)
        found[:, near] = np.maximum(found[:, near], np.minimum(crossed[:, None], row[near]))
    for a, b, capacity in _edges(read.network, 0):
        if a in ports and b in ports:
            over = np.minimum(np.minimum(legs[at[a]][:, None], legs[at[b]][None, :]), capacity)
            np.maximum(found, np.maximum(over, over.T), out=found)
    return found


def _of_names(ends: int, names: int) -> NDArray[np.int64]:
    """Return the legs of names that are still where they are; shape (ends, names)."""
    legs = np.zeros((ends, names), np.int64)
    _to_itself(legs)
    return legs


def _to_itself(legs: NDArray[np.int64]) -> None:
    np.fill_diagonal(legs, _UNLIMITED)
