"""What devices cost their node besides themselves: CPU, memory, huge pages (K8s S74, gate DRANodeAllocatableResources).

Source: Kubernetes ``plugins/dynamicresources/nodeallocatabledynamicresources.go`` of v1.36.3 and v1.37.2, and
``component-helpers/resource``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from drapolicy.api.core import Pod
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import AllocationResult, Device, ResourceClaim
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.ask import claim_key, claims_of_entries
from drapolicy.problem.pod_requests import containers_need, limit_of, pod_level_requests
from drapolicy.problem.resources import HUGE_PAGES
from drapolicy.release import Release

GATE = "DRANodeAllocatableResources"
_NANO_PER_MILLI = 10**6


class Demand(NamedTuple):
    """What the devices of a pod's claims ask of the node.

    Attributes
    ----------
    amounts
        Amount by resource name in milli units, to be added to what the containers request.
    refusal
        Why the node cannot have the pod whatever room it has; empty when it can.
    problem
        Why the attempt to schedule the pod ends; empty when it does not.
    """

    amounts: Mapping[str, int] = {}
    refusal: str = ""
    problem: str = ""


class _Cost(NamedTuple):
    """One resource that one device costs."""

    resource: str
    capacity_key: str | None
    multiplier: Quantity | None
    per_pod: Quantity | None
    per_container: Quantity | None


def demand(
    pod: Pod,
    allocations: Iterable[tuple[ResourceClaim, AllocationResult]],
    published: Mapping[DeviceId, Device],
    release: Release,
) -> Demand:
    """Return what the devices of a pod's claims ask of a node.

    Parameters
    ----------
    allocations
        All claims of the pod, each with the allocation that it has or would get.
    published
        Devices of the slices that matter for the node.
    release
        Kubernetes release with its gates; without the gate the demand is nothing.
    """
    if GATE not in release.gates:
        return Demand()
    total: dict[str, Fraction] = {}
    per_container: dict[str, dict[str, Fraction]] = {}
    users = _containers(pod)
    for claim, allocation in allocations:
        items = [
            (item, published.get(DeviceId(item.driver, item.pool, item.device))) for item in allocation.devices.results
        ]
        if not any(device is not None and has_costs(device) for _, device in items):
            continue
        key = claim_key(claim)
        using = users.get(key, [])
        found: dict[str, list[Fraction]] = {}
        for item, device in items:
            if device is None:
                where = f"claim {key}, device {item.device}, driver {item.driver}"
                missing = f"device {item.device} not found in pool {item.pool} for driver {item.driver}"
                return Demand(problem=f"{where}: {missing}")
            for cost in _costs(device):
                if cost.capacity_key:
                    if not item.consumed_capacity:
                        text = (
                            f"claim {key}, device {item.device}: ConsumedCapacity is nil, but Capacity key "
                            f"'{cost.capacity_key}' is set in {_field(release)} for resource {cost.resource}"
                        )
                        return Demand(problem=text)
                    if cost.capacity_key not in item.consumed_capacity:
                        continue
                    mapped = _units(item.consumed_capacity[cost.capacity_key]) * _units(cost.multiplier, 1)
                else:
                    mapped = _units(cost.multiplier)
                sums = found.setdefault(cost.resource, [Fraction(0), Fraction(0), Fraction(0)])
                for i, amount in enumerate((mapped, _units(cost.per_pod), _units(cost.per_container))):
                    sums[i] += amount
        if not release.behaviour.devices_have_overhead and found and not using:
            text = "node-allocatable resource claim not referenced by any container within the pod"
            return Demand(refusal=f"claim {claim.metadata.name}: {text}")
        for name, (mapped, each_pod, each_container) in found.items():
            total[name] = total.get(name, Fraction(0)) + mapped + each_pod + each_container * len(using)
            for container in set(using):
                sums_of = per_container.setdefault(container, {})
                sums_of[name] = sums_of.get(name, Fraction(0)) + mapped + each_pod + each_container
    amounts = {name: ceil(units * 1000) for name, units in sorted(total.items())}
    return Demand(amounts, _beyond_pod_level(pod, amounts, per_container, release) if amounts else "")


def mapped(allocation: AllocationResult, published: Mapping[DeviceId, Device]) -> bool:
    """Return whether some device of an allocation stands for a resource of its node.

    A claim with such a device serves one pod alone; one whose devices only have an overhead may be shared.
    """
    return any(
        cost.capacity_key or cost.multiplier is not None
        for item in allocation.devices.results
        if (device := published.get(DeviceId(item.driver, item.pool, item.device))) is not None
        for cost in _costs(device)
    )


def not_shared(claim: ResourceClaim, release: Release) -> str:
    """Return why a pod may not use a claim that another one uses, in upstream's words."""
    name = claim.metadata.name
    if release.behaviour.devices_have_overhead:
        return f"node allocatable resource claim {name} has a mapped device and cannot be shared across pods"
    return f"node allocatable resource claim {name} is already used by another pod"


def of_bound(pod: Pod, release: Release) -> Mapping[str, int]:
    """Return what a bound pod's status says of its devices' costs; milli units by resource name."""
    total: dict[str, Fraction] = {}
    if GATE not in release.gates:
        return {}
    for claim in pod.status.node_allocatable_resource_claim_statuses:
        entries = [
            *claim.resources.items(),
            *((entry.name, entry.quantity) for entry in claim.mapping),
            *((entry.name, entry.per_pod) for entry in claim.overhead),
            *((entry.name, entry.per_container) for entry in claim.overhead for _ in claim.containers),
        ]
        for name, amount in entries:
            total[name] = total.get(name, Fraction(0)) + _units(amount)
    return {name: ceil(units * 1000) for name, units in sorted(total.items())}


def has_costs(device: Device) -> bool:
    """Tell whether a device takes something of its node besides itself."""
    return bool(device.node_allocatable_resources or device.node_allocatable_resource_mappings)


def _costs(device: Device) -> Iterator[_Cost]:
    """Yield a device's costs as 1.37 writes them and as 1.36 did."""
    for name, entry in device.node_allocatable_resources.items():
        via, over = entry.mapping, entry.overhead
        per_pod = None if over is None else over.per_pod
        per_container = None if over is None else over.per_container
        key = None if via is None else via.capacity_key
        multiplier = None if via is None else via.capacity_multiplier if key else via.device_multiplier
        yield _Cost(name, key, multiplier, per_pod, per_container)
    for name, before in device.node_allocatable_resource_mappings.items():
        yield _Cost(name, before.capacity_key, before.allocation_multiplier, None, None)


def _units(amount: Quantity | None, default: int = 0) -> Fraction:
    return Fraction(default) if amount is None else Fraction(amount.nano, 10**9)


def _field(release: Release) -> str:
    return "NodeAllocatableResources" if release.behaviour.devices_have_overhead else "NodeAllocatableResourceMappings"


def _containers(pod: Pod) -> dict[str, list[str]]:
    """Return the names of the containers that use each claim, by the claim's key, as often as they name it."""
    keys = claims_of_entries(pod)
    using: dict[str, list[str]] = {}
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        for use in container.resources.claims:
            if use.name in keys:
                using.setdefault(keys[use.name], []).append(container.name)
    return using


def _beyond_pod_level(
    pod: Pod, amounts: Mapping[str, int], per_container: Mapping[str, Mapping[str, Fraction]], release: Release
) -> str:
    """Return which request or limit at pod level is too small for containers and devices together, or nothing."""
    resources = pod.spec.resources
    if resources is None:
        return ""
    summed = containers_need(pod, amounts)
    for name, given in pod_level_requests(pod).items():
        if summed.get(name, 0) > given:
            return (
                f"pod level request for {name} is insufficient to cover the aggregated container and "
                "node-allocatable DRA requests"
            )
    if not release.behaviour.devices_have_overhead:
        return ""
    limits = containers_need(pod, amounts, of=limit_of)
    for name, limit in resources.limits.items():
        if name.startswith(HUGE_PAGES) and limits.get(name, 0) > limit.milli_value():
            return (
                f"pod level limit for {name} is insufficient to cover the aggregated container and "
                "node-allocatable DRA limits"
            )
    for container in pod.spec.containers:
        for name, limit in container.resources.limits.items():
            given_limit = resources.limits.get(name)
            if given_limit is None or name.startswith(HUGE_PAGES):
                continue
            if _units(limit) + per_container.get(container.name, {}).get(name, 0) > _units(given_limit):
                return (
                    f"pod level limit for {name} is insufficient to cover the limit and DRA overhead "
                    f"for container {container.name}"
                )
    return ""
