"""Asks that are decided together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drapolicy.errors import InputError
from drapolicy.problem.ask import Ask


@dataclass(frozen=True)
class Group:
    """Asks decided together: of these, at least so many get a node, or none does.

    Attributes
    ----------
    asks
        The asks, in order.
    at_least
        How many must be placed for any to be placed; 0 for as many as fit.

    Examples
    --------
    >>> from drapolicy.testing.simple import ask
    >>> Group.gang([ask("a", 1), ask("b", 2)]).at_least
    2
    """

    asks: tuple[Ask, ...]
    at_least: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "asks", tuple(self.asks))
        if not 0 <= self.at_least <= len(self.asks):
            message = f"group: at least {self.at_least} of {len(self.asks)} asks; use 0 to {len(self.asks)}"
            raise InputError(message)

    @classmethod
    def gang(cls, asks: Sequence[Ask]) -> Group:
        """Return a group of which all are placed or none."""
        return cls(tuple(asks), len(asks))

    @classmethod
    def batch(cls, asks: Sequence[Ask]) -> Group:
        """Return a group of which as many are placed as fit."""
        return cls(tuple(asks))
