"""The exact solver equals brute force, whichever way it takes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.resource import DeviceConstraint, DeviceRequest, ResourceClaim
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks
from drapolicy.policies import (
    POLICIES,
    Exact,
    FirstFit,
    Grow,
    Objective,
    chances_lost,
    inside,
    links_lost,
    objective,
    still_placeable,
)
from drapolicy.policies.objective import Score
from drapolicy.policies.objectives import bottleneck
from drapolicy.policies.solvers import LocalSearch, Portfolio, RandomOrder
from drapolicy.policies.solvers.base import devices_of, first_fit, rows_of
from drapolicy.policies.solvers.exact.bound import best_by_bound
from drapolicy.policies.solvers.exact.enumeration import best_by_enumeration
from drapolicy.policies.solvers.exact.tables import best_by_tables
from drapolicy.policies.solvers.exact.tree import best_by_tree
from drapolicy.policies.solvers.task import Best, Task
from drapolicy.problem.formulation import Formulation, fixed
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, objects, request

RNG = np.random.default_rng
OF = f"device.attributes['{DRIVER}']"


@objective(sense="max", unit="", bounds=(-(10**6), 10**6))
def uneven(node: LocalProblem, chosen: Any) -> int:
    """Neither pairs nor devices decide alone."""
    return int((chosen * 37 % 11).sum() * (chosen.sum() % 5) - (chosen**2).sum() % 7)


OBJECTIVES = (
    Objective().then(inside),
    Objective().then(links_lost),
    Objective().then(inside - links_lost),
    Objective().then(inside, links_lost, still_placeable),
    Objective().then(bottleneck),
    Objective().then(bottleneck, inside, links_lost),
    Objective().then(chances_lost, still_placeable),
    Objective().then(uneven, inside),
)


def brute(local: LocalProblem, aim: Objective) -> tuple[Score, tuple[int, ...]] | None:
    """Return the best score of all assignments with the alternatives of the first fit, and its first set of devices."""
    _, solution = first_fit(local, aim)
    if solution is None:
        return None
    made = local.formulation
    assert isinstance(made, Formulation)
    sets = {
        tuple(sorted({d for _, devices in assignment for d in devices}))
        for assignment in fixed(made, rows_of(local, solution)).assignments()
    }
    if not sets:
        # What the release's search leaves behind let something pass that no rule allows.
        assert not made.orderly
        return None
    scored = [(aim.of(local, np.array(own, np.intp)), own) for own in sets]
    greatest = max(score for score, _ in scored)
    return greatest, min(own for score, own in scored if score == greatest)


def agrees(local: LocalProblem, aim: Objective) -> str:
    """Compare the solver and each way that suits with brute force; return the ways."""
    expected = brute(local, aim)
    answer = Exact(max_steps=None).solve(local, aim, RNG(0))
    if expected is None:
        return ""
    made = local.formulation
    assert isinstance(made, Formulation)
    assert isinstance(answer.outcome, Fits)
    assert answer.status == "optimal"
    assert (answer.score, tuple(local.indices(answer.outcome.results).tolist())) == expected
    _, solution = first_fit(local, aim)
    assert solution is not None
    task = Task.of(local, aim, made, rows_of(local, solution))
    ways = {
        "tree": best_by_tree(task),
        "tables": best_by_tables(task, None),
        "bound": best_by_bound(task, None, tuple(devices_of(solution).tolist())),
        "enumeration": best_by_enumeration(task, None),
    }
    for way, best in ways.items():
        if isinstance(best, Best):
            assert (best.score, best.devices, best.complete) == (*expected, True), way
            assert made.admits(task.expanded(best.assignment))
    return " ".join(way for way, best in ways.items() if best is not None)


@st.composite
def nodes(draw: st.DrawFn) -> LocalProblem:
    """Up to eight devices with links of a tree or none, in groups and kinds; claims of several requests."""
    size = draw(st.integers(1, 8))
    if draw(st.booleans()):
        splits = draw(st.lists(st.lists(st.integers(0, 2), min_size=size, max_size=size), min_size=1, max_size=3))
        level = np.ones((size, size), np.int64)
        links = level * draw(st.integers(0, 3))
        for codes in splits:
            level = level * (np.equal.outer(codes, codes))
            links = np.where(level > 0, draw(st.integers(0, 9)), links)
        np.fill_diagonal(links, 0)
    else:
        cells = draw(st.lists(st.integers(0, 5), min_size=size * size, max_size=size * size))
        upper = np.triu(np.array(cells, np.int64).reshape(size, size), 1)
        links = upper + upper.T
    groups = draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    kinds = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    made = [device(f"d{d}", group=groups[d], kind=kinds[d]) for d in range(size)]
    claims = [
        wish(draw, f"c{number}", draw(st.sampled_from(["", "match", "distinct"])))
        for number in range(draw(st.integers(1, 2)))
    ]
    fleet = build(objects({"node-0": made}))
    fleet = fleet.with_links({"node-0": NodeLinks(tuple((DRIVER, "node-0", d.name) for d in made), links)})
    ask = ask_with(None, *claims)
    return Problem(State(fleet), (ask,)).local(0, ask)


def wish(draw: st.DrawFn, name: str, constraint: str) -> ResourceClaim:
    wanted: list[DeviceRequest] = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["", f"{OF}.kind == 0", f"{OF}.kind == 1"]))
        wanted.append(request(draw(st.integers(1, 3)), kind, name=f"r{number}"))
    made = claim(name, *wanted, match=f"{DRIVER}/group" if constraint == "match" else "")
    if constraint == "distinct":
        spec = msgspec.structs.replace(
            made.spec.devices, constraints=[DeviceConstraint(distinct_attribute=f"{DRIVER}/group")]
        )
        made = msgspec.structs.replace(made, spec=msgspec.structs.replace(made.spec, devices=spec))
    return made


@pytest.mark.parametrize("aim", OBJECTIVES, ids=lambda aim: "-".join(term.name for term in aim.terms))
@given(nodes())
def test_it_is_the_best_of_all_sets(aim: Objective, local: LocalProblem) -> None:
    """With several requests and claims, constraints, and links with and without structure."""
    agrees(local, aim)


@pytest.mark.parametrize("seed", range(0, 800, 100))
def test_it_is_the_best_on_generated_problems(seed: int) -> None:
    """With shares, counters, mode All, admin access and taints, in every release."""
    ways: set[str] = set()
    for number in range(seed, seed + 100):
        release = RELEASES[number % len(RELEASES)]
        case = problem(number, size="tiny", release=release)
        fleet = build(case.objects, release)
        ask = ask_with(None, *case.claims)
        state = State(fleet, case.existing)
        local = Problem(state, (ask,)).local(fleet.nodes.index[case.node.metadata.name], ask)
        made = local.formulation
        if isinstance(made, Formulation) and not made.gaps:
            ways.add(agrees(local, OBJECTIVES[number % len(OBJECTIVES)]))
    assert "enumeration" in ways
    assert any(way.startswith("tree tables") for way in ways)


def tree_links(size: int, *levels: tuple[int, int]) -> np.ndarray:
    """Return links of a balanced tree: groups of so many neighbours have so much."""
    links = np.zeros((size, size), np.int64)
    for group, mb_s in levels:
        same = np.equal.outer(np.arange(size) // group, np.arange(size) // group)
        links[same] = mb_s
    np.fill_diagonal(links, 0)
    return links


def linked(links: np.ndarray, *claims: ResourceClaim, taken: Callable[[int], bool] = bool) -> LocalProblem:
    made = [device(f"d{d:03}", free=int(taken(d))) for d in range(len(links))]
    ids = tuple((DRIVER, "node-0", d.name) for d in made)
    fleet = build(objects({"node-0": made})).with_links({"node-0": NodeLinks(ids, links)})
    ask = ask_with(None, *claims)
    return Problem(State(fleet), (ask,)).local(0, ask)


@pytest.mark.parametrize(("size", "modulus", "count"), [(16, 3, 8), (36, 3, 8), (72, 3, 8), (72, 3, 18)])
def test_trees_of_many_devices_take_a_step(size: int, modulus: int, count: int) -> None:
    """Nothing is searched, whatever is free of a rack of 72."""
    links = tree_links(size, (size, 50), (size // 2, 100), (size // 4, 200))
    local = linked(links, claim("c", request(count, f"{OF}.free == 1")), taken=lambda d: d * 7 % modulus != 0)
    aim = Objective().then(inside, links_lost)
    answer = Exact(max_steps=1).solve(local, aim, RNG(0))
    assert answer.status == "optimal"


def test_the_limit_makes_no_claim_of_optimality() -> None:
    """Forty devices without structure: no heuristic is better, and the answer only feasible."""
    rng = RNG(1)
    upper = np.triu(rng.integers(0, 100, (40, 40)), 1)
    local = linked(upper + upper.T, claim("c", request(10)))
    aim = Objective().then(inside)
    for limit in (1, 300):
        answer = Exact(max_steps=limit).solve(local, aim, RNG(0))
        others = [solver.solve(local, aim, RNG(0)) for solver in (FirstFit(), Grow(), LocalSearch(max_steps=limit))]
        assert answer.status == "feasible"
        assert answer.score >= max(other.score for other in others)


def test_equal_sets_are_told_apart_by_their_first_devices() -> None:
    """Of all pairs with equal links that of the first two devices is taken."""
    local = linked(np.ones((6, 6), np.int64) - np.eye(6, dtype=np.int64), claim("c", request(2)))
    answer = Exact().solve(local, Objective().then(inside), RNG(0))
    assert isinstance(answer.outcome, Fits)
    assert local.indices(answer.outcome.results).tolist() == [0, 1]


def test_the_best_pair_across_requests_is_found() -> None:
    """One device of each kind: brute force over the product finds no better pair."""
    rng = RNG(3)
    upper = np.triu(rng.integers(0, 1000, (12, 12)), 1)
    links = upper + upper.T
    claims = claim("c", request(1, f"{OF}.free == 1", name="a"), request(1, f"{OF}.free == 0", name="b"))
    local = linked(links, claims, taken=lambda d: d < 6)
    answer = Exact().solve(local, Objective().then(inside), RNG(0))
    assert answer.score == (max(links[a, b] for a, b in combinations(range(12), 2) if a < 6 <= b),)


HEURISTICS = {
    **{solver.name: solver for solver in (FirstFit(), Grow(), LocalSearch(), RandomOrder(), Portfolio())},
    "restarted": LocalSearch(RandomOrder(), restarts=2),
    **{name: POLICIES[name].solver for name in ("go-gpuallocator", "amd-device-plugin", "intel-device-plugin")},
}


def no_worse(seeds: range) -> set[str]:
    """Hold the proven best of generated problems against every heuristic; return those that were worse somewhere."""
    beaten = set()
    for seed in seeds:
        release = RELEASES[seed % len(RELEASES)]
        case = problem(seed, release=release, size="tiny" if seed % 2 else "small")
        ask = ask_with(None, *case.claims)
        local = Problem(State(build(case.objects, release), case.existing), (ask,)).local(0, ask)
        aim = OBJECTIVES[seed // len(RELEASES) % len(OBJECTIVES)]
        best = Exact(max_steps=20_000).solve(local, aim, RNG(0))
        for name, heuristic in HEURISTICS.items() if best.status == "optimal" else ():
            answer = heuristic.solve(local, aim, RNG(seed))
            assert (answer.fits, answer.rank, answer.score <= best.score) == (True, best.rank, True), (seed, name)
            beaten |= {name} if answer.score < best.score else set()
    return beaten


def test_no_heuristic_is_better_than_what_is_proven() -> None:
    """All features of all releases, solvers of other allocators among them."""
    assert no_worse(range(120)) >= {"first-fit", "grow", "random"}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(20))
def test_no_heuristic_is_better_on_many_problems(chunk: int) -> None:
    """The same for 2,000 problems."""
    no_worse(range(100 * chunk, 100 * chunk + 100))
