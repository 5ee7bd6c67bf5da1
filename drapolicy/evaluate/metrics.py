"""What is measured of a play: one number each, with unit and sense."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isnan, nan
from types import MappingProxyType
from typing import Literal

from drapolicy.simulate import Play, Record
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


def _placed(play: Play, _capacity: int) -> float:
    return 100 * mean([float(record.started_ns is not None) for record in play.records])


def _slowdown(play: Play, _capacity: int) -> float:
    return mean([s for s in map(slowdown_of, play.records) if not isnan(s)])


def _wait(play: Play, _capacity: int) -> float:
    waits = [r.started_ns - r.arrived_ns for r in play.records if r.started_ns is not None]
    return mean([wait / _NS for wait in waits])


def _used(play: Play, capacity: int) -> float:
    held = 0.0
    for record in play.records:
        if record.started_ns is not None:
            end = play.end_ns if record.finished_ns is None else min(record.finished_ns, play.end_ns)
            held += record.drawn * max(end - record.started_ns, 0)
    return 100 * held / (capacity * play.end_ns) if capacity and play.end_ns else nan


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
            Metric("placed", "Pods that got their devices", "%", "max", _placed),
            Metric("bandwidth", "Slowest link of a set, of the best on an empty machine", "%", "max", _bandwidth),
            Metric("of-fleet", "Slowest link of a set, of the best that was free in the fleet", "%", "max", _of_fleet),
            Metric("delivered", "Bandwidth delivered: pods that got no devices count 0", "%", "max", _delivered),
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
