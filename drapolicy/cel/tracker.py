"""The account of one evaluation: what it has cost, and the stack of values that steps reported (K8s S56)."""

from __future__ import annotations

from typing import Any

from drapolicy.cel.cost import LIMIT
from drapolicy.cel.errors import FinalError
from drapolicy.cel.strings import COST_EXCEEDED


class Tracker:
    """The account of one evaluation.

    Attributes
    ----------
    cost
        Spent so far.
    """

    __slots__ = ("_ids", "_limit", "_values", "_where", "cost")

    def __init__(self, limit: int = LIMIT) -> None:
        self.cost = 0
        self._limit = limit
        self._ids: list[int] = []
        self._values: list[Any] = []
        self._where: dict[int, list[int]] = {}

    def report(self, step: int, value: Any) -> None:
        """Put a step's value on the stack, or end the evaluation when it has become too expensive."""
        self._where.setdefault(step, []).append(len(self._ids))
        self._ids.append(step)
        self._values.append(value)
        # What falls below zero has wrapped around upstream.
        if not 0 <= self.cost <= self._limit:
            raise FinalError(COST_EXCEEDED)

    def foresee(self, cost: int) -> None:
        """End the evaluation before a call that is charged in full only afterwards, and takes long."""
        if self.cost + cost > self._limit:
            self.cost += cost
            raise FinalError(COST_EXCEEDED)

    def drop(self, step: int) -> None:
        """Take the last value of a step off the stack with all above it, if it is there."""
        places = self._where.get(step)
        if places:
            self._cut(places[-1])

    def take(self, steps: list[int]) -> list[Any] | None:
        """Take the operands of a call off the stack, None if one is missing."""
        values = []
        for step in reversed(steps):
            places = self._where.get(step)
            if not places:
                return None
            values.append(self._values[places[-1]])
            self._cut(places[-1])
        return values[::-1]

    def _cut(self, length: int) -> None:
        ids, where = self._ids, self._where
        while len(ids) > length:
            where[ids.pop()].pop()
        del self._values[length:]
