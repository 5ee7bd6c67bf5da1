"""Rules of requests for the status of pools, and of the answers (alpha)."""

from __future__ import annotations

from drapolicy.api.names import dns_subdomain, fully_qualified_name, pool_name
from drapolicy.api.pool_status import (
    PoolStatus,
    ResourcePoolStatusRequest,
    ResourcePoolStatusRequestStatus,
    ShareableSummaryStatus,
)
from drapolicy.api.validation.metadata import check_conditions, check_metadata
from drapolicy.api.validation.report import Report

MAX_LIMIT = 1000


def check_pool_status_request(report: Report, request: ResourcePoolStatusRequest) -> None:
    """Check a ResourcePoolStatusRequest with its status."""
    spec = request.spec
    check_metadata(report, request, namespaced=False)
    report.name("spec.driver", spec.driver, _driver)
    if spec.pool_name is not None:
        report.name("spec.poolName", spec.pool_name, pool_name, "name a pool or leave it out")
    if spec.limit is not None:
        report.int64("spec.limit", spec.limit, 1)
        if spec.limit > MAX_LIMIT:
            report.add("spec.limit", f"{spec.limit} is too large; use at most {MAX_LIMIT}")
    attribute = spec.default_partition_type_attribute
    report.gated("spec", "defaultPartitionTypeAttribute", attribute is not None, "DRAPartitionableDevicesType")
    if attribute is not None:
        report.name("spec.defaultPartitionTypeAttribute", attribute, fully_qualified_name)
    if request.status is not None:
        _check_status(report, "status", request.status)


def _check_status(report: Report, path: str, status: ResourcePoolStatusRequestStatus) -> None:
    _check_count(report, f"{path}.poolCount", status.pool_count, needed=True)
    if report.at_most(f"{path}.pools", status.pools, report.rules.pools):
        for index, pool in enumerate(status.pools):
            _check_pool(report, f"{path}.pools[{index}]", pool)
    check_conditions(report, f"{path}.conditions", status.conditions, report.rules.pool_conditions)


def _check_pool(report: Report, path: str, pool: PoolStatus) -> None:
    report.name(f"{path}.driver", pool.driver, _driver)
    report.name(f"{path}.poolName", pool.pool_name, pool_name)
    if pool.generation:
        report.int64(f"{path}.generation", pool.generation, 1)
    else:
        report.required(f"{path}.generation", "the API server takes 0 for unset; use 1 or more")
    if pool.resource_slice_count is not None:
        report.int64(f"{path}.resourceSliceCount", pool.resource_slice_count, 1)
    _check_count(report, f"{path}.totalDevices", pool.total_devices)
    _check_count(report, f"{path}.allocatedDevices", pool.allocated_devices)
    _check_count(report, f"{path}.availableDevices", pool.available_devices)
    _check_count(report, f"{path}.unavailableDevices", pool.unavailable_devices)
    if pool.node_name is not None:
        report.name(f"{path}.nodeName", pool.node_name, dns_subdomain, "name a node or leave it out")
    if pool.validation_error is not None:
        report.max_bytes(f"{path}.validationError", pool.validation_error, report.rules.error_bytes)
    place = f"{path}.partitionSummary"
    if report.at_most(place, pool.partition_summary, report.rules.summaries):
        report.unique(place, [(part.attribute, part.type) for part in pool.partition_summary])
        for index, part in enumerate(pool.partition_summary):
            for field, text in (("attribute", part.attribute), ("type", part.type)):
                if not text:
                    report.required(f"{place}[{index}].{field}", "set it")
            _check_count(report, f"{place}[{index}].total", part.total, needed=True)
            _check_count(report, f"{place}[{index}].allocatable", part.allocatable, needed=True)
    if pool.shareable_summary is not None:
        _check_shares(report, f"{path}.shareableSummary", pool.shareable_summary)


def _check_shares(report: Report, path: str, summary: ShareableSummaryStatus) -> None:
    _check_count(report, f"{path}.fullyAvailableDevices", summary.fully_available_devices, needed=True)
    _check_count(report, f"{path}.partiallyAvailableDevices", summary.partially_available_devices, needed=True)
    if report.at_most(f"{path}.capacity", summary.capacity, report.rules.summaries):
        for index, capacity in enumerate(summary.capacity):
            for field, value in (
                ("name", capacity.name or None),
                ("total", capacity.total),
                ("consumed", capacity.consumed),
                ("available", capacity.available),
            ):
                if value is None:
                    report.required(f"{path}.capacity[{index}].{field}", "set it")


def _driver(value: str) -> str | None:
    """Check the name of a driver, which may be longer here than in a slice, though no such slice is valid."""
    return dns_subdomain(value.lower())


def _check_count(report: Report, path: str, count: int | None, *, needed: bool = False) -> None:
    if count is not None:
        report.int64(path, count, 0)
    elif needed:
        report.required(path, "set it")
