"""``drapolicy evaluate compare``."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def runs(run, fleet, claims, tmp_path):
    """Two runs with a policy each beside the stock scheduler."""
    claims(1, 2)
    for name, policy in (("one", "random"), ("two", "first-fit")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(
            f"scenarios: [{{fleet: fleet.yaml, workload: claims.yaml, name: mine}}]\npolicies: [{policy}]\nseeds: 9\n"
        )
        assert run("evaluate", "run", path, "-o", tmp_path / name, "--jobs", "1").code == 0
    return [tmp_path / "one", tmp_path / "two"]


def test_a_table_and_sentences(run, runs):
    """What differs first, then a ranking and a sentence for each pair."""
    ran = run("evaluate", "compare", *runs)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:2] == ["policy random: only in one", "policy first-fit: only in two"]
    assert lines[3].startswith("mine: ")
    assert [line.split()[:2] for line in lines[5:8]] == [
        ["1=", name] for name in ("kube-scheduler", "random", "first-fit")
    ]
    assert len([line for line in lines if line.endswith(", 9 seeds")]) == 3


def test_json_has_every_number(run, runs):
    """With nulls for what is not known, and the sentence beside."""
    told = json.loads(run("evaluate", "compare", *runs, "--metric", "placed", "-o", "json").out)
    assert [(one["label"], one["cells"], one["missing"]) for one in told["runs"]] == [("one", 18, 0), ("two", 18, 0)]
    (scenario,) = told["scenarios"]
    assert (scenario["metric"], scenario["unit"], scenario["better"]) == ("placed", "%", "max")
    assert {place["rank"] for place in scenario["ranking"]} == {1}
    pair = scenario["pairs"][0]
    assert (pair["separated"], pair["mean"], pair["p"], pair["pairs"], pair["comparisons"]) == (False, 0.0, 1.0, 9, 3)
    assert pair["sentence"] == "kube-scheduler and random are equal on placed, 9 seeds"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--metric", "speed"], "metric 'speed': unknown"),
        (["gone"], "gone: holds no experiment.json"),
    ],
)
def test_what_cannot_be_compared(run, runs, words, message):
    """Unknown metrics and folders without an evaluation."""
    ran = run("evaluate", "compare", runs[0], *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
