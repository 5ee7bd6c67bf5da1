"""Limits and rules of the API server of each release: one table (K8s A.3).

Source: Kubernetes ``pkg/apis/resource/types.go`` and ``pkg/apis/resource/validation`` of v1.34.4, v1.35.4, v1.36.3 and
v1.37.2. Where a release has no limit of its own, the one that follows from its others stands here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Rules:
    """What the API server of one release lets pass; numbers are largest numbers of entries, or of bytes.

    Attributes
    ----------
    devices, advanced_devices
        Of a slice; of one in which a device has taints, consumes counters or has a list attribute.
    attributes_and_capacities, attribute_values
        Of a device; an entry of a list is a value.
    taints, binding_conditions
        Of a device.
    counter_sets, set_counters, slice_counters
        Sets of a slice; counters of one set; of all sets of the slice.
    consumptions, consumed_counters, device_counters, devices_counters
        Counter sets that a device draws from; counters of one of them; of all of them; of all devices of the slice.
    groups
        Compatibility groups of a consumption.
    valid_values
        Of a request policy.
    requests, alternatives, constraints, references, derived, tolerations
        Of a claim, a request, a claim, a constraint or configuration, and (the last two) a request.
    selectors, config
        Of a class, and of a request and a claim.
    results, allocation_config, reserved_for, device_conditions, addresses
        Of the status of a claim; the last two of a device in it.
    rule_conditions, pools, pool_conditions, summaries
        Of a DeviceTaintRule; of a ResourcePoolStatusRequest, and (the last) of each of its pools.
    expression_bytes, parameters_bytes, interface_bytes, hardware_bytes, error_bytes
        Lengths of texts.
    effects
        Of taints and tolerations.
    separate_counters
        Counter sets are published in slices without devices. Otherwise devices consume those of their own slice.
    positive_step
        The step of a valid range is above 0, and the amounts counted in steps are not negative.
    result_tolerations
        Tolerations of allocation results are looked at.
    kept
        Fields that need a feature gate and are not dropped when it is off (K8s S18).
    """

    devices: int = 128
    advanced_devices: int = 64
    attributes_and_capacities: int = 32
    attribute_values: int = 48
    taints: int = 16
    binding_conditions: int = 4
    counter_sets: int = 8
    set_counters: int = 32
    slice_counters: int = 8 * 32
    consumptions: int = 2
    consumed_counters: int = 32
    device_counters: int = 2 * 32
    devices_counters: int = 64 * 2 * 32
    groups: int = 2
    valid_values: int = 10
    requests: int = 32
    alternatives: int = 8
    constraints: int = 32
    references: int = 32
    derived: int = 32
    tolerations: int = 16
    selectors: int = 32
    config: int = 32
    results: int = 32
    allocation_config: int = 64
    reserved_for: int = 256
    device_conditions: int = 8
    addresses: int = 16
    rule_conditions: int = 8
    pools: int = 1000
    pool_conditions: int = 10
    summaries: int = 32
    expression_bytes: int = 10 * 1024
    parameters_bytes: int = 10 * 1024
    interface_bytes: int = 256
    hardware_bytes: int = 128
    error_bytes: int = 256
    effects: tuple[str, ...] = ("None", "NoSchedule", "NoExecute")
    separate_counters: bool = True
    positive_step: bool = True
    result_tolerations: bool = True
    kept: frozenset[str] = frozenset({"allocationTimestamp"})


_1_37: Final = Rules()
_1_36: Final = replace(_1_37, positive_step=False, result_tolerations=False)
_1_35: Final = _1_36
_1_34: Final = replace(
    _1_35,
    advanced_devices=128,
    taints=4,
    counter_sets=32,
    slice_counters=32,
    consumptions=32,
    device_counters=32,
    devices_counters=1024,
    effects=("NoSchedule", "NoExecute"),
    separate_counters=False,
    kept=frozenset({"tolerations", "distinctAttribute"}),
)
RULES: Final[dict[str, Rules]] = {"1.34": _1_34, "1.35": _1_35, "1.36": _1_36, "1.37": _1_37}
