"""What a node says to an ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from drapolicy.policies.objective import Score
from drapolicy.problem.outcome import Fits, Outcome

Proof = Literal["optimal", "feasible", "infeasible", "not_found", "timed_out"]


@dataclass(frozen=True)
class Answer:
    """A node's answer: an outcome with its score.

    Attributes
    ----------
    outcome
        Devices, or why there are none.
    score
        One integer a level of the objective, more is better; empty without devices.
    status
        What is known of the answer (G8).
    rank
        Sum over requests with alternatives of 8 minus the index of the chosen one (K8s S68).
    completed
        The solver itself had no devices, or none that fit; the reference completed it.
    """

    outcome: Outcome
    score: Score = ()
    status: Proof = "feasible"
    rank: int = 0
    completed: bool = False

    @property
    def fits(self) -> bool:
        """Whether there are devices."""
        return isinstance(self.outcome, Fits)
