"""What DRA attributes say about where a device is: spellings of each fact by driver, as data, and links from them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import Device
from drapolicy.topology.links import LinkKind, link_rates

NodeDevice = tuple[str, str, Device]
"""A device of a node: driver, pool, device."""

SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pcie_root": ("resource.kubernetes.io/pcieRoot", "pcieRoot", "pciRoot"),
        "pci_bus_id": (
            "resource.kubernetes.io/pciBusID",
            "pciBusID",
            "pcieBusID",  # gpu.nvidia.com before the standard attribute
            "pciAddress",  # gpu.intel.com, dra.net, sriovnetwork
            "pciAddr",  # gpu.amd.com
        ),
        "numa_node": (
            "resource.kubernetes.io/numaNode",
            "numaNode",
            "numa",  # gpu.nvidia.com, type vfio
            "numaNodeID",  # dra.cpu before the standard attribute, gpu.example.com
            "dra.net/numaNode",  # drivers beside dra.net that follow it
            "dra.cpu/numaNodeID",
        ),
        "rdma_device": ("dra.net/rdmaDevice", "rdmaDevice"),
        "index": ("index",),
        "minor": ("minor",),
        "type": ("type",),
        "product": ("productName", "model"),
    }
)
"""Per fact its attributes, the first that a device has counts; without a domain the driver's own is meant (S2, S50)."""

WHOLE_GPU_TYPES = frozenset({"gpu", "amdgpu"})
"""Values of ``type`` that GPU drivers give to whole devices; others are partitions or passed-through functions."""

_GPU_DRIVER = re.compile(r"(^|[./-])(gpu|gaudi)([./-]|$)")


def values(driver: str, device: Device, fact: str) -> tuple[int | str, ...]:
    """Return what a device says about a fact, under whichever spelling.

    Parameters
    ----------
    driver
        Driver of the device, the domain of its attributes without one.
    fact
        A key of `SPELLINGS`.

    Returns
    -------
    tuple of int or str
        One value, several of a list attribute, or none. Negative NUMA nodes mean "unknown" (Linux) and are left out.
    """
    for spelling in SPELLINGS[fact]:
        domain, _, name = spelling.rpartition("/")
        value = device.attributes.get(f"{domain or driver}/{name}")
        if value is None and domain in {"", driver}:
            value = device.attributes.get(name)
        if value is None:
            continue
        found: list[int | str] = [*value.int_values, *value.string_values]
        if value.int_value is not None:
            found.append(value.int_value)
        if value.string_value is not None:
            found.append(value.string_value)
        return tuple(v for v in found if not (fact == "numa_node" and isinstance(v, int) and v < 0) and v != "")
    return ()


def value(driver: str, device: Device, fact: str) -> int | str | None:
    """Return the one value of a fact; None where there is none or a list of several."""
    found = values(driver, device, fact)
    return found[0] if len(found) == 1 else None


def role(driver: str, device: Device) -> str:
    """Return which kind of vertex a device is: ``gpu``, ``nic`` or, for all else, partitions included, nothing.

    Examples
    --------
    >>> role("gpu.nvidia.com", Device(name="gpu-0"))
    'gpu'
    """
    if values(driver, device, "rdma_device") or driver == "dra.net":
        return "nic"
    if _GPU_DRIVER.search(driver):
        return "gpu" if value(driver, device, "type") in {None, *WHOLE_GPU_TYPES} else ""
    return ""


def attribute_links(
    devices: Sequence[NodeDevice], *, product: str = "", pcie_generation: int | None = None
) -> NDArray[np.int64]:
    """Estimate the links between a node's devices from their attributes alone.

    Devices of one PCIe root get the bandwidth of `LinkKind.PXB`, of one NUMA node that of `LinkKind.NODE`, all
    others that of `LinkKind.SYS`. A device with a list of roots or NUMA nodes shares each of them; where the shared
    root comes from such a list, as CPUs have it, the path crosses the host bridge: `LinkKind.PHB`.

    Parameters
    ----------
    devices
        D devices of one node: driver, pool, device.
    product, pcie_generation
        Choose the bandwidths, see `drapolicy.topology.links.link_rates`; the first product name among the GPUs'
        attributes by default.

    Returns
    -------
    ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal, not writeable

    Notes
    -----
    NVLink and xGMI are in no attribute today: join a side file with `drapolicy.topology.bind` to have them.
    """
    if not product:
        gpus = ((driver, device) for driver, _, device in devices if role(driver, device) == "gpu")
        named = (str(value(driver, device, "product") or "") for driver, device in gpus)
        product = next((name for name in named if name), "")
    rates = link_rates(product, pcie_generation=pcie_generation)
    roots = [frozenset(values(driver, device, "pcie_root")) for driver, _, device in devices]
    numas = [frozenset(map(str, values(driver, device, "numa_node"))) for driver, _, device in devices]
    links = np.zeros((len(devices), len(devices)), np.int64)
    for a in range(len(devices)):
        for b in range(a):
            kind = LinkKind.SYS
            if roots[a] & roots[b]:
                kind = LinkKind.PXB if len(roots[a]) == len(roots[b]) == 1 else LinkKind.PHB
            elif numas[a] & numas[b]:
                kind = LinkKind.NODE
            links[a, b] = links[b, a] = rates.bandwidth_mb_s(kind)
    links.flags.writeable = False
    return links
