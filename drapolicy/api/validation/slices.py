"""Rules of resource slices (A.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drapolicy.api.names import driver_name, fully_qualified_name, pool_name, shown
from drapolicy.api.resource import ResourceSlice, ResourceSliceSpec
from drapolicy.api.validation.counters import check_counter_sets, check_totals
from drapolicy.api.validation.devices import check_device, is_advanced
from drapolicy.api.validation.metadata import check_metadata
from drapolicy.api.validation.nodes import check_exactly_one, check_node_name, check_node_selector
from drapolicy.api.validation.report import Report
from drapolicy.api.validation.screen import devices_pass
from drapolicy.api.values import key_path

_SKIPPABLE: Final = ("NodePrepareResources", "NodeUnprepareResources", "*")


def check_slice(report: Report, slice_: ResourceSlice) -> None:
    """Check a ResourceSlice; what spans the slices of a pool is not looked at (S25 deals with it)."""
    spec = slice_.spec
    _note_gates(report, spec)
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
    if report.rules.separate_counters and spec.devices and spec.shared_counters:
        report.add("spec", "sets devices and sharedCounters; publish the counters in a slice of their own")
    if not devices_pass(spec, report.release):
        check_devices(report, spec)
    check_counter_sets(report, spec.shared_counters)
    if spec.partition_type_attribute is not None:
        _check_partition_type(report, spec, spec.partition_type_attribute)
    check_skipped_operations(report, "spec.skipNodeOperations", spec.skip_node_operations)


def check_devices(report: Report, spec: ResourceSliceSpec) -> None:
    """Check the devices of a slice one by one, which names every fault."""
    advanced = any(map(is_advanced, spec.devices))
    limit = report.rules.advanced_devices if advanced else report.rules.devices
    if not report.at_most("spec.devices", spec.devices, limit):
        return
    report.unique("spec.devices", [device.name for device in spec.devices], ".name")
    for index, device in enumerate(spec.devices):
        check_device(report, f"spec.devices[{index}]", device, per_device=bool(spec.per_device_node_selection))
    check_totals(report, spec)


def check_skipped_operations(report: Report, path: str, operations: Sequence[str]) -> None:
    """Check the node operations that a driver does without."""
    report.unique(path, operations)
    for index, operation in enumerate(operations):
        report.one_of(f"{path}[{index}]", operation, _SKIPPABLE)
    if "NodePrepareResources" in operations and not {"NodeUnprepareResources", "*"} & set(operations):
        report.add(path, "skips NodePrepareResources alone; skip NodeUnprepareResources with it")


def _note_gates(report: Report, spec: ResourceSliceSpec) -> None:
    """Note the fields of a slice, devices aside, that need feature gates."""
    report.gated("spec", "sharedCounters", spec.shared_counters, "DRAPartitionableDevices")
    report.gated(
        "spec", "perDeviceNodeSelection", spec.per_device_node_selection is not None, "DRAPartitionableDevices"
    )
    report.gated(
        "spec", "partitionTypeAttribute", spec.partition_type_attribute is not None, "DRAPartitionableDevicesType"
    )
    report.gated("spec", "skipNodeOperations", spec.skip_node_operations, "DRAOptionalNodeOperations")


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
