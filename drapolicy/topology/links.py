"""Kinds of links between devices and what each carries: one table, in integer MB/s per direction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from drapolicy.errors import InputError


class LinkKind(StrEnum):
    """What joins two vertices: a path as a whole in the letters of ``nvidia-smi topo -m``, or one physical link."""

    SELF = "X"
    NVLINK = "NV"
    PIX = "PIX"
    PXB = "PXB"
    PHB = "PHB"
    NODE = "NODE"
    SYS = "SYS"
    XGMI = "XGMI"
    XE = "XE"
    C2C = "C2C"
    PCIE = "PCIE"
    SOCKET = "SOCKET"
    INFINIBAND = "IB"
    ETHERNET = "ETH"
    NETWORK = "NET"


LETTERS = (LinkKind.SELF, LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE, LinkKind.SYS)
"""Paths that ``nvidia-smi`` writes without a number, nearest first."""


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
        1: Rate(20_000, "NVIDIA Tesla P100 white paper: 4 links, 160 GB/s both ways"),
        2: Rate(25_000, "NVIDIA Tesla V100 white paper: 6 links, 300 GB/s both ways"),
        3: Rate(25_000, "NVIDIA A100 white paper: 12 links, 600 GB/s both ways"),
        4: Rate(25_000, "NVIDIA H100 white paper: 18 links, 900 GB/s both ways (26,562 MB/s is the signalling rate)"),
        5: Rate(50_000, "NVIDIA Blackwell architecture brief: 18 links, 1,800 GB/s both ways"),
    }
)
"""One NVLink of a generation, in one direction."""

GA10X_NVLINK = Rate(14_062, "NVIDIA GA102 white paper: 4 links, 112.5 GB/s both ways; slower lanes than GA100's")

PCIE_X16_MB_S: Mapping[int, Rate] = MappingProxyType(
    {
        3: Rate(12_000, "NCCL graph/topo.cc: 8 GT/s counts 0.75 GB/s a lane"),
        4: Rate(24_000, "NCCL graph/topo.cc: 16 GT/s counts 1.5 GB/s a lane"),
        5: Rate(48_000, "NCCL graph/topo.cc: 32 GT/s counts 3 GB/s a lane"),
    }
)
"""Sixteen PCIe lanes of a generation, in one direction, as NCCL plans with them (about 3/4 of the raw rate)."""

PCIE_SHARE_24THS: Mapping[LinkKind, tuple[int, str]] = MappingProxyType(
    {
        LinkKind.PIX: (24, "one switch: the full link"),
        LinkKind.PXB: (22, "several switches: as fast when idle, but the links between them are shared"),
        LinkKind.PHB: (16, "through a host bridge: 16,000 MB/s with generation 4, NCCL's AMD_BW"),
        LinkKind.NODE: (12, "between host bridges of a NUMA node: below PHB, above SYS"),
        LinkKind.SYS: (10, "between NUMA nodes: 10,000 MB/s with generation 4, NCCL's SKL_QPI_BW"),
    }
)
"""What is left of a PCIe link on each kind of path, in 24ths, and why: a convention, strictly falling, not measured."""


@dataclass(frozen=True, slots=True)
class Family:
    """Links of the products that share a name part.

    Attributes
    ----------
    names
        Regular expression that is searched in the product name.
    nvlink_generation
        Generation of its NVLink; for products without NVLink that of their contemporaries.
    pcie_generation
        Generation of its PCIe connector.
    nvlink
        Rate of one NVLink where it differs from the generation's.
    """

    names: str
    nvlink_generation: int
    pcie_generation: int
    nvlink: Rate | None = None


FAMILIES: tuple[Family, ...] = (
    Family(r"\b(G?B[123]00|RTX PRO \d+|RTX 50\d\d)\b", 5, 5),
    Family(r"\b(GH200|H\d00|H20)\b", 4, 5),
    Family(r"\b(RTX (4|5|6)\d\d\d Ada|RTX 40\d\d|L4|L20|L40S?)\b", 4, 4),
    Family(r"\b(A40|A[456]\d00|RTX A\d+|RTX 30\d\d)\b", 3, 4, GA10X_NVLINK),
    Family(r"\b(A100X?|A800|A30|A10G?|A16|A2)\b", 3, 4),
    Family(r"\b(V100S?|GV100|T4|TITAN V|TITAN RTX|RTX [3-8]000|RTX 20\d\d)\b", 2, 3),
    Family(r"\b(P100|GP100|P40|P4|K80|M60|M40)\b", 1, 3),
)
"""First match wins."""

DEFAULT_FAMILY = Family("", 3, 4)
"""Assumed for unknown products: an A100. Ratios within a machine hold, as its links are of one generation."""


def family(product: str) -> Family:
    """Return the row of the table that a product name belongs to.

    Parameters
    ----------
    product
        Name as ``nvidia-smi`` or the attribute ``productName`` gives it; unknown and empty give `DEFAULT_FAMILY`.

    Examples
    --------
    >>> family("NVIDIA A100-SXM4-80GB").nvlink_generation
    3
    >>> family("something else") is DEFAULT_FAMILY
    True
    """
    return next((row for row in FAMILIES if re.search(row.names, product, re.IGNORECASE)), DEFAULT_FAMILY)


@dataclass(frozen=True, slots=True)
class LinkRates:
    """Bandwidths of all kinds of links on one machine.

    Attributes
    ----------
    nvlink_generation, pcie_generation
        Generations that the rates belong to.
    nvlink_mb_s, pcie_x16_mb_s
        MB/s per direction of one NVLink and of sixteen PCIe lanes.
    """

    nvlink_generation: int
    pcie_generation: int
    nvlink_mb_s: int
    pcie_x16_mb_s: int

    def bandwidth_mb_s(self, kind: LinkKind, count: int = 1) -> int:
        """Return what a path of this kind carries in one direction.

        Parameters
        ----------
        kind
            Kind of the path; `LinkKind.SELF` carries 0, as a device's link to itself is not a link.
        count
            Number of parallel NVLinks; 1 for every other kind.

        Examples
        --------
        >>> link_rates("NVIDIA A100-SXM4-80GB").bandwidth_mb_s(LinkKind.NVLINK, 12)
        300000
        """
        if kind is LinkKind.SELF:
            return 0
        if kind is LinkKind.NVLINK:
            return count * self.nvlink_mb_s
        return self.pcie_x16_mb_s * PCIE_SHARE_24THS[kind][0] // 24


def link_rates(
    product: str = "", *, nvlink_generation: int | None = None, pcie_generation: int | None = None
) -> LinkRates:
    """Choose the bandwidths for a machine from its product name, or from stated generations.

    Parameters
    ----------
    product
        Name of its GPUs; see `family`.
    nvlink_generation, pcie_generation
        Override what the product name says.

    Raises
    ------
    InputError
        If a stated generation is not in the table.
    """
    row = family(product)
    nvlink = row.nvlink
    if nvlink_generation is not None:
        nvlink = None
    generation = row.nvlink_generation if nvlink_generation is None else nvlink_generation
    pcie = row.pcie_generation if pcie_generation is None else pcie_generation
    if generation not in NVLINK_MB_S:
        raise InputError(f"nvlink_generation: {generation!r} is unknown; use one of {sorted(NVLINK_MB_S)}")
    if pcie not in PCIE_X16_MB_S:
        raise InputError(f"pcie_generation: {pcie!r} is unknown; use one of {sorted(PCIE_X16_MB_S)}")
    nvlink = nvlink or NVLINK_MB_S[generation]
    return LinkRates(generation, pcie, nvlink.bandwidth_mb_s, PCIE_X16_MB_S[pcie].bandwidth_mb_s)
