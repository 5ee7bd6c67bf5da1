"""Devices in a random order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import answer_of, first_fit, first_in_order, rows_of
from drapolicy.problem.decided import MAX_STEPS
from drapolicy.problem.local import LocalProblem


@dataclass(frozen=True)
class RandomOrder:
    """The first devices that fit in a random order, with the alternatives that the reference chooses.

    Attributes
    ----------
    max_steps
        Limit of each search; at the limit the answer is the first fit.
    """

    max_steps: int | None = MAX_STEPS
    name: ClassVar[str] = "random"
    seeded: ClassVar[bool] = True

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return devices that fit, each order of devices with the same chance."""
        first, solution = first_fit(local, objective, self.max_steps)
        if solution is None:
            return first
        drawn = first_in_order(local, rows_of(local, solution), rng.permutation(local.size).tolist(), self.max_steps)
        return first if drawn is None else answer_of(local, objective, *drawn)
