"""Texts that are packed while a column grows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.inventory.growing import GrowingCodes
from drapolicy.inventory.growing_texts import GrowingTexts

TEXTS = st.sampled_from(["", "a", "b", "ä", "ab", "ba", "\ud800", "c", "d"])


@given(st.lists(st.none() | TEXTS, max_size=40), st.randoms(use_true_random=False), st.integers(0, 4), st.booleans())
def test_packed_texts_make_the_column_that_objects_make(
    values: list[str | None], random: object, most: int, ordered: bool
) -> None:
    """However many texts are looked up, in whatever batches they come: codes and texts are those of plain objects."""
    held = [row for row, value in enumerate(values) if value is not None]
    random.shuffle(held)  # type: ignore[attr-defined]
    order = None
    if ordered:
        places = list(range(len(values)))
        random.shuffle(places)  # type: ignore[attr-defined]
        order = np.array(places, np.int64)
    packed, plain = GrowingTexts(most), GrowingCodes[str]()
    for start in range(0, len(held), 3):
        batch = held[start : start + 3]
        for growing in (packed, plain):
            growing.add(np.array(batch, np.int64), [values[row] or "" for row in batch])
    if len(held) == len(values):
        assert packed.rows(len(values)) == values
    found, expected = packed.column(len(values), order), plain.column(len(values), order)
    assert found.codes.tolist() == expected.codes.tolist()
    assert list(found.values) == list(expected.values)


def test_texts_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes only say which texts may be equal."""
    monkeypatch.setattr("drapolicy.inventory.growing_texts.hash", len, raising=False)
    growing = GrowingTexts(0)
    growing.add(np.arange(3), ["a", "b", "cc"])
    growing.add(np.arange(3, 6), ["b", "c", "a"])
    column = growing.column(6, None)
    assert column.between(0, 6) == ["a", "b", "cc", "b", "c", "a"]
    assert list(column.values) == ["a", "b", "cc", "c"]
