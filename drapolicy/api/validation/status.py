"""Rules of the status of claims: allocation, users and device reports (S10 to S12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from drapolicy.api.names import dns_label, driver_name, interface_address, pool_name, shown, uuid
from drapolicy.api.resource import (
    AllocatedDeviceStatus,
    AllocationResult,
    DeviceRequestAllocationResult,
    NetworkDeviceData,
    ResourceClaimStatus,
)
from drapolicy.api.validation.classes import check_json_object, check_opaque
from drapolicy.api.validation.devices import check_binding_conditions
from drapolicy.api.validation.metadata import check_conditions
from drapolicy.api.validation.nodes import check_node_selector
from drapolicy.api.validation.report import Report
from drapolicy.api.validation.slices import check_skipped_operations
from drapolicy.api.validation.taints import check_tolerations

RequestNames: TypeAlias = Mapping[str, frozenset[str]]
"""Names of a claim's requests and, for each, of its alternatives."""


def check_request_refs(report: Report, path: str, references: Sequence[str], names: RequestNames) -> None:
    """Check a list of requests or alternatives (S8)."""
    if not report.at_most(path, references, report.rules.references):
        return
    report.unique(path, references)
    for index, reference in enumerate(references):
        _check_request_ref(report, f"{path}[{index}]", reference, names)


def check_status(report: Report, path: str, status: ResourceClaimStatus, names: RequestNames) -> None:
    """Check the status of a claim whose requests have these names."""
    if status.allocation is not None:
        _check_allocation(report, f"{path}.allocation", status.allocation, names)
    place = f"{path}.reservedFor"
    if status.reserved_for and status.allocation is None:
        report.add(place, "is set though the claim is not allocated; remove it or set allocation")
    if report.at_most(place, status.reserved_for, report.rules.reserved_for):
        report.unique(place, [user.uid for user in status.reserved_for], ".uid")
        for index, user in enumerate(status.reserved_for):
            for field in ("resource", "name", "uid"):
                if not getattr(user, field):
                    report.required(f"{place}[{index}].{field}", f"set the user's {field}")
    place = f"{path}.devices"
    report.gated(path, "devices", status.devices, "DRAResourceClaimDeviceStatus")
    results = status.allocation.devices.results if status.allocation else ()
    allocated = {_key(result) for result in results}
    report.unique(place, [_key(device) for device in status.devices])
    for index, device in enumerate(status.devices):
        _check_device_status(report, f"{place}[{index}]", device)
        if _key(device) not in allocated:
            name = f"{device.driver}/{device.pool}/{device.device}"
            report.add(f"{place}[{index}]", f"{shown(name)} is not allocated to the claim; remove the entry")


def _key(device: DeviceRequestAllocationResult | AllocatedDeviceStatus) -> tuple[str, str, str, str | None]:
    """Return the identity of a device or share (S3)."""
    return device.driver, device.pool, device.device, device.share_id


def _check_request_ref(report: Report, path: str, reference: str, names: RequestNames) -> None:
    request, slash, alternative = reference.partition("/")
    if request not in names or (slash and alternative not in names[request]):
        known = [
            name for request in names for name in (request, *(f"{request}/{sub}" for sub in sorted(names[request])))
        ]
        some = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        report.add(path, f"{shown(reference)} is no request of the claim; use one of {some or '(none defined)'}")


def _check_allocation(report: Report, path: str, allocation: AllocationResult, names: RequestNames) -> None:
    results, config = allocation.devices.results, allocation.devices.config
    place = f"{path}.devices.results"
    if report.at_most(place, results, report.rules.results):
        for index, result in enumerate(results):
            _check_result(report, f"{place}[{index}]", result, names)
    place = f"{path}.devices.config"
    if report.at_most(place, config, report.rules.allocation_config):
        for index, entry in enumerate(config):
            report.one_of(f"{place}[{index}].source", entry.source, ("FromClass", "FromClaim"))
            check_request_refs(report, f"{place}[{index}].requests", entry.requests, names)
            check_opaque(report, f"{place}[{index}]", entry.opaque)
    check_node_selector(report, f"{path}.nodeSelector", allocation.node_selector, one_term=False)
    is_set = allocation.allocation_timestamp is not None
    report.gated(path, "allocationTimestamp", is_set, "DRADeviceBindingConditions")
    report.time(f"{path}.allocationTimestamp", allocation.allocation_timestamp)


def _check_identity(report: Report, path: str, device: DeviceRequestAllocationResult | AllocatedDeviceStatus) -> None:
    report.name(f"{path}.driver", device.driver, driver_name)
    report.name(f"{path}.pool", device.pool, pool_name)
    report.name(f"{path}.device", device.device, dns_label)
    report.gated(path, "shareID", device.share_id is not None, "DRAConsumableCapacity")
    if device.share_id is not None:
        report.name(f"{path}.shareID", device.share_id, uuid, "set a UUID or leave it out")


def _check_result(report: Report, path: str, result: DeviceRequestAllocationResult, names: RequestNames) -> None:
    _check_request_ref(report, f"{path}.request", result.request, names)
    _check_identity(report, path, result)
    report.gated(path, "adminAccess", result.admin_access is not None, "DRAAdminAccess")
    report.gated(path, "consumedCapacity", result.consumed_capacity, "DRAConsumableCapacity")
    report.gated(path, "bindingConditions", result.binding_conditions, "DRADeviceBindingConditions")
    report.gated(path, "bindingFailureConditions", result.binding_failure_conditions, "DRADeviceBindingConditions")
    report.gated(path, "skipNodeOperations", result.skip_node_operations, "DRAOptionalNodeOperations")
    if report.rules.result_tolerations:
        check_tolerations(report, f"{path}.tolerations", result.tolerations)
    check_binding_conditions(report, path, result.binding_conditions, result.binding_failure_conditions)
    check_skipped_operations(report, f"{path}.skipNodeOperations", result.skip_node_operations)


def _check_device_status(report: Report, path: str, device: AllocatedDeviceStatus) -> None:
    _check_identity(report, path, device)
    check_conditions(report, f"{path}.conditions", device.conditions, report.rules.device_conditions)
    if device.data is not None:
        check_json_object(report, f"{path}.data", device.data)
    if device.network_data is not None:
        _check_network(report, f"{path}.networkData", device.network_data)


def _check_network(report: Report, path: str, data: NetworkDeviceData) -> None:
    report.max_bytes(f"{path}.interfaceName", data.interface_name, report.rules.interface_bytes)
    report.max_bytes(f"{path}.hardwareAddress", data.hardware_address, report.rules.hardware_bytes)
    if report.at_most(f"{path}.ips", data.ips, report.rules.addresses):
        report.unique(f"{path}.ips", data.ips)
        for index, address in enumerate(data.ips):
            if message := interface_address(address):
                report.add(f"{path}.ips[{index}]", message)
