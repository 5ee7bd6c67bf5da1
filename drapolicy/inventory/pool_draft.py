"""A pool before its devices are numbered: what its slices say, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drapolicy.api.resource import Device, ResourceSlice
from drapolicy.inventory.pool_device import DeviceId, Draws, Groups, PoolId, consumption, groups


class Draft:
    """A pool before its devices are numbered.

    Parameters
    ----------
    here, elsewhere
        Slices with devices for the node, and those of the same pool for others alone; a pool with a problem has none.
    counters
        Amount of each shared counter in nano units; None where counters do not matter.
    problem
        What makes the pool invalid, in upstream's words.
    binds
        Whether its devices have binding conditions; by default as the slices here say.
    """

    __slots__ = ("_elsewhere", "_here", "binds", "counters", "id", "incomplete", "invalid")

    def __init__(
        self,
        pool_id: PoolId,
        here: Sequence[ResourceSlice] = (),
        elsewhere: Sequence[ResourceSlice] = (),
        counters: Mapping[tuple[str, str], int] | None = None,
        *,
        incomplete: bool = False,
        problem: str = "",
        binds: bool | None = None,
    ) -> None:
        self.id = pool_id
        self.incomplete = incomplete
        self.invalid = problem
        self._here = () if problem else here
        self._elsewhere = () if problem else elsewhere
        self.counters = None if problem else counters
        self.binds = any(map(binding_conditions, self._here)) if binds is None else binds

    def devices(self) -> list[tuple[ResourceSlice, Device]]:
        """Return the devices for the node, each with its slice."""
        return [(owner, device) for owner in self._here for device in owner.spec.devices]

    def drawn_elsewhere(self) -> tuple[tuple[DeviceId, Draws], ...]:
        """Return what devices for other nodes draw, in nano units."""
        return tuple(
            (DeviceId(*self.id, device.name), consumption(device))
            for owner in self._elsewhere
            for device in owner.spec.devices
            if device.consumes_counters
        )

    def groups_elsewhere(self) -> tuple[tuple[DeviceId, Groups], ...]:
        """Return the compatibility groups of devices for other nodes."""
        return tuple(
            (DeviceId(*self.id, device.name), groups(device))
            for owner in self._elsewhere
            for device in owner.spec.devices
            if device.consumes_counters
        )


def keep_newest(known: list[ResourceSlice], candidate: ResourceSlice) -> None:
    """Add a slice to those of its pool unless it is older; a newer one replaces them all."""
    if known and candidate.spec.pool.generation < known[0].spec.pool.generation:
        return
    if known and candidate.spec.pool.generation > known[0].spec.pool.generation:
        known.clear()
    known.append(candidate)


def binding_conditions(published: ResourceSlice) -> bool:
    """Return whether some device of a slice has binding conditions."""
    return any(device.binding_conditions for device in published.spec.devices)


def compatibility_groups(published: ResourceSlice) -> bool:
    """Return whether some device of a slice is in a compatibility group."""
    return any(drawn.compatibility_groups for device in published.spec.devices for drawn in device.consumes_counters)


def own_counters(slices: Sequence[ResourceSlice]) -> dict[tuple[str, str], int]:
    """Return counters that belong to slices, each set named ``slice/set``."""
    return {
        (f"{owner.metadata.name}/{known.name}", name): counter.value.nano
        for owner in slices
        for known in owner.spec.shared_counters
        for name, counter in known.counters.items()
    }
