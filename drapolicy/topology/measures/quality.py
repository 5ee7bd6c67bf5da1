"""Topology quality: what an ask got, against what the machine and against what the fleet could have given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.measures.bottleneck import best_bottleneck_mb_s, bottleneck_mb_s
from drapolicy.topology.measures.checks import indices


@dataclass(frozen=True)
class Quality:
    """The set that an ask got, beside the best sets of its size; all by the slowest link that a collective crosses.

    Attributes
    ----------
    devices
        How many it asked for.
    mb_s
        Bottleneck of its set; 0 for fewer than two devices and where it was rejected.
    machine_mb_s
        Best of that size on an empty machine of the class: what a user can hope for.
    fleet_mb_s
        Best of that size among the devices that were free in the fleet: what the policy could have done.
    placed
        Whether it got devices.
    """

    devices: int
    mb_s: int
    machine_mb_s: int
    fleet_mb_s: int
    placed: bool = True

    @property
    def of_machine(self) -> float:
        """Part of the best on an empty machine, from 0 to 1; NaN for a single device, a rejected ask, or no links."""
        return self._of(self.machine_mb_s)

    @property
    def of_fleet(self) -> float:
        """Part of the best among the free devices, from 0 to 1; NaN where `of_machine` is."""
        return self._of(self.fleet_mb_s)

    @property
    def delivered(self) -> float:
        """`of_machine`, but 0 for a rejected ask, and 1 for one that got all there is to get: devices without links."""
        if not self.placed:
            return 0.0
        return self.mb_s / self.machine_mb_s if self.devices > 1 and self.machine_mb_s else 1.0

    def _of(self, best_mb_s: int) -> float:
        return self.mb_s / best_mb_s if self.placed and self.devices > 1 and best_mb_s else nan


def quality(
    machine: NDArray[np.int64],
    fleet: Iterable[tuple[NDArray[np.int64], Sequence[int]]],
    links: NDArray[np.int64],
    chosen: Sequence[int],
) -> Quality:
    """Compare the set that an ask got with the best sets of its size.

    Parameters
    ----------
    machine
        ndarray of shape (D, D), int64, MB/s per direction: links of an empty machine of the class; symmetric, zero
        diagonal.
    fleet
        For each node, its links as above, and which devices were free before the ask was placed.
    links
        Links of the node that was chosen.
    chosen
        Distinct device indices of that node.

    Raises
    ------
    InputError
        If an index is out of range or given twice, or the set is better than the best: then `machine` is another
        class, or `fleet` was not taken before the placement.

    Examples
    --------
    >>> links = np.array([[0, 50, 10], [50, 0, 10], [10, 10, 0]])
    >>> got = quality(links, [(links, [1, 2])], links, [1, 2])
    >>> got.of_machine, got.of_fleet
    (0.2, 1.0)
    """
    count = len(chosen)
    got = bottleneck_mb_s(links, chosen)
    found = Quality(count, got, best_mb_s(machine, range(len(machine)), count), best_in_fleet_mb_s(fleet, count))
    for name, best in (("machine", found.machine_mb_s), ("fleet", found.fleet_mb_s)):
        if got > best:
            raise InputError(f"{name}: the best {count} devices have {best} MB/s, those chosen {got}; give what held")
    return found


def rejected(
    machine: NDArray[np.int64], fleet: Iterable[tuple[NDArray[np.int64], Sequence[int]]], count: int
) -> Quality:
    """Return the quality of an ask for so many devices that got none.

    Parameters
    ----------
    machine, fleet
        As for `quality`.
    count
        How many it asked for.
    """
    best = best_mb_s(machine, range(len(machine)), count)
    return Quality(count, 0, best, best_in_fleet_mb_s(fleet, count), placed=False)


def best_mb_s(links: NDArray[np.int64], free: Sequence[int], count: int) -> int:
    """Return the greatest bottleneck of so many free devices of a node, in MB/s; 0 for fewer than two.

    Parameters
    ----------
    links
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal.
    free
        Distinct device indices.
    count
        Size of the sets.

    Raises
    ------
    InputError
        If an index is out of range or given twice.
    """
    free = indices(free, len(links), "free")
    return best_bottleneck_mb_s(links[np.ix_(free, free)], count) if 1 < count <= len(free) else 0


def best_in_fleet_mb_s(fleet: Iterable[tuple[NDArray[np.int64], Sequence[int]]], count: int) -> int:
    """Return the greatest bottleneck of so many free devices on any one node, in MB/s; 0 where no node has them.

    Parameters
    ----------
    fleet
        For each node, its links and its free devices.
    count
        Size of the sets.

    Raises
    ------
    InputError
        If an index is out of range or given twice.
    """
    return max((best_mb_s(links, free, count) for links, free in fleet), default=0)


@dataclass(frozen=True)
class Summary:
    """Quality over many asks: two figures that are never one, and what was delivered.

    Attributes
    ----------
    of_machine, of_fleet
        Means over placed asks for at least two devices; NaN where there is none.
    compared
        How many asks these are of.
    delivered
        Mean over all asks, rejected ones as 0; NaN for no asks.
    asks
        How many.
    """

    of_machine: float
    of_fleet: float
    compared: int
    delivered: float
    asks: int


def summary(qualities: Sequence[Quality]) -> Summary:
    """Sum up the quality of asks.

    Parameters
    ----------
    qualities
        One for each ask.

    Examples
    --------
    >>> summary([Quality(2, 50, 50, 50), Quality(2, 10, 50, 20), Quality(2, 0, 50, 0, placed=False)])
    Summary(of_machine=0.6, of_fleet=0.75, compared=2, delivered=0.39999999999999997, asks=3)
    """
    compared = [q for q in qualities if q.placed and q.devices > 1 and q.machine_mb_s and q.fleet_mb_s]
    return Summary(
        mean([q.of_machine for q in compared]),
        mean([q.of_fleet for q in compared]),
        len(compared),
        mean([q.delivered for q in qualities]),
        len(qualities),
    )


def mean(numbers: Sequence[float]) -> float:
    """Return the mean of numbers; NaN for none."""
    return sum(numbers) / len(numbers) if numbers else nan
