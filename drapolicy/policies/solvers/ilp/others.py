"""CBC and the other solvers that PuLP knows by name."""

from __future__ import annotations

import inspect
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import pulp

from drapolicy.errors import SolverError
from drapolicy.policies.solvers.ilp.solved import THREADS, Limits, Raw, Status

CBC = ("COIN_CMD", "PULP_CBC_CMD")
"""What PuLP calls CBC: one that is installed, and one that comes with PuLP."""


def cbc_name() -> str | None:
    """Return what PuLP calls the CBC that is there; None where there is none."""
    own = pulp.listSolvers(onlyAvailable=True)
    return next((name for name in CBC if name in own), None)


def by_cbc(
    problem: pulp.LpProblem, limits: Limits, start: Mapping[str, float], options: Mapping[str, Any], unit: int | None
) -> Raw:
    """Solve with CBC, whose log has the version and, at a limit, the bound."""
    name = cbc_name()
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


def by_name(problem: pulp.LpProblem, name: str, limits: Limits, options: Mapping[str, Any]) -> Raw:
    """Solve with any solver of PuLP; what is found when time is up is not called optimal, whatever the solver says."""
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


def _reported(problem: pulp.LpProblem, name: str, bound: float | None) -> Raw:
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
    return Raw(status, values, given, None if status == "optimal" else bound, name)
