"""Shared counters of pools: what is left of them while devices are taken (K8s S45)."""

from __future__ import annotations

from collections.abc import Callable

from drapolicy.inventory.pool_device import PoolDevice, PoolId
from drapolicy.inventory.pools import Pool
from drapolicy.problem.allocated import AllocatedState


def available(pool: Pool, allocated: AllocatedState) -> dict[tuple[str, str], int]:
    """Return what allocated devices leave of a pool's counters, in nano units; negative when they draw too much.

    A shareable device draws once, however many shares of it are held; devices of other nodes count too.
    """
    left = dict(pool.counters or {})
    drawing = [(device.id, device.counters) for device in pool.devices if device.counters]
    for device_id, drawn in [*drawing, *pool.elsewhere]:
        if allocated.allocated(device_id):
            for key, amount in drawn:
                if key in left:
                    left[key] -= amount
    return left


class CounterLedger:
    """Counters of a node's pools during one search.

    Parameters
    ----------
    opening
        Gives a pool's counters as they are before the search.
    """

    __slots__ = ("_left", "_opening")

    def __init__(self, opening: Callable[[PoolId], dict[tuple[str, str], int]]) -> None:
        self._opening = opening
        self._left: dict[PoolId, dict[tuple[str, str], int] | None] = {}

    def reserve(self, device: PoolDevice) -> bool:
        """Draw the device's counters, or return False and draw nothing.

        A pool in which any counter is overdrawn gives none of its counters, related or not (Q7). As every device
        that was taken left all counters in order, only those that this device draws need a look.
        """
        left = self._of(device.pool)
        if left is None:
            return False
        enough = True
        for key, amount in device.counters:
            if key in left:
                left[key] -= amount
                if left[key] < 0:
                    enough = False
        if not enough:
            self.release(device)
        return enough

    def release(self, device: PoolDevice) -> None:
        """Give back the device's counters."""
        left = self._of(device.pool)
        if left is None:
            return
        for key, amount in device.counters:
            if key in left:
                left[key] += amount

    def _of(self, pool: PoolId) -> dict[tuple[str, str], int] | None:
        if pool not in self._left:
            opening = self._opening(pool)
            self._left[pool] = None if any(amount < 0 for amount in opening.values()) else dict(opening)
        return self._left[pool]
