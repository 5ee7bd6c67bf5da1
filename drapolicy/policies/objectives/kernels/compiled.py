"""Scores of nodes by columns, compiled by numba: what :mod:`.plain` does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def growth(  # noqa: PLR0917 - as in plain
    left: Any,
    level: Any,
    product: Any,
    cpu: Any,
    asked_cpu: int,
    count: int,
    takes: int,
    weight: int,
    steps: Any,
    single: Any,
    levels: int,
    millis: Any,
    several: Any,
    most: int,
) -> Any:
    """Return how much more milli a mix cannot use after each choice, times its weight."""
    nodes, ways = level.shape
    found = np.empty((nodes, ways), np.int64)
    counts = np.empty(len(millis), np.int64)
    amounts = np.empty(len(millis), np.int64)
    for m in range(nodes):
        begin = product[m] * (len(steps) + 1)
        now = begin + np.searchsorted(steps, cpu[m], "right")
        then = begin + np.searchsorted(steps, cpu[m] - asked_cpu, "right")
        lost = 0
        counts[:] = 0
        amounts[:] = 0
        for g in range(left.shape[1]):
            free = left[m, g]
            lost += single[now * levels + free] - single[then * levels + free]
            for s in range(len(millis)):
                if free >= millis[s]:
                    counts[s] += 1
                    amounts[s] += free
        for s in range(len(millis)):
            lost += amounts[s] * several[s, now * (most + 1) + min(counts[s], most)]
        for w in range(ways):
            before = level[m, w]
            after = max(before - takes, 0)
            total = lost - count * (before - after) * weight
            if count:
                total += count * (single[then * levels + before] - single[then * levels + after])
            for s in range(len(millis)):
                milli = millis[s]
                fewer, less = counts[s], amounts[s]
                if before >= milli:
                    fewer -= count
                    less -= count * before
                if after >= milli:
                    fewer += count
                    less += count * after
                total -= less * several[s, then * (most + 1) + min(fewer, most)]
            found[m, w] = total
    return found
