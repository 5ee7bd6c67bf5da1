"""Good placements under Kubernetes 1.37 with all gates: lists, derived attributes, groups, skipped operations."""

from __future__ import annotations

from typing import Final

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Counter,
    CounterSet,
    DeviceAllocationConfiguration,
    DeviceConstraint,
    DeviceDerivedAttribute,
)
from drapolicy.release import release
from drapolicy.testing import build
from drapolicy.testing.build import GPU, Placed

ALL: Final = release(
    "1.37",
    gates={
        "DRAListTypeAttributes": True,
        "DRADerivedAttributes": True,
        "DRADeviceCompatibilityGroups": True,
        "DRAOptionalNodeOperations": True,
    },
)


def specimens() -> dict[str, Placed]:
    """Return good placements by name."""
    return {"lists": _lists(), "groups": _groups()}


def _lists() -> Placed:
    """Give devices with a rail in common and ports of their own, and with the same derived half of the node."""
    devices = [
        build.device(f"gpu-{n}", numa=n, index=n, rails=["r1", f"r{2 * n}"], ports=[2 * n, 2 * n + 1]) for n in range(3)
    ]
    half = DeviceDerivedAttribute(name=f"{GPU}/numa", expression=f"device.attributes['{GPU}'].numa / 8")
    claim = build.claim(
        "c0",
        [build.exactly("gpus", "gpu", count=2, derived_attributes=[half])],
        constraints=[
            DeviceConstraint(requests=["gpus"], match_attribute=f"{GPU}/rails"),
            DeviceConstraint(requests=["gpus"], distinct_attribute=f"{GPU}/ports"),
            DeviceConstraint(requests=["gpus"], match_attribute=f"{GPU}/numa"),
        ],
    )
    result = build.allocation(
        [build.result("gpus", GPU, "here", f"gpu-{n}", skip_node_operations=["NodePrepareResources"]) for n in (0, 1)],
        config=[DeviceAllocationConfiguration(source="FromClass", opaque=build.opaque("gpu"))],
    )
    slices = (build.slice_of(GPU, "here", devices, node_name="here", skip_node_operations=["NodePrepareResources"]),)
    return build.placed(slices, [claim], [result], release=ALL)


def _groups() -> Placed:
    """Give two partitions whose groups have one in common with that of a partition which is held."""
    held = build.claim("held", [build.exactly("r", "gpu")], [build.result("r", GPU, "here", "half-0")])
    groups = (("a", "b", "c"), ("a", "b"), ("b", "c"))
    devices = [build.device(f"half-{n}", consumes_counters=[build.draws(3, *groups[n])]) for n in range(3)]
    counters = CounterSet(name="card", counters={"slices": Counter(value=Quantity("9"))})
    slices = (
        build.slice_of(GPU, "here", devices, "devices", count=2, node_name="here"),
        build.slice_of(GPU, "here", [], "counters", count=2, node_name="here", shared_counters=[counters]),
    )
    claims = [build.claim(name, [build.exactly("r", "gpu")]) for name in ("c0", "c1")]
    config = [DeviceAllocationConfiguration(source="FromClass", opaque=build.opaque("gpu"))]
    results = [build.allocation([build.result("r", GPU, "here", name)], config=config) for name in ("half-2", "half-1")]
    return build.placed(slices, claims, results, [held], release=ALL)
