"""Rules of taints, tolerations and taint rules (S14, S47)."""

from __future__ import annotations

from collections.abc import Sequence

from drapolicy.api.names import dns_label, dns_subdomain, driver_name, label_key, label_value, pool_name, shown
from drapolicy.api.resource import DeviceTaint, DeviceTaintRule, DeviceToleration
from drapolicy.api.validation.classes import check_selectors
from drapolicy.api.validation.metadata import check_conditions, check_metadata
from drapolicy.api.validation.report import Report


def check_taint(report: Report, path: str, taint: DeviceTaint) -> None:
    """Check one taint of a device or rule."""
    report.name(f"{path}.key", taint.key, label_key)
    if message := label_value(taint.value):
        report.add(f"{path}.value", message)
    report.one_of(f"{path}.effect", taint.effect, report.rules.effects)
    report.time(f"{path}.timeAdded", taint.time_added)


def check_tolerations(report: Report, path: str, tolerations: Sequence[DeviceToleration]) -> None:
    """Check the tolerations of a request or result; the limit is documented though not enforced upstream (A.3)."""
    if not report.at_most(path, tolerations, report.rules.tolerations):
        return
    for index, toleration in enumerate(tolerations):
        place = f"{path}[{index}]"
        if toleration.key:
            report.name(f"{place}.key", toleration.key, label_key)
        report.one_of(f"{place}.operator", toleration.operator, ("Equal", "Exists"))
        if toleration.operator == "Exists" and toleration.value:
            report.add(f"{place}.value", f"{shown(toleration.value)} is not allowed with operator Exists; remove it")
        elif message := label_value(toleration.value):
            report.add(f"{place}.value", message)
        if toleration.effect:
            report.one_of(f"{place}.effect", toleration.effect, report.rules.effects)
        if toleration.toleration_seconds is not None:
            report.int64(f"{place}.tolerationSeconds", toleration.toleration_seconds)


def check_taint_rule(report: Report, rule: DeviceTaintRule) -> None:
    """Check a DeviceTaintRule; a missing selector is valid and matches nothing."""
    check_metadata(report, rule, namespaced=False)
    selector = rule.spec.device_selector
    if selector is not None:
        for field, value, check in (
            ("deviceClassName", selector.device_class_name, dns_subdomain),
            ("driver", selector.driver, driver_name),
            ("pool", selector.pool, pool_name),
            ("device", selector.device, dns_label),
        ):
            if value is not None:
                report.name(f"spec.deviceSelector.{field}", value, check, "name one or leave the field out")
        check_selectors(report, "spec.deviceSelector.selectors", selector.selectors)
    check_taint(report, "spec.taint", rule.spec.taint)
    check_conditions(report, "status.conditions", rule.status.conditions, report.rules.rule_conditions)
