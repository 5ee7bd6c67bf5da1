"""How well a set of devices is linked: reference measures over a link table of one node."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError

MOST_DEVICES = 16
"""Free devices up to which all sets are enumerated (12,870 sets of 8 of 16)."""


def bandwidth_mb_s(links: NDArray[np.int64], chosen: Sequence[int]) -> int:
    """Sum the bandwidth between chosen devices, each pair once.

    Parameters
    ----------
    links
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal.
    chosen
        Distinct device indices.

    Returns
    -------
    int
        MB/s; 0 for fewer than two devices.

    Raises
    ------
    InputError
        If an index is out of range or given twice.

    Examples
    --------
    >>> bandwidth_mb_s(np.array([[0, 5, 1], [5, 0, 2], [1, 2, 0]]), [0, 1, 2])
    8
    """
    chosen = _indices(chosen, len(links), "chosen")
    return sum(int(links[a, b]) for a, b in combinations(chosen, 2))


def best_sets(links: NDArray[np.int64], free: Sequence[int], k: int) -> tuple[tuple[int, ...], ...]:
    """Find all sets of k free devices with the most bandwidth inside, by looking at every set.

    Parameters
    ----------
    links
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal.
    free
        Distinct indices of at most `MOST_DEVICES` devices that may be chosen.
    k
        Size of the sets.

    Returns
    -------
    tuple of tuple of int
        Every best set, each ascending, the one of the lowest indices first; empty when fewer than k are free.

    Raises
    ------
    InputError
        If an index is out of range or given twice, k is negative, or too many devices are free to look at every set.

    Notes
    -----
    Time O(F choose k · k²) for F free devices.

    Examples
    --------
    >>> best_sets(np.array([[0, 5, 1], [5, 0, 5], [1, 5, 0]]), [0, 1, 2], 2)
    ((0, 1), (1, 2))
    """
    free = sorted(_indices(free, len(links), "free"))
    if k < 0:
        raise InputError(f"k: {k} is negative; ask for at least 0 devices")
    if len(free) > MOST_DEVICES:
        raise InputError(f"free: {len(free)} devices are too many to look at every set; give at most {MOST_DEVICES}")
    if k > len(free):
        return ()
    sets = np.array(list(combinations(free, k)), np.int64).reshape(comb(len(free), k), k)
    total = np.zeros(len(sets), np.int64)
    for a, b in combinations(range(k), 2):
        total += links[sets[:, a], sets[:, b]]
    return tuple(tuple(map(int, row)) for row in sets[total == total.max()])


def _indices(given: Sequence[int], size: int, name: str) -> list[int]:
    if getattr(given, "dtype", None) == np.bool_ or any(isinstance(d, bool) for d in given):
        raise InputError(f"{name}: is a mask; give device indices, e.g. numpy.flatnonzero(mask)")
    indices = [int(d) for d in given]
    outside = [d for d in indices if not 0 <= d < size]
    if outside:
        raise InputError(f"{name}: {outside[0]} is not a device; use indices from 0 to {size - 1}")
    twice = [d for d in indices if indices.count(d) > 1]
    if twice:
        raise InputError(f"{name}: {twice[0]} is given twice; give each device once")
    return indices
