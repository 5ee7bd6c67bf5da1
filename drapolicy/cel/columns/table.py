"""All devices as the columns that selectors read (K8s S58, S59)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drapolicy.cel.columns.column import Column, first_devices, joint
from drapolicy.cel.device import DeviceView, qualified
from drapolicy.cel.values import EMPTY, DefaultMap, TextMap
from drapolicy.release import Release

Kind = Literal["attributes", "capacity"]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One published name on all devices.

    Attributes
    ----------
    codes
        ndarray of shape (D,), signed integers; index into ``values``, -1 where a device has nothing.
    values
        Distinct CEL values.
    """

    codes: NDArray[np.signedinteger[Any]]
    values: Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """D devices by columns. Columns that selectors ask for are put together once and kept.

    Attributes
    ----------
    driver
        Name of each device's driver; every device has one.
    multiple
        ``allowMultipleAllocations``; none counts as false.
    attributes, capacity
        Cells by name as published, with or without domain, in the order in which names of one device are read: of
        two names for one thing the later counts.
    faults
        Text of the error that ends every evaluation on a device; see :class:`drapolicy.cel.DeviceView`.
    scale
        At least the length of the longest string, list and map of any device; bounds what an evaluation costs.
    release
        Kubernetes release with its gates; None for 1.37.
    """

    driver: Cells
    multiple: Cells
    attributes: Mapping[str, Cells]
    capacity: Mapping[str, Cells]
    faults: Cells
    scale: int
    release: Release | None = None
    _kept: dict[Any, Column] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.driver.codes)

    def field(self, name: str) -> Column:
        """Return a field of the device itself, ``driver`` or ``allowMultipleAllocations``."""
        if name == "driver":
            return Column(self.driver.codes, self.driver.values)
        return Column(self.multiple.codes, [*self.multiple.values, False])

    def name(self, kind: Kind, domain: str, identifier: str) -> Column:
        """Return one attribute or capacity by the keys of the outer and the inner map.

        The last value, None, is that of devices without it.
        """
        return self._once((kind, domain, identifier), lambda: self._named(kind, domain, identifier))

    def domain(self, kind: Kind, domain: str) -> Column:
        """Return the inner map of one domain, empty where a device has nothing of it."""
        return self._once(
            (kind, domain),
            lambda: self._maps(
                kind,
                [own for own, _ in self._read(kind, domain)],
                lambda maps: maps.get(domain, EMPTY),
            ),
        )

    def has_domain(self, kind: Kind, domain: str) -> Column:
        """Return whether a device has anything of a domain."""
        return self._once((kind, domain, None), lambda: self._has_domain(kind, domain))

    def whole(self, kind: Kind) -> Column:
        """Return the outer map."""
        return self._once(
            kind,
            lambda: self._maps(
                kind,
                [self.driver.codes, *(cells.codes for cells in self._cells(kind).values())],
                lambda maps: maps,
            ),
        )

    def device(self) -> Column:
        """Return the whole device, as a map."""
        read = [self.driver.codes, self.multiple.codes]
        read += [cells.codes for kind in ("attributes", "capacity") for cells in self._cells(kind).values()]
        return self._once("device", lambda: self._distinct(read, lambda d: self.view(d).device))

    def view(self, d: int) -> DeviceView:
        """Return one device as :func:`drapolicy.cel.device_view` gives it."""
        maps: dict[Kind, DefaultMap] = {"attributes": DefaultMap(), "capacity": DefaultMap()}
        driver = self.driver.values[self.driver.codes[d]]
        for kind, outer in maps.items():
            for name, cells in self._cells(kind).items():
                if cells.codes[d] >= 0:
                    domain, identifier = qualified(name, driver)
                    outer.setdefault(domain, TextMap())[identifier] = cells.values[cells.codes[d]]
        multiple, fault = self.multiple.codes[d], self.faults.codes[d]
        device: dict[str, Any] = {
            "driver": driver,
            "allowMultipleAllocations": bool(multiple >= 0 and self.multiple.values[multiple]),
            "attributes": maps["attributes"],
            "capacity": maps["capacity"],
        }
        text = self.faults.values[fault] if fault >= 0 else None
        return DeviceView(device, text, self.scale, text)

    def _cells(self, kind: Kind) -> Mapping[str, Cells]:
        return self.attributes if kind == "attributes" else self.capacity

    def _once(self, key: Any, make: Callable[[], Column]) -> Column:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _named(self, kind: Kind, domain: str, identifier: str) -> Column:
        """Return codes and values of one name, codes -1 where it is absent."""
        codes: NDArray[np.signedinteger[Any]] | None = None
        values: list[Any] = []
        for own, cells in self._read(kind, domain, identifier):
            codes = own if codes is None else np.where(own >= 0, own + np.int32(len(values)), codes)
            values += cells.values
        kinds = set(map(type, values))
        only = kinds.pop() if len(kinds) == 1 else None
        return Column(np.full(len(self), -1, np.int8) if codes is None else codes, [*values, None], only)

    def _read(self, kind: Kind, domain: str, identifier: str | None = None) -> Iterator[tuple[NDArray[Any], Cells]]:
        """Yield the cells in which devices may have a name, or any name of a domain, and where they do."""
        of_driver = np.array([name == domain for name in self.driver.values], np.bool_)
        everywhere, somewhere = bool(of_driver.all()), bool(of_driver.any())
        all_cells = self._cells(kind)
        for name in all_cells:
            own, slash, rest = name.partition("/")
            if slash and own == domain and identifier in {None, rest}:
                yield all_cells[name].codes, all_cells[name]
            elif not slash and identifier in {None, name} and somewhere:
                # Names without domain are those of the device's own driver.
                cells = all_cells[name]
                yield cells.codes if everywhere else np.where(of_driver[self.driver.codes], cells.codes, -1), cells

    def _has_domain(self, kind: Kind, domain: str) -> Column:
        found = np.zeros(len(self), np.bool_)
        for own, _ in self._read(kind, domain):
            found |= own >= 0
        return Column(found.view(np.uint8), (False, True))

    def _maps(self, kind: Kind, read: Sequence[NDArray[Any]], pick: Callable[[DefaultMap], Any]) -> Column:
        """Return a map per device; devices with the same names and values share one."""
        if not read:
            return Column(None, [pick(DefaultMap())])
        return self._distinct(read, lambda d: pick(self.view(d).device[kind]))

    def _distinct(self, read: Sequence[NDArray[Any]], make: Callable[[int], Any]) -> Column:
        """Return what is made of a device; devices that have the same codes share it."""
        # The outcomes do not matter here, only which devices have the same: -1 picks the last.
        codes, rows = joint([Column(own, range(int(own.max(initial=-1)) + 2)) for own in read])
        assert codes is not None
        first = first_devices(codes, len(rows))
        return Column(codes, [make(d) if d >= 0 else None for d in first])
