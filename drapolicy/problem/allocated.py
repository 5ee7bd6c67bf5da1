"""Which devices, shares and capacities are taken (K8s S20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import AllocationResult, DeviceRequestAllocationResult, ResourceClaim
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.release import Release

_K = TypeVar("_K", bound=Hashable)


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
        self._shares: dict[DeviceId, Counter[str]] = {}
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
                self.take_share(device, result.share_id or "")
                if result.consumed_capacity:
                    self.consume(device, result.consumed_capacity)
            else:
                self.take(device)

    def remove(self, allocation: AllocationResult) -> None:
        """Give back what an allocation holds.

        Raises
        ------
        InputError
            When the state does not hold the allocation; it is unchanged then.
        """
        held = Counter(
            (DeviceId(result.driver, result.pool, result.device), result.share_id if self._is_share(result) else None)
            for result in allocation.devices.results
            if not result.admin_access
        )
        for (device, share), times in held.items():
            known = self._devices[device] if share is None else self._shares.get(device, Counter())[share]
            if known < times:
                message = f"device {device}: cannot be given back, it is not allocated; remove only what was added"
                raise InputError(message)
        self.version += 1
        for result in allocation.devices.results:
            if result.admin_access:
                continue
            device = DeviceId(result.driver, result.pool, result.device)
            if not self._is_share(result):
                _decrement(self._devices, device)
                continue
            _decrement(self._shares[device], result.share_id or "")
            if not self._shares[device]:
                del self._shares[device]
            if result.consumed_capacity:
                self._release(device, result.consumed_capacity)

    def _is_share(self, result: DeviceRequestAllocationResult) -> bool:
        return self._consumable and result.share_id is not None

    def take(self, device: DeviceId) -> None:
        """Take a whole device."""
        self.version += 1
        self._devices[device] += 1

    def take_share(self, device: DeviceId, share: str) -> None:
        """Take one share of a device; what it consumes is said by :meth:`consume`."""
        self.version += 1
        self._shares.setdefault(device, Counter())[share] += 1

    def consume(self, device: DeviceId, capacity: Mapping[str, Quantity]) -> None:
        """Take amounts of a device's capacities."""
        self.version += 1
        self._consumers[device] += 1
        amounts = self._consumed.setdefault(device, {})
        for name, quantity in capacity.items():
            amount, times = amounts.get(name, (0, 0))
            amounts[name] = (amount + quantity.nano, times + 1)

    def restore(
        self, device: DeviceId, *, whole: bool, shared: bool, consuming: bool, amounts: Mapping[str, int]
    ) -> None:
        """Take what another state said of a device; ids of shares are not known.

        Parameters
        ----------
        whole, shared, consuming, amounts
            What :meth:`holds`, :meth:`shared`, :meth:`consuming` and :meth:`consumed` said.
        """
        self.version += 1
        if whole:
            self._devices[device] += 1
        if shared:
            self._shares.setdefault(device, Counter())[""] += 1
        if consuming:
            self._consumers[device] += 1
            self._consumed[device] = {name: (amount, 1) for name, amount in amounts.items()}

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
        return device in self._devices or device in self._shares or device in self._consumers

    def has_share(self, device: DeviceId, share: str) -> bool:
        """Return whether a share id is in use on the device."""
        return share in self._shares.get(device, ())

    def consumed(self, device: DeviceId) -> dict[str, int]:
        """Return the amounts taken of a device's capacities, in nano units."""
        return {name: amount for name, (amount, _) in self._consumed.get(device, {}).items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AllocatedState) and (
            self._consumable,
            self._devices,
            self._shares,
            self._consumers,
            self._consumed,
        ) == (other._consumable, other._devices, other._shares, other._consumers, other._consumed)

    __hash__ = None  # type: ignore[assignment]


def _decrement(counts: Counter[_K], key: _K) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
