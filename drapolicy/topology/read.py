"""Reads what a machine printed about its interconnect."""

from __future__ import annotations

from pathlib import Path

from drapolicy.topology import nvidia_smi
from drapolicy.topology.graph import Topology


def read(path: str | Path, *, product: str = "") -> Topology:
    """Return the graph of a machine from a file.

    Parameters
    ----------
    path
        Output of ``nvidia-smi topo -m``; other formats are not read yet.
    product
        Product name of the GPUs, e.g. ``NVIDIA A100 80GB PCIe``; it decides how fast a link is. An unknown or empty
        name counts as an A100. :func:`drapolicy.topology.fleet.product_of` gives that of a fleet.

    Raises
    ------
    ParseError
        With every fault of the file, or when it is something else.
    OSError
        If it cannot be opened.
    """
    return nvidia_smi.topology(nvidia_smi.read(path), product)
