"""Which part of a topology is in which, and which switches are so alike that one mark stands for them."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping

from drapolicy.topology.drawing.scene import NETWORK_LAYERS
from drapolicy.topology.graph import DEVICE_KINDS, INSIDE, Topology
from drapolicy.topology.links import LinkKind

_RANK = {"domain": 0, "rack": 1, "host": 2, "numa": 3, "pcie_root": 4, "switch": 5} | dict.fromkeys(DEVICE_KINDS, 6)
_HOLDS = frozenset({INSIDE, LinkKind.PCIE.value})


def homes(topology: Topology) -> dict[str, str]:
    """Return what each vertex is in: the nearest part that holds it or, over PCIe, leads to it; no key where none does.

    Switches of a network hold nothing, NVSwitches neither; PCIe switches are in what is nearest to the root.
    """
    graph = topology.graph
    order = {name: i for i, name in enumerate(graph)}
    kinds = {name: data["kind"] for name, data in graph.nodes(data=True)}
    rank = {name: _RANK[kind] for name, kind in kinds.items()}
    holds_nothing = {*NETWORK_LAYERS, "nvswitch"}
    found: dict[str, str] = {}
    for name in graph:
        above = [
            other
            for other, data in graph.adj[name].items()
            if data["kind"] in _HOLDS
            and rank[other] < rank[name]
            and graph.nodes[other].get("layer") not in holds_nothing
        ]
        if above:
            found[name] = min(above, key=lambda other: (-rank[other], order[other]))
    waiting = deque(name for name in graph if kinds[name] == "switch" and name in found)
    while waiting:
        name = waiting.popleft()
        for other, data in graph.adj[name].items():
            if kinds[other] == "switch" and other not in found and data["kind"] in _HOLDS:
                found[other] = name
                waiting.append(other)
    return found


def inside(homes_: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what is directly in each part, in the order of the topology."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, home in homes_.items():
        found[home].append(name)
    return found


def above(name: str, homes_: Mapping[str, str]) -> Iterable[str]:
    """Yield what a part is in, and what this is in, and so on."""
    while name in homes_:
        name = homes_[name]
        yield name


def alike(topology: Topology, names: Iterable[str]) -> list[tuple[str, ...]]:
    """Gather vertices that work alike and have equal links to the same parts, in order of the first of each.

    NVSwitches that are linked to each other in pairs are alike if those that they are linked to are.
    """
    nodes = topology.graph.nodes

    def links(name: str, *, planes: bool) -> object:
        found: Counter[object] = Counter()
        for other, data in topology.graph.adj[name].items():
            is_plane = nodes[name].get("layer") == nodes[other].get("layer") == "nvswitch"
            if planes or not is_plane:
                end = links(other, planes=False) if is_plane else other
                found[end, data["kind"], data["count"], data["bandwidth_mb_s"], bool(data.get("failed"))] += 1
        return frozenset(found.items())

    found: dict[object, list[str]] = defaultdict(list)
    for name in names:
        alone = name if not topology.graph.adj[name] else ""
        data = nodes[name]
        found[data["kind"], data.get("layer"), bool(data.get("failed")), alone, links(name, planes=True)].append(name)
    return [tuple(group) for group in found.values()]
