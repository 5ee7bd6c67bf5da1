"""Batches and gangs by patterns: as good as every joint placement, and bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.policies.groups import Patterns, Together
from drapolicy.problem.problem import Problem
from drapolicy.testing.batches import LEXICOGRAPHIC, brute_force, world

SEEDS = range(0, 90, 6)


def decided(problem: Problem, given: Patterns | None = None) -> Together:
    return (given or Patterns(LEXICOGRAPHIC)).decide(problem, np.random.default_rng(0))


@pytest.mark.parametrize("room", [False, True], ids=["devices", "room"])
@pytest.mark.parametrize("first", SEEDS)
def test_patterns_are_as_good_as_every_joint_placement(first: int, room: bool) -> None:
    """Groups, prioritized lists, matchAttribute, selectors and room: the values are those of brute force, proved."""
    for seed in range(first, first + 6):
        problem = world(seed, room=room)
        found = decided(problem)
        assert (found.path, found.why) == ("patterns", "")
        assert found.values == found.bounds == brute_force(problem, LEXICOGRAPHIC)
        assert found.status == ("optimal" if found.placed else "infeasible")
