"""Joining a graph to the devices of a node."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology import Topology, best_sets, bind, nvidia_smi
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
        ("pci", [{"pciBusID": b, "minor": d} for d, b in enumerate(["0001:07:00.0", "0000:c7:00.0", "0000:47:00.1", "00000000:47:00.0"])]),
        ("pci", [{"pcieBusID": b} for b in ["0000:C7:00.0", "0000:87:00.0", "0000:47:00.0", "0000:0a:00.0"]]),
        ("minor", [{"minor": 3}, {"minor": 2}, {"minor": 1}, {"minor": 0}]),
        ("minor", [{"minor": 3 - d, "pciBusID": "0000:07:00.0"} for d in range(4)]),
    ],
)  # fmt: skip
def test_gpus_in_reverse(topology: Topology, way: str, attributes: list[dict[str, int | str]]) -> None:
    """Index first, then the order of PCI addresses, then minor; the order of the devices does not matter."""
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
        ("dra.net", "node-1", "eth0"): "publishes no RDMA device name",
        ("dra.net", "node-1", "nic-c"): "the graph has no NIC, or several, with RDMA name mlx5_9",
    }
    assert report.vertices == ()
    assert str(report).splitlines()[0] == "gpu.nvidia.com/node-1/gpu-0 = GPU0 (by index)"


def test_links_are_a_table_of_the_devices(topology: Topology) -> None:
    """Symmetric, zero on the diagonal and for what has no vertex, and not writeable; the bridges are best."""
    devices = [gpu("x", "dra.cpu"), *(gpu(f"gpu-{d}", index=d) for d in range(4))]
    links, report = bind(topology, devices)
    assert (links == links.T).all()
    assert not links.diagonal().any()
    assert not links[0].any()
    assert not links.flags.writeable
    assert best_sets(links, [2, 3, 4], 2) == ((3, 4),)
    assert links[3, 4] == NV4
    assert report.devices == ((("dra.cpu", "node-1", "x"), "is neither a whole GPU nor a NIC"),)


def test_a_missing_device_makes_an_order_worthless_but_not_an_index(topology: Topology) -> None:
    """Three devices for four GPUs: addresses and names could mean any three, an index or minor cannot."""
    three = range(1, 4)
    _, report = bind(topology, [gpu(f"gpu-{d}", pciBusID=f"0000:0{d}:00.0") for d in three])
    assert report.bound == ()
    reason = "index: not every GPU has it; pci: 3 devices for 4 GPUs of the graph; minor: not every GPU has it; name: 3 devices for 4 GPUs of the graph"
    assert {why for _, why in report.devices} == {reason}
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
    assert report.devices == ((("gpu.nvidia.com", "node-1", "a"), "the graph has no GPU with index 7"),)


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
    with pytest.raises(InputError, match="match: 'uuid' is unknown"):
        bind(topology, devices, match="uuid")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="gpu-0: given twice"):
        bind(topology, [devices[0], devices[0]])


def test_a_nic_without_a_legend_is_listed() -> None:
    """NIC0 alone says no RDMA name, so no device is put there."""
    bare = nvidia_smi.topology(nvidia_smi.parse("\tGPU0\tNIC0\nGPU0\t X \tPIX\nNIC0\tPIX\t X \n"))
    _, report = bind(bare, [nic("a", "mlx5_0")])
    assert report.bound == ()
    assert dict(report.vertices)["NIC0"] == "nothing says its RDMA name"


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
