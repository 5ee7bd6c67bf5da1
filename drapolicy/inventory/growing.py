"""Columns while a fleet is loaded: batches come in any order of rows, `finish` puts them into the final order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import count
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceAttribute
from drapolicy.inventory.columns import ABSENT, Codes, Flags, Integers, texts
from drapolicy.inventory.devices import AttributeColumn

Rows = NDArray[np.int64]
T = TypeVar("T")


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
        self._batches: list[tuple[Rows, NDArray[np.int32]]] = []

    def add(self, rows: Rows, values: Sequence[T]) -> None:
        """Set the values of some rows."""
        keys: Iterable[Any] = values
        if self._key:
            keys = list(map(self._key, values))
            for key, value in zip(keys, values, strict=True):
                if self._code[key] == len(self._values):
                    self._values.append(value)
        codes = np.fromiter(map(self._code.__getitem__, keys), np.int32, len(values))
        self._batches.append((rows, codes))

    def finish(self, size: int, order: Rows | None) -> tuple[NDArray[np.int32], list[T]]:
        """Return the codes of all rows, and the values in the order of the first row that has each; empties itself.

        Parameters
        ----------
        size
            Number of rows.
        order
            The old row of each new row; None keeps the rows.
        """
        codes = _spread(self._batches, np.full(size, ABSENT, np.int32), order)
        rows = np.flatnonzero(codes != ABSENT)
        used = codes[rows]
        # Of repeated indices numpy keeps the last assignment, so going backwards leaves the first row of each code.
        first = np.empty(len(self._code), np.int64)
        first[used[::-1]] = rows[::-1]
        by_first = np.argsort(first)
        rank = np.empty(len(first), np.int32)
        rank[by_first] = np.arange(len(first), dtype=np.int32)
        codes[rows] = rank[used]
        values: list[T] = self._values if self._key else list(self._code)
        self._code.clear()
        self._batches.clear()
        return codes, [values[code] for code in by_first.tolist()]

    def column(self, size: int, order: Rows | None) -> Codes[T]:
        """Return the finished column with its values as a tuple."""
        codes, values = self.finish(size, order)
        return Codes(codes, tuple(values))


class GrowingTexts(GrowingCodes[str]):
    """A dictionary-encoded column of texts."""

    def column(self, size: int, order: Rows | None) -> Codes[str]:
        """Return the finished column, its texts packed when there are many."""
        codes, values = self.finish(size, order)
        return Codes(codes, texts(values))


class GrowingAttribute:
    """One attribute of all devices while it is loaded; sorts the values by type."""

    def __init__(self) -> None:
        self._texts: dict[str, GrowingTexts] = {}
        self._integers: list[tuple[Rows, NDArray[np.int64]]] = []
        self._flags: list[tuple[Rows, NDArray[np.int8]]] = []
        self._others: GrowingCodes[DeviceAttribute] | None = None

    def add(self, rows: Rows, cells: Sequence[DeviceAttribute]) -> None:
        """Set the attribute of some devices."""
        kind = _kind(cells[0])
        values = _uniform(kind, cells)
        if values is None:
            kinds: dict[str, list[int]] = defaultdict(list)
            for place, cell in enumerate(cells):
                kinds[_kind(cell)].append(place)
            for kind, places in kinds.items():
                self._put(kind, rows[places], [cells[place] for place in places])
        else:
            self._put(kind, rows, cells, values)

    def _put(self, kind: str, rows: Rows, cells: Sequence[DeviceAttribute], values: list[Any] | None = None) -> None:
        if kind == _OTHER:
            self._others = self._others or GrowingCodes(canonical)
            self._others.add(rows, cells)
            return
        values = [getattr(cell, kind) for cell in cells] if values is None else values
        if kind == "int_value":
            self._integers.append((rows, np.array(values, np.int64)))
        elif kind == "bool_value":
            self._flags.append((rows, np.array(values, np.int8)))
        else:
            self._texts.setdefault(kind, GrowingTexts()).add(rows, values)

    def column(self, size: int, order: Rows | None) -> AttributeColumn:
        """Return the finished column."""
        integers = flags = None
        if self._integers:
            present = [(rows, np.True_) for rows, _ in self._integers]
            integers = Integers(
                _spread(self._integers, np.zeros(size, np.int64), order),
                _spread(present, np.zeros(size, np.bool_), order),
            )
        if self._flags:
            flags = Flags(_spread(self._flags, np.full(size, ABSENT, np.int8), order))
        texts_of = {kind: growing.column(size, order) for kind, growing in self._texts.items()}
        return AttributeColumn(
            integers=integers,
            flags=flags,
            strings=texts_of.get("string_value"),
            versions=texts_of.get("version_value"),
            others=None if self._others is None else self._others.column(size, order),
        )


_OTHER = "other"
_SCALARS = ("string_value", "version_value", "int_value", "bool_value")
_LISTS = ("string_values", "version_values", "int_values", "bool_values")
_GET: dict[str, Callable[[DeviceAttribute], Any]] = {name: attrgetter(name) for name in _SCALARS + _LISTS}


def _kind(cell: DeviceAttribute) -> str:
    """Return the field that alone is set and fits its column, or ``other``."""
    held = [name for name in _SCALARS if getattr(cell, name) is not None]
    if len(held) != 1 or any(getattr(cell, name) for name in _LISTS):
        return _OTHER
    if held == ["int_value"] and not -(2**63) <= cell.int_value < 2**63:  # type: ignore[operator]
        return _OTHER
    return held[0]


def _uniform(kind: str, cells: Sequence[DeviceAttribute]) -> list[Any] | None:
    """Return the values if all cells are of one scalar kind, else None; the loops run in C, for a million devices."""
    if kind in {_OTHER, "int_value"}:
        return None
    values = list(map(_GET[kind], cells))
    alike = None not in values
    alike = alike and all(list(map(_GET[name], cells)).count(None) == len(cells) for name in _SCALARS if name != kind)
    alike = alike and not any(any(map(_GET[name], cells)) for name in _LISTS)
    return values if alike else None


def _spread(batches: Iterable[tuple[Rows, Any]], into: NDArray[Any], order: Rows | None) -> NDArray[Any]:
    """Write batches to their rows and bring the rows into order."""
    for rows, values in batches:
        into[rows] = values
    return into if order is None else into[order]
