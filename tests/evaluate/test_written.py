"""What an experiment leaves behind to be read besides the page."""

from __future__ import annotations

import csv
import zlib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from drapolicy.evaluate import Results
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.heat import heat_map, png
from drapolicy.evaluate.provenance import Provenance
from drapolicy.evaluate.sections import MACHINE
from drapolicy.evaluate.store import Circumstances, Store
from drapolicy.evaluate.written import markdown, write_all
from drapolicy.release import release

EVIL = "a|b`<script>\n# c"


def cell(policy: str, seed: int, slowdown: float, scenario: str = "small", **more: Any) -> Cell:
    return Cell(
        key=f"{len(policy):032x}{seed:032x}",
        version="1.2.3",
        inputs={"fleet": "f" * 64},
        scenario=scenario,
        policy=policy,
        seed=seed,
        arrivals=5,
        decisions=6,
        metrics={"slowdown": slowdown, "placed": 100.0, "wait": None},
        slowdowns=[],
        queue=[],
        reasons={},
        unmodelled={},
        seconds=0.5,
        **more,
    )


def results(name: str = "ours") -> Results:
    stock = [cell("kube-scheduler", seed, 3.0 + seed % 3 / 10) for seed in range(8)]
    return Results((*stock, *(cell(name, seed, 2.0 + seed % 3 / 20) for seed in range(8))))


NAMES = ["report.html", "report.md", "cells.csv", "comparisons.csv", "refusals.csv", "timings.csv"]


def test_six_files_are_written(tmp_path: Path) -> None:
    """Report, Markdown, and tables, and nothing besides."""
    paths = write_all(results(), tmp_path)
    assert [path.name for path in paths] == NAMES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)


def test_comparisons_tell_each_pair_by_each_metric(tmp_path: Path) -> None:
    """The better one first, with interval and sentence; metrics without a value are left out."""
    with write_all(results(), tmp_path)[3].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["metric"], row["first"], row["second"], row["certain"]) for row in rows] == [
        ("slowdown", "ours", "kube-scheduler", "yes"),
        ("placed", "kube-scheduler", "ours", "no"),
    ]
    low, mean, high = (float(rows[0][name]) for name in ("low", "mean", "high"))
    assert low <= mean <= high < 0
    assert rows[0]["sentence"].startswith("ours beats kube-scheduler on slowdown by 1.0")


def told(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_only_timings_depend_on_the_machine(tmp_path: Path) -> None:
    """The same cells played by a slower machine give the same bytes, but for timings.csv and the report's last part."""
    slower = [
        msgspec.structs.replace(c, seconds=9.0, decision_us=[float(k) for k in range(101)]) for c in results().cells
    ]
    here = write_all(results(), tmp_path / "here", provenance=Provenance(machines=("here",)))
    there = write_all(Results(tuple(slower)), tmp_path / "there", provenance=Provenance(machines=("there",)))
    parts = {
        name: [path.read_text().split(MACHINE) for path in both] for name, *both in zip(NAMES, here, there, strict=True)
    }
    assert {name for name, (a, b) in parts.items() if a != b} == {"report.html", "report.md", "timings.csv"}
    assert all(a[0] == b[0] for name, (a, b) in parts.items() if name != "timings.csv")
    rows = told(there[5])
    assert [(row["policy"], row["timing"], row["unit"], row["value"]) for row in rows[:3]] == [
        ("kube-scheduler", "seconds", "s", "9.0"),
        ("kube-scheduler", "decision-p50", "µs", "50.0"),
        ("kube-scheduler", "decision-p99", "µs", "99.0"),
    ]
    assert "| small | kube-scheduler | 9.00 | 50.0 | 99.0 |" in parts["report.md"][1][1]


def test_refusals_are_one_table_by_class_and_reason(tmp_path: Path) -> None:
    """A row for each cell and class, a column for each reason that anybody has; in Markdown all seeds added up."""
    classes = {"one": [7, 2, 1, 4], "two": [3, 3, 3, 1]}
    ours = [
        msgspec.structs.replace(cell("kube-scheduler", seed, 3.0), classes=classes, reasons=reasons)
        for seed, reasons in enumerate([{"full": [1, 1], "no cpu": [0, 2]}, {"full": [1, 3]}])
    ]
    found = Results(tuple(ours))
    rows = told(write_all(found, tmp_path)[4])
    assert [list(row.values())[2:] for row in rows] == [
        ["0", "one", "7", "2", "4", "1", "1", "0"],
        ["0", "two", "3", "3", "1", "3", "1", "2"],
        ["1", "one", "7", "2", "4", "1", "1", "0"],
        ["1", "two", "3", "3", "1", "3", "3", "0"],
    ]
    assert list(rows[0])[-2:] == ["never started: full", "never started: no cpu"]
    assert "| kube-scheduler | two | 6 | 6 | 1 | 6 | 4 | 2 |" in markdown(found)


def test_bounds_stand_beside_means(tmp_path: Path) -> None:
    """In Markdown the distance of each policy and who has none; in CSV the bound of each cell's world."""
    found = Results(tuple(msgspec.structs.replace(c, bounds={"slowdown": 1.0}) for c in results().cells))
    text = markdown(found)
    assert "1.04 from bound)" in text
    assert "| bound |  | 1.00 | – |" in text
    assert "No bound is known for placed." in text
    rows = told(write_all(found, tmp_path)[2])
    assert {(row["metric"], row["bound"]) for row in rows} == {("slowdown", "1.0"), ("placed", ""), ("wait", "")}


def test_markdown_says_what_the_page_says() -> None:
    """Verdict, ranking, means with differences, and where they come from."""
    text = markdown(results(), title="A title", provenance=Provenance({"small": "1.36, default gates"}, ("host",)))
    assert text.startswith("# A title\n")
    assert "- **small**: ours wins: slowdown" in text
    assert "Ranking by slowdown: 1 ours; 2 kube-scheduler" in text
    assert "| policy | rank | slowdown \\[x\\] | placed \\[%\\] |" in text
    assert "| ours ★ | 1 | 2.04 (" in text
    assert "- Kubernetes of small: 1.36, default gates" in text
    assert "- Played on: host" in text


def test_names_cannot_break_markdown() -> None:
    """A bar ends no column, a line no row, and markup is text."""
    text = markdown(results(EVIL), title=EVIL, notes=[EVIL])
    assert "<script>" not in text
    assert "\n# c" not in text
    rows = [line for line in text.splitlines() if line.startswith("| a")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 5


def test_a_heat_map_is_a_picture() -> None:
    """A pixel for each value: its level as it is, what is away as another one."""
    data = png([0, 50, 100, -1], 2)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    body = data[data.index(b"IDAT") + 4 : data.index(b"IEND") - 8]
    assert zlib.decompress(body) == bytes([0, 0, 50, 0, 100, 255])
    found = heat_map(cell("ours", 3, 1.0, heat=[0, 50, 100, -1], heat_nodes=["a", "b"]), "ours")
    assert found is not None
    assert (found.rows, found.columns, found.first, found.last) == (2, 2, "a", "b")
    assert "seed 3" in found.label
    assert "50 % on average" in found.label
    assert "away in orange" in found.label


@pytest.mark.parametrize("more", [{}, {"heat_nodes": ["a", "b"], "heat": [1, 2, 3]}])
def test_no_heat_map_without_data(more: dict[str, Any]) -> None:
    """A fleet without devices of one node has none, nor has what does not fit together."""
    assert heat_map(cell("ours", 0, 1.0, **more), "ours") is None


def test_provenance_is_what_is_kept_of_cells(tmp_path: Path) -> None:
    """Hosts with their numbers of cells and dates, versions, and gates that are not the default."""
    store, found = Store(tmp_path), results()
    for one, host in zip(found.cells[:3], ("a", "b", "b"), strict=True):
        dates = f"2031-01-0{one.seed + 1}T10:00:00+00:00", f"2031-01-0{one.seed + 1}T11:30:00+00:00"
        store.put(one, Circumstances(one.key, "", 0.5, 1.0, *dates, host, "os", {"python": "3.13"}, host == "a"))
    scenario = SimpleNamespace(name="small", fleet=SimpleNamespace(release=release("1.36")))
    told = Provenance.of(cast("Any", SimpleNamespace(scenarios=[scenario])), store, found)
    assert told.machines == (
        "a (os): 1 cell, 2031-01-01 10:00 to 2031-01-01 11:30 UTC",
        "b (os): 2 cells, 2031-01-02 10:00 to 2031-01-03 11:30 UTC",
    )
    assert told.versions == (f"pyarrow {version('pyarrow')}, python 3.13",)
    assert told.kubernetes == {"small": "1.36, default gates"}
    assert told.checked == 1


@pytest.mark.slow
def test_a_large_experiment_stays_small(tmp_path: Path) -> None:
    """Six policies on three scenarios with ten seeds, all of it shown, come to less than 3 MB."""
    names = ("kube-scheduler", *"abcde")
    course = [float(i * 37 % 97) for i in range(120)]
    full = cell(
        "x", 0, 1.0, held=course, wasted=course, allocation=course, waits=course[:101], decision_us=course[:101]
    )
    heat = [(i * 7919) % 101 for i in range(96 * 60)]
    full = msgspec.structs.replace(
        full, queue=[int(v) for v in course], slowdowns=course, heat=heat, heat_nodes=[f"node-{n}" for n in range(96)]
    )
    cells = [
        msgspec.structs.replace(full, scenario=scenario, policy=policy, seed=seed, metrics={"slowdown": 1.0 + seed})
        for scenario in ("r", "s", "t")
        for policy in names
        for seed in range(10)
    ]
    page = write_all(Results(tuple(cells)), tmp_path)[0]
    assert page.stat().st_size < 3_000_000
