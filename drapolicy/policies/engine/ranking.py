"""Nodes ranked by a label, so that the best is found without a look at all of them."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine import kernels
from drapolicy.policies.engine.kernels.labels import REFUSED
from drapolicy.problem.amounts import BLOCK, Columns

Labels = NDArray[np.int32]
Nodes = NDArray[np.intp]

ENDS = 2**31 - 1
"""The attempt ends where this node is reached: above every rank, as it is met whichever node would be best."""

_STEP = 2**12
_MIDDLE = 2**30


class Order:
    """Gives keys labels that compare as they do: integers with gaps, spread anew when a gap is used up."""

    def __init__(self) -> None:
        self._keys: list[Any] = []
        self._labels: list[int] = []
        self._of: dict[Any, int] = {}

    def label(self, key: Any) -> int | None:
        """Return the label of a key; None when all labels must be spread anew first (:meth:`spread`)."""
        known = self._of.get(key)
        if known is not None:
            return known
        keys, labels = self._keys, self._labels
        at = bisect_left(keys, key)
        low = labels[at - 1] if at else None
        high = labels[at] if at < len(labels) else None
        if low is None and high is None:
            made = _MIDDLE
        elif high is None:
            assert low is not None
            made = low + _STEP
        elif low is None:
            made = high - _STEP
        else:
            made = (low + high) // 2
        if made in (low, high) or not 0 <= made < ENDS:
            return None
        keys.insert(at, key)
        labels.insert(at, made)
        self._of[key] = made
        return made

    def key(self, label: int) -> Any:
        """Return the key of a label."""
        return self._keys[bisect_left(self._labels, label)]

    def spread(self) -> tuple[Labels, Labels]:
        """Give every key a new label with room around it; return the old labels, ascending, and the new ones."""
        old = np.array(self._labels, np.int32)
        step = min(_STEP, (ENDS - 1) // (2 * (len(old) + 1)))
        start = _MIDDLE - step * (len(old) // 2)
        self._labels = [start + step * i for i in range(len(old))]
        self._of = dict(zip(self._keys, self._labels, strict=True))
        return old, np.array(self._labels, np.int32)


def relabelled(labels: Labels, old: Labels, new: Labels) -> None:
    """Write new labels for old ones in place; labels that rank nothing stay."""
    ranked = (labels >= 0) & (labels < ENDS)
    labels[ranked] = new[np.searchsorted(old, labels[ranked])]


class Ranking:
    """A label of each node, and a bound of the labels of each block of nodes.

    Bounds are raised when labels are written and lowered when a search finds them too high, so a write costs what is
    written.

    Parameters
    ----------
    labels
        ndarray of shape (N,), int32.
    """

    def __init__(self, labels: Labels) -> None:
        self.size = len(labels)
        blocks = max(1, -(-self.size // BLOCK))
        self._rows = np.full((blocks, BLOCK), REFUSED, np.int32)
        self.labels = self._rows.reshape(-1)
        self.labels[: self.size] = labels
        self.bounds = self._rows.max(axis=1)
        self._todo = np.empty(256, np.intp)

    def write(self, nodes: NDArray[np.intp], labels: Labels) -> None:
        """Change the labels of some nodes."""
        self.labels[nodes] = labels
        np.maximum.at(self.bounds, nodes >> 10, labels)

    def relabel(self, old: Labels, new: Labels) -> None:
        """Write new labels for old ones."""
        relabelled(self.labels, old, new)
        self.bounds = self._rows.max(axis=1)

    def refresh(
        self, changed: Nodes, row: NDArray[np.signedinteger[Any]], content: Labels, table: Labels
    ) -> Nodes | None:
        """Change the labels of nodes to what a table says; return the nodes of which it says nothing.

        Parameters
        ----------
        changed
            Nodes, with repeats.
        row, content
            Where the label of each node stands in the table.
        table
            Shape (rows, contents), int32.
        """
        if len(changed) > len(self._todo):
            self._todo = np.empty(2 * len(changed), np.intp)
        count = kernels.refresh(changed, row, content, table, self.labels, self.bounds, self._todo)
        return self._todo[:count].copy() if count else None

    def best(self) -> int | None:
        """Return the first node of the highest label; None where none ranks."""
        n = kernels.best(self._rows, self.bounds)
        return None if n < 0 else n

    def best_with(self, columns: Columns, amounts: NDArray[np.int64]) -> int | None:
        """Return the first node of the highest label among those that have given amounts of room.

        Parameters
        ----------
        columns
            What nodes have left of R resources, one at least.
        amounts
            ndarray of shape (R,), int64; what is asked of each.
        """
        n = kernels.best_with(self._rows, self.bounds, columns.rows, columns.bounds, amounts)
        return None if n < 0 else n
