"""Reads the topology that NCCL and RCCL write to ``NCCL_TOPO_DUMP_FILE`` and take from ``NCCL_TOPO_FILE``.

A file that was dumped has GPUs, NICs and their links; a static file that comes with an image has only the PCIe tree,
which NCCL completes on the machine. What is optional here is what such a file lacks.
"""

from __future__ import annotations

import re
from collections import Counter
from os import PathLike, fspath
from typing import Final

from drapolicy.errors import ParseError
from drapolicy.topology import xml
from drapolicy.topology.links import LinkKind
from drapolicy.topology.nccl import GPU_CLASSES, Cpu, Gpu, Link, Net, Pci, System, facts
from drapolicy.topology.nccl_checks import Checks
from drapolicy.topology.nccl_graph import topology
from drapolicy.topology.source import text_of
from drapolicy.topology.xml import Element

__all__ = ["NAME", "VERSIONS", "facts", "parse", "read", "recognises", "topology"]

NAME: Final = "topology XML of NCCL or RCCL"

VERSIONS: Final = ("1", "2")
"""Of the format: NCCL writes 1, RCCL 2."""

MOST_CPUS: Final = 256
"""Most NUMA nodes of a host that are read, as every two of them are linked."""

MOST_HOSTS: Final = 1024
"""Most hosts of an NVLink domain that are read."""

_INSIDE: Final = {
    "system": {"cpu"},
    "cpu": {"pci", "nic"},
    "pci": {"pci", "gpu", "nic", "pcilink"},
    "gpu": {"nvlink", "xgmi", "c2c"},
    "nic": {"net", "gin", "rma"},
}
_LINKS: Final = {"nvlink": LinkKind.NVLINK, "xgmi": LinkKind.XGMI, "c2c": LinkKind.C2C}
_ENDS: Final = (("0x068000", "nvswitch"), ("0x068001", "cpu"), *((start, "gpu") for start in GPU_CLASSES))
_HASH: Final = "(0x)?[0-9a-fA-F]{1,16}"
_MASK: Final = r"[0-9a-fA-F]{1,8}(,[0-9a-fA-F]{1,8})*"
_WORD: Final = r"[\w.:+-]{1,64}"
_CLASS: Final = r"0x[0-9a-fA-F]{4,6}"
_MOST_MBIT_S: Final = 3_200_000
_FIRST_COMMENT: Final = re.compile(r"\s*<!--(.*?)-->", re.DOTALL)


def recognises(text: str) -> bool:
    """Tell whether a text means to be a topology of NCCL.

    Examples
    --------
    >>> recognises('<!-- RCCL --><system version="2"><cpu '), recognises('<graphs version="1"/>')
    (True, False)
    """
    return xml.root_tag(text) == "system"


def read(path: str | PathLike[str]) -> System:
    """Read a file.

    Raises
    ------
    ParseError
        As `parse`, and if the file is too long or not UTF-8 text.
    OSError
        If it cannot be opened.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> System:
    """Read a topology.

    Parameters
    ----------
    text
        The document, whole.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With line and column of every element that is unknown, misplaced or doubled, of every attribute that is absent
        or no number, address or speed, and of links whose two ends contradict each other; or of what is no XML.

    Examples
    --------
    >>> pci = '<pci busid="0000:07:00.0" class="0x030200"/>'
    >>> system = parse(f'<system version="1"><cpu numaid="0">{pci}</cpu></system>')
    >>> system.cpus[0].pcis[0].kind
    'gpu'
    """
    return _Reader().system(xml.parse(_without_rules(text), file))


def _without_rules(text: str) -> str:
    """Blank the dashes of a comment before the document: RCCL's models of 2022 rule it with dashes, as XML forbids."""
    match = _FIRST_COMMENT.match(text)
    return text if match is None else text[: match.start(1)] + match[1].replace("-", " ") + text[match.end(1) :]


class _Reader(Checks):
    """One file; ``_host`` is the host of the CPU that is being read."""

    def __init__(self) -> None:
        super().__init__()
        self._host = ""
        self._links: list[tuple[str, str, Link, Element]] = []

    def system(self, root: Element) -> System:
        if root.tag != "system":
            what = "a graph file of NCCL" if root.tag == "graphs" else f"a document of <{root.tag}>"
            self.fault(root, f"is {what}, not a topology; give the file that NCCL_TOPO_DUMP_FILE names")
            raise ParseError(faults=self.faults)
        self.structure(root, _INSIDE)
        version = root.attributes.get("version", "")
        if version not in VERSIONS:
            self.fault(root, f"{version[:80]!r} is not read; known: {', '.join(VERSIONS)}", "version")
        cpus = tuple(self._cpu(element) for element in root.children if element.tag == "cpu")
        if not cpus:
            self.fault(root, "has no <cpu>; give the whole file")
        hosts = Counter(cpu.host for cpu in cpus)
        if len(hosts) > MOST_HOSTS or max(hosts.values(), default=0) > MOST_CPUS:
            self.fault(root, f"has too many <cpu>; at most {MOST_CPUS} of a host and {MOST_HOSTS} hosts are read")
        self._compare(cpus)
        if self.faults:
            raise ParseError(faults=self.sorted())
        return System(version, cpus, tuple(self.notes))

    def _cpu(self, element: Element) -> Cpu:
        self._host = host = self.text(element, "host_hash", _HASH, "a hexadecimal number", "").lower()
        faults = len(self.faults)
        numa = self.integer(element, "numaid", -1, 4095)
        if len(self.faults) == faults:
            self.once(element, (host, "numa", numa), f"{numa} of this host", "numaid")
        self.text(element, "affinity", f"({_MASK})?", "a mask of CPUs such as 000000ff,ffff0000", "")
        return Cpu(
            numa=numa,
            host=host,
            arch=self.text(element, "arch", _WORD, "a name such as x86_64", ""),
            vendor=element.attributes.get("vendor", ""),
            family=self.integer(element, "familyid", 0, 65535, -1),
            model=self.integer(element, "modelid", 0, 65535, -1),
            pcis=tuple(self._pci(child) for child in element.children if child.tag == "pci"),
            nics=tuple(self._nic(child) for child in element.children if child.tag == "nic"),
        )

    def _pci(self, element: Element) -> Pci:
        address = self.address(element, "busid")
        gpus = [child for child in element.children if child.tag == "gpu"]
        pci = Pci(
            address=address,
            pci_class=self.text(element, "class", f"({_CLASS})?", "a PCI class such as 0x030200", "").lower(),
            generation=self.generation(element),
            lanes=self.lanes(element),
            gpus=tuple(self._gpu(address, child) for child in gpus),
            nics=tuple(self._nic(child) for child in element.children if child.tag == "nic"),
            children=tuple(self._pci(child) for child in element.children if child.tag == "pci"),
            peers=tuple(self.address(child, "target") for child in element.children if child.tag == "pcilink"),
        )
        # A switch in base mode shows each of its partitions as a switch with the address of the chip.
        if address and pci.kind != "switch":
            self.once(element, (self._host, "pci", address), f"{address} of this host", "busid")
        if pci.children and pci.kind != "switch":
            self.fault(element, f"{address} is a {pci.kind}, and has <pci> inside; only switches have")
        if pci.gpus and pci.nics:
            self.fault(element, f"{address} is a GPU and a NIC; give each its own <pci>")
        if not pci.kind:
            self.note(element, f"{address} has no class, and may be a GPU or a NIC")
        elif pci.kind == "other":
            self.note(element, f"{address} of class {pci.pci_class} is neither GPU, NIC nor switch")
        for child, gpu in zip(gpus, pci.gpus, strict=True):
            self.once(child, (id(element), gpu.index, gpu.rank), f"{gpu.index} of rank {gpu.rank}", "dev")
            if gpu.index != pci.gpus[0].index:
                self.fault(child, f"{gpu.index} is a second GPU at {address}; partitions of GPUs are not read", "dev")
        if gpus and pci.gpus[0].index >= 0:
            self.once(gpus[0], (self._host, "gpu", pci.gpus[0].index), f"{pci.gpus[0].index} of this host", "dev")
        return pci

    def _gpu(self, address: str, element: Element) -> Gpu:
        links = []
        for child in element.children:
            if child.tag not in _LINKS:
                continue
            link = self._link(child)
            links.append(link)
            self.once(child, (self._host, id(element), link.kind, link.target), link.target or "C2C", "target")
            self._links.append((self._host, address, link, child))
        return Gpu(
            dev=self.integer(element, "dev", -1, 65535, -1),
            rank=self.integer(element, "rank", -1, 2**31, -1),
            sm=self.text(element, "sm", r"\d{1,4}", "a compute capability such as 80", ""),
            gcn=self.text(element, "gcn", _WORD, "an architecture such as gfx942", ""),
            links=tuple(links),
        )

    def _link(self, element: Element) -> Link:
        kind = _LINKS[element.tag]
        count = self.integer(element, "count", 1, 1024)
        if kind is LinkKind.C2C:
            return Link(kind, "cpu", "", count, self.integer(element, "bw", 1, 2**30))
        pci_class = self.text(element, "tclass", _CLASS, "a PCI class such as 0x068000").lower()
        to = next((to for start, to in _ENDS if pci_class.startswith(start)), "")
        if pci_class and (not to or (kind is LinkKind.XGMI and to == "nvswitch")):
            self.fault(element, f"{pci_class} is nothing that {element.tag} leads to", "tclass")
        if to == "gpu":
            return Link(kind, to, self.address(element, "target"), count)
        # Drivers do not tell where an NVSwitch is; NCCL then writes what is no address.
        return Link(kind, to, self.text(element, "target", r"[\w:.-]{1,64}", "an address"), count)

    def _nic(self, element: Element) -> tuple[Net, ...]:
        nets = [self._net(element, child) for child in element.children if child.tag == "net"]
        if not nets:
            self.note(element, "has no net, and so no name")
        return tuple(nets)

    def _net(self, nic: Element, element: Element) -> Net:
        name = self.text(element, "name", r"[!-~]{1,64}", "a name such as mlx5_0")
        port = self.integer(element, "port", 0, 255, 0)
        if name:
            self.once(element, (self._host, "port", name, port), f"port {port} of {name}", "name")
            if self.owner(nic, (self._host, "net", name)) is not nic:
                self.fault(element, f"{name} is in another <nic> too; give it once", "name")
        speed_mbit_s = max(self.integer(element, "speed", -1, 2**40, 0), 0)
        if speed_mbit_s > _MOST_MBIT_S:
            self.note(element, f"{name}: a speed of {speed_mbit_s} Mbit/s is beyond any port, and left out")
            speed_mbit_s = 0
        return Net(name, speed_mbit_s, port)

    def _compare(self, cpus: tuple[Cpu, ...]) -> None:
        """Fault links whose two ends contradict each other; note those whose other end is not in the file."""
        pcis = {(cpu.host, pci.address): pci for cpu in cpus for pci in cpu.walk() if pci.kind != "switch"}
        told = {
            (host, address, link.kind, link.target): (link, element)
            for host, address, link, element in reversed(self._links)
            if link.to == "gpu"
        }
        for host, address, link, element in self._links:
            if link.to != "gpu" or not address or not link.target:
                continue
            other = pcis.get((host, link.target))
            back, place = told.get((host, link.target, link.kind, address), (None, element))
            if link.target == address and link.kind is LinkKind.XGMI:
                self.fault(element, f"{address} is linked to itself", "target")
            elif link.target == address:
                # What NCCL writes in virtual machines, where drivers do not tell the other end.
                self.note(element, f"leads from {address} to itself: where it leads is not told, and it is left out")
            elif other is None:
                self.note(element, f"leads to {link.target}, which is not in the file")
            elif other.kind != "gpu":
                self.fault(element, f"{link.target} is no GPU", "target")
            elif other.gpus and back is None:
                self.fault(element, f"{address} leads to {link.target}, which has no such link back", "target")
            elif back is not None and back.count != link.count and place.place > element.place:
                message = f"{link.count} links from {address} to {link.target}, but {place.place} says {back.count}"
                self.fault(element, message, "count")
