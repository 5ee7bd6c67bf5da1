"""CSV files from outside: columns by name, cells by kind, and every fault with its line."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from drapolicy.errors import Fault
from drapolicy.workload.content import content_of
from drapolicy.workload.faults import Faults

MAX_ROWS: Final = 20_000_000
LIMIT_S: Final = 10 * 366 * 24 * 3600  # ten years keep every time within int64 nanoseconds

NS: Final = 10**9
TICKS: Final = 100_000
"""Lines after which a reader tells how far it is."""

Tick = Callable[[int], None]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_CSV_ERRORS: Final = {
    "unexpected end of data": "a quoted cell has no end; close its quote",
    "',' expected after '\"'": "a comma has to follow the quote that ends a cell; write quotes inside twice",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_NS = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * NS  # within int64


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
        if not column or column in self._columns:
            self._faults.of_row(Fault(self._file, -1, f"line {self.line}", column, message))

    def has(self, column: str) -> bool:
        """Whether the table has a column."""
        return column in self._columns

    def text(self, column: str) -> str:
        """Return a cell as it stands; empty if there is no such column."""
        at = self._columns.get(column)
        return "" if at is None else self._cells[at]

    def name(self, column: str, what: str) -> str:
        """Return a cell that must not be empty, nor hold what cannot be printed."""
        text = self.text(column)
        if not text:
            self.fault(column, f"is empty; {what}")
        elif not text.isprintable():
            self.fault(column, f"{_shown(text)} holds line ends or other control characters; leave them out")
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

    def decimal(self, column: str, low: int, high: int, *, empty: int | None = None, what: str = "") -> Decimal | None:
        """Return a number from ``low`` to ``high``, exactly; an empty cell is ``empty``, or a fault if that is None."""
        text = self.text(column)
        if column not in self._columns or (not text and empty is not None):
            return None if empty is None else Decimal(empty)
        # Decimal itself takes more: spaces, underscores, digits of other scripts.
        value = Decimal(text) if len(text) <= 40 and _NUMBER.fullmatch(text) else Decimal("nan")
        if not value.is_finite() or not low <= value <= high:
            self.fault(column, f"{_shown(text)} is not a number {what}from {low} to {high}")
            return None
        return value

    def seconds(self, column: str) -> int | None:
        """Return decimal seconds as whole nanoseconds."""
        seconds = self.decimal(column, 0, LIMIT_S, what="of seconds ")
        return None if seconds is None else int((seconds * NS).to_integral_value())

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
    together: Sequence[str] = (),
    others: bool = True,
    tick: Tick | None = None,
) -> Iterator[Row]:
    """Yield the lines of a CSV file, plain or gzipped; its columns may stand in any order.

    Where a column is missing the others are read nevertheless, and lines after one that is broken, so that all faults
    of a file come together.

    Parameters
    ----------
    source
        The file; ``-`` for standard input.
    faults
        Where faults are noted; call its ``settle`` afterwards.
    required, optional
        Columns by name.
    together
        Columns that are all there or none of them.
    others
        Whether further columns may be there.
    tick
        Is told now and then how many lines have been read.
    """
    file = os.fspath(source)
    content = content_of(source, faults)
    if content is None:
        return
    found = _lines(content)
    _, head, message = next(found, (1, [], ""))
    if message:
        faults.of_all.append(Fault(file, -1, "line 1", "", message))
        return
    if any(name.strip() in together for name in head):
        required = (*required, *together)
    columns = _columns(file, head, faults, required=required, optional=optional, others=others)
    for line, cells, message in found:
        if line > MAX_ROWS:
            faults.of_all.append(Fault(file, -1, "", "", f"more than {MAX_ROWS:,} lines; split the file"))
            return
        if tick is not None and line % TICKS == 0:
            tick(line)
        if not cells and not message:
            continue
        row = Row(file, line, columns, cells, faults)
        wrong = message or (f"has {len(cells)} cells under {len(head)} columns" if len(cells) != len(head) else "")
        if wrong:
            row.fault("", wrong)
        else:
            yield row


def _lines(content: bytes) -> Iterator[tuple[int, list[str], str]]:
    """Yield where each line of a table begins, its cells, and what is wrong with it."""
    # Bytes that are no UTF-8 become halves of surrogate pairs, which no other text has.
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "surrogateescape", newline="")
    rows = csv.reader(text, strict=True)
    while True:
        line = rows.line_num + 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            # The reader goes on with the next line.
            yield line, [], f"is not CSV: {_CSV_ERRORS.get(str(error), str(error))}"
            continue
        if cells is None:
            return
        yield line, cells, "" if all(map(str.isascii, cells)) else _not_utf8(cells)


def _not_utf8(cells: Sequence[str]) -> str:
    wrong = next((cell for cell in cells if any("\ud800" <= letter <= "\udfff" for letter in cell)), None)
    if wrong is None:
        return ""
    return f"{_shown(wrong.encode(errors='replace').decode())} is not UTF-8; save the file as UTF-8"


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
