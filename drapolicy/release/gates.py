"""Feature gates of each release, and the allocator features that they turn on: one table.

Source: Kubernetes ``pkg/features/kube_features.go`` and ``plugins/dynamicresources`` of v1.34.4, v1.35.4, v1.36.3 and
v1.37.2; allocators of ``k8s.io/dynamic-resource-allocation`` v0.34.13, v0.35.10, v0.36.6 and v0.37.2 (K8s S19).
"""

from __future__ import annotations

from typing import Final, NamedTuple

MINORS: Final = ("1.34", "1.35", "1.36", "1.37")
NEWEST: Final = MINORS[-1]


class Gate(NamedTuple):
    """How a release sets a feature gate.

    Attributes
    ----------
    stage
        ``alpha``, ``beta`` or ``GA``.
    on
        Its default.
    locked
        The default cannot be changed.
    """

    stage: str
    on: bool
    locked: bool = False


_NONE: Final = None
_ALPHA: Final = Gate("alpha", on=False)
_BETA_OFF: Final = Gate("beta", on=False)
_BETA: Final = Gate("beta", on=True)
_GA: Final = Gate("GA", on=True)
_LOCKED: Final = Gate("GA", on=True, locked=True)

# One row a gate, one column a release of MINORS; None where the release has no such gate.
GATES: Final[dict[str, tuple[Gate | None, ...]]] = {
    "DRAAdminAccess": (_BETA, _BETA, _LOCKED, _LOCKED),
    "DRAPrioritizedList": (_BETA, _BETA, _GA, _LOCKED),
    "DRAPartitionableDevices": (_ALPHA, _ALPHA, _BETA, _BETA),
    "DRADeviceTaints": (_ALPHA, _ALPHA, _BETA, _GA),
    "DRADeviceTaintRules": (_NONE, _ALPHA, _BETA_OFF, _GA),
    "DRAConsumableCapacity": (_ALPHA, _ALPHA, _BETA, _BETA),
    "DRAFractionalCapacityRange": (_NONE, _NONE, _NONE, _BETA),
    "DRADeviceBindingConditions": (_ALPHA, _ALPHA, _BETA, _BETA),
    "DRAResourceClaimDeviceStatus": (_BETA, _BETA, _BETA, _LOCKED),
    "DRAExtendedResource": (_ALPHA, _ALPHA, _BETA, _LOCKED),
    "DRASchedulerFilterTimeout": (_BETA, _BETA, _BETA, _BETA),
    "DRAListTypeAttributes": (_NONE, _NONE, _ALPHA, _ALPHA),
    "DRANodeAllocatableResources": (_NONE, _NONE, _ALPHA, _ALPHA),
    "DRAResourcePoolStatus": (_NONE, _NONE, _ALPHA, _ALPHA),
    "DRAPartitionableDevicesType": (_NONE, _NONE, _NONE, _ALPHA),
    "DRADerivedAttributes": (_NONE, _NONE, _NONE, _ALPHA),
    "DRADeviceCompatibilityGroups": (_NONE, _NONE, _NONE, _ALPHA),
    "DRAOptionalNodeOperations": (_NONE, _NONE, _NONE, _ALPHA),
    "NodeDeclaredFeatures": (_NONE, _ALPHA, _BETA, _LOCKED),
}

# Kubernetes refuses to start with a gate on and one of these off (checked from 1.35 on).
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "DRADeviceTaintRules": ("DRADeviceTaints",),
    "DRAFractionalCapacityRange": ("DRAConsumableCapacity",),
    "DRADeviceBindingConditions": ("DRAResourceClaimDeviceStatus",),
    "DRAPartitionableDevicesType": ("DRAPartitionableDevices", "DRAResourcePoolStatus"),
    "DRADeviceCompatibilityGroups": ("DRAPartitionableDevices",),
    "DRAOptionalNodeOperations": ("NodeDeclaredFeatures",),
}

# Fields of upstream's allocator Features, and the gates that must all be on for each.
_FEATURES_1_35: Final[dict[str, tuple[str, ...]]] = {
    "AdminAccess": ("DRAAdminAccess",),
    "PrioritizedList": ("DRAPrioritizedList",),
    "PartitionableDevices": ("DRAPartitionableDevices",),
    "DeviceTaints": ("DRADeviceTaints",),
    "DeviceBindingAndStatus": ("DRADeviceBindingConditions", "DRAResourceClaimDeviceStatus"),
    "ConsumableCapacity": ("DRAConsumableCapacity",),
}
_FEATURES_1_34: Final[dict[str, tuple[str, ...]]] = {
    **{name: gates for name, gates in _FEATURES_1_35.items() if name != "DeviceBindingAndStatus"},
    "DeviceBinding": ("DRADeviceBindingConditions",),
    "DeviceStatus": ("DRAResourceClaimDeviceStatus",),
}
_FEATURES_1_36: Final[dict[str, tuple[str, ...]]] = {
    **_FEATURES_1_35,
    "ListTypeAttributes": ("DRAListTypeAttributes",),
}
_FEATURES_1_37: Final[dict[str, tuple[str, ...]]] = {
    **_FEATURES_1_36,
    "FractionalCapacityRange": ("DRAFractionalCapacityRange",),
    "DerivedAttributes": ("DRADerivedAttributes",),
    "CompatibilityGroups": ("DRADeviceCompatibilityGroups",),
    "OptionalNodeOperations": ("DRAOptionalNodeOperations",),
}
FEATURES: Final[dict[str, dict[str, tuple[str, ...]]]] = dict(
    zip(MINORS, (_FEATURES_1_34, _FEATURES_1_35, _FEATURES_1_36, _FEATURES_1_37), strict=True)
)

# Upstream keeps three copies of its allocator; the first that handles all features that are on is used.
_OLD_INCUBATING: Final = frozenset({"AdminAccess", "PrioritizedList", "PartitionableDevices", "DeviceTaints"})
_INCUBATING: Final = _OLD_INCUBATING | {"DeviceBindingAndStatus", "ConsumableCapacity"}
VARIANTS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "1.34": {"stable": frozenset(), "incubating": _OLD_INCUBATING, "experimental": frozenset(_FEATURES_1_34)},
    "1.35": {"stable": frozenset(), "incubating": _OLD_INCUBATING, "experimental": frozenset(_FEATURES_1_35)},
    "1.36": {"stable": _OLD_INCUBATING, "incubating": _INCUBATING, "experimental": frozenset(_FEATURES_1_36)},
    "1.37": {
        "stable": _OLD_INCUBATING,
        "incubating": _INCUBATING | {"FractionalCapacityRange"},
        "experimental": frozenset(_FEATURES_1_37),
    },
}
