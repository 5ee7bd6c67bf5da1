"""The variable ``device``: domains, value types, and values that are none (S58, S59)."""

from __future__ import annotations

import pytest

from drapolicy import cel
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceAttribute, DeviceCapacity


def matches(expression: str, device: Device, driver: str = "gpu.x") -> bool:
    return cel.compile(expression).evaluate(cel.device_view(driver, device))


def test_names_without_a_domain_belong_to_the_driver() -> None:
    """Drivers leave their own domain out."""
    device = Device(name="d", attributes={"a": DeviceAttribute(int_value=1), "x.io/b": DeviceAttribute(int_value=2)})
    assert matches('device.attributes["gpu.x"].a == 1 && device.attributes["x.io"].b == 2', device)
    assert matches('!("b" in device.attributes["gpu.x"]) && !("a" in device.attributes["x.io"])', device)


def test_unknown_domains_are_empty_but_not_there() -> None:
    """S59: looking a domain up never fails, testing for it tells the truth."""
    device = Device(name="d")
    assert matches('device.attributes["no"].size() == 0 && device.capacity["no"].size() == 0', device)
    assert not matches('"no" in device.attributes || "no" in device.capacity', device)
    with pytest.raises(cel.EvaluationError, match=r"^no such key: a$"):
        matches('device.attributes["no"].a == 1', device)


def test_capacities_stay_exact() -> None:
    """A capacity is the quantity itself, not a float."""
    device = Device(name="d", capacity={"m": DeviceCapacity(value=Quantity("9007199254740993"))})
    assert matches('device.capacity["gpu.x"].m.isGreaterThan(quantity("9007199254740992"))', device)


@pytest.mark.parametrize(("given", "seen"), [(None, False), (False, False), (True, True)])
def test_allow_multiple_allocations_is_false_when_unset(given: bool | None, seen: bool) -> None:
    """S58."""
    assert matches("device.allowMultipleAllocations", Device(name="d", allow_multiple_allocations=given)) is seen


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (DeviceAttribute(), "attribute a: unsupported attribute value"),
        (
            DeviceAttribute(version_value="1.2"),
            "attribute a: parse semantic version: No Major.Minor.Patch elements found",
        ),
        (DeviceAttribute(version_values=["1.2.3", ""]), "attribute a: parse semantic version: Version string empty"),
    ],
)
def test_a_bad_attribute_fails_every_selector(attribute: DeviceAttribute, message: str) -> None:
    """Upstream converts all attributes before it evaluates, so even ``true`` fails on such a device."""
    with pytest.raises(cel.EvaluationError) as raised:
        matches("true", Device(name="d", attributes={"a": attribute}))
    assert raised.value.message == message


def test_a_view_can_be_shared() -> None:
    """Views are made once a device and used by all programs."""
    view = cel.device_view("gpu.x", Device(name="d", attributes={"l": DeviceAttribute(int_values=[2, 1])}))
    assert cel.compile('device.attributes["gpu.x"].l.sort() == [1, 2]').evaluate(view)
    assert cel.compile('device.attributes["gpu.x"].l.map(x, x + 1) == [3, 2]').evaluate(view)
    assert cel.compile('device.attributes["gpu.x"].l == [2, 1]').evaluate(view)
