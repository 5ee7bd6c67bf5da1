"""How near devices are: the PCIe path between two, and how many links go straight from one to the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.links import Path
from drapolicy.topology.graph import Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.measures.levels import LEVELS, levels

_STRAIGHT = frozenset(kind.value for kind in (LinkKind.NVLINK, LinkKind.XGMI, LinkKind.XE))
_WHOLE = MappingProxyType({path.name: path for path in Path if path.name in set(LinkKind)})
_OF_LEVEL = MappingProxyType(
    {"device": Path.BOARD, "switch": Path.PIX, "pcie_root": Path.PHB, "numa": Path.NODE, "host": Path.SYS}
)
_MOST_LANES = int(np.iinfo(np.int16).max)


def nearness(topology: Topology, names: Sequence[str]) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    """Return how near each two devices of a machine are.

    Parameters
    ----------
    topology
        Graph of one host.
    names
        D vertices; parts of one GPU may be the same vertex.

    Returns
    -------
    paths : ndarray of shape (D, D), int8
        The `Path` of each pair: what a matrix of whole paths says, else by the lowest part that both are in; where
        they share PCIe switches, but not the one that both hang on, PXB. 0 outside of one host. Symmetric, zero
        diagonal.
    lanes : ndarray of shape (D, D), int16
        NVLinks, xGMI or Xe Links that join a pair, over NVSwitches as many as both have to one. What has failed counts
        for nothing, nor do links inside a GPU. Symmetric, zero diagonal.

    Raises
    ------
    UnknownReferenceError
        If a name is not a vertex.
    """
    once = tuple(dict.fromkeys(names))
    paths, lanes = _apart(topology, once)
    at = np.array([once.index(name) for name in names], np.intp)
    paths, lanes = paths[np.ix_(at, at)], lanes[np.ix_(at, at)]
    paths[at[:, None] == at] = Path.BOARD
    np.fill_diagonal(paths, Path.NONE)
    return paths, lanes


def _apart(topology: Topology, names: Sequence[str]) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    graph, at = topology.graph, {name: d for d, name in enumerate(names)}
    code = np.array([_OF_LEVEL.get(name, Path.NONE) for name in LEVELS], np.int8)
    paths = code[levels(topology, names)]
    lanes = np.zeros(paths.shape, np.int64)
    uplinks: dict[str, list[tuple[int, int]]] = defaultdict(list)
    parents: list[set[str]] = [set() for _ in names]
    for d, name in enumerate(names):
        for other, data in graph[name].items():
            e, kind = at.get(other), data["kind"]
            failed = any(part.get("failed") for part in (data, graph.nodes[name], graph.nodes[other]))
            if e is not None and kind in _WHOLE:
                paths[d, e] = _WHOLE[kind]
            if graph.nodes[other]["kind"] == "switch" and kind == LinkKind.PCIE.value:
                parents[d].add(other)
            if kind not in _STRAIGHT or failed:
                continue
            if e is not None:
                lanes[d, e] += data["count"]
            elif graph.nodes[other]["kind"] == "switch":
                uplinks[other].append((d, data["count"]))
    for linked in uplinks.values():
        for d, count in linked:
            for e, others in linked:
                lanes[d, e] += min(count, others)
    for d in range(len(names)):
        for e in range(len(names)):
            if paths[d, e] == Path.PIX and not parents[d] & parents[e] and not _told(topology, names[d], names[e]):
                paths[d, e] = Path.PXB
    np.fill_diagonal(lanes, 0)
    return paths, np.minimum(lanes, _MOST_LANES).astype(np.int16)


def _told(topology: Topology, a: str, b: str) -> bool:
    """Return whether a matrix says how near two devices are."""
    return topology.graph.has_edge(a, b) and topology.graph[a][b]["kind"] in _WHOLE
