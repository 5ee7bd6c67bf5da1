"""Finds the matrix of ``nvidia-smi topo -m`` as it is printed, with tabs or spaces between the columns."""

from __future__ import annotations

import re
from typing import Final

from drapolicy.errors import Fault, ParseError
from drapolicy.topology.listing import (
    AFFINITY,
    GPU,
    LINK,
    NUMBERS,
    TITLE,
    TITLES,
    Cell,
    Listing,
    lines_of,
    looks_like_row,
)
from drapolicy.topology.lookalikes import what_it_is

_ROCM: Final = re.compile(r"ROCm System Management|(?:Weight|Hops|Link Type) between two GPUs|^\s*GPU\d+\s.*\bXGMI\b")
_SELF_TITLED: Final = re.compile(r"\bNUMA (\d+)\s*$")


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
    listing.bound(len(lines[start].split()))
    _header(listing, lines[start])
    end = _rows(listing, lines, start + 1, second)
    listing.close(lines, end, second)
    return listing


def _is_header(lines: list[str], i: int) -> bool:
    words = TITLE.sub(" ", lines[i]).split()
    if not words or not GPU.fullmatch(words[0]) or any(LINK.fullmatch(word) for word in words):
        return False
    following = next((lines[k].split() for k in range(i + 1, len(lines)) if lines[k].strip()), [""])
    return bool(GPU.fullmatch(following[0]))


def has_matrix(text: str) -> bool:
    """Tell whether a text has a matrix, whole or in parts."""
    lines = lines_of(text)
    rows = any(looks_like_row(line.split()) and GPU.match(line.strip()) for line in lines)
    return rows or (any(_is_header(lines, i) for i in range(len(lines))) and not any(map(_ROCM.search, lines)))


def _what_it_is(text: str, lines: list[str]) -> str:
    if any(_ROCM.search(line) for line in lines):
        why = "is output of rocm-smi"
    elif any(looks_like_row(line.split()) for line in lines):
        why = "has rows of a matrix, but not the line above them that names the columns"
    else:
        why = what_it_is(text) or "has no line that names GPUs above lines that begin with their names"
    return f"{why}; give the output of nvidia-smi topo -m as it was printed"


def _header(listing: Listing, line: str) -> None:
    titles = {match.start(): match for match in TITLE.finditer(line)}
    blanked = TITLE.sub(lambda match: "\0" * len(match[0]), line)
    for match in re.finditer(r"\0+|[^\s\0]+", blanked):
        title = titles.get(match.start())
        column = str(title.lastgroup) if title else match[0]
        listing.add_column(column, match.start() + 1, title=bool(title))
        if title:
            listing.starts[column] = len(line[: match.start()].expandtabs(8))


def _rows(listing: Listing, lines: list[str], start: int, stop: int) -> int:
    """Take in the rows; return the number of lines up to the last of them."""
    last = max((i for i in range(start, stop) if looks_like_row(lines[i].split())), default=start)
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
        elif looks_like_row(words):
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
    if extra and (listing.titles or not all(AFFINITY.fullmatch(cell.text) for cell in extra)):
        message = f"{extra[0].text!r} is under no column; the header is cut or the row has a cell too many"
        listing.fault(f"row {name}", number, message, extra[0].column)
    listing.add_row(name, number, devices, titled, under)


def _split(listing: Listing, name: str, line: str, cells: list[Cell]) -> tuple[list[Cell], dict[str, Cell], list[Cell]]:
    """Tell apart the cells under devices, under titles and under nothing."""
    columns, titles = listing.columns, listing.titles
    wanted = len(columns) - len(titles)
    if columns[:wanted] == listing.over_devices:
        devices = cells[:wanted]
        # A number here is an affinity: a cell of the matrix is missing before it.
        cut = next((i for i, cell in enumerate(devices) if NUMBERS.fullmatch(cell.text)), len(devices))
        rest = cells[cut:]
        if len(rest) >= len(titles) or cut < wanted:
            return devices[:cut], dict(zip(titles, rest, strict=False)), rest[len(titles) :] if cut == wanted else []
        return devices, _by_place(listing, name, line, rest), []
    if len(cells) == len(columns):
        by_column = list(zip(columns, cells, strict=True))
    else:
        fields = _fields(line, 1)[: len(columns)]
        by_column = [pair for pair in zip(columns, fields, strict=False) if pair[1].text]
    devices = [cell for column, cell in by_column if column not in TITLES]
    if len(devices) != wanted and len(cells) == wanted:
        return cells, {}, []
    return devices, {column: cell for column, cell in by_column if column in TITLES}, []


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
