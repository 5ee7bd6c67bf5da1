"""What a cell keeps of a play besides its metrics: series over time, and distributions."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drapolicy.evaluate.occupancy import POINTS
from drapolicy.simulate import Play
from drapolicy.simulate.record import NANO

QUANTILES: Final = 101
"""How many quantiles are kept of a distribution, the least and the greatest included."""

_MOST_PERCENT: Final = 200
_NS: Final = 10**9


def _at_points(play: Play) -> NDArray[np.intp]:
    """Return which row of the series holds at each point of time; -1 before the first."""
    times = [play.end_ns * (point + 1) // POINTS for point in range(POINTS)]
    return np.searchsorted(play.series.time_ns, times, side="right") - 1


def queue(play: Play) -> list[int]:
    """Return how many pods waited at each point of time."""
    rows = _at_points(play)
    return [int(play.series.waiting[row]) if row >= 0 else 0 for row in rows.tolist()]


def held(play: Play, capacity: int) -> list[float]:
    """Return the devices that were held, in percent of those that were there, at each point of time."""
    found = []
    for row in _at_points(play).tolist():
        there = NANO * capacity - (int(play.series.away[row]) if row >= 0 else 0)
        drawn = int(play.series.drawn[row]) if row >= 0 else 0
        found.append(round(100 * drawn / there, 2) if there > 0 else 0.0)
    return found if capacity else []


def allocation(play: Play, capacity: int) -> list[float]:
    """Return the devices that were held when so many percent of the fleet had been asked for (FGD's curve).

    Pods that never started count with what others of their pattern hold, or with the devices that they want. Empty
    where pods leave before the last arrival: then less is held than was ever allocated.
    """
    records, series = play.records, play.series
    finished = records.column("finished_ns")
    if not len(records) or not capacity or ((finished >= 0) & (finished <= play.end_ns)).any() or series.away.any():
        return []
    drawn, wanted = records.column("drawn"), records.column("wanted")
    patterns = np.unique(np.array(records.texts("pattern")), return_inverse=True)[1]
    most = np.zeros(int(patterns.max()) + 1, np.int64)
    np.maximum.at(most, patterns, drawn)
    asked = np.cumsum(np.where(most[patterns] > 0, most[patterns], NANO * wanted))
    last = min(int(100 * int(asked[-1]) // (NANO * capacity)), _MOST_PERCENT)
    # The arrival with which so much had been asked for, and what was held after it.
    reached = np.searchsorted(asked, [percent * NANO * capacity // 100 for percent in range(last + 1)])
    rows = np.searchsorted(series.time_ns, records.column("arrived_ns")[reached], side="right") - 1
    return [round(100 * int(value) / (NANO * capacity), 2) for value in series.drawn[rows].tolist()]


def waits(play: Play) -> NDArray[np.float64]:
    """Return how long pods waited that started, in seconds; what they ran in vain is no waiting."""
    column = play.records.column
    started = column("started_ns") >= 0
    waited: NDArray[np.float64] = (column("started_ns") - column("arrived_ns") - column("lost_ns"))[started] / _NS
    return waited


def quantiles(values: NDArray[np.float64]) -> list[float]:
    """Return quantiles of some numbers, :data:`QUANTILES` of them; none of nothing.

    Examples
    --------
    >>> found = quantiles(np.arange(201.0))
    >>> found[0], found[50], found[100]
    (0.0, 100.0, 200.0)
    """
    if not len(values):
        return []
    # Of those that occur, so that no number is made up between two.
    ordered = np.sort(values)[np.rint(np.linspace(0, len(values) - 1, QUANTILES)).astype(np.intp)]
    return [round(value, 6) for value in ordered.tolist()]
