"""Shared counters of pools: what is left of them while devices are taken (K8s S45)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from operator import attrgetter

from drapolicy.inventory.pool_device import DeviceId, PoolDevice, PoolId
from drapolicy.inventory.pools import Pool
from drapolicy.problem.allocated import AllocatedState
from drapolicy.release import Behaviour

Counters = dict[tuple[str, str], int]

# What a device's counters belong to, by Behaviour.counters.
_OWNERS: dict[str, Callable[[PoolDevice], Hashable]] = {
    "pool": attrgetter("pool"),
    "pool name": attrgetter("pool.pool"),
    "slice": attrgetter("slice.metadata.name"),
}


def drawing(allocated: AllocatedState, behaviour: Behaviour) -> Callable[[DeviceId], bool]:
    """Return the test whether what is allocated of a device has drawn its counters."""
    return allocated.allocated if behaviour.counts_held_shares else allocated.holds


def drawn_for_shares(allocated: AllocatedState, behaviour: Behaviour) -> Callable[[DeviceId], bool]:
    """Return the test whether a further share of a device draws nothing more, because of those allocated."""
    if not behaviour.shares_draw_once:
        return _never
    return allocated.shared if behaviour.notices_empty_shares else allocated.consuming


def _never(device: DeviceId) -> bool:
    del device
    return False


def available(pool: Pool, drawn: Callable[[DeviceId], bool]) -> Counters:
    """Return what allocated devices leave of a pool's counters, in nano units; negative when they draw too much.

    A shareable device draws once, however many shares of it are held; devices of other nodes count too.

    Parameters
    ----------
    drawn
        The test that :func:`drawing` gives.
    """
    left = dict(pool.counters or {})
    here = [(device.id, device.counters) for device in pool.devices if device.counters]
    for device_id, amounts in [*here, *pool.elsewhere]:
        if drawn(device_id):
            for key, amount in amounts:
                if key in left:
                    left[key] -= amount
    return left


class Openings:
    """Counters before any search, each computed when it is first asked for, then kept.

    Counters that belong to a pool's name are those of the first pool of that name that is asked for; all pools of the
    name draw from them.

    Parameters
    ----------
    allocated
        What is taken; what is kept is forgotten when it changes.
    behaviour
        What counters belong to.
    """

    def __init__(self, allocated: AllocatedState, behaviour: Behaviour) -> None:
        self.owner = _OWNERS[behaviour.counters]
        self._per_slice = behaviour.counters == "slice"
        self._allocated = allocated
        self._drawn = drawing(allocated, behaviour)
        self._version = allocated.version
        self._known: dict[Hashable, Counters] = {}

    def of(self, device: PoolDevice, pools: Mapping[PoolId, Pool]) -> Counters:
        """Return what is left of the counters from which a device draws; not to be changed."""
        if self._version != self._allocated.version:
            self._known.clear()
            self._version = self._allocated.version
        owner = self.owner(device)
        known = self._known.get(owner)
        if known is None:
            known = available(pools[device.pool], self._drawn)
            if self._per_slice:
                known = {key: amount for key, amount in known.items() if key[0].startswith(f"{owner}/")}
            self._known[owner] = known
        return known


class CounterLedger:
    """Counters of a node's pools during one search.

    Parameters
    ----------
    openings
        Counters before the search.
    pools
        Pools of the node.
    """

    __slots__ = ("_left", "_openings", "_owner", "_pools")

    def __init__(self, openings: Openings, pools: Mapping[PoolId, Pool]) -> None:
        self._openings = openings
        self._owner = openings.owner
        self._pools = pools
        self._left: dict[Hashable, Counters | None] = {}

    def reserve(self, device: PoolDevice) -> bool:
        """Draw the device's counters, or return False and draw nothing.

        Where any counter is overdrawn none is given, related or not (Q7). As every device that was taken left all
        counters in order, only those that this device draws need a look.
        """
        left = self._of(device)
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
        left = self._of(device)
        if left is None:
            return
        for key, amount in device.counters:
            if key in left:
                left[key] += amount

    def _of(self, device: PoolDevice) -> Counters | None:
        owner = self._owner(device)
        if owner not in self._left:
            opening = self._openings.of(device, self._pools)
            self._left[owner] = None if any(amount < 0 for amount in opening.values()) else dict(opening)
        return self._left[owner]
