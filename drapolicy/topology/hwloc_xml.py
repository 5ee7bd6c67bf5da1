"""Reads the XML of hwloc, versions 1 to 3: what ``lstopo file.xml`` writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from typing import Any

from drapolicy.errors import Fault, ParseError
from drapolicy.topology import xml
from drapolicy.topology.graph import MOST_TEXT, is_text
from drapolicy.topology.hwloc import BANDWIDTHS, COMPUTE, LINKED, Distances, Item, Machine, pci_address
from drapolicy.topology.hwloc_graph import topology
from drapolicy.topology.source import text_of

NAME = "hwloc's XML"

__all__ = ["NAME", "facts", "parse", "read", "recognises", "topology"]

_NEWEST = 3
_MAX_MEMBERS = 1024
_COUNTED = ("Package", "NUMANode", "Core", "PU", "Group", "Bridge", "PCIDev", "OSDev")
_OLD_KINDS = {"Socket": "Package", "Node": "NUMANode"}
_KINDS = frozenset(
    {*_COUNTED, "Machine", "System", "Die", "Cache", "MemCache", "Misc"}
    | {f"L{level}{side}Cache" for level in range(1, 6) for side in ("", "d", "i")}
)
_PCI_TYPE = re.compile(r"([0-9a-f]{4}) \[([0-9a-f]{4}:[0-9a-f]{4})\].*", re.IGNORECASE)
_BUSES = re.compile(r"([0-9a-f]{4,8}):\[([0-9a-f]{2})-[0-9a-f]{2}\]", re.IGNORECASE)
_BRIDGE = re.compile(r"[01]-1")
_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,9})?")
_VERSION = re.compile(r"(\d{1,3})\.\d{1,3}")
_NETWORKS = {"2": "net", "3": "rdma"}


def recognises(text: str) -> bool:
    """Whether a text is XML of hwloc.

    Examples
    --------
    >>> recognises('<topology version="2.0"><object type="Machine"/></topology>')
    True
    """
    return xml.root_tag(text) in ("topology", "root")


def read(path: str | PathLike[str]) -> Machine:
    """Read a file that hwloc wrote.

    Raises
    ------
    ParseError
        As `parse`, and if the file is not UTF-8 text.
    OSError
        If it cannot be opened.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> Machine:
    """Read XML of hwloc.

    Parameters
    ----------
    text
        The document, whole.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With line and column of every unknown type, bad number or address, address given twice, and matrix whose size,
        members or symmetry are wrong; or of what makes it no XML, see `drapolicy.topology.xml.parse`.

    Examples
    --------
    >>> machine = parse('<topology version="2.0"><object type="Machine"/></topology>')
    >>> machine.version, machine.items[0].kind
    ('2.0', 'Machine')
    """
    return _Reader(xml.parse(text, file)).machine()


def facts(machine: Machine) -> dict[str, Any]:
    """Return the counts that describe the file: objects by type, OS devices by number, matrices, GPU names, version."""
    kinds = Counter(item.kind for item in machine.items)
    devices = [item for item in machine.items if item.kind == "OSDev"]
    return {
        "kind": "hwloc-xml",
        "version": machine.version or None,
        "objects": {kind: kinds[kind] for kind in sorted(_COUNTED) if kinds[kind]},
        "osdev": dict(sorted(Counter(device.osdev_type for device in devices).items())),
        "gpu_names": sorted(device.name for device in devices if COMPUTE.fullmatch(device.name)),
        "distances": [[matrix.name, str(len(matrix.members))] for matrix in machine.distances],
    }


class _Reader:
    def __init__(self, root: xml.Element) -> None:
        self.root = root
        self.faults: list[Fault] = []
        self.items: list[Item] = []
        self.elements: list[xml.Element] = []
        self.version = self._version()

    def machine(self) -> Machine:
        self._lost(self.root)
        outermost = [child for child in self.root.children if child.tag == "object"]
        if len(outermost) != 1:
            self.faults.append(self.root.fault(f"has {len(outermost)} outermost objects; give one machine"))
        for element in outermost[:1]:
            self._objects(element)
        self._doubles(Machine("", tuple(self.items)).addresses)
        distances = [*self._distances(), *self._old_distances()]
        if self.faults:
            raise ParseError(faults=self.faults)
        infos = _infos(self.root) | (dict(self.items[0].infos) if self.items else {})
        return Machine(self.version, tuple(self.items), tuple(distances), infos)

    def _version(self) -> str:
        if self.root.tag not in ("topology", "root"):
            raise ParseError(faults=[self.root.fault("is not of hwloc; its outermost element is <topology>")])
        version = self.root.attributes.get("version", "")
        match = _VERSION.fullmatch(version or "1.0")
        if match is None or int(match[1]) > _NEWEST:
            message = f"{version!r} is no version that is known; the newest is {_NEWEST}"
            raise ParseError(faults=[self.root.fault(message, "version")])
        return version

    def _objects(self, outermost: xml.Element) -> None:
        todo = [(outermost, -1)]
        while todo:
            element, parent = todo.pop()
            self._lost(element)
            self.items.append(self._item(element, parent))
            self.elements.append(element)
            inside = [(child, len(self.items) - 1) for child in element.children if child.tag == "object"]
            todo += reversed(inside)

    def _lost(self, around: xml.Element) -> None:
        """Find objects that are called or placed as none is; what else stands beside objects differs by version."""
        for child in around.children:
            is_object = child.attributes.get("type") in _KINDS and child.tag not in ("object", "distances2")
            if is_object or (child.tag != "object" and any(inner.tag == "object" for inner in child.children)):
                self.faults.append(child.fault("is not called <object>, but is or holds one; give what hwloc wrote"))

    def _item(self, element: xml.Element, parent: int) -> Item:
        given = element.attributes
        kind = _OLD_KINDS.get(given.get("type", ""), given.get("type", ""))
        if kind not in _KINDS:
            self._fault(element, "type", "is not a type of hwloc")
        if kind == "Bridge" and not _BRIDGE.fullmatch(given.get("bridge_type", "")):
            self._fault(element, "bridge_type", "is neither 0-1, of a host bridge, nor 1-1")
        pci = pci_address(given.get("pci_busid", ""))
        host_bridge = kind == "Bridge" and given.get("bridge_type", "").startswith("0-")
        if not pci and ("pci_busid" in given or kind == "PCIDev"):
            self._fault(element, "pci_busid", "is not an address; write it like 0000:10:1c.0")
        pci_type = _PCI_TYPE.fullmatch(given.get("pci_type", ""))
        if pci_type is None and ("pci_type" in given or kind == "PCIDev"):
            self._fault(element, "pci_type", "is not like 0302 [10de:15f9] [10de:116b] a1")
        buses = _BUSES.fullmatch(given.get("bridge_pci", ""))
        if buses is None and ("bridge_pci" in given or host_bridge):
            self._fault(element, "bridge_pci", "is not like 0000:[00-1f]")
        speed = given.get("pci_link_speed", "0")
        if not _DECIMAL.fullmatch(speed):
            self._fault(element, "pci_link_speed", "is not a number of GB/s")
            speed = "0"
        if not is_text(given.get("name", "")):
            self._fault(element, "name", f"is not printable text of at most {MOST_TEXT} characters")
        os_index = self._index(element, "os_index", needed=kind == "NUMANode")
        return Item(
            kind,
            parent,
            os_index,
            self._index(element, "gp_index"),
            name=given.get("name", ""),
            subtype=given.get("subtype", ""),
            osdev_type=given.get("osdev_type", ""),
            network=self._network(given.get("osdev_type", "")),
            pci=pci,
            pci_class=pci_type[1].lower() if pci_type else "",
            pci_id=pci_type[2].lower() if pci_type else "",
            speed_mb_s=round(float(speed) * 1000),
            first_bus=f"{buses[1]}:{buses[2]}".lower() if buses else "",
            host_bridge=host_bridge,
            infos=_infos(element),
            place=element.place,
        )

    def _network(self, osdev_type: str) -> str:
        if not self.version.startswith("3."):
            return _NETWORKS.get(osdev_type, "")
        # Version 3 made a set of bits of what was one number: 16 a network, 32 OpenFabrics.
        bits = int(osdev_type) if _DECIMAL.fullmatch(osdev_type) and "." not in osdev_type else 0
        return "rdma" if bits & 32 else "net" if bits & 16 else ""

    def _index(self, element: xml.Element, attribute: str, *, needed: bool = False) -> int:
        text = element.attributes.get(attribute)
        if text is None and not needed:
            return -1
        if text is None or len(text) > 18 or not (text.isascii() and text.isdecimal()):
            self._fault(element, attribute, "is not a number")
            return -1
        # hwloc writes -1 without its sign where the operating system gives no number.
        return int(text) if int(text) < 2**31 else -1

    def _doubles(self, addresses: Sequence[str]) -> None:
        for what, keys in (
            ("pci_busid", addresses),
            ("gp_index", [str(item.gp_index) if item.gp_index >= 0 else "" for item in self.items]),
            ("os_index", [str(item.os_index) if item.kind == "NUMANode" else "" for item in self.items]),
        ):
            first: dict[str, int] = {}
            for i, key in enumerate(keys):
                if key and first.setdefault(key, i) != i:
                    self._fault(self.elements[i], what, f"is given before, at {self.items[first[key]].place}")

    def _distances(self) -> Iterator[Distances]:
        for element in self.root.children:
            if element.tag not in ("distances2", "distances2hetero"):
                continue
            members = [word for child in element.children if child.tag == "indexes" for word in child.text.split()]
            values = [word for child in element.children if child.tag == "u64values" for word in child.text.split()]
            positions = self._members(element, members)
            matrix = self._matrix(element, len(members), values)
            if positions is not None and matrix is not None:
                distances = Distances(element.attributes.get("name"), positions, matrix)
                self._check(element, distances)
                yield distances

    def _members(self, element: xml.Element, words: list[str]) -> tuple[int, ...] | None:
        kind, by_os = element.attributes.get("type", ""), element.attributes.get("indexing") == "os"
        if by_os:
            places = {str(item.os_index): i for i, item in enumerate(self.items) if item.kind == kind}
        elif element.tag == "distances2":
            places = {str(item.gp_index): i for i, item in enumerate(self.items) if item.kind == kind}
        else:
            places = {f"{item.kind}:{item.gp_index}": i for i, item in enumerate(self.items)}
        good = True
        for word, times in Counter(words).items():
            if word not in places or times > 1:
                why = "named twice" if word in places else "no object of the file"
                self.faults.append(element.fault(f"{word!r} is {why}", "indexes"))
                good = False
        return tuple(places[word] for word in words) if good else None

    def _matrix(self, element: xml.Element, count: int, words: list[str]) -> tuple[tuple[int, ...], ...] | None:
        told = element.attributes.get("nbobjs", "")
        if told != str(count) or not 0 < count <= _MAX_MEMBERS:
            self.faults.append(element.fault(f"is {told!r} and {count} indexes follow; give the whole file", "nbobjs"))
            return None
        if len(words) != count * count:
            message = f"are {len(words)}, not {count} x {count}; give the whole file"
            self.faults.append(element.fault(message, "u64values"))
            return None
        bad = next((word for word in words if len(word) > 9 or not (word.isascii() and word.isdecimal())), None)
        if bad is not None:
            self.faults.append(element.fault(f"{bad[:40]!r} is not a number below 10^9", "u64values"))
            return None
        return tuple(tuple(int(word) for word in words[a * count : (a + 1) * count]) for a in range(count))

    def _check(self, element: xml.Element, matrix: Distances) -> None:
        """Check a matrix of bandwidths; relative latencies may differ by direction, as ACPI lets them."""
        if matrix.name not in BANDWIDTHS:
            return
        for a, i in enumerate(matrix.members):
            item = self.items[i]
            if item.kind not in LINKED:
                message = f"joins a {item.kind}, which has no such link; known: {', '.join(sorted(LINKED))}"
                self.faults.append(element.fault(message, f"{matrix.name}"))
            for b in range(a):
                here, there = matrix.values[a][b], matrix.values[b][a]
                if here != there:
                    message = f"row {a}, column {b} is {here}, but row {b}, column {a} is {there}; they are one link"
                    self.faults.append(element.fault(message, f"{matrix.name}"))

    def _old_distances(self) -> Iterator[Distances]:
        """Read the matrices of version 1, which stand in an object and mean those of a depth below it."""
        for i, around in enumerate(self.elements):
            for element in around.children:
                if element.tag != "distances":
                    continue
                words = [child.attributes.get("value", "") for child in element.children if child.tag == "latency"]
                base, depth = element.attributes.get("latency_base", "1"), element.attributes.get("relative_depth", "")
                members = self._below(i, int(depth)) if re.fullmatch(r"\d{1,3}", depth) else ()
                if str(len(members)) != element.attributes.get("nbobjs"):
                    # Version 1 counts depths by type, not along the tree, where branches differ.
                    continue
                values = [self._latency(element, word, base) for word in words]
                matrix = self._matrix(element, len(members), [str(value) for value in values])
                if matrix is not None:
                    numa = all(self.items[member].kind == "NUMANode" for member in members)
                    yield Distances("NUMALatency" if numa else None, members, matrix)

    def _latency(self, element: xml.Element, word: str, base: str) -> int:
        if _DECIMAL.fullmatch(word) and _DECIMAL.fullmatch(base):
            return round(float(word) * float(base))
        self.faults.append(element.fault(f"{word!r} times {base!r} is not a number", "latency"))
        return 0

    def _below(self, i: int, depth: int) -> tuple[int, ...]:
        level = [i]
        for _ in range(depth):
            wanted = set(level)
            level = [k for k, item in enumerate(self.items) if item.parent in wanted and item.kind not in _ASIDE]
        return tuple(level)

    def _fault(self, element: xml.Element, attribute: str, why: str) -> None:
        value = element.attributes.get(attribute)
        self.faults.append(element.fault("is missing" if value is None else f"{value[:80]!r} {why}", attribute))


_ASIDE = ("Bridge", "PCIDev", "OSDev", "Misc")


def _infos(element: xml.Element) -> dict[str, str]:
    infos = (child.attributes for child in element.children if child.tag == "info")
    return {info.get("name", ""): info.get("value", "") for info in infos}
