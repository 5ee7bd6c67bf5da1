"""How many links lie between devices."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.topology.graph import Topology
from drapolicy.topology.measures.roads import Roads, joins, roads

_AT_ONCE = 1 << 24  # distances that are held at once: 128 MiB

_Step: TypeAlias = tuple[Hashable, Hashable]


def hops(topology: Topology, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the fewest links on a path between each two vertices.

    Parameters
    ----------
    topology
        Graph.
    names
        D distinct vertices.

    Returns
    -------
    ndarray of shape (D, D), int64, links; symmetric, zero diagonal; -1 where there is no path

    Raises
    ------
    InputError
        If a name is given twice, or there are too many for the size of the graph (`MOST_ENTRIES`).
    UnknownReferenceError
        If a name is not a vertex.

    Notes
    -----
    Paths are those of `pairwise`, whatever they carry. From a part of a host to one inside it is a link; a path as a
    whole (PIX to SYS) is one link, as nothing is known of those it is made of.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import shortest_path

    read = roads(topology, names)
    number: dict[Hashable, int] = {}
    steps = [
        (number.setdefault(a, len(number)), number.setdefault(b, len(number)))
        for a, b in [*_steps(read), *((("from", name), ("from", name)) for name in names)]
    ]
    rows, columns = np.array([(a, b) for a, b in steps if a != b], np.int64).reshape(-1, 2).T
    size = len(number)
    graph = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))
    begins = [number["from", name] for name in names]
    stops = np.array([number.get(("to", name), -1) for name in names], np.int64)
    met = np.flatnonzero(stops >= 0)
    found = np.full((len(names), len(names)), -1, np.int64)
    step = max(1, _AT_ONCE // max(size, 1))
    for d in range(0, len(names), step):
        far = shortest_path(graph, unweighted=True, indices=begins[d : d + step])[:, stops[met]]
        found[d : d + step, met] = np.where(np.isfinite(far), far, -1)
    np.fill_diagonal(found, 0)
    return found


def hops_loop(topology: Topology, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the fewest links between each two vertices, step by step outwards: the reference of `hops`.

    Parameters, result and errors are those of `hops`.
    """
    ways: dict[Hashable, list[Hashable]] = defaultdict(list)
    for a, b in _steps(roads(topology, names)):
        ways[a].append(b)
    found = np.full((len(names), len(names)), -1, np.int64)
    for d, name in enumerate(names):
        start = ("from", name)
        far: dict[Hashable, int] = {start: 0}
        open_ = deque([start])
        while open_:
            at = open_.popleft()
            for other in ways.get(at, ()):
                if other not in far:
                    far[other] = far[at] + 1
                    open_.append(other)  # type: ignore[arg-type]
        for e, other_name in enumerate(names):
            found[d, e] = far.get(("to", other_name), -1)
        found[d, d] = 0
    return found


def _steps(read: Roads) -> Iterator[_Step]:
    """Yield the steps of all paths: from an end, through the host, in at a port, over the network, out, to an end.

    Before the network and after it, a vertex is not the same place: the network is crossed once.
    """
    ends, ports = set(read.ends), set(read.ports)
    doors = ports - read.crossing
    for _, a, b in joins(read.direct):
        yield ("from", a), ("to", b)
        if b in doors:
            yield ("from", a), ("in", b)
        if a in doors:
            yield ("out", a), ("to", b)
    for _, a, b in joins(read.local):
        for begin, through, end in (("from", "before", "in"), ("out", "after", "to")):
            if a in ends and b in read.forwarding:
                yield (begin, a), (through, b)
            if a in read.forwarding and b in read.forwarding:
                yield (through, a), (through, b)
            if a in read.forwarding and b in ends and (end == "to" or b in doors):
                yield (through, a), (end, b)
        if a in read.forwarding and b in ends:
            yield ("before", a), ("to", b)
    for _, a, b in joins(read.network):
        begins = [*(["from"] if a in ports else []), "over" if a in read.crossing else "in"]
        stops = [*(["to"] if b in ports else []), "over" if b in read.crossing else "out"]
        yield from (((begin, a), (stop, b)) for begin in begins for stop in stops)
