"""Arrivals: read exactly, refused with every fault, drawn again by seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload import Arrival, read_arrivals, redrawn, write_arrivals

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
    """All faulty lines together, each with its number and column, the value and the fix."""
    lines = [
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
        read(tmp_path, HEAD + "\n".join(lines) + "\n")
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [
        ("line 2", "time_s"),
        ("line 3", "time_s"),
        ("line 4", "duration_s"),
        ("line 5", "duration_s"),
        ("line 6", "pod"),
        ("line 7", ""),
        ("line 8", "time_s"),
        ("line 9", "time_s"),
        ("line 10", "time_s"),
        ("line 11", "duration_s"),
        ("line 12", "time_s"),
        ("line 12", "duration_s"),
        ("line 12", "pod"),
    ]
    assert f"{tmp_path / 'arrivals.csv'}: line 2: time_s: '-1' is not a number of seconds from 0 to 316224000" in str(
        caught.value
    )


HEADS = [
    (
        "time,duration_s,pod",
        ["has no column time_s; the header is 'time,duration_s,pod'", "has unknown columns 'time'"],
    ),
    ("time_s,duration_s,pod,pod", ["names columns twice: 'pod'"]),
    ("time_s,duration_s,pod,queue", ["has unknown columns 'queue'; use time_s, duration_s, pod, group, at_least"]),
]


@pytest.mark.parametrize(("head", "told"), HEADS, ids=[row[0] for row in HEADS])
def test_wrong_headers_are_told_with_the_rest(tmp_path: Path, head: str, told: list[str]) -> None:
    """What is wrong with the columns comes together with what is wrong in the others."""
    line = ",".join({"duration_s": "-7"}.get(name, "1") for name in head.split(","))
    with pytest.raises(InputError) as caught:
        read(tmp_path, f"{head}\n{line}\n")
    assert {fault.object for fault in caught.value.faults} == {"line 1", "line 2"}
    assert len(caught.value.faults) == len(told) + 1
    for part in told:
        assert part in str(caught.value)


@pytest.mark.parametrize("text", ["", '"', HEAD + '1,1,"a\n', HEAD + "9" * 200_000 + ",1,a\n"])
def test_what_is_no_csv_is_refused(tmp_path: Path, text: str) -> None:
    """An empty file, an open quote and an endless field are errors that name the file."""
    with pytest.raises(InputError, match="arrivals.csv: line "):
        read(tmp_path, text)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder and one that is no UTF-8 cannot be read."""
    (tmp_path / "latin.csv").write_bytes(b"time_s\xe4")
    told = {"missing.csv": "no such file", "latin.csv": "is not UTF-8", "": "is a folder; give one file"}
    for name, message in told.items():
        with pytest.raises(InputError, match=message):
            read_arrivals(tmp_path / name)


def test_faults_without_end_are_cut_short(tmp_path: Path) -> None:
    """Of a file of which every line is wrong a hundred are told, and how many more there are."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, HEAD + "x,1,a\n" * 5_000)
    assert len(caught.value.faults) == 101
    assert caught.value.faults[-1].message == "and 4,900 more faults"


GROUPED = "time_s,duration_s,pod,group,at_least\n"


def test_groups_are_read(tmp_path: Path) -> None:
    """Pods that name one group are placed together; others stay alone."""
    found = read(tmp_path, GROUPED + "0,1,a,g,2\n0,1,b,g,2\n1,1,a,,\n2,1,a,h,0\n")
    assert [(arrival.group, arrival.at_least) for arrival in found] == [("g", 2), ("g", 2), ("", 0), ("h", 0)]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("0,1,a,g,3\n0,1,a,g,3\n", "line 2: at_least: 3 of group 'g' must be placed, but it has 2 pods"),
        ("0,1,a,g,1\n0,1,a,g,2\n", "line 3: at_least: 2 of group 'g', but line 2 says 1; say one of them"),
        ("0,1,a,,2\n", "line 2: at_least: 2 of no group; name it in the column group"),
        ("0,1,a,g,\n", "line 2: at_least: is empty; say how many of group 'g' must be placed, 0 for as many as fit"),
        ("0,1,a,g,-1\n", "line 2: at_least: '-1' is not a whole number from 0 to 1,000,000"),
    ],
)
def test_wrong_groups_are_refused(tmp_path: Path, lines: str, told: str) -> None:
    """A group that can never be placed, or of which two lines say different things, is a fault."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, GROUPED + lines)
    assert str(caught.value) == f"{tmp_path / 'arrivals.csv'}: {told}"


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


ALONE = st.builds(
    Arrival,
    st.integers(0, 10**17),
    st.none() | st.integers(1, 10**15),
    st.text("ab-,\"'", min_size=1, max_size=5),
    st.just(""),
    st.just(0),
)
GROUP = st.tuples(st.lists(ALONE, min_size=1, max_size=4), st.integers(0, 4))


@given(st.lists(ALONE, max_size=6), st.lists(GROUP, max_size=3))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, alone: list[Arrival], groups: list[tuple[list[Arrival], int]]
) -> None:
    """Times to the nanosecond, names with commas and quotes, and groups."""
    grouped = [
        replace(arrival, group=f"g{number}", at_least=min(least, len(members)))
        for number, (members, least) in enumerate(groups)
        for arrival in members
    ]
    trace = tuple(sorted([*alone, *grouped], key=lambda arrival: arrival.time_ns))
    assert read(tmp_path_factory.mktemp("written"), write_arrivals(trace)) == trace


def test_groups_are_redrawn_as_one() -> None:
    """A copy of a group has all its members, their distances in time, and a name of its own."""
    trace = tuple(Arrival(10 * i + j, 5, "a", f"g{i}", 2) for i in range(8) for j in (0, 3))
    drawn = redrawn(trace, 4)
    members: dict[str, list[int]] = {}
    for arrival in drawn:
        members.setdefault(arrival.group, []).append(arrival.time_ns)
    assert len(members) == 8
    assert {tuple(np.diff(times)) for times in members.values()} == {(3,)}


def test_redrawn_keeps_the_mix_and_the_load() -> None:
    """Over many seeds pods come as often and as fast as recorded."""
    trace = tuple(Arrival(10 * i, 5, "a" if i % 4 else "b") for i in range(1, 41))
    drawn = [redrawn(trace, seed) for seed in range(1, 101)]
    counts = Counter(arrival.pod for one in drawn for arrival in one)
    assert 0.22 < counts["b"] / counts.total() < 0.28
    assert sum(one[-1].time_ns for one in drawn) / len(drawn) == pytest.approx(400, rel=0.02)
    assert len(set(drawn)) == 100
