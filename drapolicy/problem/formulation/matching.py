"""Devices for demands, each device once: a largest matching, or the demands that are too many for their devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drapolicy.problem.formulation.seats import members


class Shortage(NamedTuple):
    """Demands that together have fewer devices than they need (Hall's condition is broken).

    Attributes
    ----------
    demands
        Positions of the demands.
    needed
        Devices that they need together.
    devices
        All devices that suit any of them, as bits.
    """

    demands: tuple[int, ...]
    needed: int
    devices: int


def shortage(demands: Sequence[tuple[int, int]]) -> Shortage | None:
    """Return demands that cannot all be met, each device used once; None when all can.

    Parameters
    ----------
    demands
        Number of devices needed, and the devices that suit, as bits.

    Notes
    -----
    Augmenting paths, one for each device needed: time O(needed × devices).
    """
    holder: dict[int, int] = {}
    free = -1
    for demand, (needed, suited) in enumerate(demands):
        for _ in range(needed):
            direct = suited & free
            if direct:
                d = (direct & -direct).bit_length() - 1
                holder[d] = demand
                free &= ~(1 << d)
                continue
            end, came, reached, seen = _reach(demand, demands, holder, free)
            if end is None:
                involved = tuple(sorted(reached))
                return Shortage(involved, sum(demands[i][0] for i in involved), seen)
            d = end
            free &= ~(1 << d)
            while True:
                taker = came[d][0]
                holder[d] = taker
                if came[d][1] < 0:
                    break
                d = came[d][1]
    return None


def _reach(
    start: int, demands: Sequence[tuple[int, int]], holder: dict[int, int], free: int
) -> tuple[int | None, dict[int, tuple[int, int]], set[int], int]:
    """Look for a free device along alternating paths: who would take each device, and which one it would give up."""
    came: dict[int, tuple[int, int]] = {}
    reached = {start}
    seen = 0
    queue = [(start, -1)]
    for demand, given_up in queue:
        fresh = demands[demand][1] & ~seen
        seen |= fresh
        for d in members(fresh):
            came[d] = (demand, given_up)
            if free >> d & 1:
                return d, came, reached, seen
            other = holder[d]
            if other not in reached:
                reached.add(other)
                queue.append((other, d))
    return None, came, reached, seen
