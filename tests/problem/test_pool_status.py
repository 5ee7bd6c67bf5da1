"""What Kubernetes answers to a ResourcePoolStatusRequest (S15)."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.api import Objects
from drapolicy.api.convert import convert
from drapolicy.api.pool_status import PoolStatus, ResourcePoolStatusRequest, ResourcePoolStatusRequestSpec
from drapolicy.api.resource import DeviceTaintRule, ResourceClaim, ResourceSlice
from drapolicy.errors import InputError
from drapolicy.problem.pool_status import pool_status
from drapolicy.release import Release, release

GATE = "DRAResourcePoolStatus"
ON = release("1.37", gates={GATE: True})
BEFORE = release("1.36", gates={GATE: True})
DRIVER = "gpu.example.com"


def made(kind: Any, name: str, **spec: Any) -> Any:
    return convert({"kind": kind.__name__, "metadata": {"name": name}, "spec": spec}, kind)


def part(name: str, *devices: dict[str, Any] | str, pool: str = "p", generation: int = 1, **spec: Any) -> ResourceSlice:
    """One slice; further words are fields of its spec, ``count`` the slices that its pool declares."""
    declared = {"name": pool, "generation": generation, "resourceSliceCount": spec.pop("count", 1)}
    given = [{"name": device} if isinstance(device, str) else device for device in devices]
    spec = {"driver": DRIVER, "nodeName": "n1", **spec}
    item: ResourceSlice = made(ResourceSlice, name, pool=declared, devices=given, **spec)
    return item


def held(*results: dict[str, Any]) -> ResourceClaim:
    allocation = {"devices": {"results": [{"request": "r", "driver": DRIVER, "pool": "p", **item} for item in results]}}
    claim: ResourceClaim = convert(
        {"kind": "ResourceClaim", "metadata": {"name": "c"}, "status": {"allocation": allocation}}, ResourceClaim
    )
    return claim


def asked(*slices: ResourceSlice, claims: Any = (), rules: Any = (), kubernetes: Release = ON, **spec: Any) -> Any:
    request = ResourcePoolStatusRequest(spec=ResourcePoolStatusRequestSpec(driver=DRIVER, **spec))
    return pool_status(Objects(slices=slices, claims=tuple(claims), taint_rules=tuple(rules)), request, kubernetes)


def only(*slices: ResourceSlice, **how: Any) -> PoolStatus:
    (found,) = asked(*slices, **how).pools
    status: PoolStatus = found
    return status


def counts(status: PoolStatus) -> tuple[int | None, ...]:
    """Total, allocated, available, unavailable."""
    return status.total_devices, status.allocated_devices, status.available_devices, status.unavailable_devices


def test_devices_are_counted() -> None:
    """A share counts its device once, admin access for nothing, taints of slices and rules make unavailable."""
    bad = {"key": "example.com/sick", "effect": "NoExecute"}
    devices = ["a", "b", {"name": "c", "taints": [bad]}, "d", {"name": "e", "taints": [{**bad, "effect": "None"}]}]
    claims = [held({"device": "a"}, {"device": "a"}, {"device": "b", "adminAccess": True})]
    rules = [made(DeviceTaintRule, "r", deviceSelector={"device": "d"}, taint={**bad, "effect": "NoSchedule"})]
    how = {"claims": claims, "rules": rules}
    assert counts(only(part("s", *devices), **how)) == (5, 1, 2, 2)
    assert counts(only(part("s", *devices), kubernetes=BEFORE, **how)) == (5, 3, 2, 0)


def test_an_incomplete_pool_has_an_error_for_counts() -> None:
    """More slices than declared are no fault here."""
    status = only(part("s", "a", count=2))
    assert (
        status.validation_error == f"PoolIncomplete: pool {DRIVER}/p is incomplete: observed 1/2 slices at generation 1"
    )
    assert counts(status) == (None, None, None, None)
    before = only(part("s", "a", count=2), kubernetes=BEFORE)
    assert before.validation_error == f"pool {DRIVER}/p is incomplete: observed 1/2 slices at generation 1"
    assert counts(only(part("s", "a"), part("t", "b"))) == (2, 0, 2, 0)


def test_only_the_newest_generation_counts() -> None:
    """In whatever order the slices come."""
    old, new = part("s", "a", "b"), part("t", "c", generation=2)
    for slices in ((old, new), (new, old)):
        status = only(*slices)
        assert (status.generation, status.total_devices, status.resource_slice_count) == (2, 1, 1)


def test_the_node_is_named_where_it_is_one() -> None:
    """Slices of several nodes, or of none, name none."""
    assert only(part("s", "a", count=2), part("t", "b", count=2)).node_name == "n1"
    assert only(part("s", "a", count=2), part("t", "b", count=2, nodeName="n2")).node_name is None
    assert only(part("s", "a", nodeName=None, allNodes=True)).node_name is None


def test_pools_come_by_name_up_to_the_limit() -> None:
    """All of them are counted; the condition tells how many were looked at."""
    slices = [part(f"s{i}", "a", pool=f"p{i}", count=1 + (i == 1)) for i in (2, 1, 3)]
    status = asked(*slices, limit=2)
    assert (status.pool_count, [found.pool_name for found in status.pools]) == (3, ["p1", "p2"])
    (condition,) = status.conditions
    assert (condition.type, condition.message) == ("Complete", "Calculated status for 2 pools (1 incomplete)")
    assert [found.pool_name for found in asked(*slices, pool_name="p3").pools] == ["p3"]


def partition(name: str, kind: str | None, cost: str = "1", **fields: Any) -> dict[str, Any]:
    attributes = {} if kind is None else {"profile": {"string": kind}}
    draws = [{"counterSet": "mem", "counters": {"slots": {"value": cost}}}]
    return {"name": name, "attributes": attributes, "consumesCounters": draws, **fields}


COUNTERS = part("z", count=2, sharedCounters=[{"name": "mem", "counters": {"slots": {"value": "4"}}}])


def summary(status: PoolStatus) -> list[tuple[str, int | None, int | None]]:
    return [(entry.type, entry.total, entry.allocatable) for entry in status.partition_summary]


def test_partitions_are_counted_by_type() -> None:
    """Each type alone against what devices in use leave of the counters."""
    devices = [partition("a", "small"), partition("b", "small"), partition("c", "small"), partition("d", "big", "3")]
    pool = (part("s", *devices, count=2, partitionTypeAttribute=f"{DRIVER}/profile"), COUNTERS)
    assert summary(only(*pool)) == [("big", 1, 1), ("small", 3, 3)]
    assert summary(only(*pool, claims=[held({"device": "a"}, {"device": "b"})])) == [("big", 1, 0), ("small", 3, 1)]


def test_a_request_names_the_type_where_no_slice_does() -> None:
    """Without either there is no view, and no error."""
    pool = (part("s", partition("a", "small"), count=2), COUNTERS)
    assert summary(only(*pool)) == []
    assert summary(only(*pool, default_partition_type_attribute=f"{DRIVER}/profile")) == [("small", 1, 1)]


@pytest.mark.parametrize(
    ("devices", "counters", "message"),
    [
        ([partition("a", None)], True, 'PartitionTypeMissing: device "a" in pool gpu.example.com/p does not carry'),
        ([partition("a", "x"), partition("b", "x", "2")], True, 'PartitionCostMismatch: devices of partition type "x"'),
        ([partition("a", "x")], False, "declares partitionTypeAttribute but publishes no sharedCounters"),
        ([partition(f"d{i}", f"t{i}") for i in range(33)], True, "PartitionSummaryOverCap: .* has 33 partition types"),
    ],
)
def test_partitions_that_cannot_be_told_apart_are_an_error(
    devices: list[dict[str, Any]], counters: bool, message: str
) -> None:
    """The counts stay, the view goes."""
    own = part("s", *devices, count=1 + counters, partitionTypeAttribute=f"{DRIVER}/profile")
    status = only(own, *([COUNTERS] if counters else []))
    with pytest.raises(ValueError, match=message):
        raise ValueError(status.validation_error)
    assert (summary(status), status.total_devices) == ([], len(devices))


def test_capacities_of_shared_devices_add_up() -> None:
    """What is left is never negative; devices that cannot be shared count for nothing."""
    shared = {"allowMultipleAllocations": True, "capacity": {"mem": {"value": "8Gi"}, "cores": {"value": "4"}}}
    devices = [{"name": "a", **shared}, {"name": "b", **shared}, {"name": "c", "capacity": {"mem": {"value": "99Gi"}}}]
    claims = [held({"device": "a", "shareID": "x", "consumedCapacity": {"mem": "2Gi", "cores": "9"}})]
    found = only(part("s", *devices), claims=claims).shareable_summary
    assert found is not None
    assert (found.fully_available_devices, found.partially_available_devices) == (1, 1)
    told = [tuple(map(str, (c.name, c.total, c.consumed, c.available))) for c in found.capacity]
    assert told == [("cores", "8", "9", "0"), ("mem", "16Gi", "2Gi", "14Gi")]
    assert only(part("s", "a")).shareable_summary is None
    assert only(part("s", *devices), claims=claims, kubernetes=BEFORE).shareable_summary is None


@pytest.mark.parametrize("kubernetes", [release("1.37"), release("1.35")])
def test_a_release_that_does_not_answer_says_so(kubernetes: Release) -> None:
    """The gate is alpha, and 1.35 has none."""
    with pytest.raises(InputError, match="use 1.36 or later with the gate DRAResourcePoolStatus"):
        asked(part("s", "a"), kubernetes=kubernetes)
