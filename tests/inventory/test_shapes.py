"""Nodes that are alike slot by slot share a shape, whatever their parts are called."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from drapolicy.api import Objects
from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequestPolicy,
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceCounterConsumption,
    DeviceTaint,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.links import NodeLinks
from drapolicy.inventory.shapes import Shapes, shapes
from drapolicy.inventory.signature import INCOMPLETE, SOUND, TWICE, Slot, pool_bytes, signature
from drapolicy.release import release

DRIVER = "gpu.example.com"


def counted(amounts: Mapping[str, Quantity | str]) -> dict[str, Counter]:
    return {
        name: Counter(value=Quantity(amount) if isinstance(amount, str) else amount) for name, amount in amounts.items()
    }


def drawn(counter_set: str, *groups: str, **amounts: Quantity | str) -> DeviceCounterConsumption:
    return DeviceCounterConsumption(
        counter_set=counter_set, counters=counted(amounts), compatibility_groups=list(groups)
    )


def counter_set(name: str, **amounts: Quantity | str) -> CounterSet:
    return CounterSet(name=name, counters=counted(amounts))


def capacity(**amounts: str) -> dict[str, DeviceCapacity]:
    return {name: DeviceCapacity(value=Quantity(amount)) for name, amount in amounts.items()}


def published(
    node: str,
    devices: Sequence[Device] = (),
    sets: Sequence[CounterSet] = (),
    *,
    name: str = "",
    pool: str = "",
    driver: str = DRIVER,
    generation: int = 1,
    count: int = 1,
    **selection: Any,
) -> ResourceSlice:
    spec = ResourceSliceSpec(
        driver=driver,
        pool=ResourcePool(name=pool or node, generation=generation, resource_slice_count=count),
        devices=list(devices),
        shared_counters=list(sets),
        **(selection or {"node_name": node}),
    )
    return ResourceSlice(metadata=ObjectMeta(name=name or f"{node}-{driver}-{pool}-{generation}"), spec=spec)


def fleet_of(*slices: ResourceSlice, minor: str = "1.37") -> Fleet:
    return build(Objects(slices=slices), release(minor))


def two(change: Callable[[list[Device]], list[Device]]) -> Shapes:
    """Return the shapes of a node with three devices, and of the same node after a change."""
    plain = [Device(name=f"d{d}", capacity=capacity(memory="80Gi")) for d in range(3)]
    return shapes(fleet_of(published("a", plain), published("b", change(plain))))


def each(**fields: Any) -> Callable[[list[Device]], list[Device]]:
    return lambda devices: [*devices[:2], replace(devices[2], **fields)]


@pytest.mark.parametrize(
    "change",
    [
        each(name="GPU-0b3f"),
        each(attributes={"uuid": DeviceAttribute(string_value="x")}),
        each(taints=[DeviceTaint(key="k", effect="NoSchedule", time_added="2026-01-01T00:00:00Z")]),
        each(capacity=capacity(memory="40Gi")),
        each(capacity={f"{DRIVER}/memory": DeviceCapacity(value=Quantity("80Gi"))}),
        each(allow_multiple_allocations=False),
    ],
)
def test_what_is_no_structure(change: Callable[[list[Device]], list[Device]]) -> None:
    """Names, attributes, taints and the size of devices that are taken whole leave the shape as it is."""
    assert two(change).shape_of.tolist() == [0, 0]


@pytest.mark.parametrize(
    "change",
    [
        lambda devices: devices[:2],
        each(capacity=capacity(cores="80Gi")),
        each(capacity={}),
        each(allow_multiple_allocations=True),
        each(binds_to_node=True),
        each(binding_conditions=["ready"]),
        each(binding_failure_conditions=["broken"]),
        each(consumes_counters=[drawn("s", memory="1")]),
        each(name="d0"),
    ],
)
def test_what_is_structure(change: Callable[[list[Device]], list[Device]]) -> None:
    """Slots, capacities by name, sharing, binding, counters drawn, and a name given twice make another shape."""
    assert two(change).shape_of.tolist() == [0, 1]


def test_the_order_of_slots_counts() -> None:
    """The same slots in another order are another shape, because devices are tried in order."""
    many = Device(name="many", allow_multiple_allocations=True)
    one = Device(name="one")
    found = shapes(fleet_of(published("a", [many, one]), published("b", [one, many])))
    assert found.shape_of.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("held", "alike"),
    [
        (DeviceCapacity(value=Quantity("1Ki")), True),
        (DeviceCapacity(value=Quantity("1025")), False),
        (DeviceCapacity(value=Quantity("1024"), request_policy=CapacityRequestPolicy(default=Quantity("1"))), False),
    ],
)
def test_of_shared_devices_the_amount_counts(held: DeviceCapacity, alike: bool) -> None:
    """An amount is a number, not a spelling; policies count."""
    first, second = (
        Device(name="d", allow_multiple_allocations=True, capacity={"memory": cell})
        for cell in (DeviceCapacity(value=Quantity("1024")), held)
    )
    found = shapes(fleet_of(published("a", [first]), published("b", [second])))
    assert (found.shape_of.tolist() == [0, 0]) is alike


def partitioned(node: str, sets: Sequence[str], draws: Sequence[str], whole: str = "8") -> list[ResourceSlice]:
    """Return a pool whose devices draw from counter sets, and which has these sets."""
    devices = [Device(name=f"d{d}", consumes_counters=[drawn(name, memory="4")]) for d, name in enumerate(draws)]
    defined = [counter_set(name, memory=whole) for name in sets]
    return [
        published(node, devices, name=f"{node}-devices", count=2),
        published(node, sets=defined, name=f"{node}-sets", count=2),
    ]


@pytest.mark.parametrize(
    ("sets", "draws", "whole", "alike"),
    [
        (("x", "y"), ("x", "x", "y", "y"), "8", True),
        (("q", "x", "y", "z"), ("x", "x", "y", "y"), "8", True),
        (("b", "a"), ("b", "b", "a", "a"), "8000m", True),
        (("a", "b"), ("a", "b", "a", "b"), "8", False),
        (("a", "b"), ("a", "a", "a", "a"), "8", False),
        (("a", "b"), ("a", "a", "b", "b"), "9", False),
        (("a",), ("a", "a", "b", "b"), "8", False),
        (("a", "b", "b"), ("a", "a", "b", "b"), "8", False),
    ],
)
def test_counter_sets_are_told_by_who_draws(sets: Sequence[str], draws: Sequence[str], whole: str, alike: bool) -> None:
    """Their names and those that nobody draws from do not count; who draws, and how much there is, does."""
    slices = partitioned("a", ("a", "b"), ("a", "a", "b", "b")) + partitioned("b", sets, draws, whole)
    assert (shapes(fleet_of(*slices)).shape_of.tolist() == [0, 0]) is alike


def test_counters_and_groups_are_renamed_too() -> None:
    """Only which counters and groups are the same counts, not what they are called."""
    pools = []
    for node, (memory, group) in {"a": ("m", "g"), "b": ("n", "h")}.items():
        devices = [Device(name=d, consumes_counters=[drawn("s", group, **{memory: "1"})]) for d in "xy"]
        pools += [
            published(node, devices, name=f"{node}-1", count=2),
            published(node, sets=[counter_set("s", **{memory: "2"})], name=f"{node}-2", count=2),
        ]
    assert shapes(fleet_of(*pools)).shape_of.tolist() == [0, 0]


def test_sets_belong_to_slices_where_the_release_has_it_so() -> None:
    """In 1.34 a set of a name is one in each slice; since 1.36 it is one in the pool."""

    def pool(node: str, second: str) -> list[ResourceSlice]:
        return [
            published(
                node,
                [Device(name=f"{i}{d}", consumes_counters=[drawn(own, memory="1")]) for d in range(2)],
                [counter_set(own, memory="2")],
                name=f"{node}-{i}",
                count=2,
            )
            for i, own in enumerate(("s", second))
        ]

    slices = pool("a", "s") + pool("b", "t")
    assert shapes(fleet_of(*slices, minor="1.34")).shape_of.tolist() == [0, 0]
    assert shapes(fleet_of(*slices)).shape_of.tolist() == [0, 1]


def test_how_a_pool_is_cut_into_slices_does_not_count() -> None:
    """Slots follow each other by slice name; pools of two names are two."""
    devices = [Device(name=f"d{d}") for d in range(4)]
    cut = [published("b", devices[i : i + 2], name=f"b-{i}", count=2) for i in (0, 2)]
    split = [published("c", devices[i : i + 2], pool=f"c-{i}") for i in (0, 2)]
    assert shapes(fleet_of(published("a", devices), *cut, *split)).shape_of.tolist() == [0, 0, 1]


def test_old_slices_and_missing_ones() -> None:
    """Of a pool the newest generation counts; a pool that lacks a slice is not one that has all."""
    devices = [Device(name="d")]
    found = shapes(
        fleet_of(
            published("a", devices),
            published("b", [*devices, Device(name="e")], generation=1),
            published("b", devices, generation=2),
            published("c", devices, count=2),
            published("d", devices, pool="both", count=2),
            published("e", devices, pool="both", count=2),
        )
    )
    assert found.shape_of.tolist() == [0, 0, 1, 0, 0]


def test_pools_with_binding_conditions_come_last() -> None:
    """As Kubernetes tries them, where the release does so: a node's pools are not by name alone."""
    binding, plain = Device(name="d", binding_conditions=["ready"]), Device(name="d")
    slices = [
        published("a", [binding], pool="1"),
        published("a", [plain], pool="2"),
        published("b", [plain], pool="1"),
        published("b", [binding], pool="2"),
    ]
    assert shapes(fleet_of(*slices)).shape_of.tolist() == [0, 0]


def test_shared_slices_are_listed() -> None:
    """Where they reach depends on labels; nodes without slices and pools without devices have the empty shape."""
    term = NodeSelectorTerm(match_expressions=[NodeSelectorRequirement(key="zone", operator="In", values=["x"])])
    slices = [
        published("a", pool="empty"),
        published("n", [Device(name="d")], all_nodes=True),
        published("m", [Device(name="d")], node_selector=NodeSelector(node_selector_terms=[term])),
    ]
    nodes = tuple(Node(metadata=ObjectMeta(name=name)) for name in ("a", "b"))
    found = shapes(build(Objects(slices=tuple(slices), nodes=nodes)))
    assert found.signatures == (signature([]),)
    assert found.shared == (1, 2)
    assert str(found).endswith("2 slices belong to no one node and are in no shape")
    assert shapes(build(Objects())).signatures == ()


def test_links_are_a_second_id() -> None:
    """Equal nodes with other links, or none, are told apart and listed; the order of the link table does not count."""
    devices = [Device(name=f"d{d}") for d in range(3)]
    fleet = fleet_of(*(published(node, devices) for node in "abcde"), published("f", devices[:1]))
    fast, slow = (np.array([[0, mb_s, 0], [mb_s, 0, 1], [0, 1, 0]], np.int64) for mb_s in (100, 50))

    def links(node: str, table: np.ndarray[Any, np.dtype[np.int64]], order: Sequence[int] = (0, 1, 2)) -> NodeLinks:
        return NodeLinks(tuple((DRIVER, node, f"d{d}") for d in order), table[np.ix_(order, order)])

    linked = fleet.with_links(
        {"a": links("a", fast), "b": links("b", fast, (2, 0, 1)), "c": links("c", slow), "d": links("d", fast)}
    )
    found = shapes(linked)
    assert found.shape_of.tolist() == [0, 0, 0, 0, 0, 1]
    assert found.links_of.tolist() == [0, 0, 1, 0, -1, -1]
    assert {shape: dict(tables) for shape, tables in found.odd.items()} == {
        0: {-1: ("e",), 0: ("a", "b", "d"), 1: ("c",)}
    }
    assert found.links[0] == sha256((3).to_bytes(4, "little") + fast.astype("<i8").tobytes()).hexdigest()
    assert str(found).splitlines()[1].startswith(f"shape {found.signatures[0][:12]} with no links: 1 nodes: e")
    assert not shapes(fleet).odd
    assert pickle.loads(pickle.dumps(found)).links_of.tolist() == found.links_of.tolist()
    with pytest.raises(ValueError, match="read-only"):
        found.shape_of[0] = 1


def test_a_signature_byte_by_byte() -> None:
    """The bytes are those that the description of the format gives, so that others can write them."""
    memory = DeviceCapacity(value=Quantity("1500m"), request_policy=CapacityRequestPolicy(default=Quantity("1")))
    devices = [
        Device(name="x", consumes_counters=[drawn("set-7", "old", b="2", a="1")]),
        Device(name="y", allow_multiple_allocations=True, capacity={"memory": memory}, binding_conditions=["é"]),
    ]
    slices = [
        published("n", devices, driver="d", name="1", count=2),
        published("n", sets=[counter_set("set-7", b="3")], driver="d", name="2", count=2),
    ]

    def text(value: str) -> bytes:
        return bytes([len(value.encode()), 0, 0, 0]) + value.encode()

    none, one, two_ = (bytes([number, 0, 0, 0]) for number in range(3))
    sets = one + (two_ + text("") + text("3000000000"))
    draws = none + (two_ + none + text("1000000000") + one + text("2000000000")) + (one + none)
    first = none + none + none + none + none + (one + draws) + none
    policy = one + text("1000000000") + none + none
    second = (
        one + (one + text("é")) + none + none + (one + text("d/memory") + text("1500000000") + policy) + none + none
    )
    written = b"drapolicy shape 1\n" + one + text("d") + none + sets + two_ + first + second
    assert shapes(fleet_of(*slices)).signatures == (sha256(written).hexdigest(),)


def reference(fleet: Fleet) -> list[str]:
    """Return the signature of each node, from objects, slice by slice."""
    everything = fleet.objects.slices
    signatures = []
    for node in fleet.nodes.names:
        own: dict[tuple[str, str], list[ResourceSlice]] = defaultdict(list)
        for item in everything:
            if item.spec.node_name == node:
                own[item.spec.driver, item.spec.pool.name].append(item)
        pools = []
        for (driver, pool), found in sorted(own.items()):
            generation = max(item.spec.pool.generation for item in found)
            newest = sorted(
                (item for item in found if item.spec.pool.generation == generation), key=lambda item: item.metadata.name
            )
            known = [
                item
                for item in everything
                if (item.spec.driver, item.spec.pool.name, item.spec.pool.generation) == (driver, pool, generation)
            ]
            devices = [device for item in newest for device in item.spec.devices]
            if not devices:
                continue
            state = SOUND if len({device.name for device in devices}) == len(devices) else TWICE
            if len(known) != newest[0].spec.pool.resource_slice_count:
                state = INCOMPLETE
            sets = [(0, each) for item in newest for each in item.spec.shared_counters]
            binds = any(device.binding_conditions for device in devices)
            slots = [Slot(device, device.capacity) for device in devices]
            pools.append((binds, driver, pool, pool_bytes(driver, state, sets, slots)))
        signatures.append(signature([pool[-1] for pool in sorted(pools)]))
    return signatures


DEVICES = st.builds(
    Device,
    name=st.sampled_from("xyz"),
    capacity=st.sampled_from([{}, capacity(memory="1"), capacity(memory="2", cores="1")]),
    allow_multiple_allocations=st.sampled_from([None, True]),
    binding_conditions=st.sampled_from([[], ["ready"]]),
    consumes_counters=st.sampled_from([[], [drawn("s", m="1")], [drawn("t", m="1")]]),
    taints=st.sampled_from([[], [DeviceTaint(key="k")]]),
)
SLICES = st.builds(
    published,
    st.sampled_from("ab"),
    st.lists(DEVICES, max_size=2),
    st.sampled_from([[], [counter_set("s", m="1")], [counter_set("t", m="1")]]),
    name=st.uuids().map(str),
    pool=st.sampled_from(["p", "q"]),
    driver=st.sampled_from(["d.example.com", "e.example.com"]),
    generation=st.integers(1, 2),
    count=st.integers(1, 2),
)


@given(slices=st.lists(SLICES, max_size=8, unique_by=lambda item: item.metadata.name))
def test_columns_say_what_objects_say(slices: list[ResourceSlice]) -> None:
    """The grouping by columns gives each node the signature that its slices alone give."""
    fleet = build(Objects(slices=tuple(slices)))
    found = shapes(fleet)
    assert [found.signatures[shape] for shape in found.shape_of] == reference(fleet)
    assert found.signatures == tuple(dict.fromkeys(reference(fleet)))


def called_otherwise(item: ResourceSlice) -> ResourceSlice:
    """Return the slice with other names, in the same order, and other attributes and taints."""

    def other(draw: DeviceCounterConsumption) -> DeviceCounterConsumption:
        return drawn(f"u-{draw.counter_set}", **{f"u{name}": held.value for name, held in draw.counters.items()})

    devices = [
        replace(
            device,
            name=f"u-{device.name}",
            attributes={"uuid": DeviceAttribute(string_value=item.metadata.name)},
            taints=[DeviceTaint(key="other")],
            consumes_counters=list(map(other, device.consumes_counters)),
        )
        for device in item.spec.devices
    ]
    sets = [
        counter_set(f"u-{known.name}", **{f"u{name}": held.value for name, held in known.counters.items()})
        for known in item.spec.shared_counters
    ]
    pool = replace(item.spec.pool, name=f"u-{item.spec.pool.name}")
    spec = replace(item.spec, pool=pool, node_name=f"u-{item.spec.node_name}", devices=devices, shared_counters=sets)
    return replace(item, metadata=ObjectMeta(name=f"u-{item.metadata.name}"), spec=spec)


@given(slices=st.lists(SLICES, max_size=8, unique_by=lambda item: item.metadata.name))
def test_what_things_are_called_is_in_no_signature(slices: list[ResourceSlice]) -> None:
    """Other names of everything but drivers, capacities and conditions give the same signatures."""
    plain, renamed = (build(Objects(slices=tuple(given_))) for given_ in (slices, map(called_otherwise, slices)))
    assert shapes(renamed).signatures == shapes(plain).signatures
