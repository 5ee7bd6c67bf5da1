"""Node models: what a machine of a kind publishes through DRA, as data.

Attribute names and value forms are those that gpu.nvidia.com and dra.net publish; sizes are the vendors' published
ones. Nothing here is captured from a machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True)
class MigProfile:
    """One partition profile of a GPU (NVIDIA Multi-Instance GPU user guide, A100-SXM4-40GB).

    Attributes
    ----------
    name
        For example ``2g.10gb``.
    multiprocessors, copy_engines, decoders, jpeg_engines, ofa_engines, memory_mi
        What one partition draws from the GPU.
    width
        Memory slices that it covers.
    starts
        First memory slice of each legal placement.
    """

    name: str
    multiprocessors: int
    copy_engines: int
    decoders: int
    jpeg_engines: int
    ofa_engines: int
    memory_mi: int
    width: int
    starts: tuple[int, ...]


A100_40GB_PROFILES = (
    MigProfile("1g.5gb", 14, 1, 0, 0, 0, 4864, 1, (0, 1, 2, 3, 4, 5, 6)),
    MigProfile("1g.5gb+me", 14, 1, 1, 1, 1, 4864, 1, (0, 1, 2, 3, 4, 5, 6)),
    MigProfile("1g.10gb", 14, 1, 1, 0, 0, 9856, 2, (0, 2, 4, 6)),
    MigProfile("2g.10gb", 28, 2, 1, 0, 0, 9856, 2, (0, 2, 4)),
    MigProfile("3g.20gb", 42, 3, 2, 0, 0, 19968, 4, (0, 4)),
    MigProfile("4g.20gb", 56, 4, 2, 0, 0, 19968, 4, (0,)),
    MigProfile("7g.40gb", 98, 7, 5, 1, 1, 40192, 8, (0,)),
)


@dataclass(frozen=True)
class NodeModel:
    """A machine with GPUs, and NICs if it has any.

    Attributes
    ----------
    product, architecture, compute_capability
        As the driver publishes them.
    memory_mi
        Memory of one GPU.
    roots
        PCIe root of each GPU, in the order of the driver.
    nic_roots
        PCIe root of each RDMA NIC.
    plain_nic_roots
        PCIe root of each NIC without RDMA.
    nvlink_pairs
        Pairs of GPUs joined by an NVLink bridge.
    nvlinks
        Links of a bridge.
    numa
        NUMA node of each PCIe root.
    cpu, memory_gi
        Allocatable of the node.
    mig
        Partition profiles; empty for whole GPUs.
    """

    product: str
    architecture: str
    compute_capability: str
    memory_mi: int
    roots: tuple[str, ...]
    nic_roots: tuple[str, ...] = ()
    plain_nic_roots: tuple[str, ...] = ()
    nvlink_pairs: tuple[tuple[int, int], ...] = ()
    nvlinks: int = 0
    numa: tuple[tuple[str, int], ...] = ()
    cpu: int = 128
    memory_gi: int = 1024
    mig: tuple[MigProfile, ...] = ()


_ROOTS_8 = (
    "pci0000:10",
    "pci0000:10",
    "pci0000:20",
    "pci0000:20",
    "pci0000:90",
    "pci0000:90",
    "pci0000:a0",
    "pci0000:a0",
)
_ROOTS_H100 = tuple(f"pci0000:{bus}" for bus in ("15", "38", "48", "59", "97", "b7", "c7", "d7"))
_NUMA_4 = (("pci0000:10", 0), ("pci0000:20", 0), ("pci0000:90", 1), ("pci0000:a0", 1))
_ALL_PAIRS = tuple(combinations(range(8), 2))


def _server(
    product: str, architecture: str, capability: str, *, memory_mi: int, gpus: int, cpu: int, memory_gi: int
) -> NodeModel:
    """Return a server with a PCIe root for each GPU, half of them on each of two NUMA nodes, and no NICs."""
    roots = tuple(f"pci{number:04x}:00" for number in range(gpus))
    numa = tuple((root, 2 * number // gpus) for number, root in enumerate(roots))
    return NodeModel(product, architecture, capability, memory_mi, roots, numa=numa, cpu=cpu, memory_gi=memory_gi)


MODELS: dict[str, NodeModel] = {
    # Eight PCIe cards, NVLink bridges over neighbouring cards, two RDMA NICs.
    "a100-pcie-bridged": NodeModel(
        product="NVIDIA A100 80GB PCIe",
        architecture="Ampere",
        compute_capability="8.0.0",
        memory_mi=81920,
        roots=_ROOTS_8,
        nic_roots=("pci0000:10", "pci0000:90"),
        nvlink_pairs=((0, 1), (2, 3), (4, 5), (6, 7)),
        nvlinks=12,
        numa=_NUMA_4,
    ),
    # Four PCIe cards, each on a NUMA node of its own, NVLink bridges over two pairs.
    "a100-bridged-4": NodeModel(
        product="NVIDIA A100 80GB PCIe",
        architecture="Ampere",
        compute_capability="8.0.0",
        memory_mi=81920,
        roots=("pci0000:01", "pci0000:41", "pci0000:81", "pci0000:c1"),
        nvlink_pairs=((0, 1), (2, 3)),
        nvlinks=12,
        numa=(("pci0000:01", 0), ("pci0000:41", 1), ("pci0000:81", 2), ("pci0000:c1", 3)),
        cpu=96,
        memory_gi=512,
    ),
    # Two GPUs and one RDMA NIC below each of four PCIe roots; other NICs below three of them. As AWS p4d.24xlarge.
    "aws-p4d": NodeModel(
        product="NVIDIA A100-SXM4-40GB",
        architecture="Ampere",
        compute_capability="8.0.0",
        memory_mi=40960,
        roots=_ROOTS_8,
        nic_roots=_ROOTS_8[::2],
        plain_nic_roots=_ROOTS_8[2::2],
        nvlink_pairs=_ALL_PAIRS,
        nvlinks=12,
        numa=_NUMA_4,
        cpu=96,
        memory_gi=1152,
    ),
    # Four of the GPUs of an A100 machine whose driver offers every MIG placement.
    "a100-mig": NodeModel(
        product="NVIDIA A100-SXM4-40GB",
        architecture="Ampere",
        compute_capability="8.0.0",
        memory_mi=40960,
        roots=_ROOTS_8[::2],
        numa=_NUMA_4,
        cpu=96,
        memory_gi=512,
        mig=A100_40GB_PROFILES,
    ),
    # Eight GPUs behind NVSwitches, a NIC beside each.
    "dgx-h100": NodeModel(
        product="NVIDIA H100 80GB HBM3",
        architecture="Hopper",
        compute_capability="9.0.0",
        memory_mi=81559,
        roots=_ROOTS_H100,
        nic_roots=_ROOTS_H100,
        nvlink_pairs=_ALL_PAIRS,
        nvlinks=18,
        numa=tuple((root, number // 4) for number, root in enumerate(_ROOTS_H100)),
        cpu=224,
        memory_gi=2048,
    ),
    # All eight of an A100 machine, each with every MIG placement: 8 whole GPUs and 200 partitions.
    "dgx-a100-mig": NodeModel(
        product="NVIDIA A100-SXM4-40GB",
        architecture="Ampere",
        compute_capability="8.0.0",
        memory_mi=40960,
        roots=_ROOTS_8,
        numa=_NUMA_4,
        cpu=256,
        memory_gi=1024,
        mig=A100_40GB_PROFILES,
    ),
    # What Philly's list of machines tells: 2 GPUs of 12 GB or 8 of 24 GB. Models, CPU and memory are guesses of ours.
    "philly-2": _server("Tesla P100-PCIE-12GB", "Pascal", "6.0.0", memory_mi=12288, gpus=2, cpu=24, memory_gi=128),
    "philly-8": _server("Tesla P40", "Pascal", "6.1.0", memory_mi=24576, gpus=8, cpu=64, memory_gi=512),
    # A node of Helios' Volta clusters: 8 V100, 2 Xeon Gold 6146 (48 threads), 376 GB (README of HeliosArtifact).
    "helios-v100": _server("Tesla V100-SXM2-32GB", "Volta", "7.0.0", memory_mi=32768, gpus=8, cpu=48, memory_gi=350),
    # A node of ACME's Seren: 8 A100 80GB, 128 CPUs, 1 TB (Hu et al., NSDI 2024, table 1).
    "acme-a100": _server("NVIDIA A100-SXM4-80GB", "Ampere", "8.0.0", memory_mi=81920, gpus=8, cpu=128, memory_gi=931),
}
