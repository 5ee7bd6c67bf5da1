"""Attributes while a fleet is loaded, sorted by type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import DeviceAttribute
from drapolicy.inventory.columns import ABSENT, Flags, Integers
from drapolicy.inventory.devices import AttributeColumn
from drapolicy.inventory.growing import Batches, GrowingCodes, Rows, canonical, run, spread
from drapolicy.inventory.growing_texts import GrowingTexts


class GrowingAttribute:
    """One attribute of all devices while it is loaded; sorts the values by type."""

    def __init__(self) -> None:
        self._texts: dict[str, GrowingTexts] = {}
        self._integers: Batches[NDArray[np.int64]] = []
        self._flags: Batches[NDArray[np.int8]] = []
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
            self._integers.append((run(rows), np.array(values, np.int64)))
        elif kind == "bool_value":
            self._flags.append((run(rows), np.array(values, np.int8)))
        else:
            self._texts.setdefault(kind, GrowingTexts()).add(rows, values)

    def column(self, size: int, order: Rows | None) -> AttributeColumn:
        """Return the finished column."""
        integers = flags = None
        if self._integers:
            present = [(rows, np.True_) for rows, _ in self._integers]
            integers = Integers(
                spread(self._integers, np.zeros(size, np.int64), order),
                spread(present, np.zeros(size, np.bool_), order),
            )
        if self._flags:
            flags = Flags(spread(self._flags, np.full(size, ABSENT, np.int8), order))
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
