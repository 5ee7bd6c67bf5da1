"""``drapolicy policies``: listing, describing, and playing other allocators' cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drapolicy.policies import POLICIES

CASES = {
    "source": "here",
    "topologies": {
        "pair": {"gpus": 3, "links": [[0, 1, "P2PLinkSameCPU"], [0, 2, "TwoNVLINKLinks"], [1, 2, "P2PLinkCrossCPU"]]}
    },
    "cases": [
        {"name": "linked", "topology": "pair", "size": 2, "expect": [0, 2]},
        {"name": "with 1", "topology": "pair", "size": 2, "required": [1], "expect": [0, 1]},
    ],
}


@pytest.mark.parametrize("words", [("policies",), ("policies", "list")])
def test_policies_are_listed(run, words):
    """Every policy of the table has a line."""
    lines = run(*words).out.splitlines()
    assert [line.split()[0] for line in lines] == ["POLICY", *POLICIES]
    assert all(len(line.split()) > 8 for line in lines[1:])


def test_policies_are_listed_for_programs(run):
    """JSON tells the stock policy."""
    listed = json.loads(run("policies", "list", "-o", "json").out)
    assert [policy["name"] for policy in listed if policy["stock"]] == ["kube-scheduler"]
    assert json.loads(run("policies", "-o", "json").out) == listed


def test_a_policy_is_described(run):
    """Text, parameters, terms and parts; JSON has the same; Markdown is its page."""
    told = run("policies", "show", "fgd:rounded=false")
    assert (told.code, told.err) == (0, "")
    assert "Fragmentation gradient descent" in told.out
    assert [
        line.split()[0] for line in told.out.splitlines() if line.startswith(("mix", "rounded", "fragmentation"))
    ] == [
        "mix",
        "rounded",
        "fragmentation",
    ]
    data = json.loads(run("policies", "show", "fgd:rounded=false", "-o", "json").out)
    assert [term["name"] for term in data["objective"]] == ["fragmentation"]
    assert run("policies", "show", "fgd", "--markdown").out.startswith("# fgd\n")


def test_an_unknown_policy_is_refused(run):
    """The error names those that there are."""
    told = run("policies", "show", "nothing")
    assert told.code == 2
    assert "policy 'nothing': unknown; use one of kube-scheduler" in told.err


def test_cases_that_agree(run, tmp_path: Path):
    """Exit code 0, and the three counts."""
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(CASES), encoding="utf-8")
    told = run("policies", "run-cases", file)
    assert told.code == 0
    assert [line.split() for line in told.out.splitlines()] == [
        ["FORMAT", "go-gpuallocator"],
        ["cases", "2"],
        ["agree", "2"],
        ["disagree", "0"],
    ]


def test_cases_that_do_not_agree(run, tmp_path: Path):
    """Exit code 1, and the case with what was expected and given."""
    file = tmp_path / "cases.json"
    wrong = {**CASES, "cases": [*CASES["cases"], {"name": "wrong", "topology": "pair", "size": 2, "expect": [0, 1]}]}
    file.write_text(json.dumps(wrong), encoding="utf-8")
    told = run("policies", "run-cases", file)
    assert told.code == 1
    assert "wrong" in told.out.splitlines()[2]
    data = json.loads(run("policies", "run-cases", file, "-o", "json").out)
    assert (data["cases"], data["agree"], data["disagree"]) == (3, 2, 1)
    assert data["disagreements"] == [
        {"case": "wrong", "policy": "go-gpuallocator", "expected": "0 1", "got": "0 2", "note": ""}
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "a JSON list is no file of cases"),
        ('"x"', "a JSON str is no file of cases"),
        ("{}", "unknown format, its keys are none; known are go-gpuallocator"),
        ('{"a": 1}', "unknown format, its keys are a"),
        ('{"cases": [{"policy": "none"}]}', "cases[0]: object missing required field `available`"),
        ('{"topologies": {}, "cases": [{"topology": "x", "size": 1}]}', "cases[0]: topology: 'x' is not in the file"),
    ],
)
def test_files_that_are_no_cases_are_refused(run, tmp_path: Path, text: str, message: str):
    """Exit code 2 and a line that says where and what."""
    file = tmp_path / "cases.json"
    file.write_text(text, encoding="utf-8")
    told = run("policies", "run-cases", file)
    assert told.code == 2
    assert message in told.err
    assert "Traceback" not in told.err


def test_a_file_that_is_not_there_is_refused(run, tmp_path: Path):
    """The error names the file."""
    told = run("policies", "run-cases", tmp_path / "none.json")
    assert told.code == 2
    assert "none.json: cannot be read" in told.err
