"""Parts of small placements, so that a specimen says only what is special about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drapolicy.api.core import Namespace, Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    CELDeviceSelector,
    Counter,
    Device,
    DeviceAllocationConfiguration,
    DeviceAllocationResult,
    DeviceAttribute,
    DeviceClaim,
    DeviceClass,
    DeviceClassConfiguration,
    DeviceClassSpec,
    DeviceCounterConsumption,
    DeviceRequest,
    DeviceRequestAllocationResult,
    DeviceSelector,
    ExactDeviceRequest,
    OpaqueDeviceConfiguration,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimStatus,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.release import Release
from drapolicy.release import release as kubernetes

GPU, NIC = "gpu.example.com", "nic.example.com"
_HERE = NodeSelector(
    node_selector_terms=[
        NodeSelectorTerm(match_fields=[NodeSelectorRequirement(key="metadata.name", operator="In", values=["here"])])
    ]
)


@dataclass(frozen=True)
class Placed:
    """A problem of one pod on one node, and an answer.

    Attributes
    ----------
    objects, node, claims, results, existing, release
        As :func:`drapolicy.verify.verify` takes them.
    """

    objects: Objects
    node: Node
    claims: tuple[ResourceClaim, ...]
    results: tuple[AllocationResult, ...]
    existing: tuple[ResourceClaim, ...] = ()
    release: Release = field(default_factory=kubernetes)


def placed(
    slices: tuple[ResourceSlice, ...],
    claims: list[ResourceClaim],
    results: list[AllocationResult],
    existing: list[ResourceClaim] | None = None,
    release: Release | None = None,
) -> Placed:
    """Return a placement on the node ``here`` of a cluster with two classes and one namespace."""
    node = Node(
        metadata=ObjectMeta(name="here", labels={"zone": "a", "rack": "12"}),
        status=NodeStatus(declared_features=["DRAOptionalNodeOperations"]),
    )
    classes = tuple(
        DeviceClass(
            metadata=ObjectMeta(name=name),
            spec=DeviceClassSpec(
                selectors=[DeviceSelector(cel=CELDeviceSelector(expression=f'device.driver == "{driver}"'))],
                config=[DeviceClassConfiguration(opaque=opaque(name))],
            ),
        )
        for name, driver in (("gpu", GPU), ("nic", NIC))
    )
    allows = {"resource.kubernetes.io/admin-access": "true"}
    held = tuple(existing or ())
    objects = Objects(
        nodes=(node,),
        slices=slices,
        classes=classes,
        namespaces=(Namespace(metadata=ObjectMeta(name="team", labels=allows)),),
        claims=(*held, *claims),
    )
    return Placed(objects, node, tuple(claims), tuple(results), held, release or kubernetes())


def device(
    name: str,
    *,
    numa: int | None = None,
    index: int | None = None,
    rails: list[str] | None = None,
    ports: list[int] | None = None,
    **others: Any,
) -> Device:
    """Return a device with those of the attributes that are given."""
    given = {
        "numa": DeviceAttribute(int_value=numa),
        "index": DeviceAttribute(int_value=index),
        "rails": DeviceAttribute(string_values=rails or []),
        "ports": DeviceAttribute(int_values=ports or []),
    }
    attributes = {key: value for key, value in given.items() if value != DeviceAttribute()}
    return Device(name=name, attributes=attributes, **others)


def slice_of(
    driver: str, pool: str, devices: list[Device], suffix: str = "a", *, count: int = 1, **reach: Any
) -> ResourceSlice:
    """Return one of the slices of a pool."""
    of_pool = ResourcePool(name=pool, generation=1, resource_slice_count=count)
    return ResourceSlice(
        metadata=ObjectMeta(name=f"{driver}-{pool}-{suffix}"),
        spec=ResourceSliceSpec(driver=driver, pool=of_pool, devices=devices, **reach),
    )


def exactly(name: str, of_class: str, *, mode: str = "ExactCount", count: int = 1, **others: Any) -> DeviceRequest:
    """Return a request without alternatives."""
    count = 0 if mode == "All" else count
    asked = ExactDeviceRequest(device_class_name=of_class, allocation_mode=mode, count=count, **others)
    return DeviceRequest(name=name, exactly=asked)


def claim(
    name: str,
    requests: list[DeviceRequest],
    holds: list[DeviceRequestAllocationResult] | None = None,
    **others: Any,
) -> ResourceClaim:
    """Return a claim of the namespace ``team``, allocated if it holds something."""
    return ResourceClaim(
        metadata=ObjectMeta(name=name, namespace="team"),
        spec=ResourceClaimSpec(devices=DeviceClaim(requests=requests, **others)),
        status=ResourceClaimStatus(allocation=allocation(holds) if holds else None),
    )


def result(request: str, driver: str, pool: str, device: str, **others: Any) -> DeviceRequestAllocationResult:
    """Return one result."""
    return DeviceRequestAllocationResult(request=request, driver=driver, pool=pool, device=device, **others)


def share(request: str, device: str, number: int, amounts: dict[str, Quantity]) -> DeviceRequestAllocationResult:
    """Return one result that is a share."""
    share_id = f"00000000-0000-4000-8000-{number:012}"
    return result(request, GPU, "here", device, share_id=share_id, consumed_capacity=amounts)


def allocation(
    results: list[DeviceRequestAllocationResult], config: list[DeviceAllocationConfiguration] | None = None
) -> AllocationResult:
    """Return results that are bound to the node ``here``."""
    return AllocationResult(devices=DeviceAllocationResult(results=results, config=config or []), node_selector=_HERE)


def draws(slices: int, *groups: str) -> DeviceCounterConsumption:
    """Return what a device draws from the counter card/slices."""
    counters = {"slices": Counter(value=Quantity(slices))}
    return DeviceCounterConsumption(counter_set="card", counters=counters, compatibility_groups=list(groups))


def opaque(name: str) -> OpaqueDeviceConfiguration:
    """Return parameters of a driver."""
    return OpaqueDeviceConfiguration(driver=GPU, parameters={"of": name})
