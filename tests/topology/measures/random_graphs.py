"""Small graphs in which anything may be linked to anything: what rules say must hold for nonsense too."""

from __future__ import annotations

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from drapolicy.topology import Topology

VERTICES = ("gpu", "gpu", "nic", "cpu", "host", "numa", "pcie_root", "switch", "switch", "switch", "rack", "domain")
LINKS = ("NV", "NV", "PIX", "SYS", "PCIE", "PCIE", "SOCKET", "IB", "ETH", "NET", "in", "in", "C2C", "XGMI")
LAYERS = ("nvswitch", "nvswitch", "pcie", "pcie", "leaf", "spine", "core")


def random_topology(seed: int) -> tuple[Topology, list[str]]:
    """Return a graph of up to ten vertices, some links and vertices failed, and some of its vertices in any order."""
    rng = np.random.default_rng([seed, 5])
    graph: nx.Graph[str] = nx.Graph()
    for v in range(int(rng.integers(1, 11))):
        kind = VERTICES[rng.integers(len(VERTICES))]
        data: dict[str, object] = {"kind": kind}
        if kind == "switch" and rng.random() < 0.9:
            data["layer"] = LAYERS[rng.integers(len(LAYERS))]
        if rng.random() < 0.07:
            data["failed"] = True
        if rng.random() < 0.1:
            data["position"] = (v,)
        graph.add_node(f"{kind}{v}", **data)
    names = list(graph)
    for i, name in enumerate(names):
        for other in names[:i]:
            if rng.random() < 0.45:
                kind = LINKS[rng.integers(len(LINKS))]
                least = int(kind != "NET")
                mb_s = 0 if kind == "in" else int(rng.integers(least, 50))
                failed = {"failed": True} if rng.random() < 0.1 else {}
                graph.add_edge(name, other, kind=kind, count=1, bandwidth_mb_s=mb_s, **failed)
    wanted = [name for name in names if rng.random() < 0.7]
    rng.shuffle(wanted)
    return Topology(graph), wanted


def random_links(seed: int, least: int = 0, most: int = 8) -> NDArray[np.int64]:
    """Return a symmetric link table of few or many different speeds."""
    rng = np.random.default_rng([seed, 6])
    size = int(rng.integers(least, most + 1))
    speeds = rng.integers(0, int(rng.choice([2, 4, 2**40])), (size, size))
    upper = np.triu(speeds, 1).astype(np.int64)
    made: NDArray[np.int64] = upper + upper.T
    return made


def random_sets(seed: int, size: int, count: int = 5) -> NDArray[np.int64]:
    """Return sets of one size of so many devices, one a row."""
    rng = np.random.default_rng([seed, 7])
    k = int(rng.integers(0, size + 1))
    return np.array([rng.permutation(size)[:k] for _ in range(count)], np.int64).reshape(count, k)
