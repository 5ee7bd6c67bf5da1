"""Choices on many nodes at once, as amounts: what terms see that score nodes by columns.

One ask, and for each of M nodes W ways to serve it that differ in what the chosen GPUs had left. GPUs are counted in
thousandths, as :mod:`drapolicy.problem.millis` has them: those of the drivers whose devices the ask can use, of all
drivers for an ask that needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[np.int64]

_COLUMNS = frozenset({"gpus", "cpu", "memory", "whole_cpu", "whole_memory", "product", "sizes"})


class Rows:
    """Ways to serve one ask on M nodes of at most G GPUs.

    Parameters
    ----------
    column
        Returns a column of the nodes by its name: one of the attributes that are of shape (M,).

    Attributes
    ----------
    left
        What is left of each GPU before the choice; ndarray of shape (M, G), int64. 0 beyond a node's GPUs.
    level
        What each GPU that is chosen had left; ndarray of shape (M, W), int64. W is G where one GPU is chosen, each in
        its turn, whether it has enough or not; else 1.
    count, takes
        How many GPUs are chosen, and what is taken of each: integers. Nothing for asks that need no devices.
    shares
        Whether others can have the rest of the chosen GPUs.
    asked_cpu, asked_memory
        Milli CPU and bytes that the pod asks for: integers.
    """

    def __init__(
        self,
        *,
        left: Column,
        level: Column,
        count: int,
        takes: int,
        shares: bool,
        asked_cpu: int,
        asked_memory: int,
        column: Callable[[str], NDArray[Any]],
    ) -> None:
        self.left, self.level = left, level
        self.count, self.takes, self.shares = count, takes, shares
        self.asked_cpu, self.asked_memory = asked_cpu, asked_memory
        self._column = column

    def __len__(self) -> int:
        return len(self.left)

    @property
    def known(self) -> AbstractSet[str]:
        """Names of the columns that were read."""
        return _COLUMNS & self.__dict__.keys()

    def read(self, names: Iterable[str]) -> Rows:
        """Read some columns now, so that nothing changes when the nodes do."""
        for name in names:
            getattr(self, name)
        return self

    @cached_property
    def after(self) -> Column:
        """What each chosen GPU has left after the choice; ndarray of shape (M, W), int64."""
        return np.maximum(self.level - self.takes, 0)

    @cached_property
    def free_after(self) -> Column:
        """What all GPUs of each node have left after the choice; ndarray of shape (M,), int64."""
        left: Column = np.maximum(self.left.sum(axis=1) - self.count * self.takes, 0)
        return left

    @cached_property
    def cpu_after(self) -> Column:
        """Milli CPU that each node has left with the pod; ndarray of shape (M,), int64."""
        return self.cpu - self.asked_cpu

    @cached_property
    def mib_after(self) -> Column:
        """MiB of memory that each node has left with the pod, rounded down; ndarray of shape (M,), int64."""
        return (self.memory - self.asked_memory) >> 20

    @cached_property
    def gpus(self) -> Column:
        """Number of each node's GPUs; ndarray of shape (M,), int64."""
        return self._column("gpus")

    @cached_property
    def cpu(self) -> Column:
        """Milli CPU that each node has left before the pod; ndarray of shape (M,), int64."""
        return self._column("cpu")

    @cached_property
    def memory(self) -> Column:
        """Bytes of memory that each node has left before the pod; ndarray of shape (M,), int64."""
        return self._column("memory")

    @cached_property
    def whole_cpu(self) -> Column:
        """Milli CPU that each node gives in all; ndarray of shape (M,), int64."""
        return self._column("whole_cpu")

    @cached_property
    def whole_memory(self) -> Column:
        """Bytes of memory that each node gives in all; ndarray of shape (M,), int64."""
        return self._column("whole_memory")

    @cached_property
    def product(self) -> NDArray[np.intp]:
        """Product of each node's devices, as a position among those that the term was told; shape (M,), intp."""
        return self._column("product")

    @cached_property
    def sizes(self) -> Column:
        """How many devices the allocations on each node have: bit s is set where some have s; shape (M,), int64.

        Bit 0 stands for shares that leave something of a device.
        """
        return self._column("sizes")


Scoring: TypeAlias = Callable[[Rows], Column]
"""Returns a term for each way: ndarray of shape (M, W) or (M, 1), int64. What it says of ways that GPUs have not enough
left for does not matter."""

Form: TypeAlias = Callable[[tuple[str, ...]], Scoring | None]
"""Makes the scoring of a term, told the products that there are; None where it would take too much memory."""
