"""Derived attributes: values of every type, upstream's errors, and costs."""

from __future__ import annotations

import pytest

from drapolicy import cel
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceAttribute, DeviceCapacity
from drapolicy.release import release

VIEW = cel.device_view(
    "x",
    Device(
        name="d",
        attributes={"v": DeviceAttribute(version_value="1.2.3-a+b"), "n": DeviceAttribute(int_values=[2, 1])},
        capacity={"m": DeviceCapacity(value=Quantity("8Gi"))},
    ),
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 1", DeviceAttribute(int_value=2)),
        ("device.driver", DeviceAttribute(string_value="x")),
        ("device.driver == 'x'", DeviceAttribute(bool_value=True)),
        ('device.attributes["x"].v', DeviceAttribute(version_value="1.2.3-a+b")),
        ('semver("v1.2", true)', DeviceAttribute(version_value="1.2.0")),
        ('device.attributes["x"].n.sort()', DeviceAttribute(int_values=[1, 2])),
        ('"a b".split(" ")', DeviceAttribute(string_values=["a", "b"])),
        ('[device.attributes["x"].v]', DeviceAttribute(version_values=["1.2.3-a+b"])),
        ("[true]", DeviceAttribute(bool_values=[True])),
        ("[1].filter(x, x > 1)", DeviceAttribute(string_values=[])),
        ("dyn(type(1))", DeviceAttribute(string_value="int")),
        ("dyn(optional.of(1))", DeviceAttribute(int_value=1)),
    ],
)
def test_values(text: str, wanted: DeviceAttribute) -> None:
    """Scalars and lists become attributes; an empty list is one of strings, a type its name, an optional its value."""
    assert cel.compile_attribute(text).evaluate(VIEW) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('device.attributes["x"].absent', "no such key: absent"),
        ("dyn(1.5)", "unsupported CEL return type: float64"),
        ("dyn(optional.none())", "unsupported CEL return type: <nil>"),
        ('dyn(device.capacity["x"].m)', "unsupported CEL return type: *resource.Quantity"),
        ("dyn([1.5])", "unsupported list element type: float64"),
        ('[1, 2].map(x, x == 1 ? dyn(x) : dyn("b"))', "expected list element at index 1 to be int, got string"),
    ],
)
def test_errors(text: str, message: str) -> None:
    """What is no value of an attribute fails with Go's names of types."""
    with pytest.raises(cel.EvaluationError) as raised:
        cel.compile_attribute(text).evaluate(VIEW)
    assert raised.value.message == message


def test_types_that_no_attribute_has_do_not_compile() -> None:
    """Quantities cannot be compared by constraints."""
    with pytest.raises(cel.CompileError) as raised:
        cel.compile_attribute('device.capacity["x"].m', release("1.37"))
    rule = "must evaluate to a primitive scalar (string, integer, boolean, semver) or a list of these scalars"
    assert str(raised.value) == f"{rule}, not kubernetes.Quantity"


def test_a_program_of_an_attribute_is_no_selector() -> None:
    """The same text may be both, and each has a cost."""
    text = "1 == 1"
    assert cel.compile_attribute(text).program is not cel.compile(text)
    assert cel.compile_attribute(text).estimated_cost == cel.compile(text).estimated_cost
