"""Solvers by name: each way in which PuLP or a solver says something else than what happened."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from drapolicy.errors import SolverError
from drapolicy.policies.solvers.ilp import backend
from drapolicy.policies.solvers.ilp.backend import Limits, Solved, solve

BOTH = pytest.mark.parametrize("solver", ["HiGHS", "CBC"])


def knapsack(values: list[int], weights: list[int], room: int, *, constant: int = 0, sense: int = -1) -> pulp.LpProblem:
    """Return the programme of a knapsack: most value, or with the other sense least value of at least ``room``."""
    made = pulp.LpProblem("knapsack", sense)
    x = [made.add_variable(f"x{i}", 0, 1, "Integer") for i in range(len(values))]
    made += pulp.lpSum(value * own for value, own in zip(values, x, strict=True)) + constant
    load = pulp.lpSum(weight * own for weight, own in zip(weights, x, strict=True))
    made += load <= room if sense == -1 else load >= room
    return made


def pairs(devices: int = 30, chosen: int = 10) -> pulp.LpProblem:
    """Return a programme that takes minutes: the best of random weights of pairs."""
    rng = np.random.default_rng(5)
    made = pulp.LpProblem("pairs", pulp.LpMaximize)
    x = [made.add_variable(f"x{i}", 0, 1, "Integer") for i in range(devices)]
    terms = []
    for a in range(devices):
        for b in range(a + 1, devices):
            y = made.add_variable(f"y{a}_{b}", 0, 1, "Integer")
            made += y <= x[a]
            made += y <= x[b]
            terms.append(int(rng.integers(1, 100)) * y)
    made += pulp.lpSum(terms) + 1_000
    made += pulp.lpSum(x) == chosen
    return made


@BOTH
def test_a_limit_is_not_called_optimal(solver: str) -> None:
    """PuLP's status says Optimal at the time limit."""
    found = solve(pairs(), solver, Limits(time_limit_s=1.0), {f"x{i}": int(i < 10) for i in range(30)})
    assert found.status == "feasible"
    assert found.objective is not None
    assert found.bound is not None
    assert found.gap == found.bound - found.objective > 0


def test_a_limit_of_nodes_has_a_status() -> None:
    """HiGHS stops with a model status that PuLP's table lacks."""
    start = {f"x{i}": int(i < 7) for i in range(20)}
    found = solve(pairs(20, 7), limits=Limits(max_nodes=1), start=start)
    assert found.status == "feasible"
    again = solve(pairs(20, 7), limits=Limits(max_nodes=1), start=start)
    assert (found.objective, found.bound) == (again.objective, again.bound)


def test_a_limit_before_any_solution() -> None:
    """Without a solution there are no values, which PuLP reports as zeros."""
    found = solve(pairs(60, 20), limits=Limits(time_limit_s=0.0))
    assert (found.status, found.values, found.objective, found.gap) == ("not_found", {}, None, None)


@BOTH
@pytest.mark.parametrize("sense", [pulp.LpMaximize, pulp.LpMinimize])
def test_bound_has_the_objectives_sign_and_constant(solver: str, sense: int) -> None:
    """HiGHS is handed the negated objective without its constant."""
    found = solve(knapsack([3, 5, 7], [2, 3, 4], 6, constant=100, sense=sense), solver)
    assert found.status == "optimal"
    assert found.objective == found.bound == 110
    assert found.given == pytest.approx(found.objective)
    assert found.gap == 0


@BOTH
def test_bound_at_a_limit_is_on_the_right_side(solver: str) -> None:
    """With the sign of the solver's own objective it would be far below."""
    found = solve(pairs(), solver, Limits(time_limit_s=1.0), {f"x{i}": int(i < 10) for i in range(30)})
    assert found.bound is not None
    assert 1_000 + 435 * 99 >= found.bound >= found.objective > 1_000  # type: ignore[operator]
    assert found.given == pytest.approx(found.objective)


def test_the_last_unit_is_proven() -> None:
    """The default gap of 1e-4 would let 600153 pass for 600170."""
    rng = np.random.default_rng(0)
    values = 100_000 + rng.integers(0, 40, 20)
    weights = rng.integers(10, 99, (5, 20))
    made = pulp.LpProblem("close", pulp.LpMaximize)
    x = [made.add_variable(f"x{i}", 0, 1, "Integer") for i in range(20)]
    made += pulp.lpSum(int(value) * own for value, own in zip(values, x, strict=True))
    for row in weights.tolist():
        made += pulp.lpSum(weight * own for weight, own in zip(row, x, strict=True)) <= 300
    exact = milp(
        -values,
        constraints=LinearConstraint(weights, -np.inf, 300),
        integrality=np.ones(20),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    found = solve(made)
    assert (found.status, found.objective) == ("optimal", round(-exact.fun))


def test_threads_of_an_earlier_solve_do_not_matter() -> None:
    """HiGHS keeps the threads of the process's first solve: another number ends with status Not Solved, without a word."""
    import highspy

    highspy.Highs.resetGlobalScheduler(True)
    problem = knapsack([3, 5, 7], [2, 3, 4], 6)
    problem.solve(pulp.HiGHS(msg=False, threads=2))
    problem.solve(pulp.HiGHS(msg=False, threads=1))
    assert pulp.LpStatus[problem.status] == "Not Solved", "the trap is gone"
    assert solve(knapsack([3, 5, 7], [2, 3, 4], 6)).objective == 10


def test_nothing_is_written_to_standard_output() -> None:
    """HiGHS writes a banner once a process, even when told to be silent."""
    script = (
        "import pulp\n"
        "from drapolicy.policies.solvers.ilp.backend import solve\n"
        "for name in ('HiGHS', 'HiGHS', 'CBC'):\n"
        "    p = pulp.LpProblem('p', pulp.LpMaximize)\n"
        "    x = p.add_variable('x', 0, 3, 'Integer')\n"
        "    p += x\n"
        "    p += 2 * x <= 5\n"
        "    print(solve(p, name).objective)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n2\n2\n"


def test_values_are_integers() -> None:
    """Solvers return 0.9999999998; what is counted with is 1."""
    found = solve(pairs(12, 4))
    assert {type(value) for value in found.values.values()} == {int}
    assert isinstance(found.objective, int)
    assert isinstance(found.bound, int)


def test_continuous_variables_stay() -> None:
    """A programme may have variables that are no integers; its optimum is proven up to rounding."""
    made = pulp.LpProblem("mixed", pulp.LpMaximize)
    x, y = made.add_variable("x", 0, 1, "Integer"), made.add_variable("y", 0, 10)
    made += 2 * x + y
    made += 3 * x + 2 * y <= 4
    found = solve(made)
    assert (found.status, found.objective) == ("optimal", pytest.approx(2.5))


def test_a_start_is_used() -> None:
    """PuLP has no warm start for HiGHS: it accepts the word and forgets it."""
    problem = pairs(60, 20)
    best = solve(pairs(60, 20), limits=Limits(time_limit_s=2.0))
    start = {name: value for name, value in best.values.items() if name.startswith("x")}
    found = solve(problem, limits=Limits(max_nodes=0), start=start)
    assert found.objective is not None
    assert found.objective >= best.objective  # type: ignore[operator]


def test_a_start_that_comes_back_is_not_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """HiGHS 1.16 may return the start's values, with the objective and the bound of the optimum."""
    honest = backend.by_highs
    starts = []

    def lying(problem: Any, limits: Any, start: Any, options: Any, unit: Any) -> Any:
        starts.append(dict(start))
        raw = honest(problem, limits, start, options, unit)
        return raw._replace(values={**raw.values, **start}) if start else raw

    monkeypatch.setattr(backend, "by_highs", lying)
    found = solve(knapsack([3, 5, 7], [2, 3, 4], 6), start={"x0": 1.0, "x1": 0.0, "x2": 0.0})
    assert (found.status, found.objective) == ("optimal", 10)
    assert starts == [{"x0": 1.0, "x1": 0.0, "x2": 0.0}, {}]


@pytest.mark.parametrize(
    ("solver", "options"), [("HiGHS", {"mip_gap": 0.1}), ("HiGHS", {"time_limit": "soon"}), ("CBC", {"warm": True})]
)
def test_unknown_options_are_refused(solver: str, options: dict[str, Any]) -> None:
    """PuLP hands them on, and HiGHS passes them over."""
    with pytest.raises(SolverError, match=f"solver .*: option {next(iter(options))}"):
        solve(knapsack([1], [1], 1), solver, options=options)


def test_known_options_are_used() -> None:
    """An option of HiGHS changes the solve."""
    found = solve(pairs(20, 7), options={"mip_max_nodes": 1}, start={f"x{i}": int(i < 7) for i in range(20)})
    assert found.status == "feasible"


def test_cbc_comes_without_a_warning() -> None:
    """PuLP warns that its own CBC will go; who asks for CBC by name gets it in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = solve(knapsack([3, 5, 7], [2, 3, 4], 6), "CBC")
    assert found.solver.startswith("CBC 2")


@pytest.mark.parametrize("solver", ["GUROBI", "CPLEX_PY", "Simplex"])
def test_a_missing_solver_is_named(solver: str) -> None:
    """With those that are installed."""
    if solver in backend.available():
        pytest.skip(f"{solver} is installed")
    with pytest.raises(SolverError, match=rf"solver {solver}: not installed.*use one of .*HiGHS"):
        solve(knapsack([1], [1], 1), solver)


def test_versions_are_told() -> None:
    """Which HiGHS it was."""
    assert solve(knapsack([1], [1], 1)).solver.split()[0] == "HiGHS"
    assert solve(knapsack([1], [1], 1)).solver.split()[1][0].isdigit()


@BOTH
def test_infeasible_is_a_proof(solver: str) -> None:
    """No values; the status says why."""
    found = solve(knapsack([1, 1], [1, 1], 3, sense=pulp.LpMinimize), solver)
    assert (found.status, found.values) == ("infeasible", {})


def test_unbounded_is_not_infeasible() -> None:
    """HiGHS' presolve leaves open which of the two, and PuLP says infeasible."""
    made = pulp.LpProblem("unbounded", pulp.LpMaximize)
    x, y = made.add_variable("x", 0, None, "Integer"), made.add_variable("y", 0, None, "Integer")
    made += x + y
    made += x - y <= 1
    assert solve(made).status == "unbounded"


@BOTH
@pytest.mark.parametrize(("rest", "status"), [(0, "optimal"), (1, "infeasible")])
def test_a_programme_without_variables(solver: str, rest: int, status: str) -> None:
    """PuLP calls it not solved."""
    made = pulp.LpProblem("empty", pulp.LpMaximize)
    made += pulp.LpAffineExpression(constant=7)
    made += pulp.LpConstraint(pulp.LpAffineExpression(constant=rest), pulp.LpConstraintLE, "row", 0)
    found = solve(made, solver)
    assert found.status == status
    assert found.objective == (7 if status == "optimal" else None)


def test_values_that_break_a_row_are_refused() -> None:
    """A value that is an integer up to a tolerance can break a row of large numbers once it is rounded."""
    made = pulp.LpProblem("large", pulp.LpMaximize)
    x, y = made.add_variable("x", 0, 1, "Integer"), made.add_variable("y", 0, 1, "Integer")
    made += x + y
    made += 2**55 * x + 2**55 * y <= 2**56 - 1
    with pytest.raises(SolverError, match=r"its values break row .* of programme large"):
        solve(made)


@BOTH
@pytest.mark.parametrize("scale", [10**6, 10**8, 10**10])
def test_large_objectives_are_proven_to_the_unit(solver: str, scale: int) -> None:
    """What a solver is off by does not grow into a unit."""
    found = solve(knapsack([3 * scale + 1, 5 * scale, 7 * scale + 2], [2, 3, 4], 6), solver)
    assert (found.status, found.objective, found.bound) == ("optimal", 10 * scale + 3, 10 * scale + 3)


def test_huge_objectives_are_not_called_proven() -> None:
    """Above 2**40 a float does not tell neighbours apart well enough for a proof."""
    found = solve(knapsack([2**46, 2**46 + 1], [1, 1], 1))
    assert found.status == "feasible"
    assert isinstance(found, Solved)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_scipy_agrees(data: st.DataObject) -> None:
    """SciPy's own way into HiGHS finds the same optimum and bound."""
    size = data.draw(st.integers(1, 6))
    values = data.draw(st.lists(st.integers(-9, 99), min_size=size, max_size=size))
    weights = data.draw(st.lists(st.integers(1, 9), min_size=size, max_size=size))
    room, constant = data.draw(st.integers(0, 30)), data.draw(st.integers(-50, 50))
    expected = milp(
        -np.array(values),
        constraints=LinearConstraint(np.array([weights]), -np.inf, room),
        integrality=np.ones(size),
        bounds=Bounds(0, 1),
    )
    for solver in ("HiGHS", "CBC"):
        found = solve(knapsack(values, weights, room, constant=constant), solver)
        assert found.status == "optimal"
        assert found.objective == found.bound == round(-expected.fun) + constant
