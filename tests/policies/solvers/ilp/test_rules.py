"""Rules as rows: the solutions of the programme are the assignments that the formulation admits."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pulp
import pytest

from drapolicy.inventory import build
from drapolicy.policies.solvers.ilp.amounts import MOST_WEIGHT
from drapolicy.policies.solvers.ilp.backend import solve
from drapolicy.policies.solvers.ilp.budget import Budget
from drapolicy.policies.solvers.ilp.rules import Rules
from drapolicy.policies.solvers.ilp.undecided import by_programme
from drapolicy.problem.formulation import Assignment, Distinct, Formulation, Joint, Match, Row
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import NoFit, TimedOut
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import ask_with

MOST = 30


def generated(seed: int) -> LocalProblem:
    """Return the node of a generated problem; the release goes with the seed."""
    release = RELEASES[seed % len(RELEASES)]
    case = problem(seed, release=release)
    ask = ask_with(None, *case.claims)
    return Problem(State(build(case.objects, release), case.existing), (ask,)).local(0, ask)


def solutions(f: Formulation, most: int = MOST) -> set[Assignment]:
    """Return the solutions of the programme, each refused once it is found; at most so many."""
    rules = Rules(f)
    variables = [*rules.given.values(), *(c for c in rules.choice.values() if not isinstance(c, int))]
    found: set[Assignment] = set()
    while len(found) < most:
        solved = solve(rules.problem)
        if solved.status == "infeasible":
            break
        assert solved.status == "optimal"
        if rules.cut(solved.values):
            continue
        assignment = rules.assignment(solved.values)
        assert f.admits(assignment)
        assert assignment not in found
        found.add(assignment)
        flags = []
        for v in variables:
            value = int(solved.values[v.name]) if v.name in solved.values else 0
            if v.upBound <= 1:
                flags.append(1 - v if value else v)
                continue
            # More, or less: a flag for each, of which one has to be true.
            more, less = (rules.variable(f"{way}_{len(found)}_{v.name}") for way in ("more", "less"))
            rules.require(v >= (value + 1) * more, f"more_{len(found)}_{v.name}")
            rules.require(v + (v.upBound - value + 1) * less <= v.upBound, f"less_{len(found)}_{v.name}")
            flags += [more, less]
        rules.require(pulp.lpSum(flags) >= 1, f"other_{len(found)}")
    return found


@pytest.mark.parametrize("chunk", range(8))
def test_solutions_are_the_assignments(chunk: int) -> None:
    """Every feature and release, with all alternatives in the programme."""
    for seed in range(6 * chunk, 6 * chunk + 6):
        f = generated(seed).formulation
        if not isinstance(f, Formulation):
            continue
        expected = set(islice(f.assignments(), MOST))
        found = solutions(f)
        assert len(found) == len(expected), seed
        if len(expected) < MOST:
            assert found == expected, seed


def formulation(rows: list[Row], devices: int, **changed: object) -> Formulation:
    """Return a formulation of rows, one a request, that may all have any device."""
    none = np.zeros((devices, 0), np.int64)
    made = Formulation(
        devices=devices,
        rows=tuple(rows),
        requests=tuple((r,) for r in range(len(rows))),
        candidates=np.ones((len(rows), devices), np.bool_),
        shared=np.zeros(devices, np.bool_),
        again=False,
        room=none,
        amounts=np.zeros((len(rows), devices, 0), np.int64),
        counters=np.zeros(0, np.int64),
        draws=none,
        draws_each=False,
        joints=(),
        matches=(),
        distincts=(),
        limit=32,
        may_abort=False,
        gaps=(),
        orderly=True,
        refusal=NoFit(),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def row(claim: int, request: int, count: int = 1, every: tuple[int, ...] | None = None, *, admin: bool = False) -> Row:
    return Row(claim, request, 0, count if every is None else len(every), every, admin)


ANY = np.array([True, True])
LISTS = np.array([[True, True, False], [False, True, True], [False, False, True]])
NO = np.zeros(3, np.bool_)

BY_HAND = {
    "whole": formulation([row(0, 0), row(0, 1, 2)], 4),
    "two claims": formulation([row(0, 0), row(1, 0)], 3),
    "all": formulation([row(0, 0, every=(0, 2)), row(0, 1)], 4),
    "all of none": formulation([row(0, 0, every=())], 2),
    "admin after": formulation([row(0, 0), row(1, 0, admin=True)], 2),
    "admin before": formulation([row(0, 0, admin=True), row(1, 0)], 2),
    "admin of one claim": formulation([row(0, 0, admin=True), row(0, 1, admin=True)], 2),
    "limit": formulation([row(0, 0, 2), row(0, 1, 1)], 4, limit=2),
    "alternatives": formulation([row(0, 0, 2), row(0, 0, 1), row(0, 1, 2)], 3, requests=((0, 1), (2,))),
    "alternatives at the limit": formulation(
        [row(0, 0, 2), row(0, 0, 1), row(0, 1)], 4, requests=((0, 1), (2,)), limit=2
    ),
    "shares": formulation(
        [row(0, 0), row(0, 1)],
        2,
        shared=np.array([True, False]),
        room=np.array([[3], [0]]),
        amounts=np.array([[[2], [0]], [[1], [0]]]),
    ),
    "shares again": formulation(
        [row(0, 0, 3)],
        2,
        shared=np.array([True, False]),
        again=True,
        room=np.array([[5], [0]]),
        amounts=np.array([[[2], [0]]]),
    ),
    "no room": formulation(
        [row(0, 0)],
        2,
        shared=np.array([True, False]),
        room=np.array([[-1], [0]]),
        amounts=np.zeros((1, 2, 1), np.int64),
    ),
    "counters": formulation([row(0, 0, 2)], 3, counters=np.array([5]), draws=np.array([[2], [3], [4]])),
    "counters overdrawn": formulation([row(0, 0)], 2, counters=np.array([-1]), draws=np.array([[0], [1]])),
    "counters of shares": formulation(
        [row(0, 0), row(0, 1)],
        2,
        shared=np.array([True, True]),
        room=np.zeros((2, 0), np.int64),
        amounts=np.zeros((2, 2, 0), np.int64),
        counters=np.array([2]),
        draws=np.array([[2], [1]]),
    ),
    "counters of each share": formulation(
        [row(0, 0), row(0, 1)],
        2,
        shared=np.array([True, True]),
        room=np.zeros((2, 0), np.int64),
        amounts=np.zeros((2, 2, 0), np.int64),
        counters=np.array([2]),
        draws=np.array([[2], [1]]),
        draws_each=True,
    ),
    "groups": formulation(
        [row(0, 0, 2)],
        4,
        joints=(
            Joint(
                np.array([True, True, True, False]),
                np.array([[True, False], [True, True], [False, True], [False, False]]),
                np.array([True, True]),
            ),
        ),
    ),
    "match": formulation([row(0, 0, 2)], 3, matches=(Match(ANY[:1], np.array([[0, 1, 2]]), LISTS, NO),)),
    "match alone": formulation(
        [row(0, 0), row(0, 1)],
        3,
        matches=(Match(ANY, np.array([[0, 1, 2], [0, 1, 2]]), LISTS, np.array([False, False, True])),),
    ),
    "match alone, or not": formulation(
        [row(0, 0, 2), row(0, 0, 1)],
        3,
        requests=((0, 1),),
        matches=(Match(ANY, np.array([[0, 1, 2], [0, 1, 2]]), LISTS, np.array([False, False, True])),),
    ),
    "distinct": formulation([row(0, 0, 2)], 3, distincts=(Distinct(ANY[:1], np.array([[0, 1, 2]]), LISTS, NO),)),
    "distinct first": formulation(
        [row(0, 0, 1), row(0, 1, 2)],
        4,
        distincts=(
            Distinct(
                ANY,
                np.array([[0, 1, 2, 3], [0, 1, 2, 3]]),
                np.array([[True, False], [False, True], [False, False], [False, False]]),
                np.array([False, False, True, False]),
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_each_rule(name: str) -> None:
    """A rule at a time, among them what hardly occurs."""
    f = BY_HAND[name]
    assert solutions(f) == set(f.assignments())


@pytest.mark.parametrize("again", [False, True])
def test_amounts_too_fine_for_floats_are_exact(again: bool) -> None:
    """Coarser rows let some solutions through; they are refused by rows of their own."""
    large = MOST_WEIGHT * 2**30
    f = formulation(
        [row(0, 0, 3)],
        4,
        shared=np.ones(4, np.bool_),
        again=again,
        room=np.full((4, 1), large),
        amounts=np.array([[[large // 3 + 1], [large // 2], [large], [large // 2 + 1]]]),
        counters=np.array([3 * large]),
        draws=np.array([[large], [large + 1], [large], [large]]),
    )
    expected = set(f.assignments())
    assert solutions(f) == expected
    assert expected


def test_values_go_to_and_fro() -> None:
    """An assignment that is admitted is a solution, with every variable that is decided."""
    f = BY_HAND["alternatives"]
    rules = Rules(f)
    for assignment in f.assignments():
        values = rules.values(assignment)
        assert rules.assignment(values) == assignment
        assert rules.decisions(values) == values


@pytest.mark.parametrize("chunk", range(4))
def test_the_first_assignment_is_the_references(chunk: int) -> None:
    """Where the programme decides instead of the reference, it decides the same, alternatives and devices included."""
    decided = 0
    for seed in range(20 * chunk, 20 * chunk + 20):
        local = generated(seed)
        found = by_programme(local, Budget("HiGHS"))
        outcome, _ = local.first(20_000)
        if found is not None and not isinstance(outcome, TimedOut):
            decided += 1
            assert found[0] == outcome, seed
    assert decided > 3


def test_undecided_without_time() -> None:
    """A limit leaves the word to the reference."""
    local = next(local for local in map(generated, range(100)) if by_programme(local, Budget("HiGHS")) is not None)
    found = by_programme(local, Budget("HiGHS", time_limit_s=0.0))
    assert found is None or found[1] is None
