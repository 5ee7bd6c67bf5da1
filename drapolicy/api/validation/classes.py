"""Rules of device classes, and of the selectors and driver parameters that claims share with them (S5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from drapolicy.api.names import driver_name, extended_resource_name
from drapolicy.api.resource import DeviceClass, DeviceSelector, OpaqueDeviceConfiguration
from drapolicy.api.validation.metadata import check_metadata
from drapolicy.api.validation.report import Report
from drapolicy.api.values import shown

# The least number that is rounded to infinity: half a step above the largest float.
_INFINITE: Final = 2**1024 - 2**970


def check_class(report: Report, device_class: DeviceClass) -> None:
    """Check a DeviceClass."""
    check_metadata(report, device_class, namespaced=False)
    spec = device_class.spec
    check_selectors(report, "spec.selectors", spec.selectors)
    if report.at_most("spec.config", spec.config, report.rules.config):
        for index, config in enumerate(spec.config):
            check_opaque(report, f"spec.config[{index}]", config.opaque)
    report.gated("spec", "extendedResourceName", spec.extended_resource_name is not None, "DRAExtendedResource")
    if spec.extended_resource_name is not None:
        report.name("spec.extendedResourceName", spec.extended_resource_name, extended_resource_name)


def check_selectors(report: Report, path: str, selectors: Sequence[DeviceSelector]) -> None:
    """Check number, presence and length of CEL selectors."""
    if not report.at_most(path, selectors, report.rules.selectors):
        return
    for index, selector in enumerate(selectors):
        if selector.cel is None:
            report.required(f"{path}[{index}].cel", "write a CEL expression")
        else:
            check_expression(report, f"{path}[{index}].cel.expression", selector.cel.expression)


def check_expression(report: Report, path: str, expression: str) -> None:
    """Check that a CEL expression is there and not too long."""
    if not expression:
        report.required(path, "write a CEL expression")
    report.max_bytes(path, expression, report.rules.expression_bytes)


def check_opaque(report: Report, path: str, opaque: OpaqueDeviceConfiguration | None) -> None:
    """Check the configuration for one driver."""
    if opaque is None:
        report.required(f"{path}.opaque", "set the driver and its parameters")
        return
    report.name(f"{path}.opaque.driver", opaque.driver, driver_name)
    if opaque.parameters is None:
        report.required(f"{path}.opaque.parameters", "write a JSON object")
    else:
        check_json_object(report, f"{path}.opaque.parameters", opaque.parameters)


def check_json_object(report: Report, path: str, value: Any) -> None:
    """Check free-form data: a JSON object of at most 10 KiB, measured as compact JSON."""
    if not isinstance(value, dict):
        report.add(path, f"is a {type(value).__name__}; write a JSON object")
        return
    try:
        size = len(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        report.add(path, f"cannot be written as JSON ({error}); use nested objects, lists, texts, numbers and bools")
        return
    if size > report.rules.parameters_bytes:
        report.add(path, f"has {size} bytes of JSON; use at most {report.rules.parameters_bytes}")
    for number in _beyond_floats(value):
        report.add(path, f"holds {shown(number)}, too large for a 64-bit float; write it as text")


def _beyond_floats(value: Any) -> Iterator[int | Decimal]:
    """Yield the numbers of free-form data that no float holds, into which the API server reads all numbers."""
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += item.values()
        elif isinstance(item, list):
            rest += item
        elif isinstance(item, int | Decimal) and not -_INFINITE < item < _INFINITE:
            yield item
