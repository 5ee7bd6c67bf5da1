"""Batches and gangs by patterns: as good as every joint placement, and bounds that hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from drapolicy.api import Objects
from drapolicy.api.resource import AllocationResult, ResourceClaim, ResourceClaimStatus
from drapolicy.errors import InputError, SolverError, UnsupportedFeatureError
from drapolicy.inventory import build
from drapolicy.policies import objective
from drapolicy.policies.groups import Patterns, Together
from drapolicy.policies.groups.master import Master
from drapolicy.policies.objective import Indices
from drapolicy.problem.ask import Ask, ask_for_claim
from drapolicy.problem.group import Group
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.pod_requests import PodAsk
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.batches import LEXICOGRAPHIC, brute_force, world
from drapolicy.testing.partitions import partitioned
from drapolicy.testing.simple import ask, ask_with, claim, device, objects, request, row
from drapolicy.verify import verify

SEEDS = range(0, 48, 6)


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


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_batches_of_partitions_are_as_good_as_every_joint_placement(first: int) -> None:
    """Shared counters of cards, as of MIG: slices that partitions lie on, and engines that are fewer; proved."""
    for seed in range(first, first + 10):
        problem = partitioned(seed)
        found = decided(problem)
        assert (found.path, found.why) == ("patterns", "")
        assert found.values == found.bounds == brute_force(problem, LEXICOGRAPHIC)


def test_partitions_that_share_counters_exclude_each_other() -> None:
    """A card of four slices: two of two slices and a whole one are asked for; only the halves go together."""
    halves = [wanted("a", "2g"), wanted("b", "2g")]
    state = State(partitioned(3).fleet)
    assert len(state.fleet.nodes) == 1
    batch = decided(Problem.of_groups(state, [Group.batch([wanted("whole", "4g"), *halves])]), Patterns())
    assert [placement.placed for placement in batch.placements] == [False, True, True]
    assert (batch.status, batch.values) == ("optimal", (2,))


def wanted(name: str, profile: str) -> Ask:
    return ask_for_claim(claim(name, request(1, f"device.attributes['gpu.example'].profile == '{profile}'")))


def test_nodes_for_themselves_give_the_same() -> None:
    """Counting nodes by state changes what it costs, not what is reached."""
    for seed in range(20):
        problem = world(seed)
        by_state, by_node = decided(problem), decided(problem, Patterns(LEXICOGRAPHIC, symmetric=False))
        assert by_state.values == by_node.values
        assert by_state.bounds == by_node.bounds


def test_limits_leave_bounds_that_hold() -> None:
    """With few rounds and columns the value may be less and the bound more, never the other way round."""
    hurried = 0
    for seed in range(60):
        problem = world(seed)
        found = decided(problem, Patterns(LEXICOGRAPHIC, max_rounds=1 + seed % 3, max_columns=0))
        best = brute_force(problem, LEXICOGRAPHIC)
        assert found.values <= best
        for level, (bound, own, value) in enumerate(zip(found.bounds, best, found.values, strict=True)):
            # A bound speaks of placements that are as good in the levels before.
            if bound is not None:
                assert bound >= value
                assert bound >= own or found.values[:level] != best[:level]
        hurried += found.values != found.bounds
    assert hurried


def test_counts_of_asks_by_state_would_be_no_bound() -> None:
    """Two asks that share a node are better than on nodes apart: each ask on a node of its own is a restriction."""
    problem = Problem.of_groups(State(build(row(nodes=1, devices=4))), [Group.gang([ask("a", 2), ask("b", 2)])])
    found = decided(problem, Patterns())
    assert (found.values, found.bounds, found.status) == ((2,), (2,), "optimal")


def test_placements_pass_the_checker() -> None:
    """Every claim's allocation is looked at again from the objects alone, beside those of all others."""
    for seed in range(60):
        problem = world(seed, room=seed % 2 == 1)
        found = decided(problem)
        fleet = problem.fleet
        objects = Objects(
            slices=tuple(fleet.slice(i) for i in range(len(fleet.slices))), classes=tuple(fleet.classes.values())
        )
        held = [holding(f"held-{key}", result) for key, result in problem.state.held.items()]
        for own, placement in zip(problem.asks, found.placements, strict=True):
            if placement.node is None:
                continue
            node = fleet.nodes[fleet.nodes.index[placement.node]]
            verify(objects, node, own.claims, placement.results, fleet.release, existing=held)
            held += [holding(c.metadata.name, r) for c, r in zip(own.claims, placement.results, strict=True)]


def holding(name: str, result: AllocationResult) -> ResourceClaim:
    made = claim(name.replace("/", "-"), request())
    return replace(made, status=ResourceClaimStatus(allocation=result))


def test_events_carry_the_decision_out() -> None:
    """What is decided can happen: the state then holds each claim, and the problem's own state was left alone."""
    problem = world(3)
    before = problem.state.version
    found = decided(problem)
    assert problem.state.version == before
    for event in found.events(problem):
        problem.state.apply(event)
    assert len(problem.state.running) >= found.placed > 0


def test_what_is_no_pattern_is_done_greedily_and_told() -> None:
    """Claims that several asks use, objectives that read what columns do not tell, and scores beyond 64 bits."""
    state = State(build(row(nodes=2, devices=4)))
    shared = claim("shared", request(1))
    both = [ask_with(None, shared, name="test/a"), ask_with(None, shared, claim("own", request(1)), name="test/b")]
    apart = [ask("c", 1), ask("d", 2)]
    for asks, wanted, why in (
        (both, None, "claim test/shared is used by several asks"),
        (apart, named, "the policy reads devices"),
        (apart, huge, "scores beyond 64 bits"),
    ):
        found = decided(Problem.of_groups(state, [Group.gang(asks)]), Patterns(wanted))
        assert (found.path, found.why, found.placed) == ("greedy", why, 2)
        assert set(found.bounds) == {None}
        assert set(found.gaps) == {None}


@objective(sense="max", unit="letters", bounds=(0, 100))
def named(node: LocalProblem, chosen: Indices) -> int:
    """Letters of the devices' names."""
    return sum(len(node.devices[d].id.device) for d in chosen)


@objective(sense="max", unit="points", bounds=(0, 2**62))
def huge(node: LocalProblem, chosen: Indices) -> int:
    """More than sums can hold."""
    return 2**56 * chosen.size


def test_no_asks_and_impossible_asks_are_decided() -> None:
    """Nothing to place is placed optimally; an ask of an unknown class stays pending, its gang with it."""
    state = State(build(row(nodes=1, devices=4)))
    assert decided(Problem.of_groups(state, [])).values == (0, 0, 0)
    unknown = ask_with(None, claim("x", request(1, cls="nowhere")), name="test/x")
    batch = decided(Problem.of_groups(state, [Group.batch([unknown, ask("a", 1)])]), Patterns())
    assert [p.placed for p in batch.placements] == [False, True]
    assert batch.placements[0].status == "infeasible"
    gang = decided(Problem.of_groups(state, [Group.gang([unknown, ask("a", 1)])]), Patterns())
    assert (gang.placed, gang.status) == (0, "infeasible")
    assert "no devices for 2 asks of its group" in gang.placements[1].message


def test_groups_that_are_none_are_refused() -> None:
    """More than there are, and asks that are not those of the groups."""
    with pytest.raises(InputError, match="group: at least 3 of 2 asks; use 0 to 2"):
        Group((ask("a", 1), ask("b", 1)), 3)
    state = State(build(row(nodes=1, devices=4)))
    with pytest.raises(InputError, match="its asks are not those of its groups"):
        Problem(state, (ask("a", 1),), groups=(Group((ask("b", 1),)),))


def test_asks_that_all_differ_are_decided_without_listing_patterns() -> None:
    """Sixteen kinds, each with devices of its own: columns are made where prices ask for them, and it is proved."""
    fleet = build(objects({f"node-{n}": [device(f"d{i}", index=i) for i in range(8)] for n in range(3)}))
    index = "device.attributes['gpu.example'].index"
    asks = [
        ask_for_claim(claim(f"c{i}", request(1 + i % 3, f"{index} >= {i % 6} && {index} < {16 - i}")))
        for i in range(16)
    ]
    found = decided(Problem.of_groups(State(fleet), [Group.batch(asks)]))
    assert found.status == "optimal"
    assert found.effort is not None
    assert found.effort["columns"] < 5_000


def test_an_overfull_node_takes_asks_that_need_no_room() -> None:
    """Pods that were bound by hand have taken more CPU than the node has; a claim on its own needs none."""
    problem = world(1, room=True)
    state = problem.state
    for n in range(len(problem.fleet.nodes)):
        state.rooms[n].add(PodAsk({"cpu": 10**6}, (0, 0), (0, 0)))
    pods = [own for own in problem.asks if own.pod is not None]
    found = decided(Problem.of_groups(state, [Group.batch([ask("lone", 1), *pods])]), Patterns())
    assert [p.placed for p in found.placements] == [True] + [False] * len(pods)


def test_a_solver_that_gives_up_leaves_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither programme is solved: asks are placed greedily, and the bound on their number still holds."""

    def broken(*_: object) -> None:
        message = "values break row"
        raise SolverError(message)

    monkeypatch.setattr(Master, "chosen", broken)
    monkeypatch.setattr(Master, "relaxed", lambda *_: None)
    for seed in range(20):
        problem = world(seed)
        found = decided(problem)
        best = brute_force(problem, LEXICOGRAPHIC)
        assert found.values <= best
        assert found.bounds[0] is not None
        assert found.bounds[0] >= best[0]
        assert found.path == "greedy" or not best[0]


@pytest.mark.parametrize("kind", ["lp", "mps"])
def test_the_programme_can_be_written(tmp_path: Path, kind: str) -> None:
    """Another reader finds the last level's value in the file, earlier levels held."""
    import highspy

    for seed in range(12):
        problem = world(seed)
        found = decided(problem)
        path = tmp_path / f"batch-{seed}.{kind}"
        Patterns(LEXICOGRAPHIC).write(problem, path)
        model = highspy.Highs()
        model.setOptionValue("output_flag", False)
        model.readModel(str(path))
        model.run()
        assert round(model.getInfo().objective_function_value) == found.values[-1]


def test_what_has_no_programme_is_not_written(tmp_path: Path) -> None:
    """What is decided greedily says why; the name tells the kind of the file."""
    problem = Problem.of_groups(State(build(row(nodes=1, devices=4))), [Group.gang([ask("a", 1)])])
    with pytest.raises(UnsupportedFeatureError, match="programme: the asks have none together: scores beyond 64 bits"):
        Patterns(huge).write(problem, tmp_path / "batch.lp")
    with pytest.raises(InputError, match="ends in neither .lp nor .mps"):
        Patterns().write(problem, tmp_path / "batch.txt")
    assert not list(tmp_path.iterdir())
