"""Finds slices and devices of a fleet by their names."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping

import numpy as np

from drapolicy.inventory.fleet import Fleet
from drapolicy.inventory.pool_device import DeviceId, PoolId

_KEPT_LISTS = 1_000

_Places = Mapping[str, tuple[int, ...]]


class Directory:
    """Where a pool's slices and devices stand in a fleet's columns, without a name for each kept.

    Parameters
    ----------
    fleet
        The fleet.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._places: dict[bytes, _Places] = {}
        self._last = PoolId("", ""), range(0)
        self._last_devices: tuple[PoolId, int, _Places] = PoolId("", ""), 0, {}

    def slices_of(self, pool: PoolId) -> range:
        """Return the rows of a pool's slices, which stand together; none for a pool that nobody publishes."""
        known, rows = self._last
        if known == pool:
            return rows
        rows = self._of_namesake(pool) or self._searched(pool)
        self._last = pool, rows
        return rows

    def _of_namesake(self, pool: PoolId) -> range | None:
        """Return the rows of a pool that is called as a node and has a slice there, as most drivers have it."""
        fleet, slices = self._fleet, self._fleet.slices
        n = fleet.nodes.index.get(pool.pool)
        for row in () if n is None else fleet.slices_bound_to(n):
            if slices.pool[row] == pool.pool and slices.driver[row] == pool.driver:
                driver, name = slices.driver.codes, slices.pool.codes
                start, stop, wanted = row, row + 1, (driver[row], name[row])
                while start and (driver[start - 1], name[start - 1]) == wanted:
                    start -= 1
                while stop < len(slices) and (driver[stop], name[stop]) == wanted:
                    stop += 1
                return range(start, stop)
        return None

    def _searched(self, pool: PoolId) -> range:
        slices = self._fleet.slices

        def named(row: int) -> PoolId:
            return PoolId(slices.driver[row] or "", slices.pool[row] or "")

        rows = range(len(slices))
        return range(bisect_left(rows, pool, key=named), bisect_right(rows, pool, key=named))

    def rows_of(self, device: DeviceId) -> tuple[int, ...]:
        """Return the rows of a device: several where several slices of its pool publish it, as old and new ones do."""
        driver, pool, name = device
        known, first, places = self._last_devices
        if known.pool != pool or known.driver != driver:
            wanted = PoolId(driver, pool)
            rows = self.slices_of(wanted)
            if rows:
                start, stop = int(self._fleet.slices.first[rows.start]), int(self._fleet.slices.first[rows.stop])
                first, places = start, self._named(start, stop)
            else:
                first, places = 0, {}
            self._last_devices = wanted, first, places
        return tuple([first + place for place in places.get(name, ())])

    def _named(self, start: int, stop: int) -> _Places:
        """Return where each name stands among some devices; pools with the same names share one list."""
        names = self._fleet.devices.name
        key = np.ascontiguousarray(names.codes[start:stop]).tobytes()
        known = self._places.get(key)
        if known is None:
            if len(self._places) >= _KEPT_LISTS:
                self._places.clear()
            made: dict[str, tuple[int, ...]] = {}
            for place, name in enumerate(names.between(start, stop)):
                made[name or ""] = (*made.get(name or "", ()), place)
            known = self._places[key] = made
        return known
