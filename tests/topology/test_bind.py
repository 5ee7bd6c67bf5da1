"""Joining a graph to the devices of a node."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from drapolicy.api.resource import Device, DeviceAttribute, DeviceCounterConsumption
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology import Topology, best_sets, bind, generate, nvidia_smi
from drapolicy.topology.attributes import NodeDevice
from drapolicy.topology.bind import BindReport

NV4, PIX, PXB, SYS = 100_000, 24_000, 22_000, 10_000


@pytest.fixture(scope="module")
def topology(root: Path) -> Topology:
    """Four GPUs, bridges (0,1) and (2,3), NIC0 = mlx5_3 at GPU0, NIC1 = mlx5_0."""
    return nvidia_smi.topology(nvidia_smi.read(root / "tests/data/topology/bridges_2nic.txt"), "A100")


def gpu(name: str, driver: str = "gpu.nvidia.com", **attributes: int | str) -> NodeDevice:
    built = {
        key: DeviceAttribute(int_value=v) if isinstance(v, int) else DeviceAttribute(string_value=v)
        for key, v in attributes.items()
    }
    return driver, "node-1", Device(name=name, attributes=built)


def nic(name: str, rdma: str | None = None) -> NodeDevice:
    attributes = {"dra.net/rdmaDevice": DeviceAttribute(string_value=rdma)} if rdma else {}
    return "dra.net", "node-1", Device(name=name, attributes=attributes)


def vertices(report: BindReport) -> dict[str, str]:
    return {bound.device[2]: bound.vertex for bound in report.bound}


def ways(report: BindReport) -> set[str]:
    return {bound.by for bound in report.bound}


@pytest.mark.parametrize(
    ("way", "attributes"),
    [
        ("index", [{"index": 3}, {"index": 2}, {"index": 1}, {"index": 0}]),
        ("index", [{"index": 3 - d, "minor": d, "pciBusID": f"0000:0{d}:00.0"} for d in range(4)]),
        ("pci order", [{"pciBusID": b, "minor": d} for d, b in enumerate(["0001:07:00.0", "0000:c7:00.0", "0000:47:00.1", "00000000:47:00.0"])]),
        ("pci order", [{"pcieBusID": b} for b in ["0000:C7:00.0", "0000:87:00.0", "0000:47:00.0", "0000:0a:00.0"]]),
        ("minor", [{"minor": 3}, {"minor": 2}, {"minor": 1}, {"minor": 0}]),
        ("minor", [{"minor": 3 - d, "pciBusID": "0000:07:00.0"} for d in range(4)]),
    ],
)  # fmt: skip
def test_gpus_in_reverse(topology: Topology, way: str, attributes: list[dict[str, int | str]]) -> None:
    """Where the graph has no addresses: index first, then the order of addresses, then minor; the order of the devices does not matter."""
    links, report = bind(topology, [gpu(f"gpu-{d}", **held) for d, held in enumerate(attributes)])
    assert vertices(report) == {"gpu-0": "GPU3", "gpu-1": "GPU2", "gpu-2": "GPU1", "gpu-3": "GPU0"}
    assert ways(report) == {way}
    assert links.tolist() == topology.direct_links(["GPU3", "GPU2", "GPU1", "GPU0"]).tolist()
    assert report.devices == ()
    assert [vertex for vertex, _ in report.vertices] == ["NIC0", "NIC1"]


def test_names_in_natural_order(topology: Topology) -> None:
    """gpu-10 comes after gpu-2."""
    _, report = bind(topology, [gpu("gpu-10"), gpu("gpu-1"), gpu("gpu-2"), gpu("gpu-0")])
    assert vertices(report) == {"gpu-0": "GPU0", "gpu-1": "GPU1", "gpu-2": "GPU2", "gpu-10": "GPU3"}
    assert ways(report) == {"name"}


def test_nics_by_rdma_device(topology: Topology) -> None:
    """The NIC legend's name is DRANET's rdmaDevice; NICs without one are listed."""
    devices = [gpu(f"gpu-{d}", index=d) for d in range(4)]
    devices += [nic("eth0"), nic("nic-a", "mlx5_0"), nic("nic-b", "mlx5_3"), nic("nic-c", "mlx5_9")]
    links, report = bind(topology, devices)
    assert vertices(report)["nic-a"] == "NIC1"
    assert vertices(report)["nic-b"] == "NIC0"
    assert (links[0, 6], links[1, 6], links[0, 5], links[0, 4]) == (PIX, PXB, SYS, 0)
    assert dict(report.devices) == {
        (
            "dra.net",
            "node-1",
            "eth0",
        ): "says nothing by which it could be told: pci, uuid, index, rdma, numa, pci order, minor, name",
        ("dra.net", "node-1", "nic-c"): "RDMA device name mlx5_9: no device of the graph has it",
    }
    assert report.vertices == ()
    assert str(report).splitlines()[0] == "gpu.nvidia.com/node-1/gpu-0 = GPU0 (by index)"


def test_links_are_a_table_of_the_devices(topology: Topology) -> None:
    """Symmetric, zero on the diagonal and for what has no vertex, and not writeable; the bridges are best."""
    devices = [gpu("x", "gpu.nvidia.com", type="mig"), *(gpu(f"gpu-{d}", index=d) for d in range(4))]
    links, report = bind(topology, devices)
    assert (links == links.T).all()
    assert not links.diagonal().any()
    assert not links[0].any()
    assert not links.flags.writeable
    assert best_sets(links, [2, 3, 4], 2) == ((3, 4),)
    assert links[3, 4] == NV4
    assert report.devices == ((("gpu.nvidia.com", "node-1", "x"), "is a part of a device and does not say of which"),)


def test_a_missing_device_makes_an_order_worthless_but_not_an_index(topology: Topology) -> None:
    """Three devices for four GPUs: addresses and names could mean any three, an index or minor cannot."""
    three = range(1, 4)
    _, report = bind(topology, [gpu(f"gpu-{d}", pciBusID=f"0000:0{d}:00.0") for d in three])
    assert report.bound == ()
    reasons = "pci order: 3 devices for 4 GPUs of the graph; minor: not every GPU has it; name: 3 devices for 4 GPUs of the graph"
    assert [why for _, why in report.devices] == [
        f"PCI address 0000:0{d}:00.0: the graph tells no PCI address; {reasons}" for d in three
    ]
    assert len(report.vertices) == 6
    _, report = bind(topology, [gpu(f"gpu-{d}", pciBusID=f"0000:0{d}:00.0", minor=d) for d in three])
    assert vertices(report) == {"gpu-1": "GPU1", "gpu-2": "GPU2", "gpu-3": "GPU3"}


def test_what_two_devices_claim_goes_to_neither(topology: Topology) -> None:
    """Two drivers that publish the same index, or one index twice, are not guessed between."""
    _, report = bind(topology, [gpu("a", index=1), gpu("b", "gpu.other.io", index=1), gpu("c", index=2)])
    assert vertices(report) == {"c": "GPU2"}
    assert dict(report.devices)["gpu.nvidia.com", "node-1", "a"] == (
        "GPU1 is claimed by gpu.nvidia.com/node-1/a and gpu.other.io/node-1/b"
    )
    assert dict(report.vertices)["GPU1"] == "several devices claim it"


def test_an_index_outside_the_graph(topology: Topology) -> None:
    """A device that the listing does not show is named with its index."""
    _, report = bind(topology, [gpu("a", index=7), gpu("b", index=0)])
    assert vertices(report) == {"b": "GPU0"}
    assert report.devices == ((("gpu.nvidia.com", "node-1", "a"), "index 7: no device of the graph has it"),)


def test_partitions_do_not_take_a_gpus_place(topology: Topology) -> None:
    """MIG devices beside their GPUs leave the order of the GPUs as it is."""
    mig = gpu("gpu-0-mig-1g", type="mig", pciBusID="0000:00:00.0")
    _, report = bind(topology, [mig, *(gpu(f"gpu-{d}", type="gpu") for d in range(4))])
    assert vertices(report) == {f"gpu-{d}": f"GPU{d}" for d in range(4)}
    assert [device[2] for device, _ in report.devices] == ["gpu-0-mig-1g"]


def test_one_way_and_a_given_rule(topology: Topology) -> None:
    """The caller may insist on one way, or say it all."""
    devices = [gpu(f"gpu-{d}", index=d) for d in range(4)]
    _, report = bind(topology, devices, match="name")
    assert ways(report) == {"name"}
    _, report = bind(topology, devices, match={("gpu.nvidia.com", "node-1", "gpu-2"): "NIC1"})
    assert vertices(report) == {"gpu-2": "NIC1"}
    assert ways(report) == {"given"}
    with pytest.raises(UnknownReferenceError, match="no device a/b/c; no vertex 'GPU9'"):
        bind(topology, devices, match={("a", "b", "c"): "GPU9"})
    with pytest.raises(InputError, match="match: 'serial' is unknown"):
        bind(topology, devices, match="serial")


def test_a_rule_gives_the_vertex(topology: Topology) -> None:
    """A function is asked for each device; what it leaves out is listed."""
    devices = [gpu(f"gpu-{d}") for d in range(3)]
    _, report = bind(topology, devices, match=lambda item: {"gpu-0": "GPU2", "gpu-1": "GPU0"}.get(item[2].name))
    assert vertices(report) == {"gpu-0": "GPU2", "gpu-1": "GPU0"}
    assert report.devices == (
        (("gpu.nvidia.com", "node-1", "gpu-2"), "the rule that was given names no vertex for it"),
    )
    with pytest.raises(UnknownReferenceError, match="no vertex 'GPU9'"):
        bind(topology, devices, match=lambda _: "GPU9")


def test_a_device_given_twice_is_listed(topology: Topology) -> None:
    """A pool that names a device twice is invalid; the other devices are bound."""
    _, report = bind(topology, [gpu("a", index=0), gpu("a", index=1), gpu("b", index=2)])
    assert vertices(report) == {"b": "GPU2"}
    assert {why for _, why in report.devices} == {"is given twice, so nobody can tell which is meant"}


def test_a_nic_without_a_legend_is_listed() -> None:
    """NIC0 alone says no RDMA name, so no device is put there."""
    bare = nvidia_smi.topology(nvidia_smi.parse("\tGPU0\tNIC0\nGPU0\t X \tPIX\nNIC0\tPIX\t X \n"))
    _, report = bind(bare, [nic("a", "mlx5_0")])
    assert report.bound == ()
    assert dict(report.vertices)["NIC0"] == "nothing says its PCI address, UUID, index or RDMA device name"


def machine(*devices: dict[str, Any], extra: Iterable[tuple[str, str]] = ()) -> Topology:
    """Return GPUs, unless told otherwise, in a host of one memory node, and what else is in what."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_node("host", kind="host")
    graph.add_node("numa0", kind="numa")
    graph.add_edge("numa0", "host", kind="in", count=1, bandwidth_mb_s=0)
    for d, data in enumerate(devices):
        graph.add_node(f"v{d}", **{"kind": "gpu", **data})
        graph.add_edge(f"v{d}", "numa0", kind="PCIE", count=1, bandwidth_mb_s=24_000)
    for name, above in extra:
        graph.add_node(name, kind="cpu" if name.startswith("cpu") else "numa")
        graph.add_edge(name, above, kind="in", count=1, bandwidth_mb_s=0)
    return Topology(graph)


@pytest.mark.parametrize(
    ("vertex", "other", "device", "by"),
    [
        ({"pci": "0000:0a:00.0"}, {"uuid": "u", "index": 1}, {"pciBusID": "00000000:0A:00.0", "uuid": "u", "index": 1}, "pci"),
        ({"uuid": "u"}, {"index": 1}, {"pciBusID": "0000:0a:00.0", "uuid": "u", "index": 1}, "uuid"),
        ({"index": 0}, {"index": 1, "uuid": "w"}, {"uuid": "u", "index": 0, "minor": 1}, "index"),
        ({"uuid": "u", "pci": "0000:0a:00.0"}, {"pci": "0000:0b:00.0"}, {"uuid": "u"}, "uuid"),
    ],
)  # fmt: skip
def test_the_order_of_ways(vertex: dict[str, Any], other: dict[str, Any], device: dict[str, Any], by: str) -> None:
    """PCI address above all, then UUID, then index, each where both sides have it."""
    _, report = bind(machine(other, vertex), [gpu("d", **device)])
    assert [(bound.vertex, bound.by) for bound in report.bound] == [("v1", by)]


def test_another_address_is_another_device() -> None:
    """Neither UUID nor index, minor or name makes a device of a vertex whose PCI address is another."""
    pictured = machine({"pci": "0000:0a:00.0", "index": 0, "uuid": "u"})
    _, report = bind(pictured, [gpu("d", pciBusID="0000:0b:00.0", index=0, minor=0, uuid="u")])
    assert report.bound == ()
    assert report.devices[0][1] == (
        "PCI address 0000:0b:00.0: no device of the graph has it; UUID u: v0 has it, but another PCI address; "
        "index 0: v0 has it, but another PCI address; pci order: the graph tells the addresses themselves; "
        "minor: would give GPUs other PCI addresses; name: would give GPUs other PCI addresses"
    )
    assert report.vertices == (("v0", "no device has its PCI address 0000:0a:00.0, UUID u, index 0"),)


def test_what_is_told_by_address_is_not_free_for_an_index() -> None:
    """A device whose index is that of a GPU told by its address is listed."""
    _, report = bind(
        machine({"pci": "0000:0a:00.0", "index": 0}), [gpu("a", pciBusID="0000:0a:00.0"), gpu("b", index=0)]
    )
    assert vertices(report) == {"a": "v0"}
    assert report.devices[0][1] == "index 0: v0 has it, but is told to be another device"


def test_an_address_that_two_vertices_have() -> None:
    """The graph does not tell which of them the device is."""
    _, report = bind(machine({"pci": "0000:0a:00.0"}, {"pci": "0000:0a:00.0"}), [gpu("a", pciBusID="0000:0a:00.0")])
    assert report.devices[0][1].startswith("PCI address 0000:0a:00.0: v0 and v1 have it")


def test_drivers_of_other_devices_are_told_by_address() -> None:
    """What a driver is called does not matter where both sides say the address."""
    _, report = bind(
        machine({"pci": "0000:0a:00.0", "index": 0}), [gpu("a", "tpu.example.com", pciBusID="0000:0a:00.0")]
    )
    assert vertices(report) == {"a": "v0"}
    _, report = bind(machine({"pci": "0000:0a:00.0", "index": 0}), [gpu("a", "tpu.example.com", index=0)])
    assert report.bound == ()


def test_cpus_meet_gpus_and_nics_in_one_graph() -> None:
    """Devices of a CPU driver are the CPU of their memory node; without one, the memory node itself."""
    pictured = machine(
        {"index": 0},
        {"kind": "nic", "rdma": "mlx5_0"},
        extra=[("cpu0", "numa0"), ("numa1", "host")],
    )
    cpus = [gpu(f"cpu-{n}", "dra.cpu", **{"dra.cpu/numaNodeID": n}) for n in range(3)]
    links, report = bind(pictured, [gpu("g", index=0), nic("n", "mlx5_0"), *cpus, gpu("cpu-x", "dra.cpu")])
    assert vertices(report) == {"g": "v0", "n": "v1", "cpu-0": "cpu0", "cpu-1": "numa1"}
    assert [why for _, why in report.devices] == ["the graph has no memory node 2", "names no memory node"]
    assert report.vertices == ()
    assert links[0, 1] > links[0, 3] > 0
    assert (links == links.T).all()


def test_cpus_of_one_memory_node_share_it() -> None:
    """Many devices may be the same CPU: a device for each core."""
    cores = [gpu(f"core-{n}", "dra.cpu", numaNodeID=0) for n in range(3)]
    links, report = bind(machine({"index": 0}), [gpu("g", index=0), *cores])
    assert set(vertices(report).values()) == {"v0", "numa0"}
    assert links[0].tolist() == [0, 24_000, 24_000, 24_000]


def test_links_go_along_the_best_path() -> None:
    """Two GPUs that only switches join are linked by what the switches carry."""
    generated = generate("hgx-h100")
    links, report = bind(generated, [gpu(f"gpu-{d}", index=d) for d in range(8)])
    assert len(report.bound) == 8
    assert not generated.direct_links(generated.of_kind("gpu")).any()
    assert set(links[np.triu_indices(8, 1)].tolist()) == {450_000}


@given(order=st.permutations(range(6)))
def test_the_order_of_devices_only_reorders_the_table(order: list[int]) -> None:
    """Permuting the devices permutes links and report."""
    text = (Path(__file__).parents[1] / "data/topology/bridges_2nic.txt").read_text()
    graph = nvidia_smi.topology(nvidia_smi.parse(text))
    devices = [*(gpu(f"g{d}", index=d) for d in range(4)), nic("a", "mlx5_0"), nic("b", "mlx5_3")]
    straight, report = bind(graph, devices)
    turned, other = bind(graph, [devices[d] for d in order])
    for a, b in itertools.product(range(6), repeat=2):
        assert turned[a, b] == straight[order[a], order[b]]
    assert vertices(other) == vertices(report)


FACTS = st.fixed_dictionaries(
    {},
    optional={
        "pci": st.sampled_from(["0000:0a:00.0", "0000:0b:00.0", "0000:0c:00.0"]),
        "uuid": st.sampled_from("uvw"),
        "index": st.integers(0, 2),
    },
)


@given(pictured=st.lists(FACTS, max_size=4), published=st.lists(FACTS, max_size=4))
def test_nothing_is_dropped(pictured: list[dict[str, Any]], published: list[dict[str, Any]]) -> None:
    """Each device and each vertex is bound once or listed with a reason, and no address is bound to another one."""
    named = [{("pciBusID" if key == "pci" else key): held for key, held in facts.items()} for facts in published]
    topology = machine(*pictured)
    links, report = bind(topology, [gpu(f"d{d}", **facts) for d, facts in enumerate(named)])
    assert sorted([each.device[2] for each in report.bound] + [device[2] for device, _ in report.devices]) == [
        f"d{d}" for d in range(len(published))
    ]
    assert sorted([each.vertex for each in report.bound] + [vertex for vertex, _ in report.vertices]) == sorted(
        topology.devices
    )
    assert all(why for _, why in (*report.devices, *report.vertices))
    for each in report.bound:
        mine, theirs = published[int(each.device[2][1:])].get("pci"), pictured[int(each.vertex[1:])].get("pci")
        assert mine is None or theirs is None or mine == theirs
        if mine is not None and [facts.get("pci") for facts in pictured].count(mine) == 1:
            assert (theirs, each.by) == (mine, "pci")
    assert links.shape == (len(published),) * 2


def vf(name: str, address: str, parent: str) -> NodeDevice:
    told = {"pciAddress": DeviceAttribute(string_value=address), "pfPciAddress": DeviceAttribute(string_value=parent)}
    return "sriovnetwork.openshift.io", "node-1", Device(name=name, attributes=told)


PARTS = [
    pytest.param({"uuid": "GPU-b"}, {"type": "mig", "uuid": "MIG-1", "parentUUID": "GPU-b"}, id="parent's UUID"),
    pytest.param({"pciBusID": "0000:0b:00.0"}, {"type": "mig", "pciBusID": "00000000:0B:00.0"}, id="parent's address"),
    pytest.param({"index": 1}, {"type": "mig", "index": 0, "parentIndex": 1}, id="parent's index"),
    pytest.param({"pciBusID": "0000:0b:00.0"}, {"type": "vfio", "pciBusID": "0000:0b:00.0", "uuid": "GPU-b"}, id="passed through"),
]  # fmt: skip


@pytest.mark.parametrize(("whole", "part"), PARTS)
def test_a_part_is_where_the_whole_is(topology: Topology, whole: dict[str, Any], part: dict[str, Any]) -> None:
    """However the GPU itself is told, here by name, its partitions are the same vertex and have its links."""
    devices = [gpu("gpu-0"), gpu("gpu-1", **whole), gpu("gpu-2"), gpu("gpu-3"), gpu("part-0", **part), gpu("part-1", **part)]  # fmt: skip
    links, report = bind(topology, devices, match="name")
    assert [(bound.device[2], bound.vertex, bound.by) for bound in report.bound[1::3]] == [
        ("gpu-1", "GPU1", "name"),
        ("part-0", "GPU1", "parent"),
    ]
    assert report.devices == ()
    assert links[4].tolist()[:1] == links[1].tolist()[:1] == [NV4]
    assert links[4, 5] == links[1, 4] == links.max() > NV4


def test_parts_of_gpus_that_nobody_publishes(topology: Topology) -> None:
    """Where only partitions are there, each parent is told as a GPU would be."""
    devices = [
        gpu(f"gpu-{d}-mig-{n}", type="mig", uuid=f"MIG-{d}{n}", parentUUID=f"GPU-{d}", pciBusID=f"0000:{9 - d}7:00.0")
        for d in range(4)
        for n in range(2)
    ]
    links, report = bind(topology, devices)
    assert [bound.vertex for bound in report.bound] == [f"GPU{3 - d}" for d in range(4) for _ in range(2)]
    assert {bound.by for bound in report.bound} == {"parent"}
    assert best_sets(links, range(8), 2) == ((0, 1), (2, 3), (4, 5), (6, 7))
    assert best_sets(links, [0, 2, 4, 6], 2) == ((0, 2), (4, 6))


def test_whole_gpus_and_parts_are_one_order(topology: Topology) -> None:
    """One GPU is in partitions, three are not: together they are the four of the picture."""
    wholes = [gpu(f"gpu-{d}", type="gpu", pciBusID=f"0000:{d}7:00.0") for d in (0, 2, 3)]
    _, report = bind(topology, [*wholes, gpu("mig", type="mig", parentUUID="u", pciBusID="0000:17:00.0")])
    assert vertices(report) == {"gpu-0": "GPU0", "mig": "GPU1", "gpu-2": "GPU2", "gpu-3": "GPU3"}
    assert [bound.by for bound in report.bound] == ["pci order"] * 3 + ["parent"]


def test_a_part_whose_parent_is_doubtful_is_listed(topology: Topology) -> None:
    """Two devices with the parent's UUID, a parent that is not bound, and no parent at all."""
    twins = [gpu("a", index=0, uuid="u"), gpu("b", index=1, uuid="u")]
    lost = gpu("c", index=9, uuid="w")
    parts = [gpu(f"p{n}", type="mig", parentUUID=u) for n, u in enumerate("uw")]
    _, report = bind(topology, [*twins, lost, *parts, gpu("p2", type="mig")])
    assert vertices(report) == {"a": "GPU0", "b": "GPU1"}
    why = {device[2]: reason for device, reason in report.devices}
    assert why["p0"] == (
        "is a part of gpu.nvidia.com/node-1/a and gpu.nvidia.com/node-1/b, which say the same of themselves"
    )
    assert why["p1"].startswith("is a part of a device that is not bound: UUID w: the graph tells no UUID; index 9: ")
    assert why["p2"] == "is a part of a device and does not say of which"


def drawing(item: NodeDevice, counters: str) -> NodeDevice:
    driver, pool, device = item
    return driver, pool, replace(device, consumes_counters=[DeviceCounterConsumption(counter_set=counters)])


def test_a_part_draws_from_its_parents_counters(topology: Topology) -> None:
    """Partitions that name no parent are of the whole GPU that draws from the same set, if it is the only one."""
    wholes = [drawing(gpu(f"gpu-{d}", type="gpu"), f"gpu-{d}-counter-set") for d in range(4)]
    parts = [drawing(gpu(f"gpu-{d}-mig", type="mig"), f"gpu-{d}-counter-set") for d in (2, 0)]
    _, report = bind(topology, [*parts, *wholes])
    assert vertices(report)["gpu-2-mig"] == "GPU2"
    assert vertices(report)["gpu-0-mig"] == "GPU0"
    board = [drawing(gpu(f"gpu-{d}", type="gpu"), "board") for d in range(4)]
    _, report = bind(topology, [drawing(gpu("part", type="mig"), "board"), *board])
    assert [device[2] for device, _ in report.devices] == ["part"]


def test_amds_device_id_is_no_parent(topology: Topology) -> None:
    """All GPUs of a model have the same deviceID: partitions are told apart by address."""
    parts = [
        gpu(f"gpu-{d}-{n}", "gpu.amd.com", type="amdgpu-partition", deviceID="0x74a1", pciAddr=f"0000:{d}7:00.0")
        for d in range(4)
        for n in range(2)
    ]
    _, report = bind(topology, parts)
    assert [bound.vertex for bound in report.bound] == [f"GPU{d}" for d in range(4) for _ in range(2)]


def test_virtual_functions_are_their_card() -> None:
    """The card's own address is told; what the picture has a vertex for is that vertex."""
    pictured = machine({"kind": "nic", "pci": "0000:0c:00.0"}, {"kind": "nic", "pci": "0000:0d:00.0"}, {"index": 0})
    vfs = [vf(f"vf-{n}", f"0000:0c:00.{n + 1}", "0000:0C:00.0") for n in range(2)]
    links, report = bind(pictured, [*vfs, gpu("g", index=0), vf("vf-2", "0000:0d:00.0", "0000:0c:00.0")])
    assert [(bound.vertex, bound.by) for bound in report.bound] == [
        ("v0", "parent"),
        ("v0", "parent"),
        ("v2", "index"),
        ("v1", "pci"),
    ]
    assert links[0, 1] > links[0, 2] > 0


def test_parts_of_a_failed_gpu_carry_nothing() -> None:
    """What has failed has no links inside either."""
    pictured = machine({"index": 0, "pci": "0000:0a:00.0"}).with_failed("v0")
    links, report = bind(pictured, [gpu(n, type="mig", pciBusID="0000:0a:00.0") for n in "ab"])
    assert (len(report.bound), links.any()) == (2, False)


def test_parts_may_be_given() -> None:
    """A mapping may put the parts of a device where the device is, and no others."""
    parts = [gpu(n, type="mig", parentUUID="u") for n in "ab"]
    place = {("gpu.nvidia.com", "node-1", n): "v0" for n in "ab"}
    _, report = bind(machine({"index": 0}), parts, match=place)
    assert [(bound.vertex, bound.by) for bound in report.bound] == [("v0", "given"), ("v0", "given")]
    _, report = bind(machine({"index": 0}), [parts[0], gpu("b", type="mig", parentUUID="w")], match=place)
    assert report.bound == ()


def test_numbers_may_be_published_as_text() -> None:
    """An index of digits is an index; another text is none."""
    _, report = bind(
        machine({"index": 0}, {"index": 10}), [gpu("a", index="0"), gpu("b", index="10"), gpu("c", index="x")]
    )
    assert vertices(report) == {"a": "v0", "b": "v1"}
    assert report.devices[0][1].startswith("says nothing")


SPELLED = ["0000:0a:1c.0", "00000000:0A:1C.0", "0a:1c.0", "0A:1c.0", "0000:0A:1C.0"]


@pytest.mark.parametrize("spelled", SPELLED)
def test_an_address_in_every_spelling(spelled: str) -> None:
    """Four or eight digits of domain or none, and either case, are the same address."""
    _, report = bind(machine({"pci": "0000:0a:1c.0"}), [gpu("a", pciBusID=spelled)])
    assert vertices(report) == {"a": "v0"}


@pytest.mark.parametrize("other", ["0001:0a:1c.0", "0000:0a:1c.1", "0a1c.0", "0000:0a:1c", "0000:0a:3c.0", ""])
def test_another_address_is_not_the_same(other: str) -> None:
    """Domain, device and function count, and what is no address is none."""
    _, report = bind(machine({"pci": "0000:0a:1c.0"}), [gpu("a", pciBusID=other)], match="pci")
    assert report.bound == ()
