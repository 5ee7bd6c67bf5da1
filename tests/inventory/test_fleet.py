from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta, OwnerReference
from drapolicy.api.objects import Objects
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceClass,
    DeviceCounterConsumption,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    NodeAllocatableResource,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.links import NodeLinks
from drapolicy.release import release


def a_slice(name: str, *devices: Device, driver: str = "a.example.com", pool: str = "p", **spec: Any) -> ResourceSlice:
    spec = {"pool": ResourcePool(name=pool, generation=1, resource_slice_count=1), **spec}
    return ResourceSlice(
        metadata=ObjectMeta(name=name), spec=ResourceSliceSpec(driver=driver, devices=list(devices), **spec)
    )


def a_device(name: str, **attributes: DeviceAttribute) -> Device:
    return Device(name=name, attributes=attributes)


def a_node(name: str) -> Node:
    return Node(metadata=ObjectMeta(name=name))


def a_fleet(*slices: ResourceSlice, **others: Any) -> Fleet:
    return build(Objects(slices=slices, **others), release())


def text(value: str) -> DeviceAttribute:
    return DeviceAttribute(string_value=value)


def names(fleet: Fleet) -> list[str]:
    return [device.name for device in fleet.devices.between(0, len(fleet.devices))]


SELECTOR = NodeSelector(
    node_selector_terms=[
        NodeSelectorTerm(match_expressions=[NodeSelectorRequirement(key="zone", operator="In", values=["a"])])
    ]
)

# --- losing nothing ------------------------------------------------------------------------------------------

words = st.sampled_from(["", "a", "b.example.com/a", "ü", "uuid-1", "uuid-2", "uuid-3"])
quantities = st.builds(
    Quantity, st.sampled_from(["0", "1", "40Gi", "40960Mi", "500m", "1n", "1e3", "-1", "16Ei", "1.5Gi"])
)
attributes = st.one_of(
    st.builds(DeviceAttribute, string_value=words),
    st.builds(DeviceAttribute, version_value=words),
    st.builds(DeviceAttribute, int_value=st.integers(-(2**64), 2**64)),
    st.builds(DeviceAttribute, bool_value=st.booleans()),
    st.builds(DeviceAttribute, string_values=st.lists(words, max_size=2)),
    st.builds(DeviceAttribute, string_value=words, int_value=st.just(0)),
)
policies = st.builds(
    CapacityRequestPolicy,
    default=st.none() | quantities,
    valid_values=st.lists(quantities, max_size=2),
    valid_range=st.none() | st.builds(CapacityRequestPolicyRange, min=quantities, step=st.none() | quantities),
)
counters = st.dictionaries(words, st.builds(Counter, value=quantities), max_size=2)
selection: dict[str, st.SearchStrategy[Any]] = {
    "node_name": st.none() | words,
    "node_selector": st.sampled_from([None, SELECTOR, NodeSelector()]),
    "all_nodes": st.sampled_from([None, True, False]),
}
devices = st.builds(
    Device,
    name=words,
    attributes=st.dictionaries(words, attributes, max_size=3),
    capacity=st.dictionaries(
        words, st.builds(DeviceCapacity, value=quantities, request_policy=st.none() | policies), max_size=2
    ),
    consumes_counters=st.lists(st.builds(DeviceCounterConsumption, counter_set=words, counters=counters), max_size=1),
    taints=st.lists(st.builds(DeviceTaint, key=words, effect=words, time_added=st.none() | words), max_size=1),
    binds_to_node=st.sampled_from([None, True, False]),
    binding_conditions=st.lists(words, max_size=1),
    binding_failure_conditions=st.lists(words, max_size=1),
    allow_multiple_allocations=st.sampled_from([None, True, False]),
    node_allocatable_resources=st.dictionaries(words, st.builds(NodeAllocatableResource), max_size=1),
    **selection,
)
specs = st.builds(
    ResourceSliceSpec,
    driver=words,
    pool=st.builds(ResourcePool, name=words, generation=st.integers(0, 3), resource_slice_count=st.integers(0, 3)),
    devices=st.lists(devices, max_size=4),
    per_device_node_selection=st.sampled_from([None, True, False]),
    shared_counters=st.lists(st.builds(CounterSet, name=words, counters=counters), max_size=1),
    partition_type_attribute=st.none() | words,
    skip_node_operations=st.lists(words, max_size=1),
    **selection,
)
metadata = st.builds(
    ObjectMeta,
    uid=words,
    labels=st.dictionaries(words, words, max_size=2),
    creation_timestamp=st.none() | words,
    owner_references=st.lists(st.builds(OwnerReference, name=words, controller=st.none() | st.booleans()), max_size=1),
    managed_fields=st.lists(st.dictionaries(words, st.integers() | words, max_size=1), max_size=1),
)
slice_lists = st.lists(st.builds(ResourceSlice, metadata=metadata, spec=specs), max_size=5).map(
    lambda slices: [
        replace(item, metadata=replace(item.metadata, name=f"slice-{number}")) for number, item in enumerate(slices)
    ]
)


def by_name(objects: Any) -> list[Any]:
    return sorted(objects, key=lambda item: item.metadata.name)


@given(slice_lists)
def test_what_went_in_comes_out(slices: list[ResourceSlice]) -> None:
    """Slices made from the columns are equal to those that were read, and their quantities print the same."""
    found = by_name(a_fleet(*slices).objects.slices)
    assert found == slices
    assert [*map(printed, found)] == [*map(printed, slices)]


def printed(item: ResourceSlice) -> list[Any]:
    """All quantities of the devices as text."""
    return [
        [(name, str(cell.value), repr(cell.request_policy)) for name, cell in sorted(device.capacity.items())]
        + [sorted((name, str(c.value)) for name, c in used.counters.items()) for used in device.consumes_counters]
        for device in item.spec.devices
    ]


@pytest.mark.parametrize("field", [name for name in Device.__struct_fields__ if name != "name"])
def test_every_field_of_a_device_comes_out(field: str) -> None:
    """Also one that no column holds, when it is the only one that is set."""
    value = getattr(Device(), field)
    filled = {list: ["x"], dict: {"x": DeviceAttribute(int_value=1)}, type(None): True}[type(value)]
    if field == "capacity":
        filled = {"x": DeviceCapacity(value=Quantity("1"))}
    elif field == "node_name":
        filled = "n"
    device = replace(Device(name="d"), **{field: filled})
    assert a_fleet(a_slice("s", device)).slice(0).spec.devices == [device]


def test_the_other_objects_come_out_too() -> None:
    """Classes, taint rules and given nodes are part of the fleet; nodes that slices imply are not given."""
    classes = (DeviceClass(metadata=ObjectMeta(name="b")), DeviceClass(metadata=ObjectMeta(name="a")))
    rules = (DeviceTaintRule(metadata=ObjectMeta(name="r")),)
    given_nodes = (a_node("n2"), a_node("n1"))
    fleet = a_fleet(a_slice("s", node_name="n3"), classes=classes, taint_rules=rules, nodes=given_nodes)
    assert by_name(fleet.objects.classes) == by_name(classes)
    assert fleet.classes["b"] == classes[0]
    assert fleet.objects.taint_rules == fleet.taint_rules == rules
    assert fleet.objects.nodes == given_nodes


# --- order ---------------------------------------------------------------------------------------------------


def test_devices_come_in_upstreams_order() -> None:
    """Driver, pool and slice name order slices by code point; inside a slice the driver's order stays (S26 to S28)."""
    slices = [
        a_slice("s1", a_device("z"), a_device("a"), driver="b", pool="p"),
        a_slice("s10", a_device("3"), driver="a", pool="p"),
        a_slice("s2", a_device("4"), driver="a", pool="p"),
        a_slice("s9", a_device("2"), driver="a", pool="Q"),  # capitals come first
        a_slice("s0", a_device("5"), driver="a", pool="pé"),
    ]
    for given_slices in (slices, slices[::-1]):
        fleet = a_fleet(*given_slices)
        assert names(fleet) == ["2", "3", "4", "5", "z", "a"]
        assert fleet.slices.first.tolist() == [0, 1, 2, 3, 4, 6]
        assert fleet.devices.slice.tolist() == [0, 1, 2, 3, 4, 4]
        assert [fleet.slice(i).metadata.name for i in range(5)] == ["s9", "s10", "s2", "s0", "s1"]


def test_slices_of_one_name_keep_their_order() -> None:
    """Upstream's sort leaves equal slices as they were; the API server has none, its own test tables do."""
    fleet = a_fleet(a_slice("s", a_device("b")), a_slice("s", a_device("a")))
    assert names(fleet) == ["b", "a"]


# --- digest --------------------------------------------------------------------------------------------------


@given(slice_lists, st.randoms(use_true_random=False))
def test_the_digest_ignores_the_order_of_the_input(slices: list[ResourceSlice], random: Any) -> None:
    """Files may be read in any order; the columns are the same too, as the digest is taken from them."""
    shuffled = slices.copy()
    random.shuffle(shuffled)
    assert a_fleet(*slices) == a_fleet(*shuffled)
    assert a_fleet(*slices).digest == a_fleet(*shuffled).digest


def test_the_digest_ignores_the_order_of_maps() -> None:
    """Keys of attributes, labels and counters have no order in Kubernetes."""
    one = Device(name="d", attributes={"a": text("x"), "b": text("y")}, taints=[DeviceTaint(key="k")])
    other = replace(one, attributes=dict(reversed(one.attributes.items())))
    assert a_fleet(a_slice("s", one)).digest == a_fleet(a_slice("s", other)).digest


BASE = a_slice("s", Device(name="d", attributes={"a": text("1")}), node_name="n")


def changed(**device: Any) -> ResourceSlice:
    return replace(BASE, spec=replace(BASE.spec, devices=[replace(BASE.spec.devices[0], **device)]))


CHANGES: dict[str, ResourceSlice] = {
    "device name": changed(name="e"),
    "attribute value": changed(attributes={"a": text("2")}),
    "attribute type": changed(attributes={"a": DeviceAttribute(version_value="1")}),
    "attribute name": changed(attributes={"b": text("1")}),
    "no attribute": changed(attributes={}),
    "capacity": changed(capacity={"a": DeviceCapacity(value=Quantity("1"))}),
    "taint": changed(taints=[DeviceTaint(key="k")]),
    "false is not unset": changed(all_nodes=False),
    "node of the device": changed(node_name="n"),
    "driver": replace(BASE, spec=replace(BASE.spec, driver="b")),
    "generation": replace(BASE, spec=replace(BASE.spec, pool=replace(BASE.spec.pool, generation=2))),
    "slice count": replace(BASE, spec=replace(BASE.spec, pool=replace(BASE.spec.pool, resource_slice_count=2))),
    "node": replace(BASE, spec=replace(BASE.spec, node_name="m")),
    "node selection": replace(BASE, spec=replace(BASE.spec, node_name=None, all_nodes=True)),
    "label": replace(BASE, metadata=replace(BASE.metadata, labels={"a": "b"})),
    "device moved on": replace(BASE, spec=replace(BASE.spec, devices=[])),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_sees(change: str) -> None:
    """Every change of content makes another fleet."""
    assert a_fleet(CHANGES[change]) != a_fleet(BASE)


def test_the_digest_sees_what_is_not_in_slices() -> None:
    """Release, classes, taint rules and nodes decide as well."""
    fleets = [
        a_fleet(BASE),
        build(Objects(slices=(BASE,)), release(gates={"DRAPartitionableDevices": False})),
        a_fleet(BASE, classes=(DeviceClass(metadata=ObjectMeta(name="c")),)),
        a_fleet(BASE, taint_rules=(DeviceTaintRule(metadata=ObjectMeta(name="c")),)),
        a_fleet(
            BASE,
            taint_rules=(
                DeviceTaintRule(metadata=ObjectMeta(name="c"), spec=DeviceTaintRuleSpec(taint=DeviceTaint(key="k"))),
            ),
        ),
        a_fleet(BASE, nodes=(a_node("n"),)),
        a_fleet(BASE, nodes=(a_node("m"),)),
    ]
    assert len({fleet.digest for fleet in fleets}) == len(fleets)


def test_the_digest_is_the_same_in_every_process() -> None:
    """Neither string hashes nor addresses get into the digest."""
    code = (
        "from drapolicy.api.meta import ObjectMeta\n"
        "from drapolicy.api.objects import Objects\n"
        "from drapolicy.api.quantity import Quantity\n"
        "from drapolicy.api.resource import *\n"
        "from drapolicy.api.resource import Device, DeviceAttribute, DeviceCapacity, ResourceSliceSpec\n"
        "from drapolicy.inventory import build\n"
        "devices = [Device(name=f'd{i}', attributes={k: DeviceAttribute(string_value=k * i) for k in 'abc'},"
        " capacity={'m': DeviceCapacity(value=Quantity('1n'))}) for i in range(5)]\n"
        "spec = ResourceSliceSpec(driver='x', devices=devices)\n"
        "item = ResourceSlice(metadata=ObjectMeta(name='s', labels={'a': 'b', 'c': 'd'}), spec=spec)\n"
        "print(build(Objects(slices=(item,))).digest)\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_fleets_with_nodes_in_another_order_differ() -> None:
    """First fit takes the first node, so the order of nodes is told apart although the digest is the same."""
    one, other = (a_fleet(BASE, nodes=nodes) for nodes in ((a_node("n"), a_node("m")), (a_node("m"), a_node("n"))))
    assert one.digest == other.digest
    assert one != other


# --- nodes ---------------------------------------------------------------------------------------------------


def test_nodes_that_only_slices_name_are_implied() -> None:
    """A folder of slices alone has nodes: bare ones, by name, after those that were given."""
    on_device = Device(name="d", node_name="n0")
    fleet = a_fleet(
        a_slice("s1", node_name="n2"),
        a_slice("s2", node_name="n1"),
        a_slice("s3", on_device, per_device_node_selection=True),
        nodes=(a_node("n9"), a_node("n1")),
    )
    assert fleet.nodes.names == ("n9", "n1", "n0", "n2")
    assert fleet.nodes.implied.tolist() == [False, False, True, True]
    assert fleet.nodes[3].metadata == ObjectMeta(name="n2", labels={"kubernetes.io/hostname": "n2"})
    assert [fleet.nodes.index[node.metadata.name] for node in fleet.nodes] == [0, 1, 2, 3]
    assert fleet.node_of_slice.tolist() == [3, 1, -1]


def test_an_empty_name_names_no_node() -> None:
    """`nodeName: ""` is nobody's, as upstream takes it (S23); the slice is kept as it is."""
    fleet = a_fleet(a_slice("s0", node_name=""), a_slice("s1", node_name="n"))
    assert fleet.nodes.names == ("n",)
    assert fleet.node_of_slice.tolist() == [-1, 0]
    assert fleet.slices_on("n") == (1,)
    assert fleet.slice(0).spec.node_name == ""


def test_slices_on_a_node_are_its_own_and_the_unbound_ones() -> None:
    """A slice of another node can never be relevant; one with a selector, all nodes or per-device nodes may be."""
    fleet = a_fleet(
        a_slice("s0", node_name="n1"),
        a_slice("s1", all_nodes=True),
        a_slice("s2", node_name="n2"),
        a_slice("s3", node_selector=SELECTOR),
        a_slice("s4", per_device_node_selection=True),
        a_slice("s5", node_name="n1"),
        a_slice("s6"),  # reaches no node, which is not for this look-up to say
    )
    assert fleet.slices_on("n1") == (0, 1, 3, 4, 5, 6)
    assert fleet.slices_on("n2") == (1, 2, 3, 4, 6)
    assert fleet.slices_on("elsewhere") == (1, 3, 4, 6)


def test_slices_on_a_node_of_a_fleet_without_shared_slices() -> None:
    """A node's slices come back as Python ints, none for a node that has none."""
    fleet = a_fleet(a_slice("s0", node_name="n1"), nodes=(a_node("n2"),))
    assert fleet.slices_on("n1") == (0,)
    assert fleet.slices_on("n2") == ()


# --- columns -------------------------------------------------------------------------------------------------


def test_attribute_columns_are_named_as_published() -> None:
    """Short and full names are two columns; `resolve` gives the keys in the order of upstream's look-up (S2, S50)."""
    device = a_device("d", numa=DeviceAttribute(int_value=1))
    full = Device(name="e", attributes={"a.example.com/numa": DeviceAttribute(int_value=2)})
    table = a_fleet(a_slice("s", device, full)).devices
    assert set(table.attributes) == {"numa", "a.example.com/numa"}
    assert table.resolve("a.example.com", "a.example.com/numa") == ("a.example.com/numa", "numa")
    assert table.resolve("b.example.com", "a.example.com/numa") == ("a.example.com/numa",)
    assert table.resolve("b.example.com", "b.example.com/numa") == ("numa",)
    assert table.resolve("a.example.com", "a.example.com/other") == ()
    assert table.resolve("a.example.com", "numa") == ("numa",)


def test_equal_values_have_equal_codes() -> None:
    """Devices can be grouped by code, unique strings included."""
    values = ["x", "y", "x", "z"]
    table = a_fleet(a_slice("s", *(a_device(f"d{i}", a=text(v)) for i, v in enumerate(values)))).devices
    strings = table.attributes["a"].strings
    assert strings is not None
    assert strings.codes.tolist() == [0, 1, 0, 2]
    assert list(strings.values) == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("amounts", "in_nano", "expected"),
    [
        (["40Gi", "1k"], False, [40 * 2**30, 1000]),
        (["500m", "2"], True, [500_000_000, 2_000_000_000]),
        (["1n", "-1"], True, [1, -1_000_000_000]),
        (["9223372036854775808", "1"], True, [2**63 * 10**9, 10**9]),  # one more than int64 holds
        (["9223372036854775807"], False, [2**63 - 1]),
    ],
)
def test_capacities_are_exact(amounts: list[str], in_nano: bool, expected: list[int]) -> None:
    """Whole amounts are int64 units; one that is not whole or does not fit puts the column in nano units."""
    given_devices = [Device(name=amount, capacity={"m": DeviceCapacity(value=Quantity(amount))}) for amount in amounts]
    table = a_fleet(a_slice("s", *given_devices, Device(name="none"))).devices
    column = table.capacity["m"]
    assert column.in_nano is in_nano
    assert column.amount.tolist() == [*expected, 0]
    assert [column.nano(d) for d in range(len(amounts) + 1)] == [*(Quantity(a).nano for a in amounts), None]
    assert column[len(amounts)] is None


def test_rare_parts_are_shared() -> None:
    """Devices with the same taints and counters point to one object, those without to none."""
    tainted = Device(name="d", attributes={"a": text("1")}, taints=[DeviceTaint(key="k")])
    table = a_fleet(a_slice("s", tainted, replace(tainted, name="e", attributes={}), a_device("f"))).devices
    assert table.rest.codes.tolist() == [0, 0, -1]
    assert table.rest.values == (Device(taints=[DeviceTaint(key="k")]),)
    assert table.node_name.codes.tolist() == [-1, -1, -1]


def test_many_devices_in_many_batches() -> None:
    """Batches of columns meet without a seam: 3,000 slices of two kinds of devices in mixed order."""
    slices = [
        a_slice(
            f"s{i:04}",
            a_device("gpu", uuid=text(f"u{i}")),
            a_device("nic", mac=text(f"m{i % 7}"), numa=DeviceAttribute(int_value=i)),
            node_name=f"n{i}",
        )
        for i in range(3000)
    ]
    shuffled = slices[1000:] + slices[:1000][::-1]
    fleet = a_fleet(*shuffled)
    assert list(fleet.objects.slices) == slices
    assert fleet == a_fleet(*slices)


# --- links ---------------------------------------------------------------------------------------------------

LINKS = NodeLinks((("a.example.com", "p", "d"), ("a.example.com", "p", "e")), np.array([[0, 5], [5, 0]]))


def test_links_make_another_fleet_of_the_same_content() -> None:
    """Side files are not content of the cluster, but fleets that differ in them are not interchangeable."""
    fleet = a_fleet(BASE)
    linked = fleet.with_links({"n": LINKS})
    assert linked.digest == fleet.digest
    assert linked != fleet
    assert linked == fleet.with_links({"n": LINKS})
    assert linked != fleet.with_links({"n": NodeLinks(LINKS.devices, LINKS.mb_s * 2)})
    assert linked.slices_on("n") == fleet.slices_on("n") == (0,)
    assert pickle.loads(pickle.dumps(linked)) == linked


def test_links_of_an_unknown_node_are_refused() -> None:
    """A misspelt node would silently have no links."""
    with pytest.raises(UnknownReferenceError, match="links: node m is not in the fleet"):
        a_fleet(BASE).with_links({"m": LINKS})


# --- values that travel --------------------------------------------------------------------------------------


def test_a_fleet_travels_to_other_processes() -> None:
    """A pickled fleet is equal, answers the same and is still read-only."""
    fleet = a_fleet(BASE, a_slice("t", all_nodes=True), nodes=(a_node("m"),))
    copy = pickle.loads(pickle.dumps(fleet))
    assert copy == fleet
    assert hash(copy) == hash(fleet)
    assert copy.objects == fleet.objects
    assert copy.slices_on("n") == fleet.slices_on("n")
    with pytest.raises(ValueError, match="read-only"):
        copy.devices.slice[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        copy.node_of_slice[0] = 1


def test_a_fleet_cannot_be_changed() -> None:
    """Fields refuse assignment, arrays and maps writes."""
    fleet = a_fleet(BASE)
    with pytest.raises(AttributeError):
        fleet.digest = ""  # type: ignore[misc]
    for array in (fleet.slices.first, fleet.devices.name.codes, fleet.nodes.implied, fleet.node_of_slice):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    maps: list[Any] = [fleet.classes, fleet.links, fleet.nodes.index, fleet.devices.attributes, fleet.devices.capacity]
    for held in [*maps, pickle.loads(pickle.dumps(fleet)).classes]:
        with pytest.raises(TypeError, match="item assignment"):
            held["a"] = None


def test_an_empty_fleet_is_a_fleet() -> None:
    """Nothing at all is fine, as is a slice without devices."""
    fleet = build(Objects())
    assert (len(fleet.devices), len(fleet.slices), len(fleet.nodes)) == (0, 0, 0)
    assert fleet.objects == Objects()
    assert fleet.slices_on("n") == ()
    assert names(a_fleet(a_slice("s"))) == []


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ({"nodes": (a_node("n"), a_node("m"), a_node("n"))}, "Node n: metadata.name: given twice; remove one"),
        (
            {"classes": (DeviceClass(metadata=ObjectMeta(name="c")),) * 2},
            "DeviceClass c: metadata.name: given twice; remove one",
        ),
        (
            {"taint_rules": (DeviceTaintRule(metadata=ObjectMeta(name="r")),) * 2},
            "DeviceTaintRule r: metadata.name: given twice; remove one",
        ),
    ],
)
def test_names_are_unique(objects: dict[str, Any], message: str) -> None:
    """What is found by name may exist once."""
    with pytest.raises(InputError) as caught:
        build(Objects(**objects))
    assert str(caught.value) == message


@pytest.mark.parametrize("i", [1, -2])
def test_there_is_no_slice_beyond_the_last(i: int) -> None:
    """A wrong row is an error, not another slice."""
    with pytest.raises(IndexError):
        a_fleet(BASE).slice(i)


def test_metadata_is_kept_as_json() -> None:
    """Metadata is not decoded until a slice is asked for, and holds what was read besides the name."""
    fleet = a_fleet(replace(BASE, metadata=ObjectMeta(name="s", uid="u")))
    assert json.loads(fleet.slices.metadata[0] or "") == {"uid": "u"}
