"""Rules of resource slices and their devices (A.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from drapolicy.api.names import (
    MAX_ATTRIBUTE_VALUE,
    dns_label,
    driver_name,
    fully_qualified_name,
    label_key,
    pool_name,
    qualified_name,
    shown,
    version,
)
from drapolicy.api.resource import (
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceCounterConsumption,
    NodeAllocatableResource,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.api.validation.capacity import check_request_policy
from drapolicy.api.validation.metadata import check_metadata
from drapolicy.api.validation.nodes import check_exactly_one, check_node_name, check_node_selector
from drapolicy.api.validation.report import Report
from drapolicy.api.validation.screen import (
    MAX_ATTRIBUTE_VALUES,
    MAX_ATTRIBUTES_AND_CAPACITIES,
    MAX_DEVICES,
    devices_pass,
)
from drapolicy.api.validation.taints import check_taint
from drapolicy.api.values import key_path

MAX_DEVICES_ADVANCED: Final = 64
MAX_TAINTS: Final = 16
MAX_COUNTER_SETS: Final = 8
MAX_COUNTERS: Final = 32
MAX_CONSUMPTIONS: Final = 2
MAX_GROUPS: Final = 2
MAX_BINDING_CONDITIONS: Final = 4
_SKIPPABLE: Final = ("NodePrepareResources", "NodeUnprepareResources", "*")
_SCALARS: Final = ("int", "bool", "string", "version")


def check_slice(report: Report, slice_: ResourceSlice) -> None:
    """Check a ResourceSlice; what spans the slices of a pool is not looked at (S25 deals with it)."""
    spec = slice_.spec
    check_metadata(report, slice_, namespaced=False)
    report.name("spec.driver", spec.driver, driver_name)
    report.name("spec.pool.name", spec.pool.name, pool_name)
    report.int64("spec.pool.generation", spec.pool.generation, 0)
    report.int64("spec.pool.resourceSliceCount", spec.pool.resource_slice_count, 1)
    check_node_name(report, "spec.nodeName", spec.node_name)
    check_node_selector(report, "spec.nodeSelector", spec.node_selector, one_term=True)
    report.only_true("spec.allNodes", spec.all_nodes)
    report.only_true("spec.perDeviceNodeSelection", spec.per_device_node_selection)
    fields = {
        "nodeName": spec.node_name,
        "nodeSelector": spec.node_selector is not None,
        "allNodes": spec.all_nodes,
        "perDeviceNodeSelection": spec.per_device_node_selection,
    }
    check_exactly_one(report, "spec", fields)
    if spec.devices and spec.shared_counters:
        report.add("spec", "sets devices and sharedCounters; publish the counters in a slice of their own")
    if not devices_pass(spec):
        check_devices(report, spec)
    _check_counter_sets(report, spec.shared_counters)
    if spec.partition_type_attribute is not None:
        _check_partition_type(report, spec, spec.partition_type_attribute)
    check_skipped_operations(report, "spec.skipNodeOperations", spec.skip_node_operations)


def check_devices(report: Report, spec: ResourceSliceSpec) -> None:
    """Check the devices of a slice one by one, which names every fault."""
    limit = MAX_DEVICES_ADVANCED if any(map(_is_advanced, spec.devices)) else MAX_DEVICES
    if not report.at_most("spec.devices", spec.devices, limit):
        return
    report.unique("spec.devices", [device.name for device in spec.devices], ".name")
    for index, device in enumerate(spec.devices):
        _check_device(report, f"spec.devices[{index}]", device, per_device=bool(spec.per_device_node_selection))


def check_binding_conditions(report: Report, path: str, conditions: Sequence[str], failures: Sequence[str]) -> None:
    """Check the two lists of binding conditions: set together, unique, disjoint."""
    for field, names in (("bindingConditions", conditions), ("bindingFailureConditions", failures)):
        place = f"{path}.{field}"
        if report.at_most(place, names, MAX_BINDING_CONDITIONS):
            report.unique(place, names)
            for index, name in enumerate(names):
                report.name(f"{place}[{index}]", name, label_key)
    for index, name in enumerate(failures):
        if name in conditions:
            report.add(f"{path}.bindingFailureConditions[{index}]", f"{shown(name)} is in bindingConditions too")
    if bool(conditions) != bool(failures):
        missing, present = "bindingConditions", "bindingFailureConditions"
        if conditions:
            missing, present = present, missing
        report.required(f"{path}.{missing}", f"set it together with {present}")


def check_skipped_operations(report: Report, path: str, operations: Sequence[str]) -> None:
    """Check the node operations that a driver does without."""
    report.unique(path, operations)
    for index, operation in enumerate(operations):
        report.one_of(f"{path}[{index}]", operation, _SKIPPABLE)
    if "NodePrepareResources" in operations and not {"NodeUnprepareResources", "*"} & set(operations):
        report.add(path, "skips NodePrepareResources alone; skip NodeUnprepareResources with it")


def _is_advanced(device: Device) -> bool:
    """Tell whether a device lowers the number of devices that its slice may hold."""
    return bool(device.taints or device.consumes_counters) or any(map(_lists, device.attributes.values()))


def _lists(attribute: DeviceAttribute) -> dict[str, Sequence[object]]:
    """Return the lists that are set on an attribute."""
    lists: dict[str, Sequence[object]] = {
        "ints": attribute.int_values,
        "bools": attribute.bool_values,
        "strings": attribute.string_values,
        "versions": attribute.version_values,
    }
    return {name: values for name, values in lists.items() if values}


def _check_device(report: Report, path: str, device: Device, *, per_device: bool) -> None:
    report.name(f"{path}.name", device.name, dns_label)
    size = len(device.attributes) + len(device.capacity)
    if size > MAX_ATTRIBUTES_AND_CAPACITIES:
        report.add(path, f"has {size} attributes and capacities; use at most {MAX_ATTRIBUTES_AND_CAPACITIES}")
    count = sum(sum(map(len, _lists(attribute).values())) or 1 for attribute in device.attributes.values())
    if count > MAX_ATTRIBUTE_VALUES:
        report.add(f"{path}.attributes", f"has {count} values; use at most {MAX_ATTRIBUTE_VALUES}")
    for name, attribute in device.attributes.items():
        place = key_path(f"{path}.attributes", name)
        report.name(place, name, qualified_name)
        _check_attribute(report, place, attribute)
    for name, capacity in device.capacity.items():
        place = key_path(f"{path}.capacity", name)
        report.name(place, name, qualified_name)
        check_request_policy(report, place, capacity, shareable=bool(device.allow_multiple_allocations))
    if report.at_most(f"{path}.taints", device.taints, MAX_TAINTS):
        for index, taint in enumerate(device.taints):
            check_taint(report, f"{path}.taints[{index}]", taint)
    _check_consumption(report, f"{path}.consumesCounters", device.consumes_counters)
    _check_device_nodes(report, path, device, per_device=per_device)
    check_binding_conditions(report, path, device.binding_conditions, device.binding_failure_conditions)
    for resource, need in device.node_allocatable_resources.items():
        place = key_path(f"{path}.nodeAllocatableResources", resource)
        _check_node_resource(report, place, resource, need, device.capacity)


def _check_attribute(report: Report, path: str, attribute: DeviceAttribute) -> None:
    scalars = (attribute.int_value, attribute.bool_value, attribute.string_value, attribute.version_value)
    present = [name for name, value in zip(_SCALARS, scalars, strict=True) if value is not None]
    present += _lists(attribute)
    if not present:
        report.required(path, "set exactly one of int, bool, string, version, ints, bools, strings, versions")
    elif len(present) > 1:
        report.add(path, f"sets {' and '.join(present)}; set exactly one")
    if attribute.int_value is not None:
        report.int64(f"{path}.int", attribute.int_value)
    if attribute.string_value is not None:
        report.max_bytes(f"{path}.string", attribute.string_value, MAX_ATTRIBUTE_VALUE)
    if attribute.version_value is not None and (message := version(attribute.version_value)):
        report.add(f"{path}.version", message)
    for index, number in enumerate(attribute.int_values):
        report.int64(f"{path}.ints[{index}]", number)
    for index, text in enumerate(attribute.string_values):
        report.max_bytes(f"{path}.strings[{index}]", text, MAX_ATTRIBUTE_VALUE)
    for index, text in enumerate(attribute.version_values):
        if message := version(text):
            report.add(f"{path}.versions[{index}]", message)


def _check_device_nodes(report: Report, path: str, device: Device, *, per_device: bool) -> None:
    fields = {
        "nodeName": device.node_name is not None,
        "nodeSelector": device.node_selector is not None,
        "allNodes": device.all_nodes is not None,
    }
    if not per_device:
        for name, present in fields.items():
            if present:
                report.add(f"{path}.{name}", "is only allowed in slices with perDeviceNodeSelection: true; remove it")
        return
    check_node_name(report, f"{path}.nodeName", device.node_name)
    check_node_selector(report, f"{path}.nodeSelector", device.node_selector, one_term=True)
    report.only_true(f"{path}.allNodes", device.all_nodes)
    check_exactly_one(report, path, fields | {"nodeName": device.node_name, "allNodes": device.all_nodes})


def _check_counter_sets(report: Report, sets: Sequence[CounterSet]) -> None:
    path = "spec.sharedCounters"
    if not report.at_most(path, sets, MAX_COUNTER_SETS):
        return
    report.unique(path, [counter_set.name for counter_set in sets], ".name")
    for index, counter_set in enumerate(sets):
        report.name(f"{path}[{index}].name", counter_set.name, dns_label)
        _check_counters(report, f"{path}[{index}].counters", counter_set.counters)


def _check_consumption(report: Report, path: str, consumptions: Sequence[DeviceCounterConsumption]) -> None:
    if not report.at_most(path, consumptions, MAX_CONSUMPTIONS):
        return
    report.unique(path, [consumption.counter_set for consumption in consumptions], ".counterSet")
    for index, consumption in enumerate(consumptions):
        place = f"{path}[{index}]"
        report.name(f"{place}.counterSet", consumption.counter_set, dns_label)
        _check_counters(report, f"{place}.counters", consumption.counters)
        groups = consumption.compatibility_groups
        if report.at_most(f"{place}.compatibilityGroups", groups, MAX_GROUPS):
            report.unique(f"{place}.compatibilityGroups", groups)
            for number, group in enumerate(groups):
                report.name(f"{place}.compatibilityGroups[{number}]", group, dns_label)


def _check_counters(report: Report, path: str, counters: Mapping[str, object]) -> None:
    if not counters:
        report.required(path, "name at least one counter")
    elif report.at_most(path, counters, MAX_COUNTERS):
        for name in counters:
            report.name(key_path(path, name), name, dns_label)


def _check_node_resource(
    report: Report, path: str, resource: str, need: NodeAllocatableResource, capacity: Mapping[str, DeviceCapacity]
) -> None:
    if resource not in {"cpu", "memory"} and not resource.startswith("hugepages-"):
        report.add(path, f"{shown(resource)} is no node resource for devices; use cpu, memory or hugepages-<size>")
    if need.mapping is None and need.overhead is None:
        report.required(path, "set mapping or overhead")
    if need.mapping is not None:
        mapping, place = need.mapping, f"{path}.mapping"
        check_exactly_one(
            report,
            place,
            {
                "capacityKey": mapping.capacity_key is not None,
                "deviceMultiplier": mapping.device_multiplier is not None,
            },
        )
        if mapping.capacity_key is not None and mapping.capacity_key not in capacity:
            report.add(f"{place}.capacityKey", f"{shown(mapping.capacity_key)} is no capacity of the device; name one")
        if (mapping.capacity_key is None) != (mapping.capacity_multiplier is None):
            missing = "capacityKey" if mapping.capacity_key is None else "capacityMultiplier"
            report.required(f"{place}.{missing}", "set capacityKey and capacityMultiplier together")
        for field, amount in (
            ("capacityMultiplier", mapping.capacity_multiplier),
            ("deviceMultiplier", mapping.device_multiplier),
        ):
            if amount is not None and amount.nano <= 0:
                report.add(f"{place}.{field}", f"{amount} is not positive; use more than 0")
    if need.overhead is not None:
        overhead, place = need.overhead, f"{path}.overhead"
        if overhead.per_pod is None and overhead.per_container is None:
            report.required(place, "set perPod or perContainer")
        for field, amount in (("perPod", overhead.per_pod), ("perContainer", overhead.per_container)):
            if amount is not None and amount.nano < 0:
                report.add(f"{place}.{field}", f"{amount} is negative; use 0 or more")


def _check_partition_type(report: Report, spec: ResourceSliceSpec, name: str) -> None:
    path = "spec.partitionTypeAttribute"
    report.name(path, name, fully_qualified_name)
    if not any(device.consumes_counters for device in spec.devices):
        report.add(path, f"{shown(name)} needs devices that consume counters; remove it from this slice")
    elif fully_qualified_name(name) is None:
        bare = name.removeprefix(f"{spec.driver}/")
        for index, device in enumerate(spec.devices):
            if device.consumes_counters:
                place = key_path(f"spec.devices[{index}].attributes", name)
                attribute = device.attributes.get(name) or device.attributes.get(bare)
                if attribute is None:
                    report.required(place, "partitionTypeAttribute names it and the device consumes counters")
                elif attribute.string_value is None:
                    report.add(place, "is no string, but partitionTypeAttribute names it; set string")
