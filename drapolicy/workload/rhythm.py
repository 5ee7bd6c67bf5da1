"""When people submit: arrivals by hour of the day and day of the week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError

HOURS = (27, 25, 19, 18, 17, 33, 37, 52, 67, 57, 43, 53, 53, 66, 63, 56, 44, 53, 52, 39, 36, 41, 30, 18)
"""Thousandths of openb's arrivals in each hour of its busy five weeks; its zone is not published: 4:00 is quietest."""

WEEKEND = 57
"""Arrivals of a day at the weekend in percent of another day's; the two quietest of openb's seven days in a row."""

_DAY_S = 86_400


@dataclass(frozen=True)
class Rhythm:
    """A rate of arrivals that repeats every week, which begins on a Monday at 0:00.

    Attributes
    ----------
    hours
        Weights of the 24 hours; equal ones for none.
    weekend
        Percent of another day's arrivals on Saturday and Sunday; 100 for none.

    Raises
    ------
    InputError
        Unless there are 24 weights, none negative, that are not all 0.
    """

    hours: tuple[int, ...] = HOURS
    weekend: int = WEEKEND

    def __post_init__(self) -> None:
        if len(self.hours) != 24 or min(self.hours) < 0 or not any(self.hours) or not 0 <= self.weekend <= 1000:
            raise InputError(f"rhythm: {self.hours} and {self.weekend} %; give 24 weights, not all 0, and 0 to 1000 %")

    def times_s(self, rng: np.random.Generator, number: int, span_s: int) -> NDArray[np.float64]:
        """Return the times of so many arrivals within a span, in order.

        Given their number, arrivals of a Poisson process are independent draws from its rate, here constant within an
        hour.

        Parameters
        ----------
        rng
            Draws.
        number
            How many.
        span_s
            Seconds from the start.

        Returns
        -------
        ndarray of shape (number,), float64, seconds
        """
        edges, before = self._mass(span_s)
        return np.sort(np.interp(rng.random(number) * before[-1], before, edges))

    def _mass(self, span_s: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the edges of the hours of a span, and the arrivals before each, in some unit."""
        if span_s <= 0:
            raise InputError(f"rhythm: a span of {span_s} s; give more than 0")
        full = np.arange(0, span_s, 3600, dtype=float)
        edges = np.append(full, float(span_s))
        hour = full.astype(np.int64) // 3600
        weights = np.array(self.hours, float)[hour % 24]
        weights[(hour // 24) % 7 >= 5] *= self.weekend / 100
        mass = weights * np.diff(edges)
        if not mass.any():
            raise InputError(f"rhythm: nothing arrives within {span_s} s; take a longer span")
        return edges, np.concatenate([[0.0], np.cumsum(mass)])
