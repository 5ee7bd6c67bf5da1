"""Finished cells on disk: the same bytes for the same results, whole or not there, and open to other tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec.structs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.store import Circumstances, Store, from_parquet, to_parquet

KEY = "0123456789abcdef" * 4
CELL = Cell(
    key=KEY,
    version="1.2.3",
    inputs={"fleet": "f" * 64, "links": ""},
    scenario="small",
    policy="packing",
    seed=3,
    arrivals=5,
    decisions=9,
    metrics={"slowdown": 1.25, "of-fleet": None},
    slowdowns=[1.0, 1.5],
    queue=[0, 2, 1],
    reasons={"cannot allocate all claims": [2, 0]},
    unmodelled={},
    seconds=0.5,
    uncompared=1,
)
HOW = Circumstances(
    KEY, "", 0.5, 1.5, "2031-01-01T00:00:00+00:00", "2031-01-01T00:00:02+00:00", "host", "os", {}, False
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
COUNTS = st.dictionaries(TEXT, st.integers(0, 2**40), max_size=3)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CELLS = st.builds(
    Cell,
    key=st.just(KEY),
    version=TEXT,
    inputs=st.dictionaries(TEXT, TEXT, max_size=3),
    scenario=TEXT,
    policy=TEXT,
    seed=st.integers(0, 2**63 - 1),
    arrivals=st.integers(0, 2**40),
    decisions=st.integers(0, 2**40),
    metrics=st.dictionaries(st.sampled_from(["slowdown", "wait", "of-fleet"]), st.none() | NUMBERS),
    slowdowns=st.lists(NUMBERS, max_size=4),
    queue=st.lists(st.integers(0, 2**40), max_size=4),
    reasons=st.dictionaries(TEXT, st.lists(st.integers(0, 2**40), max_size=4), max_size=3),
    unmodelled=COUNTS,
    seconds=st.just(0.0),
    uncompared=st.integers(0, 9),
    held=st.lists(NUMBERS, max_size=4),
    classes=st.dictionaries(TEXT, st.lists(st.integers(0, 2**40), max_size=4), max_size=3),
    heat_nodes=st.lists(TEXT, max_size=3),
    heat=st.lists(st.integers(-1, 100), max_size=4),
    bounds=st.dictionaries(TEXT, NUMBERS, max_size=3),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that holds the cell."""
    store = Store(tmp_path / "cells")
    store.put(CELL, HOW)
    return store


@given(CELLS)
def test_what_is_written_is_what_is_read(cell: Cell) -> None:
    """Every field but the time comes back, and written again it is the same bytes."""
    data = to_parquet(cell)
    assert from_parquet(data) == cell
    assert to_parquet(from_parquet(data)) == data


def test_a_cell_is_two_files(store: Store) -> None:
    """Results without dates, host and times; beside them how they came about."""
    assert sorted(path.name for path in store.folder.iterdir()) == [f"{KEY}.json", f"{KEY}.parquet"]
    assert list(store) == [KEY]
    assert store.get(KEY) == CELL
    told = json.loads((store.folder / f"{KEY}.json").read_bytes())
    assert {"host", "platform", "started", "ended", "seconds", "wallSeconds", "versions", "results"} <= set(told)


def test_results_hold_nothing_of_where_and_when(store: Store) -> None:
    """The same results that took longer, elsewhere and later, are the same file."""
    before = (store.folder / f"{KEY}.parquet").read_bytes()
    later = msgspec.structs.replace(HOW, host="other", started="2032-01-01T00:00:00+00:00")
    store.put(msgspec.structs.replace(CELL, seconds=99.0), later)
    assert (store.folder / f"{KEY}.parquet").read_bytes() == before


WRITES = """
import sys
from drapolicy.evaluate.store import from_parquet, to_parquet
sys.stdout.buffer.write(to_parquet(from_parquet(sys.stdin.buffer.read())))
"""


def test_another_process_writes_the_same_bytes(root: Path) -> None:
    """With another seed of hashes and another zone."""
    data = to_parquet(CELL)
    done = subprocess.run(
        [sys.executable, "-c", WRITES],
        input=data,
        capture_output=True,
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        check=True,
    )
    assert done.stdout == data


THREADS = """
import os, sys
import pyarrow.parquet
from drapolicy.evaluate.store import from_parquet, to_parquet
data = sys.stdin.buffer.read()
before = len(os.listdir("/proc/self/task"))
to_parquet(from_parquet(data))
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads where Linux lists them")
def test_cells_are_read_and_written_without_threads(root: Path) -> None:
    """A process that ends while Arrow starts threads may abort."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS], input=to_parquet(CELL), stdout=subprocess.PIPE, cwd=root, check=True
    )
    assert int(done.stdout) == 0


@pytest.mark.parametrize("length", [0, 1, 100, -2])
@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_torn_files_count_as_not_there(store: Store, suffix: str, length: int) -> None:
    """Whatever was cut off of either file; written again, the cell is back."""
    path = store.folder / f"{KEY}{suffix}"
    path.write_bytes(path.read_bytes()[:length])
    assert store.get(KEY) is None
    store.put(CELL, HOW)
    assert store.get(KEY) == CELL


def test_changed_results_count_as_not_there(store: Store) -> None:
    """One bit that turned over is found by the hash."""
    path = store.folder / f"{KEY}.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert store.get(KEY) is None


@pytest.mark.parametrize("missing", [".json", ".parquet"])
def test_half_a_pair_counts_as_not_there(store: Store, missing: str) -> None:
    """Killed between the two files."""
    (store.folder / f"{KEY}{missing}").unlink()
    assert store.get(KEY) is None


@pytest.mark.parametrize("key", ["", "../../secret", "0" * 63, KEY.upper()])
def test_only_hashes_are_keys(store: Store, key: str) -> None:
    """Nothing outside of the folder is read, and a cell without a key is not there."""
    assert store.get(key) is None


def test_unchecked_cells_do_not_count_as_checked(store: Store) -> None:
    """The circumstances say whether every placement was verified."""
    assert store.get(KEY, checked=True) is None
    store.put(CELL, msgspec.structs.replace(HOW, checked=True))
    assert store.get(KEY, checked=True) == store.get(KEY) == CELL


def test_leavings_of_killed_processes_are_swept(store: Store) -> None:
    """Those of this host whose process is gone; not those of others, and no files of other names."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    host = next(iter({os.uname().nodename}))
    names = {
        f".{KEY}.{host}.{gone.pid}.abc.partial": False,
        f".{KEY}.{host}.{os.getpid()}.abc.partial": True,
        f".{KEY}.elsewhere.{gone.pid}.abc.partial": True,
        ".mine.partial": True,
    }
    for name in names:
        (store.folder / name).write_bytes(b"")
    store.sweep()
    assert {name: (store.folder / name).exists() for name in names} == names


def test_dropping_leaves_other_files(store: Store) -> None:
    """Only what is called by a hash is removed."""
    (store.folder / "notes.json").write_text("{}")
    store.drop()
    assert [path.name for path in store.folder.iterdir()] == ["notes.json"]


def test_metrics_have_columns_of_their_own() -> None:
    """A metric that is called as another column would hide it."""
    with pytest.raises(InputError, match="metric 'seed': is the name of another column"):
        to_parquet(msgspec.structs.replace(CELL, metrics={"seed": 1.0}))


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" * 20, b"not a table at all"])
def test_what_is_no_table_is_refused(data: bytes) -> None:
    """With a message, whatever the bytes are."""
    with pytest.raises(InputError, match="results: no table of a cell"):
        from_parquet(data)


def other(store: Store) -> None:
    key = KEY[::-1]
    store.put(
        msgspec.structs.replace(CELL, key=key, policy="random", metrics={"slowdown": 2.0, "of-fleet": 50.0}),
        msgspec.structs.replace(HOW, key=key),
    )


def test_results_open_in_pandas(store: Store) -> None:
    """A folder of cells is one table with a column for each metric."""
    pandas = pytest.importorskip("pandas")
    other(store)
    table = pandas.read_parquet(sorted(store.folder.glob("*.parquet"))).sort_values("policy")
    assert list(table["policy"]) == ["packing", "random"]
    assert list(table["slowdown"]) == [1.25, 2.0]
    assert pandas.isna(table["of-fleet"].iloc[0])
    assert list(table["queue"].iloc[0]) == [0, 2, 1]


def test_results_open_in_polars(store: Store) -> None:
    """The same, lazily."""
    polars = pytest.importorskip("polars")
    other(store)
    table = polars.scan_parquet(store.folder / "*.parquet").select("policy", "slowdown").sort("policy").collect()
    assert table.rows() == [("packing", 1.25), ("random", 2.0)]


def test_results_open_in_duckdb(store: Store) -> None:
    """The same in SQL, maps included."""
    duckdb = pytest.importorskip("duckdb")
    other(store)
    found = duckdb.sql(
        f"select policy, slowdown, cardinality(reasons), len(queue) from '{store.folder}/*.parquet' order by policy"
    )
    assert found.fetchall() == [("packing", 1.25, 1, 3), ("random", 2.0, 1, 3)]
