"""Finds header, rows and legends in the text of ``nvidia-smi topo -m``, and the cells of each row."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from drapolicy.errors import Fault, ParseError
from drapolicy.topology.lookalikes import what_it_is

GPU = re.compile(r"GPU(0|[1-9][0-9]{0,3})")

# Web pages drop the escape character and keep the rest of the underline code.
_ANSI = re.compile(r"(?:\x1b|\^\[|\\e|\\x1b|\\033|\ufffd|␛)?\[[0-9;]*[mK]")
_NAME = re.compile(r"(?!GPU)(?=\S{1,64}\Z)[A-Za-z][\w.:-]*\d[\w.:-]*", re.IGNORECASE)
_LINK = re.compile(r"X|NV\d+|P[A-Z]{2}|NODE|SYS|SOC|OK|[CGT]?NS")
_ROCM = re.compile(r"ROCm System Management|(?:Weight|Hops|Link Type) between two GPUs|^\s*GPU\d+\s.*\bXGMI\b")
_TITLES = {
    "cpu": r"CPU[ _-]*Affinity",
    "gpu_numa": r"GPU[ _-]*NUMA[ _-]*ID",
    "numa": r"(?:NUMA|MEM|Memory)[ _-]*Affinity|NUMA[ _-]*(?:ID|Node)",
}
_TITLE = re.compile("|".join(f"(?P<{key}>{pattern})" for key, pattern in _TITLES.items()), re.IGNORECASE)
_SELF_TITLED = re.compile(r"\bNUMA (\d+)\s*$")
_NUMBERS = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_AFFINITY = re.compile(rf"{_NUMBERS.pattern}|-1|N/A")
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
        return [column for column in self.columns if column not in _TITLES]

    @property
    def titles(self) -> list[str]:
        """Keys of the titles, in the order of the columns."""
        return [column for column in self.columns if column in _TITLES]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the devices, each once."""
        return tuple(dict.fromkeys(self.over_devices))

    def fault(self, where: str, line: int, message: str, column: int = 0) -> None:
        """Add a fault of a line, and of a column in it if one is given."""
        place = f"line {line}, column {column}" if column else f"line {line}"
        self.faults.append(Fault(self.file, -1, where, place, message))


def find(text: str, file: str) -> Listing:
    """Split the text into header, rows and legends; faults of the structure are in the answer.

    Raises
    ------
    ParseError
        If there is no matrix; the message says what there is.
    """
    lines = lines_of(text)
    start, second, *_ = [*(i for i in range(len(lines)) if _is_header(lines, i)), len(lines), len(lines)]
    if start == len(lines) or any(_ROCM.search(line) for line in lines):
        raise ParseError(faults=[Fault(file, -1, "", "", _what_it_is(text, lines))])
    listing = Listing(file, start + 1)
    _header(listing, lines[start])
    end = _rows(listing, lines, start + 1, second)
    for name in listing.names:
        if name not in listing.rows and (GPU.fullmatch(name) or _NAME.fullmatch(name)):
            listing.fault(f"row {name}", end, "is missing after this line; give the whole output")
    _under(listing, lines, end, second)
    if second < len(lines):
        listing.fault("header", second + 1, "a second matrix starts here; give one machine at a time")
    return listing


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, without line ends and the codes that colour a terminal."""
    return [_ANSI.sub("", line) for line in re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))]


def _is_header(lines: list[str], i: int) -> bool:
    words = _TITLE.sub(" ", lines[i]).split()
    if not words or not GPU.fullmatch(words[0]) or any(_LINK.fullmatch(word) for word in words):
        return False
    following = next((lines[k].split() for k in range(i + 1, len(lines)) if lines[k].strip()), [""])
    return bool(GPU.fullmatch(following[0]))


def has_matrix(text: str) -> bool:
    """Tell whether a text has a matrix, whole or in parts."""
    lines = lines_of(text)
    rows = any(_looks_like_row(line.split()) and GPU.match(line.strip()) for line in lines)
    return rows or (any(_is_header(lines, i) for i in range(len(lines))) and not any(map(_ROCM.search, lines)))


def _what_it_is(text: str, lines: list[str]) -> str:
    if any(_ROCM.search(line) for line in lines):
        why = "is output of rocm-smi"
    elif any(_looks_like_row(line.split()) for line in lines):
        why = "has rows of a matrix, but not the line above them that names the columns"
    else:
        why = what_it_is(text) or "has no line that names GPUs above lines that begin with their names"
    return f"{why}; give the output of nvidia-smi topo -m as it was printed"


def _header(listing: Listing, line: str) -> None:
    titles = {match.start(): match for match in _TITLE.finditer(line)}
    blanked = _TITLE.sub(lambda match: "\0" * len(match[0]), line)
    for match in re.finditer(r"\0+|[^\s\0]+", blanked):
        title = titles.get(match.start())
        column = str(title.lastgroup) if title else match[0]
        if not title and not GPU.fullmatch(column) and not _NAME.fullmatch(column):
            message = f"{column!r} is neither a GPU, a NIC nor an affinity; the line may be cut"
            listing.fault("header", listing.line, message, match.start() + 1)
        elif column in listing.columns:
            listing.fault("header", listing.line, f"{column} is named twice", match.start() + 1)
        listing.columns.append(column)
        listing.starts[column] = len(line[: match.start()].expandtabs(8))


def _looks_like_row(words: list[str]) -> bool:
    if len(words) < 2 or not _LINK.fullmatch(words[1]):
        return False
    return bool(GPU.fullmatch(words[0]) or _NAME.fullmatch(words[0]))


def _rows(listing: Listing, lines: list[str], start: int, stop: int) -> int:
    """Take in the rows; return the number of lines up to the last of them."""
    last = max((i for i in range(start, stop) if _looks_like_row(lines[i].split())), default=start)
    names = set(listing.names)
    end = start
    for i in range(start, stop):
        words = lines[i].split()
        if not words:
            continue
        if names <= listing.rows.keys() or (i > last and words[0] not in names):
            break
        if words[0] in names:
            _row(listing, i + 1, lines[i])
        elif _looks_like_row(words):
            listing.fault(f"row {words[0]}", i + 1, "no column is named so", lines[i].index(words[0]) + 1)
        else:
            listing.fault("", i + 1, f"{lines[i].strip()[:40]!r} is not a row of the matrix")
        end = i + 1
    return end


def _row(listing: Listing, number: int, line: str) -> None:
    name = line.split(maxsplit=1)[0]
    if name in listing.rows:
        listing.fault(f"row {name}", number, f"is given twice, first in line {listing.rows[name].line}")
        return
    titled = {}
    if "numa" not in listing.columns and (match := _SELF_TITLED.search(line)):
        titled["numa"] = match[1]
        line = line[: match.start()]
    cells = [Cell(match[0], match.start() + 1) for match in re.finditer(r"\S+", line)][1:]
    devices, under, extra = _split(listing, name, line, cells)
    wanted = listing.over_devices
    if len(devices) != len(wanted):
        message = f"has {len(devices)} cells for {len(wanted)} devices; the line is cut or a cell is empty"
        listing.fault(f"row {name}", number, message)
    if extra and (listing.titles or not all(_AFFINITY.fullmatch(cell.text) for cell in extra)):
        message = f"{extra[0].text!r} is under no column; the header is cut or the row has a cell too many"
        listing.fault(f"row {name}", number, message, extra[0].column)
    for title, cell in under.items():
        if not _AFFINITY.fullmatch(cell.text):
            message = f"{cell.text!r} is not a list of numbers and ranges, nor N/A"
            listing.fault(f"row {name}, {title} affinity", number, message, cell.column)
        titled[title] = "" if cell.text == "N/A" else cell.text
    by_device: dict[str, Cell] = {}
    for column, cell in zip(wanted, devices, strict=False):
        by_device.setdefault(column, cell)
    listing.rows[name] = Row(number, by_device, titled)


def _split(listing: Listing, name: str, line: str, cells: list[Cell]) -> tuple[list[Cell], dict[str, Cell], list[Cell]]:
    """Tell apart the cells under devices, under titles and under nothing."""
    columns, titles = listing.columns, listing.titles
    wanted = len(columns) - len(titles)
    if columns[:wanted] == listing.over_devices:
        devices = cells[:wanted]
        # A number here is an affinity: a cell of the matrix is missing before it.
        cut = next((i for i, cell in enumerate(devices) if _NUMBERS.fullmatch(cell.text)), len(devices))
        rest = cells[cut:]
        if len(rest) >= len(titles) or cut < wanted:
            return devices[:cut], dict(zip(titles, rest, strict=False)), rest[len(titles) :] if cut == wanted else []
        return devices, _by_place(listing, name, line, rest), []
    if len(cells) == len(columns):
        by_column = list(zip(columns, cells, strict=True))
    else:
        fields = _fields(line, 1)[: len(columns)]
        by_column = [pair for pair in zip(columns, fields, strict=False) if pair[1].text]
    devices = [cell for column, cell in by_column if column not in _TITLES]
    if len(devices) != wanted and len(cells) == wanted:
        return cells, {}, []
    return devices, {column: cell for column, cell in by_column if column in _TITLES}, []


def _by_place(listing: Listing, name: str, line: str, rest: list[Cell]) -> dict[str, Cell]:
    """Put fewer cells than there are titles under the titles, by tabs or by where they start."""
    if not rest:
        return {}
    titles = listing.titles
    fields = _fields(line, 1 + len(listing.columns) - len(titles))
    while len(fields) > len(titles) and not fields[-1].text:
        fields.pop()
    # nvidia-smi pads the NUMA column with a second tab.
    padding = titles.index("numa") + 1 if "numa" in titles else 0
    if len(fields) == len(titles) + 1 and padding and not fields[padding].text:
        del fields[padding]
    if len(rest) <= len(fields) <= len(titles):
        return {title: cell for title, cell in zip(titles, fields, strict=False) if cell.text}
    by_start = {listing.starts[title]: title for title in titles}
    starts = [len(line[: cell.column - 1].expandtabs(8)) for cell in rest]
    if all(start in by_start for start in starts):
        return {by_start[start]: cell for start, cell in zip(starts, rest, strict=True)}
    listing.notes.append(f"row {name}: {len(rest)} affinities under {len(titles)} titles, left out as they may be any")
    return {}


def _fields(line: str, skip: int) -> list[Cell]:
    """Return what stands between tabs after the first ``skip`` of them, empty fields included."""
    fields, column = [], 1
    for text in line.split("\t"):
        fields.append(Cell(text.strip(), column + len(text) - len(text.lstrip())))
        column += len(text) + 1
    return fields[skip:]


def _under(listing: Listing, lines: list[str], start: int, stop: int) -> None:
    """Read the legends under the matrix."""
    for i in range(start, stop):
        line = lines[i].strip()
        if match := _LEGEND.fullmatch(line):
            listing.legend[match[1]] = match[2]
        elif match := _NIC_LEGEND.fullmatch(line):
            nic, rdma = match.groups()
            if nic not in listing.names:
                listing.fault("NIC Legend", i + 1, f"{nic} is not in the matrix")
            elif not _RDMA.fullmatch(rdma):
                listing.fault("NIC Legend", i + 1, f"{rdma!r} is not the name of an RDMA device")
            elif nic in listing.nic_legend or rdma in listing.nic_legend.values():
                listing.fault("NIC Legend", i + 1, f"{nic} or {rdma} is named twice")
            listing.nic_legend[nic] = rdma
        elif _looks_like_row(line.split()):
            message = "is given twice" if line.split()[0] in listing.rows else "stands outside the matrix"
            listing.fault(f"row {line.split()[0]}", i + 1, message)
    for name in listing.names if listing.nic_legend else ():
        if re.fullmatch(r"NIC\d+", name) and name not in listing.nic_legend:
            listing.fault("NIC Legend", stop, f"{name} is missing; give the whole output")
