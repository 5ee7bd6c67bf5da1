"""How many NUMA nodes, PCIe roots, hosts, racks or rails a set touches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.measures.checks import indices, set_table
from drapolicy.topology.measures.roads import NETWORK

GROUPS = ("numa", "pcie_root", "host", "rack", "domain", "rail")
"""What devices can be grouped by: what they are in, or their rail: its number in the host, else their leaf switch."""

_LOCAL = frozenset({INSIDE, LinkKind.PCIE.value})


def groups(topology: Topology, names: Sequence[str], by: str) -> NDArray[np.int64]:
    """Return the number of the group that each vertex is in.

    Parameters
    ----------
    topology
        Graph.
    names
        D distinct vertices.
    by
        One of `GROUPS`.

    Returns
    -------
    ndarray of shape (D,), int64
        Groups are numbered from 0 in the order in which `names` first meets them; -1 where the graph does not say, or
        says several.

    Raises
    ------
    InputError
        If `by` is not in `GROUPS`.
    UnknownReferenceError
        If a name is not a vertex.
    """
    if by not in GROUPS:
        raise InputError(f"by: {by!r} is unknown; use one of {', '.join(GROUPS)}")
    topology.require(names)
    number: dict[str, int] = {}
    found = np.full(len(names), -1, np.int64)
    for d, name in enumerate(names):
        homes = _rails(topology, name) if by == "rail" else _homes(topology, name, by)
        if len(homes) == 1:
            found[d] = number.setdefault(min(homes), len(number))
    return found


def touched(group: NDArray[np.int64], chosen: Sequence[int]) -> int:
    """Count the groups that chosen devices are in.

    Parameters
    ----------
    group
        ndarray of shape (D,), int64, as `groups` gives it; -1 for unknown, which counts as no group.
    chosen
        Distinct device indices.

    Raises
    ------
    InputError
        If an index is out of range or given twice.

    Examples
    --------
    >>> touched(np.array([0, 0, 1, -1]), [0, 2, 3])
    2
    """
    return len({int(group[d]) for d in indices(chosen, len(group), "chosen")} - {-1})


def touched_by(group: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the groups that each of many sets touches: `touched` at once.

    Parameters
    ----------
    group
        As for `touched`.
    sets
        ndarray of shape (S, k), int64: device indices, distinct in each row.

    Returns
    -------
    ndarray of shape (S,), int64

    Raises
    ------
    InputError
        If a row is no set of devices.
    """
    ordered = np.sort(np.asarray(group)[set_table(sets, len(group))], axis=1)
    first = np.ones(ordered.shape, np.bool_)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    count: NDArray[np.int64] = (first & (ordered >= 0)).sum(axis=1, dtype=np.int64)
    return count


def _homes(topology: Topology, name: str, kind: str) -> set[str]:
    """Return the nearest vertices of a kind that a vertex is in, by containment and PCIe links upward."""
    nodes = topology.graph.nodes
    height = _HEIGHT.get(nodes[name]["kind"], 0)
    seen, open_, found = {name}, [(name, height)], set()
    while open_:
        at, low = open_.pop()
        if nodes[at]["kind"] == kind:
            found.add(at)
            continue
        for above, data in topology.graph[at].items():
            high = _HEIGHT.get(nodes[above]["kind"], 0)
            climbs = high > low or (high == low == _HEIGHT["switch"])
            if data["kind"] in _LOCAL and climbs and above not in seen:
                seen.add(above)
                open_.append((above, high))
    return found


_HEIGHT = {kind: height for height, kind in enumerate(("gpu", "switch", "pcie_root", "numa", "host", "rack", "domain"))}


def _rails(topology: Topology, name: str) -> set[str]:
    nodes = topology.graph.nodes
    if "rail" in nodes[name]:
        return {f"rail {nodes[name]['rail']}"}
    edges = topology.graph[name].items()
    return {other for other, data in edges if data["kind"] in NETWORK and nodes[other].get("layer") == "leaf"}
