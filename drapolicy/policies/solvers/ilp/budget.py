"""Solves of one node's programme, as far as time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import pulp

from drapolicy.policies.solvers.ilp.backend import Limits, Solved, solve
from drapolicy.policies.solvers.ilp.rules import Rules

MOST_DIGIT = 2**14
"""Most that variables may count together as digits of one number: a solver must tell the last one apart."""


class Budget:
    """Which solver, and what is left of its time.

    Parameters
    ----------
    solver
        Name, see :func:`~drapolicy.policies.solvers.ilp.backend.solve`.
    time_limit_s
        Limit of all solves together, in seconds; None for none.
    max_nodes
        Limit of each search tree; None for none.
    """

    def __init__(self, solver: str, time_limit_s: float | None = None, max_nodes: int | None = None) -> None:
        self.solver = solver
        self._end = None if time_limit_s is None else perf_counter() + time_limit_s
        self._max_nodes = max_nodes

    def solve(self, rules: Rules, expression: Any, start: Mapping[str, float]) -> Solved:
        """Return the greatest value of an expression; ``not_found`` where no time is left."""
        rules.problem.setObjective(pulp.LpAffineExpression(expression))
        while True:
            left = None if self._end is None else self._end - perf_counter()
            if left is not None and left <= 0:
                return Solved("not_found")
            limits, known = Limits(left, self._max_nodes), rules.decisions(start)
            found = solve(rules.problem, self.solver, limits, known, implied=rules.follow)
            if not found.values or not rules.cut(found.values):
                return found

    def earliest(
        self, rules: Rules, variables: Sequence[Any], known: Mapping[str, float]
    ) -> tuple[Mapping[str, float], bool]:
        """Return values in which the first variable is greatest, then the second and so on, and hold them there.

        Parameters
        ----------
        known
            Values of a solution; those where time was up are returned with False.
        """
        rest = list(variables)
        while rest:
            some: list[Any] = []
            digits = 1
            while rest and (not some or digits * (rest[0].upBound + 1) <= MOST_DIGIT):
                digits *= rest[0].upBound + 1
                some.append(rest.pop(0))
            number = []
            for variable in some:
                digits //= variable.upBound + 1
                number.append(digits * variable)
            found = self.solve(rules, pulp.lpSum(number), known)
            if found.status != "optimal":
                return known, False
            known = found.values
            for variable in some:
                variable.lowBound = variable.upBound = int(known[variable.name])
        return known, True
