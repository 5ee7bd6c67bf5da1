"""Pools as one node sees them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import ResourceSlice
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.inventory.pools import Gatherer, Pool
from drapolicy.inventory.reach import NodeSelectionError
from drapolicy.release import Release, release

RELEASE = release("1.37")
NODE = Node(metadata=ObjectMeta(name="n1", labels={"zone": "a"}))
ZONE_A = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}
UNREADABLE = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Is"}]}]}
COUNTERS = {"sharedCounters": [{"name": "cs", "counters": {"mem": {"value": "4"}}}]}


def part(name: str, *devices: Any, pool: str = "p", driver: str = "d.x", **spec: Any) -> ResourceSlice:
    """Return a slice; devices by name or as data; on node n1 unless the slice says where it is."""
    generation, count = spec.pop("generation", 1), spec.pop("count", 1)
    if not spec.keys() & {"nodeName", "allNodes", "nodeSelector", "perDeviceNodeSelection"}:
        spec["nodeName"] = "n1"
    body = {
        "driver": driver,
        "pool": {"name": pool, "generation": generation, "resourceSliceCount": count},
        "devices": [{"name": entry} if isinstance(entry, str) else entry for entry in devices],
        **spec,
    }
    return msgspec.convert(
        {"metadata": {"name": name}, "spec": body}, ResourceSlice, dec_hook=lambda _, text: Quantity(text)
    )


def gather(*slices: ResourceSlice, kubernetes: Release = RELEASE, node: Node = NODE) -> tuple[Pool, ...]:
    return Gatherer(slices, kubernetes)(node)


def devices(pools: tuple[Pool, ...]) -> list[str]:
    return [device.id.device for pool in pools for device in pool.devices]


def draws(name: str, counter_set: str = "cs", counter: str = "mem") -> dict[str, Any]:
    return {"name": name, "consumesCounters": [{"counterSet": counter_set, "counters": {counter: {"value": "1"}}}]}


def test_pools_go_by_driver_and_name_and_slices_by_name_and_devices_as_published() -> None:
    """The order in which devices are tried (S26-S28); names compare as text, so node-10 is before node-2."""
    found = gather(
        part("s", "e", pool="node-2"),
        part("z", "c", pool="node-10", count=2),
        part("a", "b", "a", pool="node-10", count=2),
        part("s", "x", driver="a.x", pool="z"),
    )
    assert devices(found) == ["x", "b", "a", "c", "e"]
    assert [device.index for pool in found for device in pool.devices] == [0, 1, 2, 3, 4]


def test_a_pool_with_binding_conditions_goes_last_as_a_whole() -> None:
    """One such device moves all devices of its pool behind the other pools (Q11)."""
    bound = {"name": "b", "bindingConditions": ["ready"]}
    assert devices(gather(part("s", "a", bound, pool="p1"), part("s", "c", pool="p2"))) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("where", "seen"),
    [
        ({"nodeName": "n1"}, True),
        ({"nodeName": "n2"}, False),
        ({"allNodes": True}, True),
        ({"allNodes": False}, False),
        ({"nodeSelector": ZONE_A}, True),
        ({"nodeSelector": {"nodeSelectorTerms": []}}, False),
        ({"perDeviceNodeSelection": False}, False),
    ],
)
def test_a_slice_says_which_nodes_see_it(where: dict[str, Any], seen: bool) -> None:
    """All four forms; a slice that says nothing is passed over (S23)."""
    assert bool(gather(part("s", "d", **where))) is seen


def test_devices_may_say_themselves_which_nodes_see_them() -> None:
    """One device for this node brings the whole slice in, the others know that they are elsewhere."""
    (pool,) = gather(
        part(
            "s",
            {"name": "here", "nodeName": "n1"},
            {"name": "there", "nodeName": "n2"},
            {"name": "anywhere", "allNodes": True},
            {"name": "zone", "nodeSelector": ZONE_A},
            {"name": "nowhere"},
            perDeviceNodeSelection=True,
        )
    )
    assert [device.id.device for device in pool.devices if device.on_node] == ["here", "anywhere", "zone"]
    assert len(pool.devices) == 5


def test_only_the_newest_generation_counts() -> None:
    """Older slices are ignored wherever they stand among the slices (S24)."""
    for slices in (("old", "new"), ("new", "old")):
        built = {"old": part("old", "a", generation=1), "new": part("new", "b", generation=2)}
        assert devices(gather(*(built[name] for name in slices))) == ["b"]


def test_a_missing_slice_makes_the_pool_incomplete() -> None:
    """Fewer or more slices than declared: no devices, but the pool is there for mode All to notice (S25)."""
    for count in (1, 3):
        (pool,) = gather(part("s1", "a", count=count), part("s2", "b", count=count))
        assert pool.incomplete
        assert pool.devices == ()


def test_slices_of_other_nodes_complete_a_pool_without_giving_devices() -> None:
    """A pool over several nodes is complete on each (S24)."""
    (pool,) = gather(part("s1", "a", count=2), part("s2", "b", count=2, nodeName="n2"))
    assert not pool.incomplete
    assert devices((pool,)) == ["a"]


def test_a_newer_generation_elsewhere_drops_the_pool() -> None:
    """Silently: the driver is replacing the pool."""
    assert gather(part("s1", "a", count=2), part("s2", "b", generation=2, nodeName="n2")) == ()


def test_a_newer_generation_elsewhere_goes_unnoticed_while_the_old_slices_are_complete() -> None:
    """The stale device is still offered (Q13)."""
    assert devices(gather(part("s1", "a"), part("s2", "b", generation=2, nodeName="n2"))) == ["a"]


@pytest.mark.parametrize(
    ("slices", "reason"),
    [
        ([part("s1", "a", count=2), part("s2", "a", count=2)], "duplicate device name a"),
        ([part("s1", draws("a"))], "counter set cs not found"),
        (
            [part("s1", draws("a", counter="cores"), count=2), part("c", count=2, **COUNTERS)],
            "counter cores not found in counter set cs",
        ),
        ([part("c1", count=2, **COUNTERS), part("c2", count=2, **COUNTERS)], "duplicate counter set name cs"),
        (
            [part("c", count=2, **COUNTERS), part("s", draws("a", "other"), count=2, nodeName="n2")],
            "counter set other not found",
        ),
    ],
)
def test_a_pool_that_contradicts_itself_is_invalid(slices: list[ResourceSlice], reason: str) -> None:
    """With upstream's reason; slices of other nodes are checked for counters too (S25)."""
    (pool,) = gather(*slices)
    assert pool.invalid == reason
    assert pool.devices == ()


def test_the_same_device_name_on_another_node_is_no_fault() -> None:
    """Names are compared among this node's slices only."""
    (pool,) = gather(part("s1", "a", count=2), part("s2", "a", count=2, nodeName="n2"))
    assert pool.invalid == ""


def test_counters_come_from_any_slice_of_the_pool() -> None:
    """Counter sets of another node's slice hold here, and its devices are known as consumers (S45)."""
    (pool,) = gather(
        part("s1", draws("a"), count=3),
        part("s2", draws("b"), count=3, nodeName="n2"),
        part("c", count=3, nodeName="n2", **COUNTERS),
    )
    assert pool.counters == {("cs", "mem"): Quantity("4").nano}
    assert pool.elsewhere == ((DeviceId("d.x", "p", "b"), ((("cs", "mem"), Quantity("1").nano),)),)


def test_without_partitionable_devices_their_slices_are_not_seen_but_still_counted() -> None:
    """A counter slice is passed over, yet it completes its pool."""
    off = RELEASE.with_features(RELEASE.features - {"PartitionableDevices"})
    (pool,) = gather(part("s", draws("a"), "b", count=2), part("c", count=2, **COUNTERS), kubernetes=off)
    assert not pool.incomplete
    assert devices((pool,)) == ["a", "b"]
    assert gather(part("s", {"name": "a", "nodeName": "n1"}, perDeviceNodeSelection=True), kubernetes=off) == ()


def test_slices_with_compatibility_groups_are_passed_over() -> None:
    """The gate is off, so their pool lacks a slice."""
    grouped = draws("a")
    grouped["consumesCounters"][0]["compatibilityGroups"] = ["g"]
    (pool,) = gather(part("s1", grouped, count=2), part("s2", "b", count=2))
    assert pool.incomplete


def test_an_unreadable_selector_is_an_error_that_names_the_slice() -> None:
    """The attempt ends with upstream's words."""
    with pytest.raises(NodeSelectionError) as caught:
        gather(part("s1", "a", nodeSelector=UNREADABLE))
    assert str(caught.value).startswith(
        "failed to perform node selection for slice s1: failed to parse node selector &NodeSelector{"
    )


def test_a_devices_unreadable_selector_is_an_error_unless_another_device_came_first() -> None:
    """Upstream stops looking at the first device that matches; the bad one says so only when it is chosen."""
    bad, good = {"name": "bad", "nodeSelector": UNREADABLE}, {"name": "good", "nodeName": "n1"}
    with pytest.raises(NodeSelectionError, match="for device bad in slice s"):
        gather(part("s", bad, good, perDeviceNodeSelection=True))
    (pool,) = gather(part("s", good, bad, perDeviceNodeSelection=True))
    assert pool.devices[1].node_problem.startswith("failed to parse node selector")


def test_1_34_counts_the_slices_that_a_node_sees_and_keeps_the_devices_of_incomplete_pools() -> None:
    """A pool over two nodes is incomplete for both, and has devices all the same (S24, S25)."""
    slices = [part("a", "d0", count=2), part("b", "d1", count=2, nodeName="n2")]
    (old,) = gather(*slices, kubernetes=release("1.34"))
    (new,) = gather(*slices, kubernetes=release("1.35"))
    assert (old.incomplete, devices((old,)), new.incomplete, devices((new,))) == (True, ["d0"], False, ["d0"])


@pytest.mark.parametrize(("minor", "want"), [("1.34", "ba"), ("1.35", "ba"), ("1.36", "ab"), ("1.37", "ab")])
def test_slices_with_binding_conditions_stand_behind_up_to_1_35(minor: str, want: str) -> None:
    """Later only their pool does (S26, S27); variants that know no conditions leave both where they are."""
    binding = {"bindingConditions": ["ok"], "bindingFailureConditions": ["bad"]}
    slices = [part("1", {"name": "a", **binding}, count=2), part("2", "b", count=2)]
    plain = release(minor).with_features([])
    assert "".join(devices(gather(*slices, kubernetes=plain.with_variant("experimental")))) == want
    assert "".join(devices(gather(*slices, kubernetes=plain.with_variant("stable")))) == "ab"


def test_1_34_puts_an_invalid_pool_with_binding_conditions_behind() -> None:
    """Its devices cannot be had, but where it stands decides what is found before it (S26)."""
    binding = {"bindingConditions": ["ok"], "bindingFailureConditions": ["bad"]}
    slices = [part("1", {"name": "a", **binding}, "a", pool="p1"), part("2", "b", pool="p2")]
    assert [pool.id.pool for pool in gather(*slices, kubernetes=release("1.34"))] == ["p2", "p1"]


def test_counters_of_1_34_belong_to_their_slice() -> None:
    """Their sets are named after it, and a device draws from those of its own (S45)."""
    both = {**COUNTERS, "count": 2}
    on = release("1.34", gates={"DRAPartitionableDevices": True})
    (pool,) = gather(part("a", draws("x"), **both), part("b", draws("y"), **both), kubernetes=on)
    assert pool.counters == {("a/cs", "mem"): 4 * 10**9, ("b/cs", "mem"): 4 * 10**9}
    assert [device.counters[0][0] for device in pool.devices] == [("a/cs", "mem"), ("b/cs", "mem")]


@pytest.mark.parametrize(("minor", "seen"), [("1.34", False), ("1.35", True), ("1.36", True), ("1.37", False)])
def test_counters_of_other_nodes_are_seen_in_1_35_and_1_36(minor: str, seen: bool) -> None:
    """And with them their pool, of which the node has no device (S23)."""
    on = release(minor, gates={"DRAPartitionableDevices": True})
    found = gather(part("a", nodeName="n2", **COUNTERS), part("b", nodeName="n2", pool="q"), kubernetes=on)
    assert [pool.id.pool for pool in found] == (["p"] if seen else [])


def test_slices_at_odds_over_their_number_follow_the_first() -> None:
    """The node's own slice comes first in 1.37, the older one in 1.35, and the one with counters last in 1.36 (S24)."""
    slices = [part("a", "d0", allNodes=True, count=1), part("b", count=2, **COUNTERS)]
    on = {"DRAPartitionableDevices": True}
    incomplete = {
        minor: gather(*slices, kubernetes=release(minor, gates=on))[0].incomplete for minor in ("1.35", "1.36", "1.37")
    }
    assert incomplete == {"1.35": True, "1.36": True, "1.37": False}
