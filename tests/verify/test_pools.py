"""What a node sees of the pools (S23, S24, S25)."""

from __future__ import annotations

import pytest

from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Counter,
    CounterSet,
    Device,
    DeviceCounterConsumption,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.release import Release, release
from drapolicy.verify.pools import Missing, Published, Sight, matches_node

NODE = Node(metadata=ObjectMeta(name="here", labels={"zone": "a", "rack": "12", "empty": ""}))
RELEASE = release("1.37")


def sees(*slices: ResourceSlice, device: str = "d", kubernetes: Release = RELEASE) -> str:
    """``ok``, or the rule that keeps the node from the device."""
    found = Sight(Published(slices), NODE, kubernetes, None).find(("x", "p", device))
    return found.rule if isinstance(found, Missing) else "ok"


def piece(
    name: str, *devices: Device | str, generation: int = 1, count: int = 1, counters: str = "", **reach: object
) -> ResourceSlice:
    reach = reach or {"node_name": "here"}
    sets = [CounterSet(name=counters, counters={"n": Counter(value=Quantity("1"))})] if counters else []
    spec = ResourceSliceSpec(
        driver="x",
        pool=ResourcePool(name="p", generation=generation, resource_slice_count=count),
        devices=[Device(name=item) if isinstance(item, str) else item for item in devices],
        shared_counters=sets,
        **reach,
    )
    return ResourceSlice(metadata=ObjectMeta(name=name), spec=spec)


def drawing(name: str, counters: str, counter: str = "n", groups: tuple[str, ...] = ()) -> Device:
    draws = DeviceCounterConsumption(
        counter_set=counters, counters={counter: Counter(value=Quantity("1"))}, compatibility_groups=list(groups)
    )
    return Device(name=name, consumes_counters=[draws])


@pytest.mark.parametrize(
    ("key", "operator", "values", "expected"),
    [
        ("zone", "In", ["a", "b"], True),
        ("zone", "In", ["b"], False),
        ("none", "In", ["a"], False),
        ("zone", "NotIn", ["a"], False),
        ("none", "NotIn", ["a"], True),
        ("zone", "Exists", [], True),
        ("none", "Exists", [], False),
        ("none", "DoesNotExist", [], True),
        ("empty", "DoesNotExist", [], False),
        ("rack", "Gt", ["11"], True),
        ("rack", "Gt", ["12"], False),
        ("rack", "Lt", ["13"], True),
        ("rack", "Lt", ["-1"], False),
        ("rack", "Lt", ["+13"], True),
        ("rack", "Gt", [str(2**63)], False),
        ("rack", "Lt", ["1e3"], False),
        ("zone", "Gt", ["1"], False),
        ("none", "Lt", ["1"], False),
        ("rack", "Gt", ["1", "2"], False),
        ("zone", "Like", ["a"], False),
    ],
)
def test_requirements(key: str, operator: str, values: list[str], expected: bool) -> None:
    """Labels are compared as Kubernetes compares them; what is no whole number is neither greater nor less."""
    need = NodeSelectorRequirement(key=key, operator=operator, values=values)
    selector = NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[need])])
    assert matches_node(NODE, None, None, selector) is expected


def test_terms_are_alternatives_of_joint_requirements() -> None:
    """One term must hold with all its labels and fields; an empty one never does."""
    zone = NodeSelectorRequirement(key="zone", operator="In", values=["a"])
    here = NodeSelectorRequirement(key="metadata.name", operator="In", values=["here"])
    away = NodeSelectorRequirement(key="metadata.name", operator="NotIn", values=["here"])
    both = NodeSelectorTerm(match_expressions=[zone], match_fields=[here])
    neither = NodeSelectorTerm(match_expressions=[zone], match_fields=[away])
    for terms, expected in (([both], True), ([neither], False), ([neither, both], True), ([NodeSelectorTerm()], False)):
        assert matches_node(NODE, None, None, NodeSelector(node_selector_terms=terms)) is expected


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        ({"node_name": "here"}, "ok"),
        ({"node_name": "away"}, "S23"),
        ({"all_nodes": True}, "ok"),
        ({"node_selector": NodeSelector()}, "S23"),
        ({"per_device_node_selection": True}, "S23"),
        ({"partition_type_attribute": "x/none-of-the-four"}, "S23"),
    ],
)
def test_reach(reach: dict[str, object], expected: str) -> None:
    """A slice is seen by the node it names, by all, by those it selects, or where one of its devices says so (S23)."""
    assert sees(piece("s", "d", **reach)) == expected


def test_unpublished() -> None:
    """A device that no slice has is seen by nobody."""
    assert sees(piece("s", "d"), device="other") == "S23"
    assert sees() == "S23"


def test_of_generations_the_newest_that_the_node_sees_counts() -> None:
    """Older slices count for nothing, also for completeness (S24)."""
    old, new = piece("old", "d", generation=1, count=1), piece("new", "e", generation=2, count=1)
    assert sees(old, new, device="d") == "S24"
    assert sees(old, new, device="e") == "ok"


def test_stale_devices_are_used_until_a_slice_is_missing() -> None:
    """A newer generation elsewhere goes unnoticed while the old one is complete (Q13)."""
    away = piece("away", "e", generation=2, node_name="away")
    assert sees(piece("s", "d"), away) == "ok"
    assert sees(piece("s", "d", count=2), away) == "S24"


def test_a_pool_in_parts_is_complete_when_all_nodes_together_have_it() -> None:
    """Slices of other nodes are counted (S24)."""
    assert sees(piece("s", "d", count=2), piece("t", "e", count=2, node_name="away")) == "ok"
    assert sees(piece("s", "d", count=3), piece("t", "e", count=3, node_name="away")) == "S25"
    assert sees(piece("s", "d", count=1), piece("t", "e", count=1)) == "S25"


def test_the_count_of_the_first_slice_is_believed() -> None:
    """Where slices contradict each other the first one counts, those of the node before all others."""
    one, two = piece("one", "d", count=1), piece("two", "e", count=2)
    assert sees(two, one) == "ok"
    assert sees(one, two) == "S25"
    assert sees(piece("one", "d", count=1, all_nodes=True), two) == "ok"


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ([piece("a", "d", count=2), piece("b", "d", count=2)], "S25"),
        ([piece("a", "d", count=2), piece("b", "d", count=2, node_name="away")], "ok"),
        ([piece("a", "d", count=3), *(piece(name, count=3, counters="c") for name in "bc")], "S25"),
        ([piece("a", drawing("d", "c"), count=2), piece("b", count=2, counters="c")], "ok"),
        ([piece("a", drawing("d", "c"), count=2), piece("b", count=2, counters="c", node_name="away")], "ok"),
        ([piece("a", drawing("d", "other"), count=2), piece("b", count=2, counters="c")], "S25"),
        ([piece("a", drawing("d", "c", "m"), count=2), piece("b", count=2, counters="c")], "S25"),
        ([piece("a", "d", count=2), piece("b", drawing("e", "c"), count=2, node_name="away")], "S25"),
    ],
)
def test_invalid_pools(slices: list[ResourceSlice], expected: str) -> None:
    """Names must be unique on the node and counters defined somewhere, for devices of other nodes as well (S25)."""
    assert sees(*slices) == expected


def test_slices_with_compatibility_groups_are_ignored() -> None:
    """While their gate is off they count for nothing, so that their pool is incomplete (S46)."""
    slices = [
        piece("a", drawing("d", "c", groups=("g",)), count=3),
        piece("b", "e", count=3),
        piece("c", count=3, counters="c"),
    ]
    assert sees(*slices, device="e") == "S25"


def test_without_the_gate_counters_are_not_seen_but_counted() -> None:
    """With partitionable devices off a counter slice is skipped, and the second look at the pool finds it again."""
    slices = [piece("a", "d", count=2), piece("b", count=2, counters="c")]
    assert sees(*slices, kubernetes=release(gates={"DRAPartitionableDevices": False})) == "ok"
