"""Constraints on attributes, as devices come and go (K8s S50-S52)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.resource import DeviceAttribute
from drapolicy.inventory.pool_device import AttributeValue, attribute_value
from drapolicy.problem.outcome import Abort, NoFit
from drapolicy.problem.reference.constraints import DistinctAttribute, MatchAttribute, MatchLists
from drapolicy.release import MINORS, release


def value(*, empty: bool = False, **field: Any) -> AttributeValue:
    return attribute_value(DeviceAttribute() if empty else DeviceAttribute(**field))


def text(*values: str) -> AttributeValue:
    return value(string_values=list(values))


def devices(attribute: str, values: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "attributes": {attribute: found}} for name, found in values.items()]


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (text("a", "b"), text("b", "c"), True),
        (text("a"), text("b"), False),
        (text("a", "b"), value(string_value="b"), True),
        (value(string_value="b"), value(string_value="b"), True),
        (value(int_values=[1, 2]), value(int_value=2), True),
        (value(int_values=[1]), value(bool_values=[True]), False),
        (value(int_values=[1]), text("1"), False),
        (value(bool_values=[True]), value(bool_value=True), True),
        (value(version_values=["1.0.0"]), text("1.0.0"), False),
        (value(version_values=["1.0.0", "2.0.0"]), value(version_value="2.0.0"), True),
        (value(version_values=["1.0.0+a"]), value(version_value="1.0.0+b"), False),
        (text("a"), None, False),
        (text("a"), value(string_values=[]), False),
        (text("a"), value(empty=True), False),
    ],
)
def test_lists_match_by_what_they_have_in_common(
    first: AttributeValue, second: AttributeValue | None, together: bool
) -> None:
    """A scalar is a list of one, types do not mix, and what has no value has nothing in common (S52)."""
    match = MatchLists("x/a", restores=True)
    assert (match.add(first, 0), match.add(second, 0)) == (True, together)
    distinct = DistinctAttribute("x/a", lists=True, compares=True, remembers_all=True)
    assert distinct.add(first, 0)
    assert distinct.add(second, 0) == (second is not None and bool(second.values) and not together)


def test_what_three_have_in_common_counts() -> None:
    """Overlaps in pairs are not enough (S52)."""
    match = MatchLists("x/a", restores=True)
    assert [match.add(each, 0) for each in (text("a", "b"), text("b", "c"), text("a", "c"))] == [True, True, False]


def test_an_empty_list_matches_not_even_alone() -> None:
    """Nor an attribute without a value; up to 1.36 a distinct attribute takes both as the first (S52)."""
    for empty in (value(string_values=[]), value(empty=True)):
        assert not MatchLists("x/a", restores=True).add(empty, 0)
        for remembers_all in (True, False):
            distinct = DistinctAttribute("x/a", lists=True, compares=True, remembers_all=remembers_all)
            assert distinct.add(empty, 0) is not remembers_all


def test_without_lists_only_the_first_device_may_have_one() -> None:
    """A list equals nothing, and nobody can tell that it differs (Q14)."""
    match = MatchAttribute("x/a")
    assert [match.add(text("a"), 0), match.add(text("a"), 0), match.add(value(string_value="a"), 0)] == [
        True,
        False,
        False,
    ]
    distinct = DistinctAttribute("x/a", lists=False, compares=True, remembers_all=True)
    assert [distinct.add(text("a"), 0), distinct.add(text("b"), 0), distinct.add(value(string_value="a"), 0)] == [
        True,
        False,
        True,
    ]


def test_removing_a_device_gives_back_what_it_ruled_out() -> None:
    """Up to 1.36 that stays out as long as any device is in (S52)."""
    for restores in (True, False):
        match = MatchLists("x/a", restores=restores)
        assert match.add(text("a", "b"), 0)
        assert match.add(text("b", "c"), 0)
        match.remove(0)
        assert match.add(text("a"), 0) is restores
        if restores:
            match.remove(0)
        match.remove(0)
        assert match.add(text("z"), 0)


def test_distinct_values_are_forgotten_up_to_1_36() -> None:
    """Only the last device of a request is remembered, and none once one was removed (S51, Q23)."""
    a, b = value(string_value="a"), value(string_value="b")
    distinct = DistinctAttribute("x/a", lists=False, compares=True, remembers_all=False)
    assert [distinct.add(each, 0) for each in (a, b, a)] == [True, True, True]
    distinct.remove(0)
    assert [distinct.add(a, 1), distinct.add(a, 0)] == [True, False]
    strict = DistinctAttribute("x/a", lists=False, compares=True, remembers_all=True)
    assert [strict.add(each, 0) for each in (a, b, a)] == [True, True, False]


def test_where_values_are_not_compared_a_device_equals_only_itself() -> None:
    """1.34 compares where values are kept (S51)."""
    distinct = DistinctAttribute("x/a", lists=False, compares=False, remembers_all=False)
    one, other = value(int_value=1), value(int_value=1)
    assert [distinct.add(one, 0), distinct.add(other, 1), distinct.add(one, 2)] == [True, True, False]


values = st.one_of(
    st.none(),
    st.lists(st.sampled_from("abcd"), max_size=3).map(lambda found: text(*found)),
    st.sampled_from("abcd").map(lambda found: value(string_value=found)),
    st.integers(0, 2).map(lambda found: value(int_value=found)),
)


@given(st.lists(values, max_size=5), st.lists(values, max_size=5), values)
def test_taking_back_leaves_no_trace(kept: list[Any], tried: list[Any], probe: AttributeValue | None) -> None:
    """From 1.37 on a constraint says the same whatever came and went."""
    for make in (
        lambda: MatchLists("x/a", restores=True),
        lambda: MatchAttribute("x/a"),
        lambda: DistinctAttribute("x/a", lists=True, compares=True, remembers_all=True),
        lambda: DistinctAttribute("x/a", lists=False, compares=True, remembers_all=True),
    ):
        plain, busy = make(), make()
        for each in kept:
            assert plain.add(each, 0) == busy.add(each, 0)
        for _ in [each for each in tried if busy.add(each, 1)]:
            busy.remove(1)
        assert plain.add(probe, 2) == busy.add(probe, 2)


LISTS = {
    "a": {"strings": ["x", "y"]},
    "b": {"strings": ["y", "z"]},
    "c": {"string": "x"},
    "d": {"strings": ["x"]},
}


@pytest.mark.parametrize(("minor", "want"), [("1.37", ["a", "c", "d"]), ("1.36", None)])
def test_a_search_that_turns_back_finds_lists_that_match(kit: Any, minor: str, want: list[str] | None) -> None:
    """1.36 misses them, because what b ruled out stays out (S52)."""
    claim = kit.claim(kit.request(count=3), constraints=[{"matchAttribute": "gpu.x/group"}])
    outcome = kit.allocate([kit.slice(devices("group", LISTS))], claim, kubernetes=kit.everything(minor))
    assert outcome == NoFit() if want is None else kit.names(outcome) == [want]


@pytest.mark.parametrize(("minor", "want"), [("1.34", "abc"), ("1.35", "acb"), ("1.36", "acd"), ("1.37", "ace")])
def test_distinct_values_by_release(kit: Any, minor: str, want: str) -> None:
    """1.37 tells all values of a request apart, the two before it only neighbours, and 1.34 none (S51)."""
    found = {name: {"int": number} for name, number in zip("abcde", [1, 1, 2, 1, 3], strict=True)}
    claim = kit.claim(kit.request(count=3), constraints=[{"distinctAttribute": "gpu.x/group"}])
    outcome = kit.allocate([kit.slice(devices("group", found))], claim, kubernetes=kit.everything(minor))
    assert kit.names(outcome) == [list(want)]


@pytest.mark.parametrize("minor", MINORS)
def test_variants_made_before_it_take_a_distinct_attribute_for_an_unknown_constraint(kit: Any, minor: str) -> None:
    """The incubating one up to 1.35, the stable one in every release (S19)."""
    plain = release(minor).with_features([])
    claim = kit.claim(kit.request(), constraints=[{"distinctAttribute": "gpu.x/group"}])
    told = [
        isinstance(kit.allocate([kit.slice()], claim, kubernetes=plain.with_variant(variant)), Abort)
        for variant in ("stable", "incubating", "experimental")
    ]
    assert told == [True, minor in {"1.34", "1.35"}, False]
