"""One machine's graph is joined to the nodes of a fleet that it describes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import Device, DeviceAttribute, ResourcePool, ResourceSlice, ResourceSliceSpec
from drapolicy.errors import UnknownReferenceError
from drapolicy.inventory import build
from drapolicy.problem.state import State
from drapolicy.testing.simple import row
from drapolicy.topology import nvidia_smi
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
    assert str(report) == "0 nodes got links, 2 did not"


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
