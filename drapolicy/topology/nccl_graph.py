"""Makes a graph of what NCCL or RCCL says of a machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from drapolicy.errors import InputError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.nccl import PCI_ADDRESS, Cpu, Gpu, Link, Net, Pci, System
from drapolicy.topology.products import LinkRates, link_rates
from drapolicy.topology.rates import GA10X_NVLINK, NCCL_LOCAL, NVLINK_MB_S, SOCKET_MB_S, XGMI_MB_S, pcie_mb_s
from drapolicy.topology.sockets import socket_link

if TYPE_CHECKING:
    import networkx as nx

_NVSWITCH: Final = "nvswitch"
_UNKNOWN_PCIE: Final = (3, 16)
"""Generation and lanes that NCCL plans with where a file tells none (graph/topo.cc)."""

_NVLINK_OF_SM: Final = ((100, 5), (90, 4), (80, 3), (70, 2), (60, 1))
_XGMI_OF_GCN: Final = (
    ("gfx950", "MI350"),
    ("gfx94", "MI300"),
    ("94", "MI300"),
    ("gfx90a", "MI200"),
    ("910", "MI200"),
    ("gfx908", "MI100"),
    ("908", "MI100"),
    ("gfx906", "MI50"),
    ("906", "MI50"),
)
"""How architectures begin, as RCCL writes them, and the series in `XGMI_MB_S`."""


def topology(
    system: System,
    product: str = "",
    *,
    host: str = "host",
    kinds: Mapping[str, str] | None = None,
) -> Topology:
    """Make a graph of the host, or of the hosts of an NVLink domain: NUMA nodes, PCIe switches, GPUs and NICs.

    Parameters
    ----------
    system
        What the file says.
    product
        Product name of the GPUs; decides how fast NVLink and xGMI are where the GPUs' architecture is not told.
    host
        Name of the host's vertex; where the file holds several hosts, each is named by its hash, which then also
        comes before all names of what is in it.
    kinds
        ``gpu`` or ``nic`` by PCI address, for devices whose class the file does not tell.

    Returns
    -------
    Topology
        Vertices: GPUs by number (``GPU0``), NICs by name (``mlx5_0``), either by PCI address where there is none;
        switches by PCI address, and one ``nvswitch`` for all NVSwitches whose address is not told; ``numa0`` with the
        numbers of the ``cpu`` elements; ``cpu0`` where coherent links or NVLinks lead to a CPU.

        Edges of PCIe have ``generation`` and ``lanes`` where told. The graph's attribute ``assumed`` names the
        vertices below PCIe links that are not told whole, ``notes`` says what the graph cannot hold.

    Raises
    ------
    InputError
        If the host's name, or a NIC's, is another vertex's.

    Notes
    -----
    As in NCCL, what is below no switch hangs on its NUMA node, every two NUMA nodes of a host are linked as fast as
    their CPUs' make lets them, and a PCIe link that is not told counts as sixteen lanes of generation 3. NVLink and
    xGMI carry their vendors' rates here, not the lower ones that NCCL and RCCL plan with.

    A NIC whose ports have names of their own is a vertex for each name, without ``pci``.
    """
    return Topology(_Draft(system, product, host, dict(kinds or {})).graph)


class _Draft:
    def __init__(self, system: System, product: str, host: str, kinds: dict[str, str]) -> None:
        import networkx as nx

        self.kinds = kinds
        self.rates = link_rates(product)
        self.graph: nx.Graph[str] = nx.Graph(product=product)
        if system.notes:
            self.graph.graph["notes"] = system.notes
        self.assumed: list[str] = []
        self.switches: dict[str, Iterator[str]] = {}
        self.vertices: dict[int, list[str]] = {}
        self.by_address: dict[tuple[str, str], str] = {}
        hosts = dict.fromkeys(cpu.host for cpu in system.cpus)
        self.prefix = {name: f"{name or '0x0'}/" if len(hosts) > 1 else "" for name in hosts}
        self.host = {name: (name or "0x0") if len(hosts) > 1 else host for name in hosts}
        # Devices come first, in the order of their numbers, and have the first right to a name.
        for cpu, pci in sorted(_pcis(system), key=lambda pair: _order(pair[1])):
            self._device(cpu, pci)
        for cpu, pci in _pcis(system):
            self._switch(cpu, pci)
        for name in self.host.values():
            self._add(name, kind="host")
        for cpu in system.cpus:
            self._cpu(cpu)
        if self.assumed:
            self.graph.graph["assumed"] = tuple(self.assumed)
        self._sockets(system.cpus)
        for cpu, pci in _pcis(system):
            self._peers(cpu, pci)
            for gpu in pci.gpus[:1]:
                self._links(cpu, pci, gpu)

    def _add(self, name: str, **data: Any) -> None:
        if name in self.graph:
            raise InputError(f"two vertices are named {name!r}; give another name with host=, or rename the NIC")
        self.graph.add_node(name, **{key: value for key, value in data.items() if value not in ("", -1)})

    def _join(self, a: str, b: str, kind: LinkKind, count: int, bandwidth_mb_s: int, **more: int) -> None:
        told = {key: value for key, value in more.items() if value}
        self.graph.add_edge(a, b, kind=kind.value, count=count, bandwidth_mb_s=bandwidth_mb_s, **told)

    def _put(self, name: str, inside: str) -> None:
        self.graph.add_edge(name, inside, kind=INSIDE, count=1, bandwidth_mb_s=0)

    def _device(self, cpu: Cpu, pci: Pci) -> None:
        prefix = self.prefix[cpu.host]
        kind = pci.kind or self.kinds.get(pci.address, "")
        if kind == "gpu":
            index = pci.gpus[0].index if pci.gpus else -1
            name = f"{prefix}GPU{index}" if index >= 0 else prefix + pci.address
            self._add(name, kind="gpu", index=index, pci=pci.address)
            self.vertices[id(pci)] = [name]
            self.by_address[cpu.host, pci.address] = name
        elif kind == "nic":
            self.vertices[id(pci)] = self._nics(prefix, [net for nic in pci.nics for net in nic], pci.address)

    def _nics(self, prefix: str, nets: list[Net], address: str = "") -> list[str]:
        named: dict[str, list[Net]] = defaultdict(list)
        for net in nets:
            named[net.name].append(net)
        names = list(named)
        for name, ports in named.items():
            self._add(
                prefix + name,
                kind="nic",
                pci=address if len(names) == 1 else "",
                rdma=name if any(net.port for net in ports) else "",
                speed_mb_s=sum(net.speed_mbit_s for net in ports) // 8 or -1,
            )
        if not names and address:
            self._add(prefix + address, kind="nic", pci=address)
        return [prefix + name for name in names] or [prefix + address] * bool(address)

    def _switch(self, cpu: Cpu, pci: Pci) -> None:
        if pci.kind != "switch":
            return
        name = self.prefix[cpu.host] + pci.address
        names = self.switches.setdefault(name, _numbered(name))
        free = next(n for n in names if n not in self.graph)
        # A second switch with the address of another is a part of its chip; the address tells the first one only.
        self._add(free, kind="switch", layer="pcie", pci=pci.address if free == name else "")
        self.vertices[id(pci)] = [free]
        self.by_address.setdefault((cpu.host, pci.address), free)

    def _cpu(self, cpu: Cpu) -> None:
        home = self.host[cpu.host]
        if cpu.numa >= 0:
            home = self.numa(cpu)
            self._add(home, kind="numa")
            self._put(home, self.host[cpu.host])
        for pci in cpu.pcis:
            self._below(pci, home)
        for nic in cpu.nics:
            for name in self._nics(self.prefix[cpu.host], list(nic)):
                self._put(name, home)

    def numa(self, cpu: Cpu) -> str:
        return f"{self.prefix[cpu.host]}numa{cpu.numa}"

    def _below(self, pci: Pci, above: str) -> None:
        generation, lanes = pci.generation or _UNKNOWN_PCIE[0], pci.lanes or _UNKNOWN_PCIE[1]
        told = {"generation": pci.generation, "lanes": pci.lanes}
        for name in self.vertices.get(id(pci), ()):
            self._join(name, above, LinkKind.PCIE, 1, pcie_mb_s(generation, lanes), **told)
            if not all(told.values()):
                self.assumed.append(name)
            for child in pci.children:
                self._below(child, name)

    def _sockets(self, cpus: tuple[Cpu, ...]) -> None:
        for a, b in combinations((cpu for cpu in cpus if cpu.numa >= 0), 2):
            names = [socket_link(cpu.arch, cpu.vendor, cpu.family, cpu.model) for cpu in (a, b)]
            if a.host == b.host and all(names):
                bandwidth_mb_s = min(SOCKET_MB_S[name].bandwidth_mb_s for name in names)
                self._join(self.numa(a), self.numa(b), LinkKind.SOCKET, 1, bandwidth_mb_s)

    def _peers(self, cpu: Cpu, pci: Pci) -> None:
        for peer in pci.peers:
            other = self.by_address.get((cpu.host, peer))
            if other and other != self.vertices[id(pci)][0]:
                self._join(self.vertices[id(pci)][0], other, LinkKind.PCIE, 1, NCCL_LOCAL.bandwidth_mb_s)

    def _links(self, cpu: Cpu, pci: Pci, gpu: Gpu) -> None:
        name = self.vertices[id(pci)][0]
        together: dict[tuple[str, LinkKind], list[Link]] = defaultdict(list)
        for link in gpu.links:
            end = self._end(cpu, link)
            if end and end != name:
                together[end, link.kind].append(link)
        for (end, kind), links in together.items():
            count = sum(link.count for link in links)
            each_mb_s, generation = _rate(self.rates, gpu, kind)
            bandwidth_mb_s = sum(link.count * (link.each_mb_s or each_mb_s) for link in links)
            self._join(name, end, kind, count, bandwidth_mb_s, generation=generation)

    def _end(self, cpu: Cpu, link: Link) -> str:
        """Return the vertex that a link leads to; nothing where the file has no such GPU."""
        if link.to == "gpu":
            return self.by_address.get((cpu.host, link.target), "")
        if link.to == "nvswitch":
            told = PCI_ADDRESS.fullmatch(link.target.lower())
            name = self.prefix[cpu.host] + told[1] if told else _NVSWITCH
            if name not in self.graph:
                self._add(name, kind="switch", layer=_NVSWITCH, pci=told[1] if told else "")
            return name
        name = f"{self.prefix[cpu.host]}cpu{max(cpu.numa, 0)}"
        if name not in self.graph:
            self._add(name, kind="cpu")
            self._put(name, self.numa(cpu) if cpu.numa >= 0 else self.host[cpu.host])
        return name


def _pcis(system: System) -> Iterator[tuple[Cpu, Pci]]:
    return ((cpu, pci) for cpu in system.cpus for pci in cpu.walk())


def _order(pci: Pci) -> tuple[bool, int]:
    return (pci.kind != "gpu", pci.gpus[0].index if pci.gpus else -1)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in range(2, 2**31))


def _rate(rates: LinkRates, gpu: Gpu, kind: LinkKind) -> tuple[int, int]:
    """Return what one link carries in MB/s, and its generation; 0 where it has none."""
    if kind is LinkKind.XGMI:
        series = next((series for start, series in _XGMI_OF_GCN if gpu.gcn.startswith(start)), "")
        return (XGMI_MB_S[series].bandwidth_mb_s if series else rates.xgmi_mb_s), 0
    if kind is LinkKind.C2C:
        return 0, 0
    sm = int(gpu.sm or 0)
    if sm == 86:
        return GA10X_NVLINK.bandwidth_mb_s, 3
    generation = next((generation for least, generation in _NVLINK_OF_SM if sm >= least), 0)
    if generation:
        return NVLINK_MB_S[generation].bandwidth_mb_s, generation
    return rates.nvlink_mb_s, rates.nvlink_generation
