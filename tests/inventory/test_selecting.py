"""Selectors on fleets."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Device,
    DeviceAttribute,
    DeviceCapacity,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.selecting import select, table_of


def slice_of(name: str, driver: str, devices: list[Device]) -> ResourceSlice:
    pool = ResourcePool(name=name, generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver=driver, pool=pool, node_name="n", devices=devices)
    return ResourceSlice(metadata=ObjectMeta(name=name), spec=spec)


def with_attribute(name: str, *cells: dict[str, Any] | None) -> Fleet:
    """Return a fleet with one device for each value of one attribute."""
    devices = [
        Device(name=f"d{index}", attributes={} if cell is None else {name: DeviceAttribute(**cell)})
        for index, cell in enumerate(cells)
    ]
    return build(Objects(slices=(slice_of("a", "gpu.x", devices),)))


def matching(fleet: Fleet, expression: str) -> list[bool]:
    return select(fleet, expression).matches.tolist()


def test_outcomes_stand_in_the_order_of_the_fleet() -> None:
    """Slices given in another order than upstream's do not shift outcomes to other devices."""
    one = slice_of("b", "gpu.x", [Device(name="late", attributes={"n": DeviceAttribute(int_value=1)})])
    two = slice_of("a", "gpu.x", [Device(name="early", attributes={"n": DeviceAttribute(int_value=2)})])
    fleet = build(Objects(slices=(one, two)))
    names = [device.name for device in fleet.devices.between(0, 2)]
    assert names == ["early", "late"]
    assert matching(fleet, 'device.attributes["gpu.x"].n == 2') == [True, False]


@pytest.mark.parametrize(
    ("cells", "condition", "expected"),
    [
        ([{"int_value": 5}, {"int_value": 7}, {"int_value": 5}], "== 5", [True, False, True]),
        # Far apart: not numbered by their distance.
        ([{"int_value": -(2**63)}, {"int_value": 2**63 - 1}, {"int_value": 0}], "> 0", [False, True, False]),
        # Rows without a value hold 0, which is no value.
        ([{"int_value": 0}, {"string_value": "0"}, {"bool_value": False}], "== 0", [True, False, False]),
        ([{"bool_value": True}, {"bool_value": False}, {"int_value": 1}], "== true", [True, False, False]),
        ([{"string_value": "1.2.3"}, {"version_value": "1.2.3"}], '== "1.2.3"', [True, False]),
        ([{"int_values": [1, 2]}, {"int_value": 1}, {"string_values": ["1"]}], "== [1, 2]", [True, False, False]),
    ],
)
def test_values_keep_their_type(cells: list[dict[str, Any]], condition: str, expected: list[bool]) -> None:
    """Values of several types under one name are told apart, whatever stands beside them."""
    fleet = with_attribute("v", *cells)
    expression = f'dyn(device.attributes["gpu.x"].v) {condition}'
    # A version refuses to be compared with a text: an error, not a match.
    assert matching(fleet, expression) == expected


def test_absent_values_are_errors() -> None:
    """A device without the attribute fails, with upstream's text."""
    found = select(with_attribute("v", {"int_value": 0}, None), 'device.attributes["gpu.x"].v == 0')
    assert found.errors.tolist() == [False, True]
    assert found.messages[found.message[1]] == "no such key: v"


def test_the_first_fault_of_a_device_is_told() -> None:
    """Attributes are read in the order of their names; the rest of the fleet is not touched by a fault."""
    bad = Device(
        name="d0",
        attributes={"b": DeviceAttribute(version_value="x"), "a": DeviceAttribute(version_value="1.0")},
    )
    good = Device(name="d1", attributes={"a": DeviceAttribute(version_value="1.0.0")})
    fleet = build(Objects(slices=(slice_of("a", "gpu.x", [bad, good]),)))
    found = select(fleet, "true")
    assert found.matches.tolist() == [False, True]
    assert (
        found.messages[found.message[0]] == "attribute a: parse semantic version: No Major.Minor.Patch elements found"
    )


def test_amounts_that_are_equal_and_written_otherwise_stay_apart() -> None:
    """``1000m`` is no integer to CEL although it equals 1."""
    devices = [
        Device(name=f"d{index}", capacity={"c": DeviceCapacity(value=Quantity(text))})
        for index, text in enumerate(["1", "1000m"])
    ]
    fleet = build(Objects(slices=(slice_of("a", "gpu.x", devices),)))
    assert matching(fleet, 'device.capacity["gpu.x"].c.isInteger()') == [True, False]
    assert matching(fleet, 'device.capacity["gpu.x"].c == quantity("1")') == [True, True]


def test_many_texts_are_read_from_their_block() -> None:
    """A dictionary so long that it is packed is read like any other."""
    fleet = with_attribute("u", *({"string_value": f"ä{index}"} for index in range(12_000)))
    assert sum(matching(fleet, 'device.attributes["gpu.x"].u == "ä11999"')) == 1
    assert sum(matching(fleet, 'device.attributes["gpu.x"].u.endsWith("99")')) == 120
    assert table_of(fleet).scale >= 6


def test_multiple_allocations_are_false_when_unset() -> None:
    """No answer of the driver counts as no."""
    devices = [
        Device(name=f"d{index}", allow_multiple_allocations=flag) for index, flag in enumerate([None, True, False])
    ]
    fleet = build(Objects(slices=(slice_of("a", "gpu.x", devices),)))
    assert matching(fleet, "device.allowMultipleAllocations") == [False, True, False]
