"""What a topology of NCCL or RCCL says, and what is counted of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from drapolicy.topology.links import LinkKind

PCI_ADDRESS: Final = re.compile(r"(?:0000)?([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])")
"""In lower case; NVIDIA writes eight digits of the domain where four are enough."""

GPU_CLASSES: Final = ("0x03", "0x12")
"""How the PCI class of GPUs begins: display controllers and processing accelerators."""

NIC_CLASS: Final = "0x02"


@dataclass(frozen=True, slots=True)
class Link:
    """NVLinks, xGMI links or the coherent link of a GPU.

    Attributes
    ----------
    to
        ``gpu``, ``nvswitch`` or ``cpu``.
    target
        PCI address at the other end as it is told; empty for C2C.
    count
        Parallel links.
    each_mb_s
        What one carries in one direction where the file says so; 0 else.
    """

    kind: LinkKind
    to: str
    target: str
    count: int
    each_mb_s: int = 0


@dataclass(frozen=True, slots=True)
class Gpu:
    """A ``gpu`` element; -1 and empty text where an attribute is absent."""

    dev: int
    rank: int
    sm: str
    gcn: str
    links: tuple[Link, ...]

    @property
    def index(self) -> int:
        """Number of the device on its host, else its rank; -1 if neither is told."""
        return self.dev if self.dev >= 0 else self.rank


@dataclass(frozen=True, slots=True)
class Net:
    """A ``net`` element.

    Attributes
    ----------
    speed_mbit_s
        10⁶ bits/s; 0 where it is not told, or more than any port has.
    port
        From 1 for RDMA devices; 0 for what is reached through sockets.
    """

    name: str
    speed_mbit_s: int
    port: int


@dataclass(frozen=True, slots=True)
class Pci:
    """A ``pci`` element: a device, or a switch with what is behind it.

    Attributes
    ----------
    address
        In lower case, with four digits of the domain where they are enough.
    pci_class
        As in ``0x030200``; empty if not told.
    generation, lanes
        Of PCIe; 0 where not told.
    nics
        ``net`` elements of each ``nic`` element.
    children
        ``pci`` elements inside.
    peers
        Addresses of switches that are one with this one (``pcilink``).
    """

    address: str
    pci_class: str
    generation: int
    lanes: int
    gpus: tuple[Gpu, ...]
    nics: tuple[tuple[Net, ...], ...]
    children: tuple[Pci, ...]
    peers: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What it is: ``gpu``, ``nic``, ``switch``, ``other``, or empty where neither class nor content says it."""
        if self.gpus or self.pci_class.startswith(GPU_CLASSES):
            return "gpu"
        if self.nics or (self.pci_class.startswith(NIC_CLASS) and not self.children):
            return "nic"
        if self.children or self.pci_class.startswith("0x0604"):
            return "switch"
        return "other" if self.pci_class else ""

    def walk(self) -> Iterator[Pci]:
        """Yield this element and all inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Cpu:
    """A ``cpu`` element, which is a NUMA node.

    Attributes
    ----------
    numa
        Its number; -1 where the host has none.
    host
        Hash of the host's name where the file holds several hosts; else empty.
    family, model
        As CPUID gives them, or as NCCL writes AMD's; -1 where not told.
    """

    numa: int
    host: str
    arch: str
    vendor: str
    family: int
    model: int
    pcis: tuple[Pci, ...]
    nics: tuple[tuple[Net, ...], ...]

    def walk(self) -> Iterator[Pci]:
        """Yield all ``pci`` elements inside."""
        for pci in self.pcis:
            yield from pci.walk()


@dataclass(frozen=True)
class System:
    """What a file says.

    Attributes
    ----------
    notes
        What is in the file and cannot be in a graph, one sentence each.
    """

    version: str
    cpus: tuple[Cpu, ...]
    notes: tuple[str, ...] = ()


def facts(system: System) -> dict[str, Any]:
    """Return the counts by which a reader is checked.

    Returns
    -------
    dict
        ``pci``, ``cpus``, ``nics``, ``nets`` and ``gpu_elements`` count elements; ``gpu_pci`` and ``nic_pci`` count
        PCI devices by class; ``nvlinks``, ``xgmi`` and ``c2c`` count elements, each direction once.
    """
    pcis = [(cpu, pci) for cpu in system.cpus for pci in cpu.walk()]
    gpus = [gpu for _, pci in pcis for gpu in pci.gpus]
    nics = [nic for cpu in system.cpus for nic in cpu.nics] + [nic for _, pci in pcis for nic in pci.nics]
    links = Counter(link.kind for gpu in gpus for link in gpu.links)
    on_numa = Counter(str(cpu.numa) for cpu, pci in pcis if pci.pci_class.startswith(GPU_CLASSES))
    return {
        "kind": "nccl-xml",
        "version": system.version,
        "arch": sorted({cpu.arch for cpu in system.cpus} - {""}),
        "cpus": len(system.cpus),
        "numa": [str(cpu.numa) for cpu in system.cpus],
        "pci": len(pcis),
        "gpu_pci": on_numa.total(),
        "gpus_per_numa": dict(sorted(on_numa.items())),
        "nic_pci": sum(pci.pci_class.startswith(NIC_CLASS) for _, pci in pcis),
        "gpu_elements": len(gpus),
        "sm": sorted({gpu.sm for gpu in gpus} - {""}),
        "gcn": sorted({gpu.gcn for gpu in gpus} - {""}),
        "nics": len(nics),
        "nets": sum(map(len, nics)),
        "nvlinks": links[LinkKind.NVLINK],
        "xgmi": links[LinkKind.XGMI],
        "c2c": links[LinkKind.C2C],
    }
