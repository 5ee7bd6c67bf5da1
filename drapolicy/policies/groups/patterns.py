"""The best placement of all asks together, by patterns: how many nodes of each state get which multiset of asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from drapolicy.errors import UnsupportedFeatureError
from drapolicy.policies.groups.greedy import Greedy
from drapolicy.policies.groups.kinds import Kinds, UnsuitedError
from drapolicy.policies.groups.search import Search
from drapolicy.policies.groups.survey import Survey
from drapolicy.policies.groups.together import Together, levels_of, written
from drapolicy.policies.objective import Objective, Term, as_objective
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers.ilp.file import check_name, write_file
from drapolicy.problem.problem import Problem


@dataclass(frozen=True)
class Patterns:
    """All asks together: as many as can be, then the objective, level by level.

    Attributes
    ----------
    objective
        What is better; None: as many asks as can be.
    symmetric
        Whether nodes that are alike are counted; otherwise each stands for itself, which is slower and no better.
    max_rounds
        Rounds of the linear programme a level.
    max_nodes
        Nodes of the search tree of an integer programme; None for no limit.
    max_columns
        Patterns looked at for a proof.
    time_limit_s
        Seconds of an integer programme; with it the answer depends on the machine.
    """

    objective: Objective | Term | None = None
    symmetric: bool = True
    max_rounds: int = 500
    max_nodes: int | None = 2_000
    max_columns: int = 20_000
    time_limit_s: float | None = None
    name: ClassVar[str] = "patterns"

    def decide(self, problem: Problem, rng: np.random.Generator) -> Together:
        """Return the best placement of all asks, or the best that the limits leave, with its bound."""
        objective = as_objective(self.objective)
        kinds = Kinds.of(problem)
        try:
            survey = Survey(problem, kinds, objective, symmetric=self.symmetric)
            search = Search(self, kinds, survey)
        except UnsuitedError as unsuited:
            return self._greedily(problem, rng, str(unsuited))
        values, bounds, seats = search.run()
        proved = values[0] == bounds[0]
        if not seats and not proved:
            greedy = self._greedily(problem, rng, "no solver found a placement within its limits")
            return replace(greedy, bounds=(bounds[0], *greedy.bounds[1:]))
        placements, got = written(problem, kinds, seats, objective, self.name, proved=proved)
        status = "optimal" if got == bounds else "feasible"
        if not got[0] and problem.asks:
            status = "infeasible"
        effort = {"states": len(survey.stands), "columns": len(search.master.columns), "rounds": search.rounds}
        levels = levels_of(objective)
        return Together(self.name, placements, levels, got, bounds, status, "patterns", effort=effort)  # type: ignore[arg-type]

    def write(self, problem: Problem, path: str | Path) -> None:
        """Write the programme of the last level over the patterns that were needed, as LP or MPS by the file's name.

        Earlier levels are held by rows; see :meth:`~drapolicy.policies.groups.master.Master.programme` for its
        variables.

        Raises
        ------
        InputError
            For another ending, or a file that cannot be written.
        UnsupportedFeatureError
            For what is decided greedily, with the reason.
        """
        check_name(path)
        objective, kinds = as_objective(self.objective), Kinds.of(problem)
        try:
            search = Search(self, kinds, Survey(problem, kinds, objective, symmetric=self.symmetric))
        except UnsuitedError as unsuited:
            message = f"programme: the asks have none together: {unsuited}"
            raise UnsupportedFeatureError(message) from None
        search.run()
        write_file(search.last(), path)

    def _greedily(self, problem: Problem, rng: np.random.Generator, why: str) -> Together:
        greedy = Greedy(Rule(as_objective(self.objective)), "largest").decide(problem, rng)
        return replace(greedy, policy=self.name, why=why)
