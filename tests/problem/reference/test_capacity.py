"""What a request consumes of a device's capacities."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, ResourceSlice
from drapolicy.inventory.pool_device import PoolDevice, PoolId
from drapolicy.problem.reference.capacity import Charge, charge


def cost(
    value: str, policy: dict[str, Any] | None, asked: str | None, *, fractional: bool = True, checked: bool = True
) -> Charge:
    """Return what a request takes of a device with the capacity mem."""
    capacity = {"value": value, **({"requestPolicy": policy} if policy else {})}
    device = msgspec.convert(
        {"name": "d", "capacity": {"mem": capacity}, "allowMultipleAllocations": True},
        Device,
        dec_hook=lambda _, text: Quantity(text),
    )
    requests = {} if asked is None else {"mem": Quantity(asked)}
    owned = PoolDevice(PoolId("gpu.x", "p"), 0, ResourceSlice(), device)
    return charge(owned, requests, fractional=fractional, checked=checked)


def steps(low: str, step: str | None = None, high: str | None = None, default: str | None = None) -> dict[str, Any]:
    valid = {"min": low, "step": step, "max": high}
    policy: dict[str, Any] = {"validRange": {key: text for key, text in valid.items() if text is not None}}
    return policy if default is None else {**policy, "default": default}


@pytest.mark.parametrize(
    ("policy", "asked", "expected"),
    [
        (None, None, "10"),
        (None, "3", "3"),
        (None, "3500m", "3500m"),
        ({"default": "2"}, None, "2"),
        ({"default": "2"}, "3", "3"),
        ({"validValues": ["2", "4"]}, "1", "2"),
        ({"validValues": ["2", "4"]}, "2", "2"),
        ({"validValues": ["2", "4"]}, "3", "4"),
        (steps("2"), "1", "2"),
        (steps("2"), "3500m", "3500m"),
        (steps("2", "3"), "2", "2"),
        (steps("2", "3"), "3", "5"),
        (steps("2", "3"), "5", "5"),
        (steps("500m", "250m"), "600m", "750m"),
        (steps("1", "2"), "3500m", "5"),
    ],
)
def test_amounts_are_rounded_up_by_the_policy(policy: dict[str, Any] | None, asked: str | None, expected: str) -> None:
    """Default or all without a request, else the request rounded up to what the policy allows (S42)."""
    found = cost("10", policy, asked)
    assert found.usable
    assert found.amounts == (Quantity(expected).nano,)


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        ({"validValues": ["2", "4"]}, "5"),
        (steps("2", high="4"), "5"),
        (steps("2", "3", high="7"), "6"),
        (steps("2", "3"), None),
    ],
)
def test_amounts_that_the_policy_forbids_make_the_device_unusable(policy: dict[str, Any], asked: str | None) -> None:
    """Beyond the last valid value, beyond max, or off the steps: no error, another device may do (S43)."""
    found = cost("10", policy, asked)
    assert not found.usable
    assert found.problem == ""


def test_the_gate_of_fractional_ranges_decides_between_units() -> None:
    """Without it min, step and request are rounded up to whole units before they are counted."""
    assert cost("10", steps("500m", "250m"), "600m", fractional=True).amounts == (Quantity("750m").nano,)
    assert cost("10", steps("500m", "250m"), "600m", fractional=False).amounts == (Quantity("1").nano,)


def test_steps_below_a_milli_unit_are_counted_in_whole_units() -> None:
    """One bound that is no whole milli unit sends the whole range to integer arithmetic."""
    assert cost("10", steps("1", "1500u"), "2500m").amounts == (Quantity("3").nano,)


@pytest.mark.parametrize(
    ("policy", "asked", "text"),
    [
        (steps("1", "1m"), "1500100u", "request 1500100u is not a representable milli value"),
        (steps("1", "1"), "9300P", "request 9300P is not a representable milli value"),
        (steps("0", "3u"), "9300P", "request 9300P exceeds MaxInt64"),
        (steps("0", "5P"), "6P", "rounding request 6P up to the next step passes the milli-value range"),
        (steps("0", "9000P"), "9001P", "rounding request 9001P up to the next step passes MaxInt64"),
    ],
)
def test_amounts_beyond_upstreams_arithmetic_end_the_attempt(policy: dict[str, Any], asked: str, text: str) -> None:
    """Not "device unusable": upstream aborts since 1.37 (S42)."""
    assert cost("10E", policy, asked).problem == (
        f'capacity "mem": capacity request cannot be represented in the device\'s range arithmetic: {text}'
    )


def test_a_negative_amount_ends_the_attempt() -> None:
    """A stored object from before validation."""
    assert cost("-1", None, None).problem == 'capacity "mem": capacity value is negative'


def test_a_capacity_that_the_device_lacks_makes_it_unusable() -> None:
    """Names are compared literally: the driver's domain does not help (Q8)."""
    device = Device(name="d", capacity={})
    pool_device = PoolDevice(PoolId("gpu.x", "p"), 0, ResourceSlice(), device)
    assert charge(pool_device, {"gpu.x/mem": Quantity("1")}, fractional=True) == Charge(usable=False)


def test_the_default_is_spared_the_policy_only_in_its_own_form() -> None:
    """Upstream compares structs: a computed amount equal to an out-of-range default is refused all the same."""
    policy = steps("500m", "500m", high="2500m", default="5")
    assert cost("8Gi", policy, None).usable
    assert not cost("8Gi", policy, "5").usable
    no_step = steps("500m", high="2500m", default="5")
    assert cost("8Gi", no_step, "5").usable
    assert not cost("8Gi", no_step, "5000m").usable


def test_the_result_is_written_in_the_format_of_the_step() -> None:
    """As upstream builds it."""
    assert str(cost("10Gi", steps("1Gi", "1Gi"), "1500M").quantities[0]) == "2Gi"


@pytest.mark.parametrize(
    ("value", "step", "usable"),
    [
        ("10E", "3E", True),  # held as 10 times 10^18: reads as 0
        ("18446744073709551618", "2", True),  # a big decimal: reads as 2
        ("18446744073709551619", "2", False),
        ("9E", "2E", False),  # within 64 bits
    ],
)
def test_amounts_beyond_64_bits_are_read_as_upstream_reads_them(value: str, step: str, usable: bool) -> None:
    """A range that validation refuses, in a stored object: the remainder is that of 0 or of the low 64 bits."""
    assert cost(value, steps("0", step), None, fractional=False).usable is usable


@pytest.mark.parametrize(
    ("policy", "asked", "expected"),
    [
        (steps("2", "2"), "9223372036854775807", -(2**63)),
        (steps("3", "3"), "9223372036854775807", -(2**63) + 1),
        (steps("1", "1"), "9223372036854775808", -(2**63)),
        (steps("0", "1k"), "1500", 2000),
        (None, "-1", -1),
    ],
)
def test_up_to_1_36_amounts_wrap_around(policy: dict[str, Any] | None, asked: str, expected: int) -> None:
    """No amount ends the attempt, and what is negative fits; rounded amounts are written in binary units (S42)."""
    found = cost("8E", policy, asked, fractional=False, checked=False)
    assert (found.problem, found.usable, found.quantities[0].nano) == ("", True, expected * 10**9)
    assert found.quantities[0].format == ("BinarySI" if policy else "DecimalSI")


def test_a_step_of_zero_ends_the_attempt_in_every_release() -> None:
    """Upstream divides by it; validation keeps such a step out."""
    assert cost("8", steps("1", "0"), "2", fractional=False, checked=False).problem
