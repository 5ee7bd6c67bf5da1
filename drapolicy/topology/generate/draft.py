"""A picture in the making: vertices and links are added by what they are, rates come from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drapolicy.errors import InputError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.rates import LATENCY_NS, SOCKET_MB_S, pcie_mb_s

if TYPE_CHECKING:
    import networkx as nx

MOST_DEVICES = 1 << 16
"""Devices that a picture may have: GPUs, network cards, CPUs, or chips of a torus."""


def check_size(nodes: int, devices: int) -> None:
    """Refuse more than `MOST_DEVICES` on nodes of so many devices each.

    Raises
    ------
    InputError
        If there are too many; it says how many nodes there may be.
    """
    if nodes * devices > MOST_DEVICES:
        found, most = f"{nodes:,} have {nodes * devices:,} devices", f"at most {MOST_DEVICES // devices:,}"
        raise InputError(f"nodes: {found}, more than {MOST_DEVICES:,}; give {most}")


class Draft:
    """A graph to add to; parameters are attributes of the graph."""

    def __init__(self, **told: object) -> None:
        import networkx as nx

        self.graph: nx.Graph[str] = nx.Graph()
        self.graph.graph.update(told)

    def vertex(self, name: str, kind: str, inside: str | None = None, **fields: Any) -> str:
        """Add a vertex, inside another, and return its name."""
        self.graph.add_node(name, kind=kind, **fields)
        if inside is not None:
            self.graph.add_edge(name, inside, kind=INSIDE, count=1, bandwidth_mb_s=0)
        return name

    def link(self, a: str, b: str, kind: LinkKind, one_mb_s: int, count: int = 1, **fields: int) -> None:
        """Add parallel links, each of so many MB/s; those that are there already are joined by more of their kind."""
        have = self.graph.edges[a, b]["count"] if self.graph.has_edge(a, b) else 0
        count += have
        self.graph.add_edge(a, b, kind=kind.value, count=count, bandwidth_mb_s=count * one_mb_s, **fields)

    def device_link(self, a: str, b: str, kind: LinkKind, one_mb_s: int, count: int = 1, **fields: int) -> None:
        """Add links that join two devices without anything between them; their latency is known for some kinds."""
        if kind in LATENCY_NS:
            fields["latency_ns"] = LATENCY_NS[kind][0]
        self.link(a, b, kind, one_mb_s, count, **fields)

    def pcie(self, a: str, b: str, generation: int, lanes: int = 16) -> None:
        """Add a PCIe link."""
        self.link(a, b, LinkKind.PCIE, pcie_mb_s(generation, lanes), generation=generation, lanes=lanes)

    def sockets(self, numa: list[str], link: str) -> None:
        """Join NUMA nodes, each to each, as NCCL assumes them to be (graph/topo.cc)."""
        for n, b in enumerate(numa):
            for a in numa[:n]:
                self.link(a, b, LinkKind.SOCKET, SOCKET_MB_S[link].bandwidth_mb_s)

    def topology(self) -> Topology:
        """Return the picture, validated."""
        return Topology(self.graph)
