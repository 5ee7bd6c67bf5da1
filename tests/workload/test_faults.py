"""Faults of rows and of the whole: what lenient readers leave out, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy.errors import InputError
from drapolicy.workload.faults import Faults
from drapolicy.workload.table import Row, table


def rows(path: Path, faults: Faults, *required: str) -> list[Row]:
    return list(table(path, faults, required=required))


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


def test_faults_are_counted_where_they_are_too_many(tmp_path: Path) -> None:
    """Each file has its own first hundred, and the number of the others."""
    faults = Faults()
    for name, bad in (("t.csv", 150), ("u.csv", 101), ("v.csv", 100)):
        (tmp_path / name).write_text("a\n" + "x\n" * bad)
        for row in rows(tmp_path / name, faults, "a"):
            row.integer("a", 0, 9)
    with pytest.raises(InputError) as caught:
        faults.settle()
    counts = [str(tmp_path / name) for name in ("t.csv", "u.csv", "v.csv")]
    assert [sum(fault.file == file for fault in caught.value.faults) for file in counts] == [101, 101, 100]
    assert [str(fault) for fault in caught.value.faults[-2:]] == [
        f"{counts[0]}: and 50 more faults",
        f"{counts[1]}: and 1 more faults",
    ]
    assert faults.settle(lenient=True)[0].startswith("351 faulty rows were left out")
