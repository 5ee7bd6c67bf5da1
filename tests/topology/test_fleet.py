"""One machine's graph is joined to the nodes of a fleet that it describes."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from msgspec.structs import replace as struct_replace

from drapolicy.api import Objects
from drapolicy.api import load as load_objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import Device, DeviceAttribute, ResourcePool, ResourceSlice, ResourceSliceSpec
from drapolicy.errors import UnknownReferenceError
from drapolicy.inventory import Fleet, build
from drapolicy.problem.state import State
from drapolicy.testing.simple import row
from drapolicy.topology import best_sets, generate, nvidia_smi, read
from drapolicy.topology.fleet import bind_fleet, product_of, with_topology
from drapolicy.topology.graph import Topology
from drapolicy.workload import MODELS, fleet_objects, topology_text


def graph(model: str = "a100-pcie-bridged") -> Topology:
    return nvidia_smi.topology(nvidia_smi.parse(topology_text(model)), MODELS[model].product)


def test_all_nodes_that_match_get_links() -> None:
    """Every node whose devices are found in the graph gets a table, and the report counts them."""
    plain = build(fleet_objects("a100-pcie-bridged", 3))
    bound, report = bind_fleet(plain, graph())
    assert sorted(bound.links) == ["node-00", "node-01", "node-02"]
    assert report.without == ()
    assert str(report).startswith("3 nodes got links, 0 did not")
    assert dict(plain.links) == {}
    site = State(bound).sites[1]
    gpu = [d.index for d in site.devices if d.id.device in {"gpu-0", "gpu-1"}]
    assert site.links[gpu[0], gpu[1]] == site.links.max()
    assert (site.links == site.links.T).all()
    assert not site.links.flags.writeable


def test_nodes_can_be_named() -> None:
    """Only the nodes named get links; an unknown one is refused."""
    plain = build(fleet_objects("a100-pcie-bridged", 2))
    bound, _ = bind_fleet(plain, graph(), nodes=["node-01"])
    assert sorted(bound.links) == ["node-01"]
    with pytest.raises(UnknownReferenceError, match="topology: node x is not in the fleet"):
        bind_fleet(plain, graph(), nodes=["x"])


def test_nodes_without_a_match_are_told() -> None:
    """Devices of another kind match nothing: no links, and the report names the nodes."""
    bound, report = bind_fleet(build(row(nodes=2, devices=2)), graph())
    assert (dict(bound.links), report.without) == ({}, ("node-0", "node-1"))
    lines = str(report).splitlines()
    assert lines[0] == "0 nodes got links, 2 did not"
    assert "GPU0: not bound: no device has its index 0 (2 nodes)" in lines
    assert sorted(report.unmatched) == ["node-0", "node-1"]


def gpus(node: str, count: int, *, generation: int = 1, addresses: bool = False) -> ResourceSlice:
    """Return a slice of GPUs with their index, or with addresses like those of generated machines."""
    devices = [
        Device(
            name=f"gpu-{d}",
            attributes={"pciBusID": DeviceAttribute(string_value=f"{d:04x}:01:00.0")}
            if addresses
            else {"index": DeviceAttribute(int_value=d)},
        )
        for d in range(count)
    ]
    pool = ResourcePool(name=node, generation=generation, resource_slice_count=1)
    spec = ResourceSliceSpec(driver="gpu.nvidia.com", pool=pool, node_name=node, devices=devices)
    return ResourceSlice(metadata=ObjectMeta(name=f"{node}-{generation}"), spec=spec)


def renamed(topology: Topology) -> Topology:
    """Return the same picture with names that nodes can have."""
    return Topology(nx.relabel_nodes(topology.graph, lambda name: name.replace("/", "-")))


def test_each_host_is_the_node_of_its_name() -> None:
    """Of a rack each tray goes to its node, over the switches of all; trays without a node and others are listed."""
    rack = renamed(generate("gb200-nvl72").with_failed("rack0/tray1/GPU0"))
    names = ["rack0-tray0", "rack0-tray1", "elsewhere"]
    plain = build(Objects(slices=tuple(gpus(name, 4, addresses=True) for name in names)))
    bound, report = bind_fleet(plain, rack)
    assert sorted(bound.links) == ["rack0-tray0", "rack0-tray1"]
    assert report.without == ("elsewhere",)
    assert {each.vertex for each in report.nodes["rack0-tray1"].bound} == {f"rack0-tray1-GPU{d}" for d in range(4)}
    assert bound.links["rack0-tray0"].mb_s[0].tolist() == [0, 900_000, 900_000, 900_000]
    assert bound.links["rack0-tray1"].mb_s[0].tolist() == [0, 0, 0, 0]
    missing = dict(report.vertices)
    assert missing["rack0-tray2-GPU0"] == "no node is called rack0-tray2"
    assert len(missing) == 16 * 8
    assert "rack0-tray0-NIC0: not bound" in str(report)


def test_boxes_on_a_network() -> None:
    """Machines in a fabric get the links that they have alone."""
    fabric = renamed(generate("fat-tree", nodes=4, machine="dgx-1-v100"))
    hosts = fabric.of_kind("host")
    bound, report = bind_fleet(build(Objects(slices=tuple(gpus(name, 8) for name in hosts))), fabric)
    alone, _ = bind_fleet(build(Objects(slices=(gpus("host", 8),))), generate("dgx-1-v100"))
    assert (report.without, report.vertices) == ((), ())
    for name in hosts:
        assert (bound.links[name].mb_s >= alone.links["host"].mb_s).all()
        assert bound.links[name].mb_s.max() == alone.links["host"].mb_s.max()


def test_hosts_without_devices_are_no_machines() -> None:
    """A network of hosts alone has nothing to bind."""
    plain = build(Objects(slices=(gpus("host0", 2),)))
    network = renamed(generate("fat-tree", nodes=4))
    bound, report = bind_fleet(plain, network)
    assert (dict(bound.links), report.without, dict(report.unmatched)) == ({}, ("host0",), {})


def test_a_pool_that_is_replaced_counts_once() -> None:
    """Of two generations the newer one is bound."""
    plain = build(Objects(slices=(gpus("a", 4), gpus("a", 3, generation=2))))
    bound, report = bind_fleet(plain, graph())
    assert [each.vertex for each in report.nodes["a"].bound] == ["GPU0", "GPU1", "GPU2"]
    assert bound.links["a"].mb_s.shape == (3, 3)


def test_a_mapping_names_devices_of_several_nodes() -> None:
    """Each node takes its own part; what no node has is refused."""
    plain = build(Objects(slices=(gpus("a", 2), gpus("b", 2))))
    match = {("gpu.nvidia.com", node, f"gpu-{d}"): f"GPU{d + n}" for n, node in enumerate("ab") for d in range(2)}
    _, report = bind_fleet(plain, graph(), match=match)
    assert [each.vertex for name in "ab" for each in report.nodes[name].bound] == ["GPU0", "GPU1", "GPU1", "GPU2"]
    with pytest.raises(UnknownReferenceError, match="match: no device gpu.nvidia.com/c/gpu-0 on the nodes"):
        bind_fleet(plain, graph(), match={**match, ("gpu.nvidia.com", "c", "gpu-0"): "GPU0"})


def real(shared: Path, *endings: str) -> Fleet:
    folder = shared / "real" / "kubernetes-sigs_dranet"
    parts = [load_objects(path).slices for ending in endings for path in sorted(folder.glob(f"*{ending}"))]
    return build(Objects(slices=tuple(chain.from_iterable(parts))))


def test_a_real_node_of_two_drivers_and_its_own_picture(shared: Path) -> None:
    """All GPUs and RDMA cards of a p4d are told by address, cards without RDMA listed; each GPU has a nearest card."""
    plain = real(shared, "gpu-efa__resourceslice-dranet.yaml", "gpu-efa__resourceslice-gpu.yaml")
    bound, report = bind_fleet(plain, read(shared / "topology" / "aws_aws-ofi-nccl" / "p4d-24xl-topo.xml"))
    ((name, of_node),) = report.nodes.items()
    assert {each.by for each in of_node.bound} == {"pci"}
    assert {each.device[2] for each in of_node.bound} >= {f"gpu-{d}" for d in range(8)}
    assert [device[2] for device, _ in of_node.devices] == [f"pci-0000-{bus}-01-0" for bus in ("20", "90", "a0")]
    assert of_node.vertices == ()
    links = bound.links[name]
    nics = [d for d, (driver, _, _) in enumerate(links.devices) if driver == "dra.net"]
    for d in range(8):
        speeds = links.mb_s[links.devices.index(("gpu.nvidia.com", name, f"gpu-{d}"))][nics]
        assert np.flatnonzero(speeds == speeds.max()).tolist() == [d // 2]


def test_real_devices_that_share_no_attribute_are_aligned_by_a_side_file(shared: Path, tmp_path: Path) -> None:
    """GB300: GPUs by the order of their addresses, cards by RDMA name, and the file says which is near which."""
    rows = ["\t".join(["", *(f"GPU{d}" for d in range(4)), *(f"NIC{d}" for d in range(4))])]
    for a in range(8):
        near = [
            "X" if a == b else "NV18" if max(a, b) < 4 else "NODE" if a % 4 // 2 == b % 4 // 2 else "SYS"
            for b in range(8)
        ]
        rows.append("\t".join([f"{'NIC' if a > 3 else 'GPU'}{a % 4}", *near]))
    rows += ["", "NIC Legend:", "", *(f"  NIC{d}: mlx5_{d}" for d in range(4))]
    (tmp_path / "topo.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    plain = real(shared, "gb300__resourceslice-dranet.yaml", "gb300__resourceslice-gpu.yaml")
    bound, report = with_topology(plain, tmp_path / "topo.txt")
    ((name, of_node),) = report.nodes.items()
    assert (of_node.devices, of_node.vertices) == ((), ())
    assert {each.by for each in of_node.bound} == {"pci order", "rdma"}
    links = bound.links[name]
    place = {device[2]: d for d, device in enumerate(links.devices)}
    for d in range(4):
        speeds = [int(links.mb_s[place[f"gpu-{d}"], place[f"pci-010{n + 1}-00-00-0"]]) for n in range(4)]
        assert [n for n in range(4) if speeds[n] == max(speeds)] == [d // 2 * 2, d // 2 * 2 + 1]


def test_pairs_of_a_real_box(shared: Path) -> None:
    """Of four cards with bridges, the best two for a node's devices are a bridged pair."""
    pairs = read(shared / "topology" / "excerpts" / "nvlink_pairs_a100_pcie_4gpu.txt")
    bound, _ = bind_fleet(build(Objects(slices=(gpus("a", 4),))), pairs)
    linked = np.argwhere(np.triu(bound.links["a"].mb_s == bound.links["a"].mb_s.max())).tolist()
    assert best_sets(bound.links["a"].mb_s, range(4), 2) == tuple(map(tuple, linked))
    assert len(linked) == 2


def test_links_from_attributes_fill_the_gaps() -> None:
    """Where the graph knows nothing of a pair, what the drivers publish counts."""
    plain = build(fleet_objects("a100-pcie-bridged", 1))
    published = State(plain).sites[0].links
    bound = State(bind_fleet(plain, graph())[0]).sites[0].links
    assert ((bound > 0) >= (published > 0)).all()
    assert not np.array_equal(bound, published)


def test_the_product_is_the_one_that_most_gpus_publish() -> None:
    """Other devices' models do not count; empty where no GPU has a product name."""
    objects = fleet_objects("dgx-h100", 1)
    assert product_of(build(objects)) == "NVIDIA H100 80GB HBM3"
    assert product_of(build(row(nodes=1, devices=1))) == ""
    disks = [Device(name=f"d{d}", attributes={"model": DeviceAttribute(string_value="NVMe")}) for d in range(99)]
    pool = ResourcePool(name="disks", generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver="disk.example.com", pool=pool, node_name="node-00", devices=disks)
    published = ResourceSlice(metadata=ObjectMeta(name="disks"), spec=spec)
    more = replace(objects, slices=(*objects.slices, published))
    assert product_of(build(more)) == "NVIDIA H100 80GB HBM3"


def test_links_of_a_file_are_as_fast_as_the_fleets_gpus(tmp_path: Path) -> None:
    """The file names no product: the fleet's decides the bandwidths."""
    listing = tmp_path / "topo.txt"
    listing.write_text(topology_text("a100-pcie-bridged"), encoding="utf-8")
    plain = build(fleet_objects("dgx-h100", 1))
    bound, _ = with_topology(plain, listing)
    (links,) = bound.links.values()
    expected = nvidia_smi.topology(nvidia_smi.read(listing), "NVIDIA H100 80GB HBM3")
    other = nvidia_smi.topology(nvidia_smi.read(listing))
    assert np.array_equal(links.mb_s, bind_fleet(plain, expected)[0].links["node-00"].mb_s)
    assert not np.array_equal(links.mb_s, bind_fleet(plain, other)[0].links["node-00"].mb_s)


def test_a_file_for_each_product(tmp_path: Path) -> None:
    """Files of several products go to their own nodes, one after the other."""
    objects = fleet_objects("a100-pcie-bridged", 2).merged(renamed_nodes(fleet_objects("dgx-h100", 1)))
    fleet = build(objects)
    for model in ("a100-pcie-bridged", "dgx-h100"):
        (tmp_path / model).write_text(topology_text(model), encoding="utf-8")
        fleet, report = with_topology(fleet, tmp_path / model, product=MODELS[model].product)
        assert sorted(report.nodes) == (["h-00"] if model == "dgx-h100" else ["node-00", "node-01"])
    assert sorted(fleet.links) == ["h-00", "node-00", "node-01"]


def renamed_nodes(objects: Objects) -> Objects:
    """Return the slices of nodes under other names."""

    def other(item: ResourceSlice) -> ResourceSlice:
        spec = struct_replace(
            item.spec,
            node_name=(item.spec.node_name or "").replace("node", "h"),
            pool=struct_replace(item.spec.pool, name=item.spec.pool.name.replace("node", "h")),
        )
        return ResourceSlice(metadata=ObjectMeta(name=f"h-{item.metadata.name}"), spec=spec)

    return Objects(slices=tuple(map(other, objects.slices)))


def test_a_pool_of_several_slices_is_one_node() -> None:
    """Devices of all slices of a pool's newest generation are bound, in whatever order the slices come."""
    whole = gpus("a", 8)
    halves = [
        ResourceSlice(
            metadata=ObjectMeta(name=f"a-{half}"),
            spec=struct_replace(whole.spec, pool=pool, devices=whole.spec.devices[4 * half : 4 * half + 4]),
        )
        for half in (1, 0)
        for pool in [ResourcePool(name="a", generation=1, resource_slice_count=2)]
    ]
    _, report = bind_fleet(build(Objects(slices=tuple(halves))), generate("dgx-1-v100"))
    assert {each.device[2]: each.vertex for each in report.nodes["a"].bound} == {
        f"gpu-{d}": f"GPU{d}" for d in range(8)
    }


def test_devices_with_one_uuid_go_to_nobody() -> None:
    """Two devices with a UUID of the graph contest its vertex; a third one is bound."""
    graph = generate("dgx-1-v100").graph.copy()
    for d in range(8):
        graph.nodes[f"GPU{d}"]["uuid"] = f"u{d}"
        del graph.nodes[f"GPU{d}"]["index"]
    devices = [
        Device(name=f"d{n}", attributes={"uuid": DeviceAttribute(string_value=uuid)})
        for n, uuid in enumerate(["u0", "u0", "u3"])
    ]
    spec = struct_replace(gpus("a", 0).spec, devices=devices)
    published = ResourceSlice(metadata=ObjectMeta(name="a"), spec=spec)
    _, report = bind_fleet(build(Objects(slices=(published,))), Topology(graph))
    assert [(each.device[2], each.vertex) for each in report.nodes["a"].bound] == [("d2", "GPU3")]
    assert {why for _, why in report.nodes["a"].devices} == {
        "GPU0 is claimed by gpu.nvidia.com/a/d0 and gpu.nvidia.com/a/d1"
    }
