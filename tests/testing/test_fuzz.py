"""Random problems: drapolicy answers as upstream does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from drapolicy.testing.compare import still_differs
from drapolicy.testing.fuzz import random_line, run
from drapolicy.testing.lines import refusal
from drapolicy.testing.modes import MODES, Mode
from drapolicy.testing.oracle import FOLDER
from drapolicy.testing.traits import every_trait

# Differences that were found once, each as small as it could be made, with upstream's answer.
CASES = sorted((Path(__file__).parent / "differences").glob("*.json"))
PROBLEMS = {"1.37-incubating": 400, "1.37-experimental": 500, "1.36-incubating": 200, "1.36-experimental": 300}
REST = 300  # of the releases that try pools in random order


def built(mode: Mode) -> None:
    """Skip where the oracle of the release is not built."""
    if not (FOLDER / f"oracle-{mode.minor}").is_file():
        there = shutil.which("go")
        pytest.skip("the oracle is not built: make oracle" if there else "there is no Go to build the oracle")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_difference_that_was_found_is_none_any_more(path: Path) -> None:
    """The answer is upstream's."""
    line = json.loads(path.read_text(encoding="utf-8"))
    mode = next(mode for mode in MODES if mode.name == line["source"]["mode"])
    assert not still_differs(line, mode)


@pytest.mark.go
@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_upstream_gives_the_same_answers(mode: Mode) -> None:
    """2,000 problems in all: every part of the answer, or the outcome where upstream's order is random."""
    built(mode)
    number = PROBLEMS.get(mode.name, REST)
    tally = run(number, seed=-1, mode=mode)
    assert tally.differences == {}
    assert tally.compared > number * (0.85 if mode.ordered else 0.4)
    assert tally.counts["left out: upstream itself answers differently from call to call"] <= number // 100
    seldom = {name for name in every_trait(mode) if not tally.counts[name]}
    assert len(seldom) <= len(every_trait(mode)) // 10, seldom


@pytest.mark.go
def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Two runs in one folder give what one run gives."""
    built(MODES[0])
    run(30, seed=5, folder=tmp_path)
    again = run(70, seed=5, folder=tmp_path, processes=2)
    whole = run(70, seed=5)
    assert (again.done, again.differences) == (whole.done, whole.differences)
    assert json.loads((tmp_path / "state.json").read_text())["done"] == 70


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_problems_are_valid_and_all_different(mode: Mode) -> None:
    """The release's API server takes every object of a random problem, and no two problems are alike."""
    lines = [random_line(0, index, mode) for index in range(60)]
    assert [refusal(line, mode.minor) for line in lines] == [""] * len(lines)
    assert len({json.dumps(line["claims"]) for line in lines}) == len(lines)
    assert lines[7] == random_line(0, 7, mode)


def test_releases_that_try_pools_in_order_are_compared_in_full() -> None:
    """There are two modes each of 1.37 and 1.36, and one each of 1.35 and 1.34."""
    assert [mode.name for mode in MODES if mode.ordered] == list(PROBLEMS)
    assert [mode.name for mode in MODES if not mode.ordered] == ["1.35", "1.34"]
    assert sum(PROBLEMS.values()) + 2 * REST == 2000
