"""Numbers as people read them."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.evaluate.numbers import amount, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.14159, "3.14"),
        (12345.6, "12,346"),
        (5.2e15, "5,200,000,000,000,000"),
        (-0.5, "−0.500"),
        (99.96, "100"),
        (9.996, "10.0"),
        (1e-9, "0.000000"),
        (inf, "∞"),
        (-inf, "−∞"),
        (nan, "–"),
    ],
)
def test_numbers_are_written_out(value: float, text: str) -> None:
    """Three digits that matter, never an exponent."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (119.6, "120 s"),
        (120.0, "2 min"),
        (5_213.0, "1 h 27 min"),
        (3_599.6, "1 h"),
        (86_399.0, "1 d"),
        (-5_213.0, "−1 h 27 min"),
        (1e9, "11,574 d 2 h"),
        (nan, "– s"),
    ],
)
def test_long_times_have_two_units(seconds: float, text: str) -> None:
    """Days and hours, hours and minutes, minutes and seconds; rounding carries over."""
    assert amount(seconds, "s") == text


@given(st.floats(120, 1e9))
def test_times_are_told_to_one_part_in_fifty(seconds: float) -> None:
    """What is written, read again, is the time but for half of the smaller unit."""
    size = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
    words = amount(seconds, "s").replace(",", "").split()
    read = sum(int(many) * size[unit] for many, unit in zip(words[::2], words[1::2], strict=True))
    assert abs(read - seconds) <= max(seconds / 48, 1.0)


def test_other_units_follow_the_number() -> None:
    """And nothing follows a count."""
    assert [amount(97.3, "%"), amount(1234.5, "x"), amount(3.0, "")] == ["97.3 %", "1,234 x", "3.00"]
