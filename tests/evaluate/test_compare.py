"""Runs side by side: paired by scenario and seed, with what differs in how they came about."""

from __future__ import annotations

import json
from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.evaluate import Experiment, compare
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.simulate import Scenario
from drapolicy.simulate.discipline import DISCIPLINES
from drapolicy.testing.simple import row
from drapolicy.workload import Arrival, Workload

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: c, namespace: default}
spec: {devices: {requests: [{name: devices, exactly: {deviceClassName: any, count: 2}}]}}
"""


def scenario(name: str = "s", queue: str = "kubernetes") -> Scenario:
    arrivals = tuple(Arrival(3 * i, 10, "c") for i in range(6))
    made = Scenario(name, build(row(nodes=2, devices=3)), Workload(api.loads(CLAIM), arrivals))
    return replace(made, queue=DISCIPLINES[queue])


def run(out: Path, *policies: str, seeds: int = 8, one: Scenario | None = None) -> Path:
    Experiment([one or scenario()], policies, seeds).run(out, jobs=1)
    return out


def test_the_same_policy_is_there_once(tmp_path: Path) -> None:
    """Runs with a policy each beside the stock scheduler are three policies, and no more differs."""
    found = compare([run(tmp_path / "one", "random"), run(tmp_path / "two", "first-fit")])
    assert found.results.policies == ("kube-scheduler", "random", "first-fit")
    assert len(found.results.cells) == 24
    assert found.differences == ("policy random: only in one", "policy first-fit: only in two")
    assert [run.missing for run in found.runs] == [0, 0]
    assert len(found.results.ranking("s").pairs) == 3


def test_what_differs_is_told_and_compared_by_run(tmp_path: Path) -> None:
    """Another queue is another input: each policy is there by run, and the sentence says which."""
    runs = [run(tmp_path / "stock", "random"), run(tmp_path / "fifo", "random", one=scenario(queue="fifo"))]
    found = compare(runs)
    (difference,) = found.differences
    assert difference.startswith("s: queue differs: ")
    assert difference.endswith(" in fifo")
    assert found.results.policies == (
        "kube-scheduler (stock)",
        "random (stock)",
        "kube-scheduler (fifo)",
        "random (fifo)",
    )


def test_other_code_is_other_results(tmp_path: Path) -> None:
    """A run of another drapolicy is told apart, version, code and packages."""
    old, new = run(tmp_path / "old"), run(tmp_path / "new")
    manifest = json.loads((old / "experiment.json").read_bytes())
    (old / "experiment.json").write_text(json.dumps({**manifest, "version": "0.0.1", "code": "f" * 64}))
    for path in (old / "cells").glob("*.json"):
        how = json.loads(path.read_bytes())
        path.write_text(json.dumps({**how, "versions": {**how["versions"], "numpy": "1.0"}}))
    found = compare([old, new])
    assert [difference.partition(" differs")[0] for difference in found.differences] == [
        "version of drapolicy",
        "code of drapolicy",
        "version of numpy",
    ]
    assert str(found.results.ranking("s", "placed").pairs[0]) == (
        "kube-scheduler (old) and kube-scheduler (new) are equal on placed, 8 seeds"
    )


def test_seeds_are_paired_and_what_is_missing_is_told(tmp_path: Path) -> None:
    """A run that was broken off, with fewer seeds, is compared by the seeds that both have."""
    one, two = run(tmp_path / "one", "random", seeds=9), run(tmp_path / "two", "first-fit", seeds=8)
    key = next(
        c["key"] for c in json.loads((two / "experiment.json").read_bytes())["cells"] if c["policy"] != "kube-scheduler"
    )
    (two / "cells" / f"{key}.parquet").unlink()
    found = compare([one, two])
    assert found.differences[-2:] == (
        "seeds: two has 8 of 9; the others count for nothing",
        "two: 1 of 16 cells not there",
    )
    values = found.results.values("s", "first-fit", "placed")
    assert [isnan(value) for value in values] == [True, *[False] * 7, True]
    pair = found.results.ranking("s", "placed").pairs[-1]
    assert (pair.difference.pairs, pair.difference.left_out) == (7, 2)


def test_runs_of_one_name_are_called_by_their_paths(tmp_path: Path) -> None:
    """Two folders may have one name."""
    runs = [run(tmp_path / part / "out") for part in "ab"]
    assert [one.label for one in compare(runs).runs] == [str(path) for path in runs]


def test_a_run_beside_itself_is_the_same(tmp_path: Path) -> None:
    """Nothing differs, each policy is there once, and the two are told apart by number."""
    out = run(tmp_path / "one", "random", seeds=2)
    found = compare([out, out])
    assert found.differences == ()
    assert [one.label for one in found.runs] == [f"{out} (1)", f"{out} (2)"]
    assert found.results.policies == ("kube-scheduler", "random")


class Own:
    """A policy whose code cannot be told."""

    name = "own"

    def place(self, problem, rng):
        return replace(POLICIES["first-fit"].place(problem, rng), policy=self.name)


def test_code_beside_an_experiment_is_told(tmp_path: Path) -> None:
    """Where a policy has no code of its own to be known by, that of its experiment's file counts."""
    for source in ("a" * 64, "b" * 64):
        Experiment([scenario()], [Own()], 2, source=source).run(tmp_path / source[0], jobs=1)
    found = compare([tmp_path / "a", tmp_path / "b"])
    assert [told.partition(" differs")[0] for told in found.differences] == ["policy own"]
    assert found.results.policies == ("kube-scheduler", "own (a)", "own (b)")


def test_scenarios_of_one_run_alone_are_left_out(tmp_path: Path) -> None:
    """And told; runs that have none in common cannot be compared."""
    Experiment([scenario("s"), scenario("t")], [], 6).run(tmp_path / "one", jobs=1)
    two = run(tmp_path / "two")
    found = compare([tmp_path / "one", two])
    assert found.results.scenarios == ("s",)
    assert "scenario t: only in one; not compared" in found.differences
    with pytest.raises(InputError, match="one and u have no scenario in common"):
        compare([tmp_path / "one", run(tmp_path / "u", one=scenario("u"))])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": "x"}', "\xff"])
def test_broken_manifests_are_refused(tmp_path: Path, text: str) -> None:
    """With the file's name, whatever is in it."""
    out = run(tmp_path / "one", seeds=1)
    (out / "experiment.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"experiment.json: .*run the experiment again"):
        compare([out, out])


def test_cells_of_others_are_not_taken(tmp_path: Path) -> None:
    """A manifest that names a cell of another policy does not make it one's own."""
    out = run(tmp_path / "one", "random", seeds=1)
    manifest = json.loads((out / "experiment.json").read_bytes())
    first, second = manifest["cells"]
    first["key"] = second["key"]
    (out / "experiment.json").write_text(json.dumps(manifest))
    assert [one.missing for one in compare([out, out]).runs] == [1, 1]


def test_two_runs_at_least(tmp_path: Path) -> None:
    """One has nothing to be compared with."""
    with pytest.raises(InputError, match="1 run; give two at least"):
        compare([tmp_path])
    with pytest.raises(InputError, match=r"holds no experiment.json; give the folder"):
        compare([tmp_path, tmp_path])
