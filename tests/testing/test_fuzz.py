"""Random problems: drapolicy answers as upstream does, and a defect would be found and made small."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drapolicy.errors import InputError
from drapolicy.testing import oracle as oracle_module
from drapolicy.testing import traits as traits_module
from drapolicy.testing.fuzz import compare, random_line, run
from drapolicy.testing.lines import Answer, Line, difference, reference, refusal
from drapolicy.testing.oracle import FOLDER, Oracle
from drapolicy.testing.traits import traits


@pytest.fixture
def upstream() -> Iterator[Oracle]:
    """Upstream's allocator."""
    if not (FOLDER / "oracle-1.37").is_file():
        pytest.skip(
            "the oracle is not built: make oracle" if shutil.which("go") else "there is no Go to build the oracle"
        )
    with Oracle() as found:
        yield found


def told(line: Line) -> Answer:
    """Answer as drapolicy does."""
    return reference([line])[0]


def fit(**changes: Any) -> Answer:
    """An answer with one share of one device."""
    device = {
        "request": "r",
        "driver": "d",
        "pool": "p",
        "device": "a",
        "shareID": "x",
        "consumedCapacity": {"m": "1Gi"},
    }
    return {
        "fit": True,
        "results": [
            {"devices": {"results": [device | changes.pop("device", {})], "config": changes.pop("config", [])}}
        ],
        "allocateOne": 3,
    } | changes


@pytest.mark.go
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_upstream_gives_the_same_answers(upstream: Oracle, seed: int) -> None:
    """Outcome, text, devices, amounts, configuration, node selector and steps are the same for 2,000 problems."""
    tally = run(500, seed=-1 - seed)
    assert tally.differences == {}
    assert tally.compared > 480
    seldom = {name for name in every_trait() if not tally.counts[name]}
    assert len(seldom) <= 1, seldom


def every_trait() -> set[str]:
    tables = (traits_module._TEXTS, traits_module._INPUT, traits_module._SUPPLY, traits_module._OUTPUT)
    outcomes = {f"outcome: {kind}" for kind in ("fit", "no fit", "node", "fatal")}
    return {name for table in tables for name in table} | outcomes | {f"claims: {n}" for n in range(1, 5)}


@pytest.mark.go
def test_a_run_goes_on_where_it_stopped(upstream: Oracle, tmp_path: Path) -> None:
    """Two runs in one folder give what one run gives."""
    run(30, seed=5, folder=tmp_path)
    again = run(70, seed=5, folder=tmp_path, processes=2)
    assert again == run(70, seed=5)
    assert json.loads((tmp_path / "state.json").read_text())["done"] == 70


@pytest.mark.go
def test_upstream_reads_strictly(upstream: Oracle) -> None:
    """Fields, features and variants that there are not are refused, each in its own words."""
    assert upstream.ask({"bogus": 1})["error"] == 'unknown field "bogus"'
    assert upstream.ask({"features": {"Bogus": True}})["error"] == 'unknown feature "Bogus"'
    assert upstream.ask({"variant": "bogus"})["errorKind"] == "input"
    assert upstream.ask({"variant": "stable", "features": {"ListTypeAttributes": True}})["errorKind"] == "new"


@pytest.mark.go
def test_upstream_tells_the_cost_of_an_expression(upstream: Oracle) -> None:
    """CEL mode gives value or error of each device, the estimate, and the cost of the evaluation."""
    devices = [{"name": "a", "attributes": {"n": {"int": 4}}}, {"name": "b"}]
    cel = {"expression": 'device.attributes["x.example"].n > 3', "driver": "x.example", "devices": devices}
    answer = upstream.ask({"cel": cel})["cel"]
    assert answer == {
        "outputType": "bool",
        "maxCost": 5,
        "devices": [{"value": True, "cost": 5}, {"error": "no such key: n", "cost": 5}],
    }
    limited = upstream.ask({"cel": {**cel, "costLimit": 2}})["cel"]["devices"][0]
    assert limited["error"] == "operation cancelled: actual cost limit exceeded"
    assert (
        "found no matching overload"
        in upstream.ask({"cel": {"expression": "device.driver == 3"}})["cel"]["compileError"]
    )


def test_an_oracle_that_is_not_built_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says how to build it."""
    monkeypatch.setattr(oracle_module, "FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"oracle of Kubernetes 1\.36 is not built; run `make oracle`"):
        Oracle("1.36")


def test_problems_are_valid_and_all_different() -> None:
    """The API server takes every object of a random problem, and no two problems are alike."""
    lines = [random_line(0, index) for index in range(300)]
    assert [refusal(line) for line in lines] == [""] * len(lines)
    assert len({json.dumps(line["claims"]) for line in lines}) == len(lines)
    assert lines[7] == random_line(0, 7)


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (fit(), ""),
        (fit(device={"shareID": "y"}), ""),
        (fit(device={"consumedCapacity": {"m": "1024Mi"}}), ""),
        (fit(device={"consumedCapacity": {"m": "1025Mi"}}), "amounts"),
        (fit(device={"consumedCapacity": {"m": "1Gi", "n": "0"}}), "amounts"),
        (fit(device={"shareID": ""}), "devices"),
        (fit(device={"device": "b"}), "devices"),
        (fit(device={"bindingConditions": ["c"]}), "devices"),
        (fit(results=[]), "devices"),
        (fit(config=[{"source": "FromClass"}]), "config"),
        (fit(allocateOne=4), "steps"),
        ({"fit": False, "allocateOne": 3}, "outcome"),
        ({"fit": False, "error": "e", "errorKind": "fatal", "allocateOne": 3}, "outcome"),
    ],
)
def test_what_counts_as_a_difference(got: Answer, kind: str) -> None:
    """All but share ids and ways to write an amount."""
    assert difference(fit(), got) == kind


def test_texts_are_compared_but_for_addresses() -> None:
    """Upstream prints addresses of memory in one text; it is compared up to them."""
    error = {"fit": False, "error": "no such key: a", "errorKind": "fatal"}
    assert difference(error, {**error, "error": "no such key: b"}) == "text"
    assert difference(error, {**error, "errorKind": "node"}) == "outcome"
    printed = {**error, "error": "device &Device{Name:a,Attributes:{0xc000 <nil>}}: bad"}
    assert difference(printed, {**error, "error": "device a: bad"}) == ""
    assert difference(printed, {**error, "error": "slice a: bad"}) == "text"


def test_each_node_is_compared() -> None:
    """A difference on a later node is one too."""
    both = {"fit": True, "nodes": [fit(), fit()], "allocateOne": 6}
    assert difference(both, {**both, "nodes": [fit(), fit(device={"device": "b"})]}) == "devices"
    assert difference(both, {**both, "allocateOne": 5}) == "steps"


def test_a_defect_is_found_and_made_small() -> None:
    """Were tolerations of requests overlooked, one small valid problem would show it."""

    def strict(line: Line) -> Answer:
        bare = json.loads(json.dumps(line))
        for claim in bare["claims"]:
            for request in claim["spec"].get("devices", {}).get("requests", []):
                for ask in [request.get("exactly"), *(request.get("firstAvailable") or [])]:
                    (ask or {}).pop("tolerations", None)
        return told({key: value for key, value in bare.items() if key != "timeoutMs"})

    found = compare([random_line(0, index) for index in range(60)], strict).differences
    assert found
    line = min(found.values(), key=lambda each: len(json.dumps(each)))
    assert refusal(line) == ""
    assert [len(line["claims"]), len(line["slices"]), len(line["slices"][0]["spec"]["devices"])] == [1, 1, 1]
    assert "tolerations" in json.dumps(line["claims"])
    assert difference(line["expected"], told(line)) == line["source"]["differs"]


def test_random_answers_of_upstream_are_no_difference() -> None:
    """Where upstream answers now one thing, now another, drapolicy may give either."""
    calls = 0

    def fickle(line: Line) -> Answer:
        nonlocal calls
        calls += 1
        answer = told({key: value for key, value in line.items() if key != "timeoutMs"})
        return answer if calls % 3 == 0 else {"fit": False, "allocateOne": 0}

    tally = compare([random_line(0, 1)], fickle)
    assert not tally.differences
    assert tally.counts["left out: upstream itself answers differently from call to call"] == 1
    assert tally.compared == 0


def test_searches_that_take_too_long_are_left_out() -> None:
    """They are counted, and not given to the reference."""
    slow = compare([random_line(0, 1)], lambda _: {"fit": False, "error": "late", "errorKind": "timeout"})
    long = compare([random_line(0, 1)], lambda _: {"fit": False, "allocateOne": 10**6})
    assert slow.counts == long.counts == {"left out: search takes too long": 1}


def test_traits_name_what_occurs() -> None:
    """A share and its amounts are seen in the answer, the number of claims in the problem."""
    line = random_line(0, 1)
    assert {"got: share", "got: consumed capacity", f"claims: {len(line['claims'])}", "outcome: fit"} <= traits(
        line, fit()
    )
