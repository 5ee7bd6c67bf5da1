"""What a node can still earn: the best that its free GPUs and CPU could be filled with, at a workload's prices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import index

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.fluid import FULL, HUNDREDTH
from drapolicy.policies.objective import Indices, Masks, Term
from drapolicy.policies.objectives.earnings_rows import MOST_CPU, EarningsRows
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.policies.objectives.mix import WHOLE
from drapolicy.policies.objectives.prices import Prices
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.room import Outlook


@lru_cache(maxsize=512)
def fillings(prices: Prices, product: str) -> NDArray[np.int64]:
    """Return what a GPU can earn by each rate of CPU and free hundredths; ndarray of shape (R, 101), int64.

    The best of all sets of pods that fit into what is free, each at its price less its CPU at the rate: an unbounded
    knapsack. Thousandths of a milli GPU.
    """
    found = np.zeros((len(prices.rates), FULL + 1), np.int64)
    pods = [pod for pod in prices.pods if not pod.models or product in pod.models]
    sizes = [-(-pod.milli // HUNDREDTH) for pod in pods]
    for r, rate in enumerate(prices.rates):
        gains = [max(WHOLE * pod.price - rate * pod.cpu, 0) for pod in pods]
        for level in range(1, FULL + 1):
            fits = [found[r, level - size] + gain for size, gain in zip(sizes, gains, strict=True) if size <= level]
            found[r, level] = max([found[r, level - 1], *fits])
    return found


def earnings(left: NDArray[np.int64], cpu: int, product: str, prices: Prices) -> NDArray[np.int64]:
    """Return what a node can still earn at most, for many states of its GPUs: thousandths of a milli GPU.

    At each rate the CPU that is left is paid for, and each GPU earns what its best filling does; the least of these
    bounds is the best (weak duality). A node with little CPU can earn little with its GPUs.

    Parameters
    ----------
    left
        Milli free of each GPU; ndarray of shape (S, G), int64.
    cpu
        Milli CPU left.

    Returns
    -------
    ndarray of shape (S,), int64
    """
    table = fillings(prices, product)
    paid = np.array(prices.rates, np.int64) * min(max(cpu, 0), MOST_CPU)
    least: NDArray[np.int64] = (table[:, left // HUNDREDTH].sum(axis=2) + paid[:, None]).min(axis=0)
    return least


@dataclass(frozen=True)
class _EarningsLost:
    prices: Prices

    def __call__(self, node: LocalProblem, chosen: Indices, room: Outlook) -> int:
        after = node.millis.after(chosen)
        return index(self._lost(node, after[None], room)[0])

    def many(self, node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
        millis = node.millis
        part = np.zeros((node.size, len(millis.left)), np.int64)
        part[np.arange(len(millis.gpu)), millis.gpu] = millis.takes
        return self._lost(node, np.maximum(millis.left - chosen.astype(np.int64) @ part, 0), room)

    def _lost(self, node: LocalProblem, after: NDArray[np.int64], room: Outlook) -> NDArray[np.int64]:
        product = node.product if any(pod.models for pod in self.prices.pods) else ""
        before = earnings(node.millis.left[None], room.cpu, product, self.prices)
        return before - earnings(after, room.cpu - room.asked_cpu, product, self.prices)


@dataclass(frozen=True)
class _Over:
    """The form for many choices: an object that equals another of the same prices, which a bound method does not."""

    term: _EarningsLost

    def __call__(self, node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
        return self.term.many(node, chosen, room)


def earnings_lost(prices: Prices) -> Term:
    """Return the term of how much less a node can earn after the choice: thousandths of a milli GPU."""
    function = _EarningsLost(prices)
    most = WHOLE * max([WHOLE, *(pod.price * WHOLE // max(pod.milli, 1) for pod in prices.pods)]) * MOST_DEVICES
    most += max(prices.rates) * MOST_CPU
    doc = "What the node can earn before the choice less what it can earn after it, at the workload's shadow prices."
    over, rows = _Over(function), EarningsRows(prices, fillings)
    return Term(
        "earnings_lost", "milli GPU / 1000", "min", ("chosen", "room"), (0, most), function, doc, over, rows=rows
    )
