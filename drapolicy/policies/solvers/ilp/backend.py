"""Integer programmes solved by name: one way into PuLP that says what really happened.

PuLP and the solvers behind it report several things in ways of their own: what was found at the time limit is called
optimal, bounds come with the other sign and without the constant, values are a little beside integers, some options
are accepted and forgotten. All of that ends here.
"""

from __future__ import annotations

import inspect
import math
import tempfile
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, NamedTuple

import pulp

from drapolicy.errors import SolverError
from drapolicy.policies.solvers.ilp.quiet import quiet

Status = Literal["optimal", "feasible", "infeasible", "unbounded", "not_found"]

THREADS = 1
"""Threads of every solve: HiGHS keeps those of its first solve for the whole process."""

LARGEST = 2**45
"""Objectives above are too large for 64-bit floats to prove anything about the last unit."""

_CBC = ("COIN_CMD", "PULP_CBC_CMD")


@dataclass(frozen=True)
class Solved:
    """What became of a programme.

    Attributes
    ----------
    status
        ``optimal`` only where the bound equals the objective; ``feasible`` at a limit; ``not_found`` where a limit came
        before any solution.
    values
        By the name of the variable; integers for integer variables. Empty without a solution.
    objective
        Recomputed from ``values``, constant included; None without a solution.
    given
        The objective as the solver gave it.
    bound
        No solution is better: at least ``objective`` for a maximum, at most for a minimum; None where not known.
    seconds
        Time of the solve.
    solver
        Name and version.
    """

    status: Status
    values: Mapping[str, float] = field(default_factory=dict)
    objective: float | None = None
    given: float | None = None
    bound: float | None = None
    seconds: float = 0.0
    solver: str = ""

    @property
    def gap(self) -> float | None:
        """How far the bound is from the objective, in units of the objective; None where either is not known."""
        return None if self.bound is None or self.objective is None else abs(self.bound - self.objective)


class Limits(NamedTuple):
    """When to stop: seconds, nodes of the search tree; None for never."""

    time_limit_s: float | None = None
    max_nodes: int | None = None


class _Raw(NamedTuple):
    status: Status
    values: Mapping[str, float]
    given: float | None
    bound: float | None
    solver: str


def available() -> list[str]:
    """Return the names of solvers that are installed."""
    names = [name for name in pulp.listSolvers(onlyAvailable=True) if name not in _CBC]
    return sorted(names + ["CBC"] * (_cbc_name() is not None))


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
    run = {"HiGHS": _highs, "CBC": _cbc}.get(solver)
    if not problem.variables():
        raw = _Raw("optimal" if _holds(problem, {}) is None else "infeasible", {}, 0.0, None, solver)
    elif run is not None:
        raw = run(problem, limits, start or {}, options or {}, unit)
    else:
        raw = _other(problem, solver, limits, options or {})
    found = _checked(problem, raw, unit, whole, perf_counter() - begin)
    if start and raw.status == "optimal" and found.status == "feasible" and not _agree(found):
        # HiGHS 1.16 may hand the start back, with the objective of what it found.
        return replace(solve(problem, solver, limits, options=options, implied=implied), seconds=perf_counter() - begin)
    return found


# --- what a solver's answer is worth -------------------------------------------------------------------------


def _unit(problem: pulp.LpProblem, whole: Collection[str]) -> int | None:
    """Return what all values of the objective are multiples of, its constant aside; None where there is nothing."""
    unit = 0
    for variable, coefficient in problem.objective.items():
        if coefficient != int(coefficient) or (coefficient and variable.name not in whole):
            return None
        unit = math.gcd(unit, int(coefficient))
    return unit or 1


def _checked(problem: pulp.LpProblem, raw: _Raw, unit: int | None, whole: Collection[str], seconds: float) -> Solved:
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
        bound = objective  # A bound on the wrong side is the solver's rounding.
    status: Status = "feasible"
    if bound is not None and raw.status == "optimal":
        proven = unit is not None and _size(problem) < LARGEST
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
    slack = 1e-6 * max(1.0, abs(bound) / unit)
    steps = bound / unit
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


# --- HiGHS ---------------------------------------------------------------------------------------------------


def _highs(
    problem: pulp.LpProblem, limits: Limits, start: Mapping[str, float], options: Mapping[str, Any], unit: int | None
) -> _Raw:
    import highspy

    solver = pulp.HiGHS(
        msg=False, threads=THREADS, timeLimit=limits.time_limit_s, gapRel=0.0, gapAbs=0.99 * unit if unit else 0.0
    )
    with quiet():
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
        return _Raw(status, {}, None, bound, version)
    values = {v.name: solution.col_value[v.index] for v in problem.variables()}
    given = sign * info.objective_function_value + problem.objective.constant
    return _Raw(status, values, given, bound, version)


def _run(model: Any) -> None:
    """Run HiGHS, also where the process has solved something with another number of threads before."""
    import highspy

    if model.run() == highspy.HighsStatus.kError:
        highspy.Highs.resetGlobalScheduler(True)
        if model.run() == highspy.HighsStatus.kError:
            message = f"solver HiGHS: ended with an error, model status {model.getModelStatus()}"
            raise SolverError(message)


# --- CBC -----------------------------------------------------------------------------------------------------


def _cbc_name() -> str | None:
    own = pulp.listSolvers(onlyAvailable=True)
    return next((name for name in _CBC if name in own), None)


def _cbc(
    problem: pulp.LpProblem, limits: Limits, start: Mapping[str, float], options: Mapping[str, Any], unit: int | None
) -> _Raw:
    name = _cbc_name()
    assert name is not None
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "cbc.log"
        known = {v.name: v for v in problem.variables()}
        for variable in known.values():
            variable.setInitialValue(start.get(variable.name, variable.lowBound or 0), check=False)
        solver = _made(
            name,
            {
                "msg": False,
                "logPath": str(log),
                "threads": THREADS,
                "gapRel": 0.0,
                "gapAbs": 0.99 * unit if unit else 0.0,
                "timeLimit": limits.time_limit_s,
                "maxNodes": limits.max_nodes,
                "warmStart": bool(start),
            },
            options,
        )
        _called(problem, solver, "CBC")
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    words = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    bound = next((float(words[key]) for key in ("Upper bound", "Lower bound") if key in words), None)
    # The log cuts bounds off behind the third digit.
    if bound is not None:
        bound += 1e-3 if problem.sense == pulp.LpMaximize else -1e-3
    return _reported(problem, f"CBC {words.get('Version', '').strip() or 'of PuLP'}", bound)


# --- any other -----------------------------------------------------------------------------------------------


def _other(problem: pulp.LpProblem, name: str, limits: Limits, options: Mapping[str, Any]) -> _Raw:
    begin = perf_counter()
    wanted = {"msg": False, "threads": THREADS, "gapRel": 0.0, "timeLimit": limits.time_limit_s}
    solver = _made(name, {**wanted, "maxNodes": limits.max_nodes}, options)
    _called(problem, solver, name)
    raw = _reported(problem, name, None)
    late = limits.time_limit_s is not None and perf_counter() - begin >= limits.time_limit_s
    return raw._replace(status="feasible") if late and raw.status == "optimal" else raw


def _made(name: str, wanted: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return a solver of PuLP with those of the settings that it knows, and with options, all of which it must know."""
    known = inspect.signature(getattr(pulp, name).__init__).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        message = f"solver {name}: option {unknown[0]} is unknown; use one of {', '.join(list(known)[1:])}"
        raise SolverError(message)
    with warnings.catch_warnings():
        # PuLP's own CBC goes with PuLP 4; it is what is installed until then.
        warnings.simplefilter("ignore", DeprecationWarning)
        settings = {key: value for key, value in wanted.items() if key in known and value is not None}
        return getattr(pulp, name)(**{**settings, **options})


def _called(problem: pulp.LpProblem, solver: Any, name: str) -> None:
    try:
        problem.solve(solver)
    except pulp.PulpSolverError as error:
        message = f"solver {name}: {error}"
        raise SolverError(message) from error


def _reported(problem: pulp.LpProblem, name: str, bound: float | None) -> _Raw:
    """Return what PuLP has read from a solver; ``sol_status`` tells a proof from a limit, ``status`` does not."""
    statuses: dict[int, Status] = {
        pulp.LpSolutionOptimal: "optimal",
        pulp.LpSolutionIntegerFeasible: "feasible",
        pulp.LpSolutionInfeasible: "infeasible",
        pulp.LpSolutionUnbounded: "unbounded",
    }
    status = statuses.get(problem.sol_status, "not_found")
    values = {v.name: v.varValue for v in problem.variables()}
    given = pulp.value(problem.objective) if status in {"optimal", "feasible"} else None
    return _Raw(status, values, given, None if status == "optimal" else bound, name)
