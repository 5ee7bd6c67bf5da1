"""Makes a graph of what hwloc says of a machine."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drapolicy.errors import InputError
from drapolicy.topology.graph import INSIDE, MOST_TEXT, Topology
from drapolicy.topology.hwloc import BANDWIDTHS, COMPUTE, Item, Machine
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import LinkRates, link_rates
from drapolicy.topology.rates import PCIE_RAW_LANE_MB_S, SOCKET_MB_S, pcie_mb_s
from drapolicy.topology.sockets import socket_link

if TYPE_CHECKING:
    import networkx as nx

_VENDOR_NUMBER = re.compile(r"(?:nvml|rsmi)(\d+)")
_UNKNOWN_SOCKET = "UPI"
_UUIDS = ("NVIDIAUUID", "AMDUUID", "LevelZeroUUID")


def topology(
    machine: Machine,
    product: str = "",
    *,
    nvlink_generation: int | None = None,
    pcie_generation: int | None = None,
    host: str = "",
) -> Topology:
    """Make a graph of one host: NUMA nodes, CPUs, PCIe roots and switches, GPUs and NICs.

    Parameters
    ----------
    machine
        What hwloc says.
    product
        Product name of the GPUs where hwloc does not say it; see `link_rates`.
    nvlink_generation, pcie_generation
        Override what the product name says.
    host
        Name of the host's vertex; empty: the machine's own, else ``host``.

    Returns
    -------
    Topology
        Vertices: GPUs as their vendor numbers them (``GPU0`` for ``nvml0`` and ``rsmi0``), else as software does
        (``cuda0``), NICs by their RDMA device, else by their interface; either by PCI address where that is not one
        name. ``numa0`` and ``cpu0`` with the numbers of the operating system, roots such as ``pci0000:3a``, switches
        by the address of their upstream port.

        Devices have ``pci``, and ``index``, ``uuid``, ``rdma`` and ``product`` where told. Edges between NUMA nodes
        have ``slit``. NUMA nodes that are the memory of a GPU are no vertices.

    Raises
    ------
    InputError
        If a generation is not in the table, or the host's name is another vertex's.

    Notes
    -----
    A PCIe link carries what `pcie_mb_s` gives for the lanes whose raw rate hwloc tells, as the link was trained when
    it looked, which may be less than what the parts can do. Where hwloc tells none, sixteen lanes of the GPUs'
    generation are taken, as is UPI between sockets of a CPU that cannot be told; the graph's attribute ``assumed``
    names the vertices whose links are so.

    A PCIe switch is an upstream port and the downstream ports behind it, each a bridge for hwloc; they are one
    vertex, as are a host bridge and its root ports. NCCL counts them so too.
    """
    products = [_product(machine, gpu) for gpu in machine.gpus]
    product = product or next(filter(None, products), "")
    rates = link_rates(product, nvlink_generation=nvlink_generation, pcie_generation=pcie_generation)
    return Topology(_Draft(machine, rates, product, host or _text(machine.host) or "host").graph)


class _Draft:
    def __init__(self, machine: Machine, rates: LinkRates, product: str, host: str) -> None:
        import networkx as nx

        self.machine = machine
        self.rates = rates
        self.host = host
        self.vertices: dict[int, str] = {}
        self.assumed: list[str] = []
        self.memory: defaultdict[int, dict[int, str]] = defaultdict(dict)
        self.graph: nx.Graph[str] = nx.Graph(
            product=product, nvlink_generation=rates.nvlink_generation, pcie_generation=rates.pcie_generation
        )
        self._devices()
        self._add(host, kind="host")
        self._processors()
        self._buses()
        self._place_devices()
        self._latencies()
        self._bandwidths()
        if self.assumed:
            self.graph.graph["assumed"] = tuple(self.assumed)

    def _add(self, name: str, **data: Any) -> None:
        if name in self.graph:
            raise InputError(f"host {self.host}: two vertices are named {name!r}; give another name with host=")
        self.graph.add_node(name, **data)

    def _put(self, name: str, inside: str) -> None:
        self.graph.add_edge(name, inside, kind=INSIDE, count=1, bandwidth_mb_s=0)

    def _devices(self) -> None:
        gpus = {i: _gpu_name(self.machine, i) for i in self.machine.gpus}
        nics = {i: _nic_name(self.machine, i) for i in self.machine.nics}
        wanted = Counter([*gpus.values(), *nics.values()])
        for i, name in (gpus | nics).items():
            item = self.machine.items[i]
            self.vertices[i] = name if name and wanted[name] == 1 else item.pci or f"{item.place}"
        for i in gpus:
            data: dict[str, Any] = {"product": _product(self.machine, i), "uuid": _uuid(self.machine, i)}
            number = re.fullmatch(r"GPU(\d+)", self.vertices[i])
            if number:
                data["index"] = int(number[1])
            self._device(i, "gpu", data)
        for i in nics:
            rdma = [device.name for device in self.machine.os_devices(i) if device.network == "rdma"]
            data = {"product": _product(self.machine, i), "rdma": rdma[0] if len(rdma) == 1 else ""}
            self._device(i, "nic", data)

    def _device(self, i: int, kind: str, data: dict[str, Any]) -> None:
        item = self.machine.items[i]
        data["pci"] = item.pci
        self._add(self.vertices[i], kind=kind, **{key: value for key, value in data.items() if value != ""})

    def _processors(self) -> None:
        for i, item in enumerate(self.machine.items):
            if item.kind == "NUMANode" and item.subtype != "GPUMemory":
                self.vertices[i] = f"numa{item.os_index}"
                self._add(self.vertices[i], kind="numa")
                self._put(self.vertices[i], self.host)
                self.memory[i][i] = self.vertices[i]
                attached = self._attached(i)
                for k in self.machine.around(i):
                    self.memory[k].setdefault(attached, self.vertices[i])
        packages = [i for i, item in enumerate(self.machine.items) if item.kind == "Package"]
        numbers = [self.machine.items[i].os_index for i in packages]
        if len(set(numbers)) < len(numbers) or -1 in numbers:
            numbers = list(range(len(packages)))
        for number, i in zip(numbers, packages, strict=True):
            name = _text(self.machine.items[i].infos.get("CPUModel", ""))
            self.vertices[i] = f"cpu{number}"
            self._add(self.vertices[i], kind="cpu", **({"product": name} if name else {}))
            self._put(self.vertices[i], self._near(i))

    def _attached(self, i: int) -> int:
        """Return the object that a NUMA node is memory of: itself in version 1, where it has the cores inside."""
        if self.machine.children[i]:
            return i
        return next(k for k in self.machine.around(i) if self.machine.items[k].kind != "MemCache")

    def _near(self, i: int) -> str:
        """Return the one NUMA node that an object is near to; the host where they are none or several.

        Nodes of different memories (DRAM, HBM) that hwloc attaches to one object are equally near; the first counts.
        """
        for k in (i, *self.machine.around(i)):
            if k in self.memory:
                nodes = self.memory[k]
                return next(iter(nodes.values())) if len(nodes) == 1 else self.host
        return self.host

    def _bridges_around(self, i: int) -> list[int]:
        """Return the bridges above an object, outermost first, down to itself if it is one."""
        chain = [k for k in (i, *self.machine.around(i)) if self.machine.items[k].kind == "Bridge"]
        return chain[::-1]

    def _buses(self) -> None:
        for i, item in enumerate(self.machine.items):
            if item.kind != "Bridge":
                continue
            chain = self._bridges_around(i)
            below_host = len(chain) - 1 if self.machine.items[chain[0]].host_bridge else len(chain)
            if below_host == 0 or (below_host == 1 and len(chain) == 1):
                # Without a host bridge around it, the bus of the root port itself is the root's.
                bus = item.first_bus if item.host_bridge else item.pci[:-5]
                self.vertices[i] = f"pci{bus}" if bus else f"root of {item.place}"
                if self.vertices[i] not in self.graph:
                    self._add(self.vertices[i], kind="pcie_root")
                    self._put(self.vertices[i], self._near(i))
            elif below_host % 2 == 1:
                self.vertices[i] = self.vertices[chain[-2]]
            else:
                self.vertices[i] = item.pci or f"switch of {item.place}"
                self._add(self.vertices[i], kind="switch", layer="pcie", **({"pci": item.pci} if item.pci else {}))
                self._connect(i, chain[-2])

    def _place_devices(self) -> None:
        for i, item in enumerate(self.machine.items):
            if item.kind == "PCIDev" and _is_nvswitch(item):
                self.vertices[i] = item.pci or f"switch of {item.place}"
                self._add(self.vertices[i], kind="switch", layer="nvswitch", **({"pci": item.pci} if item.pci else {}))
            if item.kind == "PCIDev" and i in self.vertices:
                chain = self._bridges_around(i)
                if chain:
                    self._connect(i, chain[-1])
                else:
                    self._put(self.vertices[i], self._near(i))

    def _connect(self, i: int, bridge: int) -> None:
        """Join an endpoint or upstream port to what is above it, through the port ``bridge``."""
        items = self.machine.items
        below, above = self.vertices[i], self.vertices[bridge]
        bandwidth_mb_s = _planned_mb_s(items[i].speed_mb_s or items[bridge].speed_mb_s)
        if not bandwidth_mb_s:
            bandwidth_mb_s = self.rates.pcie_x16_mb_s
            self.assumed.append(below)
        self.graph.add_edge(below, above, kind=LinkKind.PCIE.value, count=1, bandwidth_mb_s=bandwidth_mb_s)

    def _latencies(self) -> None:
        kind = _socket(self.machine)
        bandwidth_mb_s = SOCKET_MB_S[kind or _UNKNOWN_SOCKET].bandwidth_mb_s
        for matrix in self.machine.distances:
            if matrix.name != "NUMALatency":
                continue
            nodes = [self.vertices.get(i, "") for i in matrix.members]
            for a, b in _pairs(len(nodes)):
                if nodes[a] and nodes[b]:
                    slit = max(matrix.values[a][b], matrix.values[b][a])
                    data = {"count": 1, "bandwidth_mb_s": bandwidth_mb_s, "slit": slit}
                    self.graph.add_edge(nodes[a], nodes[b], kind=LinkKind.SOCKET.value, **data)
            if not kind:
                self.assumed += filter(None, nodes)

    def _bandwidths(self) -> None:
        for matrix in self.machine.distances:
            kind = BANDWIDTHS.get(matrix.name or "")
            if kind is None:
                continue
            ends = [self._end(i) for i in matrix.members]
            for a, b in _pairs(len(ends)):
                if matrix.values[a][b] and ends[a] != ends[b]:
                    self._link(ends[a], ends[b], LinkKind(kind), matrix.values[a][b])

    def _link(self, a: str, b: str, kind: LinkKind, bandwidth_mb_s: int) -> None:
        data: dict[str, Any] = {"count": 1}
        if kind is LinkKind.NVLINK:
            data["generation"] = self.rates.nvlink_generation
            if bandwidth_mb_s % self.rates.nvlink_mb_s == 0:
                data["count"] = bandwidth_mb_s // self.rates.nvlink_mb_s
        if self.graph.has_edge(a, b) and self.graph.edges[a, b]["kind"] == kind.value:
            # Tiles of one GPU have links of their own.
            data["count"] += self.graph.edges[a, b]["count"]
            bandwidth_mb_s += self.graph.edges[a, b]["bandwidth_mb_s"]
        self.graph.add_edge(a, b, **data | {"kind": kind.value, "bandwidth_mb_s": bandwidth_mb_s})

    def _end(self, i: int) -> str:
        """Return the vertex that a matrix means by an object."""
        items = self.machine.items
        if items[i].kind == "OSDev":
            i = next((k for k in self.machine.around(i) if items[k].kind == "PCIDev"), i)
        if i not in self.vertices:
            item = items[i]
            self.vertices[i] = item.pci or item.name or f"{item.kind} of {item.place}"
            self._add(self.vertices[i], kind="switch", **({"pci": item.pci} if item.pci else {}))
            chain = self._bridges_around(i)
            self._connect(i, chain[-1]) if chain else self._put(self.vertices[i], self._near(i))
        return self.vertices[i]


def _pairs(count: int) -> Iterator[tuple[int, int]]:
    return ((a, b) for a in range(count) for b in range(a + 1, count))


def _planned_mb_s(speed_mb_s: int) -> int:
    """Return what a link of this raw rate carries; generations with equal rates carry equally much."""
    for generation, lane_mb_s in PCIE_RAW_LANE_MB_S.items():
        for lanes in (1, 2, 4, 8, 12, 16, 32):
            if abs(speed_mb_s - lanes * lane_mb_s) < 0.01 * speed_mb_s:
                return pcie_mb_s(generation, lanes)
    return speed_mb_s * 3 // 4


def _socket(machine: Machine) -> str:
    cpu = next((item.infos for item in machine.items if item.kind == "Package"), {})
    return socket_link(
        machine.infos.get("Architecture", ""),
        cpu.get("CPUVendor", ""),
        _number(cpu.get("CPUFamilyNumber", "")),
        _number(cpu.get("CPUModelNumber", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _is_nvswitch(item: Item) -> bool:
    return item.subtype == "NVSwitch" or (item.pci_class == "0680" and item.pci_id.startswith("10de:"))


def _names(machine: Machine, i: int) -> tuple[str, ...]:
    return tuple(device.name for device in machine.os_devices(i) if device.name)


def _gpu_name(machine: Machine, i: int) -> str:
    names = [name for name in _names(machine, i) if COMPUTE.fullmatch(name)]
    numbers = {match[1] for name in names if (match := _VENDOR_NUMBER.fullmatch(name))}
    if len(numbers) == 1:
        return f"GPU{numbers.pop()}"
    return names[0] if names and not numbers else ""


def _nic_name(machine: Machine, i: int) -> str:
    devices = machine.os_devices(i)
    for network in ("rdma", "net"):
        names = [device.name for device in devices if device.network == network and device.name]
        if names:
            return names[0] if len(names) == 1 else ""
    return ""


def _product(machine: Machine, i: int) -> str:
    models = [device.infos["GPUModel"] for device in machine.os_devices(i) if device.infos.get("GPUModel")]
    return _text(models[0] if models else machine.items[i].infos.get("PCIDevice", ""))


def _uuid(machine: Machine, i: int) -> str:
    found = (device.infos[key] for device in machine.os_devices(i) for key in _UUIDS if key in device.infos)
    return _text(next(found, ""))


def _text(value: str) -> str:
    return "".join(filter(str.isprintable, value)).strip()[:MOST_TEXT]
