"""What the reference decides of one node, found without its search where the formulation tells it sooner."""

from __future__ import annotations

from drapolicy.problem.formulation import Assignment, Formulation, first, infeasible
from drapolicy.problem.node_search import NodeSearch
from drapolicy.problem.outcome import Fits, Outcome, TimedOut
from drapolicy.problem.solution import Solution

MAX_STEPS = 2_000_000
_EASY = 300
_HARD = 100_000


def decided(local: NodeSearch, max_steps: int | None = MAX_STEPS) -> tuple[Outcome, Solution | None]:
    """Return what the reference decides, and its solution if the claims fit.

    What a few hundred steps do not decide, the formulation decides, where it decides as the reference does.

    Parameters
    ----------
    max_steps
        Limit of the reference's search.
    """
    if max_steps is not None and max_steps <= _EASY:
        return local.first(max_steps)
    outcome, solution = local.first(_EASY)
    if isinstance(outcome, TimedOut):
        outcome, solution = _quickly(local) or local.first(max_steps)
    return outcome, solution


def _quickly(local: NodeSearch) -> tuple[Outcome, Solution | None] | None:
    """Return what the reference would decide, without its search; None where only that can tell."""
    formulation = local.formulation
    if not isinstance(formulation, Formulation) or formulation.may_abort or formulation.gaps or not formulation.orderly:
        return None
    if infeasible(formulation) is not None:
        return formulation.refusal, None
    found = first(formulation, _HARD, local.timeout_s)
    if not found.complete:
        return None
    if found.assignment is None:
        return formulation.refusal, None
    return seated(local, found.assignment)


def seated(local: NodeSearch, assignment: Assignment) -> tuple[Outcome, Solution] | None:
    """Return an assignment as Kubernetes writes it, with its solution; None where the reference refuses it."""
    solution = local.seat(assignment)
    if solution is None:
        return None
    outcome = local.written(solution)
    return (outcome, solution) if isinstance(outcome, Fits) else None
