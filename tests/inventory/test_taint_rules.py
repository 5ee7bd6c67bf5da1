"""DeviceTaintRules."""

from __future__ import annotations

import pytest

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    Device,
    DeviceSelector,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.errors import UnsupportedFeatureError
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


@pytest.mark.parametrize(
    "selector", [DeviceTaintSelector(device_class_name="c"), DeviceTaintSelector(selectors=[DeviceSelector()])]
)
def test_rules_by_class_or_selectors_are_refused(selector: DeviceTaintSelector) -> None:
    """Leaving them out of account would taint too many devices."""
    with pytest.raises(UnsupportedFeatureError, match="selecting by deviceClassName or selectors is not supported"):
        with_taint_rules([SLICE], [rule("r", selector)], release("1.34"))
