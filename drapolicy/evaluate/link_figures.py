"""The three figures of topology, and alignment: what links and NUMA nodes the sets of a play have."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan

from drapolicy.simulate import Play, Record
from drapolicy.topology.measures.quality import Quality, mean


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


def bandwidth(play: Play) -> float:
    """Return the slowest links of sets, in percent of those of the best sets on an empty machine; the mean."""
    return _mean_percent(quality.of_machine for quality in _qualities(play))


def of_fleet(play: Play) -> float:
    """Return the same of the best sets that were free in the fleet."""
    return _mean_percent(quality.of_fleet for quality in _qualities(play))


def delivered(play: Play) -> float:
    """Return :func:`bandwidth` with 0 for pods that got no devices and 100 for single devices."""
    return _mean_percent(quality.delivered for quality in _qualities(play))


def _mean_percent(parts: Iterable[float]) -> float:
    return 100 * mean([part for part in parts if not isnan(part)])


def aligned(play: Play) -> float:
    """Return how many sets of several devices are of one NUMA node, in percent of those of which drivers tell it."""
    told = play.records.column("aligned")
    known = told[told >= 0]
    return 100 * mean((known > 0).tolist())


def uncompared(play: Play) -> int:
    """Return how many placed pods with several devices have a best set that is not known, on a machine or free."""
    several = [r for r in play.records if r.started_ns is not None and len(r.devices) > 1]
    return sum(r.machine_mb_s is None or (r.fleet_mb_s is None and not r.joined) for r in several)
