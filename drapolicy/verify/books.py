"""What is taken: by claims allocated before, and by the results checked so far (K8s S20, S37, S41, S44, S45)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, ResourceClaim
from drapolicy.verify.pools import DeviceID, PoolID, SeenPool
from drapolicy.verify.wishes import label


class Books:
    """Devices, shares, capacity and counters that are taken.

    Parameters
    ----------
    allocated
        Claims that hold devices; those without allocation count for nothing.
    pools
        Pools that matter; what is held of others is passed over.
    sharing
        Whether shares exist at all (feature ConsumableCapacity); otherwise a share holds the whole device.
    """

    def __init__(self, allocated: Iterable[ResourceClaim], pools: Container[PoolID], *, sharing: bool) -> None:
        self._holder: dict[DeviceID, ResourceClaim] = {}
        self._shared: set[DeviceID] = set()
        self._shares: set[tuple[DeviceID, str]] = set()
        self._capacity: dict[DeviceID, Counter[str]] = defaultdict(Counter)
        self._marked: dict[DeviceID, dict[int, str]] = defaultdict(dict)
        self._newly_shared: set[DeviceID] = set()
        self._available: dict[PoolID, dict[tuple[str, str], int]] = {}
        for claim in allocated:
            if claim.status.allocation is None:
                continue
            for result in claim.status.allocation.devices.results:
                if result.admin_access or (result.driver, result.pool) not in pools:
                    continue
                device = (result.driver, result.pool, result.device)
                if result.share_id is None or not sharing:
                    self._holder[device] = claim
                    continue
                self._shared.add(device)
                self._shares.add((device, result.share_id))
                for name, amount in result.consumed_capacity.items():
                    self._capacity[device][name] += amount.nano

    def holder(self, device: DeviceID, claim: int, *, admin: bool) -> str:
        """Return who keeps the claim from the device, empty if nobody does (S37)."""
        marked = self._marked.get(device, {})
        if admin:
            return marked.get(claim, "")
        holder = self._holder.get(device)
        return label(holder) if holder is not None else next(iter(marked.values()), "")

    def mark(self, device: DeviceID, claim: int, name: str) -> None:
        """Note that a claim has taken a device that is not shareable, admin access included (S37)."""
        self._marked[device][claim] = name

    def share(self, device: DeviceID, share: str | None, amounts: Mapping[str, Quantity]) -> bool:
        """Note one more share of a device; say whether its share ID is new (S44)."""
        self._newly_shared.add(device)
        for name, amount in amounts.items():
            self._capacity[device][name] += amount.nano
        fresh = share is None or (device, share) not in self._shares
        if share is not None:
            self._shares.add((device, share))
        return fresh

    def has_shares(self, device: DeviceID) -> bool:
        """Say whether the device has a share, old or new."""
        return device in self._shared or device in self._newly_shared

    def used(self, device: DeviceID, capacity: str) -> int:
        """Return how much of a capacity is taken, in nano units."""
        return self._capacity[device][capacity] if device in self._capacity else 0

    def draw(self, pool: SeenPool, device: Device) -> str:
        """Charge the counters of a device (S45).

        Returns
        -------
        str
            The first counter of the pool, by name, that is overdrawn then; empty if none is.
        """
        available = self._available.setdefault(pool.id, self._opening(pool))
        for drawn in device.consumes_counters:
            for name, counter in drawn.counters.items():
                available[drawn.counter_set, name] -= counter.value.nano
        for (counters, name), left in sorted(available.items()):
            if left < 0:
                value = pool.counter_sets[counters][name].value
                short = Quantity.from_nano(-left, value.format)
                return f"counter {counters}/{name} of {value} is exceeded by {short}"
        return ""

    def _opening(self, pool: SeenPool) -> dict[tuple[str, str], int]:
        available = {
            (counters, name): counter.value.nano
            for counters, named in pool.counter_sets.items()
            for name, counter in named.items()
        }
        for device in [*(seen.device for seen in pool.devices.values()), *pool.elsewhere]:
            identity = (*pool.id, device.name)
            if identity in self._holder or identity in self._shared:
                for drawn in device.consumes_counters:
                    for name, counter in drawn.counters.items():
                        available[drawn.counter_set, name] -= counter.value.nano
        return available
