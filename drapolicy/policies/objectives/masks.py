"""Helpers of the vectorised forms: many sets at once, as rows of bool masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

MOST_MB_S = 2**52
MOST_DEVICES = 2**20


def pair_sums(table: NDArray[np.int64], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each set the sum of a symmetric table over its pairs, each once; shape (S,), int64."""
    inside = masks.astype(np.int64)
    sums: NDArray[np.int64] = ((inside @ table) * inside).sum(axis=1) // 2
    return sums


def by_size(masks: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int64]]]:
    """Yield the sets of each size: their rows, and their devices as a table of shape (rows, size), int64."""
    sizes = masks.sum(axis=1)
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size)
        yield rows, np.nonzero(masks[rows])[1].reshape(len(rows), size).astype(np.int64)


def for_sets(masks: NDArray[np.bool_], measure: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return a measure of tables of sets, each of one size, for sets of any size; shape (S,), int64."""
    found = np.zeros(len(masks), np.int64)
    for rows, sets in by_size(masks):
        found[rows] = measure(sets)
    return found


def touched(group: NDArray[np.int16], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many groups each set touches; devices without a group are in one together; shape (S,), int64."""
    member = group[:, None] == np.unique(group)
    counts: NDArray[np.int64] = (masks.astype(np.int64) @ member.astype(np.int64) > 0).sum(axis=1).astype(np.int64)
    return counts
