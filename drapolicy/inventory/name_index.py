"""Positions of names, without an object for each of a million names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.columns import ABSENT, Texts


class NameIndex(Mapping[str, int]):
    """Position of each of some names that all differ; finds them by their hashes, of which it keeps a sorted column.

    Parameters
    ----------
    names
        The names, in order; they are kept.
    """

    __slots__ = ("_hashes", "_names", "_order")

    def __init__(self, names: Sequence[str]) -> None:
        hashes = _hashes(names)
        order = np.argsort(hashes)
        self._names = names
        self._hashes, self._order = hashes[order], order.astype(np.int32)

    def __getitem__(self, name: str) -> int:
        wanted = hash(name)
        for place in range(int(np.searchsorted(self._hashes, wanted)), len(self._order)):
            if self._hashes[place] != wanted:
                break
            n = int(self._order[place])
            if self._names[n] == name:
                return n
        raise KeyError(name)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def positions(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Return the position of each name, -1 where there is none; ndarray of shape (len(names),), int32."""
        if not len(self) or not names:
            return np.full(len(names), ABSENT, np.int32)
        wanted = _hashes(names)
        place = np.minimum(np.searchsorted(self._hashes, wanted), len(self) - 1)
        found = np.where(self._hashes[place] == wanted, self._order[place], np.int32(ABSENT))
        for i, (n, name) in enumerate(zip(found.tolist(), names, strict=True)):
            # Another name may have the same hash.
            if n != ABSENT and self._names[n] != name:
                found[i] = self.get(name, ABSENT)
        return found

    @property
    def nbytes(self) -> int:
        """Bytes of the columns, without the names."""
        return self._hashes.nbytes + self._order.nbytes


def _hashes(names: Iterable[str]) -> NDArray[np.int64]:
    count = len(names) if isinstance(names, Sequence) else -1
    return np.fromiter(map(hash, names), np.int64, count)


def index_of(names: Sequence[str]) -> Mapping[str, int]:
    """Return the position of each of some names that all differ: a plain map, or a compact one of packed names."""
    if isinstance(names, Texts):
        return NameIndex(names)
    return {name: n for n, name in enumerate(names)}


def positions(index: Mapping[str, int], names: Sequence[str]) -> NDArray[np.int32]:
    """Return the position of each name, -1 where there is none; ndarray of shape (len(names),), int32."""
    if isinstance(index, NameIndex):
        return index.positions(names)
    return np.array([index.get(name, ABSENT) for name in names], np.int32)
