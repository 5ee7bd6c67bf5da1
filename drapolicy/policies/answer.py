"""What a node says to an ask."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    bound
        No choice of devices has a greater score: the levels up to the first that is not proven. Empty where the solver
        tells none.
    seconds
        Time that the solver took; 0 where it does not tell. Answers that differ in nothing else are equal.
    """

    outcome: Outcome
    score: Score = ()
    status: Proof = "feasible"
    rank: int = 0
    completed: bool = False
    bound: Score = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def fits(self) -> bool:
        """Whether there are devices."""
        return isinstance(self.outcome, Fits)

    @property
    def gap(self) -> int | None:
        """How far the score may be from the best, in the first level not proven; None where nothing is known."""
        if self.status == "optimal":
            return 0
        apart = (most - own for most, own in zip(self.bound, self.score, strict=False) if most != own)
        return next(apart, 0 if self.score and len(self.bound) == len(self.score) else None)
