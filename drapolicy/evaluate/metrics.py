"""What is measured of a play: one number each, with unit and sense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.simulate import Play, Record
from drapolicy.simulate.record import NANO
from drapolicy.topology.measures.quality import Quality, mean

_NS = 10**9


@dataclass(frozen=True)
class Metric:
    """One number that sums up a play.

    Attributes
    ----------
    name, label, unit
        For tables and charts.
    sense
        Whether more is better, or less; empty for what is neither: it can be looked at and not be won by.
    of
        The number for a play on a fleet with so many whole devices; NaN where it has no meaning.
    """

    name: str
    label: str
    unit: str
    sense: Literal["max", "min", ""]
    of: Callable[[Play, int], float]

    @property
    def sign(self) -> int:
        """1 if more is better, -1 if less is, 0 for neither."""
        return {"max": 1, "min": -1, "": 0}[self.sense]

    @property
    def better(self) -> str:
        """Which way is better, in words; empty for neither."""
        return {"max": "higher is better", "min": "lower is better", "": ""}[self.sense]


def slowdown_of(record: Record) -> float:
    """Return how many times its ideal run time a pod took from its arrival to its end; NaN if it has no end."""
    if record.finished_ns is None or not record.ideal_ns:
        return nan
    return (record.finished_ns - record.arrived_ns) / record.ideal_ns


class _Times(NamedTuple):
    """Times of one record, in ns; None as in the record."""

    arrived: int
    ideal: int | None
    started: int | None
    finished: int | None
    lost: int


def _times(play: Play) -> list[_Times]:
    column = play.records.column
    arrived, lost = column("arrived_ns").tolist(), column("lost_ns").tolist()
    optional = [
        [None if time < 0 else time for time in column(name).tolist()]
        for name in ("ideal_ns", "started_ns", "finished_ns")
    ]
    return [_Times(*row) for row in zip(arrived, *optional, lost, strict=True)]


def slowdowns(play: Play) -> list[float]:
    """Return :func:`slowdown_of` each pod that has an end, in order of arrival."""
    return [(t.finished - t.arrived) / t.ideal for t in _times(play) if t.finished is not None and t.ideal]


def _slowdown(play: Play, _capacity: int) -> float:
    return mean(slowdowns(play))


def _wait(play: Play, _capacity: int) -> float:
    return mean([(t.started - t.arrived - t.lost) / _NS for t in _times(play) if t.started is not None])


def _completion(play: Play, _capacity: int) -> float:
    return mean([(t.finished - t.arrived) / _NS for t in _times(play) if t.finished is not None])


def _placed(play: Play, _capacity: int) -> float:
    return _percent(play.records.column("started_ns") >= 0)


def _refused(play: Play, _capacity: int) -> float:
    return _percent(play.records.column("refused_ns") >= 0)


def _percent(flags: NDArray[np.bool_]) -> float:
    return 100 * int(flags.sum()) / len(flags) if len(flags) else nan


def _first_refusal(play: Play, capacity: int) -> float:
    refused = np.flatnonzero(play.records.column("refused_ns") >= 0)
    if not len(refused) or not capacity:
        return nan
    return 100 * int(play.records.column("drawn")[: refused[0]].sum()) / (NANO * capacity)


def room(play: Play, capacity: int) -> int:
    """Return the devices that were there up to the last arrival, in billionths of a device times ns."""
    return NANO * capacity * play.end_ns - play.series.until(play.end_ns, "away")


def _used(play: Play, capacity: int) -> float:
    there = room(play, capacity)
    return 100 * play.series.until(play.end_ns, "drawn") / there if there > 0 else nan


def _goodput(play: Play, capacity: int) -> float:
    there, useful = room(play, capacity), 0.0
    # Devices of a claim that several pods use count once: for who took them.
    column = play.records.column
    taken = np.where(column("joined"), 0, column("drawn"))
    for t, drawn in zip(_times(play), taken.tolist(), strict=True):
        if t.started is None or t.started >= play.end_ns:
            continue
        elapsed = (play.end_ns if t.finished is None else min(t.finished, play.end_ns)) - t.started
        # Of a run that is stretched by slow links only the ideal run time is work.
        pace = 1.0 if t.finished is None or t.ideal is None else t.ideal / (t.finished - t.started)
        useful += drawn * elapsed * pace
    return 100 * useful / there if there > 0 else nan


def _allocated(play: Play, capacity: int) -> float:
    at = int(np.searchsorted(play.series.time_ns, play.end_ns, side="right")) - 1
    if at < 0:
        return nan
    there = NANO * capacity - int(play.series.away[at])
    return 100 * int(play.series.drawn[at]) / there if there > 0 else nan


def _evictions(play: Play, _capacity: int) -> float:
    return float(play.records.column("evictions").sum()) if len(play.records) else nan


def _preemptions(play: Play, _capacity: int) -> float:
    return float(play.records.column("preemptions").sum()) if len(play.records) else nan


def _fairness(play: Play, _capacity: int) -> float:
    served: dict[str, list[float]] = {}
    for tenant, t in zip(play.records.texts("tenant"), _times(play), strict=True):
        if t.ideal is not None:
            served.setdefault(tenant, []).append(0.0 if t.finished is None else t.ideal / (t.finished - t.arrived))
    return jain([mean(rates) for rates in served.values()]) if len(served) > 1 else nan


def jain(shares: Sequence[float]) -> float:
    """Return Jain's index of fairness: 1 where all get the same, 1/n where one of n gets all; NaN for nothing.

    References
    ----------
    R. Jain, D.-M. Chiu, W. Hawe: A quantitative measure of fairness (1984), DEC-TR-301.

    Examples
    --------
    >>> jain([2, 2]), jain([1, 0])
    (1.0, 0.5)
    """
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else nan


def _aligned(play: Play, _capacity: int) -> float:
    told = play.records.column("aligned")
    return _percent(told[told >= 0] > 0)


def refusals(play: Play) -> dict[tuple[str, int], int]:
    """Return how many pods wait still, by reason and number of devices that they want; the commonest first."""
    waiting = np.flatnonzero(play.records.column("started_ns") < 0).tolist()
    reasons, wanted = play.records.texts("reason"), play.records.column("wanted")
    found = Counter((reasons[at], int(wanted[at])) for at in waiting)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def quality_of(record: Record) -> Quality | None:
    """Return what a pod got beside the best that there was; None where the best on an empty machine is not known."""
    placed = record.started_ns is not None
    if placed and record.machine_mb_s is None:
        return None
    # A fleet of 0 MB/s has nothing to compare with, and so has one that is not known.
    machine, fleet = record.machine_mb_s or 0, record.fleet_mb_s or 0
    return Quality(len(record.devices), record.real_mb_s, machine, fleet, placed=placed)


def _qualities(play: Play) -> list[Quality]:
    return [found for found in map(quality_of, play.records) if found is not None]


def _bandwidth(play: Play, _capacity: int) -> float:
    return _mean_percent(quality.of_machine for quality in _qualities(play))


def _of_fleet(play: Play, _capacity: int) -> float:
    return _mean_percent(quality.of_fleet for quality in _qualities(play))


def _delivered(play: Play, _capacity: int) -> float:
    return _mean_percent(quality.delivered for quality in _qualities(play))


def _mean_percent(parts: Iterable[float]) -> float:
    return 100 * mean([part for part in parts if not isnan(part)])


def uncompared(play: Play) -> int:
    """Return how many placed pods with several devices have a best set that is not known, on a machine or free."""
    several = [r for r in play.records if r.started_ns is not None and len(r.devices) > 1]
    return sum(r.machine_mb_s is None or (r.fleet_mb_s is None and not r.joined) for r in several)


METRICS = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("slowdown", "Time from arrival to end, in ideal run times", "x", "min", _slowdown),
            Metric("wait", "Mean wait for devices", "s", "min", _wait),
            Metric("completion", "Mean time from arrival to end", "s", "min", _completion),
            Metric("placed", "Pods that got their devices", "%", "max", _placed),
            Metric("refused", "Pods that did not start at once", "%", "min", _refused),
            Metric(
                "first-refusal",
                "Devices given before the first pod had to wait, of the fleet",
                "%",
                "max",
                _first_refusal,
            ),
            Metric("bandwidth", "Slowest link of a set, of the best on an empty machine", "%", "max", _bandwidth),
            Metric("of-fleet", "Slowest link of a set, of the best that was free in the fleet", "%", "max", _of_fleet),
            Metric("delivered", "Bandwidth delivered: pods that got no devices count 0", "%", "max", _delivered),
            Metric("aligned", "Sets of several devices on one NUMA node", "%", "max", _aligned),
            Metric("goodput", "Device time of work that was not in vain, until the last arrival", "%", "max", _goodput),
            Metric("fairness", "Jain's index over namespaces of the mean pace", "", "max", _fairness),
            Metric("evictions", "Pods taken off their nodes", "", "min", _evictions),
            Metric("preemptions", "Pods taken off their nodes for others", "", "min", _preemptions),
            Metric("allocated", "Devices held after the last arrival", "%", "", _allocated),
            Metric("used", "Devices held until the last arrival", "%", "", _used),
        )
    }
)

LEGEND = (
    "bandwidth and of-fleet compare the slowest link of a set with that of the best set of its size: on an empty "
    "machine, and among all devices that were free in the fleet when the pod was placed. Pods with a single device and "
    "pods that got none are left out of both; delivered is bandwidth with 0 for pods that got none and 100 for single "
    "devices."
)
"""What the figures of topology mean, for people who read a table of them."""

PRIMARY = ("slowdown", "placed", "bandwidth")
"""The metrics that may name a winner, the first that has a meaning for a workload is the default."""
