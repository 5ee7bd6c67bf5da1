"""Device plugins of vendors."""

from __future__ import annotations

from typing import Literal

from drapolicy.policies.nodes import First
from drapolicy.policies.peers import AmdDevicePlugin, GpuAllocator, IntelDevicePlugin
from drapolicy.policies.rule import Rule


def go_gpuallocator(
    *, policy: Literal["bestEffort", "simple", "staticDGX1Pascal", "staticDGX1Volta", "staticDGX2Volta"] = "bestEffort"
) -> Rule:
    """NVIDIA's go-gpuallocator, as its device plugin for Kubernetes uses it, on the first node that fits.

    bestEffort parts all available GPUs into sets of the size asked for so that the sum of set scores is greatest, and
    takes the best set of this parting. A pair scores 10 to 60 for its PCIe path and 100 for each NVLink. simple takes
    the first GPUs, the static policies the fixed sets of a DGX; where a static policy has none, the first GPUs that fit
    complete the ask.

    Parameters
    ----------
    policy
        Which of its policies.

    References
    ----------
    NVIDIA/go-gpuallocator 876e7b7, gpuallocator/besteffort_policy.go, simple_policy.go, staticdgx_policies.go.
    """
    return Rule(solver=GpuAllocator(policy=policy), nodes=First())


def amd_device_plugin() -> Rule:
    """AMD's device plugin for Kubernetes, best-effort policy, on the first node that fits.

    The set with the least sum of pair weights, among those that fill up one GPU's partitions after the other, GPUs with
    the fewest left first. A pair weighs 10 within a GPU and 20 between two, 10 over xGMI, 40 over PCIe and 50
    otherwise, 10 within a NUMA node and 20 between two.

    References
    ----------
    ROCm/k8s-device-plugin ed76468, internal/pkg/allocator/device.go, besteffort_policy.go.
    """
    return Rule(solver=AmdDevicePlugin(), nodes=First())


def intel_device_plugin(*, policy: Literal["none", "balanced", "packed"] = "none") -> Rule:
    """Intel's GPU plugin for Kubernetes, on the first node that fits.

    none takes one share of each card before a second of any; balanced the least share of the card with the most left,
    again and again; packed the first shares by name.

    Parameters
    ----------
    policy
        Which of its policies.

    References
    ----------
    intel/intel-device-plugins-for-kubernetes 35a85bf, cmd/gpu_plugin/allocationpolicy.go.
    """
    return Rule(solver=IntelDevicePlugin(policy=policy), nodes=First())
