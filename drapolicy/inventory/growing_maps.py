"""Columns of maps and quantities while a fleet is loaded: rows come in their final order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.quantity import Quantity
from drapolicy.inventory.growing import GrowingCodes, Rows
from drapolicy.inventory.maps import Cells, Form, Maps, Quantities, parts, state

C = TypeVar("C", bound=Cells)
C_co = TypeVar("C_co", bound=Cells, covariant=True)


class GrowingQuantities:
    """A column of quantities."""

    def __init__(self) -> None:
        self._numbers: list[NDArray[np.int64]] = []
        self._forms = GrowingCodes[Form | Quantity](_key)

    def add(self, rows: Rows, values: Sequence[Quantity]) -> None:
        """Set the values of the next rows."""
        split = [parts(value) for value in values]
        self._numbers.append(np.array([number for number, _ in split], np.int64))
        self._forms.add(rows, [form for _, form in split])

    def column(self, size: int, order: None) -> Quantities:
        """Return the finished column."""
        numbers = np.concatenate([np.zeros(0, np.int64), *self._numbers])
        return Quantities(numbers, self._forms.column(size, order))


def _key(form: Form | Quantity) -> Hashable:
    return state(form) if isinstance(form, Quantity) else form


class GrowingCells(Protocol[C_co]):
    """A column that grows."""

    def add(self, rows: Rows, values: Sequence[Any]) -> None:
        """Set the values of some rows."""
        ...

    def column(self, size: int, order: None) -> C_co:
        """Return the finished column."""
        ...


class GrowingMaps(Generic[C]):
    """A column of maps.

    Parameters
    ----------
    cells
        Takes the values.
    """

    def __init__(self, cells: GrowingCells[C]) -> None:
        self._cells = cells
        self._keys = GrowingCodes[tuple[str, ...]](tuple)
        self._rows = self._count = 0

    def add(self, maps: Sequence[Mapping[str, Any]]) -> None:
        """Set the maps of the next rows."""
        self._keys.add(np.arange(self._rows, self._rows + len(maps)), list(map(tuple, maps)))
        values = [value for each in maps for value in each.values()]
        self._cells.add(np.arange(self._count, self._count + len(values)), values)
        self._rows += len(maps)
        self._count += len(values)

    def column(self) -> Maps[C]:
        """Return the finished column."""
        return Maps(self._keys.column(self._rows, None), self._cells.column(self._count, None))
