"""Tables from outside: columns by name, cells by kind, and what lenient readers leave out."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload.faults import Faults
from drapolicy.workload.table import Row, stamp_ns, table


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
    """Blank lines and quoted line ends count, so that an editor finds where a line begins."""
    path = tmp_path / "t.csv"
    path.write_text('a,b\n\n"x\ny",1\nz,2\n')
    assert [row.line for row in rows(path, Faults(), "a")] == [3, 5]


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


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_lines_after_a_broken_one_are_read(tmp_path: Path, ends: str) -> None:
    """What is no CSV, no UTF-8, too long or too short is told by line, each once, and the sound lines are read."""
    lines = [b"a,b", b'"x"y,1', b"1,2", b"\xe4,2", b"x" * 140_000 + b",1", b"\xc3\xa4,2", b"1", b'3,"4', b"5,6"]
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ends.encode().join(lines) + ends.encode())
    faults = Faults()
    assert [row.text("a") for row in rows(path, faults, "a", "b")] == ["1", "\u00e4"]
    with pytest.raises(InputError) as caught:
        faults.settle()
    assert [(fault.object, fault.message) for fault in caught.value.faults] == [
        ("line 2", "is not CSV: a comma has to follow the quote that ends a cell; write quotes inside twice"),
        ("line 4", "'?' is not UTF-8; save the file as UTF-8"),
        ("line 5", "is not CSV: field larger than field limit (131072)"),
        ("line 7", "has 1 cells under 2 columns"),
        ("line 8", "is not CSV: a quoted cell has no end; close its quote"),
    ]
    assert faults.settle(lenient=True)[0].startswith("5 faulty rows were left out")


@pytest.mark.parametrize(("text", "told"), [("", "''"), ("a;b\n1;2\n", "'a;b'"), ("\n\n", "''")])
def test_a_table_without_its_columns_is_one_fault(tmp_path: Path, text: str, told: str) -> None:
    """An empty file, one of another delimiter, blank lines: with the header that is there."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    faults = Faults()
    list(rows(path, faults, "a", "b"))
    assert [fault.message for fault in faults.of_all] == [f"has no column a, b; the header is {told}"]


def test_columns_that_belong_together(tmp_path: Path) -> None:
    """All of them are there, or none."""
    path = tmp_path / "t.csv"
    for head, missing in (("a,b,c", ""), ("a", ""), ("a,c", "has no column b; the header is 'a,c'")):
        path.write_text(head + "\n")
        faults = Faults()
        assert list(table(path, faults, required=("a",), together=("b", "c"))) == []
        assert "".join(fault.message for fault in faults.of_all) == missing


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
