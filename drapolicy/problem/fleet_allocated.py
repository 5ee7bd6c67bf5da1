"""Which devices of a fleet are taken: a column, because a name for each of millions would weigh gigabytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from drapolicy.api.resource import AllocationResult
from drapolicy.inventory import Fleet
from drapolicy.inventory.directory import Directory
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.allocated import AllocatedState, Use

FREE, WHOLE = range(2)
"""Codes of devices of which nothing is taken, and that are taken as a whole and by nobody else."""


class FleetAllocated(AllocatedState):
    """An :class:`AllocatedState` over a fleet's devices; devices that no slice publishes are kept by name.

    Parameters
    ----------
    fleet
        The fleet.
    directory
        Finds its devices by name.

    Attributes
    ----------
    codes
        ndarray of shape (D,), int32; equal for devices of which the same is taken. Must not be changed.
    uses
        What each code says.
    """

    def __init__(self, fleet: Fleet, directory: Directory) -> None:
        super().__init__(consumable="ConsumableCapacity" in fleet.release.features)
        self._fleet = fleet
        self._directory = directory
        self.codes = np.zeros(len(fleet.devices), np.int32)
        self._cells = self.codes.data
        nothing = Use(whole=False, shared=False, consuming=False, amounts=())
        self._uses = [nothing, nothing._replace(whole=True)]
        self._code_of = {use: code for code, use in enumerate(self._uses)}
        # Taken as a whole once more than once, which only claims do that contradict each other.
        self._again: Counter[DeviceId] = Counter()

    def __getstate__(self) -> dict[str, object]:
        """Return all but the view, which cannot be copied."""
        return {name: value for name, value in self.__dict__.items() if name != "_cells"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._cells = self.codes.data

    @property
    def uses(self) -> Sequence[Use]:
        """What each code says of a device."""
        return self._uses

    def add(self, allocation: AllocationResult) -> None:
        """Take what an allocation holds."""
        rows = self._rows_at(allocation, FREE)
        if rows is None:
            super().add(allocation)
            return
        self.version += 1
        for row in rows:
            self._cells[row] = WHOLE

    def remove(self, allocation: AllocationResult) -> None:
        """Give back what an allocation holds.

        Raises
        ------
        InputError
            When the state does not hold the allocation; it is unchanged then.
        """
        rows = None if self._again else self._rows_at(allocation, WHOLE)
        if rows is None:
            super().remove(allocation)
            return
        self.version += 1
        for row in rows:
            self._cells[row] = FREE

    def _rows_at(self, allocation: AllocationResult, code: int) -> list[int] | None:
        """Return the rows of an allocation of whole devices that have a code; None for any other, as few are."""
        rows: list[int] = []
        cells, pool = self._cells, None
        for result in allocation.devices.results:
            if result.share_id is not None or result.admin_access:
                return None
            if pool != (result.driver, result.pool):
                pool = result.driver, result.pool
                first, places = self._directory.places(*pool)
            found = places.get(result.device, ())
            if len(found) != 1 or cells[first + found[0]] != code:
                return None
            rows.append(first + found[0])
        return rows if len(rows) < 2 or len(set(rows)) == len(rows) else None

    def take(self, device: DeviceId) -> None:
        """Take a whole device."""
        rows = self._directory.rows_of(device)
        if not rows:
            super().take(device)
            return
        self.version += 1
        known = self._cells[rows[0]]
        if self._uses[known].whole:
            self._again[device] += 1
        else:
            self._write(rows, WHOLE if known == FREE else self._coded(self._uses[known]._replace(whole=True)))

    def _give_back(self, device: DeviceId) -> None:
        rows = self._directory.rows_of(device)
        if not rows:
            super()._give_back(device)
        elif device in self._again:
            self._again[device] -= 1
            self._again += Counter()
        else:
            known = self._cells[rows[0]]
            self._write(rows, FREE if known == WHOLE else self._coded(self._uses[known]._replace(whole=False)))

    def _times(self, device: DeviceId) -> int:
        rows = self._directory.rows_of(device)
        return (self._uses[self._cells[rows[0]]].whole + self._again[device]) if rows else super()._times(device)

    def holds(self, device: DeviceId) -> bool:
        """Return whether the device is taken as a whole."""
        rows = self._directory.rows_of(device)
        return self._uses[self._cells[rows[0]]].whole if rows else super().holds(device)

    def _shares_changed(self, device: DeviceId) -> None:
        rows = self._directory.rows_of(device)
        if rows:
            self._write(rows, self._coded(self.use(device)))

    def _coded(self, use: Use) -> int:
        code = self._code_of.get(use)
        if code is None:
            code = self._code_of[use] = len(self._uses)
            self._uses.append(use)
        return code

    def _write(self, rows: tuple[int, ...], code: int) -> None:
        for row in rows:
            self._cells[row] = code

    @property
    def taken(self) -> Iterator[tuple[DeviceId, Use]]:
        """The published devices of which something is taken, in the fleet's order, and what."""
        slices, devices = self._fleet.slices, self._fleet.devices
        for row in np.flatnonzero(self.codes).tolist():
            of = int(devices.slice[row])
            device = DeviceId(slices.driver[of] or "", slices.pool[of] or "", devices.name[row] or "")
            yield device, self._uses[self.codes[row]]

    def _wholes(self) -> Mapping[DeviceId, int]:
        here = {device: 1 + self._again[device] for device, use in self.taken if use.whole}
        return {**super()._wholes(), **here}
