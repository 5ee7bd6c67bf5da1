"""Square tables under titles, as the tools of AMD print them: a line of device names, then a row for each device."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from drapolicy.errors import Fault
from drapolicy.topology.listing import Cell, lines_of


class Words(NamedTuple):
    """What a cell may say: a pattern for the whole text, and how messages call that."""

    pattern: str
    told: str

    def fit(self, text: str) -> bool:
        """Tell whether a text is one of them."""
        return re.fullmatch(self.pattern, text) is not None


@dataclass
class Table:
    """One table.

    Attributes
    ----------
    title
        Key of its title.
    line
        Line of the title, counted from 1.
    names
        Devices over the columns.
    cells
        By row and column.
    lines
        Line of each row.
    """

    title: str
    line: int
    names: tuple[str, ...] = ()
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def pairs(self) -> Iterator[tuple[str, str, Cell]]:
        """Yield row, column and cell of each two different devices, both ways."""
        for (row, column), cell in self.cells.items():
            if row != column:
                yield row, column, cell

    def counts(self) -> dict[str, int]:
        """Return how often each text is between two different devices, both ways counted."""
        return dict(Counter(cell.text for _, _, cell in self.pairs()))


@dataclass
class Tables:
    """The tables of a text by the key of their title, and what is wrong with them."""

    file: str
    found: dict[str, Table] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, where: str, line: int, message: str, column: int = 0) -> None:
        """Add a fault of a line, and of a column in it if one is given."""
        place = f"line {line}, column {column}" if column else f"line {line}"
        self.faults.append(Fault(self.file, -1, where, place, message))

    def check(self, title: str, allowed: Words, itself: Words) -> None:
        """Add the faults of a table's cells, if the table is there.

        Parameters
        ----------
        title
            Key of the table.
        allowed, itself
            What a cell between two devices may say, the same both ways, and one of a device and itself.
        """
        table = self.found.get(title) or Table(title, 0)
        for (row, column), cell in table.cells.items():
            where, line = f"{title}, row {row}, column {column}", table.lines[row]
            words = itself if row == column else allowed
            facing = table.cells.get((column, row), cell)
            if not words.fit(cell.text):
                self.fault(where, line, f"{cell.text!r} is not {words.told}", cell.column)
            elif words.fit(facing.text) and facing.text != cell.text and table.lines[column] < line:
                message = f"is {cell.text}, but line {table.lines[column]} says {facing.text} for the same pair"
                self.fault(where, line, message, cell.column)


def stray_rows(tables: Tables, text: str, row: re.Pattern[str]) -> None:
    """Add the faults of rows whose table lost its title, unless what is wrong is told already.

    Parameters
    ----------
    tables
        Gets the faults.
    text
        All that the tables were found in.
    row
        What a row matches in whole.
    """
    taken = {line for table in tables.found.values() for line in table.lines.values()}
    for number, line in enumerate(lines_of(text), 1) if not tables.faults else ():
        if number not in taken and row.fullmatch(line):
            tables.fault("", number, f"{line.strip()[:40]!r} is a row of no table; its title may be cut")


def find(text: str, file: str, titles: Mapping[str, re.Pattern[str]], name: re.Pattern[str]) -> Tables:
    """Find the tables of a text.

    Parameters
    ----------
    text, file
        The text and its name for messages.
    titles
        What the line over a table matches somewhere, by the key to give it.
    name
        What the name of a device matches in whole.
    """
    tables = Tables(file)
    lines = lines_of(text)
    heads = [(i, key) for i, line in enumerate(lines) for key, title in titles.items() if title.search(line)]
    for number, (i, key) in enumerate(heads):
        stop = heads[number + 1][0] if number + 1 < len(heads) else len(lines)
        if key in tables.found:
            tables.fault(
                key, i + 1, f"is given twice, first in line {tables.found[key].line}; give one machine at a time"
            )
        else:
            tables.found[key] = take(tables, lines, Table(key, i + 1), stop, name)
    names = next((table.names for table in tables.found.values()), ())
    for table in tables.found.values():
        if table.names != names:
            tables.fault(table.title, table.line, f"is of {_listed(table.names)}, not of {_listed(names)}")
    return tables


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "no devices"


def take(tables: Tables, lines: list[str], table: Table, stop: int, name: re.Pattern[str]) -> Table:
    """Read the names and rows under the line of a table's title, and return the table.

    Parameters
    ----------
    tables
        Gets the faults.
    lines, stop
        The text, and the number of lines of it that may belong to the table.
    table
        Has its title and line; the rest is filled in.
    name
        What the name of a device matches in whole.
    """
    start = next((i for i in range(table.line, stop) if lines[i].strip()), stop)
    words = lines[start].split() if start < stop else []
    if not words or not all(name.fullmatch(word) for word in words):
        tables.fault(table.title, min(start, stop - 1) + 1, "has no line that names its columns; give the whole output")
        return table
    table.names = tuple(dict.fromkeys(words))
    for word, times in Counter(words).items():
        if times > 1:
            tables.fault(table.title, start + 1, f"{word} is named twice")
    end = start + 1
    for i in range(start + 1, stop):
        cells = [Cell(match[0], match.start() + 1) for match in re.finditer(r"\S+", lines[i])]
        if not cells:
            continue
        if not name.fullmatch(cells[0].text):
            break
        _row(tables, table, i + 1, cells, words)
        end = i + 1
    for word in table.names:
        if word not in table.lines:
            tables.fault(f"{table.title}, row {word}", end, "is missing after this line; give the whole output")
    return table


def _row(tables: Tables, table: Table, number: int, cells: list[Cell], columns: list[str]) -> None:
    row, where = cells[0].text, f"{table.title}, row {cells[0].text}"
    if row in table.lines:
        tables.fault(where, number, f"is given twice, first in line {table.lines[row]}")
        return
    if row not in table.names:
        tables.fault(where, number, "no column is named so", cells[0].column)
        return
    table.lines[row] = number
    if len(cells) - 1 != len(columns):
        message = f"has {len(cells) - 1} cells for {len(columns)} devices; the line is cut or a cell is empty"
        tables.fault(where, number, message)
    for column, cell in zip(columns, cells[1:], strict=False):
        table.cells.setdefault((row, column), cell)
