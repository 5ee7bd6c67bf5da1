"""What runs together: the asks of a group, or one ask on its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drapolicy.simulate.queue import Unit


@dataclass(slots=True, eq=False)
class Job:
    """The asks of a group, or one ask on its own; some run, others wait.

    Attributes
    ----------
    at_least
        How many of them must run for any to run; 0 or 1 where each may run alone.
    priority
        Of the first, and so of all: those of a group have one priority (K8s S79).
    come
        How many have arrived.
    waiting, running
        Numbers of those that wait, ascending, and of those that run.
    unit
        Those that wait, once they may be tried.
    """

    at_least: int
    priority: int
    come: int = 0
    waiting: tuple[int, ...] = ()
    running: set[int] = field(default_factory=set)
    unit: Unit | None = None

    @property
    def needed(self) -> int:
        """How many of those that wait must start for any to start; who runs counts (K8s S80), who is done does not.

        Examples
        --------
        >>> Job(3, 0, waiting=(4, 5, 6), running={7}).needed, Job(3, 0, waiting=(4, 5)).needed
        (2, 2)
        """
        return min(max(self.at_least - len(self.running), min(self.at_least, 1)), len(self.waiting))
