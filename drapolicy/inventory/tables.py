"""Turns slices into columns, a batch at a time, so that the objects of a batch can be forgotten."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import Device, DeviceCapacity, ResourcePool, ResourceSlice
from drapolicy.inventory.devices import CapacityColumn, DeviceTable
from drapolicy.inventory.growing import GrowingCodes, Rows, canonical
from drapolicy.inventory.growing_attributes import GrowingAttribute
from drapolicy.inventory.growing_texts import GrowingTexts
from drapolicy.inventory.slices import SliceTable

# Devices are turned into columns this many at a time: enough to spread the cost of a batch, few enough to stay small.
_BATCH = 1024

_METADATA = msgspec.json.Encoder(order="deterministic")
_NO_METADATA = ObjectMeta()
_NO_POOL = ResourcePool()


class TableBuilder:
    """Collects slices in any order; :meth:`finish` puts them into upstream's order.

    Nothing of an added slice is kept but its columns, once a batch is full.
    """

    def __init__(self) -> None:
        self._slices: list[ResourceSlice] = []
        self._waiting = 0
        self._slice_count = 0
        self._device_count = 0
        self._last = ("", "", "")
        self._in_order = True
        self._driver, self._pool, self._name = GrowingTexts(), GrowingTexts(), GrowingTexts()
        self._node_name = GrowingTexts()
        self._rest = GrowingCodes[ResourceSlice](canonical)
        self._numbers: list[NDArray[np.int64]] = []
        self._metadata = GrowingTexts()
        self._device_name = GrowingTexts()
        self._device_node = GrowingTexts()
        self._device_rest = GrowingCodes[Device](canonical)
        self._attributes: dict[str, GrowingAttribute] = {}
        self._capacity: dict[str, GrowingCodes[DeviceCapacity]] = {}

    def add(self, slices: Iterable[ResourceSlice]) -> None:
        """Take slices over."""
        for item in slices:
            self._slices.append(item)
            self._waiting += len(item.spec.devices)
            if self._waiting >= _BATCH or len(self._slices) >= _BATCH:
                self._flush()

    def finish(self) -> tuple[SliceTable, DeviceTable]:
        """Return the tables; the builder must not be used afterwards."""
        self._flush()
        del self._slices
        count, devices = self._slice_count, self._device_count
        numbers = np.concatenate([np.zeros((3, 0), np.int64), *self._numbers], axis=1)
        slice_order = device_order = None
        if not self._in_order:
            names = list(zip(*(column.rows(count) for column in (self._driver, self._pool, self._name)), strict=True))
            slice_order = np.array(sorted(range(count), key=names.__getitem__), np.int64)
            device_order = _device_order(numbers[0], slice_order)
            numbers = numbers[:, slice_order]
        sizes, generation, pool_slices = numbers.copy()
        slices = SliceTable(
            name=self._name.column(count, slice_order),
            driver=self._driver.column(count, slice_order),
            pool=self._pool.column(count, slice_order),
            generation=generation,
            slice_count=pool_slices,
            node_name=self._node_name.column(count, slice_order),
            rest=self._rest.column(count, slice_order),
            first=_starts(sizes),
            metadata=self._metadata.column(count, slice_order),
        )
        return slices, DeviceTable(
            name=self._device_name.column(devices, device_order),
            slice=np.repeat(np.arange(count, dtype=np.int32), sizes),
            attributes={
                key: growing.column(devices, device_order) for key, growing in sorted(self._attributes.items())
            },
            capacity={
                key: CapacityColumn.of(growing.column(devices, device_order))
                for key, growing in sorted(self._capacity.items())
            },
            node_name=self._device_node.column(devices, device_order),
            rest=self._device_rest.column(devices, device_order),
        )

    def _flush(self) -> None:
        """Turn the waiting slices into columns."""
        slices, self._slices, self._waiting = self._slices, [], 0
        if not slices:
            return
        rows = np.arange(self._slice_count, self._slice_count + len(slices))
        self._slice_count += len(slices)
        specs = [item.spec for item in slices]
        names = [(spec.driver, spec.pool.name, item.metadata.name) for item, spec in zip(slices, specs, strict=True)]
        self._in_order = self._in_order and all(a <= b for a, b in pairwise([self._last, *names]))
        self._last = names[-1]
        for column, values in zip((self._driver, self._pool, self._name), zip(*names, strict=True), strict=True):
            column.add(rows, values)
        numbers = [(len(s.devices), s.pool.generation, s.pool.resource_slice_count) for s in specs]
        self._numbers.append(np.array(numbers, np.int64).T)
        metadata = [replace(item.metadata, name="") for item in slices]
        self._metadata.add(rows, [_METADATA.encode(each).decode() for each in metadata])
        self._rest.add(rows, [_rest_of_slice(item) for item in slices])
        _add_some(self._node_name, rows, [spec.node_name for spec in specs])
        self._add_devices([device for spec in specs for device in spec.devices])

    def _add_devices(self, devices: list[Device]) -> None:
        rows = np.arange(self._device_count, self._device_count + len(devices))
        self._device_count += len(devices)
        self._device_name.add(rows, [device.name for device in devices])
        _add_some(self._device_node, rows, [device.node_name for device in devices])
        _add_some(self._device_rest, rows, [_rest_of_device(device) for device in devices])
        # Devices with the same keys share the work per key.
        for keys, places in _by_keys([device.attributes for device in devices]).items():
            held = [devices[place].attributes for place in places]
            for key in keys:
                growing = self._attributes.setdefault(key, GrowingAttribute())
                growing.add(rows[places], [cells[key] for cells in held])
        for keys, places in _by_keys([device.capacity for device in devices]).items():
            amounts = [devices[place].capacity for place in places]
            for key in keys:
                growing_capacity = self._capacity.setdefault(key, GrowingCodes(_capacity_key))
                growing_capacity.add(rows[places], [cells[key] for cells in amounts])


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of some runs starts, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _device_order(sizes: NDArray[np.int64], order: Rows) -> Rows:
    """Return the old row of each device when slices are put into another order, each keeping its own order."""
    moved = _starts(sizes)[order] - _starts(sizes[order])[:-1]
    return np.arange(sizes.sum(), dtype=np.int64) + np.repeat(moved, sizes[order])


def _by_keys(maps: Iterable[Mapping[str, object]]) -> dict[tuple[str, ...], list[int]]:
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, keys in enumerate(map(tuple, maps)):
        groups.setdefault(keys, []).append(place)
    return groups


def _add_some(column: GrowingCodes[Any] | GrowingTexts, rows: Rows, values: list[Any | None]) -> None:
    """Set the values that are there."""
    places = [place for place, value in enumerate(values) if value is not None]
    if places:
        column.add(rows[places], [value for value in values if value is not None])


def _rest_of_slice(item: ResourceSlice) -> ResourceSlice:
    """Return what `SliceTable` has no column for."""
    spec = replace(item.spec, driver="", pool=_NO_POOL, node_name=None, devices=[])
    return ResourceSlice(api_version=item.api_version, metadata=_NO_METADATA, spec=spec)


def _rest_of_device(device: Device) -> Device | None:
    """Return what `DeviceTable` has no column for, None if that is nothing."""
    if (
        device.node_selector is None
        and device.all_nodes is None
        and device.binds_to_node is None
        and device.allow_multiple_allocations is None
        and not device.consumes_counters
        and not device.taints
        and not device.binding_conditions
        and not device.binding_failure_conditions
        and not device.node_allocatable_resources
        and not device.node_allocatable_resource_mappings
    ):
        return None
    return replace(device, name="", attributes={}, capacity={}, node_name=None)


def _capacity_key(cell: DeviceCapacity) -> Hashable:
    policy = cell.request_policy
    return cell.value.__reduce__()[1], None if policy is None else canonical(policy)
