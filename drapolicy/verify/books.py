"""What is taken: by claims allocated before, and by the results checked so far (K8s S20, S37, S41, S44-S46)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import ResourceClaim
from drapolicy.release import Release
from drapolicy.verify.counters import Counters
from drapolicy.verify.groups import Groups
from drapolicy.verify.pools import DeviceID, PoolID, Seen, SeenPool
from drapolicy.verify.wishes import label


class Books:
    """Devices, shares, capacity and counters that are taken.

    Parameters
    ----------
    allocated
        Claims that hold devices; those without allocation count for nothing.
    pools
        Pools that matter; what is held of others is passed over.
    release
        Kubernetes release with its gates. Without the feature ConsumableCapacity a share holds the whole device.
    """

    def __init__(self, allocated: Iterable[ResourceClaim], pools: Mapping[PoolID, SeenPool], release: Release) -> None:
        self._pools = pools
        self._behaviour = release.behaviour
        self._holder: dict[DeviceID, ResourceClaim] = {}
        self._shared: set[DeviceID] = set()
        self._shares: set[tuple[DeviceID, str]] = set()
        self._held: dict[DeviceID, Counter[str]] = defaultdict(Counter)
        self._taken: dict[DeviceID, Counter[str]] = defaultdict(Counter)
        self._marked: dict[DeviceID, dict[int, str]] = defaultdict(dict)
        self._newly_shared: set[DeviceID] = set()
        self._groups: dict[PoolID, Groups] = {}
        sharing = "ConsumableCapacity" in release.features
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
                    self._held[device][name] += amount.nano
        self._counters = Counters(pools, self._draws_already, release)

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
            self._taken[device][name] += amount.nano
        fresh = share is None or (device, share) not in self._shares
        if share is not None:
            self._shares.add((device, share))
        return fresh

    def draws_no_more(self, device: DeviceID) -> bool:
        """Say whether a further share of the device draws nothing from its counters (S45)."""
        if not self._behaviour.shares_draw_once:
            return False
        held = self._shared if self._behaviour.notices_empty_shares else self._held
        return device in held or device in self._newly_shared

    def held(self, device: DeviceID, capacity: str) -> int:
        """Return how much of a capacity claims allocated before have, in nano units."""
        return self._held[device][capacity] if device in self._held else 0

    def used(self, device: DeviceID, capacity: str) -> int:
        """Return how much of a capacity is taken, in nano units."""
        return self.held(device, capacity) + (self._taken[device][capacity] if device in self._taken else 0)

    def draw(self, seen: Seen) -> str:
        """Charge the counters of a device; return the one that is overdrawn then, empty if none is (S45)."""
        return self._counters.draw(seen)

    def join(self, seen: Seen) -> str:
        """Put a device beside those that draw from the same counters; return why it must not be there (S46)."""
        pool = self._pools[seen.id[:2]]
        if pool.id not in self._groups:
            devices = [*(each.device for each in pool.devices.values()), *pool.elsewhere]
            holds = [each for each in devices if self._draws_already((*pool.id, each.name))]
            self._groups[pool.id] = Groups(holds)
        return self._groups[pool.id].add(seen.device)

    def _draws_already(self, device: DeviceID) -> bool:
        return device in self._holder or (self._behaviour.counts_held_shares and device in self._shared)
