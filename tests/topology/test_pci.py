"""PCI addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.topology.pci import address

PARTS = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 255), st.integers(0, 7))


@given(parts=PARTS, digits=st.integers(4, 8), upper=st.booleans())
def test_every_spelling_is_one_address(parts: tuple[int, int, int, int], digits: int, upper: bool) -> None:
    """Digits of the domain and case do not matter."""
    domain, bus, device, function = parts
    text = f"{domain:0{digits}x}:{bus:02x}:{device:02x}.{function}"
    assert address(text.upper() if upper else text) == parts
    if not domain:
        assert address(text.split(":", 1)[1]) == parts


@pytest.mark.parametrize(
    "text", ["", "None", None, 7, "0000:0a:1c", "0000:0a:1c.8", "0:0a:1c.0", "0000:0a:1c.0\n", "GPU-0"]
)
def test_what_is_no_address(text: object) -> None:
    """Nothing is made of other texts."""
    assert address(text) is None
