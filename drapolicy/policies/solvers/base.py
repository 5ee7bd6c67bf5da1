"""What every solver is, and what solvers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.answer import Answer, Proof
from drapolicy.policies.objective import Objective
from drapolicy.problem.decided import MAX_STEPS, decided, seated
from drapolicy.problem.formulation import Formulation, first, fixed, permuted, restored
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits, NoFit, Outcome, TimedOut
from drapolicy.problem.solution import Solution, rank_of


@runtime_checkable
class Solver(Protocol):
    """Finds devices on one node.

    ``solve`` is called once for each node that is looked at, never concurrently on one problem; it must not change
    the problem. The reference decides whether a node has devices and whether the attempt aborts: a solver asks it
    first. It searches with :meth:`LocalProblem.search`, which is exhaustive in whatever order it is given, so that no
    policy makes a claim pending that has devices.

    Attributes
    ----------
    name
        For tables.
    seeded
        Whether devices depend on the random generator; such answers are not kept. A solver draws only once it knows
        that the node has devices, so that a node's refusal can be kept.
    """

    @property
    def name(self) -> str:
        """Name for tables."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether answers depend on the generator."""
        ...

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return the answer of one node."""
        ...


def devices_of(solution: Solution) -> NDArray[np.intp]:
    """Return the distinct devices of a solution; ascending indices."""
    return np.array(sorted({entry.device.index for taken in solution.taken for entry in taken}), np.intp)


def answer_of(
    local: LocalProblem, objective: Objective, outcome: Outcome, solution: Solution | None, status: Proof = "feasible"
) -> Answer:
    """Return the answer that an outcome of the reference makes."""
    if not isinstance(outcome, Fits) or solution is None:
        proof: Proof = "infeasible" if isinstance(outcome, NoFit) else "not_found"
        return Answer(outcome, status="timed_out" if isinstance(outcome, TimedOut) else proof)
    score = objective.of(local, devices_of(solution)) if objective.levels else ()
    return Answer(outcome, score, status, rank_of(solution, local.claims))


def first_fit(
    local: LocalProblem, objective: Objective, max_steps: int | None = MAX_STEPS
) -> tuple[Answer, Solution | None]:
    """Return the reference's answer, with its solution if the claims fit.

    Parameters
    ----------
    max_steps
        Limit of the reference's search, see :func:`~drapolicy.problem.decided.decided`.
    """
    outcome, solution = decided(local, max_steps)
    return answer_of(local, objective, outcome, solution), solution


def rows_of(local: LocalProblem, solution: Solution) -> tuple[int, ...]:
    """Return the rows of the formulation that a solution has chosen, one a request."""
    formulation = local.formulation
    assert isinstance(formulation, Formulation)
    return tuple(r for r, _ in formulation.of(solution))


def first_in_order(
    local: LocalProblem, rows: Sequence[int], order: Sequence[int], max_steps: int | None
) -> tuple[Outcome, Solution] | None:
    """Return the first devices that fit in an order of one's own; None where none are found.

    Parameters
    ----------
    rows
        Rows of the formulation, one a request: the alternatives that count.
    order
        Permutation of the device indices.
    max_steps
        Limit of the search.
    """
    formulation = local.formulation
    assert isinstance(formulation, Formulation)
    found = first(permuted(fixed(formulation, rows), order), max_steps)
    return None if found.assignment is None else seated(local, restored(found.assignment, order))
