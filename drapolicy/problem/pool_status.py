"""What Kubernetes answers to a ResourcePoolStatusRequest: the devices of pools, counted (K8s S15).

Source: Kubernetes ``pkg/controller/resourcepoolstatusrequest`` of v1.36.3 and v1.37.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from drapolicy.api import Objects
from drapolicy.api.meta import Condition
from drapolicy.api.pool_status import (
    PartitionTypeStatus,
    PoolStatus,
    ResourcePoolStatusRequest,
    ResourcePoolStatusRequestStatus,
    ShareableSummaryStatus,
)
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import ResourceClaim, ResourceSlice
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import PoolId
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.problem.pool_views import Use, ViewError, partitions, shares
from drapolicy.release import Release

GATE = "DRAResourcePoolStatus"
DEFAULT_LIMIT = 100
_MAX_BYTES = 256
_HARMFUL = frozenset({"NoSchedule", "NoExecute"})


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
        _status(slices, objects, use.get(pool, Use()), release, spec.default_partition_type_attribute)
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
    slices: Sequence[ResourceSlice], objects: Objects, held: Use, release: Release, default: str | None
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


def _use(claims: Iterable[ResourceClaim]) -> dict[PoolId, Use]:
    found: dict[PoolId, Use] = {}
    for claim in claims:
        for item in claim.status.allocation.devices.results if claim.status.allocation is not None else ():
            use = found.setdefault(PoolId(item.driver, item.pool), Use())
            use.results += 1
            if not item.admin_access:
                use.devices.add(item.device)
                for name, amount in item.consumed_capacity.items():
                    use.consumed[name] = use.consumed.get(name, Quantity()) + amount
    return found


def _counted(
    known: PoolStatus, slices: Sequence[ResourceSlice], objects: Objects, held: Use, release: Release
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


def _viewed(known: PoolStatus, slices: Sequence[ResourceSlice], held: Use, default: str | None) -> PoolStatus:
    """Add the views of partitions and of shares, or the first error that they meet."""
    problem = ""
    by_type: list[PartitionTypeStatus] = []
    summary: ShareableSummaryStatus | None = None
    try:
        by_type = partitions(known, slices, held, default)
    except ViewError as error:
        problem = str(error)
    try:
        summary = shares(known, [device for item in slices for device in item.spec.devices], held)
    except ViewError as error:
        problem = problem or str(error)
    return replace(
        known,
        partition_summary=[] if problem else by_type,
        shareable_summary=summary,
        validation_error=_cut(problem) if problem else None,
    )


def _cut(text: str) -> str:
    """Return what of a text fits the field."""
    return text.encode()[:_MAX_BYTES].decode(errors="ignore")
