"""The parts of one matrix of ``nvidia-smi topo -m``, and what names, cells and titles look like."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from drapolicy.errors import Fault, ParseError

GPU: Final = re.compile(r"GPU(0|[1-9][0-9]{0,3})")
NIC: Final = re.compile(r"(?!GPU)(?=\S{1,64}\Z)[A-Za-z][\w.:-]*\d[\w.:-]*", re.IGNORECASE)
MOST_COLUMNS: Final = 2048
"""Most columns of a matrix that is read; the largest hosts have a hundred devices."""

LINK: Final = re.compile(r"X|NV\d+|P[A-Z]{2}|NODE|SYS|SOC|OK|[CGT]?NS")
"""What may stand in a cell, right or wrong."""

NUMBERS: Final = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
AFFINITY: Final = re.compile(rf"{NUMBERS.pattern}|-1|N/A")
TITLES: Final = {
    "cpu": r"CPU[ _-]*Affinity",
    "gpu_numa": r"GPU[ _-]*NUMA[ _-]*ID",
    "numa": r"(?:NUMA|MEM|Memory)[ _-]*Affinity|NUMA[ _-]*(?:ID|Node)|\bNUMA\b",
}
"""Pattern of each title of a column, by its key."""

TITLE: Final = re.compile("|".join(f"(?P<{key}>{pattern})" for key, pattern in TITLES.items()), re.IGNORECASE)

# Web pages drop the escape character and keep the rest of the underline code.
_ANSI = re.compile(r"(?:\x1b|\^\[|\\e|\\x1b|\\033|\ufffd|␛)?\[[0-9;]*[mK]")
# Marks of quotations and of comments in source code.
_MARKS = re.compile(r"(?:[ \t]*(?:>|#|\*|//))+(?=[ \t]|$)")
_LEGEND = re.compile(r"([A-Z][A-Z0-9]*#?)\s+=\s+(\S.*)")
_RDMA = re.compile(r"[\w.:@-]{1,64}", re.ASCII)
_NIC_LEGEND = re.compile(r"(NIC\d+)\s*:\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of a cell and its column in the line, counted from 1."""

    text: str
    column: int


@dataclass(frozen=True)
class Row:
    """Cells of one device's row by the device over their column, and the texts under titles."""

    line: int
    cells: dict[str, Cell]
    titled: dict[str, str]


@dataclass
class Listing:
    """The parts of one output; rows are kept although they may be faulty.

    Attributes
    ----------
    file, line
        Name of the file; line of the header, counted from 1.
    columns
        All columns in order: a device's name, or the key of a title.
    starts
        Where the titles start in the line, tabs expanded.
    rows
        By name, in the order of the lines.
    legend, nic_legend
        What the lines under the matrix say.
    """

    file: str
    line: int
    columns: list[str] = field(default_factory=list)
    starts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    legend: dict[str, str] = field(default_factory=dict)
    nic_legend: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def over_devices(self) -> list[str]:
        """Names over the columns that are devices, as often as they are there."""
        return [column for column in self.columns if column not in TITLES]

    @property
    def titles(self) -> list[str]:
        """Keys of the titles, in the order of the columns."""
        return [column for column in self.columns if column in TITLES]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the devices, each once."""
        return tuple(dict.fromkeys(self.over_devices))

    def bound(self, columns: int) -> None:
        """Raise `ParseError` if the header has more columns than any machine."""
        if columns > MOST_COLUMNS:
            self.fault("header", self.line, f"has {columns:,} columns; at most {MOST_COLUMNS:,} are read")
            raise ParseError(faults=self.faults)

    def fault(self, where: str, line: int, message: str, column: int = 0) -> None:
        """Add a fault of a line, and of a column in it if one is given."""
        place = f"line {line}, column {column}" if column else f"line {line}"
        self.faults.append(Fault(self.file, -1, where, place, message))

    def add_column(self, name: str, column: int, *, title: bool) -> None:
        """Add a device, or a title by its key, to the columns; ``column`` is where it stands in the line."""
        if not title and not GPU.fullmatch(name) and not NIC.fullmatch(name):
            message = f"{name!r} is neither a GPU, a NIC nor an affinity; the line may be cut"
            self.fault("header", self.line, message, column)
        elif name in self.columns:
            self.fault("header", self.line, f"{name} is named twice", column)
        self.columns.append(name)

    def add_row(self, name: str, line: int, cells: list[Cell], titled: dict[str, str], under: dict[str, Cell]) -> None:
        """Add a row: its cells under devices in order, titles that it tells itself, and its cells under titles."""
        wanted = self.over_devices
        if len(cells) != len(wanted):
            message = f"has {len(cells)} cells for {len(wanted)} devices; the line is cut or a cell is empty"
            self.fault(f"row {name}", line, message)
        for title, cell in under.items():
            if not AFFINITY.fullmatch(cell.text):
                message = f"{cell.text!r} is not a list of numbers and ranges, nor N/A"
                self.fault(f"row {name}, {title} affinity", line, message, cell.column)
            titled[title] = "" if cell.text == "N/A" else cell.text
        by_device: dict[str, Cell] = {}
        for column, cell in zip(wanted, cells, strict=False):
            by_device.setdefault(column, cell)
        self.rows[name] = Row(line, by_device, titled)

    def close(self, lines: list[str], end: int, stop: int) -> None:
        """Fault rows that are missing, read the legends between the matrix and ``stop``, and fault a second matrix."""
        for name in self.names:
            if name not in self.rows and (GPU.fullmatch(name) or NIC.fullmatch(name)):
                self.fault(f"row {name}", end, "is missing after this line; give the whole output")
        self._legends(lines, end, stop)
        if stop < len(lines):
            self.fault("header", stop + 1, "a second matrix starts here; give one machine at a time")

    def _legends(self, lines: list[str], start: int, stop: int) -> None:
        names, told = set(self.names), set[str]()
        for i in range(start, stop):
            line = lines[i].strip()
            if match := _LEGEND.fullmatch(line):
                self.legend[match[1]] = match[2]
            elif match := _NIC_LEGEND.fullmatch(line):
                nic, rdma = match.groups()
                if nic not in names:
                    self.fault("NIC Legend", i + 1, f"{nic} is not in the matrix")
                elif not _RDMA.fullmatch(rdma):
                    self.fault("NIC Legend", i + 1, f"{rdma!r} is not the name of an RDMA device")
                elif nic in self.nic_legend or rdma in told:
                    self.fault("NIC Legend", i + 1, f"{nic} or {rdma} is named twice")
                self.nic_legend[nic] = rdma
                told.add(rdma)
            elif looks_like_row(line.split()):
                message = "is given twice" if line.split()[0] in self.rows else "stands outside the matrix"
                self.fault(f"row {line.split()[0]}", i + 1, message)
        for name in self.names if self.nic_legend else ():
            if re.fullmatch(r"NIC\d+", name) and name not in self.nic_legend:
                self.fault("NIC Legend", stop, f"{name} is missing; give the whole output")


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without line ends, the codes that colour a terminal, and marks of quotation."""
    lines = re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff").replace("\u00a0", " "))
    return [_unmarked(_ANSI.sub("", line)) for line in lines]


def _unmarked(line: str) -> str:
    match = _MARKS.match(line)
    return line if match is None else " " * match.end() + line[match.end() :]


def looks_like_row(words: list[str]) -> bool:
    """Tell whether the words of a line begin as a row of a matrix does."""
    if len(words) < 2 or not LINK.fullmatch(words[1]):
        return False
    return bool(GPU.fullmatch(words[0]) or NIC.fullmatch(words[0]))
