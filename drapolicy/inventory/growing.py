"""Columns while a fleet is loaded: batches come in any order of rows, `finish` puts them into the final order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import count
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from drapolicy.api.quantity import Quantity
from drapolicy.inventory.columns import ABSENT, Codes

Rows = NDArray[np.int64]
T = TypeVar("T")
Batches = list[tuple[Rows | slice, T]]


def _state(value: object) -> object:
    """Write what JSON does not know: a quantity with all that decides how it compares, counts and prints."""
    if isinstance(value, Quantity):
        return value.__reduce__()[1]
    message = f"{type(value).__name__} has no place in a Kubernetes object"
    raise TypeError(message)


_CANONICAL = msgspec.json.Encoder(enc_hook=_state, order="deterministic")


def canonical(value: object) -> bytes:
    """Return a text that is equal for equal objects, whatever the order of their maps."""
    return _CANONICAL.encode(value)


class GrowingCodes(Generic[T]):
    """A dictionary-encoded column that takes rows in any order.

    Parameters
    ----------
    key
        What tells values apart; the value itself if left out.
    """

    def __init__(self, key: Callable[[T], Hashable] | None = None) -> None:
        self._code: defaultdict[Any, int] = defaultdict(count().__next__)  # a key not seen yet gets the next code
        self._key = key
        self._values: list[T] = []
        self._batches: Batches[NDArray[np.int32]] = []

    def add(self, rows: Rows, values: Sequence[T]) -> None:
        """Set the values of some rows."""
        keys: Iterable[Any] = values
        if self._key:
            keys = list(map(self._key, values))
            for key, value in zip(keys, values, strict=True):
                if self._code[key] == len(self._values):
                    self._values.append(value)
        codes = np.fromiter(map(self._code.__getitem__, keys), np.int32, len(values))
        self._batches.append((run(rows), codes))

    def finish(self, size: int, order: Rows | None) -> tuple[NDArray[np.int32], list[T]]:
        """Return the codes of all rows, and the values in the order of the first row that has each; empties itself.

        Parameters
        ----------
        size
            Number of rows.
        order
            The old row of each new row; None keeps the rows.
        """
        codes = spread(self._batches, np.full(size, ABSENT, np.int32), order)
        by_first = ranked(codes, len(self._code))
        values: list[T] = self._values if self._key else list(self._code)
        self._code.clear()
        self._batches.clear()
        return codes, [values[code] for code in by_first.tolist()]

    def column(self, size: int, order: Rows | None) -> Codes[T]:
        """Return the finished column with its values as a tuple."""
        codes, values = self.finish(size, order)
        return Codes(codes, tuple(values))


def run(rows: Rows) -> Rows | slice:
    """Return rows as a slice where they follow each other, which takes no memory."""
    return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) and (np.diff(rows) == 1).all() else rows


def ranked(codes: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Give the codes of a column new numbers by the first row of each, in place.

    Parameters
    ----------
    count
        How many codes there are.

    Returns
    -------
    ndarray
        The old code of each new one, int64; codes that no row has are left out.
    """
    rows = np.flatnonzero(codes != ABSENT)
    used = codes[rows]
    # Of repeated indices numpy keeps the last assignment, so going backwards leaves the first row of each code.
    first = np.full(count, len(codes))
    first[used[::-1]] = rows[::-1]
    by_first = np.argsort(first)[: np.count_nonzero(first < len(codes))]
    rank = np.empty(count, np.int32)
    rank[by_first] = np.arange(len(by_first), dtype=np.int32)
    codes[rows] = rank[used]
    return by_first


def spread(batches: Iterable[tuple[Rows | slice, Any]], into: NDArray[Any], order: Rows | None) -> NDArray[Any]:
    """Write batches to their rows and bring the rows into order."""
    for rows, values in batches:
        into[rows] = values
    return into if order is None else into[order]
