"""Which devices may draw from one set of counters together (S46)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.resource import Device
from drapolicy.testing import build
from drapolicy.verify.groups import Groups


def device(groups: str) -> Device:
    """A device with one group a letter."""
    return Device(name="d", consumes_counters=[build.draws(1, *groups)])


def admitted(*devices: str, held: tuple[str, ...] = ()) -> list[bool]:
    groups = Groups([device(each) for each in held])
    return [not groups.add(device(each)) for each in devices]


@pytest.mark.parametrize(
    ("held", "devices", "expected"),
    [
        ((), ("", "", "a"), [True, True, False]),
        ((), ("a", ""), [True, False]),
        ((), ("ab", "bc", "b"), [True, True, True]),
        ((), ("ab", "bc", "ca"), [True, True, False]),
        (("ab",), ("bc", "c"), [True, False]),
        (("",), ("a", ""), [False, True]),
        (("a", "b"), ("a", "ab", ""), [False, False, False]),
        (("", "a"), ("", "a"), [True, False]),
    ],
)
def test_groups_must_have_one_in_common(held: tuple[str, ...], devices: tuple[str, ...], expected: list[bool]) -> None:
    """Those without groups go with those without only; what is held already counts."""
    assert admitted(*devices, held=held) == expected


@given(st.lists(st.text("abc", max_size=3).map(lambda text: "".join(sorted(set(text)))), max_size=4))
def test_the_order_of_taking_does_not_count(devices: list[str]) -> None:
    """Either all orders pass or none does."""
    assert len({all(admitted(*order)) for order in itertools.permutations(devices)}) == 1
