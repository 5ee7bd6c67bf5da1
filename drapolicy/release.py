"""One Kubernetes minor release as a value: gates, behaviour and allocator features.

A :class:`Release` is made once at load and carried by ``Fleet``; it is never global.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from drapolicy.errors import InputError, UnsupportedFeatureError

# Gates of 1.37 that bear on allocation, with their default (K: pkg/features/kube_features.go v1.37.2).
_GATES_1_37: dict[str, bool] = {
    "DRAAdminAccess": True,
    "DRAPrioritizedList": True,
    "DRAPartitionableDevices": True,
    "DRADeviceTaints": True,
    "DRADeviceTaintRules": True,
    "DRAConsumableCapacity": True,
    "DRAFractionalCapacityRange": True,
    "DRADeviceBindingConditions": True,
    "DRAResourceClaimDeviceStatus": True,
    "DRAExtendedResource": True,
    "DRASchedulerFilterTimeout": True,
    "DRAListTypeAttributes": False,
    "DRANodeAllocatableResources": False,
    "DRAResourcePoolStatus": False,
    "DRADerivedAttributes": False,
    "DRADeviceCompatibilityGroups": False,
    "DRAOptionalNodeOperations": False,
    "DRAPartitionableDevicesType": False,
}

# Fields of upstream's allocator Features, and the gates that must all be on for each
# (K: plugin/dynamicresources AllocatorFeatures, v1.37.2).
ALLOCATOR_FEATURES: dict[str, tuple[str, ...]] = {
    "AdminAccess": ("DRAAdminAccess",),
    "PrioritizedList": ("DRAPrioritizedList",),
    "PartitionableDevices": ("DRAPartitionableDevices",),
    "DeviceTaints": ("DRADeviceTaints",),
    "DeviceBindingAndStatus": ("DRADeviceBindingConditions", "DRAResourceClaimDeviceStatus"),
    "ConsumableCapacity": ("DRAConsumableCapacity",),
    "FractionalCapacityRange": ("DRAFractionalCapacityRange",),
    "ListTypeAttributes": ("DRAListTypeAttributes",),
    "DerivedAttributes": ("DRADerivedAttributes",),
    "CompatibilityGroups": ("DRADeviceCompatibilityGroups",),
    "OptionalNodeOperations": ("DRAOptionalNodeOperations",),
}

# What this version of drapolicy decides as upstream does; the other features are refused by name.
SUPPORTED_FEATURES: frozenset[str] = frozenset(
    {
        "AdminAccess",
        "PrioritizedList",
        "PartitionableDevices",
        "DeviceTaints",
        "DeviceBindingAndStatus",
        "ConsumableCapacity",
        "FractionalCapacityRange",
    }
)


@dataclass(frozen=True)
class Release:
    """One Kubernetes minor release with its feature gates.

    Attributes
    ----------
    minor
        For example ``"1.37"``.
    gates
        Names of the gates that are on.
    """

    minor: str
    gates: frozenset[str]

    @cached_property
    def features(self) -> frozenset[str]:
        """Names of the allocator features that the gates turn on (upstream's ``Features`` struct)."""
        return frozenset(name for name, gates in ALLOCATOR_FEATURES.items() if self.gates.issuperset(gates))


def release(minor: str = "1.37", *, gates: Mapping[str, bool] | None = None) -> Release:
    """Return one Kubernetes release, with some gates switched if asked.

    Parameters
    ----------
    minor
        ``"1.37"``; earlier releases are not supported yet.
    gates
        Gates to turn on or off, by name.

    Raises
    ------
    UnsupportedFeatureError
        For another release, or for an alpha gate whose rules are not implemented.
    InputError
        For a gate that the release does not have.

    Examples
    --------
    >>> "ConsumableCapacity" in release("1.37").features
    True
    >>> "PartitionableDevices" in release("1.37", gates={"DRAPartitionableDevices": False}).features
    False
    """
    if minor != "1.37":
        message = f"Kubernetes {minor}: not supported; use 1.37"
        raise UnsupportedFeatureError(message, [f"Kubernetes {minor}"])
    switched = dict(_GATES_1_37)
    for name, on in (gates or {}).items():
        if name not in switched:
            message = f"Kubernetes {minor}: feature gate {name} is unknown; known are {', '.join(sorted(switched))}"
            raise InputError(message)
        switched[name] = on
    result = Release(minor, frozenset(name for name, on in switched.items() if on))
    missing = result.features - SUPPORTED_FEATURES
    if missing:
        message = (
            f"Kubernetes {minor}: the rules of {', '.join(sorted(missing))} are not implemented; leave the gate off"
        )
        raise UnsupportedFeatureError(message, missing)
    return result
