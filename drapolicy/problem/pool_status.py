"""What Kubernetes answers to a ResourcePoolStatusRequest: the devices of pools, counted (K8s S15).

Source: Kubernetes ``pkg/controller/resourcepoolstatusrequest`` of v1.36.3 and v1.37.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from drapolicy.api import Objects
from drapolicy.api.meta import Condition
from drapolicy.api.pool_status import (
    PartitionTypeStatus,
    PoolStatus,
    ResourcePoolStatusRequest,
    ResourcePoolStatusRequestStatus,
    ShareableCapacityStatus,
    ShareableSummaryStatus,
)
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceCounterConsumption, ResourceClaim, ResourceSlice
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import PoolId
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.release import Release

GATE = "DRAResourcePoolStatus"
DEFAULT_LIMIT = 100
_MAX_BYTES = 256
_MAX_ENTRIES = 32
_HARMFUL = frozenset({"NoSchedule", "NoExecute"})


class _ViewError(Exception):
    """A view of a pool cannot be made; the message is upstream's."""


@dataclass
class _Use:
    """What claims hold of one pool."""

    results: int = 0
    devices: set[str] = field(default_factory=set)
    consumed: dict[str, Quantity] = field(default_factory=dict)


def pool_status(
    objects: Objects, request: ResourcePoolStatusRequest, release: Release, *, now: str | None = None
) -> ResourcePoolStatusRequestStatus:
    """Return what the controller of a release writes into a request's status.

    Parameters
    ----------
    objects
        Slices, taint rules and claims of the cluster.
    request
        Whose pools are asked about.
    release
        Kubernetes release with its gates.
    now
        Time of the condition's transition, RFC 3339.

    Returns
    -------
    ResourcePoolStatusRequestStatus
        Pools by name, at most ``spec.limit``; ``poolCount`` counts all. An incomplete pool has an error in place of
        counts. Up to 1.36 ``allocatedDevices`` counts results, admin access included, and no device is unavailable.

    Raises
    ------
    InputError
        When the release has no such requests or the gate is off.
    """
    if GATE not in release.gates:
        message = (
            f"ResourcePoolStatusRequest {request.metadata.name}: Kubernetes {release.minor} does not answer it; "
            f"use 1.36 or later with the gate {GATE}"
        )
        raise InputError(message)
    spec = request.spec
    use = _use(objects.claims)
    pools = [
        _status(slices, objects, use.get(pool, _Use()), release, spec.default_partition_type_attribute)
        for pool, slices in sorted(_newest(objects.slices, spec.driver, spec.pool_name).items())
    ]
    shown = pools[: DEFAULT_LIMIT if spec.limit is None else spec.limit]
    faulty = sum(status.validation_error is not None for status in shown)
    text = f"Calculated status for {len(shown)} pools" + (f" ({faulty} incomplete)" if faulty else "")
    done = Condition(
        type="Complete", status="True", reason="CalculationComplete", message=text, last_transition_time=now
    )
    return ResourcePoolStatusRequestStatus(pool_count=len(pools), pools=shown, conditions=[done])


def _status(
    slices: Sequence[ResourceSlice], objects: Objects, held: _Use, release: Release, default: str | None
) -> PoolStatus:
    first = slices[0].spec
    views = release.behaviour.pool_views
    alike = all((item.spec.node_name or "") == (first.node_name or "") for item in slices)
    known = PoolStatus(
        driver=first.driver,
        pool_name=first.pool.name,
        generation=first.pool.generation,
        node_name=first.node_name or None if alike else None,
    )
    if len(slices) < first.pool.resource_slice_count:
        text = (
            f"pool {first.driver}/{first.pool.name} is incomplete: "
            f"observed {len(slices)}/{first.pool.resource_slice_count} slices at generation {first.pool.generation}"
        )
        return replace(known, validation_error=_cut(f"PoolIncomplete: {text}" if views else text))
    counted = _counted(known, slices, objects, held, release)
    return _viewed(counted, slices, held, default) if views else counted


def _newest(slices: Iterable[ResourceSlice], driver: str, name: str | None) -> dict[PoolId, list[ResourceSlice]]:
    """Return the slices of the newest generation of each pool that is asked about."""
    found: dict[PoolId, list[ResourceSlice]] = {}
    for item in slices:
        pool = item.spec.pool
        if item.spec.driver != driver or (name and pool.name != name):
            continue
        known = found.setdefault(PoolId(driver, pool.name), [])
        if known and pool.generation > known[0].spec.pool.generation:
            known.clear()
        if not known or pool.generation == known[0].spec.pool.generation:
            known.append(item)
    return found


def _use(claims: Iterable[ResourceClaim]) -> dict[PoolId, _Use]:
    found: dict[PoolId, _Use] = {}
    for claim in claims:
        for item in claim.status.allocation.devices.results if claim.status.allocation is not None else ():
            use = found.setdefault(PoolId(item.driver, item.pool), _Use())
            use.results += 1
            if not item.admin_access:
                use.devices.add(item.device)
                for name, amount in item.consumed_capacity.items():
                    use.consumed[name] = use.consumed.get(name, Quantity()) + amount
    return found


def _counted(
    known: PoolStatus, slices: Sequence[ResourceSlice], objects: Objects, held: _Use, release: Release
) -> PoolStatus:
    unavailable = 0
    allocated = held.results
    if release.behaviour.pool_views:
        allocated = len(held.devices)
        rules = objects.taint_rules if release.heeds_taint_rules else ()
        unavailable = sum(
            any(taint.effect in _HARMFUL for taint in device.taints)
            for item in with_taint_rules(slices, rules, release)
            for device in item.spec.devices
        )
    total = sum(len(item.spec.devices) for item in slices)
    return replace(
        known,
        resource_slice_count=len(slices),
        total_devices=total,
        allocated_devices=allocated,
        unavailable_devices=unavailable,
        available_devices=max(0, total - allocated - unavailable),
    )


def _viewed(known: PoolStatus, slices: Sequence[ResourceSlice], held: _Use, default: str | None) -> PoolStatus:
    """Add the views of partitions and of shares, or the first error that they meet."""
    problem = ""
    partitions: list[PartitionTypeStatus] = []
    shares: ShareableSummaryStatus | None = None
    try:
        partitions = _partitions(known, slices, held, default)
    except _ViewError as error:
        problem = str(error)
    try:
        shares = _shares(known, [device for item in slices for device in item.spec.devices], held)
    except _ViewError as error:
        problem = problem or str(error)
    return replace(
        known,
        partition_summary=[] if problem else partitions,
        shareable_summary=shares,
        validation_error=_cut(problem) if problem else None,
    )


def _partitions(
    status: PoolStatus, slices: Sequence[ResourceSlice], held: _Use, default: str | None
) -> list[PartitionTypeStatus]:
    """Group devices that draw counters by partition type, and tell how many of each type still fit."""
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
        raise _ViewError(message)
    free = {(known.name, name): counter.value.nano for known in sets for name, counter in known.counters.items()}
    for device, _ in devices:
        if device.name in held.devices:
            for key, amount in _draws(device.consumes_counters):
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
            raise _ViewError(message)
        group = groups.setdefault((attribute, kind), [])
        if group and _cost(group[0]) != _cost(device):
            message = (
                f'PartitionCostMismatch: devices of partition type "{kind}" in pool {where} consume different counters'
            )
            raise _ViewError(message)
        group.append(device)
    if len(groups) > _MAX_ENTRIES:
        message = (
            f"PartitionSummaryOverCap: pool {where} has {len(groups)} partition types, exceeding the maximum of "
            f"{_MAX_ENTRIES}"
        )
        raise _ViewError(message)
    return [
        PartitionTypeStatus(attribute=attribute, type=kind, total=len(group), allocatable=_fitting(group, free, held))
        for (attribute, kind), group in sorted(groups.items())
    ]


def _fitting(group: Sequence[Device], free: Mapping[tuple[str, str], int], held: _Use) -> int:
    """Return how many unused devices of a group the counters still allow, taken one after the other."""
    left = dict(free)
    found = 0
    for device in group:
        draws = list(_draws(device.consumes_counters))
        if device.name not in held.devices and all(left.get(key, -1) >= amount for key, amount in draws):
            found += 1
            for key, amount in draws:
                left[key] -= amount
    return found


def _draws(consumptions: Iterable[DeviceCounterConsumption]) -> Iterator[tuple[tuple[str, str], int]]:
    for drawn in consumptions:
        for name, counter in drawn.counters.items():
            yield (drawn.counter_set, name), counter.value.nano


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


def _shares(status: PoolStatus, devices: Iterable[Device], held: _Use) -> ShareableSummaryStatus | None:
    """Add up the capacities of all devices that can be shared; None where there are none."""
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
        raise _ViewError(message)
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


def _cut(text: str) -> str:
    """Return what of a text fits the field."""
    return text.encode()[:_MAX_BYTES].decode(errors="ignore")
