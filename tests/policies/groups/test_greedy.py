"""Asks one after the other: what groups that stay too small leave to others."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.policies import First, FirstFit, Rule
from drapolicy.policies.groups import Greedy
from drapolicy.problem.group import Group
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.batches import LEXICOGRAPHIC, brute_force, world
from drapolicy.testing.simple import ask, row

FIRST = Rule(solver=FirstFit(), nodes=First())


def test_a_gang_that_stays_too_small_leaves_its_devices() -> None:
    """The first gang fits but for one ask; what it gave back goes to the second."""
    state = State(build(row(nodes=1, devices=4)))
    problem = Problem.of_groups(state, [Group.gang([ask("a", 3), ask("b", 3)]), Group.gang([ask("c", 4)])])
    found = Greedy(FIRST).decide(problem, np.random.default_rng(0))
    assert [p.placed for p in found.placements] == [False, False, True]
    assert found.values == (1,)
    assert "no devices for 2 asks of its group" in found.placements[0].message
    assert state.version == problem.version


def test_largest_first_places_what_the_given_order_cannot() -> None:
    """Small asks that come first break the nodes that large ones need."""
    asks = [ask("a", 1), ask("b", 3), ask("c", 2), ask("d", 2)]
    problem = Problem.of_groups(State(build(row(nodes=2, devices=4))), [Group.batch(asks)])
    given = Greedy(FIRST).decide(problem, np.random.default_rng(0))
    largest = Greedy(FIRST, "largest").decide(problem, np.random.default_rng(0))
    assert given.placed == largest.placed == 4
    tight = [ask("a", 1), ask("b", 1), ask("c", 4), ask("d", 2)]
    problem = Problem.of_groups(State(build(row(nodes=2, devices=4))), [Group.batch(tight)])
    assert Greedy(Rule(), "largest").decide(problem, np.random.default_rng(0)).placed == 4


def test_greedy_is_never_better_than_every_joint_placement() -> None:
    """Its values are counted as those of patterns are."""
    behind = 0
    for seed in range(60):
        problem = world(seed)
        found = Greedy(Rule(LEXICOGRAPHIC)).decide(problem, np.random.default_rng(0))
        best = brute_force(problem, LEXICOGRAPHIC)
        assert found.values <= best
        behind += found.values < best
    assert behind > 5


def test_orders_are_checked() -> None:
    """An order that is none is named."""
    with pytest.raises(InputError, match="greedy: order 'smallest'; use one of given, largest"):
        Greedy(FIRST, "smallest")  # type: ignore[arg-type]
