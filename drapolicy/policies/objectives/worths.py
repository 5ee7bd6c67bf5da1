"""What free GPUs are worth to a mix of pods, as tables: FGD's fragmentation of many nodes by a few look-ups.

A pod p that fits can use the free milli of GPUs that have at least what it asks of one. For pods of one GPU, whether p
fits follows from the same comparison, so a GPU with g milli left is worth the sum of weight x g over pods of one GPU
that admit the node and ask for at most g: one number for each product of GPUs, range of free CPU, and g. Pods of
several GPUs are counted by what they ask of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objectives.mix import Mix, TypicalPod
from drapolicy.policies.rows import Column
from drapolicy.problem.millis import WHOLE

LEVELS = WHOLE + 1
_MOST_CELLS = 20_000_000
MOST_GPUS = 512


@dataclass(frozen=True, eq=False)
class Worths:
    """Tables of a mix on some products of GPUs.

    Attributes
    ----------
    weight
        Of the whole mix.
    steps
        Milli CPU at which more pods fit, ascending; ndarray of shape (B - 1,), int64.
    single
        Worth of a GPU by product, range of CPU, and free milli; ndarray of shape (P * B * 1001,), int64.
    several
        For each amount of one GPU that pods of several ask for: the amount, and the weight of those pods by product,
        range of CPU, and number of GPUs with so much left; ndarray of shape (P * B * 513,), int64.
    """

    weight: int
    steps: Column
    single: Column
    several: tuple[tuple[int, Column], ...]

    @classmethod
    def of(cls, mix: Mix, products: tuple[str, ...]) -> Worths | None:
        """Make the tables; None where they would be too large."""
        useful = [pod for pod in mix if pod.milli > 0]
        steps = np.unique(np.array([pod.cpu for pod in useful], np.int64))
        many = sorted({pod.milli for pod in useful if pod.gpus > 1})
        shape = (len(products), len(steps) + 1)
        if shape[0] * shape[1] * (LEVELS + len(many) * (MOST_GPUS + 1)) > _MOST_CELLS:
            return None
        single = np.zeros((*shape, LEVELS), np.int64)
        several = {milli: np.zeros((*shape, MOST_GPUS + 1), np.int64) for milli in many}
        for pod in useful:
            admits = np.array([not pod.models or product in pod.models for product in products], np.bool_)
            fits = int(np.searchsorted(steps, pod.cpu, "right"))
            table, least = _place(pod, single, several)
            table[admits, fits:, least:] += pod.weight
        single *= np.arange(LEVELS)
        flat = tuple((milli, table.reshape(-1)) for milli, table in several.items())
        return cls(sum(pod.weight for pod in mix), steps, single.reshape(-1), flat)

    @cached_property
    def millis(self) -> Column:
        """The amounts of ``several``; ndarray of shape (S,), int64."""
        return np.array([milli for milli, _ in self.several], np.int64)

    @cached_property
    def tables(self) -> Column:
        """The tables of ``several``; ndarray of shape (S, P * B * 513), int64."""
        if not self.several:
            return np.zeros((0, 0), np.int64)
        return np.stack([table for _, table in self.several])

    def range_of(self, product: NDArray[np.intp], cpu: Column) -> NDArray[np.intp]:
        """Return where in the tables nodes of some products and free CPU are."""
        return product * (len(self.steps) + 1) + np.searchsorted(self.steps, cpu, "right")

    def single_at(self, at: NDArray[np.intp], levels: Column) -> Column:
        """Return the worth of GPUs; ``levels`` of shape (M, W), ``at`` of shape (M,)."""
        return self.single.take((at * LEVELS)[:, None] + levels)

    def several_at(self, table: Column, at: NDArray[np.intp], counts: Column) -> Column:
        """Return the weight of pods that so many GPUs are enough for; ``counts`` of shape (M, W)."""
        return table.take((at * (MOST_GPUS + 1))[:, None] + np.minimum(counts, MOST_GPUS))

    def wasted(self, left: Column, cpu: Column, product: NDArray[np.intp]) -> Column:
        """Return the free milli of nodes that pods cannot use, times the weight of the mix; shape (M,), int64.

        Parameters
        ----------
        left
            What is left of each GPU; ndarray of shape (M, G), int64.
        cpu, product
            Milli CPU left, and products as positions; ndarrays of shape (M,).
        """
        at = self.range_of(product, cpu)
        found: Column = self.weight * left.sum(axis=1) - self.single_at(at, left).sum(axis=1)
        for milli, table in self.several:
            enough = left >= milli
            weights = self.several_at(table, at, enough.sum(axis=1)[:, None])[:, 0]
            found -= np.where(enough, left, 0).sum(axis=1) * weights
        return found


def _place(pod: TypicalPod, single: Column, several: dict[int, Column]) -> tuple[Column, int]:
    return (several[pod.milli], pod.gpus) if pod.gpus > 1 else (single, pod.milli)
