"""The formulation admits just what the reference comes to when it looks at every assignment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drapolicy.inventory import build
from drapolicy.problem.formulation import Assignment, Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Abort, TimedOut
from drapolicy.problem.problem import Problem
from drapolicy.problem.solution import Solution
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with, claim, request, row

Drawn = Callable[[int, str], LocalProblem]

MAX_STEPS = 3_000


def check_all(local: LocalProblem) -> str:
    """Compare all assignments with all that the reference visits, and return what the problem was like."""
    seen: list[Solution] = []

    def visit(solution: Solution) -> bool:
        seen.append(solution)
        return False

    outcome = local.search(visit=visit, max_steps=MAX_STEPS)
    made = local.formulation
    if not isinstance(made, Formulation):
        assert made == outcome
        return "ends before the search"
    if isinstance(outcome, TimedOut):
        return "too large"
    admitted = list(made.assignments())
    for assignment in admitted[:10]:
        seated = local.seat(assignment)
        assert seated is not None
        assert made.of(seated) == assignment
    if made.gaps:
        return "gap"
    if seen:
        assert [made.of(solution) for solution in seen] == admitted
        return "equal"
    if isinstance(outcome, Abort):
        assert made.may_abort
        return "abort"
    assert (admitted, outcome) == ([], made.refusal)
    return "nothing"


@pytest.mark.parametrize("seed", range(0, 1_500, 100))
def test_every_assignment_is_there_in_the_order_of_the_reference(drawn: Drawn, seed: int) -> None:
    """Hundreds of problems with all features of all releases: the same assignments, one after the other."""
    kinds = [check_all(drawn(seed + offset, "tiny")) for offset in range(100)]
    assert kinds.count("equal") >= 10
    assert kinds.count("nothing") >= 10
    assert kinds.count("gap") < 20


@pytest.mark.parametrize("seed", range(0, 120, 20))
def test_larger_problems_agree_too(drawn: Drawn, seed: int) -> None:
    """Several pools, claims and alternatives meet."""
    kinds = {check_all(drawn(seed + offset, "small")) for offset in range(20)}
    assert {"equal", "nothing"} <= kinds


@pytest.mark.parametrize("seed", range(0, 800, 100))
def test_the_first_of_an_orderly_release_is_its_first_fit(drawn: Drawn, seed: int) -> None:
    """Where nothing leaves traces, the release's own search takes the first assignment."""
    compared = 0
    for local in (drawn(seed + offset, "tiny") for offset in range(100)):
        made = local.formulation
        if not isinstance(made, Formulation) or made.gaps or made.may_abort or not made.orderly:
            continue
        outcome, solution = local.first(MAX_STEPS)
        first = next(made.assignments(), None)
        if isinstance(outcome, TimedOut):
            continue
        assert (None if solution is None else made.of(solution)) == first or isinstance(outcome, Abort)
        compared += 1
    assert compared >= 40


@pytest.mark.parametrize(
    ("assignment", "valid"),
    [
        (((0, (0, 1)), (1, (2,))), True),
        (((0, (1, 2)), (1, (0,))), True),
        (((0, (0, 1)), (1, (1,))), False),
        (((0, (0, 0)), (1, (1,))), False),
        (((0, (0,)), (1, (1,))), False),
        (((0, (0, 1)), (1, (1, 2))), False),
        (((0, (0, 1)),), False),
    ],
)
def test_both_refuse_what_is_no_assignment(assignment: Assignment, valid: bool) -> None:
    """Devices twice, too few of them, too many, and requests left out: in the formulation as in the reference."""
    ask = ask_with(None, claim("c", request(2, name="a"), request(1, name="b")))
    local = Problem(State(build(row(nodes=1, devices=3))), (ask,)).local(0, ask)
    assert isinstance(local.formulation, Formulation)
    assert local.formulation.admits(assignment) == valid
    assert (len(assignment) == 2 and local.seat(assignment) is not None) == valid
