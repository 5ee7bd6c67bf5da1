"""Traits say what a problem and its answer have."""

from __future__ import annotations

import pytest

from drapolicy.testing.fuzz import random_line
from drapolicy.testing.lines import Line
from drapolicy.testing.modes import MODES, Mode
from drapolicy.testing.traits import every_trait, traits


def test_traits_name_what_occurs() -> None:
    """A share and its amounts are seen in the answer, the number of claims in the problem."""
    line = random_line(0, 1)
    device = {"request": "r", "driver": "d", "pool": "p", "device": "a", "shareID": "x", "consumedCapacity": {"m": "1"}}
    answer = {"fit": True, "results": [{"devices": {"results": [device]}}], "allocateOne": 3}
    expected = {"got: share", "got: consumed capacity", f"claims: {len(line['claims'])}", "outcome: fit"}
    assert expected <= traits(line, answer)
    assert "search: more than 30 steps" in traits(line, {**answer, "allocateOne": 31})


@pytest.mark.parametrize(
    ("part", "trait"),
    [
        ({"attributes": {"a": {"ints": [1]}}}, "lists: no fit"),
        ({"consumesCounters": [{"counterSet": "s", "compatibilityGroups": ["g"]}]}, "groups: no fit"),
        ({"consumesCounters": [{"counterSet": "s", "compatibilityGroups": []}]}, ""),
    ],
)
def test_alpha_features_are_told_with_the_outcome(part: Line, trait: str) -> None:
    """A feature is counted by what came of it."""
    spec = {"driver": "d", "pool": {"name": "p"}, "devices": [{"name": "a", **part}]}
    line: Line = {"claims": [], "slices": [{"spec": spec}], "allocated": {}, "features": {"A": True}}
    found = traits(line, {"fit": False})
    assert [name for name in found if name.endswith(": no fit") and not name.startswith("outcome")] == [trait][
        : bool(trait)
    ]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_traits_of_the_problem_occur(mode: Mode) -> None:
    """Within a few hundred problems everything is asked and offered that a mode is to cover."""
    lines = [random_line(1, index, mode) for index in range(250)]
    found: set[str] = set()
    for line in lines:
        found |= traits(line, {"fit": False, "allocateOne": 0})
    expected = {
        name for name in every_trait(mode) if name.startswith(("ask", "slice", "device", "claims", "held", "pools"))
    }
    assert expected - found == set()
