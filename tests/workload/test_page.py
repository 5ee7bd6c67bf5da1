"""docs/workloads.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drapolicy.cli import main
from drapolicy.workload import days, recorded, slurm
from drapolicy.workload.openb import tables
from drapolicy.workload.presets import PRESETS, facts
from drapolicy.workload.readers import SOURCES
from drapolicy.workload.twin import NODES, PODS


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "workloads.md").read_text(encoding="utf-8")


def test_every_number_is_on_the_page(page: str) -> None:
    """With its kind: the first letter of published, reported, derived, ours."""
    tables = [list(facts(preset)) for preset in PRESETS.values()]
    for row in zip(*tables, strict=True):
        cells = [
            f"{f.value:,.0f} {f.kind[0]}" if f.value == int(f.value) else f"{f.value:,} {f.kind[0]}" for *_, f in row
        ]
        name, meaning, _ = row[0]
        assert f"| `{name}` | {meaning} | {' | '.join(cells)} |" in page


def test_what_was_not_tried_is_on_the_page(page: str) -> None:
    """Each format with its files, in bold where nobody has tried it."""
    for name, source in SOURCES.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert ("**not tried on" in line) is (not source.tried)


def test_the_commands_of_the_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that need no file of anybody's."""
    monkeypatch.chdir(tmp_path)
    block = page.split("```sh\n", 1)[1].split("```", 1)[0]
    commands = [line.partition("#")[0].partition(">")[0].split()[1:] for line in block.splitlines()]
    ran = [words for words in commands if words[1] in {"list", "generate", "show", "fleet"}]
    assert len(ran) == 4
    for words in ran:
        assert main(words) == 0
    assert "philly-2" not in capsys.readouterr().err


def test_columns_of_the_originals_are_on_their_page(root: Path) -> None:
    """Every one that a reader asks for, in the row of its trace."""
    rows = {
        line.split("|")[1].strip(): line.split("|")[2]
        for line in (root / "docs" / "originals.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and line.count("|") == 4
    }
    asked = {
        "openb, pods": (*tables.POD_COLUMNS, *recorded.TIMES, "gpu_spec"),
        "openb, nodes": tables.NODE_COLUMNS,
        "Helios": (*slurm.COLUMNS, "vc", *slurm.TIMES),
        "ACME": ("user", "mem_per_pod_GB"),
        "Philly": ("jobid", "submitted_time", "vc", "attempts", "start_time", "end_time", "detail", "gpus"),
    }
    for trace, columns in asked.items():
        assert [column for column in columns if f"`{column}`" not in rows[trace]] == []


@pytest.mark.parametrize("name", days.DAYS)
def test_days_are_on_the_page(page: str, name: str) -> None:
    """With jobs, GPUs, load and gangs as they are made."""
    made = days.DAYS[name].made()
    asked, drawn = made.notes[0], made.notes[1]
    jobs, gpus = asked.split(": ")[1].split()[0], asked.split()[-2]
    percent = drawn.partition("ask for ")[2].split()[0]
    gangs = len({arrival.group for arrival in made.workload.arrivals} - {""})
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    assert f"| {jobs} jobs on {days.NODES} nodes" in line
    assert f"asking for {percent} % of {gpus} GPUs; {gangs} gangs" in line


def test_the_size_of_the_twin_is_on_the_page(page: str) -> None:
    """As it is made."""
    assert f"has {PODS:,} pods and {NODES:,} nodes" in page
    assert re.search(r"\bmake data\b", page)
