"""What is measured of a play: one number each, with unit and sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan, nan
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.evaluate import link_figures
from drapolicy.simulate import Play, Record
from drapolicy.simulate.record import NANO
from drapolicy.topology.measures.quality import mean

_NS = 10**9


class Seen(NamedTuple):
    """What metrics are made of.

    Attributes
    ----------
    play, capacity
        A play, on a fleet with so many whole devices.
    bounds
        What no policy could be better than, by metric: :func:`drapolicy.evaluate.bounds.bounds`.
    fragmentation, counters
        Over time, as of :func:`drapolicy.evaluate.fragmentation.course` and :func:`drapolicy.evaluate.counters.course`.
    """

    play: Play
    capacity: int
    bounds: Mapping[str, float] = MappingProxyType({})
    fragmentation: Sequence[float] = ()
    counters: Sequence[float] = ()


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
        The number for what was seen; NaN where it has no meaning.
    """

    name: str
    label: str
    unit: str
    sense: Literal["max", "min", ""]
    of: Callable[[Seen], float]

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


def _slowdown(seen: Seen) -> float:
    return mean(slowdowns(seen.play))


def _wait(seen: Seen) -> float:
    return mean([(t.started - t.arrived - t.lost) / _NS for t in _times(seen.play) if t.started is not None])


def _completion(seen: Seen) -> float:
    return mean([(t.finished - t.arrived) / _NS for t in _times(seen.play) if t.finished is not None])


def _placed(seen: Seen) -> float:
    return _percent(seen.play.records.column("started_ns") >= 0)


def _refused(seen: Seen) -> float:
    return _percent(seen.play.records.column("refused_ns") >= 0)


def _percent(flags: NDArray[np.bool_]) -> float:
    return 100 * int(flags.sum()) / len(flags) if len(flags) else nan


def _first_refusal(seen: Seen) -> float:
    play, capacity = seen.play, seen.capacity
    refused = np.flatnonzero(play.records.column("refused_ns") >= 0)
    if not len(refused) or not capacity:
        return nan
    return 100 * int(play.records.column("drawn")[: refused[0]].sum()) / (NANO * capacity)


def room(play: Play, capacity: int) -> int:
    """Return the devices that were there up to the last arrival, in billionths of a device times ns."""
    return NANO * capacity * play.end_ns - play.series.until(play.end_ns, "away")


def _used(seen: Seen) -> float:
    play, capacity = seen.play, seen.capacity
    there = room(play, capacity)
    return 100 * play.series.until(play.end_ns, "drawn") / there if there > 0 else nan


def _goodput(seen: Seen) -> float:
    play, capacity = seen.play, seen.capacity
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


def _allocated(seen: Seen) -> float:
    play, capacity = seen.play, seen.capacity
    at = int(np.searchsorted(play.series.time_ns, play.end_ns, side="right")) - 1
    if at < 0:
        return nan
    there = NANO * capacity - int(play.series.away[at])
    return 100 * int(play.series.drawn[at]) / there if there > 0 else nan


def _evictions(seen: Seen) -> float:
    return float(seen.play.records.column("evictions").sum()) if len(seen.play.records) else nan


def _preemptions(seen: Seen) -> float:
    return float(seen.play.records.column("preemptions").sum()) if len(seen.play.records) else nan


def _fairness(seen: Seen) -> float:
    served: dict[str, list[float]] = {}
    for tenant, t in zip(seen.play.records.texts("tenant"), _times(seen.play), strict=True):
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


def gap(value: float, bound: float, metric: Metric) -> float:
    """Return how far a value of a metric is from its bound, in percent of the bound; 0 beyond it, NaN without either.

    A metric that names no winner is bounded from above.

    Examples
    --------
    >>> gap(20.0, 25.0, METRICS["goodput"]), gap(30.0, 24.0, METRICS["completion"])
    (20.0, 25.0)
    """
    sign = metric.sign or 1
    if isnan(value) or not bound > 0:
        return nan
    # Without what sums of floats may be wrong by, which would be a difference between policies.
    return round(100 * max(0.0, sign * (bound - value)) / bound, 9)


def _gap(name: str, seen: Seen) -> float:
    metric = METRICS[name]
    return gap(metric.of(seen), seen.bounds.get(name, nan), metric)


def _completion_gap(seen: Seen) -> float:
    # The bound is over all pods: it bounds no mean over those that ended.
    return nan if (seen.play.records.column("finished_ns") < 0).any() else _gap("completion", seen)


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
            Metric(
                "bandwidth",
                "Slowest link of a set, of the best on an empty machine",
                "%",
                "max",
                lambda seen: link_figures.bandwidth(seen.play),
            ),
            Metric(
                "of-fleet",
                "Slowest link of a set, of the best that was free in the fleet",
                "%",
                "max",
                lambda seen: link_figures.of_fleet(seen.play),
            ),
            Metric(
                "delivered",
                "Bandwidth delivered: pods that got no devices count 0",
                "%",
                "max",
                lambda seen: link_figures.delivered(seen.play),
            ),
            Metric(
                "aligned",
                "Sets of several devices on one NUMA node",
                "%",
                "max",
                lambda seen: link_figures.aligned(seen.play),
            ),
            Metric("goodput", "Device time of work that was not in vain, until the last arrival", "%", "max", _goodput),
            Metric("fairness", "Jain's index over namespaces of the mean pace", "", "max", _fairness),
            Metric(
                "fragmentation",
                "Free devices that the workload's pods cannot use, of those that are free (FGD)",
                "%",
                "min",
                lambda seen: mean(seen.fragmentation),
            ),
            Metric(
                "counter-fragmentation",
                "Free counters of no use to the workload's partitions, of those that are free",
                "%",
                "min",
                lambda seen: mean(seen.counters),
            ),
            Metric("goodput-gap", "Goodput below its bound", "%", "min", partial(_gap, "goodput")),
            Metric("completion-gap", "Time to the end above its bound", "%", "min", _completion_gap),
            Metric("allocation-gap", "Devices held at the end below the bound", "%", "min", partial(_gap, "allocated")),
            Metric("evictions", "Pods taken off their nodes", "", "min", _evictions),
            Metric("preemptions", "Pods taken off their nodes for others", "", "min", _preemptions),
            Metric("allocated", "Devices held after the last arrival", "%", "", _allocated),
            Metric("used", "Devices held until the last arrival", "%", "", _used),
        )
    }
)

GAPS = tuple(name for name in METRICS if name.endswith("-gap"))
"""Metrics that are distances from bounds themselves."""

LEGEND = (
    "bandwidth and of-fleet compare the slowest link of a set with that of the best set of its size: on an empty "
    "machine, and among all devices that were free in the fleet when the pod was placed. Pods with a single device and "
    "pods that got none are left out of both; delivered is bandwidth with 0 for pods that got none and 100 for single "
    "devices."
)
"""What the figures of topology mean, for people who read a table of them."""

PRIMARY = ("slowdown", "placed", "bandwidth")
"""The metrics that may name a winner, the first that has a meaning for a workload is the default."""
