"""What attributes say, in every driver's spelling, and links from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.topology import attribute_links
from drapolicy.topology.attributes import NodeDevice, role, value, values

PXB, PHB, NODE, SYS = 22_000, 16_000, 12_000, 10_000  # PCIe 4, the default


def device(driver: str, name: str = "d", **attributes: object) -> NodeDevice:
    """A device with attributes named as Python allows: ``__`` is ``/`` and ``_`` a dot in the domain."""
    built = {}
    for key, given in attributes.items():
        domain, slash, last = key.rpartition("__")
        full = f"{domain.replace('_', '.')}/{last}" if slash else last
        if isinstance(given, int):
            built[full] = DeviceAttribute(int_value=given)
        elif isinstance(given, str):
            built[full] = DeviceAttribute(string_value=given)
        elif all(isinstance(item, int) for item in given):  # type: ignore[attr-defined]
            built[full] = DeviceAttribute(int_values=list(given))  # type: ignore[call-overload]
        else:
            built[full] = DeviceAttribute(string_values=list(given))  # type: ignore[call-overload]
    return driver, "node-1", Device(name=name, attributes=built)


@pytest.mark.parametrize(
    ("a", "b", "mb_s"),
    [
        (
            device("gpu.nvidia.com", resource_kubernetes_io__pcieRoot="pci0000:10"),
            device("dra.net", resource_kubernetes_io__pcieRoot="pci0000:10"),
            PXB,
        ),
        (device("gpu.intel.com", pciRoot="pci0000:01"), device("gpu.intel.com", pciRoot="pci0000:01"), PXB),
        (
            device("gpu.intel.com", gpu_intel_com__pciRoot="pci0000:01"),
            device("x.io", resource_kubernetes_io__pcieRoot="pci0000:01"),
            PXB,
        ),
        (
            device("dra.cpu", resource_kubernetes_io__pcieRoot=["pci0000:00", "pci0000:10"]),
            device("dra.net", resource_kubernetes_io__pcieRoot="pci0000:10"),
            PHB,
        ),
        (device("gpu.nvidia.com", resource_kubernetes_io__numaNode=1), device("dra.net", dra_net__numaNode=1), NODE),
        (device("gpu.nvidia.com", numa=0), device("gpu.example.com", numaNodeID=0), NODE),
        (device("dra.cpu", dra_cpu__numaNodeID=1), device("dra.cpu", numaNodeID=1), NODE),
        (device("x.io", resource_kubernetes_io__numaNode=[0, 1]), device("dra.net", numaNode=1), NODE),
        (device("dra.net", numaNode=0), device("dra.net", numaNode=1), SYS),
        (device("dra.net", numaNode=-1), device("dra.net", numaNode=-1), SYS),
        (device("dra.net"), device("dra.net"), SYS),
        (device("a.io", resource_kubernetes_io__pcieRoot=""), device("b.io", resource_kubernetes_io__pcieRoot=""), SYS),
        (device("a.io", b_io__pciRoot="pci0000:01"), device("b.io", pciRoot="pci0000:01"), SYS),
    ],
)
def test_links_of_two_devices(a: NodeDevice, b: NodeDevice, mb_s: int) -> None:
    """The same root is PXB, shared with a CPU's list PHB, the same NUMA node NODE, anything else SYS."""
    assert attribute_links([a, b]).tolist() == [[0, mb_s], [mb_s, 0]]


def test_the_root_counts_before_the_numa_node_and_the_product_sets_the_speed() -> None:
    """Two H100 on one root of a PCIe 5 machine: 44,000 MB/s."""
    gpu = device("gpu.nvidia.com", pcieRoot="pci0000:10", numaNode=0, productName="NVIDIA H100 80GB HBM3")
    assert attribute_links([gpu, gpu])[0, 1] == 44_000
    assert attribute_links([gpu, gpu], pcie_generation=4)[0, 1] == PXB
    assert attribute_links([gpu, gpu], product="A100")[0, 1] == PXB


def test_no_devices() -> None:
    """An empty node has an empty table."""
    assert attribute_links([]).shape == (0, 0)


def test_the_exact_key_counts_before_the_short_one() -> None:
    """A device with both `domain/id` and `id` means the first, as constraints do (S50)."""
    driver, _, both = device("x.io", index=1, x_io__index=2)
    assert value(driver, both, "index") == 2
    assert values(driver, both, "minor") == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (device("gpu.nvidia.com", type="gpu"), "gpu"),
        (device("gpu.nvidia.com", type="mig"), ""),
        (device("gpu.nvidia.com", type="vfio"), ""),
        (device("gpu.amd.com", type="amdgpu"), "gpu"),
        (device("gpu.example.com"), "gpu"),
        (device("example.com/gpu"), "gpu"),
        (device("compute-domain.nvidia.com", type="daemon"), ""),
        (device("dra.net"), "nic"),
        (device("sriov.example.com", rdmaDevice="mlx5_0"), "nic"),
        (device("dra.cpu"), ""),
    ],
)
def test_roles(given: NodeDevice, expected: str) -> None:
    """Whole GPUs and NICs are told from partitions, CPUs and domains."""
    assert role(given[0], given[2]) == expected


def test_p4d_gpus_are_near_the_rdma_nic_of_their_root(shared: Path) -> None:
    """On AWS p4d each GPU has exactly one NIC with RDMA on its own PCIe root."""
    devices: list[NodeDevice] = []
    for part in ("gpu", "dranet"):
        name = f"real/kubernetes-sigs_dranet/examples__aws_eks_examples__gpu-efa__resourceslice-{part}.yaml"
        for document in yaml.safe_load_all((shared / name).read_text()):
            for item in document.get("items", [document]):
                for raw in item["spec"]["devices"]:
                    attributes = {
                        key: DeviceAttribute(int_value=held.get("int"), string_value=held.get("string"))
                        for key, held in raw["attributes"].items()
                    }
                    devices.append((item["spec"]["driver"], "p", Device(name=raw["name"], attributes=attributes)))
    links = attribute_links(devices)
    gpus = [d for d, (driver, _, built) in enumerate(devices) if role(driver, built) == "gpu"]
    nics = [d for d, (driver, _, built) in enumerate(devices) if value(driver, built, "rdma_device")]
    assert (len(gpus), len(nics)) == (8, 4)
    near = links[np.ix_(gpus, nics)] == PXB
    assert near.sum(axis=1).tolist() == [1] * 8
    assert near.sum(axis=0).tolist() == [2] * 4
