"""All devices of a fleet as columns, and each of them back as the object it was loaded from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from drapolicy.api.resource import Device, DeviceAttribute, DeviceCapacity
from drapolicy.inventory.columns import Codes, Flags, Frozen, Integers

_NANO = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class AttributeColumn(Frozen):
    """One attribute of all devices, split by type; a device has its value in one of the parts or in none.

    Attributes
    ----------
    integers, flags, strings, versions
        Scalar values by type; None where no device has that type. A version is text here, compared as text (S50).
    others
        List forms, and cells that hold not exactly one value; None where there are none.
    """

    integers: Integers | None = None
    flags: Flags | None = None
    strings: Codes[str] | None = None
    versions: Codes[str] | None = None
    others: Codes[DeviceAttribute] | None = None

    def __getitem__(self, d: int) -> DeviceAttribute | None:
        return self.between(d, d + 1)[0]

    def between(self, start: int, stop: int) -> list[DeviceAttribute | None]:
        """Return the attribute of devices ``start`` to ``stop``, as their driver published it."""
        cells: list[DeviceAttribute | None] = [None] * (stop - start)
        if self.strings is not None:
            for d, text in enumerate(self.strings.between(start, stop)):
                if text is not None:
                    cells[d] = DeviceAttribute(string_value=text)
        if self.versions is not None:
            for d, text in enumerate(self.versions.between(start, stop)):
                if text is not None:
                    cells[d] = DeviceAttribute(version_value=text)
        if self.integers is not None:
            for d, number in enumerate(self.integers.between(start, stop)):
                if number is not None:
                    cells[d] = DeviceAttribute(int_value=number)
        if self.flags is not None:
            for d, flag in enumerate(self.flags.between(start, stop)):
                if flag is not None:
                    cells[d] = DeviceAttribute(bool_value=flag)
        if self.others is not None:
            for d, other in enumerate(self.others.between(start, stop)):
                if other is not None:
                    cells[d] = other
        return cells


@dataclass(frozen=True, slots=True, eq=False)
class CapacityColumn(Frozen):
    """One capacity of all devices.

    Attributes
    ----------
    cells
        Quantity and request policy of each device, interned, so that spelling and format are kept.
    amount
        ndarray of shape (D,): int64 in whole units; or Python ints in nano units (dtype object) when some amount is
        not whole or does not fit. 0 where the device has no such capacity: ask ``cells.codes`` for presence.
    in_nano
        Whether ``amount`` is in nano units.
    """

    cells: Codes[DeviceCapacity]
    amount: NDArray[np.int64] | NDArray[np.object_]
    in_nano: bool

    @classmethod
    def of(cls, cells: Codes[DeviceCapacity]) -> CapacityColumn:
        """Make the column of interned capacities."""
        nano = [cell.value.nano for cell in cells.values]
        whole = all(not n % _NANO and -(2**63) <= n // _NANO < 2**63 for n in nano)
        table = (
            np.array([n // _NANO for n in nano] + [0], np.int64) if whole else np.array([*nano, 0], np.object_)
        )  # the last entry is what code -1 picks
        return cls(cells, table[cells.codes], not whole)

    def __getitem__(self, d: int) -> DeviceCapacity | None:
        return self.cells[d]

    def nano(self, d: int) -> int | None:
        """Return the amount of one device in nano units, exact."""
        cell = self.cells[d]
        return None if cell is None else cell.value.nano


@dataclass(frozen=True, slots=True, eq=False)
class DeviceTable(Frozen):
    """All D devices, ordered by driver, pool, slice name (code points) and position in the slice (S26 to S28).

    The order is that of upstream's allocator but for one thing that depends on the node: there, pools with binding
    conditions come last. It is applied where pools are gathered.

    Attributes
    ----------
    name
        Name of each device; unique only inside its pool.
    slice
        ndarray of shape (D,), int32; row of each device's slice in ``SliceTable``.
    attributes, capacity
        Columns by name as published: ``numa`` and ``gpu.example.com/numa`` are two columns (see :meth:`resolve`).
    node_name
        The device's own ``nodeName``, for slices with per-device node selection.
    rest
        Everything else of a device (node selector, taints, consumed counters, binding conditions, multiple
        allocations ...), interned as a device without name, attributes, capacity and node name; no value where
        nothing else is set.
    """

    name: Codes[str]
    slice: NDArray[np.int32]
    attributes: Mapping[str, AttributeColumn]
    capacity: Mapping[str, CapacityColumn]
    node_name: Codes[str]
    rest: Codes[Device]

    def __len__(self) -> int:
        return len(self.slice)

    def __getitem__(self, d: int) -> Device:
        d = range(len(self))[d]
        return self.between(d, d + 1)[0]

    def __iter__(self) -> Iterator[Device]:
        return (self[d] for d in range(len(self)))

    def resolve(self, driver: str, name: str) -> tuple[str, ...]:
        """Return the keys under which devices of one driver may hold an attribute, in the order of look-up (S2, S50).

        Parameters
        ----------
        driver
            Name of the driver.
        name
            Fully qualified name, ``domain/identifier``.

        Returns
        -------
        tuple of str
            Keys of ``attributes``, at most two; a device's value is that of the first key that it has.
        """
        domain, slash, identifier = name.partition("/")
        keys = (name, identifier) if slash and domain == driver else (name,)
        return tuple(key for key in keys if key in self.attributes)

    def between(self, start: int, stop: int) -> list[Device]:
        """Return devices ``start`` to ``stop`` as they were loaded."""
        attributes: list[dict[str, DeviceAttribute]] = [{} for _ in range(start, stop)]
        for key, column in self.attributes.items():
            for cells, cell in zip(attributes, column.between(start, stop), strict=True):
                if cell is not None:
                    cells[key] = cell
        capacity: list[dict[str, DeviceCapacity]] = [{} for _ in range(start, stop)]
        for key, amounts in self.capacity.items():
            for held, amount in zip(capacity, amounts.cells.between(start, stop), strict=True):
                if amount is not None:
                    held[key] = amount
        rows = zip(
            self.name.between(start, stop),
            attributes,
            capacity,
            self.node_name.between(start, stop),
            self.rest.between(start, stop),
            strict=True,
        )
        return [
            replace(rest or _PLAIN, name=name, attributes=cells, capacity=held, node_name=node_name)
            for name, cells, held, node_name, rest in rows
        ]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays and packed texts, without Python objects."""
        columns: list[Frozen] = [self.name, self.node_name, self.rest, *self.attributes.values()]
        columns += self.capacity.values()
        return self.slice.nbytes + sum(column.nbytes for column in columns)


_PLAIN = Device()
