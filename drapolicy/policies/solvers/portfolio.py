"""Several solvers in turn, the best answer of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import Solver
from drapolicy.policies.solvers.exact import Exact
from drapolicy.policies.solvers.grow import Grow
from drapolicy.policies.solvers.local_search import LocalSearch
from drapolicy.problem.local import LocalProblem

_SOLVERS: tuple[Solver, ...] = (Exact(max_steps=20_000), LocalSearch(Grow()))


@dataclass(frozen=True)
class Portfolio:
    """Run solvers in turn until one proves its answer, and keep the best answer.

    Attributes
    ----------
    solvers
        In the order in which they run; each has a limit of steps of its own. The last is what a problem falls back
        to, so it should be quick.

    Notes
    -----
    An answer that is proved ends the run: ``optimal``, ``infeasible``, or an abort. Of equal answers the earlier
    solver's is kept. A solver that gives up or finds nothing leaves the word to the next.
    """

    solvers: tuple[Solver, ...] = _SOLVERS
    name: ClassVar[str] = "portfolio"

    def __post_init__(self) -> None:
        if not self.solvers:
            message = "solver portfolio: no solvers are given; use for example (Exact(), LocalSearch())"
            raise InputError(message)
        for solver in self.solvers:
            if isinstance(solver, type) or not isinstance(solver, Solver):
                message = f"solver portfolio: {solver!r} is no solver; use for example Exact()"
                raise InputError(message)

    @property
    def seeded(self) -> bool:
        """Whether answers depend on the generator."""
        return any(solver.seeded for solver in self.solvers)

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return the best answer of all solvers."""
        best: Answer | None = None
        for solver in self.solvers:
            found = solver.solve(local, objective, rng)
            if best is None or (found.fits, found.score) > (best.fits, best.score):
                best = found
            elif found.fits and best.fits and found.status == "optimal" and found.score == best.score:
                # The proof holds for every answer as good, whoever found it.
                best = replace(best, status="optimal")
            if found.status in {"optimal", "infeasible"} or (not found.fits and found.status == "not_found"):
                break
        assert best is not None
        return best
