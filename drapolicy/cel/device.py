"""The variable ``device`` of selectors (K8s S58, S59)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.cel import semver
from drapolicy.cel.environment import Environment
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.values import MAPS, DefaultMap, TextMap

_UNSUPPORTED = "unsupported attribute value"


@dataclass(frozen=True, slots=True, eq=False)
class DeviceView:
    """A device as selectors see it; made once, used for any number of programs, never changed.

    Attributes
    ----------
    device
        The CEL map behind ``device``.
    fault
        Why every evaluation fails: an attribute without a value that CEL knows. None for a good device.
    scale
        Length of the longest string, list or map.
    list_fault
        The same where attributes may not be lists.
    """

    device: dict[str, Any]
    fault: str | None = None
    scale: int = 0
    list_fault: str | None = None

    def fault_in(self, environment: Environment) -> str | None:
        """Return why every evaluation in an environment fails."""
        return self.fault if environment.list_values else self.list_fault


def device_view(driver: str, device: Device) -> DeviceView:
    """Return a device as selectors see it.

    Parameters
    ----------
    driver
        Name of the driver, which is also the domain of names without one.
    device
        The device as the driver advertises it.

    Examples
    --------
    >>> from drapolicy.api.resource import Device, DeviceAttribute
    >>> device = Device(name="gpu-0", attributes={"model": DeviceAttribute(string_value="A100")})
    >>> device_view("gpu.example.com", device).device["attributes"]["gpu.example.com"]
    {'model': 'A100'}
    """
    attributes, capacity = DefaultMap(), DefaultMap()
    fault = list_fault = None
    for name, attribute in device.attributes.items():
        domain, identifier = qualified(name, driver)
        try:
            value = _value(attribute)
        except EvaluationError as error:
            fault = fault or f"attribute {name}: {error}"
            list_fault = list_fault or f"attribute {name}: {_UNSUPPORTED if _is_list(attribute) else error}"
            continue
        if _is_list(attribute):
            list_fault = list_fault or f"attribute {name}: {_UNSUPPORTED}"
        attributes.setdefault(domain, TextMap())[identifier] = value
    for name, amount in device.capacity.items():
        domain, identifier = qualified(name, driver)
        capacity.setdefault(domain, TextMap())[identifier] = amount.value
    fields = TextMap(
        driver=driver,
        allowMultipleAllocations=bool(device.allow_multiple_allocations),
        attributes=attributes,
        capacity=capacity,
    )
    return DeviceView(fields, fault, _scale(fields), list_fault)


def _scale(value: Any) -> int:
    kind = type(value)
    if kind is str:
        return len(value)
    if kind is list:
        return max(len(value), *map(_scale, value)) if value else 0
    if kind in MAPS:
        return max((len(value), *map(_scale, value), *map(_scale, value.values())))
    return 1


def qualified(name: str, driver: str) -> tuple[str, str]:
    """Return domain and identifier of a published name; without a domain it is of its driver's (K8s S58)."""
    domain, slash, identifier = name.partition("/")
    return (domain, identifier) if slash else (driver, name)


def _is_list(attribute: DeviceAttribute) -> bool:
    lists = (attribute.int_values, attribute.bool_values, attribute.string_values, attribute.version_values)
    return any(lists)


def _value(attribute: DeviceAttribute) -> Any:
    for values in (attribute.int_values, attribute.bool_values, attribute.string_values):
        if values:
            return list(values)
    if attribute.version_values:
        return [_version(text) for text in attribute.version_values]
    for value in (attribute.int_value, attribute.bool_value, attribute.string_value):
        if value is not None:
            return value
    if attribute.version_value is not None:
        return _version(attribute.version_value)
    raise EvaluationError(_UNSUPPORTED)


def _version(text: str) -> semver.Semver:
    try:
        return semver.parse(text)
    except EvaluationError as error:
        raise EvaluationError(f"parse semantic version: {error}") from None
