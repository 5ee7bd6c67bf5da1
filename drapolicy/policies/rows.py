"""Choices on many nodes at once, as amounts: what terms see that score nodes by columns.

One ask, and for each of M nodes W ways to serve it that differ in what the chosen GPUs had left. GPUs are counted in
thousandths, as :mod:`drapolicy.problem.millis` has them: those of the drivers whose devices the ask can use, of all
drivers for an ask that needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Ways to serve one ask on M nodes of at most G GPUs.

    Attributes
    ----------
    left
        What is left of each GPU before the choice; ndarray of shape (M, G), int64. 0 beyond a node's GPUs.
    gpus
        Number of each node's GPUs; ndarray of shape (M,), int64.
    level
        What each GPU that is chosen had left; ndarray of shape (M, W), int64. W is G where one GPU is chosen, each in
        its turn, whether it has enough or not; else 1.
    count, takes
        How many GPUs are chosen, and what is taken of each: integers. Nothing for asks that need no devices.
    shares
        Whether others can have the rest of the chosen GPUs.
    cpu, memory
        Milli CPU and bytes that nodes have left before the pod; ndarrays of shape (M,), int64.
    asked_cpu, asked_memory
        What the pod asks for: integers.
    whole_cpu, whole_memory
        Milli CPU and bytes that nodes give in all; ndarrays of shape (M,), int64.
    product
        Product of each node's devices, as a position among those that the term was told; ndarray of shape (M,), intp.
    sizes
        How many devices the allocations on each node have: bit s is set where some have s; ndarray of shape (M,),
        int64. Bit 0 stands for shares.
    """

    left: Column
    gpus: Column
    level: Column
    count: int
    takes: int
    shares: bool
    cpu: Column
    memory: Column
    asked_cpu: int
    asked_memory: int
    whole_cpu: Column
    whole_memory: Column
    product: NDArray[np.intp]
    sizes: Column

    @property
    def after(self) -> Column:
        """What each chosen GPU has left after the choice; ndarray of shape (M, W), int64."""
        return np.maximum(self.level - self.takes, 0)


Scoring: TypeAlias = Callable[[Rows], Column]
"""Returns a term for each way: ndarray of shape (M, W) or (M, 1), int64. What it says of ways that GPUs have not enough
left for does not matter."""

Form: TypeAlias = Callable[[tuple[str, ...]], Scoring | None]
"""Makes the scoring of a term, told the products that there are; None where it would take too much memory."""
