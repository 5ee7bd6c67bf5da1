"""What a table over pairs of devices says of sets: total, least and greatest entry, each pair once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from drapolicy.topology.measures.checks import indices, set_table


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
    chosen = indices(chosen, len(links), "chosen")
    return sum(int(links[a, b]) for a, b in combinations(chosen, 2))


def bandwidths_mb_s(links: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum the bandwidth inside each of many sets: `bandwidth_mb_s` at once.

    Parameters
    ----------
    links
        As for `bandwidth_mb_s`.
    sets
        ndarray of shape (S, k), int64: device indices, distinct in each row.

    Returns
    -------
    ndarray of shape (S,), int64, MB/s

    Raises
    ------
    InputError
        If a row is no set of devices.

    Notes
    -----
    The same sum over a table of levels or hops is how far a set's members are apart in all.

    Examples
    --------
    >>> bandwidths_mb_s(np.array([[0, 5, 1], [5, 0, 2], [1, 2, 0]]), np.array([[0, 1], [1, 2]])).tolist()
    [5, 2]
    """
    sets = set_table(sets, len(links))
    total = np.zeros(len(sets), np.int64)
    for a, b in combinations(range(sets.shape[1]), 2):
        total += links[sets[:, a], sets[:, b]]
    return total


def farthest(distances: NDArray[np.int64], chosen: Sequence[int]) -> int:
    """Return the greatest distance between two chosen devices.

    Parameters
    ----------
    distances
        ndarray of shape (D, D), int64: levels or hops, as `levels` and `hops` give them; symmetric.
    chosen
        Distinct device indices.

    Returns
    -------
    int
        In the unit of the table; 0 for fewer than two devices.

    Raises
    ------
    InputError
        If an index is out of range or given twice.

    Examples
    --------
    >>> farthest(np.array([[0, 5, 1], [5, 0, 2], [1, 2, 0]]), [0, 2])
    1
    """
    chosen = indices(chosen, len(distances), "chosen")
    return max((int(distances[a, b]) for a, b in combinations(chosen, 2)), default=0)


def farthests(distances: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the greatest distance inside each of many sets: `farthest` at once.

    Parameters
    ----------
    distances
        As for `farthest`.
    sets
        ndarray of shape (S, k), int64: device indices, distinct in each row.

    Returns
    -------
    ndarray of shape (S,), int64

    Raises
    ------
    InputError
        If a row is no set of devices.
    """
    sets = set_table(sets, len(distances))
    most = np.zeros(len(sets), np.int64)
    for a, b in combinations(range(sets.shape[1]), 2):
        np.maximum(most, distances[sets[:, a], sets[:, b]], out=most)
    return most
