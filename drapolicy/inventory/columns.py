"""Read-only columns: one value per row (device, slice), or none.

Texts and rare objects are dictionary-encoded, so that equal values have equal codes; a large dictionary of texts is one
block of bytes, because a million Python strings would weigh more than the rest of a fleet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

ABSENT = -1

# Dictionaries of more texts than this are packed.
_PACKED_FROM = 10_000

T = TypeVar("T")


class Frozen:
    """Base of tables: arrays and maps become read-only when the table is made, and again when it is unpickled."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            elif isinstance(value, dict):
                object.__setattr__(self, item.name, MappingProxyType(value))

    def __reduce__(self) -> tuple[Any, ...]:
        held = [getattr(self, item.name) for item in fields(self) if item.init]  # type: ignore[arg-type]
        return type(self), tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in held)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays and packed texts, without Python objects."""
        held = [getattr(self, item.name) for item in fields(self)]  # type: ignore[arg-type]
        return sum(len(value) if isinstance(value, bytes) else int(getattr(value, "nbytes", 0)) for value in held)


@dataclass(frozen=True, slots=True, eq=False)
class Texts(Frozen, Sequence[str]):
    """A sequence of texts in one block of bytes.

    Attributes
    ----------
    block
        All texts one after the other, UTF-8.
    ends
        ndarray of shape (n,), int64; where each text ends in the block.
    """

    block: bytes
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, values: Iterable[str]) -> Texts:
        """Pack texts."""
        # A lone surrogate cannot come from JSON, but must not be lost when it comes from Python.
        return cls.join([value.encode("utf-8", "surrogatepass") for value in values])

    @classmethod
    def join(cls, encoded: Sequence[bytes]) -> Texts:
        """Pack texts that are UTF-8 already."""
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return cls(b"".join(encoded), np.cumsum(sizes, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self.ends):
            index = range(len(self))[index]
        start = self.ends[index - 1] if index else 0
        return self.block[start : self.ends[index]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        start = 0
        for end in self.ends.tolist():
            yield self.block[start:end].decode("utf-8", "surrogatepass")
            start = end


def texts(values: Sequence[str]) -> Sequence[str]:
    """Return texts as a tuple, or packed when there are many."""
    return Texts.of(values) if len(values) > _PACKED_FROM else tuple(values)


@dataclass(frozen=True, slots=True, eq=False)
class Codes(Frozen, Generic[T]):
    """A dictionary-encoded column: rows with equal values have equal codes.

    Attributes
    ----------
    codes
        ndarray of shape (rows,), int32; index into ``values``, -1 where the row has no value.
    values
        The distinct values, in the order of the first row that has each.
    """

    codes: NDArray[np.int32]
    values: Sequence[T]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> T | None:
        code = int(self.codes[row])
        return None if code == ABSENT else self.values[code]

    def between(self, start: int, stop: int) -> list[T | None]:
        """Return the values of rows ``start`` to ``stop``."""
        values = self.values
        return [None if code == ABSENT else values[code] for code in self.codes[start:stop].tolist()]

    @property
    def nbytes(self) -> int:
        """Bytes of codes and packed texts, without Python objects."""
        return self.codes.nbytes + getattr(self.values, "nbytes", 0)


def row_numbers(columns: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return a number of each row of some columns, equal for equal rows, in the order of the first row of each."""
    found = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        both = found * (int(column.max(initial=ABSENT)) - ABSENT + 1) + (column - ABSENT)
        found = np.unique(both, return_inverse=True)[1]
    first = np.unique(found, return_index=True)[1]
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[found]


@dataclass(frozen=True, slots=True, eq=False)
class Integers(Frozen):
    """A column of integers.

    Attributes
    ----------
    values
        ndarray of shape (rows,), int64; 0 where the row has no value.
    present
        ndarray of shape (rows,), bool; whether the row has a value.
    """

    values: NDArray[np.int64]
    present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: int) -> int | None:
        return int(self.values[row]) if self.present[row] else None

    def between(self, start: int, stop: int) -> list[int | None]:
        """Return the values of rows ``start`` to ``stop``."""
        pairs = zip(self.values[start:stop].tolist(), self.present[start:stop].tolist(), strict=True)
        return [value if present else None for value, present in pairs]


@dataclass(frozen=True, slots=True, eq=False)
class Flags(Frozen):
    """A column of booleans.

    Attributes
    ----------
    values
        ndarray of shape (rows,), int8; 1 true, 0 false, -1 where the row has no value.
    """

    values: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: int) -> bool | None:
        value = int(self.values[row])
        return None if value == ABSENT else value == 1

    def between(self, start: int, stop: int) -> list[bool | None]:
        """Return the values of rows ``start`` to ``stop``."""
        return [None if value == ABSENT else value == 1 for value in self.values[start:stop].tolist()]
