"""Rules of the devices of a slice (A.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drapolicy.api.names import MAX_ATTRIBUTE_VALUE, dns_label, label_key, qualified_name, shown, version
from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.api.validation.capacity import check_request_policy
from drapolicy.api.validation.counters import check_consumption
from drapolicy.api.validation.node_resources import check_node_resources
from drapolicy.api.validation.nodes import check_exactly_one, check_node_name, check_node_selector
from drapolicy.api.validation.report import Report
from drapolicy.api.validation.taints import check_taint
from drapolicy.api.values import key_path

_SCALARS: Final = ("int", "bool", "string", "version")


def is_advanced(device: Device) -> bool:
    """Tell whether a device lowers the number of devices that its slice may hold."""
    return bool(device.taints or device.consumes_counters) or any(map(_lists, device.attributes.values()))


def check_device(report: Report, path: str, device: Device, *, per_device: bool) -> None:
    """Check one device; ``per_device`` tells whether devices choose their nodes."""
    _note_gates(report, path, device)
    report.name(f"{path}.name", device.name, dns_label)
    size = len(device.attributes) + len(device.capacity)
    rules = report.rules
    if size > rules.attributes_and_capacities:
        report.add(path, f"has {size} attributes and capacities; use at most {rules.attributes_and_capacities}")
    count = sum(sum(map(len, _lists(attribute).values())) or 1 for attribute in device.attributes.values())
    if count > rules.attribute_values:
        report.add(f"{path}.attributes", f"has {count} values; use at most {rules.attribute_values}")
    for name, attribute in device.attributes.items():
        place = key_path(f"{path}.attributes", name)
        report.name(place, name, qualified_name)
        _check_attribute(report, place, attribute)
    for name, capacity in device.capacity.items():
        place = key_path(f"{path}.capacity", name)
        report.name(place, name, qualified_name)
        check_request_policy(report, place, capacity, shareable=bool(device.allow_multiple_allocations))
    if report.at_most(f"{path}.taints", device.taints, rules.taints):
        for index, taint in enumerate(device.taints):
            check_taint(report, f"{path}.taints[{index}]", taint)
    check_consumption(report, f"{path}.consumesCounters", device.consumes_counters)
    _check_device_nodes(report, path, device, per_device=per_device)
    check_binding_conditions(report, path, device.binding_conditions, device.binding_failure_conditions)
    check_node_resources(report, path, device)


def check_binding_conditions(report: Report, path: str, conditions: Sequence[str], failures: Sequence[str]) -> None:
    """Check the two lists of binding conditions: set together, unique, disjoint."""
    for field, names in (("bindingConditions", conditions), ("bindingFailureConditions", failures)):
        place = f"{path}.{field}"
        if report.at_most(place, names, report.rules.binding_conditions):
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


def _note_gates(report: Report, path: str, device: Device) -> None:
    """Note the fields of a device that need feature gates."""
    partitions = ("DRAPartitionableDevices",)
    binding = ("DRADeviceBindingConditions", "DRAResourceClaimDeviceStatus")
    uses: tuple[tuple[str, object, tuple[str, ...]], ...] = (
        ("taints", device.taints, ("DRADeviceTaints",)),
        ("consumesCounters", device.consumes_counters, partitions),
        ("nodeName", device.node_name is not None, partitions),
        ("nodeSelector", device.node_selector is not None, partitions),
        ("allNodes", device.all_nodes is not None, partitions),
        ("bindingConditions", device.binding_conditions, binding),
        ("bindingFailureConditions", device.binding_failure_conditions, binding),
        ("bindsToNode", device.binds_to_node is not None, binding),
        ("allowMultipleAllocations", device.allow_multiple_allocations is not None, ("DRAConsumableCapacity",)),
    )
    for field, is_set, gates in uses:
        report.gated(path, field, is_set, *gates)


def _lists(attribute: DeviceAttribute) -> dict[str, Sequence[object]]:
    """Return the lists that are set on an attribute."""
    lists: dict[str, Sequence[object]] = {
        "ints": attribute.int_values,
        "bools": attribute.bool_values,
        "strings": attribute.string_values,
        "versions": attribute.version_values,
    }
    return {name: values for name, values in lists.items() if values}


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
    for field, values in _lists(attribute).items():
        report.gated(path, field, values, "DRAListTypeAttributes")
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
    # The API server checks the number of terms of slices alone; allocating such a device then fails (S55).
    check_node_selector(report, f"{path}.nodeSelector", device.node_selector, one_term=False)
    report.only_true(f"{path}.allNodes", device.all_nodes)
    check_exactly_one(report, path, fields | {"nodeName": device.node_name, "allNodes": device.all_nodes})
