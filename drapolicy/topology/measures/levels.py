"""Where devices are: the lowest part of the machine, or of the data centre, that two of them share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.measures.checks import check_names
from drapolicy.topology.measures.roads import NETWORK

LEVELS = (
    "device",
    "switch",
    "pcie_root",
    "numa",
    "host",
    "leaf",
    "rack",
    "spine",
    "domain",
    "core",
    "apart",
)
"""Names of the levels; a level is its position here, in levels above the device. ``switch`` means PCIe switches.

Two devices that share nothing are ``apart``.
"""

APART = len(LEVELS) - 1

_LEVEL = {name: level for level, name in enumerate(LEVELS)}

_UPWARD = frozenset({INSIDE, LinkKind.PCIE.value}) | NETWORK

PATH_LEVELS = MappingProxyType(
    {
        LinkKind.PIX.value: _LEVEL["switch"],
        LinkKind.PXB.value: _LEVEL["switch"],
        LinkKind.PHB.value: _LEVEL["pcie_root"],
        LinkKind.NODE.value: _LEVEL["numa"],
        LinkKind.SYS.value: _LEVEL["host"],
    }
)
"""What a path as a whole says of where its ends are."""


def levels(topology: Topology, names: Sequence[str]) -> NDArray[np.int64]:
    """Return for each two vertices the level of the lowest part that both are in.

    Parameters
    ----------
    topology
        Graph.
    names
        D distinct vertices.

    Returns
    -------
    ndarray of shape (D, D), int64, positions in `LEVELS`; symmetric, zero diagonal

    Raises
    ------
    InputError
        If there are too many names for the size of the graph (`MOST_ENTRIES`).
    UnknownReferenceError
        If a name is not a vertex.

    Notes
    -----
    A vertex is in all that containment (``in``), PCIe and network links lead up to. A host is also in the leaf
    switches that its network cards are linked to. PCIe switches that are linked to each other are one. NVSwitches are
    no place: what shares one is told by `pairwise`. Where a matrix of whole paths says more (PIX, PXB: switch; PHB:
    root; NODE: NUMA node; SYS: host), that counts. A failed link changes no place.
    """
    topology.require(names)
    check_names(names, len(topology.graph))
    up, beside = _ways(topology)
    rank = {name: _rank(data) for name, data in topology.graph.nodes(data=True)}
    inside: dict[str, NDArray[np.bool_]] = defaultdict(lambda: np.zeros(len(names), np.bool_))
    for d, name in enumerate(names):
        inside[name][d] = True
    level = np.full((len(names), len(names)), APART, np.int64)
    placed = sorted((r, name) for name, r in rank.items() if r is not None)
    parts: list[tuple[int, NDArray[np.bool_]]] = []
    joined: set[str] = set()
    for r, name in placed:
        if name in joined:
            continue
        whole = _component(name, beside)
        joined |= whole
        members = np.logical_or.reduce([inside[part] for part in whole])
        parts.append((r, members))
        for part in whole:
            for above in up[part]:
                inside[above] = inside[above] | members
    for r, members in reversed(parts):
        own = np.flatnonzero(members)
        if len(own) > 1:
            block = np.ix_(own, own)
            level[block] = np.minimum(level[block], r)
    place = {name: d for d, name in enumerate(names)}
    for a, b, data in topology.graph.subgraph(names).edges(data=True):
        if data["kind"] in PATH_LEVELS:
            least = min(int(level[place[a], place[b]]), PATH_LEVELS[data["kind"]])
            level[place[a], place[b]] = level[place[b], place[a]] = least
    np.fill_diagonal(level, 0)
    return level


def level_of(topology: Topology, a: str, b: str) -> int:
    """Return the level of the lowest part that two vertices are in, up every way: the reference of `levels`.

    Parameters
    ----------
    topology
        Graph.
    a, b
        Two vertices.

    Returns
    -------
    int
        Position in `LEVELS`.

    Raises
    ------
    UnknownReferenceError
        If a name is not a vertex.
    """
    topology.require((a, b))
    if a == b:
        return 0
    nodes = topology.graph.nodes
    shared = _places(topology, a) & _places(topology, b)
    found = [r for name in shared if (r := _rank(nodes[name])) is not None]
    edge = topology.graph.get_edge_data(a, b, {"kind": ""})
    return min([*found, PATH_LEVELS.get(edge["kind"], APART)])


def _places(topology: Topology, name: str) -> set[str]:
    """Return a vertex and all that it is in."""
    up, beside = _ways(topology)
    found, open_ = {name}, [name]
    while open_:
        at = open_.pop()
        for above in {*up[at], *beside[at]} - found:
            found.add(above)
            open_.append(above)
    return found


def _ways(topology: Topology) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return for each vertex what it is in, and which PCIe switches it is one with."""
    up: dict[str, set[str]] = defaultdict(set)
    beside: dict[str, set[str]] = defaultdict(set)
    nodes = topology.graph.nodes
    for a, b, data in topology.graph.edges(data=True):
        low, high = _rank(nodes[a]), _rank(nodes[b])
        if data["kind"] not in _UPWARD or low is None or high is None:
            continue
        if low == high:
            if low == _LEVEL["switch"]:
                beside[a].add(b)
                beside[b].add(a)
        else:
            lower, higher = (a, b) if low < high else (b, a)
            up[lower].add(higher)
    for host, card in _cards(topology):
        for higher, data in topology.graph[card].items():
            if data["kind"] in NETWORK and (_rank(nodes[higher]) or 0) > _LEVEL["host"]:
                up[host].add(higher)
    return up, beside


def _cards(topology: Topology) -> Iterator[tuple[str, str]]:
    """Yield each host with each of its network cards."""
    nodes = topology.graph.nodes
    for card in topology.of_kind("nic"):
        seen, open_ = {card}, [card]
        while open_:
            at = open_.pop()
            if nodes[at]["kind"] == "host":
                yield at, card
                continue
            low = _rank(nodes[at])
            for above, data in topology.graph[at].items():
                high = _rank(nodes[above])
                local = data["kind"] in {INSIDE, LinkKind.PCIE.value}
                upward = low is not None and high is not None and (low < high or low == high == _LEVEL["switch"])
                if local and upward and above not in seen:
                    seen.add(above)
                    open_.append(above)


def _component(name: str, beside: dict[str, set[str]]) -> set[str]:
    found, open_ = {name}, [name]
    while open_:
        for other in beside[open_.pop()] - found:
            found.add(other)
            open_.append(other)
    return found


def _rank(data: dict[str, Any]) -> int | None:
    """Return the level of a vertex; None for an NVSwitch, which is no place."""
    kind = data["kind"]
    if kind == "switch":
        layer = data.get("layer", "pcie")
        return None if layer == "nvswitch" else _LEVEL["switch" if layer == "pcie" else layer]
    return _LEVEL.get(kind, 0)
