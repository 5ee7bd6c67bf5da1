"""Scores of nodes by columns, in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.rows import Column


def growth(  # noqa: PLR0917 - arrays, not an object: what a compiled function takes
    left: Column,
    level: Column,
    product: NDArray[np.intp],
    cpu: Column,
    asked_cpu: int,
    count: int,
    takes: int,
    weight: int,
    steps: Column,
    single: Column,
    levels: int,
    millis: Column,
    several: Column,
    most: int,
) -> Column:
    """Return how much more milli a mix cannot use after each choice, times its weight; shape (M, W), int64.

    Parameters
    ----------
    left, level, product, cpu, asked_cpu, count, takes
        As of :class:`~drapolicy.policies.rows.Rows`.
    weight, steps, single, millis, several
        As of :class:`~drapolicy.policies.objectives.worths.Worths`.
    levels, most
        How many levels of a GPU, and how many GPUs at most, the tables tell.
    """
    after = np.maximum(level - takes, 0)
    begin = product * (len(steps) + 1)
    now = begin + np.searchsorted(steps, cpu, "right")
    then = begin + np.searchsorted(steps, cpu - asked_cpu, "right")

    def single_at(at: NDArray[np.intp], free: Column) -> Column:
        return single.take((at * levels)[:, None] + free)

    def several_at(table: Column, at: NDArray[np.intp], counts: Column) -> Column:
        return table.take((at * (most + 1))[:, None] + np.minimum(counts, most))

    lost = single_at(now, left).sum(axis=1) - single_at(then, left).sum(axis=1)
    found: Column = lost[:, None] - count * (level - after) * weight
    if count:
        found = found + count * (single_at(then, level) - single_at(then, after))
    for milli, table in zip(millis.tolist(), several, strict=True):
        enough = left >= milli
        counts = enough.sum(axis=1)[:, None]
        amounts = np.where(enough, left, 0).sum(axis=1)[:, None]
        used = amounts * several_at(table, now, counts)
        was, stays = level >= milli, after >= milli
        counts = counts - count * (was.astype(np.int64) - stays)
        amounts = amounts - count * (np.where(was, level, 0) - np.where(stays, after, 0))
        found = found + used - amounts * several_at(table, then, counts)
    return found
