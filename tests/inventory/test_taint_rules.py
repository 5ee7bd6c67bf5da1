"""DeviceTaintRules."""

from __future__ import annotations

import msgspec
import pytest

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    CELDeviceSelector,
    Device,
    DeviceAttribute,
    DeviceClass,
    DeviceClassSpec,
    DeviceSelector,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.release import release

OWN = DeviceTaint(key="own", effect="NoSchedule")
SLICE = ResourceSlice(
    metadata=ObjectMeta(name="s"),
    spec=ResourceSliceSpec(
        driver="gpu.x", pool=ResourcePool(name="p"), devices=[Device(name="d0", taints=[OWN]), Device(name="d1")]
    ),
)


def rule(key: str, selector: DeviceTaintSelector | None) -> DeviceTaintRule:
    return DeviceTaintRule(
        spec=DeviceTaintRuleSpec(device_selector=selector, taint=DeviceTaint(key=key, effect="NoExecute"))
    )


def choosing(expression: str) -> DeviceSelector:
    return DeviceSelector(cel=CELDeviceSelector(expression=expression))


def keys(*rules: DeviceTaintRule) -> list[list[str]]:
    (patched,) = with_taint_rules([SLICE], rules)
    return [[taint.key for taint in device.taints] for device in patched.spec.devices]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, [["own"], []]),
        (DeviceTaintSelector(), [["own", "r"], ["r"]]),
        (DeviceTaintSelector(driver="gpu.x"), [["own", "r"], ["r"]]),
        (DeviceTaintSelector(driver="nic.x"), [["own"], []]),
        (DeviceTaintSelector(pool="p", device="d1"), [["own"], ["r"]]),
        (DeviceTaintSelector(pool="q", device="d1"), [["own"], []]),
        (DeviceTaintSelector(driver=""), [["own"], []]),
    ],
)
def test_a_rule_taints_what_it_selects(selector: DeviceTaintSelector | None, expected: list[list[str]]) -> None:
    """No selector selects nothing, an empty one everything, and set fields must be equal."""
    assert keys(rule("r", selector)) == expected


def test_taints_of_rules_follow_the_devices_own_in_the_order_of_the_rules() -> None:
    """Appended in order, after what the driver published."""
    assert keys(rule("b", DeviceTaintSelector()), rule("a", DeviceTaintSelector())) == [["own", "b", "a"], ["b", "a"]]


def test_an_untouched_slice_is_the_same_object_and_inputs_stay() -> None:
    """Slices are values: patching makes a new one, or none."""
    assert with_taint_rules([SLICE], [rule("r", None)])[0] is SLICE
    with_taint_rules([SLICE], [rule("r", DeviceTaintSelector())])
    assert SLICE.spec.devices[1].taints == []


@pytest.mark.parametrize(("minor", "tainted"), [("1.34", 2), ("1.35", 2), ("1.36", 2), ("1.37", 0)])
def test_a_rule_without_a_selector_tainted_everything_once(minor: str, tainted: int) -> None:
    """The scheduler of 1.37 was the first to agree with the controller that evicts pods."""
    (patched,) = with_taint_rules([SLICE], [rule("r", None)], release(minor))
    assert sum(taint.key == "r" for device in patched.spec.devices for taint in device.taints) == tainted


D1 = "device.attributes['gpu.x'].index == 1"


@pytest.mark.parametrize(
    ("selector", "tainted"),
    [
        (DeviceTaintSelector(device_class_name="first"), ["d0"]),
        (DeviceTaintSelector(device_class_name="all"), ["d0", "d1", "d2"]),
        (DeviceTaintSelector(device_class_name="none of this name"), []),
        (DeviceTaintSelector(selectors=[choosing(D1)]), ["d1"]),
        (DeviceTaintSelector(selectors=[choosing(D1), choosing("false")]), []),
        (DeviceTaintSelector(device_class_name="first", selectors=[choosing(D1)]), []),
        (DeviceTaintSelector(device_class_name="all", device="d0", selectors=[choosing("true")]), ["d0"]),
        (DeviceTaintSelector(driver="other", selectors=[choosing("true")]), []),
    ],
)
def test_rules_of_1_34_select_by_class_and_expression(selector: DeviceTaintSelector, tainted: list[str]) -> None:
    """All selectors of both must choose the device; one that fails on it, as of ``d2``, does not."""
    devices = [Device(name=f"d{i}", attributes={"index": DeviceAttribute(int_value=i)}) for i in range(2)]
    spec = msgspec.structs.replace(SLICE.spec, devices=[*devices, Device(name="d2")])
    published = msgspec.structs.replace(SLICE, spec=spec)
    classes = {
        "first": DeviceClass(spec=DeviceClassSpec(selectors=[choosing("device.attributes['gpu.x'].index == 0")])),
        "all": DeviceClass(),
    }
    (patched,) = with_taint_rules([published], [rule("r", selector)], release("1.34"), classes)
    assert [device.name for device in patched.spec.devices if device.taints] == tainted
