"""Which links the products have: the bandwidths of a machine by the name of its GPUs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drapolicy.errors import InputError
from drapolicy.topology.links import LinkKind
from drapolicy.topology.rates import (
    GA10X_NVLINK,
    NVLINK_MB_S,
    PCIE_SHARE_24THS,
    PCIE_X16_MB_S,
    XE_LINK,
    XGMI_MB_S,
    Rate,
)


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
    xgmi
        Series in `XGMI_MB_S`; for products without xGMI that of their contemporaries.
    """

    names: str
    nvlink_generation: int
    pcie_generation: int
    nvlink: Rate | None = None
    xgmi: str = "MI200"


FAMILIES: tuple[Family, ...] = (
    Family(r"\b(G?B[123]00|RTX PRO \d+|RTX 50\d\d)\b", 5, 5),
    Family(r"\b(GH200|H\d00|H20)\b", 4, 5),
    Family(r"\b(RTX (4|5|6)\d\d\d Ada|RTX 40\d\d|L4|L20|L40S?)\b", 4, 4),
    Family(r"\b(A40|A[456]\d00|RTX A\d+|RTX 30\d\d)\b", 3, 4, GA10X_NVLINK),
    Family(r"\b(A100X?|A800|A30|A10G?|A16|A2)\b", 3, 4),
    Family(r"\b(V100S?|GV100|T4|TITAN V|TITAN RTX|RTX [3-8]000|RTX 20\d\d)\b", 2, 3),
    Family(r"\b(P100|GP100|P40|P4|K80|M60|M40)\b", 1, 3),
    Family(r"\bMI35[05]X?\b", 5, 5, xgmi="MI350"),
    Family(r"\bMI(300[AX]?|308X?|325X?)\b", 4, 5, xgmi="MI300"),
    Family(r"\bMI2(00|10|50X?)\b", 3, 4, xgmi="MI200"),
    Family(r"\bMI100\b", 3, 4, xgmi="MI100"),
    Family(r"\bMI60\b", 2, 4, xgmi="MI60"),
    Family(r"\b(MI50|VEGA ?20)\b", 2, 4, xgmi="MI50"),
)
"""First match wins."""

DEFAULT_FAMILY = Family("", 3, 4)
"""Assumed for unknown products: an A100 or MI250. Ratios within a machine hold, as its links are of one generation."""


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
    nvlink_mb_s, pcie_x16_mb_s, xgmi_mb_s
        MB/s per direction of one NVLink, of sixteen PCIe lanes and of one xGMI link.
    """

    nvlink_generation: int
    pcie_generation: int
    nvlink_mb_s: int
    pcie_x16_mb_s: int
    xgmi_mb_s: int

    def bandwidth_mb_s(self, kind: LinkKind, count: int = 1) -> int:
        """Return what a path of this kind carries in one direction.

        Parameters
        ----------
        kind
            Kind of the path; `LinkKind.SELF` carries 0, as a device's link to itself is not a link.
        count
            Number of parallel NVLinks, xGMI or Xe Links; 1 for every other kind.

        Raises
        ------
        InputError
            If the kind has no one speed on a machine: sockets, coherent links and networks have tables of their own.

        Examples
        --------
        >>> link_rates("NVIDIA A100-SXM4-80GB").bandwidth_mb_s(LinkKind.NVLINK, 12)
        300000
        """
        if kind is LinkKind.SELF:
            return 0
        if kind is LinkKind.PCIE:
            return self.pcie_x16_mb_s
        if kind in PCIE_SHARE_24THS:
            return self.pcie_x16_mb_s * PCIE_SHARE_24THS[kind][0] // 24
        one = {
            LinkKind.NVLINK: self.nvlink_mb_s,
            LinkKind.XGMI: self.xgmi_mb_s,
            LinkKind.XE: XE_LINK.bandwidth_mb_s,
        }.get(kind)
        if one is None:
            raise InputError(f"kind: {kind.value} has no one speed on a machine; give the bandwidth itself")
        return count * one


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
    return LinkRates(
        generation,
        pcie,
        nvlink.bandwidth_mb_s,
        PCIE_X16_MB_S[pcie].bandwidth_mb_s,
        XGMI_MB_S[row.xgmi].bandwidth_mb_s,
    )
