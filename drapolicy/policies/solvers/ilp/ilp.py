"""The solver by integer programmes, with a bound and a proof by a solver that others trust too."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from drapolicy.errors import InputError, SolverError, UnsupportedFeatureError
from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import Solver, answer_of, first_fit, rows_of
from drapolicy.policies.solvers.exact import Exact
from drapolicy.policies.solvers.exact.enumeration import best_by_enumeration
from drapolicy.policies.solvers.ilp import backend
from drapolicy.policies.solvers.ilp.budget import Budget
from drapolicy.policies.solvers.ilp.file import check_name, write_file
from drapolicy.policies.solvers.ilp.programme import Programme
from drapolicy.policies.solvers.ilp.undecided import by_programme
from drapolicy.policies.solvers.local_search import LocalSearch
from drapolicy.policies.solvers.task import Task
from drapolicy.problem.decided import seated
from drapolicy.problem.formulation import Assignment, Formulation, first, narrowed
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import TimedOut
from drapolicy.problem.solution import Solution

_EASY = 300  # steps of the reference after which a programme is asked whether there are devices
_DEALING = 5_000  # steps to find out which request gets which of the chosen devices


@dataclass(frozen=True)
class Ilp:
    """The best assignment of a node, by an integer programme.

    Attributes
    ----------
    solver
        ``HiGHS``, ``CBC``, or what PuLP calls a solver that is installed.
    time_limit_s
        Limit of a node's programmes together, in seconds; answers depend on the machine then.
    max_nodes
        Limit of the nodes of each search tree; problems that are not hard take fewer than ten.
    otherwise
        Solver of what has no programme.

    Notes
    -----
    The answer is Exact's: what it says about alternatives, ties and releases that leave traces holds here too. At a
    limit it is the best so far, ``feasible``, with the bound that was reached; where only ties are not settled by then,
    it is ``optimal``, but earlier devices may be as good. Terms need weights of pairs, or links that join, or few
    choices: where a node has none of these, ``otherwise`` is asked.
    """

    solver: str = "HiGHS"
    time_limit_s: float | None = None
    max_nodes: int | None = 1_000
    otherwise: Solver = field(default_factory=Exact)

    def __post_init__(self) -> None:
        backend.check(self.solver)
        for name, value in (("time_limit_s", self.time_limit_s), ("max_nodes", self.max_nodes)):
            if value is not None and not value >= 0:
                message = f"solver ilp: {name} {value} is negative; use 0 or more, or None for no limit"
                raise InputError(message)

    @property
    def name(self) -> str:
        """``ilp``, with the solver where it is not HiGHS."""
        return "ilp" if self.solver == "HiGHS" else f"ilp-{self.solver.lower()}"

    @property
    def seeded(self) -> bool:
        """Whether answers depend on the generator."""
        return self.otherwise.seeded

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return the best assignment of the node."""
        begin = perf_counter()
        budget = Budget(self.solver, self.time_limit_s, self.max_nodes)
        fitting, solution = self._first(local, objective, budget)
        if solution is None or not objective.levels:
            return replace(fitting, seconds=perf_counter() - begin)
        formulation = local.formulation
        assert isinstance(formulation, Formulation)
        if formulation.gaps or not formulation.admits(formulation.of(solution)):
            # What such a release comes to is no set of rules: the reference is asked for every assignment.
            return self.otherwise.solve(local, objective, rng)
        task = Task.of(local, objective, formulation, rows_of(local, solution))
        try:
            programme = Programme(task)
        except UnsupportedFeatureError:
            return self.otherwise.solve(local, objective, rng)
        found = programme.best(budget, _merged(task, solution))
        if found.assignment is None:
            return replace(fitting, bound=found.bound, seconds=perf_counter() - begin)
        placed = seated(local, task.expanded(_dealt(task, found.assignment)))
        if placed is None:
            # Devices that no allocation can be written for.
            return self.otherwise.solve(local, objective, rng)
        answer = answer_of(local, objective, *placed, status="optimal" if found.optimal else "feasible")
        if answer.score[: len(found.score)] != found.score:
            message = (
                f"objective {', '.join(term.name for term in objective.terms)}: pairs say {found.score}, "
                f"the function {answer.score} on node {local.site.name}; make them one"
            )
            raise SolverError(message)
        if not found.optimal:
            # No heuristic is better than what a solver has found until its limit.
            others = (fitting, LocalSearch().solve(local, objective, rng))
            answer = max(answer, *others, key=lambda one: one.score)
        return replace(answer, bound=found.bound, seconds=perf_counter() - begin)

    def _first(self, local: LocalProblem, objective: Objective, budget: Budget) -> tuple[Answer, Solution | None]:
        """Return the first devices that fit, or why there are none."""
        fitting, solution = first_fit(local, objective, _EASY)
        if isinstance(fitting.outcome, TimedOut):
            decided = by_programme(local, budget)
            if decided is None:
                return first_fit(local, objective)
            return answer_of(local, objective, *decided), decided[1]
        return fitting, solution

    def write(self, local: LocalProblem, objective: Objective, path: str | Path, level: int | None = None) -> None:
        """Write the programme of a level of the objective, as LP or MPS by the name of the file.

        Parameters
        ----------
        local, objective
            As in :meth:`solve`.
        path
            Ends in ``.lp`` or ``.mps``.
        level
            Which level, by default the last; those before are solved first and held by rows of their own.

        Raises
        ------
        InputError
            For another ending, a level that there is not, or claims without any devices.
        UnsupportedFeatureError
            For a term that no programme can have: without weights of pairs, and with too many choices for a table; and
            where a release's search lets something pass that no rule allows.
        """
        check_name(path)
        last = max(len(objective.levels) - 1, 0)
        level = last if level is None else level
        if not 0 <= level <= last:
            message = f"solver ilp: level {level} is not there; the objective has {len(objective.levels)}"
            raise InputError(message)
        budget = Budget(self.solver, self.time_limit_s, self.max_nodes)
        _, solution = self._first(local, objective, budget)
        formulation = local.formulation
        if solution is None or not isinstance(formulation, Formulation):
            message = f"solver ilp: nothing fits on node {local.site.name}, so there is no programme"
            raise InputError(message)
        if formulation.gaps or not formulation.admits(formulation.of(solution)):
            why = "; ".join(formulation.gaps) or "its search lets something pass that no rule allows"
            message = f"solver ilp: no programme for node {local.site.name} in this release: {why}"
            raise UnsupportedFeatureError(message)
        task = Task.of(local, objective, formulation, rows_of(local, solution))
        programme = Programme(task)
        programme.hold(budget, _merged(task, solution), level)
        write_file(programme.rules.problem, path)


def _merged(task: Task, solution: Solution) -> Assignment:
    """Return a solution as an assignment of a task, in which like requests are put together."""
    formulation = task.local.formulation
    assert isinstance(formulation, Formulation)
    own = dict(formulation.of(solution))
    return tuple((rows[0], tuple(sorted(d for r in rows for d in own[r]))) for rows in task.alike)


def _dealt(task: Task, assignment: Assignment) -> Assignment:
    """Return the first assignment of the same devices in the reference's order, where that is quickly found."""
    devices = {d for _, own in assignment for d in own}
    f = narrowed(task.formulation, sum(1 << d for d in devices))
    if task.plain:
        dealt = first(f).assignment
    else:
        dealt = best_by_enumeration(replace(task, formulation=f), _DEALING).assignment
    return dealt if dealt and {d for _, own in dealt for d in own} == devices else assignment
