"""What nodes can still earn, by columns of many nodes: the form of ``earnings_lost``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.fluid import FULL, HUNDREDTH
from drapolicy.policies.objectives.prices import Prices
from drapolicy.policies.rows import Column, Rows, Scoring

MOST_CPU = 10**9
"""Milli CPU; a node that has more earns no more by it."""

_MOST_CELLS = 20_000_000


@dataclass(frozen=True)
class EarningsRows:
    """The form of :func:`~drapolicy.policies.objectives.earnings.earnings_lost`.

    Attributes
    ----------
    prices
        Of the workload.
    fillings
        Returns what a GPU of a product can earn; ndarray of shape (R, 101), int64.
    """

    prices: Prices
    fillings: Callable[[Prices, str], NDArray[np.int64]]

    def __call__(self, products: tuple[str, ...]) -> Scoring | None:
        """Return the scoring of nodes with some products."""
        if len(products) * len(self.prices.rates) * (FULL + 1) > _MOST_CELLS:
            return None
        # By rate, product and free hundredths.
        tables = [self.fillings(self.prices, product) for product in products]
        table = np.stack(tables, axis=1).reshape(len(self.prices.rates), -1)
        rates = np.array(self.prices.rates, np.int64)[:, None]
        return lambda rows: _lost(table, rates, rows)


def _lost(table: Column, rates: Column, rows: Rows) -> Column:
    at = (rows.product * (FULL + 1))[:, None]
    gpus = table.take(at + rows.left // HUNDREDTH, axis=1).sum(axis=2)
    before = (gpus + rates * _bounded(rows.cpu)).min(axis=0)
    then = gpus + rates * _bounded(rows.cpu_after)
    if not rows.count:
        idle: Column = (before - then.min(axis=0))[:, None]
        return idle
    change = table.take(at + rows.after // HUNDREDTH, axis=1) - table.take(at + rows.level // HUNDREDTH, axis=1)
    lost: Column = before[:, None] - (then[:, :, None] + rows.count * change).min(axis=0)
    return lost


def _bounded(cpu: Column) -> Column:
    found: Column = np.minimum(np.maximum(cpu, 0), MOST_CPU)
    return found
