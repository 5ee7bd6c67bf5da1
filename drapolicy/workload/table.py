"""CSV files from outside: columns by name, cells by kind, and every fault with its line."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from drapolicy.api.sources import texts
from drapolicy.api.values import ReadFault
from drapolicy.errors import Fault, InputError

MAX_ROWS: Final = 20_000_000
MAX_FAULTS: Final = 1_000
LIMIT_S: Final = 10 * 366 * 24 * 3600  # ten years keep every time within int64 nanoseconds

NS: Final = 10**9
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_NS = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * NS  # within int64


class Faults:
    """What is wrong with an input: faults of single rows, which a lenient reader leaves out, and of the whole."""

    def __init__(self) -> None:
        self.of_rows: list[Fault] = []
        self.of_all: list[Fault] = []
        self.rows = 0

    @property
    def full(self) -> bool:
        """Whether more would help nobody."""
        return len(self.of_rows) >= MAX_FAULTS

    def settle(self, *, lenient: bool = False) -> tuple[str, ...]:
        """Raise what was found, or return a note about the rows that were left out.

        Raises
        ------
        InputError
            With all faults of the whole, and unless ``lenient`` those of rows.
        """
        found = [*self.of_all, *([] if lenient else self.of_rows)]
        if found:
            if self.full and not lenient:
                message = f"more than {MAX_FAULTS:,} faults; the rest was not read"
                found.append(Fault(self.of_rows[-1].file, -1, "", "", message))
            raise InputError(faults=found)
        if not self.of_rows:
            return ()
        return (f"{self.rows:,} faulty rows were left out, the first of them: {self.of_rows[0]}",)


class Row:
    """One line of a table; what is asked of it and is not there is noted as a fault."""

    __slots__ = ("_cells", "_columns", "_faults", "_file", "line", "ok")

    def __init__(self, file: str, line: int, columns: dict[str, int], cells: Sequence[str], faults: Faults) -> None:
        self._file = file
        self.line = line
        self._columns = columns
        self._cells = cells
        self._faults = faults
        self.ok = True

    def fault(self, column: str, message: str) -> None:
        """Note that the line is wrong; of a column that is missing it is known already."""
        if self.ok:
            self._faults.rows += 1
        self.ok = False
        if not self._faults.full and (not column or column in self._columns):
            self._faults.of_rows.append(Fault(self._file, -1, f"line {self.line}", column, message))

    def has(self, column: str) -> bool:
        """Whether the table has a column."""
        return column in self._columns

    def text(self, column: str) -> str:
        """Return a cell as it stands; empty if there is no such column."""
        at = self._columns.get(column)
        return "" if at is None else self._cells[at]

    def name(self, column: str, what: str) -> str:
        """Return a cell that must not be empty."""
        text = self.text(column)
        if not text and column in self._columns:
            self.fault(column, f"is empty; {what}")
        return text

    def integer(self, column: str, low: int, high: int, *, empty: int | None = None) -> int | None:
        """Return a whole number from ``low`` to ``high``; an empty cell is ``empty``, or a fault if that is None."""
        text = self.text(column)
        if column not in self._columns or (not text and empty is not None):
            return empty
        value = int(text.partition(".")[0]) if len(text) <= 20 and _WHOLE.fullmatch(text) else None
        if value is None or not low <= value <= high:
            self.fault(column, f"{_shown(text)} is not a whole number from {low:,} to {high:,}")
            return None
        return value

    def seconds(self, column: str) -> int | None:
        """Return decimal seconds as whole nanoseconds."""
        if column not in self._columns:
            return None
        text = self.text(column)
        # Decimal itself takes more: spaces, underscores, digits of other scripts.
        seconds = Decimal(text) if len(text) <= 40 and _NUMBER.fullmatch(text) else Decimal("nan")
        if not seconds.is_finite() or not 0 <= seconds <= LIMIT_S:
            self.fault(column, f"{_shown(text)} is not a number of seconds from 0 to {LIMIT_S}")
            return None
        return int((seconds * NS).to_integral_value())

    def stamp(self, column: str) -> int | None:
        """Return a date and time as nanoseconds since 1970; an empty cell is None and no fault."""
        text = self.text(column)
        if not text:
            return None
        value = stamp_ns(text)
        if value is None:
            self.fault(column, f"{_shown(text)} is not a time like 2020-06-09 18:41:01 or 2020-06-09T18:41:01Z")
        return value


def stamp_ns(text: str) -> int | None:
    """Return a date and time as nanoseconds since 1970, UTC where no zone is given; None if it is none of 1970 to 2200.

    Examples
    --------
    >>> stamp_ns("1970-01-01 01:00:00+01:00"), stamp_ns("1970-01-01T00:00:01Z"), stamp_ns("1970-13-01 00:00:00")
    (0, 1000000000, None)
    """
    if len(text) > 40 or not _STAMP.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = (aware - _EPOCH) // timedelta(microseconds=1) * 1000
    return since if 0 <= since < _END_NS else None


def table(
    source: str | os.PathLike[str],
    faults: Faults,
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    others: bool = True,
) -> Iterator[Row]:
    """Yield the lines of a CSV file, plain or gzipped; its columns may stand in any order.

    Where a column is missing the others are read nevertheless, so that all faults of a file come together.

    Parameters
    ----------
    source
        The file; ``-`` for standard input.
    faults
        Where faults are noted; call its ``settle`` afterwards.
    required, optional
        Columns by name.
    others
        Whether further columns may be there.
    """
    file = os.fspath(source)
    text = text_of(source, faults)
    if text is None:
        return
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(rows, [])
        columns = _columns(file, head, faults, required=required, optional=optional, others=others)
        for number, cells in enumerate(rows):
            if faults.full:
                return
            if number >= MAX_ROWS:
                faults.of_all.append(Fault(file, -1, "", "", f"more than {MAX_ROWS:,} lines; split the file"))
                return
            if not cells:
                continue
            row = Row(file, rows.line_num, columns, cells, faults)
            if len(cells) != len(head):
                row.fault("", f"has {len(cells)} cells under {len(head)} columns")
            else:
                yield row
    except csv.Error as error:
        faults.of_all.append(Fault(file, -1, f"line {rows.line_num}", "", f"is not CSV: {error}"))


def text_of(source: str | os.PathLike[str], faults: Faults) -> str | None:
    """Return the text of one file, unpacked if it is gzipped; None, and a fault, if it cannot be read."""
    file = os.fspath(source)
    ((_, content), *more) = texts(source)
    if more or os.path.isdir(source):  # noqa: PTH112 - a name of standard input is no path
        faults.of_all.append(Fault(file, -1, "", "", "is a folder; give one file"))
    elif isinstance(content, ReadFault):
        faults.of_all.append(Fault(file, -1, "", "", content.message))
    else:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            faults.of_all.append(Fault(file, -1, "", "", f"is not UTF-8: {error.reason} at byte {error.start}"))
    return None


def _columns(
    file: str, head: list[str], faults: Faults, *, required: Sequence[str], optional: Sequence[str], others: bool
) -> dict[str, int]:
    columns = {name.strip(): position for position, name in enumerate(head)}
    missing = [name for name in required if name not in columns]
    known = {*required, *optional}
    wrong: list[str] = []
    if missing:
        wrong.append(f"has no column {', '.join(missing)}; the header is {_shown(','.join(head))}")
    if len(columns) < len(head):
        twice = sorted({name for name in head if head.count(name) > 1})
        wrong.append(f"names columns twice: {_shown(', '.join(twice))}")
    if not others and (unknown := [name for name in columns if name not in known]):
        wrong.append(f"has unknown columns {_shown(', '.join(unknown))}; use {', '.join((*required, *optional))}")
    faults.of_all += [Fault(file, -1, "line 1", "", message) for message in wrong]
    return columns


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:97] + "...")
