"""Small good placements, one per corner of the rules; mutations break them, policies can be tried on their problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drapolicy.api.core import Namespace, Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    CapacityRequirements,
    CELDeviceSelector,
    Counter,
    CounterSet,
    Device,
    DeviceAllocationConfiguration,
    DeviceAllocationResult,
    DeviceAttribute,
    DeviceCapacity,
    DeviceClaim,
    DeviceClaimConfiguration,
    DeviceClass,
    DeviceClassConfiguration,
    DeviceClassSpec,
    DeviceConstraint,
    DeviceCounterConsumption,
    DeviceRequest,
    DeviceRequestAllocationResult,
    DeviceSelector,
    DeviceSubRequest,
    DeviceTaint,
    DeviceToleration,
    ExactDeviceRequest,
    OpaqueDeviceConfiguration,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimStatus,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)

GPU, NIC = "gpu.example.com", "nic.example.com"
_HERE = NodeSelector(
    node_selector_terms=[
        NodeSelectorTerm(match_fields=[NodeSelectorRequirement(key="metadata.name", operator="In", values=["here"])])
    ]
)
_ZONE = NodeSelectorRequirement(key="zone", operator="In", values=["a"])
_RACK = NodeSelectorRequirement(key="rack", operator="Gt", values=["3"])


@dataclass(frozen=True)
class Placed:
    """A problem of one pod on one node, and an answer.

    Attributes
    ----------
    objects, node, claims, results, existing
        As :func:`drapolicy.verify.verify` takes them.
    """

    objects: Objects
    node: Node
    claims: tuple[ResourceClaim, ...]
    results: tuple[AllocationResult, ...]
    existing: tuple[ResourceClaim, ...] = ()


def specimens() -> dict[str, Placed]:
    """Return good placements by name."""
    return {
        "plain": _plain(),
        "partitions": _partitions(),
        "shares": _shares(),
        "network": _network(),
        "alternatives": _alternatives(),
    }


def _plain() -> Placed:
    """Give matching and distinct devices of a pool in two slices, a tolerated taint, both kinds of configuration."""
    devices = [_device(f"gpu-{n}", numa=n // 2, index=n) for n in range(4)]
    devices[1] = _device("gpu-1", numa=0, index=1, taints=[DeviceTaint(key="hot", effect="NoSchedule")])
    slices = (
        _slice(GPU, "here", devices[:2], "a", count=2, node_name="here"),
        _slice(GPU, "here", devices[2:], "b", count=2, node_name="here"),
        _slice(NIC, "here", [_device("nic-0"), _device("nic-1")], node_name="here"),
    )
    tolerations = [DeviceToleration(key="hot", operator="Exists")]
    claim = _claim(
        "c0",
        [_exactly("gpus", "gpu", count=2, tolerations=tolerations), _exactly("nic", "nic")],
        constraints=[
            DeviceConstraint(requests=["gpus"], match_attribute=f"{GPU}/numa"),
            DeviceConstraint(requests=["gpus"], distinct_attribute=f"{GPU}/index"),
        ],
        config=[DeviceClaimConfiguration(requests=["nic"], opaque=_opaque("claim"))],
    )
    result = _allocation(
        [
            _result("gpus", GPU, "here", "gpu-1", tolerations=tolerations),
            _result("gpus", GPU, "here", "gpu-0", tolerations=tolerations),
            _result("nic", NIC, "here", "nic-1"),
        ],
        config=[
            DeviceAllocationConfiguration(source="FromClass", requests=["gpus"], opaque=_opaque("gpu")),
            DeviceAllocationConfiguration(source="FromClass", requests=["nic"], opaque=_opaque("nic")),
            DeviceAllocationConfiguration(source="FromClaim", requests=["nic"], opaque=_opaque("claim")),
        ],
    )
    return _placed(slices, [claim], [result])


def _partitions() -> Placed:
    """Give two partitions beside one that is held; binding conditions; capacity of whole devices."""
    held = _claim("held", [_exactly("r", "gpu")], [_result("r", GPU, "here", "half-0")])
    devices = [
        _device(
            f"half-{n}",
            capacity={"memory": DeviceCapacity(value=Quantity("40Gi"))},
            consumes_counters=[_draws(3)],
            binding_conditions=["ready"],
            binding_failure_conditions=["failed"],
        )
        for n in range(3)
    ]
    counters = CounterSet(name="card", counters={"slices": Counter(value=Quantity("9"))})
    slices = (
        _slice(GPU, "here", devices, "devices", count=2, node_name="here"),
        _slice(GPU, "here", [], "counters", count=2, node_name="here", shared_counters=[counters]),
    )
    claims = [
        _claim(name, [_exactly("r", "gpu", capacity=CapacityRequirements(requests={"memory": Quantity("40Gi")}))])
        for name in ("c0", "c1")
    ]
    results = [
        _allocation(
            [_result("r", GPU, "here", name, binding_conditions=["ready"], binding_failure_conditions=["failed"])],
            config=[DeviceAllocationConfiguration(source="FromClass", opaque=_opaque("gpu"))],
        )
        for name in ("half-2", "half-1")
    ]
    return _placed(slices, claims, results, [held])


def _shares() -> Placed:
    """Give shares of a device, one of them held already; amounts rounded by policies; counters charged once."""
    policy = CapacityRequestPolicy(
        default=Quantity("10Gi"),
        valid_range=CapacityRequestPolicyRange(min=Quantity("10Gi"), max=Quantity("50Gi"), step=Quantity("5Gi")),
    )
    fine = CapacityRequestPolicy(
        default=Quantity("500m"), valid_values=[Quantity("500m"), Quantity("1"), Quantity("2")]
    )
    devices = [
        _device(
            f"big-{n}",
            capacity={
                "memory": DeviceCapacity(value=Quantity("80Gi"), request_policy=policy),
                "cores": DeviceCapacity(value=Quantity("4"), request_policy=fine),
            },
            consumes_counters=[_draws(5)],
            allow_multiple_allocations=True,
        )
        for n in range(2)
    ]
    counters = CounterSet(name="card", counters={"slices": Counter(value=Quantity("10"))})
    slices = (
        _slice(GPU, "here", devices, "devices", count=2, node_name="here"),
        _slice(GPU, "here", [], "counters", count=2, node_name="here", shared_counters=[counters]),
    )
    amounts = {"memory": Quantity("10Gi"), "cores": Quantity("500m")}
    held = _claim("held", [_exactly("r", "gpu")], [_share("r", "big-0", 1, amounts)])
    wanted = CapacityRequirements(requests={"memory": Quantity("11Gi"), "cores": Quantity("600m")})
    claims = [
        _claim("c0", [_exactly("r", "gpu", count=2, capacity=wanted)]),
        _claim("c1", [_exactly("r", "gpu")]),
    ]
    config = [DeviceAllocationConfiguration(source="FromClass", opaque=_opaque("gpu"))]
    # 11Gi is raised to 10Gi + 1 * 5Gi, 600m to the next valid value.
    rounded = {"memory": Quantity("15Gi"), "cores": Quantity("1")}
    results = [
        _allocation([_share("r", "big-1", 2, rounded), _share("r", "big-0", 3, rounded)], config=config),
        _allocation([_share("r", "big-0", 4, amounts)], config=config),
    ]
    return _placed(slices, claims, results, [held])


def _network() -> Placed:
    """Give devices that several nodes reach: by zone, everywhere, and by device in a pool seen in parts."""
    by_zone = NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[_ZONE])])
    by_rack = NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[_ZONE, _RACK])])
    slices = (
        _slice(GPU, "zone", [_device("zone-0")], node_selector=by_zone),
        _slice(NIC, "all", [_device("all-0")], all_nodes=True),
        _slice(
            NIC,
            "spread",
            [_device("rack-0", node_selector=by_rack), _device("away-0", node_name="away")],
            "a",
            count=2,
            per_device_node_selection=True,
        ),
        _slice(NIC, "spread", [_device("away-1")], "b", count=2, node_name="away"),
    )
    claim = _claim("c0", [_exactly("gpu", "gpu"), _exactly("nics", "nic", count=2)])
    result = AllocationResult(
        devices=DeviceAllocationResult(
            results=[
                _result("gpu", GPU, "zone", "zone-0"),
                _result("nics", NIC, "all", "all-0"),
                _result("nics", NIC, "spread", "rack-0"),
            ],
            config=[
                DeviceAllocationConfiguration(source="FromClass", requests=["gpu"], opaque=_opaque("gpu")),
                DeviceAllocationConfiguration(source="FromClass", requests=["nics"], opaque=_opaque("nic")),
            ],
        ),
        node_selector=NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[_ZONE, _RACK])]),
    )
    return _placed(slices, [claim], [result])


def _alternatives() -> Placed:
    """Give the second alternative, all devices of a class, and admin access to a device that another claim holds."""
    held = _claim("held", [_exactly("r", "gpu")], [_result("r", GPU, "here", "gpu-2")])
    slices = (
        _slice(GPU, "here", [_device(f"gpu-{n}") for n in range(3)], node_name="here"),
        _slice(NIC, "here", [_device("nic-0"), _device("nic-1")], node_name="here"),
    )
    one_of = DeviceRequest(
        name="one",
        first_available=[
            DeviceSubRequest(name="many", device_class_name="gpu", allocation_mode="ExactCount", count=3),
            DeviceSubRequest(name="few", device_class_name="gpu", allocation_mode="ExactCount", count=2),
        ],
    )
    claims = [
        _claim("c0", [one_of, _exactly("every", "nic", mode="All")]),
        _claim("c1", [_exactly("watch", "gpu", admin_access=True)]),
    ]
    results = [
        _allocation(
            [
                _result("one/few", GPU, "here", "gpu-0"),
                _result("one/few", GPU, "here", "gpu-1"),
                _result("every", NIC, "here", "nic-0"),
                _result("every", NIC, "here", "nic-1"),
            ],
            config=[
                DeviceAllocationConfiguration(source="FromClass", requests=["one/few"], opaque=_opaque("gpu")),
                DeviceAllocationConfiguration(source="FromClass", requests=["every"], opaque=_opaque("nic")),
            ],
        ),
        _allocation(
            [_result("watch", GPU, "here", "gpu-2", admin_access=True)],
            config=[DeviceAllocationConfiguration(source="FromClass", opaque=_opaque("gpu"))],
        ),
    ]
    return _placed(slices, claims, results, [held])


def _placed(
    slices: tuple[ResourceSlice, ...],
    claims: list[ResourceClaim],
    results: list[AllocationResult],
    existing: list[ResourceClaim] | None = None,
) -> Placed:
    node = Node(metadata=ObjectMeta(name="here", labels={"zone": "a", "rack": "12"}))
    classes = tuple(
        DeviceClass(
            metadata=ObjectMeta(name=name),
            spec=DeviceClassSpec(
                selectors=[DeviceSelector(cel=CELDeviceSelector(expression=f'device.driver == "{driver}"'))],
                config=[DeviceClassConfiguration(opaque=_opaque(name))],
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
    return Placed(objects, node, tuple(claims), tuple(results), held)


def _device(name: str, *, numa: int | None = None, index: int | None = None, **others: Any) -> Device:
    given = {"numa": numa, "index": index}
    attributes = {key: DeviceAttribute(int_value=value) for key, value in given.items() if value is not None}
    return Device(name=name, attributes=attributes, **others)


def _slice(
    driver: str, pool: str, devices: list[Device], suffix: str = "a", *, count: int = 1, **reach: Any
) -> ResourceSlice:
    of_pool = ResourcePool(name=pool, generation=1, resource_slice_count=count)
    return ResourceSlice(
        metadata=ObjectMeta(name=f"{driver}-{pool}-{suffix}"),
        spec=ResourceSliceSpec(driver=driver, pool=of_pool, devices=devices, **reach),
    )


def _exactly(name: str, of_class: str, *, mode: str = "ExactCount", count: int = 1, **others: Any) -> DeviceRequest:
    count = 0 if mode == "All" else count
    exactly = ExactDeviceRequest(device_class_name=of_class, allocation_mode=mode, count=count, **others)
    return DeviceRequest(name=name, exactly=exactly)


def _claim(
    name: str,
    requests: list[DeviceRequest],
    holds: list[DeviceRequestAllocationResult] | None = None,
    **others: Any,
) -> ResourceClaim:
    allocation = _allocation(holds) if holds else None
    return ResourceClaim(
        metadata=ObjectMeta(name=name, namespace="team"),
        spec=ResourceClaimSpec(devices=DeviceClaim(requests=requests, **others)),
        status=ResourceClaimStatus(allocation=allocation),
    )


def _result(request: str, driver: str, pool: str, device: str, **others: Any) -> DeviceRequestAllocationResult:
    return DeviceRequestAllocationResult(request=request, driver=driver, pool=pool, device=device, **others)


def _share(request: str, device: str, number: int, amounts: dict[str, Quantity]) -> DeviceRequestAllocationResult:
    share = f"00000000-0000-4000-8000-{number:012}"
    return _result(request, GPU, "here", device, share_id=share, consumed_capacity=amounts)


def _allocation(
    results: list[DeviceRequestAllocationResult], config: list[DeviceAllocationConfiguration] | None = None
) -> AllocationResult:
    return AllocationResult(devices=DeviceAllocationResult(results=results, config=config or []), node_selector=_HERE)


def _draws(slices: int) -> DeviceCounterConsumption:
    return DeviceCounterConsumption(counter_set="card", counters={"slices": Counter(value=Quantity(slices))})


def _opaque(name: str) -> OpaqueDeviceConfiguration:
    return OpaqueDeviceConfiguration(driver=GPU, parameters={"of": name})
