"""One node's problem with its objective as an integer programme, solved level by level."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import pulp

from drapolicy.policies.objective import Score, Term
from drapolicy.policies.solvers.ilp.aims import aims_of, alike, form_of
from drapolicy.policies.solvers.ilp.budget import Budget
from drapolicy.policies.solvers.ilp.rules import Rules
from drapolicy.policies.solvers.task import Task
from drapolicy.problem.formulation import Assignment


class Found(NamedTuple):
    """What became of a programme.

    Attributes
    ----------
    assignment
        The best that was found; None for none.
    score
        As the programme has it; levels that were looked at.
    bound
        No assignment has a greater score: the levels up to the first that is not proven.
    optimal
        Whether all levels are proven.
    """

    assignment: Assignment | None
    score: Score
    bound: Score
    optimal: bool


class Programme:
    """The programme of a task.

    Parameters
    ----------
    task
        One node's problem with one row a request.

    Notes
    -----
    Levels are solved one after the other, the earlier ones held at their best. Of equal choices that of earlier devices
    is taken: the devices, as binary digits, are maximised last, some at a time.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        f = task.formulation
        self.rules = Rules(f)
        self._fixed = not any(f.shared[d] for d in self.rules.devices) and not any(f.rows[r].admin for r in task.rows)
        self._count = sum(f.rows[r].count for r in task.rows) if self._fixed else None
        self.aims = aims_of(self.rules, task.local, task.objective, self._count)
        if task.plain:
            self._order_twins()

    def _order_twins(self) -> None:
        """Let what nothing tells apart be taken in order: what a solver would otherwise try in every order."""
        task, rules = self._task, self.rules
        matrices = []
        for level in task.objective.levels:
            form = form_of(rules, task.local, level, self._count)
            if isinstance(form, Term):
                return
            matrices.append(form[1] if isinstance(form, tuple) else form)
        for later, earlier in alike(rules, matrices).items():
            rules.require(rules.used(later) <= rules.used(earlier), f"twins_{earlier}_{later}")

    def best(self, budget: Budget, start: Assignment) -> Found:
        """Return the best assignment.

        Parameters
        ----------
        start
            An assignment that is admitted.
        """
        rules = self.rules
        known: Mapping[str, float] = rules.values(start)
        best: Assignment | None = None
        score: list[int] = []
        bound: list[int] = []
        for level, aim in enumerate(self.aims):
            found = budget.solve(rules, aim.expression, known)
            if found.values:
                known, best = found.values, rules.assignment(found.values)
                score += aim.score(found.objective or 0)
            if found.bound is not None:
                bound += aim.score(found.bound)
            if found.status != "optimal":
                return Found(best, tuple(score), tuple(bound), optimal=False)
            self._hold(aim.expression, found.objective or 0, f"level_{level}")
        if not any(aim.ranked for aim in self.aims) and not self._only(budget, known):
            known = self._earliest(budget, known)
        return Found(rules.assignment(known), tuple(score), tuple(bound), optimal=True)

    def hold(self, budget: Budget, start: Assignment, levels: int) -> None:
        """Solve the first levels and hold them; the programme is then that of the next level, its optimum the score.

        A table of choices has all levels in one.
        """
        known: Mapping[str, float] = self.rules.values(start)
        levels = min(levels, len(self.aims) - 1)
        for level, aim in enumerate(self.aims[: max(levels, 0)]):
            found = budget.solve(self.rules, aim.expression, known)
            known = found.values or known
            self._hold(aim.expression, found.objective or 0, f"level_{level}")
        if self.aims:
            aim = self.aims[levels]
            # Files hold no constants: a variable that is 1 stands for it.
            one = self.rules.variable("one")
            one.lowBound = 1
            self.rules.problem.setObjective(pulp.LpAffineExpression(aim.unit * aim.expression) + aim.constant * one)

    def _hold(self, expression: Any, value: float, name: str) -> None:
        if not isinstance(expression, int) and len(expression):
            self.rules.require(expression >= value, name)

    # --- ties ------------------------------------------------------------------------------------------------

    def _only(self, budget: Budget, known: Mapping[str, float]) -> bool:
        """Return whether no other set of devices is as good; asked where that is cheaper than to order sets."""
        if not self._fixed or not any(aim.pairs for aim in self.aims):
            return False
        rules = self.rules
        allowed = rules.variable("same_again")
        own = [rules.used(d) for d in rules.devices if self._has(known, d)]
        rules.require(pulp.lpSum(own) <= len(own) - 1 + allowed, "other")
        allowed.upBound = 0
        other = budget.solve(rules, self.aims[-1].expression, {})
        allowed.lowBound = allowed.upBound = 1
        return other.status == "infeasible"

    def _earliest(self, budget: Budget, known: Mapping[str, float]) -> Mapping[str, float]:
        """Return values of the lexicographically smallest set of devices; of that known when time is up.

        Sets of one size are in the order of their binary digits, the first device the highest. Of sets that differ in
        size that order's best has the smallest among its beginnings.
        """
        known, complete = budget.earliest(self.rules, [self.rules.used(d) for d in self.rules.devices], known)
        return self._shortest(budget, known) if complete and not self._fixed else known

    def _shortest(self, budget: Budget, known: Mapping[str, float]) -> Mapping[str, float]:
        """Return values of the smallest beginning of a set that will do, or of the set when time is up."""
        rules = self.rules
        kept = [d for d in rules.devices if self._has(known, d)]
        for d in rules.devices:
            rules.used(d).lowBound, rules.used(d).upBound = 0, int(d in kept)
        for earlier, later in pairwise(kept):
            rules.require(rules.used(later) <= rules.used(earlier), f"beginning_{later}")
        found = budget.solve(rules, -pulp.lpSum(rules.used(d) for d in kept), known)
        return found.values if found.status == "optimal" else known

    def _has(self, values: Mapping[str, float], d: int) -> bool:
        return bool(values[self.rules.used(d).name])
