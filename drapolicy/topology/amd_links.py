"""What the tools of AMD tell of the links between GPUs, and its graph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from drapolicy.errors import InputError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import LinkRates, link_rates

STEP_WEIGHT: Final = 15
"""Weight of one xGMI link on the way (Linux, amdkfd/kfd_crat.c: KFD_CRAT_XGMI_WEIGHT times the links passed)."""

SAME_SOCKET_HOPS: Final = 2
"""Hops over PCIe between GPUs of one socket; more is between sockets (AMD, MI200 system optimization)."""

XGMI: Final = "XGMI"
PCIE: Final = "PCIE"


@dataclass(frozen=True)
class Link:
    """What is told of the way between two GPUs; None where it is not told.

    Attributes
    ----------
    kind
        ``XGMI``, ``PCIE``, or other text where the tool does not know.
    weight
        Cost by the driver: `STEP_WEIGHT` for each xGMI link on the way.
    hops
        1 for xGMI however many links are on the way, 2 over one socket, 3 and more over two: not a count of links.
    least_mb_s, most_mb_s
        MB/s per direction of one link and of all links of the two GPUs.
    disabled
        Whether the tool calls the link disabled.
    """

    kind: str
    weight: int | None = None
    hops: int | None = None
    least_mb_s: int | None = None
    most_mb_s: int | None = None
    disabled: bool = False


@dataclass(frozen=True)
class AmdLinks:
    """GPUs of one machine and the way between each two.

    Attributes
    ----------
    names
        The GPUs as the tool names them, else their PCI addresses; in its order.
    links
        By position of the two GPUs, the smaller first; the same both ways.
    pci, numa
        Per GPU its PCI address and NUMA node; empty where they are not told.
    index
        Per GPU its number in the tool; None where it is not told.
    tool
        What printed it.
    experimental
        Whether the reader is made after the vendor's pages alone, without captures of real machines.
    notes
        What the graph cannot tell, one sentence each.
    """

    names: tuple[str, ...]
    links: dict[tuple[int, int], Link]
    pci: tuple[str, ...]
    numa: tuple[str, ...]
    index: tuple[int | None, ...]
    tool: str
    experimental: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What is in doubt, one sentence each."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        if self.experimental:
            yield f"{self.tool}: experimental, read after the vendor's documentation, not after captures"
        for (d, e), link in self.links.items():
            pair = f"{self.names[d]} - {self.names[e]}"
            if link.kind not in (XGMI, PCIE):
                yield f"{pair}: no edge, as the tool does not know the link ({link.kind})"
            elif link.kind == PCIE and link.hops is None:
                yield f"{pair}: taken as between sockets, as hops are not told"

    def counts(self) -> dict[str, Any]:
        """Count the ways between two GPUs, both directions, by each thing that is told of them."""
        told = {
            "Hops": (link.hops for link in self.links.values()),
            "Link Type": (link.kind for link in self.links.values()),
            "Weight": (link.weight for link in self.links.values()),
        }
        return {"gpus": len(self.names)} | {
            title: {str(text): 2 * n for text, n in Counter(texts).items() if text is not None}
            for title, texts in told.items()
        }

    def topology(self, product: str = "", *, host: str = "host") -> Topology:
        """Make a graph of one host: an edge for each way that is known, and where each GPU is.

        Parameters
        ----------
        product
            Product name of the GPUs, which decides the bandwidths that are not told; see `link_rates`.
        host
            Name of the host's vertex; must differ from the GPUs' names.

        Raises
        ------
        InputError
            If the host's name is a GPU's.

        Notes
        -----
        Hops and weight are no counts of links: an edge has ``count`` 1 unless the tool tells the bandwidth of one link
        and of all. A way over k xGMI links uses a k-th part of each that direct neighbours could use as well, and
        counts as that part: a convention, not measured.
        """
        import networkx as nx

        if host in self.names:
            raise InputError(f"host {host}: is already the name of a device; rename one")
        rates = link_rates(product)
        graph: nx.Graph[str] = nx.Graph(product=product, pcie_generation=rates.pcie_generation, tool=self.tool)
        if self.experimental:
            graph.graph["experimental"] = True
        if self.notes:
            graph.graph["notes"] = self.notes
        for d, name in enumerate(self.names):
            known = {"index": self.index[d], "pci": self.pci[d], "product": product}
            graph.add_node(name, kind="gpu", **{key: value for key, value in known.items() if value not in (None, "")})
        graph.add_node(host, kind="host")
        for d, name in enumerate(self.names):
            inside = host
            # A node that is not known is printed as -1, or as that in 32 bits without sign.
            if re.fullmatch(r"\d{1,4}", self.numa[d]):
                inside = f"numa{int(self.numa[d])}"
                if inside not in graph:
                    graph.add_node(inside, kind="numa")
                    graph.add_edge(inside, host, kind=INSIDE, count=1, bandwidth_mb_s=0)
            graph.add_edge(name, inside, kind=INSIDE, count=1, bandwidth_mb_s=0)
        for d, e in combinations(range(len(self.names)), 2):
            edge = _edge(self.links[d, e], rates)
            if edge:
                graph.add_edge(self.names[d], self.names[e], **edge)
        return Topology(graph)


def _edge(link: Link, rates: LinkRates) -> dict[str, Any]:
    if link.kind == PCIE:
        near = link.hops is not None and link.hops <= SAME_SOCKET_HOPS
        kind = LinkKind.NODE if near else LinkKind.SYS
        return {"kind": kind.value, "count": 1, "bandwidth_mb_s": rates.bandwidth_mb_s(kind)}
    if link.kind != XGMI:
        return {}
    least, most = link.least_mb_s or 0, link.most_mb_s or 0
    count = most // least if least and most % least == 0 else 1
    steps = max((link.weight or STEP_WEIGHT) // STEP_WEIGHT, 1)
    bandwidth_mb_s = most or rates.bandwidth_mb_s(LinkKind.XGMI) // steps
    edge = {"kind": LinkKind.XGMI.value, "count": max(count, 1), "bandwidth_mb_s": bandwidth_mb_s}
    return edge | {"failed": True} if link.disabled else edge
