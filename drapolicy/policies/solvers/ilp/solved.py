"""What a solver is asked, and what became of a programme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Status = Literal["optimal", "feasible", "infeasible", "unbounded", "not_found"]

THREADS = 1
"""Threads of every solve: HiGHS keeps those of its first solve for the whole process."""


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


class Raw(NamedTuple):
    """What a solver itself says: values as they come, the bound without the objective's constant."""

    status: Status
    values: Mapping[str, float]
    given: float | None
    bound: float | None
    solver: str
