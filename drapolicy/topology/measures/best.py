"""The best sets of a size, by looking at every set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.measures.checks import indices
from drapolicy.topology.measures.pairs import bandwidths_mb_s

MOST_DEVICES = 16
"""Free devices up to which all sets are enumerated (12,870 sets of 8 of 16)."""


def all_sets(free: Sequence[int], k: int) -> NDArray[np.int64]:
    """Return every set of k of some devices.

    Parameters
    ----------
    free
        At most `MOST_DEVICES` distinct devices.
    k
        Size of the sets.

    Returns
    -------
    ndarray of shape (S, k), int64
        Rows ascending, in lexicographic order.

    Raises
    ------
    InputError
        If k is negative, or too many devices are free to look at every set.

    Examples
    --------
    >>> all_sets([2, 0, 1], 2).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    if k < 0:
        raise InputError(f"k: {k} is negative; ask for at least 0 devices")
    if len(free) > MOST_DEVICES:
        raise InputError(f"free: {len(free)} devices are too many to look at every set; give at most {MOST_DEVICES}")
    return np.array(list(combinations(sorted(free), k)), np.int64).reshape(comb(len(free), k), k)


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
    sets = all_sets(indices(free, len(links), "free"), k)
    if len(sets) == 0:
        return ()
    total = bandwidths_mb_s(links, sets)
    return tuple(tuple(map(int, row)) for row in sets[total == total.max()])
