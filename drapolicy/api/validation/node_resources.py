"""Rules of the node resources that devices stand for or need (alpha)."""

from __future__ import annotations

from collections.abc import Mapping

from drapolicy.api.names import shown
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Device,
    DeviceCapacity,
    NodeAllocatableMapping,
    NodeAllocatableOverhead,
    NodeAllocatableResourceMapping,
)
from drapolicy.api.validation.nodes import check_exactly_one
from drapolicy.api.validation.report import Report
from drapolicy.api.values import key_path

GATE = "DRANodeAllocatableResources"


def check_node_resources(report: Report, path: str, device: Device) -> None:
    """Check what a device says of node resources, in the form of Kubernetes 1.37 and in that of 1.36."""
    report.gated(path, "nodeAllocatableResources", device.node_allocatable_resources, GATE)
    for resource, need in device.node_allocatable_resources.items():
        place = key_path(f"{path}.nodeAllocatableResources", resource)
        if resource not in {"cpu", "memory"} and not resource.startswith("hugepages-"):
            report.add(place, f"{shown(resource)} is no node resource for devices; use cpu, memory or hugepages-<size>")
        if need.mapping is None and need.overhead is None:
            report.required(place, "set mapping or overhead")
        if need.mapping is not None:
            _check_mapping(report, f"{place}.mapping", need.mapping, device.capacity)
        if need.overhead is not None:
            _check_overhead(report, f"{place}.overhead", need.overhead)
    report.gated(path, "nodeAllocatableResourceMappings", device.node_allocatable_resource_mappings, GATE)
    for resource, mapping in device.node_allocatable_resource_mappings.items():
        place = key_path(f"{path}.nodeAllocatableResourceMappings", resource)
        _check_old_mapping(report, place, resource, mapping, device.capacity)


def _check_mapping(
    report: Report, path: str, mapping: NodeAllocatableMapping, capacity: Mapping[str, DeviceCapacity]
) -> None:
    key = mapping.capacity_key
    check_exactly_one(
        report, path, {"capacityKey": key is not None, "deviceMultiplier": mapping.device_multiplier is not None}
    )
    _check_key(report, f"{path}.capacityKey", key, capacity)
    if (key is None) != (mapping.capacity_multiplier is None):
        missing = "capacityKey" if key is None else "capacityMultiplier"
        report.required(f"{path}.{missing}", "set capacityKey and capacityMultiplier together")
    _check_positive(report, f"{path}.capacityMultiplier", mapping.capacity_multiplier)
    _check_positive(report, f"{path}.deviceMultiplier", mapping.device_multiplier)


def _check_overhead(report: Report, path: str, overhead: NodeAllocatableOverhead) -> None:
    if overhead.per_pod is None and overhead.per_container is None:
        report.required(path, "set perPod or perContainer")
    for field, amount in (("perPod", overhead.per_pod), ("perContainer", overhead.per_container)):
        if amount is not None and amount.nano < 0:
            report.add(f"{path}.{field}", f"{amount} is negative; use 0 or more")


def _check_old_mapping(
    report: Report,
    path: str,
    resource: str,
    mapping: NodeAllocatableResourceMapping,
    capacity: Mapping[str, DeviceCapacity],
) -> None:
    if "/" in resource and "kubernetes.io/" not in resource:
        report.add(path, f"{shown(resource)} is no resource of nodes; use one such as cpu or memory")
    if mapping.allocation_multiplier is None and mapping.capacity_key is None:
        report.required(path, "set allocationMultiplier or capacityKey")
    _check_key(report, f"{path}.capacityKey", mapping.capacity_key, capacity)
    _check_positive(report, f"{path}.allocationMultiplier", mapping.allocation_multiplier)


def _check_key(report: Report, path: str, key: str | None, capacity: Mapping[str, DeviceCapacity]) -> None:
    if key is not None and key not in capacity:
        report.add(path, f"{shown(key)} is no capacity of the device; name one")


def _check_positive(report: Report, path: str, amount: Quantity | None) -> None:
    if amount is not None and amount.nano <= 0:
        report.add(path, f"{amount} is not positive; use more than 0")
