"""What each kind of link carries: one table, in integer MB/s per direction.

Links that vendors rate by the link (NVLink, xGMI, Xe Link, C2C, InfiniBand, Ethernet) have the vendor's data rate; what
a host passes on (PCIe, sockets) has what NCCL plans with, as the raw rate is never reached. A source that gives a total
says what it was divided by: vendors add both directions of all links of a device. NCCL's numbers are those of 2.31.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drapolicy.errors import InputError
from drapolicy.topology.links import LinkKind


@dataclass(frozen=True, slots=True)
class Rate:
    """What one link carries, and who says so.

    Attributes
    ----------
    bandwidth_mb_s
        10⁶ bytes/s in one direction.
    source
        Where the number is from.
    """

    bandwidth_mb_s: int
    source: str


NVLINK_MB_S: Mapping[int, Rate] = MappingProxyType(
    {
        1: Rate(20_000, "NVIDIA Tesla P100 white paper WP-08019 (2016), NVLink: 160 GB/s both ways of 4 links"),
        2: Rate(25_000, "NVIDIA Tesla V100 white paper WP-08608 (2017), NVLink: 300 GB/s both ways of 6 links"),
        3: Rate(25_000, "NVIDIA A100 architecture white paper (2020), NVLink: 600 GB/s both ways of 12 links"),
        4: Rate(
            25_000,
            "NVIDIA H100 architecture white paper (2022), NVLink: 900 GB/s both ways of 18 links "
            "(nvidia-smi nvlink -s prints the signalling rate, 26,562 MB/s)",
        ),
        5: Rate(50_000, "NVIDIA, NVLink and NVLink Switch (product page, 2024): 18 links of 100 GB/s both ways"),
    }
)
"""One NVLink of a generation, in one direction."""

GA10X_NVLINK = Rate(14_062, "NVIDIA GA102 architecture white paper (2020), NVLink: 112.5 GB/s both ways of 4 links")

PCIE_X16_MB_S: Mapping[int, Rate] = MappingProxyType(
    {
        1: Rate(3_000, "NCCL graph/topo.cc: 2.5 GT/s counts 0.1875 GB/s a lane"),
        2: Rate(6_000, "NCCL graph/topo.cc: 5 GT/s counts 0.375 GB/s a lane"),
        3: Rate(12_000, "NCCL graph/topo.cc: 8 GT/s counts 0.75 GB/s a lane"),
        4: Rate(24_000, "NCCL graph/topo.cc: 16 GT/s counts 1.5 GB/s a lane"),
        5: Rate(48_000, "NCCL graph/topo.cc: 32 GT/s counts 3 GB/s a lane"),
        6: Rate(96_000, "NCCL graph/topo.cc: 64 GT/s counts 6 GB/s a lane"),
    }
)
"""Sixteen PCIe lanes of a generation, in one direction, as NCCL plans with them (about 3/4 of the raw rate)."""

PCIE_GENERATION_OF_GT_S: Mapping[float, int] = MappingProxyType({2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6})
"""Generation of PCIe by the rate of its lanes in GT/s, as sysfs writes it (PCI Express Base Specification)."""

PCIE_RAW_LANE_MB_S: Mapping[int, float] = MappingProxyType(
    {1: 250, 2: 500, 3: 984.6, 4: 1_969.2, 5: 3_938.5, 6: 7_562.5}
)
"""Raw rate of a PCIe lane of each generation: what hwloc multiplies by the lanes.

GT/s less the encoding of the PCI Express Base Specification: 8b/10b up to 2, 128b/130b up to 5, 242 of a flit's 256
bytes in 6.

It tells which generation a file means; what such a link carries is in `PCIE_X16_MB_S`.
"""

XGMI_MB_S: Mapping[str, Rate] = MappingProxyType(
    {
        "MI50": Rate(46_000, "AMD Radeon Instinct MI50 (2018): announced 184 GB/s both ways, divided by 2 links"),
        "MI60": Rate(50_000, "AMD Radeon Instinct MI60 (2018): announced 200 GB/s both ways, divided by 2 links"),
        "MI100": Rate(46_000, "ROCm documentation, MI100 microarchitecture: links of 16 bits at 23 GT/s"),
        "MI200": Rate(50_000, "ROCm documentation, MI250 microarchitecture: 50 GB/s for a link of 16 bits at 25 GT/s"),
        "MI300": Rate(
            64_000, "AMD CDNA 3 white paper (2023): 16 bits at 32 GT/s; MI300X data sheet: 896 GB/s both ways of 7"
        ),
        "MI350": Rate(
            76_800, "AMD Instinct MI355X (2025): announced 1,075 GB/s both ways, divided by 7 links of 153.6 GB/s"
        ),
    }
)
"""One xGMI (Infinity Fabric) link between AMD GPUs of a series, in one direction."""

XE_LINK = Rate(
    26_500, "xpu-smi discovery: 4 lanes a link, 50,663.95 MiB/s both ways, so 53 GT/s a lane; Intel states no data rate"
)

MDF = Rate(212_000, "a convention: as the 8 Xe Links of a tile together; Intel states no number")
"""Between the two tiles of one Intel GPU (Multi-Die Fabric), in one direction."""

ICI_MB_S: Mapping[str, Rate] = MappingProxyType(
    {
        "v4": Rate(50_000, "N. Jouppi et al., ISCA 2023, arXiv:2304.01433, Table 4: 6 links of 50 GB/s a chip"),
        "v5e": Rate(50_000, "Google Cloud, TPU v5e, System architecture: 400 GB/s both ways a chip, of 4 links"),
        "v5p": Rate(
            100_000, "Google Cloud, TPU v5p, System architecture: 1,200 GB/s both ways a chip; a 3D torus has 6"
        ),
        "v6e": Rate(100_000, "Google Cloud, TPU v6e, System architecture: 800 GB/s both ways a chip, of 4 links"),
    }
)
"""One inter-chip link between TPUs of a version, in one direction."""

C2C_MB_S: Mapping[str, Rate] = MappingProxyType(
    {
        "GH200": Rate(450_000, "NVIDIA Grace Hopper architecture white paper (2022), NVLink-C2C: 900 GB/s both ways"),
        "GB200": Rate(
            225_000,
            "NVIDIA GB200 NVL72 data sheet: NVLink-C2C of a superchip, 900 GB/s both ways, divided by its 2 GPUs",
        ),
    }
)
"""The coherent link of one GPU to its CPU, in one direction."""

SOCKET_MB_S: Mapping[str, Rate] = MappingProxyType(
    {
        "QPI": Rate(6_000, "NCCL graph/topo.h: BDW_QPI_BW, up to Broadwell"),
        "UPI": Rate(10_000, "NCCL graph/topo.h: SKL_QPI_BW, Skylake to Ice Lake"),
        "UPI2": Rate(22_000, "NCCL graph/topo.h: SRP_QPI_BW, Sapphire Rapids"),
        "UPI2-EMR": Rate(40_000, "NCCL graph/topo.h: ERP_QPI_BW, Emerald Rapids"),
        "IF": Rate(16_000, "NCCL graph/topo.h: AMD_ZEN12_BW, Naples and Rome; AMD_BW in older releases"),
        "IF-ZEN3": Rate(24_000, "NCCL graph/topo.h: AMD_ZEN34_BW, Milan to Genoa; 16,000 MB/s in older releases"),
        "IF-ZEN5": Rate(32_000, "NCCL graph/topo.h: AMD_ZEN5_BW, Turin; 16,000 MB/s in older releases"),
        "X-BUS": Rate(32_000, "NCCL graph/topo.h: P9_BW, between POWER9s"),
        "ARM": Rate(6_000, "NCCL graph/topo.h: ARM_BW, Arm sockets of any make"),
    }
)
"""What two sockets exchange in one direction, as NCCL plans with it (below the raw rate of the links)."""

NCCL_LOCAL = Rate(5_000_000, "NCCL graph/topo.h: LOC_BW, inside one chip: no limit")
"""What two halves of one PCIe switch exchange in one direction."""

INFINIBAND_LANE_MBIT_S: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "SDR": (2_000, "IBTA specification: 2.5 GT/s, 8b/10b"),
        "DDR": (4_000, "IBTA specification: 5 GT/s, 8b/10b"),
        "QDR": (8_000, "IBTA specification: 10 GT/s, 8b/10b"),
        "FDR10": (10_000, "Mellanox, of no standard: 10.3125 GT/s, 64b/66b (Linux commit 71eeba161d76)"),
        "FDR": (13_636, "IBTA specification: 14.0625 GT/s, 64b/66b (Linux commit 71eeba161d76)"),
        "EDR": (25_000, "IBTA specification: 25.78125 GT/s, 64b/66b (Linux commit 71eeba161d76)"),
        "HDR": (50_000, "IBTA specification: 200 Gbit/s of 4 lanes, 212.5 on the wire (Linux ib_rate_to_mbps)"),
        "NDR": (100_000, "IBTA specification: 400 Gbit/s of 4 lanes, 425 on the wire (Linux ib_rate_to_mbps)"),
        "XDR": (200_000, "IBTA specification: 800 Gbit/s of 4 lanes, 850 on the wire (Linux ib_rate_to_mbps)"),
    }
)
"""Data rate of one InfiniBand lane in one direction, in 10⁶ bits/s, and who says so; ports have 1, 4, 8 or 12."""

LATENCY_NS: Mapping[LinkKind, tuple[int, str]] = MappingProxyType(
    {
        LinkKind.NVLINK: (600, "NCCL graph/tuning.cc: hwLat, ring, LL over NVLink"),
        LinkKind.PCIE: (1_000, "NCCL graph/tuning.cc: hwLat, ring, LL over PCI"),
        LinkKind.INFINIBAND: (2_700, "NCCL graph/tuning.cc: hwLat, ring, LL over the network"),
    }
)
"""What a message needs from device to device over a path of this kind, in ns, and who says so."""

PCIE_SHARE_24THS: Mapping[LinkKind, tuple[int, str]] = MappingProxyType(
    {
        LinkKind.PIX: (24, "one switch: the full link"),
        LinkKind.PXB: (22, "several switches: as fast when idle, but the links between them are shared"),
        LinkKind.PHB: (16, "through a host bridge: 16,000 MB/s with generation 4, NCCL's AMD_ZEN12_BW"),
        LinkKind.NODE: (12, "between host bridges of a NUMA node: below PHB, above SYS"),
        LinkKind.SYS: (10, "between NUMA nodes: 10,000 MB/s with generation 4, NCCL's SKL_QPI_BW"),
    }
)
"""What is left of a PCIe link on each kind of path, in 24ths, and why: a convention, strictly falling, not measured."""


def pcie_mb_s(generation: int, lanes: int = 16) -> int:
    """Return what PCIe lanes of a generation carry in one direction, in MB/s.

    Raises
    ------
    InputError
        If the generation is not in the table, or lanes are not from 1 to 32.

    Examples
    --------
    >>> pcie_mb_s(4, 8)
    12000
    """
    if generation not in PCIE_X16_MB_S:
        raise InputError(f"generation: {generation!r} is unknown; use one of {sorted(PCIE_X16_MB_S)}")
    if type(lanes) is not int or not 1 <= lanes <= 32:
        raise InputError(f"lanes: {lanes!r} is not an integer from 1 to 32")
    return PCIE_X16_MB_S[generation].bandwidth_mb_s * lanes // 16


def infiniband_mb_s(speed: str, lanes: int = 4) -> int:
    """Return what an InfiniBand port carries in one direction, in MB/s.

    Parameters
    ----------
    speed
        One of `INFINIBAND_LANE_MBIT_S`, in any case.
    lanes
        Width of the port: 1, 2, 4, 8 or 12.

    Raises
    ------
    InputError
        If speed or width is unknown.

    Examples
    --------
    >>> infiniband_mb_s("NDR"), infiniband_mb_s("FDR"), infiniband_mb_s("SDR", 1)
    (50000, 6818, 250)
    """
    if speed.upper() not in INFINIBAND_LANE_MBIT_S:
        raise InputError(f"speed: {speed!r} is unknown; use one of {', '.join(INFINIBAND_LANE_MBIT_S)}")
    if lanes not in {1, 2, 4, 8, 12}:
        raise InputError(f"lanes: {lanes!r} is no width of InfiniBand; use 1, 2, 4, 8 or 12")
    return INFINIBAND_LANE_MBIT_S[speed.upper()][0] * lanes // 8


def ethernet_mb_s(gbit_s: int) -> int:
    """Return what an Ethernet port of so many 10⁹ bits/s carries in one direction, in MB/s.

    Raises
    ------
    InputError
        If the speed is not an integer from 1 to 3,200.

    Examples
    --------
    >>> ethernet_mb_s(400)
    50000
    """
    if type(gbit_s) is not int or not 1 <= gbit_s <= 3_200:
        raise InputError(f"gbit_s: {gbit_s!r} is not an integer from 1 to 3200; give the speed of the port")
    return gbit_s * 125
