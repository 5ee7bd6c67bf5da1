"""Finds slices and devices of a fleet by their names."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping

import numpy as np

from drapolicy.inventory.fleet import Fleet
from drapolicy.inventory.pool_device import DeviceId, PoolId

_KEPT_LISTS = 1_000
_KEPT_POOLS = 20_000

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
        self._rows: dict[tuple[str, str], range] = {}
        self._devices: dict[tuple[str, str], tuple[int, _Places]] = {}

    def slices_of(self, pool: PoolId) -> range:
        """Return the rows of a pool's slices, which stand together; none for a pool that nobody publishes."""
        rows = self._rows.get(pool)
        if rows is None:
            if len(self._rows) >= _KEPT_POOLS:
                self._rows.clear()
            rows = self._rows[pool] = self._of_namesake(pool) or self._searched(pool)
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
        first, places = self.places(driver, pool)
        found = places.get(name, ())
        return (first + found[0],) if len(found) == 1 else tuple([first + place for place in found])

    def places(self, driver: str, pool: str) -> tuple[int, Mapping[str, tuple[int, ...]]]:
        """Return the first row of a pool's devices, and how far behind it those of each name are."""
        return self._devices.get((driver, pool)) or self._looked_up(driver, pool)

    def _looked_up(self, driver: str, pool: str) -> tuple[int, _Places]:
        if len(self._devices) >= _KEPT_POOLS:
            self._devices.clear()
        found = self._devices[driver, pool] = self._devices_of(PoolId(driver, pool))
        return found

    def _devices_of(self, pool: PoolId) -> tuple[int, _Places]:
        rows = self.slices_of(pool)
        if not rows:
            return 0, {}
        start, stop = int(self._fleet.slices.first[rows.start]), int(self._fleet.slices.first[rows.stop])
        return start, self._named(start, stop)

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
