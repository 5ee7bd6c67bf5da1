"""The exact solver: which method suits a node's problem, and what may be claimed of its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective, Score
from drapolicy.policies.solvers.base import answer_of, devices_of, first_fit, rows_of
from drapolicy.policies.solvers.exact.bound import best_by_bound
from drapolicy.policies.solvers.exact.enumeration import best_by_enumeration
from drapolicy.policies.solvers.exact.tables import best_by_tables
from drapolicy.policies.solvers.exact.tree import best_by_tree
from drapolicy.policies.solvers.local_search import LocalSearch
from drapolicy.policies.solvers.task import Best, Task
from drapolicy.problem.decided import seated
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits, NoFit
from drapolicy.problem.solution import Solution

MAX_STEPS = 200_000
_EASY = 2_000  # steps after which a bound that has not closed may never close


@dataclass(frozen=True)
class Exact:
    """The best assignment of a node.

    Attributes
    ----------
    max_steps
        Limit of choices looked at; at the limit the answer is ``feasible``, not ``optimal``: the best so far, or what
        local search finds if that is better.

    Notes
    -----
    By itself it takes the first method that suits: dynamic programming where weights of pairs form a tree (72 devices
    in milliseconds), all subsets at once for one request with few of them, branch and bound for other weights of
    pairs, and all assignments for the rest. All give the same answer.

    Prioritized lists keep Kubernetes' meaning: only assignments with the alternatives that the reference chooses
    compete. Ties go to the devices that come first in upstream's order: to the set that is lexicographically smallest,
    its devices ascending. Where a release's search leaves traces behind (``Formulation.gaps``), the reference itself
    is asked for every assignment in upstream's order, and ties go to the one that it finds first: the answer is
    ``feasible``, as in another order such a release may come to others.
    """

    max_steps: int | None = MAX_STEPS
    name: ClassVar[str] = "exact"
    seeded: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.max_steps is not None and self.max_steps < 0:
            message = f"solver exact: max_steps {self.max_steps} is negative; use 0 or more, or None for no limit"
            raise InputError(message)

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return the best assignment of the node."""
        fitting, solution = first_fit(local, objective)
        if solution is None or not objective.levels:
            return fitting
        formulation = local.formulation
        assert isinstance(formulation, Formulation)
        if formulation.gaps:
            # In another order of devices the reference may come to others yet: nothing is proven.
            found = _by_reference(local, objective, fitting, solution, self.max_steps)
            return replace(found, status="feasible")
        task = Task.of(local, objective, formulation, rows_of(local, solution))
        best = solved(task, self.max_steps, tuple(devices_of(solution).tolist()))
        placed = None if best.score is None else seated(local, task.expanded(best.assignment))
        if placed is None:
            # Devices that no allocation can be written for, or nothing as good as the first until the limit.
            if best.complete:
                return _by_reference(local, objective, fitting, solution, self.max_steps)
            return self._improved(local, objective, fitting, rng)
        answer = answer_of(local, objective, *placed, status="optimal" if best.complete else "feasible")
        return answer if best.complete else self._improved(local, objective, answer, rng)

    def _improved(self, local: LocalProblem, objective: Objective, answer: Answer, rng: np.random.Generator) -> Answer:
        """Return the best of an answer at the limit and what local search comes to, so that no heuristic is better."""
        other = LocalSearch(max_steps=self.max_steps).solve(local, objective, rng)
        return other if other.score > answer.score else answer


def solved(task: Task, max_steps: int | None, known: tuple[int, ...]) -> Best:
    """Return the best assignment by the first method that suits.

    Parameters
    ----------
    known
        Devices of an assignment that is known.
    """
    found = best_by_tree(task)
    if found is not None:
        return found
    easy = _EASY if max_steps is None else min(_EASY, max_steps)
    found = best_by_bound(task, easy, known)
    if found is not None and found.complete:
        return found
    return (
        best_by_tables(task, max_steps) or best_by_bound(task, max_steps, known) or best_by_enumeration(task, max_steps)
    )


def _by_reference(
    local: LocalProblem, objective: Objective, best: Answer, solution: Solution, max_steps: int | None
) -> Answer:
    """Return the best of all assignments that the reference comes to."""
    scores: dict[tuple[int, ...], Score] = {}

    def visit(candidate: Solution) -> bool:
        nonlocal best
        if candidate.alternatives != solution.alternatives:
            return False
        chosen = devices_of(candidate)
        key = tuple(chosen.tolist())
        if key not in scores:
            scores[key] = objective.of(local, chosen)
        if scores[key] > best.score:
            # Devices that cannot be written as an allocation would end the attempt, which the reference does not.
            written = local.written(candidate)
            if isinstance(written, Fits):
                best = Answer(written, scores[key], rank=best.rank)
        return False

    outcome = local.search(visit=visit, max_steps=max_steps)
    return replace(best, status="optimal") if isinstance(outcome, NoFit) else best
