"""What is measured when an ask starts: what it draws of the fleet, and how its devices are linked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from drapolicy.api.resource import AllocationResult, DeviceRequestAllocationResult, ResourceClaim
from drapolicy.inventory import Fleet
from drapolicy.inventory.pool_device import DeviceId, PoolId
from drapolicy.problem.ask import Ask
from drapolicy.problem.conditions import Conditions
from drapolicy.problem.problem import Problem
from drapolicy.problem.sites import Sites
from drapolicy.problem.state import State
from drapolicy.simulate.best import Best
from drapolicy.simulate.deciding import Begin
from drapolicy.simulate.record import NANO
from drapolicy.simulate.speed import Ideal
from drapolicy.topology.measures import bottleneck_mb_s


class Figures(NamedTuple):
    """What is measured of a start.

    Attributes
    ----------
    devices
        Distinct devices that it holds, claim after claim; those of admin access are left out, and those that no slice
        publishes.
    drawn
        How much of the fleet they are, in billionths of a device.
    taken
        How much of that each claim took that held nothing before.
    ideal_mb_s, real_mb_s, machine_mb_s, fleet_mb_s, aligned, joined
        As of :class:`~drapolicy.simulate.Record`.
    """

    devices: tuple[DeviceId, ...]
    drawn: int
    taken: tuple[int, ...]
    ideal_mb_s: int
    real_mb_s: int
    machine_mb_s: int | None
    fleet_mb_s: int | None
    aligned: bool | None
    joined: bool


class Measuring:
    """Measures starts on one fleet.

    Parameters
    ----------
    fleet
        The fleet.
    quality
        Whether to compare with the best sets of an empty machine and of all that is free; takes longer than most
        policies.
    """

    def __init__(self, fleet: Fleet, *, quality: bool) -> None:
        self._fleet = fleet
        self._sites = Sites(fleet)
        self._ideal = Ideal(self._sites)
        self._quality = quality
        self._plain = not any(kind.consumes_counters for kind in fleet.devices.rest.values)
        self._parts: dict[tuple[DeviceId, str | None, str], int] = {}
        if quality:
            self._empty = State(fleet)
            self._best_empty = Best(fleet)
            self._best_free = Best(fleet)

    def of(
        self,
        state: State,
        ask: Ask,
        new: Sequence[ResourceClaim],
        begin: Begin,
        now_ns: int,
        *,
        linked: bool,
    ) -> Figures:
        """Return the figures of an ask that is about to start: the state is still that of the decision.

        Parameters
        ----------
        new
            Claims that hold nothing yet, in order.
        begin
            Its node, and an allocation for each of these.
        linked
            Whether the speed of its links is needed even if quality is not.
        """
        joined = len(new) < len(ask.claims)
        n, results = self._fleet.nodes.index[begin.node], begin.results
        if len(results) == 1 and not joined:
            items = own(results[0])
        else:
            held = [result for _, result in state.allocations(ask, new, results)] if joined else results
            items = [item for result in held for item in own(result)]
        drawn = self.drawn(n, items)
        taken = (drawn,) if len(results) == 1 and not joined else tuple(self.drawn(n, own(made)) for made in results)
        devices = tuple(dict.fromkeys([DeviceId(item.driver, item.pool, item.device) for item in items]))
        if joined:  # a claim of the start may hold what is not published
            devices = tuple(filter(self._sites.directory.rows_of, devices))
        ideal = real = 0
        machine: int | None = None
        free: int | None = None
        aligned: bool | None = None
        if len(devices) > 1 and (self._quality or linked):
            site = self._sites[n]
            at = {device.id: device.index for device in site.devices}
            ideal = self._ideal.mb_s([device.driver for device in devices])
            places = [at[device] for device in devices]
            real = bottleneck_mb_s(site.links, places)
            numa = site.group("numa")[places]
            aligned = None if (numa < 0).any() else bool((numa == numa[0]).all())
        if self._quality:
            machine = self._best_empty.mb_s(Problem(self._empty, (ask,), now_ns), len(devices), real)
            if not joined:
                free = self._best_free.mb_s(Problem(state, (ask,), now_ns), len(devices), real)
        return Figures(devices, drawn, taken, ideal, real, machine, free, aligned, joined)

    def away(self, conditions: Conditions) -> int:
        """Return how much of the fleet is away or failed, in billionths of a device."""
        total = NANO * sum(self._sites[n].whole for n in conditions.away)
        for device in conditions.failed:
            n = self._sites.home(PoolId(device.driver, device.pool))
            if n is not None and n not in conditions.away:
                site = self._sites[n]
                total += sum(round(NANO * site.share(d.index)) for d in site.devices if d.id == device)
        return total

    def drawn(self, n: int, items: Sequence[DeviceRequestAllocationResult]) -> int:
        """Return how much of the fleet some results hold, each device's share once."""
        if self._plain and not any(item.consumed_capacity for item in items):
            if len(items) < 2:
                return NANO * len(items)
            return NANO * len({(item.device, item.pool, item.driver, item.share_id) for item in items})
        site = self._sites[n]
        at = {device.id: device.index for device in site.devices}
        drawn: dict[tuple[int, str | None], float] = {}
        for item in items:
            d = at.get(DeviceId(item.driver, item.pool, item.device))
            if d is not None:
                drawn[d, item.share_id] = site.share(d) * site.devices[d].part(item.consumed_capacity)
        return round(sum(drawn.values()) * NANO)


def own(allocation: AllocationResult) -> list[DeviceRequestAllocationResult]:
    """Return what an allocation holds but for admin access, which takes nothing."""
    return [item for item in allocation.devices.results if not item.admin_access]


@lru_cache(maxsize=4)
def whole_devices(fleet: Fleet) -> int:
    """Return how many whole devices a fleet has; the partitions of one counter set are one. Known fleets are kept."""
    sites = Sites(fleet)
    return sum(sites[n].whole for n in range(fleet.nodes.candidates))
