"""The slowest link that a collective over a set has to cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.measures.checks import indices, set_table


def bottleneck_mb_s(links: NDArray[np.int64], chosen: Sequence[int]) -> int:
    """Return the slowest link of the spanning tree over chosen devices whose slowest link is as fast as possible.

    Parameters
    ----------
    links
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal.
    chosen
        Distinct device indices.

    Returns
    -------
    int
        MB/s; 0 for fewer than two devices and for devices that are not joined.

    Raises
    ------
    InputError
        If an index is out of range or given twice.

    Notes
    -----
    Prim's tree, grown by the fastest link out of it (R. C. Prim, Bell System Technical Journal 36, 1957,
    doi:10.1002/j.1538-7305.1957.tb01515.x). Time O(k²).

    Examples
    --------
    >>> links = np.array([[0, 50, 3], [50, 0, 2], [3, 2, 0]])
    >>> bottleneck_mb_s(links, [0, 1]), bottleneck_mb_s(links, [0, 1, 2])
    (50, 3)
    """
    chosen = indices(chosen, len(links), "chosen")
    if len(chosen) < 2:
        return 0
    rows = links[np.ix_(chosen, chosen)].tolist()
    reach = dict(enumerate(rows[0][1:], start=1))
    slowest = max(reach.values())
    while reach:
        joined = max(reach, key=reach.__getitem__)
        slowest = min(slowest, reach.pop(joined))
        reach = {d: max(mb_s, rows[joined][d]) for d, mb_s in reach.items()}
    return int(slowest)


def bottlenecks_mb_s(links: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bottleneck of each of many sets: `bottleneck_mb_s` at once.

    Parameters
    ----------
    links
        As for `bottleneck_mb_s`.
    sets
        ndarray of shape (S, k), int64: device indices, distinct in each row.

    Returns
    -------
    ndarray of shape (S,), int64, MB/s

    Raises
    ------
    InputError
        If a row is no set of devices.
    """
    sets = set_table(sets, len(links))
    count, k = sets.shape
    if k < 2:
        return np.zeros(count, np.int64)
    every = np.arange(count)
    inside = links[sets[:, :, None], sets[:, None, :]]
    reach = inside[:, 0].copy()
    joined = np.zeros((count, k), np.bool_)
    joined[:, 0] = True
    slowest = np.full(count, np.iinfo(np.int64).max)
    for _ in range(k - 1):
        reach[joined] = -1
        fastest = reach.argmax(axis=1)
        np.minimum(slowest, reach[every, fastest], out=slowest)
        joined[every, fastest] = True
        np.maximum(reach, inside[every, fastest], out=reach)
    return slowest


def best_bottleneck_mb_s(links: NDArray[np.int64], count: int) -> int:
    """Return the greatest bottleneck of any ``count`` devices.

    Links are added from the fastest down: the one that first joins ``count`` devices is the slowest that they need,
    and whatever is joined more can be left out from the leaves on.

    Parameters
    ----------
    links
        As for `bottleneck_mb_s`.
    count
        Size of the sets, at least 2.

    Returns
    -------
    int
        MB/s; 0 where no such set is joined.

    Raises
    ------
    InputError
        If `count` is less than 2.

    Examples
    --------
    >>> best_bottleneck_mb_s(np.array([[0, 50, 3], [50, 0, 2], [3, 2, 0]]), 3)
    3
    """
    if count < 2:
        raise InputError(f"count: {count} devices have no link between them; ask for at least 2")
    joined = [{d} for d in range(len(links))]
    rows, columns = np.nonzero(np.triu(links))
    speeds = links[rows, columns]
    for e in np.argsort(-speeds, kind="stable").tolist():
        one, other = joined[rows[e]], joined[columns[e]]
        if one is other:
            continue
        one |= other
        if len(one) >= count:
            return int(speeds[e])
        for d in other:
            joined[d] = one
    return 0
