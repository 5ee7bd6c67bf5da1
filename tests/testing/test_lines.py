"""Lines of the protocol: two ways to an answer, and what makes two answers differ."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drapolicy.testing.fuzz import random_line
from drapolicy.testing.lines import Answer, difference, outcomes, read, reference, refusal, solve
from drapolicy.testing.modes import MODES, Mode


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
        (fit(device={"skipNodeOperations": ["*"]}), "devices"),
        (fit(results=[]), "devices"),
        (fit(config=[{"source": "FromClass"}]), "config"),
        (fit(allocateOne=4), "steps"),
        ({"fit": False, "allocateOne": 3}, "outcome"),
        ({"fit": False, "error": "e", "errorKind": "fatal", "allocateOne": 3}, "outcome"),
    ],
)
def test_what_counts_as_a_difference(got: Answer, kind: str) -> None:
    """All but share ids and ways to write an amount; where order is random, the outcome alone."""
    assert difference(fit(), got) == kind
    assert difference(fit(), got, exact=False) == (kind if kind == "outcome" else "")


def test_texts_are_compared_but_for_addresses() -> None:
    """Upstream prints addresses of memory in one text; it is compared up to them."""
    error = {"fit": False, "error": "no such key: a", "errorKind": "fatal"}
    assert difference(error, {**error, "error": "no such key: b"}) == "text"
    assert difference(error, {**error, "error": "no such key: b"}, exact=False) == ""
    assert difference(error, {**error, "errorKind": "node"}) == "outcome"
    printed = {**error, "error": "device &Device{Name:a,Attributes:{0xc000 <nil>}}: bad"}
    assert difference(printed, {**error, "error": "device a: bad"}) == ""
    assert difference(printed, {**error, "error": "slice a: bad"}) == "text"


def test_each_node_is_compared() -> None:
    """A difference on a later node is one too."""
    both = {"fit": True, "nodes": [fit(), fit()], "allocateOne": 6}
    assert difference(both, {**both, "nodes": [fit(), fit(device={"device": "b"})]}) == "devices"
    assert difference(both, {**both, "allocateOne": 5}) == "steps"


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_the_short_way_gives_what_the_protocol_gives(mode: Mode) -> None:
    """Objects read straight from JSON are decided as the lines of the protocol are, errors and steps included."""
    lines = [{**random_line(3, index, mode), "timeoutMs": 200} for index in range(30)]
    short = [solve(read(msgspec.json.encode(line)), mode.minor) for line in lines]
    pairs = [
        (whole, one)
        for whole, one in zip(reference(lines, mode.minor), short, strict=True)
        if "timeout" not in {each.get("errorKind") for answer in (whole, one) for each in outcomes(answer)}
    ]
    assert [difference(whole, one) for whole, one in pairs] == [""] * len(pairs)
    assert len(pairs) > 20


def test_what_is_refused_is_named() -> None:
    """A line is valid by the rules of a release and its gates."""
    line = random_line(0, 0)
    assert refusal(line) == ""
    line["claims"][0]["spec"]["devices"]["requests"][0]["name"] = "UPPER"
    assert "UPPER" in refusal(line)
