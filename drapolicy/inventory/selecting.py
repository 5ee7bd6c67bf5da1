"""The devices of a fleet as selectors see them, all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.cel import device_view
from drapolicy.cel.columns import Cells, Selection, Table
from drapolicy.cel.columns import select as select_in
from drapolicy.cel.environment import Environment, environment
from drapolicy.inventory.columns import ABSENT, Codes, Integers, Texts
from drapolicy.inventory.devices import AttributeColumn, CapacityColumn, DeviceTable
from drapolicy.inventory.fleet import Fleet


def table_of(fleet: Fleet) -> Table:
    """Return the devices of a fleet as the table that selectors read; columns are made when one is asked for.

    Build it once to run several selectors.
    """
    devices, drivers = fleet.devices, fleet.slices.driver
    made_of = environment(fleet.release)
    return Table(
        driver=Cells(drivers.codes[devices.slice], drivers.values),
        multiple=_multiple(devices.rest),
        attributes=_Lazy(devices.attributes, lambda column: _attribute(column, made_of)),
        capacity=_Lazy(devices.capacity, _capacity),
        faults=_faults(devices, made_of),
        scale=_scale(fleet),
        release=fleet.release,
    )


def select(fleet: Fleet | Table, expression: str) -> Selection:
    """Return the outcome of a selector on every device of a fleet, in the fleet's release (K8s S56).

    Parameters
    ----------
    fleet
        The fleet, or its table from :func:`table_of`.
    expression
        A CEL expression over ``device``.

    Returns
    -------
    Selection
        Arrays over the devices in the order of ``fleet.devices``.

    Raises
    ------
    CompileError
        As of :func:`drapolicy.cel.compile`.
    """
    return select_in(fleet if isinstance(fleet, Table) else table_of(fleet), expression)


class _Lazy(Mapping[str, Cells]):
    """Cells by name, each made when it is first read."""

    def __init__(self, columns: Mapping[str, Any], make: Callable[[Any], Cells]) -> None:
        self._columns = columns
        self._make = make
        self._made: dict[str, Cells] = {}

    def __getitem__(self, name: str) -> Cells:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(self._columns[name])
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _multiple(rest: Codes[Device]) -> Cells:
    return Cells(rest.codes, [bool(device.allow_multiple_allocations) for device in rest.values])


def _capacity(column: CapacityColumn) -> Cells:
    return Cells(column.cells.codes, [cell.value for cell in column.cells.values])


def _attribute(column: AttributeColumn, made_of: Environment) -> Cells:
    """Return the cells of all types of one attribute; cells that no evaluation survives are left out."""
    parts: list[tuple[NDArray[Any], Sequence[Any]]] = []
    if column.strings is not None:
        parts.append((column.strings.codes, column.strings.values))
    if column.integers is not None:
        parts.append(_integers(column.integers))
    if column.flags is not None:
        parts.append((column.flags.values, (False, True)))
    for codes, cells in _objects(column):
        values: list[Any] = []
        good = []
        for cell in cells:
            value, fault = _value(cell, made_of)
            good.append(len(values) if fault is None else ABSENT)
            if fault is None:
                values.append(value)
        kept = codes if ABSENT not in good else np.array([*good, ABSENT], np.int32)[codes]
        parts.append((kept, values))
    if len(parts) == 1:
        return Cells(parts[0][0], list(parts[0][1]))
    merged = np.full(len(parts[0][0]) if parts else 0, ABSENT, np.int32)
    all_values: list[Any] = []
    for codes, held in parts:
        # A device has its value in one part alone.
        np.copyto(merged, codes + np.int32(len(all_values)), where=codes >= 0)
        all_values += held
    return Cells(merged, all_values)


def _objects(column: AttributeColumn) -> Iterator[tuple[NDArray[np.int32], list[DeviceAttribute]]]:
    """Yield versions and rare forms, which only the evaluator can read."""
    if column.versions is not None:
        yield column.versions.codes, [DeviceAttribute(version_value=text) for text in column.versions.values]
    if column.others is not None:
        yield column.others.codes, list(column.others.values)


def _value(cell: DeviceAttribute, made_of: Environment, name: str = "name") -> tuple[Any, str | None]:
    """Return the CEL value of an attribute, or why there is none."""
    view = device_view("driver", Device(attributes={name: cell}))
    if (fault := view.fault_in(made_of)) is not None:
        return None, fault
    ((value,),) = [tuple(values.values()) for values in view.device["attributes"].values()]
    return value, None


def _faults(devices: DeviceTable, made_of: Environment) -> Cells:
    """Return the first fault of each device."""
    codes = np.full(len(devices), ABSENT, np.int32)
    texts: list[str] = []
    for name, column in devices.attributes.items():
        for own, cells in _objects(column):
            faults = [_value(cell, made_of, name)[1] for cell in cells]
            places = [ABSENT] * (len(faults) + 1)
            for place, fault in enumerate(faults):
                if fault is not None:
                    places[place] = len(texts)
                    texts.append(fault)
            if max(places) != ABSENT:
                found = np.array(places, np.int32)[own]
                np.copyto(codes, found, where=(found >= 0) & (codes < 0))
    return Cells(codes, texts)


def _integers(column: Integers) -> tuple[NDArray[np.int32], list[int]]:
    """Return codes and the distinct integers of a column."""
    codes = np.full(len(column), ABSENT, np.int32)
    values = column.values[column.present]
    if not len(values):
        return codes, []
    lowest, span = int(values.min()), int(values.max()) - int(values.min()) + 1
    if span <= 4 * len(values) + 256:
        # Numbering a dense range takes no sorting.
        places = (values - lowest).astype(np.int32)
        occurs = np.zeros(span, np.bool_)
        occurs[places] = True
        distinct = np.flatnonzero(occurs)
        number = np.zeros(span, np.int32)
        number[distinct] = np.arange(len(distinct))
        codes[column.present] = number[places]
        return codes, (distinct + lowest).tolist()
    found, inverse = np.unique(values, return_inverse=True)
    codes[column.present] = inverse
    return codes, found.tolist()


def _scale(fleet: Fleet) -> int:
    """Return a length that no string, list or map of any device exceeds."""
    devices = fleet.devices
    scales = [device_view("", Device()).scale, len(devices.attributes), len(devices.capacity)]
    scales += [_longest(fleet.slices.driver.values), _longest([*devices.attributes, *devices.capacity])]
    for column in devices.attributes.values():
        if column.strings is not None:
            scales.append(_longest(column.strings.values))
        if column.others is not None:
            for cell in column.others.values:
                scales.append(_longest([cell.string_value or "", *(cell.string_values or ())]))
                lists = (cell.int_values, cell.bool_values, cell.string_values, cell.version_values)
                scales += [len(held or ()) for held in lists]
    return max(scales)


def _longest(values: Sequence[str]) -> int:
    if isinstance(values, Texts):
        # Bytes, of which a text has at least as many as characters.
        return int(np.diff(values.ends, prepend=0).max(initial=0))
    return max(map(len, values), default=0)
