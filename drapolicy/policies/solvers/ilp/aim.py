"""What a programme maximises, and what its value means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drapolicy.policies.objective import Score


@dataclass(frozen=True)
class Aim:
    """An expression to be maximised: one level of an objective, or all of it.

    Attributes
    ----------
    expression
        In variables of the programme; coefficients are integers without a common divisor.
    unit, constant
        The level's score is ``unit`` times the expression plus ``constant``.
    pairs
        Whether pairs have variables of their own: then a proof takes long, and ties are rare.
    ranked
        Instead, for a table: the score of each value of the expression, from 0 on; it tells choices of equal score
        apart too.
    """

    expression: Any
    unit: int = 1
    constant: int = 0
    pairs: bool = False
    ranked: tuple[Score, ...] = ()

    def score(self, value: float) -> Score:
        """Return the scores of levels that a value of the expression means."""
        if self.ranked:
            return self.ranked[max(0, min(int(value), len(self.ranked) - 1))]
        return (self.unit * int(value) + self.constant,)
