"""Strings and bytes as they are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.cel.literals import bytes_value, string_value


@pytest.mark.parametrize(
    ("literal", "wanted"),
    [
        (r'"\x41\101\u00e9\U0001F600\n\""', 'AAé😀\n"'),
        (r"r'\n'", r"\n"),
        ("'''a'b\r\nc'''", "a'b\nc"),
        ('"""a"b"""', 'a"b'),
        (r"'\ud800'", None),
        (r"'\U00110000'", None),
    ],
)
def test_string_literals(literal: str, wanted: str | None) -> None:
    """Escapes, raw and long strings; None where an escape stands for no character."""
    assert string_value(literal) == wanted


def test_bytes_literals() -> None:
    """Hexadecimal and octal escapes are octets, and characters are UTF-8; escapes of characters are refused."""
    assert bytes_value(r'b"\xff\377é"') == b"\xff\xff\xc3\xa9"
    assert bytes_value(r'b"\u0041"') is None
    assert bytes_value(r'br"\u0041"') == rb"\u0041"


@given(st.text(max_size=30))
def test_every_string_can_be_written(text: str) -> None:
    """JSON's escapes of a text are CEL's too, surrogate pairs aside."""
    written = json.dumps(text, ensure_ascii=False).replace("\\u007f", "\x7f")
    assert string_value(written) == text.replace("\r\n", "\n").replace("\r", "\n") or "\\" in written
