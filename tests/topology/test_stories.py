"""Stories of real machines: what they printed, joined to devices, decides which devices claims get."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from drapolicy.api import Objects
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
from drapolicy.testing.simple import CLASS, claim, request
from drapolicy.topology import Topology, generate, read
from drapolicy.topology.fleet import bind_fleet
from drapolicy.topology.links import LinkKind

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
