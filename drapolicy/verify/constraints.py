"""Attributes that the devices of a claim must share or must not share (K8s S50, S51)."""

from __future__ import annotations

from dataclasses import dataclass, field

from drapolicy.api.resource import Device, DeviceAttribute, DeviceConstraint

# Lists are compared by nothing while the gate DRAListTypeAttributes is off (S52).
_LIST = "list"


@dataclass
class Constraint:
    """One constraint of a claim and the values of the devices taken so far.

    Attributes
    ----------
    constraint
        As the claim states it.
    values
        Type and value of the attribute, in the order of taking.
    """

    constraint: DeviceConstraint
    values: list[tuple[str, object]] = field(default_factory=list)

    @property
    def rule(self) -> str:
        """Number of the rule that the constraint stands for."""
        return "S50" if self.constraint.match_attribute is not None else "S51"

    def add(self, request: str, name: str, driver: str, device: Device) -> str:
        """Take one more device.

        Parameters
        ----------
        request, name
            Name of the request, and the name with the chosen alternative (both equal without alternatives).
        driver, device
            The device.

        Returns
        -------
        str
            Why the device breaks the constraint, empty when it does not.
        """
        named = self.constraint.requests
        if named and request not in named and name not in named:
            return ""
        attribute = self.constraint.match_attribute or self.constraint.distinct_attribute or ""
        found = lookup(device, driver, attribute)
        if found is None:
            return f"attribute {attribute} is missing"
        value = _value(found)
        refusal = ""
        if self.constraint.match_attribute is not None:
            if self.values and (value[0] == _LIST or value != self.values[0]):
                refusal = f"attribute {attribute} is {value[1]!r}, the devices before it have {self.values[0][1]!r}"
        elif self.values and (value[0] == _LIST or value in self.values):
            refusal = f"attribute {attribute} is {value[1]!r}, as on a device before it"
        self.values.append(value)
        return refusal


def lookup(device: Device, driver: str, name: str) -> DeviceAttribute | None:
    """Return an attribute by its full name; names without domain belong to the driver (S50)."""
    found = device.attributes.get(name)
    domain, slash, short = name.partition("/")
    if found is None and slash and domain == driver:
        found = device.attributes.get(short)
    return found


def _value(attribute: DeviceAttribute) -> tuple[str, object]:
    if attribute.string_value is not None:
        return "string", attribute.string_value
    if attribute.int_value is not None:
        return "int", attribute.int_value
    if attribute.bool_value is not None:
        return "bool", attribute.bool_value
    if attribute.version_value is not None:
        return "version", attribute.version_value
    lists = (attribute.int_values, attribute.bool_values, attribute.string_values, attribute.version_values)
    return _LIST, next((values for values in lists if values), [])
