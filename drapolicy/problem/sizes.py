"""How many devices the allocations on each node have: what schedulers go by that keep pods of one size together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from drapolicy.api.resource import AllocationResult, DeviceRequestAllocationResult
from drapolicy.inventory import Fleet
from drapolicy.inventory.directory import Directory
from drapolicy.inventory.pool_device import DeviceId, PoolId

WHOLE = 1_000
"""Thousandths of a device; a share that takes so many leaves nothing to others."""

_NONE: Counter[int] = Counter()


class Sizes:
    """Sizes of the allocations on each node, counted: numbers of devices, 0 where all are shares that leave some.

    Parameters
    ----------
    fleet
        Says what devices have to be shared.
    directory
        Finds its devices by name.
    home
        The only node that can use a pool, or None.
    held
        All allocations; counted when somebody first asks, as most policies never do.
    """

    def __init__(
        self,
        fleet: Fleet,
        directory: Directory,
        home: Callable[[PoolId], int | None],
        held: Mapping[str, AllocationResult],
    ) -> None:
        self._capacity = fleet.devices.capacity
        self._rows_of = directory.rows_of
        self._home = home
        self._held = held
        self._of: dict[int, Counter[int]] | None = None

    def of(self, n: int) -> frozenset[int]:
        """Return the sizes that occur on a node."""
        if self._of is None:
            self._of = {}
            for allocation in self._held.values():
                self.add(allocation)
        return frozenset(self._of.get(n, _NONE))

    def add(self, allocation: AllocationResult) -> None:
        """Count an allocation."""
        if self._of is None:
            return
        n, size = self._told(allocation)
        if n is not None:
            self._of.setdefault(n, Counter())[size] += 1

    def remove(self, allocation: AllocationResult) -> None:
        """Take back what :meth:`add` counted."""
        if self._of is None:
            return
        n, size = self._told(allocation)
        if n is not None:
            counts = self._of[n]
            counts[size] -= 1
            if not counts[size]:
                del counts[size]

    def _told(self, allocation: AllocationResult) -> tuple[int | None, int]:
        taken = [result for result in allocation.devices.results if not result.admin_access]
        home = self._home(PoolId(taken[0].driver, taken[0].pool)) if taken else None
        return home, 0 if home is None else self._size(taken)

    def _size(self, taken: Sequence[DeviceRequestAllocationResult]) -> int:
        return 0 if all(map(self._leaves_some, taken)) else len(taken)

    def _leaves_some(self, result: DeviceRequestAllocationResult) -> bool:
        if result.share_id is None:
            return False
        rows = self._rows_of(DeviceId(result.driver, result.pool, result.device))
        for name, amount in result.consumed_capacity.items() if rows else ():
            whole = self._capacity[name].nano(rows[0]) if name in self._capacity else None
            # Rounded up, as what a device takes is.
            if whole and -(-WHOLE * amount.nano // whole) >= WHOLE:
                return False
        return True
