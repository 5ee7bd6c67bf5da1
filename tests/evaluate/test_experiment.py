"""Experiments: every cell once, kept cells not again, the same on one core and on two."""

from __future__ import annotations

import json
import pickle
import threading
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from drapolicy import api
from drapolicy.errors import InputError, SolverError
from drapolicy.evaluate import Experiment, Step, evaluate, work
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.table import Results
from drapolicy.inventory import build
from drapolicy.policies import POLICIES, Rule, objective
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.simulate import Scenario, play
from drapolicy.testing.simple import row
from drapolicy.workload import Arrival, Workload

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: c, namespace: default}
spec: {devices: {requests: [{name: devices, exactly: {deviceClassName: any, count: 2}}]}}
"""


def scenario(name: str = "s", gap: int = 3) -> Scenario:
    arrivals = tuple(Arrival(gap * i, 10, "c") for i in range(6))
    return Scenario(name, build(row(nodes=2, devices=3)), Workload(api.loads(CLAIM), arrivals))


class Counted:
    """Counts the cells that are played."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.played: list[tuple[str, str, int]] = []
        real = work.run_cell

        def run(one: Scenario, policy: Any, seed: int, **options: Any) -> Cell:
            self.played.append((one.name, policy.name, seed))
            return real(one, policy, seed, **options)

        monkeypatch.setattr(work, "run_cell", run)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def without_seconds(results: Results) -> list[Cell]:
    return [msgspec.structs.replace(cell, seconds=0.0, decision_us=[]) for cell in results.cells]


def test_every_combination_is_played_once(counted: Counted) -> None:
    """Cells come in the order scenario, policy, seed; stock is added; seeds given twice count once."""
    done: list[tuple[int, int]] = []
    results = evaluate(
        [scenario("a"), scenario("b")],
        ["random"],
        [1, 0, 1],
        jobs=1,
        progress=lambda step: done.append((step.done, step.total)),
    )
    cells = [(cell.scenario, cell.policy, cell.seed) for cell in results.cells]
    assert cells == [(s, p, seed) for s in "ab" for p in ("kube-scheduler", "random") for seed in (1, 0)]
    assert sorted(counted.played) == sorted(cells)
    assert done == [(n, 8) for n in range(1, 9)]


def test_kept_cells_are_not_played_again(tmp_path: Path, counted: Counted) -> None:
    """A second run plays what is missing, changed or broken, and nothing else."""
    first = evaluate([scenario()], ["first-fit"], range(2), out=tmp_path, jobs=1)
    assert len(counted.played) == 4
    again = evaluate([scenario()], ["first-fit"], range(2), out=tmp_path, jobs=1)
    assert len(counted.played) == 4
    assert again == first
    evaluate([scenario()], ["first-fit"], range(3), out=tmp_path, jobs=1)
    assert counted.played[4:] == [("s", "kube-scheduler", 2), ("s", "first-fit", 2)]
    evaluate([scenario(gap=4)], ["first-fit"], range(2), out=tmp_path, jobs=1)
    assert len(counted.played) == 10
    broken, truncated, foreign = sorted((tmp_path / "cells").glob("*.json"))[:3]
    broken.write_bytes(b"{not json")
    results = truncated.with_suffix(".parquet")
    results.write_bytes(results.read_bytes()[:-20])
    foreign.write_bytes(foreign.read_bytes().replace(foreign.stem.encode(), b"0" * 64))
    evaluate([scenario()], ["first-fit"], range(3), out=tmp_path, jobs=1)
    evaluate([scenario(gap=4)], ["first-fit"], range(2), out=tmp_path, jobs=1)
    assert len(counted.played) == 13
    assert not list((tmp_path / "cells").glob(".*"))


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path, counted: Counted) -> None:
    """Cells that were finished before the interruption are there afterwards."""

    def stop(step: Step) -> None:
        if step.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate([scenario()], ["first-fit"], range(3), out=tmp_path, jobs=1, progress=stop)
    assert len(counted.played) == 3
    evaluate([scenario()], ["first-fit"], range(3), out=tmp_path, jobs=1)
    assert len(counted.played) == 6


def test_checking_plays_again(tmp_path: Path, counted: Counted) -> None:
    """A cell that was kept unchecked does not count where all are to be checked; one that was checked does."""
    for check, played in ((False, 1), (True, 2), (True, 2), (False, 2)):
        evaluate([scenario()], ["kube-scheduler"], [0], out=tmp_path, jobs=1, check=check)
        assert len(counted.played) == played


def test_kept_cells_come_first_and_are_told(tmp_path: Path) -> None:
    """Progress says which cells were there before, so that they do not count for the time left."""
    evaluate([scenario()], ["first-fit"], [1], out=tmp_path, jobs=1)
    steps: list[Step] = []
    evaluate([scenario()], ["first-fit"], [0, 1], out=tmp_path, jobs=1, progress=steps.append)
    assert [(step.done, step.total, step.kept) for step in steps] == [
        (1, 4, True),
        (2, 4, True),
        (3, 4, False),
        (4, 4, False),
    ]


def test_the_manifest_says_what_the_cells_are_of(tmp_path: Path) -> None:
    """Names, digests of inputs, code and release, and the key of every cell; no dates, so the same in every run."""
    evaluate([scenario()], ["first-fit"], [0, 1], out=tmp_path, jobs=1)
    text = (tmp_path / "experiment.json").read_bytes()
    told = json.loads(text)
    assert [(one["name"], one["kubernetes"]) for one in told["scenarios"]] == [("s", "1.37")]
    assert told["scenarios"][0]["inputs"] == dict(scenario().inputs)
    assert [one["name"] for one in told["policies"]] == ["kube-scheduler", "first-fit"]
    assert {one["key"] for one in told["cells"]} == {path.stem for path in (tmp_path / "cells").iterdir()}
    evaluate([scenario()], ["first-fit"], [0, 1], out=tmp_path, jobs=1)
    assert (tmp_path / "experiment.json").read_bytes() == text


def test_two_processes_give_the_same_as_one() -> None:
    """The table does not depend on how many processes play."""
    one, two = (evaluate([scenario()], ["random", "packing"], range(2), jobs=jobs) for jobs in (1, 2))
    assert without_seconds(one) == without_seconds(two)


class Local:
    """A policy that cannot be sent to another process."""

    name = "local"

    def __init__(self) -> None:
        self.unsendable = threading.Lock()

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        return replace(POLICIES["first-fit"].place(problem, rng), policy="local")


def test_what_cannot_be_sent_is_played_here() -> None:
    """An object with a lock stays in this process; terms that another process does not know travel whole."""

    @objective(sense="max", unit="", bounds=(0, 10**6))
    def hidden(node, chosen):
        return int(chosen.sum())

    results = evaluate([scenario()], [Local(), Rule(hidden, name="hidden")], [0], jobs=2)
    assert [cell.policy for cell in results.cells] == ["kube-scheduler", "local", "hidden"]
    assert all(cell.metrics["placed"] == 100 for cell in results.cells)
    with pytest.raises(InputError, match="Local: cannot be sent to another process"):
        work.packed(Local())


def test_notebook_terms_are_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in ``__main__`` another process does not have by that name."""
    import __main__

    def term(node, chosen):
        return 0

    term.__module__, term.__qualname__ = "__main__", "term"
    made = objective(sense="max", unit="", bounds=(0, 1))(term)
    monkeypatch.setattr(__main__, "term", made, raising=False)
    blob = work.packed(Rule(made, name="notebook"))
    monkeypatch.delattr(__main__, "term")
    assert pickle.loads(blob).name == "notebook"


FAILING = """
from drapolicy.errors import SolverError


class Failing:
    name = "failing"

    def place(self, problem, rng):
        raise SolverError("no licence")
"""


def test_a_worker_error_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in another process is raised here, and the cells that wait are given up."""
    (tmp_path / "failing_policy.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    failing = import_module("failing_policy").Failing()
    with pytest.raises(SolverError, match="no licence"):
        evaluate([scenario()], [failing], range(6), jobs=2)


@pytest.mark.parametrize(
    ("scenarios", "policies", "seeds", "message"),
    [
        (
            [scenario(), scenario()],
            ["random"],
            [0],
            "experiment: scenarios: s is given twice; give each a name of its own",
        ),
        (
            [scenario()],
            ["random", Rule(name="random")],
            [0],
            "experiment: policies: random is given twice; give each a name",
        ),
        ([scenario()], ["random"], [], "experiment: seeds: none; give at least one"),
        (
            [scenario()],
            ["random"],
            [2, -1],
            "experiment: seeds: -1 is out of range; use 0 for the arrivals as recorded",
        ),
    ],
)
def test_wrong_experiments_are_refused(scenarios: Any, policies: Any, seeds: Any, message: str, tmp_path: Path) -> None:
    """Names that are given twice and seeds that are none; nothing is played or written."""
    with pytest.raises(InputError) as caught:
        evaluate(scenarios, policies, seeds, out=tmp_path / "out", jobs=1)
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "out").exists()


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Doubled names, seeds and the metric together."""
    with pytest.raises(InputError) as caught:
        Experiment([scenario(), scenario()], ["random"], [-1, 0.5], metric="speed")  # type: ignore[list-item]
    assert [fault.path for fault in caught.value.faults] == ["scenarios", "seeds", "seeds", "metric"]


def test_seeds_may_be_a_number_or_an_array() -> None:
    """A number counts from 0; numpy's whole numbers are whole numbers."""
    assert Experiment([scenario()], ["random"], 3).seeds == (0, 1, 2)
    assert Experiment([scenario()], ["random"], np.arange(2, 4)).seeds == (2, 3)


def test_one_policy_under_two_names_draws_otherwise(tmp_path: Path) -> None:
    """The worlds are the same, and with the same number the draws are too; cells of other draws are other cells."""
    names = ["random", replace(POLICIES["random"], name="same"), replace(POLICIES["random"], name="other")]  # type: ignore[type-var]
    crowded = replace(scenario(), fleet=build(row(nodes=9, devices=6)))
    made = Experiment([crowded], names, 6, draws={"other": 1})
    results = made.run(tmp_path, jobs=1)
    placed = {name: [cell.metrics for cell in results.of("s", name)] for name in results.policies}
    assert placed["random"] == placed["same"]
    assert len({cell.key for cell in results.cells}) == len(made)
    again = Experiment([crowded], names, 6, draws={"other": 2}).run(tmp_path, jobs=1)
    assert {cell.key for cell in again.of("s", "other")}.isdisjoint(cell.key for cell in results.of("s", "other"))
    assert again.of("s", "same") == results.of("s", "same")
    with pytest.raises(InputError, match="draws: nobody is none of the policies"):
        Experiment([crowded], names, 6, draws={"nobody": 1})


def test_draws_change_the_policy_and_not_the_world() -> None:
    """Other draws put pods elsewhere; they arrive as before."""
    crowded = replace(scenario(), fleet=build(row(nodes=9, devices=6)))
    plays = [play(crowded, POLICIES["random"], 3, draws=draws) for draws in (0, 0, 1)]
    nodes = [[record.node for record in one.records] for one in plays]
    assert nodes[0] == nodes[1] != nodes[2]
    arrived = [[record.arrived_ns for record in one.records] for one in plays]
    assert arrived[0] == arrived[2]


def test_other_code_is_refused() -> None:
    """A worker with another drapolicy would file its result under a key that is not its own."""
    task = work.Task(0, POLICIES["first-fit"], 0, 0, check=False, key="", code="other")
    with pytest.raises(InputError, match="has other code of drapolicy"):
        work.play_task(scenario(), task)


def test_empty_experiments() -> None:
    """No scenarios, and a scenario in which nothing arrives, give a table all the same."""
    assert evaluate([], jobs=1).cells == ()
    nothing = replace(scenario(), workload=Workload(api.loads(CLAIM), ()))
    cell = evaluate([nothing], ["kube-scheduler"], [0], jobs=1).cells[0]
    assert (cell.arrivals, cell.queue) == (0, [0] * 120)
    assert set(cell.metrics.values()) == {None}
    results = evaluate([nothing], ["kube-scheduler", "random"], [0, 1], jobs=1)
    assert results.verdict("s").winner == "kube-scheduler"
