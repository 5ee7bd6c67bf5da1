"""Graphs made of what hwloc says: names, places, switches and links."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy.errors import InputError
from drapolicy.topology import hwloc_xml
from drapolicy.topology.graph import Topology
from drapolicy.topology.hwloc_graph import topology


def machine(inside: str, after: str = "", version: str = "3.0") -> Topology:
    """The graph of a machine with these objects and matrices."""
    objects = f'<object type="Machine">{inside}</object>{after}'
    return topology(hwloc_xml.parse(f'<topology version="{version}">{objects}</topology>'))


def gpu(address: str, *names: str, speed: str = "15.753846", first: int = 0) -> str:
    """A GPU with OS devices, numbered for matrices."""
    devices = "".join(
        f'<object type="OSDev" name="{name}" osdev_type="12" gp_index="{first + n}"/>' for n, name in enumerate(names)
    )
    kind = f'type="PCIDev" pci_busid="{address}" pci_type="0302 [10de:20b0] [0000:0000] a1"'
    return f'<object {kind} pci_link_speed="{speed}">{devices}</object>'


def matrix(name: str, members: str, values: str) -> str:
    """A matrix over objects of several types."""
    words = f"<indexes>{members}</indexes><u64values>{values}</u64values>"
    return f'<distances2hetero nbobjs="{len(members.split())}" kind="25" name="{name}">{words}</distances2hetero>'


@pytest.fixture(scope="module")
def switched(root: Path) -> Topology:
    return topology(hwloc_xml.read(root / "tests/data/topology/hwloc_switch.xml"))


def test_vertices(switched: Topology) -> None:
    """GPUs have their vendor's number, NICs the name of their RDMA device, roots and NUMA nodes the kernel's."""
    assert switched.of_kind("gpu", "nic") == ("GPU0", "GPU1", "mlx5_0", "eth0")
    assert switched.of_kind("host", "numa", "cpu") == ("node-a", "numa0", "numa1", "cpu0", "cpu1")
    assert switched.of_kind("pcie_root") == ("pci0000:16", "pci0000:80", "pci0000:c0")
    assert switched.graph.nodes["GPU1"] == {
        "kind": "gpu",
        "index": 1,
        "pci": "0000:81:00.0",
        "uuid": "GPU-00000000-0000-0000-0000-000000000002",
        "product": "NVIDIA A100-SXM4-40GB",
    }
    assert switched.graph.nodes["mlx5_0"] == {
        "kind": "nic",
        "rdma": "mlx5_0",
        "pci": "0000:1a:00.0",
        "product": "MT28908 Family [ConnectX-6]",
    }
    assert switched.graph.nodes["cpu0"]["product"] == "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz"


def test_ports_of_a_switch_are_one_vertex(switched: Topology) -> None:
    """A switch's upstream and downstream ports are one vertex, and a root port is part of its root."""
    assert switched.of_kind("switch") == ("0000:17:00.0",)
    assert switched.graph.nodes["0000:17:00.0"] == {"kind": "switch", "layer": "pcie", "pci": "0000:17:00.0"}
    assert set(switched.graph["0000:17:00.0"]) == {"GPU0", "mlx5_0", "pci0000:16"}
    assert set(switched.graph["pci0000:80"]) == {"GPU1", "numa1"}


def test_links(switched: Topology) -> None:
    """PCIe links carry what NCCL plans with for their lanes, NVLinks what the matrix says, sockets what joins them."""
    edges = switched.graph.edges
    assert edges["GPU0", "0000:17:00.0"] == {"kind": "PCIE", "count": 1, "bandwidth_mb_s": 24_000}
    assert edges["mlx5_0", "0000:17:00.0"]["bandwidth_mb_s"] == 12_000
    assert edges["0000:17:00.0", "pci0000:16"]["bandwidth_mb_s"] == 24_000
    assert edges["GPU0", "GPU1"] == {"kind": "NV", "count": 4, "generation": 3, "bandwidth_mb_s": 100_000}
    assert edges["numa0", "numa1"] == {"kind": "SOCKET", "count": 1, "bandwidth_mb_s": 10_000, "slit": 21}
    assert edges["pci0000:16", "numa0"]["kind"] == "in"


def test_a_rate_that_is_not_told_is_named(switched: Topology) -> None:
    """A GPU without a link speed has its port's; a NIC where neither is told has sixteen lanes, and is named."""
    assert switched.graph.edges["GPU1", "pci0000:80"]["bandwidth_mb_s"] == 24_000
    assert switched.graph.edges["eth0", "pci0000:c0"]["bandwidth_mb_s"] == 24_000
    assert switched.graph.graph["assumed"] == ("eth0",)


@pytest.mark.parametrize(
    ("devices", "names"),
    [
        (gpu("0000:05:00.0", "rsmi3", "opencl0d1"), ("GPU3",)),
        (gpu("0000:05:00.0", "cuda1", "opencl0d1"), ("cuda1",)),
        (gpu("0000:05:00.0"), ("0000:05:00.0",)),
        (gpu("0000:05:00.0", "nvml0") + gpu("0000:06:00.0", "rsmi0", first=1), ("0000:05:00.0", "0000:06:00.0")),
        (gpu("0000:05:00.0", "ze0", "ze0.0", "ze0.1"), ("ze0",)),
    ],
)
def test_names_of_gpus(devices: str, names: tuple[str, ...]) -> None:
    """The vendor's number, else what software calls it, else the address; the address where a name is not of one."""
    assert machine(devices).of_kind("gpu") == names


def test_a_nic_with_several_rdma_devices_has_its_address() -> None:
    """Nothing says which of two RDMA devices of one function is meant."""
    devices = "".join(f'<object type="OSDev" name="mlx5_{n}" osdev_type="48"/>' for n in range(2))
    nic = f'<object type="PCIDev" pci_busid="0000:05:00.0" pci_type="0207 [15b3:101b] [0:0]">{devices}</object>'
    graph = machine(nic.replace("[0:0]", "[15b3:0007] 00")).graph
    assert graph.nodes["0000:05:00.0"] == {"kind": "nic", "pci": "0000:05:00.0"}


@pytest.mark.parametrize(
    ("speed", "bandwidth_mb_s"),
    [("0.25", 187), ("4.0", 3_000), ("3.938462", 3_000), ("7.876923", 6_000), ("63.015385", 48_000), ("0.2", 150)],
)
def test_pcie_rates(speed: str, bandwidth_mb_s: int) -> None:
    """Equal raw rates of different generations carry the same; a rate of no lanes carries three quarters."""
    graph = machine(
        f'<object type="Bridge" bridge_type="0-1" bridge_pci="0000:[00-05]">{gpu("0000:05:00.0", speed=speed)}</object>'
    ).graph
    assert graph.edges["0000:05:00.0", "pci0000:00"]["bandwidth_mb_s"] == bandwidth_mb_s


def test_memory_of_several_kinds_in_one_place() -> None:
    """Of two memories of one package the first is where its devices are; of two halves of one, neither is."""
    bridge = f'<object type="Bridge" bridge_type="0-1" bridge_pci="0000:[00-05]">{gpu("0000:05:00.0")}</object>'
    node = '<object type="NUMANode" os_index="{}"/>'
    cached = f'<object type="MemCache">{node.format(0)}</object>'
    kinds = f'<object type="Package" os_index="0">{cached}{node.format(4)}{bridge}</object>'
    assert set(machine(kinds).graph["pci0000:00"]) == {"0000:05:00.0", "numa0"}
    halves = "".join(f'<object type="Group">{node.format(n)}</object>' for n in range(2))
    package = f'<object type="Package" os_index="0">{halves}{bridge}</object>'
    assert set(machine(package).graph["pci0000:00"]) == {"0000:05:00.0", "host"}


def test_a_gpu_is_no_memory_node() -> None:
    """NUMA nodes that are a GPU's memory are no vertices, and make a GPU of a device that nothing else tells of."""
    memory = '<info name="PCIBusID" value="0004:05:00.0"/>'
    inside = f"""<object type="Package" os_index="0"><object type="NUMANode" os_index="0"/>
    <object type="NUMANode" os_index="255" subtype="GPUMemory">{memory}</object>
    <object type="Bridge" bridge_type="0-1" bridge_pci="0004:[05-05]">
    <object type="PCIDev" pci_busid="0004:05:00.0" pci_type="0300 [0000:0000] [0000:0000] 00"/></object></object>"""
    built = machine(inside)
    assert built.of_kind("gpu", "numa") == ("0004:05:00.0", "numa0")
    assert set(built.graph["pci0004:05"]) == {"0004:05:00.0", "numa0"}


def test_switches_of_nvlink_and_unknown_parts_of_a_matrix() -> None:
    """An NVSwitch is a switch of its layer; what else a matrix links to is a switch of none."""
    part = '<object type="PCIDev" gp_index="{}" {} pci_busid="0000:0{}:00.0" pci_type="0680 [{}] [0000:0000] 00"/>'
    inside = (
        gpu("0000:05:00.0", "nvml0", first=1)
        + part.format(2, 'subtype="NVSwitch"', 6, "10de:1ac2")
        + part.format(3, "", 7, "1014:04ea")
    )
    built = machine(inside, matrix("NVLinkBandwidth", "OSDev:1 PCIDev:2 PCIDev:3", "0 50 70 50 0 0 70 0 0"))
    assert built.graph.nodes["0000:06:00.0"] == {"kind": "switch", "layer": "nvswitch", "pci": "0000:06:00.0"}
    assert built.graph.nodes["0000:07:00.0"] == {"kind": "switch", "pci": "0000:07:00.0"}
    assert built.graph.edges["GPU0", "0000:06:00.0"]["bandwidth_mb_s"] == 50
    assert built.graph.edges["GPU0", "0000:07:00.0"]["bandwidth_mb_s"] == 70


def test_links_of_tiles_are_added_up() -> None:
    """Tiles of one GPU have OS devices of their own; their links to another GPU are one edge."""
    inside = gpu("0000:05:00.0", "ze0.0", "ze0.1", first=1) + gpu("0000:06:00.0", "ze1.0", "ze1.1", first=3)
    values = "0 9 5 0 9 0 0 5 5 0 0 9 0 5 9 0"
    built = machine(inside, matrix("XeLinkBandwidth", "OSDev:1 OSDev:2 OSDev:3 OSDev:4", values))
    assert built.graph.edges["ze0.0", "ze1.0"] == {"kind": "XE", "count": 2, "bandwidth_mb_s": 10}


def test_hops_are_no_links() -> None:
    """Of xGMI, bandwidths make edges and numbers of hops do not."""
    inside = gpu("0000:05:00.0", "rsmi0", first=1) + gpu("0000:06:00.0", "rsmi1", first=2)
    hops = matrix("XGMIHops", "OSDev:1 OSDev:2", "0 1 1 0")
    assert not machine(inside, hops).graph.has_edge("GPU0", "GPU1")
    both = hops + matrix("XGMIBandwidth", "OSDev:1 OSDev:2", "0 50000 50000 0")
    assert machine(inside, both).graph.edges["GPU0", "GPU1"] == {"kind": "XGMI", "count": 1, "bandwidth_mb_s": 50_000}


def test_bridges_without_host_bridges() -> None:
    """Where the host's bridges were left out, a root is named by the bus of its root ports, and is one."""
    port = 'type="Bridge" bridge_type="1-1" pci_type="0604 [8086:347a] [8086:0000] 04"'
    inside = "".join(
        f'<object {port} pci_busid="0000:16:0{n}.0" bridge_pci="0000:[1{n}-1{n}]">{gpu(f"0000:1{n}:00.0")}</object>'
        for n in (7, 8)
    )
    assert set(machine(inside).graph["pci0000:16"]) == {"0000:17:00.0", "0000:18:00.0", "host"}


@pytest.mark.parametrize(
    ("numbers", "names"), [((8, 0), ("cpu8", "cpu0")), ((0, 0), ("cpu0", "cpu1")), ((1, -1), ("cpu0", "cpu1"))]
)
def test_names_of_cpus(numbers: tuple[int, int], names: tuple[str, str]) -> None:
    """Packages have the numbers of the operating system where it tells them apart, else those of their order."""
    inside = "".join(f'<object type="Package" os_index="{number % 2**32}"/>' for number in numbers)
    assert machine(inside).of_kind("cpu") == names


def test_the_name_of_the_host() -> None:
    """A name can be given; one that is a device's is refused."""
    given = hwloc_xml.parse(
        f'<topology version="3.0"><object type="Machine">{gpu("0000:05:00.0", "nvml0")}</object></topology>'
    )
    assert topology(given, host="n1").of_kind("host") == ("n1",)
    with pytest.raises(InputError, match="two vertices are named 'GPU0'"):
        topology(given, host="GPU0")


def test_real_power8(shared: Path) -> None:
    """NVLinks of a POWER8 join pairs of GPUs, and each GPU to the CPU beside it, two links each."""
    built = topology(hwloc_xml.read(shared / "topology/open-mpi_hwloc/power8gpudistances.xml"))
    links = {(a, b): data for a, b, data in built.graph.edges(data=True) if data["kind"] == "NV"}
    pairs = [("GPU0", "GPU1"), ("GPU2", "GPU3"), *((f"GPU{n}", f"cpu{n // 2}") for n in range(4))]
    assert set(links) == set(pairs)
    assert all((data["count"], data["bandwidth_mb_s"], data["generation"]) == (2, 40_000, 1) for data in links.values())
