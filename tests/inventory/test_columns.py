from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.inventory.columns import Codes, Flags, Integers, Texts, texts


@given(st.lists(st.text(st.characters(codec=None))))
def test_packed_texts_are_the_texts(values: list[str]) -> None:
    """Packing loses nothing, whatever the characters, by index, by slice and by iteration."""
    packed = Texts.of(values)
    assert list(packed) == values
    assert [packed[i] for i in range(len(values))] == values
    assert [packed[i] for i in range(-len(values), 0)] == values
    assert packed[1:] == values[1:]
    assert len(packed) == len(values)


@pytest.mark.parametrize("index", [2, -3])
def test_packed_texts_have_an_end(index: int) -> None:
    """An index outside is refused, as in a list, instead of giving another text."""
    with pytest.raises(IndexError):
        Texts.of(["a", "b"])[index]


def test_many_texts_are_packed() -> None:
    """A large dictionary is one block of bytes, a small one a tuple that is quick to look up."""
    many = texts([str(i) for i in range(20_000)])
    assert isinstance(many, Texts)
    assert many[19_999] == "19999"
    assert isinstance(texts(["a"]), tuple)


COLUMNS = [
    (Codes(np.array([1, -1, 0], np.int32), ("b", "a")), ["a", None, "b"]),
    (Integers(np.array([-7, 0, 0]), np.array([True, True, False])), [-7, 0, None]),
    (Flags(np.array([1, 0, -1], np.int8)), [True, False, None]),
]


@pytest.mark.parametrize(("column", "expected"), COLUMNS, ids=lambda value: type(value).__name__)
def test_rows_have_a_value_or_none(column: Codes[str] | Integers | Flags, expected: list[object]) -> None:
    """One row and a range of rows give the same values, and None where there is none."""
    assert [column[d] for d in range(3)] == expected
    assert column.between(0, 3) == expected
    assert column.between(1, 2) == expected[1:2]
    assert len(column) == 3


@pytest.mark.parametrize(("column", "expected"), COLUMNS, ids=lambda value: type(value).__name__)
def test_arrays_cannot_be_written(column: Codes[str] | Integers | Flags, expected: list[object]) -> None:
    """Arrays refuse writes, also after a column has travelled to another process."""
    array = "codes" if isinstance(column, Codes) else "values"
    for held in (column, pickle.loads(pickle.dumps(column))):
        assert held.between(0, 3) == expected
        with pytest.raises(ValueError, match="read-only"):
            getattr(held, array)[0] = 0
