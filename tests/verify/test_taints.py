"""Taints of rules, as the checker sees them."""

from __future__ import annotations

import pytest

from drapolicy.api.resource import (
    CELDeviceSelector,
    Device,
    DeviceClass,
    DeviceClassSpec,
    DeviceSelector,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
    ResourceSlice,
)
from drapolicy.release import release
from drapolicy.verify.expressions import Expressions
from drapolicy.verify.pools import Seen
from drapolicy.verify.taints import taints

SEEN = Seen(("gpu.x", "p", "d0"), Device(name="d0"), ResourceSlice())


def choosing(expression: str) -> DeviceSelector:
    return DeviceSelector(cel=CELDeviceSelector(expression=expression))


CLASSES = {
    "ours": DeviceClass(spec=DeviceClassSpec(selectors=[choosing("device.driver == 'gpu.x'")])),
    "theirs": DeviceClass(spec=DeviceClassSpec(selectors=[choosing("device.driver == 'nic.x'")])),
}


@pytest.mark.parametrize(
    ("minor", "selector", "tainted"),
    [
        ("1.37", None, False),
        ("1.36", None, True),
        ("1.34", DeviceTaintSelector(), True),
        ("1.34", DeviceTaintSelector(driver="gpu.x", pool="p", device="d0"), True),
        ("1.34", DeviceTaintSelector(device="d1"), False),
        ("1.34", DeviceTaintSelector(device_class_name="ours"), True),
        ("1.34", DeviceTaintSelector(device_class_name="theirs"), False),
        ("1.34", DeviceTaintSelector(device_class_name="unknown"), False),
        ("1.34", DeviceTaintSelector(device_class_name="ours", selectors=[choosing("false")]), False),
        ("1.34", DeviceTaintSelector(selectors=[choosing("device.attributes['gpu.x'].absent")]), False),
        ("1.34", DeviceTaintSelector(device="d1", selectors=[choosing("true")]), False),
    ],
)
def test_a_rule_taints_what_it_selects(minor: str, selector: DeviceTaintSelector | None, tainted: bool) -> None:
    """Names must be equal, and class and selectors of 1.34 must choose the device besides."""
    spec = DeviceTaintRuleSpec(device_selector=selector, taint=DeviceTaint(key="k", effect="NoSchedule"))
    kubernetes = release(minor)
    found = taints(SEEN, [DeviceTaintRule(spec=spec)], Expressions(CLASSES, kubernetes), kubernetes)
    assert bool(found) == tainted
