"""Which devices, shares and capacities are taken (K8s S20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, MutableMapping
from typing import NamedTuple, TypeVar

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import AllocationResult, DeviceRequestAllocationResult, ResourceClaim
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.release import Release

_K = TypeVar("_K", bound=Hashable)


class Use(NamedTuple):
    """What is taken of one device, but for the ids of shares.

    Attributes
    ----------
    whole, shared, consuming
        Whether it is taken as a whole, as a share, as a share that says what it consumes.
    amounts
        What shares consume of its capacities, ``(name, nano units)`` by name.
    """

    whole: bool
    shared: bool
    consuming: bool
    amounts: tuple[tuple[str, int], ...]


class AllocatedState:
    """Devices, shares and capacities that allocations hold; changes by allocations that can be taken back.

    Parameters
    ----------
    consumable
        The gate DRAConsumableCapacity is on. With it off a share takes the whole device.

    Attributes
    ----------
    version
        Grows with every change.

    Notes
    -----
    Amounts are exact ints in nano units. Admin access takes nothing. :meth:`remove` undoes :meth:`add` exactly, in
    any order. Source: Kubernetes ``dynamicresources/allocateddevices.go`` (K8s S20).
    """

    def __init__(self, *, consumable: bool = True) -> None:
        self.version = 0
        self._consumable = consumable
        self._devices: Counter[DeviceId] = Counter()
        self._shares: dict[DeviceId, dict[str, int]] = {}
        self._consumers: Counter[DeviceId] = Counter()
        self._consumed: dict[DeviceId, dict[str, tuple[int, int]]] = {}

    @classmethod
    def from_claims(cls, claims: Iterable[ResourceClaim], release: Release) -> AllocatedState:
        """Return the state that the allocations of claims make; claims without one count for nothing.

        Parameters
        ----------
        release
            Kubernetes release with its gates.
        """
        state = cls(consumable="ConsumableCapacity" in release.features)
        for claim in claims:
            if claim.status.allocation is not None:
                state.add(claim.status.allocation)
        return state

    def add(self, allocation: AllocationResult) -> None:
        """Take what an allocation holds."""
        for result in allocation.devices.results:
            device = DeviceId(result.driver, result.pool, result.device)
            if result.admin_access:
                continue
            if self._is_share(result):
                self._share(device, result.share_id or "")
                if result.consumed_capacity:
                    self._consume(device, result.consumed_capacity)
                self._shares_changed(device)
            else:
                self.take(device)

    def remove(self, allocation: AllocationResult) -> None:
        """Give back what an allocation holds.

        Raises
        ------
        InputError
            When the state does not hold the allocation; it is unchanged then.
        """
        taken = [
            (DeviceId(result.driver, result.pool, result.device), result.share_id if self._is_share(result) else None)
            for result in allocation.devices.results
            if not result.admin_access
        ]
        held = dict.fromkeys(taken, 1)
        if len(held) < len(taken):
            held = Counter(taken)
        for (device, share), times in held.items():
            known = self._times(device) if share is None else self._shares.get(device, {}).get(share, 0)
            if known < times:
                message = f"device {device}: cannot be given back, it is not allocated; remove only what was added"
                raise InputError(message)
        self.version += 1
        for result in allocation.devices.results:
            if result.admin_access:
                continue
            device = DeviceId(result.driver, result.pool, result.device)
            if not self._is_share(result):
                self._give_back(device)
                continue
            _decrement(self._shares[device], result.share_id or "")
            if not self._shares[device]:
                del self._shares[device]
            if result.consumed_capacity:
                self._release(device, result.consumed_capacity)
            self._shares_changed(device)

    def _is_share(self, result: DeviceRequestAllocationResult) -> bool:
        return self._consumable and result.share_id is not None

    def take(self, device: DeviceId) -> None:
        """Take a whole device."""
        self.version += 1
        self._devices[device] += 1

    def _times(self, device: DeviceId) -> int:
        """Return how often a device is taken as a whole."""
        return self._devices[device]

    def _give_back(self, device: DeviceId) -> None:
        """Give back a whole device."""
        _decrement(self._devices, device)

    def _shares_changed(self, device: DeviceId) -> None:
        """Take notice that shares of a device have changed."""

    def take_share(self, device: DeviceId, share: str) -> None:
        """Take one share of a device; what it consumes is said by :meth:`consume`."""
        self._share(device, share)
        self._shares_changed(device)

    def _share(self, device: DeviceId, share: str) -> None:
        self.version += 1
        shares = self._shares.setdefault(device, {})
        shares[share] = shares.get(share, 0) + 1

    def consume(self, device: DeviceId, capacity: Mapping[str, Quantity]) -> None:
        """Take amounts of a device's capacities."""
        self._consume(device, capacity)
        self._shares_changed(device)

    def _consume(self, device: DeviceId, capacity: Mapping[str, Quantity]) -> None:
        self.version += 1
        self._consumers[device] += 1
        amounts = self._consumed.setdefault(device, {})
        for name, quantity in capacity.items():
            amount, times = amounts.get(name, (0, 0))
            amounts[name] = (amount + quantity.nano, times + 1)

    def use(self, device: DeviceId) -> Use:
        """Return what is taken of a device."""
        amounts = tuple(sorted(self.consumed(device).items()))
        return Use(self.holds(device), self.shared(device), self.consuming(device), amounts)

    def restore(self, device: DeviceId, use: Use) -> None:
        """Take what another state said of a device (:meth:`use`); ids of shares are not known."""
        if use.whole:
            self.take(device)
        if use.shared:
            self.take_share(device, "")
        if use.consuming:
            self._consumers[device] += 1
            self._consumed[device] = {name: (amount, 1) for name, amount in use.amounts}
            self._shares_changed(device)

    def _release(self, device: DeviceId, capacity: Mapping[str, Quantity]) -> None:
        amounts = self._consumed[device]
        for name, quantity in capacity.items():
            amount, times = amounts.pop(name)
            if times > 1:
                amounts[name] = (amount - quantity.nano, times - 1)
        _decrement(self._consumers, device)
        if device not in self._consumers:
            del self._consumed[device]

    def holds(self, device: DeviceId) -> bool:
        """Return whether the device is taken as a whole."""
        return device in self._devices

    @property
    def has_shares(self) -> bool:
        """Whether a share of any device is taken."""
        return bool(self._shares or self._consumers)

    def shared(self, device: DeviceId) -> bool:
        """Return whether some of the device is taken as a share."""
        return device in self._shares or device in self._consumers

    def consuming(self, device: DeviceId) -> bool:
        """Return whether a share of the device is taken that says what it consumes."""
        return device in self._consumers

    def allocated(self, device: DeviceId) -> bool:
        """Return whether anything of the device is taken."""
        return self.holds(device) or device in self._shares or device in self._consumers

    def has_share(self, device: DeviceId, share: str) -> bool:
        """Return whether a share id is in use on the device."""
        return share in self._shares.get(device, ())

    def consumed(self, device: DeviceId) -> dict[str, int]:
        """Return the amounts taken of a device's capacities, in nano units."""
        return {name: amount for name, (amount, _) in self._consumed.get(device, {}).items()}

    def _wholes(self) -> Mapping[DeviceId, int]:
        """Return how often each device is taken as a whole."""
        return self._devices

    def _books(self) -> tuple[object, ...]:
        return self._consumable, dict(self._wholes()), self._shares, self._consumers, self._consumed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AllocatedState) and self._books() == other._books()

    __hash__ = None  # type: ignore[assignment]


def _decrement(counts: MutableMapping[_K, int], key: _K) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
