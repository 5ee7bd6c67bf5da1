"""Rules of resource claims and templates (S6 to S9, S13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from drapolicy.api.names import dns_label, dns_subdomain, fully_qualified_name, qualified_name, shown
from drapolicy.api.resource import (
    DeviceClaim,
    DeviceConstraint,
    DeviceDerivedAttribute,
    DeviceRequest,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimTemplate,
)
from drapolicy.api.validation.classes import check_expression, check_opaque, check_selectors
from drapolicy.api.validation.metadata import check_metadata, check_template_metadata
from drapolicy.api.validation.report import Report
from drapolicy.api.validation.status import RequestNames, check_request_refs, check_status
from drapolicy.api.validation.taints import check_tolerations
from drapolicy.api.values import key_path


def check_claim(report: Report, claim: ResourceClaim) -> None:
    """Check a ResourceClaim with its status."""
    check_metadata(report, claim, namespaced=True)
    names = check_device_claim(report, "spec.devices", claim.spec.devices)
    check_status(report, "status", claim.status, names)


def check_template(report: Report, template: ResourceClaimTemplate) -> None:
    """Check a ResourceClaimTemplate."""
    check_metadata(report, template, namespaced=True)
    check_template_metadata(report, "spec.metadata", template.spec.metadata)
    check_device_claim(report, "spec.spec.devices", template.spec.spec.devices)


def check_device_claim(report: Report, path: str, claim: DeviceClaim) -> RequestNames:
    """Check what a claim asks for; return the names that constraints, configuration and results may use."""
    names: RequestNames = {
        request.name: frozenset(alternative.name for alternative in request.first_available)
        for request in claim.requests
    }
    used = _constraint_attributes(claim.constraints)
    place = f"{path}.requests"
    if report.at_most(place, claim.requests, report.rules.requests):
        report.unique(place, [request.name for request in claim.requests], ".name")
        for index, request in enumerate(claim.requests):
            _check_request(report, f"{place}[{index}]", request, used)
    place = f"{path}.constraints"
    if report.at_most(place, claim.constraints, report.rules.constraints):
        for index, constraint in enumerate(claim.constraints):
            _check_constraint(report, f"{place}[{index}]", constraint, names)
    place = f"{path}.config"
    if report.at_most(place, claim.config, report.rules.config):
        for index, config in enumerate(claim.config):
            check_request_refs(report, f"{place}[{index}].requests", config.requests, names)
            check_opaque(report, f"{place}[{index}]", config.opaque)
    return names


def _check_request(report: Report, path: str, request: DeviceRequest, used: Mapping[str, set[str]]) -> None:
    report.name(f"{path}.name", request.name, dns_label)
    # Versions differ in where the class is named: v1beta1 has no ``exactly``.
    if request.exactly is None and not request.first_available:
        report.required(path, "name a deviceClassName, or alternatives in firstAvailable")
    elif request.exactly is not None and request.first_available:
        report.add(path, "asks for devices of its own and in firstAvailable; keep one of the two")
    if request.exactly is not None:
        report.gated(f"{path}.exactly", "adminAccess", request.exactly.admin_access is not None, "DRAAdminAccess")
        _check_wanted(report, f"{path}.exactly", request.exactly)
        _check_derived(report, f"{path}.exactly", request.exactly.derived_attributes, used, ("", request.name))
    report.gated(path, "firstAvailable", request.first_available, "DRAPrioritizedList")
    place = f"{path}.firstAvailable"
    if report.at_most(place, request.first_available, report.rules.alternatives):
        report.unique(place, [alternative.name for alternative in request.first_available], ".name")
        for index, alternative in enumerate(request.first_available):
            report.name(f"{place}[{index}].name", alternative.name, dns_label)
            _check_wanted(report, f"{place}[{index}]", alternative)
            targets = ("", request.name, f"{request.name}/{alternative.name}")
            _check_derived(report, f"{place}[{index}]", alternative.derived_attributes, used, targets)


def _check_wanted(report: Report, path: str, wanted: ExactDeviceRequest | DeviceSubRequest) -> None:
    """Check what requests and alternatives have in common (S7)."""
    report.gated(path, "tolerations", wanted.tolerations, "DRADeviceTaints")
    report.gated(path, "capacity", wanted.capacity is not None, "DRAConsumableCapacity")
    report.gated(path, "derivedAttributes", wanted.derived_attributes, "DRADerivedAttributes")
    report.name(f"{path}.deviceClassName", wanted.device_class_name, dns_subdomain, "name a DeviceClass")
    check_selectors(report, f"{path}.selectors", wanted.selectors)
    report.one_of(f"{path}.allocationMode", wanted.allocation_mode, ("ExactCount", "All"))
    if wanted.allocation_mode == "All" and wanted.count:
        report.add(f"{path}.count", f"{wanted.count} is not allowed with allocationMode All; remove it")
    elif wanted.allocation_mode == "ExactCount":
        report.int64(f"{path}.count", wanted.count, 1)
    check_tolerations(report, f"{path}.tolerations", wanted.tolerations)
    for name in wanted.capacity.requests if wanted.capacity else ():
        # The API server lets any key pass here; one of another form can match no capacity of any device.
        report.name(key_path(f"{path}.capacity.requests", name), name, qualified_name)


def _check_derived(
    report: Report,
    path: str,
    derived: Sequence[DeviceDerivedAttribute],
    used: Mapping[str, set[str]],
    targets: Iterable[str],
) -> None:
    place = f"{path}.derivedAttributes"
    if not report.at_most(place, derived, report.rules.derived):
        return
    report.unique(place, [attribute.name for attribute in derived], ".name")
    wanted = set().union(*(used.get(target, ()) for target in targets))
    for index, attribute in enumerate(derived):
        report.name(f"{place}[{index}].name", attribute.name, fully_qualified_name)
        if attribute.name and attribute.name not in wanted:
            report.add(f"{place}[{index}].name", f"{shown(attribute.name)} is used by no constraint on the request")
        check_expression(report, f"{place}[{index}].expression", attribute.expression)


def _check_constraint(report: Report, path: str, constraint: DeviceConstraint, names: RequestNames) -> None:
    check_request_refs(report, f"{path}.requests", constraint.requests, names)
    report.gated(path, "distinctAttribute", constraint.distinct_attribute is not None, "DRAConsumableCapacity")
    if constraint.match_attribute is not None:
        report.name(f"{path}.matchAttribute", constraint.match_attribute, fully_qualified_name)
        if constraint.distinct_attribute is not None:
            report.note(f"{path}.distinctAttribute", "has no effect beside matchAttribute; use a constraint of its own")
    elif constraint.distinct_attribute is not None:
        report.name(f"{path}.distinctAttribute", constraint.distinct_attribute, fully_qualified_name)
    else:
        report.required(path, "set exactly one of matchAttribute, distinctAttribute")


def _constraint_attributes(constraints: Iterable[DeviceConstraint]) -> dict[str, set[str]]:
    """Return the attributes that constraints name, by the request they are for; "" stands for all requests."""
    used: dict[str, set[str]] = {}
    for constraint in constraints:
        attribute = constraint.match_attribute or constraint.distinct_attribute
        if attribute:
            for target in constraint.requests or ("",):
                used.setdefault(target, set()).add(attribute)
    return used
