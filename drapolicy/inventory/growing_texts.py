"""A column of texts while a fleet is loaded: millions of texts that all differ are bytes, not objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.columns import ABSENT, Codes, Texts, texts
from drapolicy.inventory.growing import Batches, Rows, ranked, run, spread

_MOST_OBJECTS = 1 << 16
_AT_A_TIME = 1 << 16


class GrowingTexts:
    """A dictionary-encoded column of texts that takes rows in any order.

    The first texts are looked up as they come. Those that come when there are many are packed with their hashes, and
    equal ones are found at the end.

    Parameters
    ----------
    most
        How many texts are looked up.
    """

    def __init__(self, most: int = _MOST_OBJECTS) -> None:
        self._most = most
        self._code: dict[str, int] = {}
        self._batches: Batches[NDArray[np.int32]] = []
        self._packed: list[Texts] = []
        self._hashes: list[NDArray[np.int64]] = []
        self._count = 0

    def add(self, rows: Rows, values: Sequence[str]) -> None:
        """Set the values of some rows."""
        known = self._code
        if len(known) < self._most:
            codes = [known.setdefault(value, len(known)) for value in values]
            self._count = len(known)
        else:
            new: dict[str, int] = {}
            start = self._count
            codes = [
                new.setdefault(value, start + len(new)) if code is None else code
                for value, code in zip(values, map(known.get, values), strict=True)
            ]
            if new:
                self._packed.append(Texts.of(new))
                self._hashes.append(np.fromiter(map(hash, new), np.int64, len(new)))
                self._count += len(new)
        self._batches.append((run(rows), np.array(codes, np.int32)))

    def rows(self, size: int) -> list[str]:
        """Return the text of each row; the column stays as it is."""
        every = [*self._code, *(text for part in self._packed for text in part)]
        return [every[code] for code in spread(self._batches, np.full(size, ABSENT, np.int32), None).tolist()]

    def column(self, size: int, order: Rows | None) -> Codes[str]:
        """Return the finished column; empties itself.

        Parameters
        ----------
        size
            Number of rows.
        order
            The old row of each new row; None keeps the rows.
        """
        codes = spread(self._batches, np.full(size, ABSENT, np.int32), order)
        self._batches.clear()
        first = list(self._code)
        later = _joined(self._packed)
        self._packed.clear()
        if self._hashes:
            same = np.append(self._same(later, len(first)), np.int32(ABSENT))  # the last entry is what code -1 picks
            codes = same[codes]
        by_first = ranked(codes, self._count)
        self._code.clear()
        if not len(later):
            return Codes(codes, texts([first[code] for code in by_first.tolist()]))
        return Codes(codes, _picked(first, later, by_first))

    def _same(self, later: Texts, start: int) -> NDArray[np.int32]:
        """Return for each code the first code of the same text."""
        hashes = np.concatenate(self._hashes)
        self._hashes.clear()
        found = np.arange(self._count, dtype=np.int32)
        by_hash = np.argsort(hashes, kind="stable")
        again = np.diff(hashes[by_hash]) == 0
        twice = np.zeros(len(hashes), np.bool_)
        twice[by_hash[1:][again]] = twice[by_hash[:-1][again]] = True
        number: dict[str, int] = {}
        for place in np.flatnonzero(twice).tolist():
            found[start + place] = number.setdefault(later[place], start + place)
        return found


def _joined(parts: Sequence[Texts]) -> Texts:
    sizes = [np.diff(part.ends, prepend=0) for part in parts]
    ends = np.cumsum(np.concatenate([np.zeros(0, np.int64), *sizes]), dtype=np.int64)
    return Texts(b"".join([part.block for part in parts]), ends)


def _picked(first: Sequence[str], later: Texts, codes: NDArray[np.int64]) -> Texts:
    """Return some texts, packed."""
    starts = np.append(0, later.ends)
    sizes = np.empty(len(codes), np.int64)

    def blocks() -> Iterator[bytes]:
        for begin in range(0, len(codes), _AT_A_TIME):
            some = codes[begin : begin + _AT_A_TIME] - len(first)
            place = np.maximum(some, 0)
            encoded = [
                later.block[start:end] if code >= 0 else first[code + len(first)].encode("utf-8", "surrogatepass")
                for code, start, end in zip(
                    some.tolist(), starts[place].tolist(), later.ends[place].tolist(), strict=True
                )
            ]
            sizes[begin : begin + len(some)] = [len(text) for text in encoded]
            yield b"".join(encoded)

    block = b"".join(blocks())
    return Texts(block, np.cumsum(sizes, dtype=np.int64))
