"""Integer programmes solved by name: one way into PuLP that says what really happened.

PuLP and the solvers behind it report several things in ways of their own: what was found at the time limit is called
optimal, bounds come with the other sign and without the constant, values are a little beside integers, some options
are accepted and forgotten. All of that ends here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import Any

import pulp

from drapolicy.errors import SolverError
from drapolicy.policies.solvers.ilp.highs import by_highs
from drapolicy.policies.solvers.ilp.others import CBC, by_cbc, by_name, cbc_name
from drapolicy.policies.solvers.ilp.solved import Limits, Raw, Solved, Status

__all__ = ["LARGEST", "Limits", "Solved", "available", "check", "solve"]

LARGEST = 2**40
"""Objectives above, in their greatest common unit, are too large for floats to prove anything about the last one."""


@cache
def available() -> tuple[str, ...]:
    """Return the names of solvers that are installed, looked for once a process."""
    names = [name for name in pulp.listSolvers(onlyAvailable=True) if name not in CBC]
    return tuple(sorted(names + ["CBC"] * (cbc_name() is not None)))


def check(solver: str) -> None:
    """Raise an error if a solver is not installed.

    Raises
    ------
    SolverError
        Names those that are.
    """
    if solver not in available():
        message = f"solver {solver}: not installed, or PuLP knows no such; use one of {', '.join(available())}"
        raise SolverError(message)


def solve(
    problem: pulp.LpProblem,
    solver: str = "HiGHS",
    limits: Limits = Limits(),  # noqa: B008
    start: Mapping[str, float] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    implied: Collection[str] = (),
) -> Solved:
    """Solve a programme.

    Parameters
    ----------
    problem
        The programme; where all coefficients of its objective are integers, on integer variables, the answer is exact.
    solver
        ``HiGHS``, ``CBC``, or what PuLP calls a solver that is installed.
    limits
        When to stop; those that a solver does not know are left out.
    start
        Values of some variables of a good solution, by name; used by HiGHS and CBC.
    options
        The solver's own options.
    implied
        Continuous variables that are integers wherever the others are, by name: solvers are faster if not told so.

    Raises
    ------
    SolverError
        For a solver that is not installed, an option that it does not know, or an answer that breaks the programme.
    """
    check(solver)
    begin = perf_counter()
    whole = {v.name for v in problem.variables() if v.cat == pulp.LpInteger}.union(implied)
    unit = _unit(problem, whole)
    run = {"HiGHS": by_highs, "CBC": by_cbc}.get(solver)
    if not problem.variables():
        raw = Raw("optimal" if _holds(problem, {}) is None else "infeasible", {}, 0.0, None, solver)
    elif run is not None:
        raw = run(problem, limits, start or {}, options or {}, unit)
    else:
        raw = by_name(problem, solver, limits, options or {})
    found = _checked(problem, raw, unit, whole, perf_counter() - begin)
    if start and raw.status == "optimal" and found.status == "feasible" and not _agree(found):
        # HiGHS 1.16 may hand the start back, with the objective of what it found.
        return replace(solve(problem, solver, limits, options=options, implied=implied), seconds=perf_counter() - begin)
    return found


def _unit(problem: pulp.LpProblem, whole: Collection[str]) -> int | None:
    """Return what all values of the objective are multiples of, its constant aside; None where there is nothing."""
    unit = 0
    for variable, coefficient in problem.objective.items():
        if coefficient != int(coefficient) or (coefficient and variable.name not in whole):
            return None
        unit = math.gcd(unit, int(coefficient))
    return unit or 1


def _checked(problem: pulp.LpProblem, raw: Raw, unit: int | None, whole: Collection[str], seconds: float) -> Solved:
    if raw.status not in {"optimal", "feasible"}:
        return Solved(raw.status, bound=_outward(problem, raw.bound, unit), seconds=seconds, solver=raw.solver)
    values: dict[str, float] = {}
    for v in problem.variables():
        value = raw.values.get(v.name)
        value = v.lowBound or 0 if value is None else value
        values[v.name] = round(value) if v.name in whole else value
    broken = _holds(problem, values)
    if broken is not None:
        message = f"solver {raw.solver}: its values break row {broken} of programme {problem.name} when made integers"
        raise SolverError(message)
    objective = _exactly(problem.objective, values)
    sign = -1 if problem.sense == pulp.LpMaximize else 1
    bound = objective if raw.status == "optimal" and raw.bound is None else _outward(problem, raw.bound, unit)
    if bound is not None and sign * (bound - objective) > 0:
        # A bound on the wrong side is a solver's rounding, or of no use.
        rounding = raw.status == "optimal" or abs(bound - objective) <= 1e-6 * max(1.0, abs(objective))
        bound = objective if rounding else None
    status: Status = "feasible"
    if bound is not None and raw.status == "optimal":
        proven = unit is not None and _size(problem) / unit < LARGEST
        close = abs(bound - objective) <= (0 if unit else 1e-6 * max(1.0, abs(objective)))
        status = "optimal" if close and (proven or not unit) else "feasible"
    return Solved(status, values, objective, raw.given, bound, seconds, raw.solver)


def _agree(found: Solved) -> bool:
    if found.given is None or found.objective is None:
        return True
    return abs(found.given - found.objective) <= 1e-6 * max(1.0, abs(found.objective))


def _exactly(expression: Any, values: Mapping[str, float]) -> float:
    """Return the value of an expression; an integer where all in it are."""
    parts = [(_integer(c), values[v.name]) for v, c in expression.items()]
    return sum((c * value for c, value in parts), start=_integer(expression.constant))


def _integer(number: float) -> float:
    return int(number) if number == int(number) else number


def _size(problem: pulp.LpProblem) -> float:
    return float(sum(abs(c) * max(abs(v.lowBound or 0), abs(v.upBound or 0)) for v, c in problem.objective.items()))


def _outward(problem: pulp.LpProblem, bound: float | None, unit: int | None) -> float | None:
    """Return a bound, without the objective's constant, as the next value that is possible, with the constant."""
    if bound is None or not math.isfinite(bound):
        return None
    constant = _integer(problem.objective.constant)
    if unit is None:
        return bound + constant
    # Solvers are a little off; what is nearly reached may be reached.
    steps = bound / unit
    slack = min(0.4, 1e-6 + 1e-9 * abs(steps))
    whole = math.floor(steps + slack) if problem.sense == pulp.LpMaximize else math.ceil(steps - slack)
    return whole * unit + constant


def _holds(problem: pulp.LpProblem, values: Mapping[str, float]) -> str | None:
    """Return the name of a row that values break; None where they break none."""
    for constraint in problem.constraints():
        left = _exactly(constraint, values)
        tolerance = 0.0 if isinstance(left, int) else 1e-6 * max(1.0, abs(constraint.constant))
        over = {pulp.LpConstraintLE: left, pulp.LpConstraintGE: -left}.get(constraint.sense, abs(left))
        if over > tolerance:
            return str(constraint.name)
    return None
