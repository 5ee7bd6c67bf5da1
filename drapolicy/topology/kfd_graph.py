"""Makes a graph of what AMD's KFD says of a machine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from drapolicy.errors import InputError
from drapolicy.topology.amd_links import STEP_WEIGHT
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.kfd_record import Capture, Link, Node
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import link_rates
from drapolicy.topology.rates import SOCKET_MB_S

if TYPE_CHECKING:
    import networkx as nx

_PRODUCT_OF_GFX: Final = ((90500, "MI355X"), (90400, "MI300X"), (90010, "MI210"), (90008, "MI100"), (90006, "MI50"))
"""Least version of an architecture, and a product that has its links."""


def topology(capture: Capture, product: str = "", *, host: str = "host") -> Topology:
    """Make a graph of one host: NUMA nodes, GPUs, and the links that the driver knows.

    Parameters
    ----------
    capture
        What the driver says.
    product
        Product name of the GPUs; decides the bandwidths that are not told, else the architecture does.
    host
        Name of the host's vertex.

    Returns
    -------
    Topology
        Vertices: ``GPU0`` … in the order of the driver's nodes, which is HIP's; ``numa0`` … with the numbers of
        these nodes; ``cpu0`` … where xGMI leads to a CPU. GPUs have ``pci``, and ``uuid`` as rocminfo writes it,
        unless they are parts of one.

    Raises
    ------
    InputError
        If the host's name is another vertex's.

    Notes
    -----
    xGMI has the bandwidth that the driver tells, and as many links as that is of one link's; where it tells none, that
    of one link of the product, shared by as many steps as the weight says. Of PCIe the driver tells the raw rate:
    three quarters of it count, as in `PCIE_X16_MB_S`. Ways over PCIe between two GPUs are edges NODE or SYS.
    """
    return Topology(_Draft(capture, product, host).graph)


class _Draft:
    def __init__(self, capture: Capture, product: str, host: str) -> None:
        import networkx as nx

        gfx = max((node.gfx for node in capture.gpus), default=0)
        assumed = next((name for least, name in _PRODUCT_OF_GFX if gfx >= least and gfx < 100000), "")
        self.rates = link_rates(product or assumed)
        self.graph: nx.Graph[str] = nx.Graph(product=product, pcie_generation=self.rates.pcie_generation)
        if capture.notes:
            self.graph.graph["notes"] = capture.notes
        self.gpus = {node.number: f"GPU{index}" for index, node in enumerate(capture.gpus)}
        self.numas = {node.number: f"numa{node.number}" for node in capture.nodes if node.cores or not node.simds}
        self.homes: dict[int, str] = {}
        if host in {*self.gpus.values(), *self.numas.values()}:
            raise InputError(f"host {host}: is already the name of a vertex; rename it")
        boards = Counter(_board(node) for node in capture.gpus)
        for index, node in enumerate(capture.gpus):
            known = _identity(node) if boards[_board(node)] == 1 else {}
            self.graph.add_node(self.gpus[node.number], kind="gpu", index=index, **known)
        self.graph.add_node(host, kind="host")
        for node in capture.nodes:
            if node.number in self.numas:
                self.graph.add_node(self.numas[node.number], kind="numa")
                self._put(self.numas[node.number], host)
        self._home(capture, host)
        self.assumed: list[str] = []
        for link in capture.links:
            self._link(link)
        if self.assumed:
            self.graph.graph["assumed"] = tuple(self.assumed)

    def _put(self, name: str, inside: str) -> None:
        self.graph.add_edge(name, inside, kind=INSIDE, count=1, bandwidth_mb_s=0)

    def _home(self, capture: Capture, host: str) -> None:
        """Put each GPU where its nearest CPUs are; its own, if it is an APU."""
        nearest: dict[int, Link] = {}
        for link in capture.links:
            if link.direct and link.start in self.gpus and link.end in self.numas:
                best = nearest.setdefault(link.start, link)
                if link.weight < best.weight:
                    nearest[link.start] = link
        for number, name in self.gpus.items():
            own = number if number in self.numas or number not in nearest else nearest[number].end
            self.homes[number] = self.numas.get(own, host)
            self._put(name, self.homes[number])

    def _link(self, link: Link) -> None:
        start, end = link.start, link.end
        if start in self.gpus and end in self.gpus:
            self._between_gpus(link)
        elif not link.direct:
            return
        elif start in self.gpus:
            self._to_cpu(link)
        elif end not in self.gpus:
            row = SOCKET_MB_S["UPI" if link.kind == "qpi" else "IF"]
            self._join(self.numas[start], self.numas[end], LinkKind.SOCKET, 1, link.most_mb_s or row.bandwidth_mb_s)

    def _between_gpus(self, link: Link) -> None:
        a, b = self.gpus[link.start], self.gpus[link.end]
        if link.kind == "xgmi":
            self._join(a, b, LinkKind.XGMI, *self._xgmi(link))
        elif link.kind == "pcie" and not self.graph.has_edge(a, b):
            same = self.homes[link.start] == self.homes[link.end]
            kind = LinkKind.NODE if same else LinkKind.SYS
            self._join(a, b, kind, 1, self.rates.bandwidth_mb_s(kind))

    def _to_cpu(self, link: Link) -> None:
        name, numa = self.gpus[link.start], self.numas[link.end]
        if link.kind == "xgmi":
            cpu = f"cpu{link.end}"
            if cpu not in self.graph:
                self.graph.add_node(cpu, kind="cpu")
                self._put(cpu, numa)
            self._join(name, cpu, LinkKind.XGMI, *self._xgmi(link))
        elif link.kind == "pcie":
            if not link.most_mb_s:
                self.assumed.append(name)
            self._join(name, numa, LinkKind.PCIE, 1, link.most_mb_s * 3 // 4 or self.rates.pcie_x16_mb_s)

    def _xgmi(self, link: Link) -> tuple[int, int]:
        """Return how many links there are, and what they carry together in MB/s."""
        least, most = link.least_mb_s, link.most_mb_s
        if most:
            return (most // least if least and most % least == 0 else 1), most
        # Between parts of different GPUs the weight has a part for the way inside each, and is no multiple.
        steps = link.weight // STEP_WEIGHT if link.weight and link.weight % STEP_WEIGHT == 0 else 1
        return 1, self.rates.bandwidth_mb_s(LinkKind.XGMI) // steps

    def _join(self, a: str, b: str, kind: LinkKind, count: int, bandwidth_mb_s: int) -> None:
        self.graph.add_edge(a, b, kind=kind.value, count=count, bandwidth_mb_s=bandwidth_mb_s)


def _board(node: Node) -> tuple[Any, ...]:
    """Return what the parts of one GPU have in common."""
    return (*node.location[:3], node.unique)


def _identity(node: Node) -> dict[str, str]:
    domain, bus, device, function = node.location
    known = {"pci": f"{domain:04x}:{bus:02x}:{device:02x}.{function}"}
    return known | {"uuid": f"GPU-{node.unique:016x}"} if node.unique else known
