"""What a pool's status tells of partitions and of shares (K8s S15).

Source: Kubernetes ``pkg/controller/resourcepoolstatusrequest`` of v1.37.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from drapolicy.api.pool_status import PartitionTypeStatus, PoolStatus, ShareableCapacityStatus, ShareableSummaryStatus
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, ResourceSlice
from drapolicy.inventory.pool_device import consumption

_MAX_ENTRIES = 32


class ViewError(Exception):
    """A view of a pool cannot be made; the message is upstream's."""


@dataclass
class Use:
    """What claims hold of one pool.

    Attributes
    ----------
    results
        Results of allocations, admin access included.
    devices, consumed
        Names of the devices held, and what is consumed of each capacity of the pool; admin access holds nothing.
    """

    results: int = 0
    devices: set[str] = field(default_factory=set)
    consumed: dict[str, Quantity] = field(default_factory=dict)


def partitions(
    status: PoolStatus, slices: Sequence[ResourceSlice], held: Use, default: str | None
) -> list[PartitionTypeStatus]:
    """Return how many devices there are of each partition type, and how many of them the counters still allow.

    Parameters
    ----------
    default
        Attribute that tells the types apart where no slice names one.

    Raises
    ------
    ViewError
        When the devices do not say their types, or disagree within one.
    """
    where = f"{status.driver}/{status.pool_name}"
    # A default counts only where no slice of the pool says how its devices are told apart.
    if any(item.spec.partition_type_attribute for item in slices):
        default = None
    devices = [
        (device, item.spec.partition_type_attribute or default) for item in slices for device in item.spec.devices
    ]
    if not any(attribute for _, attribute in devices):
        return []
    sets = [counter_set for item in slices for counter_set in item.spec.shared_counters]
    if not sets:
        message = f"PartitionTypeMissing: pool {where} declares partitionTypeAttribute but publishes no sharedCounters"
        raise ViewError(message)
    free = {(known.name, name): counter.value.nano for known in sets for name, counter in known.counters.items()}
    for device, _ in devices:
        if device.name in held.devices:
            for key, amount in consumption(device):
                if key in free:
                    free[key] -= amount
    groups: dict[tuple[str, str], list[Device]] = {}
    for device, attribute in devices:
        if not device.consumes_counters or not attribute:
            continue
        kind = _partition_type(status.driver, device, attribute)
        if kind is None:
            message = (
                f'PartitionTypeMissing: device "{device.name}" in pool {where} does not carry partition type '
                f'attribute "{attribute}"'
            )
            raise ViewError(message)
        group = groups.setdefault((attribute, kind), [])
        if group and _cost(group[0]) != _cost(device):
            message = (
                f'PartitionCostMismatch: devices of partition type "{kind}" in pool {where} consume different counters'
            )
            raise ViewError(message)
        group.append(device)
    if len(groups) > _MAX_ENTRIES:
        message = (
            f"PartitionSummaryOverCap: pool {where} has {len(groups)} partition types, exceeding the maximum of "
            f"{_MAX_ENTRIES}"
        )
        raise ViewError(message)
    return [
        PartitionTypeStatus(attribute=attribute, type=kind, total=len(group), allocatable=_fitting(group, free, held))
        for (attribute, kind), group in sorted(groups.items())
    ]


def _fitting(group: Sequence[Device], free: Mapping[tuple[str, str], int], held: Use) -> int:
    """Return how many unused devices of a group the counters still allow, taken one after the other."""
    left = dict(free)
    found = 0
    for device in group:
        draws = consumption(device)
        if device.name not in held.devices and all(left.get(key, -1) >= amount for key, amount in draws):
            found += 1
            for key, amount in draws:
                left[key] -= amount
    return found


def _cost(device: Device) -> Counter[tuple[str, str, str]]:
    """Return what a device draws as upstream compares it: amounts by their canonical text."""
    return Counter(
        (drawn.counter_set, name, counter.value.canonical())
        for drawn in device.consumes_counters
        for name, counter in drawn.counters.items()
    )


def _partition_type(driver: str, device: Device, attribute: str) -> str | None:
    """Return the text of an attribute; its full name goes before the one without the driver's domain."""
    bare = attribute.removeprefix(f"{driver}/")
    value = device.attributes.get(attribute) or device.attributes.get(bare)
    return None if value is None else value.string_value


def shares(status: PoolStatus, devices: Iterable[Device], held: Use) -> ShareableSummaryStatus | None:
    """Return the capacities of all devices that can be shared, added up; None where there are none.

    Raises
    ------
    ViewError
        When they have too many capacities to tell.
    """
    shareable = [device for device in devices if device.allow_multiple_allocations]
    if not shareable:
        return None
    totals: dict[str, Quantity] = {}
    for device in shareable:
        for name, capacity in device.capacity.items():
            totals[name] = totals.get(name, Quantity()) + capacity.value
    if len(totals) > _MAX_ENTRIES:
        message = (
            f"ShareableSummaryOverCap: pool {status.driver}/{status.pool_name} has {len(totals)} shareable capacity "
            f"keys, exceeding the maximum of {_MAX_ENTRIES}"
        )
        raise ViewError(message)
    used = sum(device.name in held.devices for device in shareable)
    return ShareableSummaryStatus(
        fully_available_devices=len(shareable) - used,
        partially_available_devices=used,
        capacity=[
            _capacity(name, total, held.consumed.get(name, Quantity())) for name, total in sorted(totals.items())
        ],
    )


def _capacity(name: str, total: Quantity, consumed: Quantity) -> ShareableCapacityStatus:
    left = total - consumed
    if left.sign() < 0:
        left = Quantity.from_nano(0, total.format)
    return ShareableCapacityStatus(name=name, total=total, consumed=consumed, available=left)
