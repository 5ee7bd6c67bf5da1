"""Shrinking: nothing is left that could go."""

from __future__ import annotations

import copy
import json

from drapolicy.testing.fuzz import random_line
from drapolicy.testing.lines import Line
from drapolicy.testing.shrink import shrink


def test_only_what_the_condition_needs_is_left() -> None:
    """One device of one slice, no claims, no classes, no gates; the line given stays as it is."""
    line = random_line(0, 3)
    name = line["slices"][-1]["spec"]["devices"][0]["name"] if line["slices"][-1]["spec"].get("devices") else ""
    before = copy.deepcopy(line)

    def holds(small: Line) -> bool:
        return any(device["name"] == name for item in small["slices"] for device in item["spec"].get("devices") or [])

    assert holds(line)
    small = shrink(line, holds)
    assert line == before
    (item,) = small["slices"]
    assert item["spec"]["devices"] == [{"name": name}]
    assert (small["claims"], small["classes"], small["features"]) == ([], [], {})


def test_numbers_become_one() -> None:
    """Counts and generations that do not matter."""
    line = random_line(0, 3)
    line["slices"][0]["spec"]["pool"]["generation"] = 7
    small = shrink(line, lambda each: bool(each["slices"]) and "generation" in json.dumps(each["slices"]))
    assert [item["spec"]["pool"]["generation"] for item in small["slices"]] == [1]


def test_a_pool_stays_complete() -> None:
    """A slice that goes is no longer counted by the others of its pool."""
    line = random_line(0, 3)
    line["slices"] = [
        {
            "metadata": {"name": name},
            "spec": {"driver": "d", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 2}},
        }
        for name in ("a", "b")
    ]
    small = shrink(line, lambda each: any(item["spec"]["pool"].get("resourceSliceCount") for item in each["slices"]))
    assert [item["spec"]["pool"]["resourceSliceCount"] for item in small["slices"]] == [1]


def test_tries_are_limited() -> None:
    """The condition is asked no more often than allowed."""
    asked = 0

    def never(_: Line) -> bool:
        nonlocal asked
        asked += 1
        return False

    line = random_line(0, 3)
    assert shrink(line, never, tries=25) == line
    assert asked == 25
