"""Host list expressions become names, or are refused at the character that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.topology.hostlist import LIMIT, HostListError, expand


def expanded(text: str) -> tuple[tuple[str, ...], int | None]:
    """The names, or where the expression is wrong."""
    try:
        return expand(text), None
    except HostListError as error:
        return (), error.offset


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", "n1"),
        ("n[1-3]", "n1 n2 n3"),
        ("node[001-003,20]", "node001 node002 node003 node20"),
        ("n[8-11]", "n8 n9 n10 n11"),
        ("n[08-11]", "n08 n09 n10 n11"),
        ("n[099-101]", "n099 n100 n101"),
        ("n[1],m", "n1 m"),
        ("a,b , c", "a b c"),
        ("a b", "a b"),
        ("[1101-1102]", "1101 1102"),
        ("r[0-1]n[1-2]", "r0n1 r0n2 r1n1 r1n2"),
        ("n[1-2]-ib", "n1-ib n2-ib"),
        ("switch.1.[9-10]", "switch.1.9 switch.1.10"),
        (" x ", "x"),
    ],
)
def test_names_of_an_expression(text: str, names: str) -> None:
    """Ranges keep the width of their first number, the last bracket runs fastest."""
    assert expand(text) == tuple(names.split())


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("", 0, "no name"),
        ("a,,b", 2, "no name"),
        ("a,", 2, "no name"),
        (",a", 0, "no name"),
        ("n[1-3", 1, "has no ]"),
        ("n1-3]", 4, "has no ["),
        ("n[[1]]", 1, "has no ]"),
        ("n[]", 2, "no number"),
        ("n[1,]", 4, "no number"),
        ("n[a-c]", 2, "no number"),
        ("n[1-2-3]", 2, "no number"),
        ("n[-3]", 2, "no number"),
        ("n[٣]", 2, "no number"),
        ("n[1,5-3]", 4, "backwards"),
        ("n[1-2],n2", 7, "n2 is named twice"),
        ("n[1,1]", 0, "n1 is named twice"),
        ("n[1-99999999999]", 2, "more than"),
        ("a[1-300]b[1-300]", 0, "more than"),
    ],
)
def test_broken_expressions_are_refused_at_a_character(text: str, offset: int, words: str) -> None:
    """Nothing is guessed, and no range can fill the memory."""
    with pytest.raises(HostListError) as caught:
        expand(text)
    assert words in str(caught.value)
    assert caught.value.offset == offset


def test_the_limit_itself_is_allowed() -> None:
    """Slurm's largest range is read."""
    assert len(expand(f"n[1-{LIMIT}]")) == LIMIT
    with pytest.raises(HostListError):
        expand(f"n[0-{LIMIT}]")


@given(st.integers(0, 10**6), st.integers(0, 50), st.integers(1, 8))
def test_a_range_is_its_numbers(low: int, more: int, width: int) -> None:
    """Any range is the numbers between its ends, each padded to the width of the first."""
    expected = tuple(f"n{number:0{width}d}" for number in range(low, low + more + 1))
    assert expand(f"n[{low:0{width}d}-{low + more}]") == expected


@given(st.text("ab[]-,0123456789 ", max_size=30))
def test_any_text_is_names_or_refused(text: str) -> None:
    """No text makes anything but names, each once, or the error of this module."""
    names, offset = expanded(text)
    assert offset is None or 0 <= offset <= len(text)
    assert len(set(names)) == len(names)
    assert bool(names) == (offset is None)
