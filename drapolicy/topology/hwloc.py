"""What hwloc says of a machine, in one form for its XML and its text: objects in a tree and matrices of distances."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

_PCI_ADDRESS = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])", re.IGNORECASE)

COMPUTE = re.compile(r"(cuda|nvml|opencl|rsmi|ze)\d[\w.]*")
"""Names of OS devices that software uses to run on a GPU; displays (``card0``, ``:0.0``) are not among them."""

BASIC_DISPLAYS = frozenset({"1002:4752", "1002:5159", "1002:515e", "1002:5969"})
"""PCI numbers of displays of management controllers (Rage XL, RV100, ES1000) whose vendor makes GPUs too."""

GPU_VENDORS = frozenset({"10de", "1002", "8086", "1d94", "1ed5"})
"""PCI vendors whose VGA devices (class 0300) are GPUs: NVIDIA, AMD, Intel, Hygon, Moore Threads; others make the
displays of management controllers and virtual machines."""

BANDWIDTHS = {"NVLinkBandwidth": "NV", "XGMIBandwidth": "XGMI", "XeLinkBandwidth": "XE"}
"""Matrices of hwloc that hold MB/s per direction, and the kind of link each is of."""

LINKED = frozenset({"OSDev", "PCIDev", "Package"})
"""Objects that a matrix of bandwidths may join."""


@dataclass(frozen=True, slots=True)
class Item:
    """One object of hwloc.

    Attributes
    ----------
    kind
        hwloc's type: ``Machine``, ``Package``, ``NUMANode``, ``Bridge``, ``PCIDev``, ``OSDev``, ``Core`` …
    parent
        Position of the object around it; -1 for the outermost.
    os_index, gp_index
        Number of the operating system, and hwloc's own for matrices; -1 where there is none.
    name, subtype, osdev_type
        Texts as hwloc writes them; empty where absent.
    network
        Of an OS device: ``rdma`` for the RDMA side of a NIC (``mlx5_0``), ``net`` for an interface (``eth0``).
    pci
        PCI address like ``0000:10:1c.0``; empty where there is none.
    pci_class, pci_id
        Four hex digits, e.g. ``0302``; those of vendor and device, e.g. ``10de:15f9``; empty where unknown.
    speed_mb_s
        Raw rate of the PCIe link as trained, 10⁶ bytes/s per direction; 0 where hwloc does not know it.
    first_bus
        Of a host bridge: domain and first bus, e.g. ``0000:00``.
    host_bridge
        Whether a bridge joins the PCI bus to the CPU.
    infos
        Further pairs of key and text.
    place
        Where it stands in the file.
    """

    kind: str
    parent: int
    os_index: int = -1
    gp_index: int = -1
    name: str = ""
    subtype: str = ""
    osdev_type: str = ""
    network: str = ""
    pci: str = ""
    pci_class: str = ""
    pci_id: str = ""
    speed_mb_s: int = 0
    first_bus: str = ""
    host_bridge: bool = False
    infos: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class Distances:
    """One matrix.

    Attributes
    ----------
    name
        hwloc's, e.g. ``NUMALatency``, which joins NUMA nodes; None where the file gives none.
    members
        Positions of the N objects.
    values
        N × N numbers: relative latencies (10 = local) or MB/s per direction; what else it may be, the name says.
    """

    name: str | None
    members: tuple[int, ...]
    values: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Machine:
    """All that was read of one machine.

    Attributes
    ----------
    version
        Of the XML; empty for files from before it was written into them (hwloc 1), and for text.
    items
        Objects; each stands after the one around it.
    distances
        Matrices, in the order of the file.
    infos
        What the file says of the machine as a whole, such as ``HostName``.
    """

    version: str
    items: tuple[Item, ...]
    distances: tuple[Distances, ...] = ()
    infos: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Name of the machine; empty where the file does not say it."""
        return self.infos.get("HostName", "")

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Per object the positions of those directly inside it."""
        inside: list[list[int]] = [[] for _ in self.items]
        for i, item in enumerate(self.items):
            if item.parent >= 0:
                inside[item.parent].append(i)
        return tuple(map(tuple, inside))

    def around(self, i: int) -> Iterator[int]:
        """Yield the positions of the objects around an object, innermost first."""
        while (i := self.items[i].parent) >= 0:
            yield i

    def inside(self, i: int) -> Iterator[int]:
        """Yield the positions of all objects inside an object, in the order of the file."""
        todo = list(reversed(self.children[i]))
        while todo:
            i = todo.pop()
            yield i
            todo += reversed(self.children[i])

    def os_devices(self, i: int) -> tuple[Item, ...]:
        """Return the OS devices that a PCI device has."""
        return tuple(self.items[k] for k in self.inside(i) if self.items[k].kind == "OSDev")

    @cached_property
    def gpu_memory(self) -> Mapping[str, int]:
        """Numbers of the NUMA nodes that are memory of a GPU, by its PCI address."""
        found = {}
        for item in self.items:
            address = pci_address(item.infos.get("PCIBusID", ""))
            if item.kind == "NUMANode" and item.subtype == "GPUMemory" and address:
                found[address] = item.os_index
        return found

    @cached_property
    def gpus(self) -> tuple[int, ...]:
        """Positions of the PCI devices that are GPUs.

        Those that software runs on or that own a NUMA node, 3D and display controllers, processing accelerators, and
        VGA devices of `GPU_VENDORS`.
        """
        return tuple(i for i, item in enumerate(self.items) if item.kind == "PCIDev" and self._is_gpu(i, item))

    @cached_property
    def nics(self) -> tuple[int, ...]:
        """Positions of the PCI devices that are NICs: network and InfiniBand classes, or with a network's OS device."""
        gpus = set(self.gpus)
        return tuple(
            i for i, item in enumerate(self.items) if item.kind == "PCIDev" and i not in gpus and self._is_nic(i, item)
        )

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """PCI address of each object that is told apart by it: bridges, GPUs and NICs; empty for all others."""
        told_apart = {*self.gpus, *self.nics}
        return tuple(item.pci if item.kind == "Bridge" or i in told_apart else "" for i, item in enumerate(self.items))

    def _is_gpu(self, i: int, item: Item) -> bool:
        if item.pci_class in ("0302", "0380") or item.pci_class.startswith("12"):
            return True
        if item.pci_class.startswith("03") and item.pci_id[:4] in GPU_VENDORS and item.pci_id not in BASIC_DISPLAYS:
            return True
        return item.pci in self.gpu_memory or any(COMPUTE.fullmatch(device.name) for device in self.os_devices(i))

    def _is_nic(self, i: int, item: Item) -> bool:
        if item.pci_class.startswith("02") or item.pci_class == "0c06":
            return True
        return any(device.network for device in self.os_devices(i))


def pci_address(text: str) -> str:
    """Return a PCI address with its domain and in lower case, or nothing where the text is none.

    Examples
    --------
    >>> pci_address("1B:00.0")
    '0000:1b:00.0'
    >>> pci_address("somewhere")
    ''
    """
    match = _PCI_ADDRESS.fullmatch(text)
    if match is None or int(match[3], 16) > 31:
        return ""
    return f"{match[1] or '0000'}:{match[2]}:{match[3]}.{match[4]}".lower()
