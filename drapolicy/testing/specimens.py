"""Small good placements, one per corner of the rules; mutations break them, policies can be tried on their problems."""

from __future__ import annotations

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    CapacityRequirements,
    Counter,
    CounterSet,
    DeviceAllocationConfiguration,
    DeviceAllocationResult,
    DeviceCapacity,
    DeviceClaimConfiguration,
    DeviceConstraint,
    DeviceRequest,
    DeviceSubRequest,
    DeviceTaint,
    DeviceToleration,
)
from drapolicy.testing import build
from drapolicy.testing import specimens_alpha as alpha
from drapolicy.testing import specimens_past as past
from drapolicy.testing.build import GPU, NIC, Placed

__all__ = ["GPU", "NIC", "Placed", "specimens"]

_ZONE = NodeSelectorRequirement(key="zone", operator="In", values=["a"])
_RACK = NodeSelectorRequirement(key="rack", operator="Gt", values=["3"])


def specimens() -> dict[str, Placed]:
    """Return good placements by name."""
    return {
        "plain": _plain(),
        "partitions": _partitions(),
        "shares": _shares(),
        "network": _network(),
        "alternatives": _alternatives(),
        **alpha.specimens(),
        **past.specimens(),
    }


def _plain() -> Placed:
    """Give matching and distinct devices of a pool in two slices, a tolerated taint, both kinds of configuration."""
    devices = [build.device(f"gpu-{n}", numa=n // 2, index=n) for n in range(4)]
    devices[1] = build.device("gpu-1", numa=0, index=1, taints=[DeviceTaint(key="hot", effect="NoSchedule")])
    slices = (
        build.slice_of(GPU, "here", devices[:2], "a", count=2, node_name="here"),
        build.slice_of(GPU, "here", devices[2:], "b", count=2, node_name="here"),
        build.slice_of(NIC, "here", [build.device("nic-0"), build.device("nic-1")], node_name="here"),
    )
    tolerations = [DeviceToleration(key="hot", operator="Exists")]
    claim = build.claim(
        "c0",
        [build.exactly("gpus", "gpu", count=2, tolerations=tolerations), build.exactly("nic", "nic")],
        constraints=[
            DeviceConstraint(requests=["gpus"], match_attribute=f"{GPU}/numa"),
            DeviceConstraint(requests=["gpus"], distinct_attribute=f"{GPU}/index"),
        ],
        config=[DeviceClaimConfiguration(requests=["nic"], opaque=build.opaque("claim"))],
    )
    result = build.allocation(
        [
            build.result("gpus", GPU, "here", "gpu-1", tolerations=tolerations),
            build.result("gpus", GPU, "here", "gpu-0", tolerations=tolerations),
            build.result("nic", NIC, "here", "nic-1"),
        ],
        config=[
            DeviceAllocationConfiguration(source="FromClass", requests=["gpus"], opaque=build.opaque("gpu")),
            DeviceAllocationConfiguration(source="FromClass", requests=["nic"], opaque=build.opaque("nic")),
            DeviceAllocationConfiguration(source="FromClaim", requests=["nic"], opaque=build.opaque("claim")),
        ],
    )
    return build.placed(slices, [claim], [result])


def _partitions() -> Placed:
    """Give two partitions beside one that is held; binding conditions; capacity of whole devices."""
    held = build.claim("held", [build.exactly("r", "gpu")], [build.result("r", GPU, "here", "half-0")])
    devices = [
        build.device(
            f"half-{n}",
            capacity={"memory": DeviceCapacity(value=Quantity("40Gi"))},
            consumes_counters=[build.draws(3)],
            binding_conditions=["ready"],
            binding_failure_conditions=["failed"],
        )
        for n in range(3)
    ]
    counters = CounterSet(name="card", counters={"slices": Counter(value=Quantity("9"))})
    slices = (
        build.slice_of(GPU, "here", devices, "devices", count=2, node_name="here"),
        build.slice_of(GPU, "here", [], "counters", count=2, node_name="here", shared_counters=[counters]),
    )
    claims = [
        build.claim(
            name, [build.exactly("r", "gpu", capacity=CapacityRequirements(requests={"memory": Quantity("40Gi")}))]
        )
        for name in ("c0", "c1")
    ]
    results = [
        build.allocation(
            [build.result("r", GPU, "here", name, binding_conditions=["ready"], binding_failure_conditions=["failed"])],
            config=[DeviceAllocationConfiguration(source="FromClass", opaque=build.opaque("gpu"))],
        )
        for name in ("half-2", "half-1")
    ]
    return build.placed(slices, claims, results, [held])


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
        build.device(
            f"big-{n}",
            capacity={
                "memory": DeviceCapacity(value=Quantity("80Gi"), request_policy=policy),
                "cores": DeviceCapacity(value=Quantity("4"), request_policy=fine),
            },
            consumes_counters=[build.draws(5)],
            allow_multiple_allocations=True,
        )
        for n in range(2)
    ]
    counters = CounterSet(name="card", counters={"slices": Counter(value=Quantity("10"))})
    slices = (
        build.slice_of(GPU, "here", devices, "devices", count=2, node_name="here"),
        build.slice_of(GPU, "here", [], "counters", count=2, node_name="here", shared_counters=[counters]),
    )
    amounts = {"memory": Quantity("10Gi"), "cores": Quantity("500m")}
    held = build.claim("held", [build.exactly("r", "gpu")], [build.share("r", "big-0", 1, amounts)])
    wanted = CapacityRequirements(requests={"memory": Quantity("11Gi"), "cores": Quantity("600m")})
    claims = [
        build.claim("c0", [build.exactly("r", "gpu", count=2, capacity=wanted)]),
        build.claim("c1", [build.exactly("r", "gpu")]),
    ]
    config = [DeviceAllocationConfiguration(source="FromClass", opaque=build.opaque("gpu"))]
    # 11Gi is raised to 10Gi + 1 * 5Gi, 600m to the next valid value.
    rounded = {"memory": Quantity("15Gi"), "cores": Quantity("1")}
    results = [
        build.allocation([build.share("r", "big-1", 2, rounded), build.share("r", "big-0", 3, rounded)], config=config),
        build.allocation([build.share("r", "big-0", 4, amounts)], config=config),
    ]
    return build.placed(slices, claims, results, [held])


def _network() -> Placed:
    """Give devices that several nodes reach: by zone, everywhere, and by device in a pool seen in parts."""
    by_zone = NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[_ZONE])])
    by_rack = NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[_ZONE, _RACK])])
    slices = (
        build.slice_of(GPU, "zone", [build.device("zone-0")], node_selector=by_zone),
        build.slice_of(NIC, "all", [build.device("all-0")], all_nodes=True),
        build.slice_of(
            NIC,
            "spread",
            [build.device("rack-0", node_selector=by_rack), build.device("away-0", node_name="away")],
            "a",
            count=2,
            per_device_node_selection=True,
        ),
        build.slice_of(NIC, "spread", [build.device("away-1")], "b", count=2, node_name="away"),
    )
    claim = build.claim("c0", [build.exactly("gpu", "gpu"), build.exactly("nics", "nic", count=2)])
    result = AllocationResult(
        devices=DeviceAllocationResult(
            results=[
                build.result("gpu", GPU, "zone", "zone-0"),
                build.result("nics", NIC, "all", "all-0"),
                build.result("nics", NIC, "spread", "rack-0"),
            ],
            config=[
                DeviceAllocationConfiguration(source="FromClass", requests=["gpu"], opaque=build.opaque("gpu")),
                DeviceAllocationConfiguration(source="FromClass", requests=["nics"], opaque=build.opaque("nic")),
            ],
        ),
        node_selector=NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[_ZONE, _RACK])]),
    )
    return build.placed(slices, [claim], [result])


def _alternatives() -> Placed:
    """Give the second alternative, all devices of a class, and admin access to a device that another claim holds."""
    held = build.claim("held", [build.exactly("r", "gpu")], [build.result("r", GPU, "here", "gpu-2")])
    slices = (
        build.slice_of(GPU, "here", [build.device(f"gpu-{n}") for n in range(3)], node_name="here"),
        build.slice_of(NIC, "here", [build.device("nic-0"), build.device("nic-1")], node_name="here"),
    )
    one_of = DeviceRequest(
        name="one",
        first_available=[
            DeviceSubRequest(name="many", device_class_name="gpu", allocation_mode="ExactCount", count=3),
            DeviceSubRequest(name="few", device_class_name="gpu", allocation_mode="ExactCount", count=2),
        ],
    )
    claims = [
        build.claim("c0", [one_of, build.exactly("every", "nic", mode="All")]),
        build.claim("c1", [build.exactly("watch", "gpu", admin_access=True)]),
    ]
    results = [
        build.allocation(
            [
                build.result("one/few", GPU, "here", "gpu-0"),
                build.result("one/few", GPU, "here", "gpu-1"),
                build.result("every", NIC, "here", "nic-0"),
                build.result("every", NIC, "here", "nic-1"),
            ],
            config=[
                DeviceAllocationConfiguration(source="FromClass", requests=["one/few"], opaque=build.opaque("gpu")),
                DeviceAllocationConfiguration(source="FromClass", requests=["every"], opaque=build.opaque("nic")),
            ],
        ),
        build.allocation(
            [build.result("watch", GPU, "here", "gpu-2", admin_access=True)],
            config=[DeviceAllocationConfiguration(source="FromClass", opaque=build.opaque("gpu"))],
        ),
    ]
    return build.placed(slices, claims, results, [held])
