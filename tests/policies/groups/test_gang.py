"""Gangs of equal pods over a tree: near each other first, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.policies.groups import Gang
from drapolicy.policies.objectives.distance import Domain
from drapolicy.problem.group import Group
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.batches import LEXICOGRAPHIC, brute_force, gang
from drapolicy.testing.simple import ask, row

RNG = np.random.default_rng(0)


def racks(*racks: int) -> Domain:
    """Return racks of so many nodes."""
    nodes = iter(range(sum(racks)))
    own = [
        Domain(f"rack-{r}", 1, tuple(Domain(f"n{n}", 0, node=n) for _, n in zip(range(size), nodes, strict=False)))
        for r, size in enumerate(racks)
    ]
    return Domain("cluster", 4, tuple(own))


def pods(nodes: int, devices: int, count: int, size: int, at_least: int | None = None) -> Problem:
    asks = [ask(f"pod-{number}", size) for number in range(count)]
    group = Group(tuple(asks), count if at_least is None else at_least)
    return Problem.of_groups(State(build(row(nodes=nodes, devices=devices))), [group])


@pytest.mark.parametrize("room", [False, True], ids=["devices", "room"])
@pytest.mark.parametrize("first", range(0, 60, 10))
def test_gangs_are_as_near_and_good_as_every_joint_placement(first: int, room: bool) -> None:
    """Number of pods, distance and both levels of the objective are those of brute force; rules are never better."""
    for seed in range(first, first + 10):
        problem, domain = gang(seed, room=room)
        best = brute_force(problem, LEXICOGRAPHIC, domain)
        found = Gang(domain, LEXICOGRAPHIC).decide(problem, RNG)
        assert (found.path, found.values, found.bounds) == ("counts", best, best)
        for rule in ("kueue-tas", "hived-buddy"):
            assert Gang(domain, LEXICOGRAPHIC, rule).decide(problem, RNG).values <= best


def test_a_gang_takes_the_rack_that_holds_it() -> None:
    """Six pods of two devices go to the one rack with room for six, not to the first nodes."""
    problem = pods(5, 4, 6, 2)
    found = Gang(racks(2, 3)).decide(problem, RNG)
    assert {p.node for p in found.placements} == {"node-2", "node-3", "node-4"}
    assert found.values == (6, -12)
    assert found.status == "optimal"


def test_a_gang_that_does_not_fit_stays_whole() -> None:
    """All or nothing: none of four pods is placed where three fit; three are where three are enough."""
    assert Gang(racks(3)).decide(pods(3, 2, 4, 2), RNG).status == "infeasible"
    found = Gang(racks(3)).decide(pods(3, 2, 4, 2, at_least=3), RNG)
    assert (found.placed, found.status) == (3, "optimal")


def test_rules_of_other_schedulers_are_told_apart() -> None:
    """Kueue fills the rack with least room that fits; HiveD gives a whole free cell, be it larger."""
    problem = pods(5, 4, 3, 4)
    assert {p.node for p in Gang(racks(3, 2), rule="kueue-tas").decide(problem, RNG).placements} == {
        "node-0",
        "node-1",
        "node-2",
    }
    tight = pods(5, 4, 2, 4)
    assert {p.node for p in Gang(racks(3, 2), rule="kueue-tas").decide(tight, RNG).placements} == {"node-3", "node-4"}
    assert {p.node for p in Gang(racks(3, 2), rule="hived-buddy").decide(tight, RNG).placements} == {"node-3", "node-4"}


def test_what_is_no_gang_is_refused() -> None:
    """Unknown rules, domains of other nodes and labels that no node has are named."""
    with pytest.raises(InputError, match="gang: rule 'best'; use one of exact, kueue-tas, hived-buddy"):
        Gang(racks(2), rule="best")
    with pytest.raises(InputError, match="the domain has 3 nodes, the fleet 2"):
        Gang(racks(3)).decide(pods(2, 4, 2, 1), RNG)
    with pytest.raises(InputError, match="distance: no node has label example/rack; give labels of nodes"):
        Gang(("example/rack",)).decide(pods(2, 4, 2, 1), RNG)


def test_different_pods_are_placed_greedily_and_told() -> None:
    """Several kinds or groups are no gang: there is no bound, and the distance is that of each group."""
    state = State(build(row(nodes=2, devices=4)))
    mixed = Problem.of_groups(state, [Group.gang([ask("a", 1), ask("b", 2)])])
    found = Gang(racks(2)).decide(mixed, RNG)
    assert (found.why, found.path, found.values, found.bounds) == (
        "1 group with pods of 2 kinds",
        "greedy",
        (2, 0),
        (None, None),
    )
    several = Problem.of_groups(state, [Group.gang([ask(f"{g}-{n}", 3) for n in range(2 - g)]) for g in range(2)])
    found = Gang(racks(1, 1)).decide(several, RNG)
    assert (found.why, found.values) == ("2 groups with pods of 1 kind", (2, -4))
