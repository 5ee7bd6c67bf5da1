"""Kinds of links between devices."""

from __future__ import annotations

from enum import StrEnum


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
    ICI = "ICI"
    PCIE = "PCIE"
    SOCKET = "SOCKET"
    INFINIBAND = "IB"
    ETHERNET = "ETH"
    NETWORK = "NET"


LETTERS = (LinkKind.SELF, LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE, LinkKind.SYS)
"""Paths that ``nvidia-smi`` writes without a number, nearest first."""
