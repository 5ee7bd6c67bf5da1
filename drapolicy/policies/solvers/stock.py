"""The first devices that fit, in upstream's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import first_fit
from drapolicy.problem.decided import MAX_STEPS
from drapolicy.problem.local import LocalProblem


@dataclass(frozen=True)
class FirstFit:
    """The devices that Kubernetes takes: the first in upstream's order that satisfy everything.

    Attributes
    ----------
    max_steps
        Limit of the search in calls of its recursive step; None for none. It stands for upstream's limit of 10
        seconds a node (K8s S70), because no result should depend on a clock. What upstream would need longer for is
        decided all the same where it can be decided quickly.
    """

    max_steps: int | None = MAX_STEPS
    name: ClassVar[str] = "first-fit"
    seeded: ClassVar[bool] = False

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:  # noqa: ARG002
        """Return the first devices that fit."""
        return first_fit(local, objective, self.max_steps)[0]
