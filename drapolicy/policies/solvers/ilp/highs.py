"""HiGHS through PuLP: its own status, bound and start, none of which PuLP hands on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import pulp

from drapolicy.errors import SolverError
from drapolicy.policies.solvers.ilp.quiet import quiet
from drapolicy.policies.solvers.ilp.solved import THREADS, Limits, Raw, Status


def by_highs(
    problem: pulp.LpProblem, limits: Limits, start: Mapping[str, float], options: Mapping[str, Any], unit: int | None
) -> Raw:
    """Solve with HiGHS.

    Parameters
    ----------
    start
        Values of some variables of a solution; HiGHS finds the others.
    options
        By the names of HiGHS.
    unit
        What all values of the objective are multiples of; None where there is nothing.

    Raises
    ------
    SolverError
        For an option that HiGHS does not know, or an error of its own.
    """
    import highspy

    solver = pulp.HiGHS(
        msg=False, threads=THREADS, timeLimit=limits.time_limit_s, gapRel=0.0, gapAbs=0.99 * unit if unit else 0.0
    )
    _introduced()
    solver.createAndConfigureSolver(problem)
    model = problem.solverModel
    if limits.max_nodes is not None:
        model.setOptionValue("mip_max_nodes", limits.max_nodes)
    for name, value in options.items():
        if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            message = f"solver HiGHS: option {name}={value!r} is unknown or of the wrong type; see HiGHS' options"
            raise SolverError(message)
    solver.buildSolverModel(problem)
    if start:
        places = {v.name: v.index for v in problem.variables()}
        known = {places[name]: float(value) for name, value in start.items() if name in places}
        model.setSolution(len(known), list(known), list(known.values()))
    _run(model)
    if model.getModelStatus() == highspy.HighsModelStatus.kUnboundedOrInfeasible:
        model.setOptionValue("presolve", "off")
        _run(model)
    version = f"HiGHS {model.version()}"
    sign = -1 if problem.sense == pulp.LpMaximize else 1
    info, solution = model.getInfo(), model.getSolution()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    integers = any(v.cat == pulp.LpInteger for v in problem.variables())
    bound = sign * info.mip_dual_bound if integers else None
    if bound is not None and not math.isfinite(bound):
        bound = None
    statuses = highspy.HighsModelStatus
    ended: dict[Any, Status] = {
        statuses.kInfeasible: "infeasible",
        statuses.kUnbounded: "unbounded",
        statuses.kOptimal: "optimal",
    }
    status = ended.get(model.getModelStatus(), "feasible" if found else "not_found")
    if status not in {"optimal", "feasible"}:
        return Raw(status, {}, None, bound, version)
    values = {v.name: solution.col_value[v.index] for v in problem.variables()}
    given = sign * info.objective_function_value + problem.objective.constant
    return Raw(status, values, given, bound, version)


@cache
def _introduced() -> None:
    """Let HiGHS say its name, as it does once a process, where nobody hears it."""
    import highspy

    with quiet():
        highspy.Highs()  # type: ignore[no-untyped-call]


def _run(model: Any) -> None:
    """Run HiGHS, also where the process has solved something with another number of threads before."""
    import highspy

    if model.run() == highspy.HighsStatus.kError:
        highspy.Highs.resetGlobalScheduler(True)
        if model.run() == highspy.HighsStatus.kError:
            message = f"solver HiGHS: ended with an error, model status {model.getModelStatus()}"
            raise SolverError(message)
