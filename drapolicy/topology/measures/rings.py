"""Rings and trees through a set, and what an all-reduce over them can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.measures.bottleneck import bottleneck_mb_s
from drapolicy.topology.measures.checks import indices, set_table

MOST_EXACT = 8
"""Devices up to which every ring is looked at (2,520 rings through 8)."""

_STARTS = 16
_SETS_AT_ONCE = 2_000
_NS = 10**9


@dataclass(frozen=True)
class Ring:
    """A closed way through all devices of a set.

    Attributes
    ----------
    order
        Device indices, from the lowest on.
    mb_s
        Its slowest link, per direction; for two devices the link between them, for fewer 0.
    optimal
        Whether no ring has a faster slowest link: proved by looking at all, or by a bound.
    """

    order: tuple[int, ...]
    mb_s: int
    optimal: bool


def ring(links: NDArray[np.int64], chosen: Sequence[int]) -> Ring:
    """Find the ring through chosen devices whose slowest link is as fast as possible.

    Parameters
    ----------
    links
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal.
    chosen
        Distinct device indices.

    Returns
    -------
    Ring
        Up to `MOST_EXACT` devices the best, the lexicographically least of several. Beyond, what the heuristic finds.

    Raises
    ------
    InputError
        If an index is out of range or given twice.

    Notes
    -----
    Up to `MOST_EXACT` devices all (k − 1)! / 2 rings are looked at. Beyond, a ring is grown from each of the 16 lowest
    devices by the fastest link to a device that is not on it yet (nearest neighbour), and the best of these is
    improved by reversing parts of it while that makes the slowest link faster or slowest links fewer (2-opt; G. A.
    Croes, Operations Research 6, 1958, doi:10.1287/opre.6.6.791). No ring beats the bottleneck of the set, nor the
    second fastest link of any device; a ring that reaches this bound is optimal.

    Examples
    --------
    >>> ring(np.array([[0, 9, 1, 9], [9, 0, 9, 1], [1, 9, 0, 9], [9, 1, 9, 0]]), [0, 1, 2, 3])
    Ring(order=(0, 1, 2, 3), mb_s=9, optimal=True)
    """
    chosen = sorted(indices(chosen, len(links), "chosen"))
    if len(chosen) < 2:
        return Ring(tuple(chosen), 0, optimal=True)
    if len(chosen) > MOST_EXACT:
        return _heuristic(links, chosen)
    best = Ring((), -1, optimal=True)
    for rest in permutations(chosen[1:]):
        if len(rest) > 1 and rest[0] > rest[-1]:
            continue  # the same ring the other way round
        order = (chosen[0], *rest)
        slowest = min(int(links[order[i - 1], d]) for i, d in enumerate(order))
        if slowest > best.mb_s:
            best = Ring(order, slowest, optimal=True)
    return best


def rings_mb_s(links: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the slowest link of the best ring through each of many sets: `ring` at once.

    Parameters
    ----------
    links
        As for `ring`.
    sets
        ndarray of shape (S, k), int64, k at most `MOST_EXACT`: device indices, distinct in each row.

    Returns
    -------
    ndarray of shape (S,), int64, MB/s

    Raises
    ------
    InputError
        If a row is no set of devices, or has more than `MOST_EXACT`.
    """
    sets = set_table(sets, len(links))
    count, k = sets.shape
    if k > MOST_EXACT:
        raise InputError(f"sets: {k} devices are too many to look at every ring; give at most {MOST_EXACT}")
    best = np.zeros(count, np.int64)
    if k < 2:
        return best
    orders = _orders(k)
    after = np.roll(orders, -1, axis=1)
    for begin in range(0, count, _SETS_AT_ONCE):
        part = sets[begin : begin + _SETS_AT_ONCE]
        inside = links[part[:, :, None], part[:, None, :]]
        slowest = inside[:, orders[:, 0], after[:, 0]]
        for i in range(1, k):
            np.minimum(slowest, inside[:, orders[:, i], after[:, i]], out=slowest)
        best[begin : begin + _SETS_AT_ONCE] = slowest.max(axis=1)
    return best


@cache
def _orders(k: int) -> NDArray[np.intp]:
    """Return the rings through k places, each once; shape ((k − 1)! / 2, k), for fewer than three places (1, k)."""
    rest = permutations(range(1, k))
    return np.array([(0, *order) for order in rest if len(order) < 2 or order[0] < order[-1]], np.intp)


def _heuristic(links: NDArray[np.int64], chosen: list[int]) -> Ring:
    inside = links[np.ix_(chosen, chosen)]
    found = max((_nearest(inside, start) for start in range(_STARTS)), key=lambda order: _worth(inside, order))
    order = _two_opt(inside, found)
    slowest = _worth(inside, order)[0]
    second = np.partition(inside - np.diag(np.full(len(inside), 1)), -2, axis=1)[:, -2].min()
    bound = min(bottleneck_mb_s(links, chosen), int(second))
    at = int(order.argmin())
    order = np.roll(order, -at)
    if order[1] > order[-1]:
        order = np.roll(order[::-1], 1)
    return Ring(tuple(chosen[i] for i in order.tolist()), slowest, optimal=slowest == bound)


def _nearest(inside: NDArray[np.int64], start: int) -> NDArray[np.intp]:
    order = [start % len(inside)]
    free = np.ones(len(inside), np.bool_)
    for _ in range(len(inside) - 1):
        free[order[-1]] = False
        order.append(int(np.where(free, inside[order[-1]], -1).argmax()))
    return np.array(order, np.intp)


def _worth(inside: NDArray[np.int64], order: NDArray[np.intp]) -> tuple[int, int]:
    """Return the slowest link of a ring, and how few such links it has (as a negative number)."""
    speeds = inside[order, np.roll(order, -1)]
    slowest = int(speeds.min())
    return slowest, -int((speeds == slowest).sum())


def _two_opt(inside: NDArray[np.int64], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Reverse the part behind a slowest link while that helps: both links that it makes must be faster."""
    size = len(order)
    while True:
        speeds = inside[order, np.roll(order, -1)]
        slowest = int(speeds.min())
        improved = False
        for i in np.flatnonzero(speeds == slowest).tolist():
            turned = np.roll(order, -(i + 1))  # the slow link joins the last device to the first
            head, last = turned[:-1], turned[-1]
            # Reversing turned[: j + 1] makes the links last - turned[j] and turned[0] - turned[j + 1].
            made = np.minimum(inside[last, head[: size - 2]], inside[turned[0], turned[1 : size - 1]])
            j = int(made.argmax())
            if made[j] > slowest:
                order = np.concatenate([turned[j::-1], turned[j + 1 :]])
                improved = True
                break
        if not improved:
            return order


def ring_all_reduce_mb_s(slowest_mb_s: int, count: int) -> int:
    """Return how much of a buffer a ring of devices reduces in a second.

    Parameters
    ----------
    slowest_mb_s
        Slowest link of the ring, MB/s per direction.
    count
        Devices on it, n.

    Returns
    -------
    int
        NCCL's algorithm bandwidth, in MB/s, rounded down: busbw · n / (2 (n − 1)); 0 for fewer than two devices.

    References
    ----------
    NVIDIA nccl-tests, doc/PERFORMANCE.md, "AllReduce": t = (S / B) · (2 (n − 1) / n); NCCL, src/graph/tuning.cc:
    the ratio of a ring is nRanks / nsteps with nsteps = 2 (nRanks − 1).

    Examples
    --------
    >>> ring_all_reduce_mb_s(300_000, 8)
    171428
    """
    return slowest_mb_s * count // (2 * (count - 1)) if count > 1 else 0


def tree_all_reduce_mb_s(slowest_mb_s: int, count: int) -> int:
    """Return how much of a buffer a tree of devices reduces in a second.

    Parameters
    ----------
    slowest_mb_s
        Slowest link of the tree, as `bottleneck_mb_s` gives it, MB/s per direction.
    count
        Devices in it, n.

    Returns
    -------
    int
        NCCL's algorithm bandwidth, in MB/s, rounded down: half the bus bandwidth; 0 for fewer than two devices.

    References
    ----------
    NCCL, src/graph/tuning.cc: the ratio of a tree is 0.5.

    Examples
    --------
    >>> tree_all_reduce_mb_s(300_000, 8)
    150000
    """
    return slowest_mb_s // 2 if count > 1 else 0


def ns_per_mb(all_reduce_mb_s: int) -> int | None:
    """Return how long an all-reduce takes for each 10⁶ bytes of the buffer, in ns, rounded up; None if it cannot run.

    Examples
    --------
    >>> ns_per_mb(ring_all_reduce_mb_s(300_000, 8))
    5834
    """
    return -(-_NS // all_reduce_mb_s) if all_reduce_mb_s else None
