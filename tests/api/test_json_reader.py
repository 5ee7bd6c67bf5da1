"""JSON to plain values."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.json_reader import read_json
from drapolicy.api.values import TWICE, Doubled, Exponential, ReadFault, broken


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('\ufeff {"a": 1}{"b": 2}\n{"c": 3} ', [{"a": 1}, {"b": 2}, {"c": 3}]),
        ("null", []),
        ("", []),
        ('{"a": "\\ud83d\\ude00"}', [{"a": "\U0001f600"}]),
        ('{"a": 123456789012345678901234567890}', [{"a": 123456789012345678901234567890}]),
    ],
)
def test_documents(text: str, values: list[object]) -> None:
    """One text may hold several documents, as kubectl reads it; whole numbers keep all digits."""
    assert list(read_json(text.encode())) == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("1.10", 1.1),
        ("1.0", 1.0),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("1e3", Exponential("1e3")),
        ("1e400", Decimal("1e400")),
    ],
)
def test_fractions_lose_nothing(text: str, value: object) -> None:
    """A number is a float only where the float is exact to the written digits and has no exponent."""
    ((found,),) = read_json(f"[{text}]".encode())
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1} x', "expecting value at 'x'"),
        ('{"a": 1', "ends too early"),
        ('{"a": "x', "ends too early"),
        ('{"a": 1,}', "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": "\\ud800"}', "is no character"),
        ('{"a": "\t"}', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_texts_that_are_refused(text: str, message: str) -> None:
    """Broken syntax is refused."""
    *_, fault = read_json(text.encode())
    assert isinstance(fault, ReadFault)
    assert message in fault.message


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("NaN", "NaN is no JSON number"),
        ("-Infinity", "-Infinity is no JSON number"),
        ("1" * 10**6, "a number of 1000000 characters"),
        ("0." + "1" * 10**6, "a number of 1000002 characters"),
    ],
)
def test_numbers_that_nothing_holds_are_remembered_with_their_path(number: str, message: str) -> None:
    """A number that JSON has not, or that is too long, waits for its object to be known."""
    (value,) = read_json(('{"a": [1, ' + number + "]}").encode())
    ((path, told),) = broken(value)
    assert path == "a[1]"
    assert message in told


def test_bytes_that_are_no_text_are_refused() -> None:
    """A byte that is not UTF-8 is named with its line."""
    (fault,) = read_json(b'{\n"a": "\xff"}')
    assert (fault.line, "0xff" in fault.message) == (2, True)


def test_a_byte_order_mark_shifts_no_place() -> None:
    """Behind a byte order mark the same byte is named."""
    (fault,) = read_json(b'\xef\xbb\xbf{\n"\xff": 1}')
    assert (fault.line, "0xff" in fault.message) == (2, True)


def test_keys_given_twice_are_remembered_with_their_path() -> None:
    """A key given twice in the depth is found again with its path."""
    (value,) = read_json(b'{"a": [{"b": 1, "c": 2, "b": 3, "b": 4}], "x/y": {"k": 1, "k": 1}}')
    assert isinstance(value["a"][0], Doubled)
    assert list(broken(value)) == [("a[0].b", TWICE), ("a[0].b", TWICE), ('["x/y"].k', TWICE)]


@given(st.binary(max_size=60))
def test_no_text_breaks_the_reader(data: bytes) -> None:
    """Whatever the bytes, the reader gives values or faults."""
    list(read_json(data))
