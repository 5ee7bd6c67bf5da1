"""What device plugins are asked, and how their answer becomes one for any ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import answer_of, devices_of, first_fit
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Abort, Fits
from drapolicy.problem.solution import Solution
from drapolicy.topology.parts import units

MAX_STEPS = 20_000


@dataclass(frozen=True)
class Question:
    """What a device plugin is asked (kubelet's ``GetPreferredAllocation``): devices to choose from, and how many.

    Attributes
    ----------
    local
        The node.
    available
        Devices that the ask may have, ascending.
    required
        Those that must be among the answer, because some request can have no others; ascending.
    size
        Number of devices in the answer.
    """

    local: LocalProblem
    available: tuple[int, ...]
    required: tuple[int, ...]
    size: int

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """Number of the physical device that each device of the node is or is a part of."""
        devices = self.local.devices
        items = [(device.pool.driver, device.pool.pool, device.api) for device in devices]
        parent = list(range(len(devices)))
        for unit in units(items)[0]:
            for d in unit.members:
                parent[d] = unit.members[0]
        return tuple(parent)


def question(local: LocalProblem, solution: Solution) -> Question | None:
    """Return what a device plugin would be asked, for the alternatives of a solution; None where the ask aborts."""
    formulation = local.formulation
    if isinstance(formulation, Abort):
        return None
    rows = [
        r for r, row in enumerate(formulation.rows) if solution.alternatives[row.claim][row.request] == row.alternative
    ]
    candidates = formulation.candidates[rows]
    needed = np.array([formulation.rows[r].count for r in rows], np.int64)
    required = candidates[candidates.sum(axis=1) <= needed].any(axis=0)
    return Question(
        local,
        tuple(np.flatnonzero(candidates.any(axis=0)).tolist()),
        tuple(np.flatnonzero(required).tolist()),
        len(devices_of(solution)),
    )


@dataclass(frozen=True)
class Peer(ABC):
    """A solver that proposes one set of devices, as a device plugin does.

    The reference writes the set if it satisfies the ask; a set that breaks a constraint of the ask, of which device
    plugins know nothing, only gives the order in which the reference searches. Where the plugin would answer nothing,
    the reference completes the ask in upstream's order, and the answer says so.

    Attributes
    ----------
    max_steps
        Limit of the search for the proposed set.
    """

    max_steps: int | None = MAX_STEPS
    seeded: ClassVar[bool] = False

    @property
    @abstractmethod
    def name(self) -> str:
        """Name for tables."""

    @abstractmethod
    def propose(self, asked: Question) -> Sequence[int] | None:
        """Return the devices that the plugin would choose, in its order; None where it would choose none."""

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:  # noqa: ARG002
        """Return the plugin's devices, or the first that fit where it has none that fit."""
        first, solution = first_fit(local, objective)
        asked = None if solution is None else question(local, solution)
        if solution is None or asked is None or not asked.size:
            return first
        proposed = self.propose(asked)
        if proposed is None:
            return replace(first, completed=True)
        wanted = frozenset(proposed)
        if wanted == frozenset(devices_of(solution).tolist()):
            return first
        order = [*proposed, *(d for d in range(len(local.devices)) if d not in wanted)]
        whole = len(wanted) == asked.size
        found = self._search(local, objective, order, solution, wanted) if whole else None
        return found or self._search(local, objective, order, solution, None) or first

    def _search(
        self,
        local: LocalProblem,
        objective: Objective,
        order: Sequence[int],
        first: Solution,
        wanted: frozenset[int] | None,
    ) -> Answer | None:
        kept: list[Solution] = []

        def visit(solution: Solution) -> bool:
            same = solution.alternatives == first.alternatives
            if same and (wanted is None or wanted == frozenset(devices_of(solution).tolist())):
                kept.append(solution)
                return True
            return False

        outcome = local.search(order, visit, self.max_steps)
        if not kept or not isinstance(outcome, Fits):
            return None
        return replace(answer_of(local, objective, outcome, kept[0]), completed=wanted is None)
