"""``drapolicy evaluate run``."""

from __future__ import annotations

import errno
import json

import pytest

from drapolicy.cli.progress import Pace, shown_progress
from drapolicy.evaluate import Step, Store
from drapolicy.evaluate.cell import Cell

EXPERIMENT = "scenarios: [{fleet: fleet.yaml, workload: claims.yaml, name: mine}]\npolicies: [packing]\nseeds: 2\n"


@pytest.fixture
def experiment(fleet, claims, tmp_path):
    """An experiment with one node and two claims; its files are in a folder of the test's own."""
    claims(1, 2)
    path = tmp_path / "experiment.yaml"
    path.write_text(EXPERIMENT)
    return path


def test_an_experiment_is_played_and_written(run, experiment, tmp_path):
    """The same files as of the main job, and the comparison in the format asked for."""
    out = tmp_path / "out"
    ran = run("evaluate", "run", experiment, "-o", out, "--jobs", "1", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    (scenario,) = json.loads(ran.out)["scenarios"]
    assert (scenario["name"], scenario["seeds"]) == ("mine", [0, 1])
    assert sorted(path.name for path in out.iterdir()) == [
        "cells",
        "cells.csv",
        "comparisons.csv",
        "experiment.json",
        "refusals.csv",
        "report.html",
        "report.md",
        "timings.csv",
    ]
    assert len(list((out / "cells").glob("*.parquet"))) == 4
    assert json.loads((out / "experiment.json").read_text())["name"] == "experiment"


def test_checked_cells_are_kept_as_such(run, experiment, tmp_path):
    """--check verifies what the file does not ask to be verified."""
    run("evaluate", "run", experiment, "-o", tmp_path / "out", "--jobs", "1", "--check")
    circumstances = [json.loads(path.read_bytes()) for path in (tmp_path / "out" / "cells").glob("*.json")]
    assert [found["checked"] for found in circumstances] == [True] * 4


def test_all_faults_are_told_and_nothing_is_written(run, experiment, tmp_path):
    """With their lines, before anything is played."""
    experiment.write_text(EXPERIMENT.replace("packing", "nope").replace("seeds: 2", "seeds: none"))
    ran = run("evaluate", "run", experiment, "-o", tmp_path / "out")
    assert (ran.code, ran.out) == (2, "")
    assert f"{experiment}: line 2: policies[0]: policy 'nope': unknown" in ran.err
    assert f"{experiment}: line 3: seeds: has to be a number of seeds" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "dask"], "--engine dask and --address go together"),
        (["--address", "tcp://localhost:1"], "--engine dask and --address go together"),
        (["--engine", "dask", "--address", "tcp://localhost:1", "--jobs", "2"], "--jobs is for this machine"),
        (["--engine", "dask", "--address", "nonsense://x"], "no Dask scheduler at 'nonsense://x'"),
    ],
)
def test_options_that_do_not_go_together(run, experiment, tmp_path, words, message):
    """A cluster has an address and processes of its own."""
    ran = run("evaluate", "run", experiment, "-o", tmp_path / "out", *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_a_full_disk_keeps_what_is_finished(run, experiment, tmp_path, monkeypatch):
    """The folder and the way on are told; the next run plays what is missing."""
    written, put = [], Store.put

    def full(store, cell, how):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(cell.key)
        put(store, cell, how)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", full)
        ran = run("evaluate", "run", experiment, "-o", out, "--jobs", "1")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"drapolicy: {out}: no space left on device; finished cells are kept")
    assert list(Store(out / "cells")) == sorted(written)
    assert run("evaluate", "run", experiment, "-o", out, "--jobs", "1").code == 0


def test_options_before_the_command_are_not_ignored(run, experiment):
    """They are of the main job; who gives them there is told, and nothing is played."""
    ran = run("evaluate", "--seeds", "3", "run", experiment)
    assert ran.code == 2
    assert "--seeds before a command counts for nothing" in ran.err


def test_files_that_are_not_there(run, tmp_path):
    """By name."""
    ran = run("evaluate", "run", tmp_path / "gone.yaml")
    assert (ran.code, ran.err) == (2, f"drapolicy: {tmp_path / 'gone.yaml'}: no such file or directory\n")


def step(done: int, *, kept: bool = False) -> Step:
    return Step(done, 8, Cell("", "", {}, "s", "p", done, 1, 1, {}, [], [], {}, {}, 0.0), kept)


def test_time_left_counts_what_was_played():
    """Cells that were there took no time and tell nothing of the others."""
    pace = Pace(now=100.0)
    pace.step(1, 8, kept=True)
    pace.step(2, 8, kept=True)
    assert pace.told(100.0) == ""
    pace.step(3, 8)
    pace.step(4, 8)
    assert pace.told(120.0) == "0:40 left"
    pace.step(5, 3605)
    assert pace.told(103.0) == "1:00:00 left"


def test_progress_is_quiet_where_nobody_looks(capsys):
    """No bar and no line for work that is quick."""
    with shown_progress() as progress:
        for done in range(1, 9):
            progress(step(done, kept=done < 3))
    assert capsys.readouterr() == ("", "")


def test_progress_is_a_bar_on_a_terminal(monkeypatch, capsys):
    """Done of all, what was last, and the time left."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with shown_progress() as progress:
        for done in range(1, 5):
            progress(step(done))
    shown = capsys.readouterr().err
    assert "4/8" in shown
    assert "s with p, seed 4" in shown
    assert "left" in shown
