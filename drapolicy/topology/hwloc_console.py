"""Reads what ``lstopo`` prints as text, with ``-v`` or without.

The text is a tree by indentation. With ``-v`` it ends with counts, matrices and facts of the machine; without, PCI
bridges have no addresses, and roots and switches are named by where they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from typing import Any

from drapolicy.errors import Fault, ParseError
from drapolicy.topology.hwloc import Distances, Item, Machine, pci_address
from drapolicy.topology.hwloc_graph import topology
from drapolicy.topology.source import text_of

NAME = "lstopo"

__all__ = ["NAME", "facts", "parse", "read", "recognises", "topology"]

_DEEPEST = 64
_MAX_ITEMS = 250_000
_MAX_LINE = 20_000
_ADDRESS = r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]"
_OBJECT = re.compile(
    r"(?P<type>Bridge (?:Host|PCI)->PCI|[A-Za-z][\w-]*)(?:\[(?P<of>[^\]]*)\])?(?:\((?P<sub>[^)]*)\))?"
    r"(?: L#(?P<first>\d{1,9})(?:-\d{1,9})?)?(?: P#(?P<os>\d{1,10}))?"
    rf"(?: (?P<busid>{_ADDRESS}(?:-(?:[0-9a-f]{{2}}\.)?[0-9a-f])?))?(?: (?P<id>[0-9a-f]{{4}}:[0-9a-f]{{4}}))?"
    r'(?: \((?P<told>(?:"[^"]*"|\([^()]*\)|[^()"])*)\))?(?: "(?P<name>[^"]*)")?'
    r"(?: cpuset=[0-9a-fx,]+)?(?: \((?:disallowed|binding)\))?(?P<more> \+ )?",
    re.ASCII,
)
_MISC = re.compile(r"Misc\b.*")
_SEVERAL = re.compile(r"(\d{1,5}) x \{ (.*) \}")
_PAIR = re.compile(r'([A-Za-z][\w/.-]*)=("[^"]*"|\S*)')
_BUSES = re.compile(r"([0-9a-f]{4,8}):\[([0-9a-f]{2})-[0-9a-f]{2}\]")
_RANGE = re.compile(r"(.*[0-9a-f]{2}:)([0-9a-f]{2})\.([0-9a-f])-(?:([0-9a-f]{2})\.)?([0-9a-f])")
_CLASS = re.compile(r"([0-9a-f]{4})(\(.*\))?")
_OS_INDEX = re.compile(r"P#(\d{1,10})\b", re.ASCII)
_LINK = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)GB/s")
_COUNT = re.compile(r"\s*(?:depth \d+|Special depth -\d+):\s+(\d{1,9}) ((?:PCI |OS )?\w+)")
_SUMMARY = re.compile(r"\s*depth \d+:|Special depth|\S.* matrix \(|Topology |Memory |CPU kind")
_MATRIX = re.compile(
    r"\S.* matrix \(name (\S+) kind \d+\) between (\d{1,4}) NUMANodes .* by (logical|physical) indexes:"
)
_OS_DEVICES = ("Block", "GPU", "Net", "Network", "OpenFabrics", "DMA", "CoProc", "Co-Processor", "Memory", "Storage")
_KINDS = {
    "Socket": "Package",
    **dict.fromkeys(("HostBridge", "PCIBridge", "Bridge Host->PCI", "Bridge PCI->PCI"), "Bridge"),
    **dict.fromkeys(("PCI", "PCI Device"), "PCIDev"),
    "OS Device": "OSDev",
    **dict.fromkeys(_OS_DEVICES, "OSDev"),
}
_CLASSES = {"3D": "0302", "VGA": "0300", "Display": "0380", "Ethernet": "0200", "InfiniBand": "0207", "Network": "0280"}
"""PCI classes by the words that are printed without ``-v``."""


def recognises(text: str) -> bool:
    r"""Whether a text is the tree of ``lstopo``.

    Examples
    --------
    >>> recognises("Machine (7985MB)\n  Package L#0\n")
    True
    """
    first, *more = text.removeprefix("\ufeff").lstrip().split("\n", 2)[:2]
    return re.match(r"(Machine|System)\b", first) is not None and any(
        " L#" in line or " P#" in line for line in (first, *more)
    )


def read(path: str | PathLike[str]) -> Machine:
    """Read a file with the output of ``lstopo``.

    Raises
    ------
    ParseError
        As `parse`, and if the file is not UTF-8 text.
    OSError
        If it cannot be opened.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> Machine:
    r"""Read the output of ``lstopo``.

    Parameters
    ----------
    text
        The output, whole.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With every line that is no object, stands at no depth, repeats a PCI address or number of a NUMA node, or has
        a count or matrix that the tree contradicts.

    Examples
    --------
    >>> machine = parse('Machine (7985MB)\n  Package L#0\n    PCI 01:00.0 (3D)\n      GPU "nvml0"\n')
    >>> [item.kind for item in machine.items], machine.items[2].pci
    (['Machine', 'Package', 'PCIDev', 'OSDev'], '0000:01:00.0')
    """
    return _Reader(text, file).machine()


def facts(machine: Machine) -> dict[str, Any]:
    """Return the number of GPUs."""
    return {"kind": "hwloc-console", "gpus": len(machine.gpus)}


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        # Beside line feeds, a lone carriage return is within what firmware says of itself.
        self.lines = re.split(r"\r?\n" if "\n" in text else r"\r", text.removeprefix("\ufeff"))
        self.items: list[Item] = []
        self.logical: dict[int, int] = {}
        self.faults: list[Fault] = []
        self.places: list[tuple[int, int]] = []
        self.depths: list[int] = []
        self.open: list[tuple[int, int]] = []

    def machine(self) -> Machine:
        end = len(self.lines)
        for n, line in enumerate(self.lines):
            if self.items and _SUMMARY.match(line):
                end = n
                break
            if line.strip():
                self._line(n + 1, line.rstrip())
        if not self.items:
            raise ParseError(faults=[Fault(self.file, -1, "", "", "has no objects; give the output of lstopo")])
        self._doubles(Machine("", tuple(self.items)).addresses)
        self._counts(end)
        distances = list(self._matrices(end))
        if self.faults:
            raise ParseError(faults=self.faults)
        infos = dict(self.items[0].infos)
        for line in self.lines[end:]:
            if line.startswith("Topology infos:"):
                infos |= _pairs(line)
        return Machine("", tuple(self.items), tuple(distances), infos)

    def _fault(self, number: int, message: str, column: int = 1, what: str = "") -> None:
        self.faults.append(self._at(number, column, message, what))

    def _line(self, number: int, line: str) -> None:
        body = line.lstrip(" ")
        indent = len(line) - len(body)
        if len(line) > _MAX_LINE or len(self.items) > _MAX_ITEMS:
            limits = f"{_MAX_LINE} characters, after {_MAX_ITEMS} objects"
            raise ParseError(faults=[self._at(number, 1, f"is beyond what is read: {limits}")])
        while self.open and self.open[-1][0] >= indent:
            self.open.pop()
        if self.items and not self.open:
            self._fault(number, "stands beside the outermost object; give one machine", indent + 1)
            return
        parent = self.open[-1][1] if self.open else -1
        several = _SEVERAL.fullmatch(body)
        at, end = several.span(2) if several else (0, len(body))
        while at < end:
            match = _OBJECT.match(body, at, end)
            if _MISC.match(body, at, end):
                # Its name is any text, without quotes.
                match = _OBJECT.match(body, at, at + len("Misc"))
                end = at + len("Misc")
            if match is None or (match.end() < end) != bool(match["more"]):
                at = match.end() if match else at
                self._fault(number, f"{body[at : at + 40]!r} is no object of lstopo", indent + at + 1)
                break
            self._objects(match, number, indent + at + 1, parent, int(several[1]) if several else 1)
            at, parent = match.end(), len(self.items) - 1
        self.open.append((indent, parent))

    def _objects(self, match: re.Match[str], number: int, column: int, parent: int, count: int) -> None:
        depth = self.depths[parent] + 1 if parent >= 0 else 0
        if depth > _DEEPEST:
            raise ParseError(faults=[self._at(number, column, f"is more than {_DEEPEST} objects deep")])
        told = match["told"] or ""
        pairs = _pairs(told)
        kind = _KINDS.get(match["type"], match["type"])
        word = match["of"] or match["type"]
        os_index = match["os"] or next(iter(_OS_INDEX.findall(told)), "")
        if kind == "NUMANode":
            if not os_index:
                self._fault(number, "has no number of the operating system, P#", column, match["type"])
            if match["first"]:
                self.logical[int(match["first"])] = len(self.items)
        pci_class = _CLASS.fullmatch(pairs.get("class", ""))
        link = _LINK.fullmatch(pairs.get("link", ""))
        buses = _BUSES.fullmatch(pairs.get("buses", ""))
        for address in self._addresses(match["busid"] or pairs.get("busid", ""), number, column, count):
            self.items.append(
                Item(
                    kind,
                    parent,
                    int(os_index) if os_index and int(os_index) < 2**31 else -1,
                    name=match["name"] or "",
                    subtype=match["sub"] or "",
                    osdev_type=word if kind == "OSDev" else "",
                    network=""
                    if kind != "OSDev"
                    else "rdma"
                    if "OpenFabrics" in word
                    else "net"
                    if "Net" in word
                    else "",
                    pci=address,
                    pci_class=pci_class[1] if pci_class else _CLASSES.get(told, "") if kind == "PCIDev" else "",
                    pci_id=match["id"] or pairs.get("id", ""),
                    speed_mb_s=round(float(link[1]) * 1000) if link else 0,
                    first_bus=f"{buses[1]}:{buses[2]}" if buses else "",
                    host_bridge=match["type"] in ("HostBridge", "Bridge Host->PCI"),
                    infos=pairs,
                    place=f"line {number}",
                )
            )
            self.places.append((number, column))
            self.depths.append(depth)

    def _addresses(self, text: str, number: int, column: int, count: int) -> list[str]:
        """Return the addresses of as many functions as the line stands for: ``0b:00.1-3`` is three."""
        if not text and count <= _MAX_ITEMS:
            return [""] * count
        match = _RANGE.fullmatch(text)
        if match is None:
            first = last = text
        else:
            first = f"{match[1]}{match[2]}.{match[3]}"
            last = f"{match[1]}{match[4] or match[2]}.{match[5]}"
        if pci_address(first) and pci_address(last):
            start, stop = _function(first), _function(last)
            if stop - start + 1 == count:
                bus = pci_address(first)[:-4]
                return [f"{bus}{function >> 3:02x}.{function & 7}" for function in range(start, stop + 1)]
        self._fault(number, f"{text!r} is not the address of {count} PCI function(s)", column, "busid")
        return []

    def _doubles(self, addresses: Sequence[str]) -> None:
        for what, keys in (
            ("busid", addresses),
            (
                "P#",
                [str(item.os_index) if item.kind == "NUMANode" and item.os_index >= 0 else "" for item in self.items],
            ),
        ):
            first: dict[str, int] = {}
            for i, key in enumerate(keys):
                if key and first.setdefault(key, i) != i:
                    number, column = self.places[i]
                    self._fault(number, f"{key} is given before, in line {self.places[first[key]][0]}", column, what)

    def _counts(self, end: int) -> None:
        """Compare the counts under the tree with the tree, which shows where lines are missing."""
        told: Counter[str] = Counter()
        for line in self.lines[end:]:
            if match := _COUNT.match(line):
                told[_KINDS.get(match[2], match[2])] += int(match[1])
        there = Counter(item.kind for item in self.items)
        for kind in dict.fromkeys((*told, *there) if told else ()):
            if told[kind] != there[kind] and not self.faults:
                self._fault(end, f"the tree ends with {there[kind]} of {told[kind]}; give it whole", what=kind)
        if not told and "total" in self.items[0].infos:
            self._fault(end, "ends before the counts that -v gives; give the output whole")

    def _matrices(self, end: int) -> Iterator[Distances]:
        for n in range(end, len(self.lines)):
            match = _MATRIX.match(self.lines[n])
            if match is None:
                continue
            count = int(match[2])
            places = self.logical if match[3] == "logical" else self._physical()
            rows = [line.split() for line in self.lines[n + 1 : n + 2 + count]]
            if len(rows) < count + 1 or any(len(row) != count + 1 for row in rows):
                self._fault(n + 1, f"the matrix below has not {count} rows and columns; give it whole", what=match[1])
                continue
            cells = [word for row in rows for word in row][1:]
            if not all(len(cell) <= 9 and cell.isascii() and cell.isdecimal() for cell in cells):
                self._fault(n + 1, "the matrix below has a cell that is no number below 10^9", what=match[1])
                continue
            names = [int(word) for word in rows[0][1:]]
            if [int(row[0]) for row in rows[1:]] != names or len(set(names) & places.keys()) != count:
                self._fault(n + 1, "rows, columns and NUMA nodes of the tree are not the same", what=match[1])
                continue
            values = tuple(tuple(int(word) for word in row[1:]) for row in rows[1:])
            yield Distances(match[1], tuple(places[name] for name in names), values)

    def _physical(self) -> dict[int, int]:
        return {item.os_index: i for i, item in enumerate(self.items) if item.kind == "NUMANode"}

    def _at(self, number: int, column: int, message: str, what: str = "") -> Fault:
        return Fault(self.file, -1, what, f"line {number}, column {column}", message)


def _pairs(text: str) -> dict[str, str]:
    return {key: value.strip('"') for key, value in _PAIR.findall(text)}


def _function(address: str) -> int:
    device, _, function = pci_address(address).rpartition(":")[2].partition(".")
    return int(device, 16) * 8 + int(function)
