"""Columns of exact amounts, one for each node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 1024

MOST = int(np.iinfo(np.int64).max)
"""The most that a column tells apart; what nobody bounds counts as this much."""


def cut(amount: int) -> int:
    """Return an amount, cut off at what a column tells apart."""
    return amount if -MOST <= amount <= MOST else MOST if amount > 0 else -MOST


class Exact:
    """An exact amount of each node.

    Parameters
    ----------
    amounts
        ndarray of shape (N,), int64 or Python ints (dtype object).

    Attributes
    ----------
    cut
        ndarray of shape (N,), int64; the amounts, cut off at plus and minus ``MOST``.
    """

    __slots__ = ("_beyond", "_cells", "cut")

    def __init__(self, amounts: NDArray[np.int64] | NDArray[np.object_]) -> None:
        self._beyond: dict[int, int] = {}
        if amounts.dtype == np.object_:
            self.cut = np.zeros(len(amounts), np.int64)
            for n in np.flatnonzero(amounts).tolist():
                self[n] = amounts[n]
        else:
            self.cut = amounts.astype(np.int64, copy=False)
        # Reads and writes single amounts in a third of the time.
        self._cells = self.cut.data

    def __getitem__(self, n: int) -> int:
        return self._beyond[n] if n in self._beyond else self._cells[n]

    def __setitem__(self, n: int, amount: int) -> None:
        told = cut(amount)
        self.cut[n] = told
        if told != amount:
            self._beyond[n] = amount
        elif self._beyond:
            self._beyond.pop(n, None)

    def add(self, n: int, amount: int) -> int:
        """Add to the amount of one node, and return what it is then."""
        total = amount + (self._beyond[n] if n in self._beyond else self._cells[n])
        if -MOST <= total <= MOST and not self._beyond:
            self._cells[n] = total
        else:
            self[n] = total
        return total

    def without(self, other: Exact) -> NDArray[np.int64]:
        """Return the differences, cut off."""
        found: NDArray[np.int64] = self.cut - other.cut
        # A difference of floats is wrong by far less than the half of what overflows.
        far = np.abs(self.cut.astype(np.float64) - other.cut.astype(np.float64)) > 2.0**62
        for n in {*np.flatnonzero(far).tolist(), *self._beyond, *other._beyond}:
            found[n] = cut(self[n] - other[n])
        return found


class Amounts:
    """What each node has left of one resource, in blocks of nodes, and a bound of the amounts of each block.

    Bounds are raised when amounts are written; whoever searches lowers those that it finds too high.
    """

    def __init__(self, amounts: NDArray[np.int64]) -> None:
        blocks = max(1, -(-len(amounts) // BLOCK))
        self.rows = np.full((blocks, BLOCK), np.iinfo(np.int64).min, np.int64)
        self._flat = self.rows.reshape(-1)
        self._flat[: len(amounts)] = amounts
        self.bounds = self.rows.max(axis=1)
        self._cells, self._bound_cells = self._flat.data, self.bounds.data

    def write(self, n: int, amount: int) -> None:
        """Change the amount of one node."""
        self._cells[n] = amount
        block = n // BLOCK
        if amount > self._bound_cells[block]:  # noqa: PLR1730 - most writes leave it
            self._bound_cells[block] = amount

    def of(self, nodes: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the amounts of some nodes."""
        found: NDArray[np.int64] = self._flat[nodes]
        return found


class Columns:
    """Several columns, side by side as loops over nodes take them.

    Attributes
    ----------
    each
        The columns.
    rows, bounds
        Theirs.
    """

    __slots__ = ("bounds", "each", "rows")

    def __init__(self, each: tuple[Amounts, ...]) -> None:
        self.each = each
        self.rows = tuple(column.rows for column in each)
        self.bounds = tuple(column.bounds for column in each)
