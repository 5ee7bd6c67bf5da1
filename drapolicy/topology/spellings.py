"""Under which attribute each driver tells where a device is and what it is: one table, with sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Spelling:
    """One attribute that tells a fact.

    Attributes
    ----------
    attribute
        Name with domain, or without one where each driver means its own (K8s S2, S50).
    source
        Who publishes it: in slices that were captured, in the driver's code, or in its documentation.
    """

    attribute: str
    source: str


SPELLINGS: Mapping[str, tuple[Spelling, ...]] = MappingProxyType(
    {
        "pcie_root": (
            Spelling(
                "resource.kubernetes.io/pcieRoot", "standard; captured: gpu.nvidia.com, dra.net, dra.cpu (a list)"
            ),
            Spelling("pcieRoot", "gpu.amd.com: documentation; gpu.nvidia.com, type vfio: code"),
            Spelling("pciRoot", "gpu.intel.com, gaudi.intel.com: captured"),
        ),
        "pci_bus_id": (
            Spelling("resource.kubernetes.io/pciBusID", "standard; captured: gpu.nvidia.com"),
            Spelling("pciBusID", "gpu.nvidia.com, type vfio; gpu.intel.com; sriovnetwork: code"),
            Spelling("pcieBusID", "gpu.nvidia.com before the standard attribute: dra-driver-nvidia-gpu issue 719"),
            Spelling("pciAddress", "dra.net, gpu.intel.com: captured; sriovnetwork: code"),
            Spelling("pciAddr", "gpu.amd.com: documentation"),
        ),
        "numa_node": (
            Spelling(
                "resource.kubernetes.io/numaNode", "standard; captured: dra.cpu; gpu.nvidia.com: code (maybe a list)"
            ),
            Spelling("numaNode", "dra.net: captured"),
            Spelling("numa", "gpu.nvidia.com, type vfio: code"),
            Spelling("numaNodeID", "dra.cpu before the standard attribute, gpu.example.com: captured"),
            Spelling("dra.net/numaNode", "drivers that follow dra.net: dra.cpu captured, sriovnetwork code"),
            Spelling("dra.cpu/numaNodeID", "drivers that follow dra.cpu"),
        ),
        "socket": (Spelling("socketID", "dra.cpu: captured"),),
        "rdma_device": (
            Spelling("dra.net/rdmaDevice", "dra.net: captured"),
            Spelling("rdmaDevice", "drivers that follow dra.net"),
        ),
        "uuid": (Spelling("uuid", "gpu.nvidia.com, gpu.example.com: captured; HAMi: code"),),
        "parent_uuid": (Spelling("parentUUID", "gpu.nvidia.com, type mig; HAMi: code"),),
        "parent_pci": (Spelling("pfPciAddress", "sriovnetwork, of virtual functions: code"),),
        "parent_index": (Spelling("parentIndex", "older gpu.nvidia.com, type mig: code"),),
        "index": (Spelling("index", "gpu.example.com, older gpu.nvidia.com: captured"),),
        "minor": (Spelling("minor", "older gpu.nvidia.com: captured"),),
        "type": (Spelling("type", "gpu.nvidia.com, gpu.amd.com, compute-domain.nvidia.com: captured"),),
        "product": (
            Spelling("productName", "gpu.nvidia.com, gpu.amd.com: captured"),
            Spelling("model", "gpu.intel.com, gaudi.intel.com, gpu.example.com: captured"),
        ),
    }
)
"""Per fact its attributes; the first that a device has counts.

``deviceID`` tells no parent, though gpu.amd.com's examples once took it for that: all GPUs of a model have the same.
"""

LOCATION_FACTS = ("pcie_root", "numa_node", "socket")
"""Facts that devices of several drivers can share, so that ``matchAttribute`` brings them together."""
