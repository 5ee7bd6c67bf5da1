"""Amounts that shares take, and policies that allow them (S42, S43)."""

from __future__ import annotations

import pytest

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity
from drapolicy.verify.capacity import NotRepresentableError, consumed, violation


def capacity(
    value: str = "100", default: str = "", values: str = "", limits: tuple[str, str, str] | None = None
) -> DeviceCapacity:
    """``limits`` are minimum, maximum and step; empty texts stand for unset ones."""

    def maybe(text: str) -> Quantity | None:
        return Quantity(text) if text else None

    if not (default or values or limits):
        return DeviceCapacity(value=Quantity(value))
    given = None
    if limits is not None:
        given = CapacityRequestPolicyRange(min=maybe(limits[0]), max=maybe(limits[1]), step=maybe(limits[2]))
    policy = CapacityRequestPolicy(
        default=maybe(default), valid_values=[Quantity(text) for text in values.split()], valid_range=given
    )
    return DeviceCapacity(value=Quantity(value), request_policy=policy)


@pytest.mark.parametrize(
    ("requested", "of", "whole", "fractional"),
    [
        ("", capacity("100"), "100", "100"),
        ("", capacity(default="7"), "7", "7"),
        ("3", capacity(), "3", "3"),
        ("101", capacity(), "101", "101"),
        ("3", capacity(default="7"), "3", "3"),
        # Valid values: the smallest that is not less, or the amount itself.
        ("3", capacity(values="2 4 8"), "4", "4"),
        ("4", capacity(values="2 4 8"), "4", "4"),
        ("9", capacity(values="2 4 8"), "9", "9"),
        # Ranges: not below the minimum, then minimum and whole steps; 10 + 2 * 5.
        ("3", capacity(limits=("10", "50", "5")), "10", "10"),
        ("16", capacity(limits=("10", "50", "5")), "20", "20"),
        ("20", capacity(limits=("10", "50", "5")), "20", "20"),
        ("48", capacity(limits=("10", "46", "5")), "50", "50"),
        ("16", capacity(limits=("10", "50", "")), "16", "16"),
        # 500m and 2 * 250m; in whole units the minimum is 1 and the step is 1.
        ("900m", capacity(limits=("500m", "3", "250m")), "1", "1"),
        ("1100m", capacity(limits=("500m", "3", "250m")), "2", "1250m"),
        # A maximum finer than a thousandth keeps to whole units.
        ("1100m", capacity(limits=("500m", "3000001u", "250m")), "2", "2"),
        # Fractions of the request are rounded up before steps are counted: 1500m is 2 = 1 + 1 * 1.
        ("1500m", capacity(limits=("1", "9", "1")), "2", "2"),
    ],
)
def test_amounts(requested: str, of: DeviceCapacity, whole: str, fractional: str) -> None:
    """Amounts are rounded up to what the policy has, in whole or in milli units (S42)."""
    amount = Quantity(requested) if requested else None
    assert consumed(amount, of, fractional=False) == Quantity(whole)
    assert consumed(amount, of, fractional=True) == Quantity(fractional)


@pytest.mark.parametrize(
    ("requested", "of"),
    [
        ("-1", capacity()),
        ("1u", capacity(limits=("0", "3", "250m"))),
        (str(2**63), capacity(limits=("1", "", "1"))),
        (str(2**63 - 1), capacity(limits=("1", "", "3"))),
        (str(2**63 // 1000 + 1), capacity(limits=("0", "3", "250m"))),
    ],
)
def test_amounts_beyond_the_arithmetic(requested: str, of: DeviceCapacity) -> None:
    """What is negative, too fine or too large gives the pod up (S42)."""
    with pytest.raises(NotRepresentableError):
        consumed(Quantity(requested), of, fractional=True)


@pytest.mark.parametrize(
    ("amount", "of", "allowed"),
    [
        ("5", capacity(), True),
        ("3", capacity(values="2 4"), False),
        ("4", capacity(values="2 4"), True),
        ("4000m", capacity(values="2 4"), True),
        ("51", capacity(limits=("10", "50", "")), False),
        ("9", capacity(limits=("10", "50", "")), True),
        ("22", capacity(limits=("10", "50", "5")), False),
        ("25", capacity(limits=("10", "50", "5")), True),
        ("1250m", capacity(limits=("500m", "3", "250m")), True),
        ("1300m", capacity(limits=("500m", "3", "250m")), False),
        ("1u", capacity(limits=("0", "3", "250m")), False),
        # The default is never asked; by its number alone it would not be allowed here.
        ("99", capacity(default="99", limits=("10", "50", "5")), True),
        ("99", capacity(default="99", values="1 2"), True),
        ("98", capacity(default="99", values="1 2"), False),
    ],
)
def test_policies(amount: str, of: DeviceCapacity, allowed: bool) -> None:
    """An amount must be a valid value, or at most the maximum and a whole number of steps (S43)."""
    assert (violation(Quantity(amount), of, fractional=True) == "") is allowed


@pytest.mark.parametrize(
    ("requested", "of", "amount"),
    [
        ("9223372036854775807", capacity(limits=("1", "", "2")), "9223372036854775807"),
        ("9223372036854775806", capacity(limits=("1", "", "2")), "9223372036854775807"),
        ("9223372036854775807", capacity(limits=("2", "", "2")), "-9223372036854775808"),
        ("-5", capacity(), "-5"),
        ("5", capacity(limits=("1", "", "2")), "5"),
        ("6", capacity(limits=("1", "", "2")), "7"),
    ],
)
def test_amounts_wrap_around_up_to_1_36(requested: str, of: DeviceCapacity, amount: str) -> None:
    """What leaves 64 bits or is negative went unnoticed before 1.37 (S42)."""
    assert consumed(Quantity(requested), of, fractional=False, wraps=True).nano == Quantity(amount).nano
