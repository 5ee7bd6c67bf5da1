"""Tables from outside: columns by name, cells by kind, and what lenient readers leave out."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload.table import Faults, Row, stamp_ns, table


def rows(path: Path, faults: Faults, *required: str) -> list[Row]:
    return list(table(path, faults, required=required))


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    """Cells are found by the name of their column; columns that nobody asks for do not matter."""
    path = tmp_path / "t.csv"
    path.write_text("b,c,a\n1,2,3\n")
    (row,) = rows(path, Faults(), "a", "b")
    assert (row.text("a"), row.text("b"), row.text("d"), row.line) == ("3", "1", "", 2)


def test_packed_files_are_read(tmp_path: Path) -> None:
    """A gzipped table is a table; half of one is a fault."""
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n"))
    assert [row.text("a") for row in rows(path, Faults(), "a")] == ["1"]
    path.write_bytes(gzip.compress(b"a\n1\n" * 100)[:-9])
    faults = Faults()
    assert rows(path, faults, "a") == []
    assert "broken gzip" in faults.of_all[0].message


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """Blank lines and quoted line ends count, so that an editor finds the line."""
    path = tmp_path / "t.csv"
    path.write_text('a,b\n\n"x\ny",1\nz,2\n')
    assert [row.line for row in rows(path, Faults(), "a")] == [4, 5]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("5", 5), ("5.0", 5), ("+5", 5)),
        *((text, None) for text in ("-1", "11", "1.5", "", "1e1", "\u0665", "9" * 30, " 5", "nan")),
    ],
)
def test_whole_numbers(tmp_path: Path, text: str, value: int | None) -> None:
    """Digits within the limits; what tables write as 5.0 is 5."""
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n{text},\n", encoding="utf-8")
    faults = Faults()
    (row,) = rows(path, faults, "a")
    assert row.integer("a", 0, 10) == value
    assert row.ok is (value is not None)


def test_lenient_readers_leave_rows_out_but_no_columns(tmp_path: Path) -> None:
    """A faulty row can be spared, and is counted once however much is wrong with it; a missing column cannot."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\nx,y\n1,2\n")
    faults = Faults()
    for row in rows(path, faults, "a", "b"):
        row.integer("a", 0, 9)
        row.integer("b", 0, 9)
    assert faults.settle(lenient=True)[0].startswith("1 faulty rows were left out, the first of them: ")
    with pytest.raises(InputError) as caught:
        faults.settle()
    assert len(caught.value.faults) == 2
    missing = Faults()
    rows(path, missing, "c")
    with pytest.raises(InputError, match="line 1: has no column c; the header is 'a,b'"):
        missing.settle(lenient=True)


def test_a_missing_column_is_told_once(tmp_path: Path) -> None:
    """And not again for each line; the others are still looked at."""
    path = tmp_path / "t.csv"
    path.write_text("a\n1\nx\n")
    faults = Faults()
    for row in rows(path, faults, "a", "b"):
        row.integer("a", 0, 9)
        row.fault("b", "is wrong")
    with pytest.raises(InputError) as caught:
        faults.settle()
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [("line 1", ""), ("line 3", "a")]


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))
def test_times_are_those_of_the_clock(moment: datetime) -> None:
    """Any time that Python writes is read, UTC where no zone is given."""
    whole = moment.replace(tzinfo=UTC)
    expected = round(whole.timestamp() * 10**6) * 1000
    for text in (moment.isoformat(" "), moment.isoformat(), whole.isoformat()):
        assert abs((stamp_ns(text) or 0) - expected) <= 1000


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-30 00:00:00",
        "2020-01-01",
        "now",
        "2020-01-01 25:00:00",
        "1969-12-31 23:59:59",
        "2200-01-01 00:00:00",
        "1" * 60,
        "",
    ],
)
def test_what_is_no_time(text: str) -> None:
    """No date that is not in the calendar or of another age, no date alone."""
    assert stamp_ns(text) is None
