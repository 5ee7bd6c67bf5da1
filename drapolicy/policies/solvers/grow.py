"""Sets grown from each device in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import answer_of, devices_of, first_fit, first_in_order, rows_of
from drapolicy.problem.local import LocalProblem


@dataclass(frozen=True)
class Grow:
    """Grow a set from each device in turn, nearest devices first, and keep the best.

    Each start gives an order: the start, then the others by their links to it; the reference takes the first devices
    that fit in this order. The set found gives the next order, by links into the set, for a few rounds. Only sets with
    the alternatives that the reference chooses compete, as with :class:`Exact`.

    Attributes
    ----------
    rounds
        How often a set is grown again from itself.
    max_steps
        Limit of each search.

    Notes
    -----
    Time O(D (rounds + 1)) searches, extra memory O(D^2) for the links. Not exact. Ties go to the earlier start, so
    the result is deterministic. Growing from every device follows the greedy of NVIDIA's go-gpuallocator, which
    grows from one.
    """

    rounds: int = 2
    max_steps: int | None = 20_000
    name: ClassVar[str] = "grow"
    seeded: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.rounds < 0:
            message = f"solver grow: rounds {self.rounds} is negative; use 0 or more"
            raise InputError(message)

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:  # noqa: ARG002
        """Return the best set grown from any start."""
        best, solution = first_fit(local, objective)
        if solution is None or not objective.levels:
            return best
        links = local.links
        rows = rows_of(local, solution)
        tried: set[tuple[int, ...]] = set()
        for start in np.flatnonzero(local.free & local.eligible.any(axis=0)).tolist():
            near = links[start].copy()
            near[start] = np.iinfo(np.int64).max
            for _ in range(self.rounds + 1):
                order = tuple(np.argsort(-near, kind="stable").tolist())
                if order in tried:
                    break
                tried.add(order)
                grown = first_in_order(local, rows, order, self.max_steps)
                if grown is None:
                    break
                found = answer_of(local, objective, *grown)
                if found.score > best.score:
                    best = found
                devices = devices_of(grown[1])
                near = links[:, devices].sum(axis=1)
                near[devices] = np.iinfo(np.int64).max
        return best
