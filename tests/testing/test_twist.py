"""Twists change a problem so that seldom things meet, and leave it readable."""

from __future__ import annotations

import copy
import functools
from random import Random

import msgspec
import pytest

from drapolicy.release import MINORS, release
from drapolicy.release.gates import FEATURES
from drapolicy.testing import twist_alpha
from drapolicy.testing.generate import problem
from drapolicy.testing.lines import Line, line_of, read
from drapolicy.testing.twist import TWISTS, Twist, twist
from drapolicy.testing.twist_pools import twins

EVERY = release("1.37").with_features(FEATURES["1.37"])
ALL = {change.__name__: change for change in (*TWISTS, *(change for _, change in twist_alpha.TWISTS))}


@functools.cache
def texts() -> list[bytes]:
    return [msgspec.json.encode(line_of(problem(seed, release=EVERY), f"line-{seed}")) for seed in range(60)]


def lines(number: int) -> list[Line]:
    return [msgspec.json.decode(text) for text in texts()[:number]]


@pytest.mark.parametrize("change", ALL.values(), ids=ALL)
def test_each_twist_changes_problems(change: Twist) -> None:
    """Within a few dozen seeds; what comes out can be read as objects."""
    changed = 0
    for seed, line in enumerate(lines(40)):
        before = copy.deepcopy(line)
        change(Random(seed), line)
        read(msgspec.json.encode(line))
        changed += line != before
    assert changed > 2


@pytest.mark.parametrize("minor", MINORS)
def test_a_twisted_line_has_no_fields_of_later_releases(minor: str) -> None:
    """What the release's API lacks is not added."""
    kubernetes = release(minor).with_features(FEATURES[minor])
    text = b""
    for seed in range(60):
        line = line_of(problem(seed, release=kubernetes))
        twist(Random(seed), line, kubernetes)
        text += msgspec.json.encode(line)
    later = {"1.35": b'"effect":"None"', "1.36": b'"strings":[', "1.37": b'"derivedAttributes":[{'}
    for since, part in later.items():
        assert (part in text) == kubernetes.at_least(since), part


def test_tidying_drops_what_no_constraint_asks_for() -> None:
    """A derived attribute stays as long as a constraint for its request compares it."""
    wants = [{"name": "derived/a", "expression": "1"}, {"name": "derived/b", "expression": "2"}]
    subs = [{"name": name, "derivedAttributes": list(wants)} for name in ("s0", "s1")]
    requests = [{"name": "r0", "firstAvailable": subs}, {"name": "r1", "exactly": {"derivedAttributes": list(wants)}}]
    constraints = [
        {"requests": ["r0"], "matchAttribute": "derived/a"},
        {"requests": ["r0/s1"], "distinctAttribute": "derived/b"},
    ]
    line: Line = {
        "slices": [],
        "claims": [{"spec": {"devices": {"requests": requests, "constraints": constraints}}}],
    }
    twist_alpha.tidy(line, EVERY)
    assert [[each["name"] for each in sub["derivedAttributes"]] for sub in subs] == [
        ["derived/a"],
        ["derived/a", "derived/b"],
    ]
    assert requests[1]["exactly"] == {"derivedAttributes": []}


def test_twins_are_pools_of_two_drivers() -> None:
    """No pool takes a name that its own driver uses already."""
    for seed, line in enumerate(lines(60)):
        count = len({(item["spec"]["driver"], item["spec"]["pool"]["name"]) for item in line["slices"]})
        twins(Random(seed), line)
        assert len({(item["spec"]["driver"], item["spec"]["pool"]["name"]) for item in line["slices"]}) == count
