"""Comparing with upstream: a defect would be found and made small, what cannot be compared is counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import msgspec

from drapolicy.testing.compare import Ask, compare
from drapolicy.testing.fuzz import random_line
from drapolicy.testing.lines import Answer, Line, difference, read, refusal, solve
from drapolicy.testing.modes import MODES, Mode

MODE = MODES[0]


def told(line: Line) -> Answer:
    """Answer as drapolicy does; a line that is no problem is refused, as upstream refuses it."""
    try:
        return solve(read(msgspec.json.encode(line)), MODE.minor)
    except msgspec.ValidationError as error:
        return {"fit": False, "error": str(error), "errorKind": "input"}


def asking(answer: Callable[[Line], Answer]) -> Ask:
    """Make an upstream of a function."""

    def ask(texts: Sequence[bytes]) -> list[Answer]:
        return [answer(msgspec.json.decode(text)) for text in texts]

    return ask


def test_a_defect_is_found_and_made_small() -> None:
    """Were tolerations of requests overlooked, one small valid problem would show it."""

    def strict(line: Line) -> Answer:
        for claim in line["claims"]:
            for request in claim["spec"].get("devices", {}).get("requests", []):
                for ask in [request.get("exactly"), *(request.get("firstAvailable") or [])]:
                    (ask or {}).pop("tolerations", None)
        return told(line)

    found = compare([random_line(0, index) for index in range(60)], asking(strict), MODE).differences
    assert found
    line = min(found.values(), key=lambda each: len(json.dumps(each)))
    assert refusal(line) == ""
    assert [len(line["claims"]), len(line["slices"]), len(line["slices"][0]["spec"]["devices"])] == [1, 1, 1]
    assert "tolerations" in json.dumps(line["claims"])
    assert line["source"]["mode"] == "1.37-incubating"
    assert difference(line["expected"], told(line)) == line["source"]["differs"]


def test_a_crash_is_a_difference() -> None:
    """Upstream answers, drapolicy raises: that is told like any other difference."""
    line = random_line(0, 1)
    line["claims"][0]["spec"]["devices"]["requests"] = [{"name": "r0"}]
    tally = compare([line], asking(lambda _: {"fit": False, "allocateOne": 0}), MODE)
    assert [each["source"]["differs"] for each in tally.differences.values()] == ["outcome"]


def test_where_order_is_random_placements_must_be_valid() -> None:
    """Outcomes are the same, but what upstream would give breaks a rule."""
    mode = Mode("1.35")
    line = next(
        line
        for line in (random_line(0, index, mode) for index in range(100))
        if len({item["spec"]["driver"] for item in line["slices"]}) > 1 and plainly_fits(line, mode)
    )

    def wrong(line: Line) -> Answer:
        answer = solve(read(msgspec.json.encode(line)), mode.minor)
        for each in answer.get("nodes") or [answer]:
            for result in each.get("results") or []:
                result["devices"]["results"] = []
        return answer

    (found,) = compare([line], asking(wrong), mode).differences.values()
    assert found["source"]["differs"] in {"upstream breaks S30", "upstream breaks S40"}
    assert not found["source"]["exact"]


def plainly_fits(line: Line, mode: Mode) -> bool:
    """The problem fits, and is compared."""
    tally = compare([line], asking(lambda each: solve(read(msgspec.json.encode(each)), mode.minor)), mode)
    return bool(tally.counts["outcome: fit"]) and bool(tally.counts["compared: outcome"])


def test_random_answers_of_upstream_are_no_difference() -> None:
    """Where upstream answers now one thing, now another, drapolicy may give either."""
    calls = 0

    def fickle(line: Line) -> Answer:
        nonlocal calls
        calls += 1
        return told(line) if calls % 3 == 0 else {"fit": False, "allocateOne": 0}

    tally = compare([random_line(0, 1)], asking(fickle), MODE)
    assert not tally.differences
    assert tally.counts["left out: upstream itself answers differently from call to call"] == 1
    assert tally.compared == 0


def test_searches_that_take_too_long_are_left_out() -> None:
    """They are counted, and not given to the reference."""
    late = {"fit": False, "error": "late", "errorKind": "timeout"}
    slow = compare([random_line(0, 1)], asking(lambda _: late), MODE)
    long = compare([random_line(0, 1)], asking(lambda _: {"fit": False, "allocateOne": 10**6}), MODE)
    assert slow.counts == long.counts == {"left out: search takes too long": 1}


def test_a_share_of_the_problems_goes_through_the_protocol() -> None:
    """They are counted, so that a run says so."""
    lines = [random_line(0, index) for index in range(17)]
    tally = compare(lines, asking(told), MODE)
    assert tally.differences == {}
    assert 1 <= tally.counts["compared: by the protocol"] <= 3
