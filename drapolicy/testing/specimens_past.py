"""Good placements under earlier releases, each of what only that release gives."""

from __future__ import annotations

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequirements,
    Counter,
    CounterSet,
    DeviceAllocationConfiguration,
    DeviceCapacity,
    DeviceClaimConfiguration,
    DeviceTaint,
    DeviceToleration,
)
from drapolicy.release import release
from drapolicy.testing import build
from drapolicy.testing.build import GPU, NIC, Placed


def specimens() -> dict[str, Placed]:
    """Return good placements by name."""
    return {"configured in 1.36": _configured(), "all that is left in 1.36": _left(), "own counters in 1.34": _own()}


def _configured() -> Placed:
    """List configuration with its requests, and once for each request that it names."""
    slices = (
        build.slice_of(GPU, "here", [build.device("gpu-0")], node_name="here"),
        build.slice_of(NIC, "here", [build.device("nic-0")], node_name="here"),
    )
    both = DeviceClaimConfiguration(requests=["gpu", "nic"], opaque=build.opaque("claim"))
    claim = build.claim("c0", [build.exactly("gpu", "gpu"), build.exactly("nic", "nic")], config=[both])
    of_claim = DeviceAllocationConfiguration(source="FromClaim", requests=["gpu", "nic"], opaque=build.opaque("claim"))
    result = build.allocation(
        [build.result("gpu", GPU, "here", "gpu-0"), build.result("nic", NIC, "here", "nic-0")],
        config=[
            DeviceAllocationConfiguration(source="FromClass", requests=["gpu"], opaque=build.opaque("gpu")),
            DeviceAllocationConfiguration(source="FromClass", requests=["nic"], opaque=build.opaque("nic")),
            of_claim,
            of_claim,
        ],
    )
    return build.placed(slices, [claim], [result], release=release("1.36"))


def _left() -> Placed:
    """Give all devices that have enough left; the one that is shared out does not count."""
    devices = [
        build.device(
            f"big-{n}", capacity={"memory": DeviceCapacity(value=Quantity("8Gi"))}, allow_multiple_allocations=True
        )
        for n in range(2)
    ]
    held = build.claim("held", [build.exactly("r", "gpu")], [build.share("r", "big-0", 1, {"memory": Quantity("6Gi")})])
    wanted = CapacityRequirements(requests={"memory": Quantity("4Gi")})
    claim = build.claim("c0", [build.exactly("r", "gpu", mode="All", capacity=wanted)])
    result = build.allocation(
        [build.share("r", "big-1", 2, {"memory": Quantity("4Gi")})],
        config=[DeviceAllocationConfiguration(source="FromClass", requests=["r"], opaque=build.opaque("gpu"))],
    )
    slices = (build.slice_of(GPU, "here", devices, node_name="here"),)
    return build.placed(slices, [claim], [result], [held], release("1.36"))


def _own() -> Placed:
    """Give tainted partitions of an incomplete pool, whose counters stand beside the devices that draw from them."""
    held = build.claim("held", [build.exactly("r", "gpu")], [build.result("r", GPU, "here", "half-0")])
    taint = DeviceTaint(key="hot", effect="NoSchedule")
    devices = [build.device(f"half-{n}", consumes_counters=[build.draws(3)], taints=[taint]) for n in range(3)]
    counters = CounterSet(name="card", counters={"slices": Counter(value=Quantity("9"))})
    slices = (build.slice_of(GPU, "here", devices, count=2, node_name="here", shared_counters=[counters]),)
    tolerations = [DeviceToleration(key="hot", operator="Exists")]
    claim = build.claim("c0", [build.exactly("r", "gpu", count=2, tolerations=tolerations)])
    result = build.allocation(
        [build.result("r", GPU, "here", name) for name in ("half-2", "half-1")],
        config=[DeviceAllocationConfiguration(source="FromClass", requests=["r"], opaque=build.opaque("gpu"))],
    )
    gates = {"DRAPartitionableDevices": True, "DRADeviceTaints": True}
    return build.placed(slices, [claim], [result], [held], release("1.34", gates=gates))
