from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import CounterSet, DeviceAttribute
from drapolicy.inventory.growing import GrowingCodes, canonical
from drapolicy.inventory.growing_attributes import GrowingAttribute


@given(st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=12), st.randoms(use_true_random=False))
def test_a_column_does_not_depend_on_the_way_it_grew(values: list[str | None], random: object) -> None:
    """Rows may come in any order and batches; codes then count values by their first row."""
    held = [row for row, value in enumerate(values) if value is not None]
    random.shuffle(held)  # type: ignore[attr-defined]
    growing = GrowingCodes[str]()
    for batch in (held[:3], held[3:]):
        growing.add(np.array(batch, np.int64), [values[row] or "" for row in batch])
    column = growing.column(len(values), None)
    assert column.between(0, len(values)) == values
    assert list(column.values) == list(dict.fromkeys(value for value in values if value is not None))


def test_rows_are_put_into_order() -> None:
    """`order` names the old row of each new row."""
    growing = GrowingCodes[str]()
    growing.add(np.arange(3), ["a", "b", "c"])
    assert growing.column(3, np.array([2, 0, 1])).between(0, 3) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (Quantity("1Gi"), Quantity("1Gi"), True),
        (Quantity("1Gi"), Quantity(2**30), False),  # one number, two spellings
        (Quantity("1000m"), Quantity("1"), False),
        (CounterSet(name="a"), CounterSet(name="b"), False),
        ([True], [1], False),
    ],
)
def test_canonical_texts_tell_objects_apart(one: object, other: object, equal: bool) -> None:
    """Equal objects have equal texts whatever the order of maps; a quantity's spelling counts."""
    assert (canonical(one) == canonical(other)) is equal


CELLS = [
    DeviceAttribute(string_value="1"),
    DeviceAttribute(version_value="1.0.0"),
    DeviceAttribute(int_value=1),
    DeviceAttribute(int_value=0),
    DeviceAttribute(int_value=2**63),  # the API server refuses it; a struct can hold it
    DeviceAttribute(bool_value=False),
    DeviceAttribute(string_values=["a", "b"]),
    DeviceAttribute(),
    DeviceAttribute(string_value="a", int_value=0),
    DeviceAttribute(version_value="1.0.0", bool_values=[True]),
    DeviceAttribute(string_value=""),
]


@given(st.lists(st.sampled_from(CELLS), min_size=1, max_size=6))
def test_an_attribute_keeps_every_cell(cells: list[DeviceAttribute]) -> None:
    """Types may be mixed under one name, and a cell may hold none, two or a list of values."""
    growing = GrowingAttribute()
    growing.add(np.arange(len(cells)) + 1, cells)  # row 0 has no such attribute
    column = growing.column(len(cells) + 1, None)
    assert column.between(0, len(cells) + 1) == [None, *cells]
    assert column[len(cells)] == cells[-1]


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        (CELLS[0], "strings"),
        (CELLS[1], "versions"),
        (CELLS[3], "integers"),
        (CELLS[4], "others"),
        (CELLS[5], "flags"),
        (CELLS[6], "others"),
        (CELLS[8], "others"),
        (CELLS[9], "others"),
    ],
)
def test_an_attribute_is_split_by_type(cell: DeviceAttribute, part: str) -> None:
    """Only the part of the value's type exists, so 1 and "1" are never mistaken for each other (S50)."""
    growing = GrowingAttribute()
    growing.add(np.arange(2), [cell, cell])
    column = growing.column(2, None)
    assert [name for name in column.__slots__ if getattr(column, name) is not None] == [part]


def test_what_json_cannot_say_is_refused() -> None:
    """An object of unknown kind is a bug that must not be hashed by its address."""
    with pytest.raises(TypeError, match="object has no place"):
        canonical(object())
