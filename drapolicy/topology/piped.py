"""Finds the matrix of ``nvidia-smi topo -m`` where documentation keeps it as a table with bars, as in Markdown.

The column with the rows' names need not be the first: affinities may stand before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from drapolicy.topology.listing import GPU, LINK, NIC, TITLE, TITLES, Cell, Listing, lines_of

_BETWEEN_BARS: Final = re.compile(r"[^|]+")
_RULE: Final = re.compile(r"[\s|:=+-]+")
_OUTER_BARS: Final = re.compile(r"\s*\|?(.*?)\|?\s*", re.DOTALL)
_EMPHASIS: Final = "*` \t"


def has_table(text: str) -> bool:
    r"""Tell whether a text has a table with bars whose columns and rows are GPUs, whole or not.

    Examples
    --------
    >>> has_table("| NUMA Affinity | | GPU0 |\n|---|---|---|\n| 0 | GPU0 | X |\n"), has_table("| GPU0 | A100 |\n")
    (True, False)
    """
    return next(_heads(lines_of(text)), -1) >= 0


def find(text: str, file: str) -> Listing:
    """Split the first table of a text that has one into header, rows and legend; faults are in the answer."""
    lines = lines_of(text)
    start, second, *_ = [*_heads(lines), len(lines)]
    listing = Listing(file, start + 1)
    listing.bound(lines[start].count("|"))
    label = _header(listing, _cells(lines[start]))
    end = start + 1
    while end < second and ("|" in lines[end] or _RULE.fullmatch(lines[end])):
        if not _RULE.fullmatch(lines[end]):
            _row(listing, end + 1, _cells(lines[end]), label)
        end += 1
    listing.close(lines, end, second)
    return listing


def _heads(lines: list[str]) -> Iterator[int]:
    """Yield the number of each line with names of GPUs between bars and a row of a matrix under it."""
    head = -1
    for i, line in enumerate(lines):
        if "|" not in line or _RULE.fullmatch(line):
            continue
        texts = [cell.text for cell in _cells(line)]
        gpus, links = any(map(GPU.fullmatch, texts)), any(map(LINK.fullmatch, texts))
        if gpus and links and head >= 0:
            yield head
        head = i if gpus and not links else -1


def _cells(line: str) -> list[Cell]:
    """Return what stands between the bars of a line, empty cells included, without emphasis."""
    inner = _OUTER_BARS.fullmatch(line)
    start = inner.start(1) if inner else 0
    cells = []
    for text in (inner[1] if inner else line).split("|"):
        cells.append(Cell(text.strip(_EMPHASIS), start + len(text) - len(text.lstrip(_EMPHASIS)) + 1))
        start += len(text) + 1
    return cells


def _header(listing: Listing, cells: list[Cell]) -> int:
    """Take in the header; return the position of the column with the rows' names, -1 if there is none."""
    titles = [TITLE.fullmatch(cell.text) for cell in cells]
    label = -1
    for position, (cell, title) in enumerate(zip(cells, titles, strict=True)):
        if label < 0 and not title and not GPU.fullmatch(cell.text) and not NIC.fullmatch(cell.text):
            label = position
        else:
            listing.add_column(str(title.lastgroup) if title else cell.text, cell.column, title=bool(title))
    if label < 0:
        listing.fault("header", listing.line, "has no column for the names of the rows")
    return label


def _row(listing: Listing, number: int, cells: list[Cell], label: int) -> None:
    name = cells[label] if 0 <= label < len(cells) else Cell("", 1)
    where = f"row {name.text}"
    if len(cells) != len(listing.columns) + 1:
        told = f"has {len(cells)} cells for {len(listing.columns) + 1} columns; the line is cut or a bar is missing"
        listing.fault(where, number, told)
    elif name.text in listing.rows:
        listing.fault(where, number, f"is given twice, first in line {listing.rows[name.text].line}", name.column)
    elif name.text not in listing.names:
        listing.fault(where, number, "no column is named so", name.column)
    else:
        by_column = list(zip(listing.columns, cells[:label] + cells[label + 1 :], strict=True))
        under = {column: cell for column, cell in by_column if column in TITLES and cell.text}
        listing.add_row(name.text, number, [cell for column, cell in by_column if column not in TITLES], {}, under)
