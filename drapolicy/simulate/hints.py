"""Whom it helps that a node has more room: who needs more devices than the node has free need not be asked again."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from drapolicy.inventory import Fleet
from drapolicy.inventory.pool_device import PoolId
from drapolicy.problem.ask import Ask
from drapolicy.problem.state import State
from drapolicy.simulate.queue import Unit


class Hints:
    """Counts the devices of each node that nobody holds.

    Parameters
    ----------
    state
        At the start.
    shared
        Claims that several asks use, or that held something before: their devices may be there already.

    Notes
    -----
    Where devices can be shared, pools belong to several nodes, or what is held from the start may be given back,
    everything may help everybody. Devices that failed
    count as free: hints are about who cannot be helped, not about who is.
    """

    def __init__(self, state: State, shared: Collection[str]) -> None:
        self._shared = shared
        self._free: list[int] | None = None
        fleet = state.fleet
        if _apart(fleet) and not any(key in state.held for key in shared):
            free = np.zeros(len(fleet.nodes), np.int64)
            np.add.at(free, fleet.node_of_slice, np.diff(fleet.slices.first))
            self._free = free.tolist()
            for device, _ in state.allocated.taken:
                home = state.sites.home(PoolId(device.driver, device.pool))
                assert home is not None
                self._free[home] -= 1

    def take(self, n: int, devices: int) -> None:
        """Note that devices of a node are taken, or given back if the number is negative."""
        if self._free is not None:
            self._free[n] -= devices

    def helps(self, n: int, unit: Unit) -> bool:
        """Tell whether it may help a unit that something of a node was given back."""
        if self._free is None or len(unit.asks) > 1:
            return True
        return self._least(unit.asks[0]) <= self._free[n]

    def _least(self, ask: Ask) -> int:
        """Return how many devices an ask takes at least, wherever it goes."""
        total = 0
        for key, claim in zip(ask.keys, ask.claims, strict=True):
            for request in claim.spec.devices.requests if key not in self._shared else ():
                exactly = request.exactly
                if exactly is None:
                    total += min((choice.count for choice in request.first_available), default=0)
                elif not exactly.admin_access:
                    total += exactly.count
        return total


def _apart(fleet: Fleet) -> bool:
    """Tell whether each device belongs to one node and one holder."""
    slices = fleet.slices
    if not slices.bound.all() or any(kind.allow_multiple_allocations for kind in fleet.devices.rest.values):
        return False
    # Slices of a pool stand together.
    same = (np.diff(slices.driver.codes) == 0) & (np.diff(slices.pool.codes) == 0)
    return not (same & (np.diff(fleet.node_of_slice) != 0)).any()
