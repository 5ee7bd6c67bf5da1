"""Stories of real machines: what they printed, joined to devices, decides which devices claims get."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from drapolicy.api import Objects, load
from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    AllocationResult,
    Device,
    DeviceAllocationResult,
    DeviceAttribute,
    DeviceClass,
    DeviceRequestAllocationResult,
    ResourceClaim,
    ResourceClaimStatus,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import Fleet, build
from drapolicy.policies.place import place
from drapolicy.problem.never import never_hold
from drapolicy.testing.simple import CLASS, claim, request
from drapolicy.topology import Topology, common, generate, nvidia_smi, read
from drapolicy.topology.fleet import bind_fleet, devices_of, with_topology
from drapolicy.topology.generate import matrix
from drapolicy.topology.links import LinkKind
from drapolicy.topology.matrix import text
from drapolicy.topology.measures.alignment import alignment
from drapolicy.workload import fleet_objects

DRIVER, NODE = "gpu.nvidia.com", "node-0"
QUADS = ((0, 1, 2, 3), (4, 5, 6, 7))
LINKED = {LinkKind.NVLINK.value, LinkKind.XGMI.value}


def published(topology: Topology) -> Objects:
    """Return a node with a device for each GPU of a picture, called as it, that says what the picture says of it."""
    devices: list[Device] = []
    for name in topology.of_kind("gpu"):
        told = topology.graph.nodes[name]
        attributes = {
            spelling: DeviceAttribute(int_value=v) if isinstance(v, int) else DeviceAttribute(string_value=v)
            for field, spelling in (("index", "index"), ("pci", "resource.kubernetes.io/pciBusID"))
            if (v := told.get(field)) is not None
        }
        devices.append(Device(name=f"gpu-{len(devices)}", attributes=attributes))
    pool = ResourcePool(name=NODE, generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver=DRIVER, node_name=NODE, pool=pool, devices=devices)
    return Objects(
        nodes=(Node(metadata=ObjectMeta(name=NODE)),),
        slices=(ResourceSlice(metadata=ObjectMeta(name=NODE), spec=spec),),
        classes=(DeviceClass(metadata=ObjectMeta(name=CLASS)),),
    )


def bound(topology: Topology) -> Fleet:
    """Return the node of a picture with its links; all GPUs are bound."""
    fleet, report = bind_fleet(build(published(topology)), topology)
    assert len(report.nodes[NODE].bound) == len(topology.of_kind("gpu"))
    return fleet


def busy(devices: Iterable[int]) -> ResourceClaim:
    """Return a claim that holds devices."""
    results = [
        DeviceRequestAllocationResult(request="devices", driver=DRIVER, pool=NODE, device=f"gpu-{d}") for d in devices
    ]
    held = claim("busy", request(len(results)))
    status = ResourceClaimStatus(allocation=AllocationResult(devices=DeviceAllocationResult(results=results)))
    return ResourceClaim(metadata=held.metadata, spec=held.spec, status=status)


def chosen(fleet: Fleet, count: int, taken: Sequence[int]) -> tuple[int, ...]:
    """Return which GPUs ``bandwidth`` gives to a claim where some are taken."""
    held = (busy(taken),) if taken else ()
    placement = place(fleet, Objects(claims=(*held, claim("new", request(count)))), "bandwidth")
    (result,) = placement.results
    return tuple(sorted(int(each.device.removeprefix("gpu-")) for each in result.devices.results))


def subsets(of: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in range(len(of) + 1):
        yield from combinations(of, size)


def test_quads_of_a_generated_dgx1() -> None:
    """Whatever else is taken, a claim for four gets a fully linked quad where one is free."""
    quads_are_found(bound(generate("dgx-1-v100")))


def test_quads_of_a_real_dgx1(shared: Path) -> None:
    """The same on what a DGX-1 printed."""
    quads_are_found(bound(read(shared / "topology" / "excerpts" / "dgx1_v100_4mlx5.txt")))


def quads_are_found(fleet: Fleet) -> None:
    states = {taken for quad in QUADS for taken in subsets(quad)}
    assert len(states) == 31
    for taken in states:
        free = [quad for quad in QUADS if not set(quad) & set(taken)]
        assert chosen(fleet, 4, taken) in free, f"GPUs {taken} are taken"


def linked_pairs(topology: Topology) -> set[tuple[int, int]]:
    """Return the pairs of GPUs with NVLink or xGMI between them, over switches too, by place."""
    graph, gpus = topology.graph, topology.of_kind("gpu")
    ends = {
        name: {other for other, link in graph[name].items() if link["kind"] in LINKED and not link.get("failed")}
        for name in gpus
    }
    return {
        (a, b)
        for (a, one), (b, other) in combinations(enumerate(gpus), 2)
        if other in ends[one] or any(graph.nodes[via]["kind"] == "switch" for via in ends[one] & ends[other])
    }


def pairs_are_found(topology: Topology, linked: set[tuple[int, int]]) -> None:
    """Check that two get a linked pair wherever one is free, whichever one or two devices are taken."""
    fleet = bound(topology)
    count = len(topology.of_kind("gpu"))
    for taken in (states for size in (1, 2) for states in combinations(range(count), size)):
        free = {pair for pair in linked if not set(pair) & set(taken)}
        if free:
            assert chosen(fleet, 2, taken) in free, f"GPUs {taken} are taken"


GENERATED = ("dgx-1-p100", "dgx-1-v100", "dgx-a100", "mi250x")


@pytest.mark.parametrize("kind", GENERATED)
def test_pairs_of_generated_boxes(kind: str) -> None:
    """A claim for two gets a pair with links between them."""
    topology = generate(kind)
    linked = linked_pairs(topology)
    assert linked
    pairs_are_found(topology, linked)


def test_the_pairs_of_the_first_story(shared: Path) -> None:
    """Four cards with two bridges: where the first is taken, two are the other pair."""
    fleet = bound(read(shared / "topology" / "excerpts" / "nvlink_pairs_a100_pcie_4gpu.txt"))
    assert chosen(fleet, 2, [0]) == (2, 3)


def test_pairs_of_every_real_box(shared: Path) -> None:
    """The same on every file that tells of links between GPUs, as the facts know which are linked."""
    folder = shared / "topology"
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    seen: set[bytes] = set()
    files = 0
    for name, told in facts.items():
        if not (told.get("nvlink_pairs") or told.get("nvlinks") or told.get("xgmi") or told.get("xgmi_pairs")):
            continue
        topology = read(folder / name)
        linked = linked_pairs(topology)
        if told.get("nvlink_list"):
            place = {label: d for d, label in enumerate(c for c in told["columns"] if c.startswith("GPU"))}
            assert linked == {(place[a], place[b]) for a, b, _ in told["nvlink_list"]}, name
        files += 1
        links = topology.direct_links(topology.of_kind("gpu"))
        table = links.tobytes() + np.array(sorted(linked)).tobytes()
        if table not in seen:
            seen.add(table)
            pairs_are_found(topology, linked)
    assert files > len(seen) > 10


ROOT, BUS = "resource.kubernetes.io/pcieRoot", "resource.kubernetes.io/pciBusID"


def tray(gpu_roots: Sequence[str], nics: Sequence[Mapping[str, int | str]]) -> Objects:
    """Return slices of a tray: GPUs by root and address, RDMA cards with what each says."""
    gpus = [{ROOT: f"pci{root}", BUS: f"{root.split(':')[0]}:06:00.0", "type": "gpu"} for root in gpu_roots]
    cards = [{**told, "dra.net/rdmaDevice": f"mlx5_{n}"} for n, told in enumerate(nics)]
    return Objects(slices=(slice_of(DRIVER, "gpu", gpus), slice_of("dra.net", "nic", cards)))


def slice_of(driver: str, name: str, told: Iterable[Mapping[str, int | str]]) -> ResourceSlice:
    devices = [
        Device(
            name=f"{name}-{d}",
            attributes={
                key: DeviceAttribute(int_value=v) if isinstance(v, int) else DeviceAttribute(string_value=v)
                for key, v in attributes.items()
            },
        )
        for d, attributes in enumerate(told)
    ]
    pool = ResourcePool(name=NODE, generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver=driver, node_name=NODE, pool=pool, devices=devices)
    return ResourceSlice(metadata=ObjectMeta(name=f"{NODE}-{driver}"), spec=spec)


GB300 = tray(["0008:00", "0009:00", "0018:00", "0019:00"], [{"dra.net/numaNode": n // 2} for n in range(4)])
"""As one cloud publishes it: GPUs without a NUMA node, virtual functions without a root."""

GB200 = tray(
    ["0008:00", "0009:00", "0018:00", "0019:00"],
    [{ROOT: f"pci{domain}:00", "dra.net/numaNode": n // 4} for n, domain in enumerate(["0000", "0002", "0010", "0012"] * 2)],
)  # fmt: skip
"""As another cloud publishes it: roots on both sides, none of them in common."""


def of_driver(driver: str) -> str:
    return f'device.driver == "{driver}"'


PAIR = (request(1, of_driver(DRIVER), name="gpu"), request(1, of_driver("dra.net"), name="nic"))


def with_class(slices: Objects) -> Objects:
    return slices.merged(Objects(classes=(DeviceClass(metadata=ObjectMeta(name=CLASS)),)))


@pytest.fixture
def side_file(tmp_path: Path) -> Path:
    """What ``nvidia-smi topo -m`` would print on a tray of four GPUs and four cards."""
    path = tmp_path / "topo.txt"
    path.write_text(text(matrix(generate("gb200-nvl72"), "rack0/tray0")), encoding="utf-8")
    return path


def test_a_tray_that_shares_no_attribute(side_file: Path) -> None:
    """GPUs and cards with nothing in common are aligned by what the machine printed."""
    aligned_by_side_file(GB300, side_file)


def test_a_real_tray_that_shares_no_attribute(shared: Path, side_file: Path) -> None:
    """The same on the slices that a GB300 node published."""
    folder = shared / "real" / "kubernetes-sigs_dranet"
    parts = [load(path) for path in sorted(folder.glob("*gb300__resourceslice-*.yaml"))]
    aligned_by_side_file(parts[0].merged(*parts[1:]), side_file)


def aligned_by_side_file(slices: Objects, side_file: Path) -> None:
    plain = build(with_class(slices))
    (node,) = plain.nodes.names
    (found,) = common(devices_of(plain, node))
    assert (found.holds, found.never) == ((), ())
    assert "no attribute in common" in found.sentences[0]
    assert found.sentences[0].endswith("join a side file instead.")
    fleet, report = with_topology(plain, side_file)
    vertex = {each.device[2]: each.vertex for each in report.nodes[node].bound}
    assert len(vertex) == 8
    picture = read(side_file)
    for taken in ((), *combinations(range(4), 1), *combinations(range(4), 2)):
        held = () if not taken else (held_on(node, taken),)
        placement = place(fleet, Objects(claims=(*held, claim("new", *PAIR))), "bandwidth")
        gpu, nic = (vertex[each.device] for each in placement.results[0].devices.results)
        assert alignment(picture, [gpu], [nic]).own["numa"] == 1, f"GPUs {taken} are taken"
    apart = alignment(picture, ["GPU0"], ["NIC3"])
    assert (apart.own["numa"], apart.own["host"]) == (0, 1)


def held_on(node: str, taken: Sequence[int]) -> ResourceClaim:
    """Return a claim that holds GPUs of a node."""
    results = [DeviceRequestAllocationResult(request="gpu", driver=DRIVER, pool=node, device=f"gpu-{d}") for d in taken]
    status = ResourceClaimStatus(allocation=AllocationResult(devices=DeviceAllocationResult(results=results)))
    held = claim("busy", request(len(taken), of_driver(DRIVER), name="gpu"))
    return ResourceClaim(metadata=held.metadata, spec=held.spec, status=status)


def test_roots_without_a_common_value() -> None:
    """Both publish pcieRoot, on no common root: the node is told so, and the claim that it waits in vain."""
    plain = build(with_class(GB200))
    (found,) = common(devices_of(plain, NODE))
    assert (found.holds, found.never) == ((), (ROOT,))
    assert f"matchAttribute {ROOT} can never hold between dra.net and {DRIVER} on this node" in found.sentences[0]
    (fault,) = never_hold(plain, [claim("aligned", *PAIR, match=ROOT)])
    assert fault.message.startswith(f"{ROOT} can never hold on the one node that has devices for its requests")
    assert "request gpu have pci0008:00, pci0009:00, pci0018:00, pci0019:00" in fault.message
    assert "request nic have pci0000:00, pci0002:00, pci0010:00, pci0012:00" in fault.message


def test_roots_in_common_on_a_real_node(shared: Path) -> None:
    """On a p4d every GPU has a card on its root: the same claim can hold there."""
    folder = shared / "real" / "kubernetes-sigs_dranet"
    parts = [load(path) for path in sorted(folder.glob("*gpu-efa__resourceslice-*.yaml"))]
    plain = build(with_class(parts[0].merged(*parts[1:])))
    (found,) = common(devices_of(plain, plain.nodes.names[0]))
    assert found.holds == (ROOT,)
    assert never_hold(plain, [claim("aligned", *PAIR, match=ROOT)]) == []


SMALL = 'device.attributes["gpu.nvidia.com"].type == "mig" && device.attributes["gpu.nvidia.com"].profile == "1g.5gb"'


def test_partitions_of_generated_gpus() -> None:
    """Partitions have the links of their GPUs, and two that are asked for are of one GPU."""
    objects = fleet_objects("a100-mig", 1)
    gpus = sum(device.name.count("mig") == 0 for part in objects.slices for device in part.spec.devices)
    parts_are_near(objects, printed(generate("pcie", cards=gpus)))


def test_partitions_of_a_whole_dgx_a100(shared: Path) -> None:
    """The same on 208 devices that name no parent but draw from its counters."""
    objects = load(shared / "real" / "derived_dgxa100_mig" / "nvidia-00-dgxa100-mig.yaml")
    parts_are_near(objects, printed(generate("dgx-a100")))


def printed(topology: Topology) -> Topology:
    """Return what ``nvidia-smi topo -m`` tells of a machine: no addresses."""
    return nvidia_smi.topology(nvidia_smi.parse(text(matrix(topology))))


def parts_are_near(objects: Objects, topology: Topology) -> None:
    fleet, report = bind_fleet(build(with_class(objects)), topology)
    (of_node,) = report.nodes.values()
    assert of_node.devices == ()
    assert {each.vertex for each in of_node.bound} >= set(topology.of_kind("gpu"))
    assert {each.by == "parent" for each in of_node.bound if "mig" in each.device[2]} == {True}
    placement = place(fleet, Objects(claims=(claim("two", request(2, SMALL)),)), "bandwidth")
    vertex = {each.device[2]: each.vertex for each in of_node.bound}
    one, other = (vertex[each.device] for each in placement.results[0].devices.results)
    assert one == other
