"""FGD's fragmentation by columns of many nodes: the forms of the terms in ``fragmentation``."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objectives import kernels
from drapolicy.policies.objectives.mix import Mix
from drapolicy.policies.objectives.published import Floats, points_of
from drapolicy.policies.objectives.worths import LEVELS, MOST_GPUS, Worths
from drapolicy.policies.rows import Column, Rows, Scoring

Indices = NDArray[np.intp]


def growth(worths: Worths, rows: Rows) -> Column:
    """Return how much more milli the mix cannot use after each choice, times its weight; shape (M, W), int64.

    What it cannot use is what is free less what it can; both sums change at the chosen GPUs alone, but that with less
    CPU left all GPUs may be worth less.
    """
    found: Column = kernels.growth(
        rows.left,
        rows.level,
        rows.product,
        rows.cpu,
        rows.asked_cpu,
        rows.count,
        rows.takes,
        worths.weight,
        worths.steps,
        worths.single,
        LEVELS,
        worths.millis,
        worths.tables,
        MOST_GPUS,
    )
    return found


@dataclass(frozen=True)
class GrowthRows:
    """The form of :func:`~drapolicy.policies.objectives.fragmentation.fragmentation`."""

    mix: Mix

    def __call__(self, products: tuple[str, ...]) -> Scoring | None:
        """Return the scoring of nodes with some products."""
        worths = Worths.of(self.mix, products)
        return None if worths is None else lambda rows: growth(worths, rows)


@dataclass(frozen=True)
class PointsRows:
    """The form of :func:`~drapolicy.policies.objectives.fragmentation.fgd_points`.

    Attributes
    ----------
    mix
        Typical pods.
    points
        Points for so much less of fragmentation, times the weight of the mix; grows with it.
    floats
        Tells the points of choices that change nothing; None where they have the same always.
    """

    mix: Mix
    points: Callable[[int, int], int]
    floats: Floats | None

    def __call__(self, products: tuple[str, ...]) -> Scoring | None:
        """Return the scoring of nodes with some products."""
        worths = Worths.of(self.mix, products)
        if worths is None:
            return None
        # The points are of a float that is cut off: where each of them begins is an integer.
        most = 1_000_000 * max(worths.weight, 1)
        begins = [
            bisect_left(range(-most, most), value, key=lambda less: self.points(less, worths.weight)) - most
            for value in range(1, 101)
        ]
        steps = np.array(begins, np.int64)
        floats = self.floats
        if floats is None:
            return lambda rows: np.searchsorted(steps, -growth(worths, rows), "right")
        admits = np.stack([floats.admits(product) for product in products])

        def scoring(rows: Rows) -> Column:
            grown = growth(worths, rows)
            points: Column = np.searchsorted(steps, -grown, "right")
            node, way = np.nonzero((grown == 0) & (rows.level >= rows.takes))
            if len(node):
                points[node, way] = _cut(floats, rows, admits, node, way)
            return points

        return scoring


def _cut(floats: Floats, rows: Rows, admits: NDArray[np.bool_], node: Indices, way: Indices) -> Column:
    """Return the points of choices that change nothing, but for the last digits of floats."""
    before = rows.left[node]
    after = _after(rows, before, way)
    cpu, admitted = rows.cpu[node], admits[rows.product[node]]
    less = floats.wasted(before, cpu, admitted) - floats.wasted(after, cpu - rows.asked_cpu, admitted)
    return np.array([points_of(one) for one in less.tolist()], np.int64)


def _after(rows: Rows, before: Column, way: Indices) -> Column:
    """Return what is left of each GPU after choices; sums over GPUs matter alone, so any that are free will do."""
    after = before.copy()
    if rows.count == 1:
        after[np.arange(len(way)), way] -= rows.takes
    elif rows.count:
        free = before >= rows.takes
        after[free & (free.cumsum(axis=1) <= rows.count)] -= rows.takes
    return np.maximum(after, 0)
