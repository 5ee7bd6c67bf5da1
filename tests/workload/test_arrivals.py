"""Arrivals: read exactly, refused with every fault, drawn again by seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload import Arrival, read_arrivals, redrawn

HEAD = "time_s,duration_s,pod\n"


def read(folder: Path, text: str) -> tuple[Arrival, ...]:
    path = folder / "arrivals.csv"
    path.write_text(text, encoding="utf-8")
    return read_arrivals(path)


@pytest.mark.parametrize(
    ("row", "arrival"),
    [
        ("0,1,a", Arrival(0, 10**9, "a")),
        ("1.5,,a", Arrival(1_500_000_000, None, "a")),
        ("0.000000001,0.000000001,a", Arrival(1, 1, "a")),
        ("1e3,2E-3,a", Arrival(10**12, 2_000_000, "a")),
        ("316224000,.5,ns/a", Arrival(316224000 * 10**9, 500_000_000, "ns/a")),
        ('1,1,"a"', Arrival(10**9, 10**9, "a")),
    ],
)
def test_times_are_exact(tmp_path: Path, row: str, arrival: Arrival) -> None:
    """Decimal seconds become whole nanoseconds; no duration means for ever."""
    assert read(tmp_path, HEAD + row + "\n") == (arrival,)


def test_rows_are_sorted_by_time_and_keep_their_order(tmp_path: Path) -> None:
    """Rows may come in any order; equal times stay as they stand; blank lines and a byte order mark are nothing."""
    text = "\ufeff" + HEAD + "2,1,a\n\n1,1,b\n1,1,a\n"
    assert [arrival.pod for arrival in read(tmp_path, text)] == ["b", "a", "a"]


def test_every_fault_is_reported(tmp_path: Path) -> None:
    """All faulty rows together, each with its row and column, the value and the fix."""
    rows = [
        "-1,1,a",
        "nan,1,a",
        "1,0,a",
        "1,inf,a",
        "1,1,",
        "1,1",
        "1_0,1,a",
        " 1,1,a",
        "\u0661,1,a",
        "1,1e99,a",
        "x,y,",
    ]
    with pytest.raises(InputError) as caught:
        read(tmp_path, "time,duration,pod\n" + "\n".join(rows) + "\n")
    where = [(fault.object, fault.path) for fault in caught.value.faults]
    assert where == [
        ("row 1", ""),
        ("row 2", "time_s"),
        ("row 3", "time_s"),
        ("row 4", "duration_s"),
        ("row 5", "duration_s"),
        ("row 6", "pod"),
        ("row 7", ""),
        ("row 8", "time_s"),
        ("row 9", "time_s"),
        ("row 10", "time_s"),
        ("row 11", "duration_s"),
        ("row 12", "time_s"),
        ("row 12", "duration_s"),
        ("row 12", "pod"),
    ]
    assert f"{tmp_path / 'arrivals.csv'}: row 2: time_s: '-1' is not a number of seconds from 0 to 316224000" in str(
        caught.value
    )


@pytest.mark.parametrize("text", ["", '"', HEAD + '1,1,"a\n', HEAD + "9" * 200_000 + ",1,a\n"])
def test_what_is_no_csv_is_refused(tmp_path: Path, text: str) -> None:
    """An empty file, an open quote and an endless field are errors that name the file."""
    with pytest.raises(InputError, match="arrivals.csv: row "):
        read(tmp_path, text)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    """A missing file and one that is no UTF-8 cannot be read."""
    (tmp_path / "latin.csv").write_bytes(b"time_s\xe4")
    for name in ("missing.csv", "latin.csv"):
        with pytest.raises(InputError, match=f"{name}: cannot be read: "):
            read_arrivals(tmp_path / name)


TRACES = st.lists(
    st.tuples(st.integers(0, 10**17), st.one_of(st.none(), st.integers(1, 10**15)), st.sampled_from("abc")), max_size=12
).map(lambda rows: tuple(Arrival(*row) for row in sorted(rows, key=lambda row: row[0])))


@given(TRACES, st.integers(1, 10**6))
def test_a_redrawn_trace_is_of_the_same_kind(trace: tuple[Arrival, ...], seed: int) -> None:
    """As many arrivals, in order of time, of the same pods with their own durations, gaps that occurred; by seed."""
    drawn = redrawn(trace, seed)
    assert redrawn(trace, 0) == trace
    assert redrawn(trace, seed) == drawn
    assert len(drawn) == len(trace)
    times = [arrival.time_ns for arrival in drawn]
    assert times == sorted(times)
    assert {(a.pod, a.duration_ns) for a in drawn} <= {(a.pod, a.duration_ns) for a in trace}
    gaps = {b.time_ns - a.time_ns for a, b in zip((Arrival(0, None, ""), *trace), trace, strict=False)}
    if len(trace) > 1:
        assert {b - a for a, b in zip([0, *times], times, strict=False)} <= gaps


def test_redrawn_keeps_the_mix_and_the_load() -> None:
    """Over many seeds pods come as often and as fast as recorded."""
    trace = tuple(Arrival(10 * i, 5, "a" if i % 4 else "b") for i in range(1, 41))
    drawn = [redrawn(trace, seed) for seed in range(1, 101)]
    counts = Counter(arrival.pod for one in drawn for arrival in one)
    assert 0.22 < counts["b"] / counts.total() < 0.28
    assert sum(one[-1].time_ns for one in drawn) / len(drawn) == pytest.approx(400, rel=0.02)
    assert len(set(drawn)) == 100
