"""Labels that rank nodes: order, search by blocks, and amounts of room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.policies.engine.kernels.labels import NONE, REFUSED
from drapolicy.policies.engine.ranking import Order, Ranking, relabelled
from drapolicy.problem.amounts import Amounts, Columns


def test_labels_compare_as_their_keys_do() -> None:
    """Keys in any order get labels in the order of the keys, also after a gap is used up."""
    rng = np.random.default_rng(0)
    order = Order()
    table: dict[tuple[int, ...], int] = {}
    spread = 0
    keys = [(int(a), int(b)) for a, b in rng.integers(0, 40, size=(2000, 2))]
    for key in [*keys, *((7, k) for k in range(40)), *((7, 20, k) for k in range(200, 0, -1))]:
        label = order.label(key)
        while label is None:
            old, new = order.spread()
            spread += 1
            moved = np.array(list(table.values()), np.int32)
            relabelled(moved, old, new)
            table = dict(zip(table, moved.tolist(), strict=True))
            label = order.label(key)
        table[key] = label
    assert spread
    assert sorted(table, key=table.__getitem__) == sorted(table)


@given(st.data())
def test_the_best_node_is_the_first_of_the_highest(data: st.DataObject) -> None:
    """After any writes the search finds what a look at all nodes finds."""
    size = data.draw(st.sampled_from([1, 5, 1024, 1025, 3000]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(REFUSED, 6, size).astype(np.int32)
    room = rng.integers(0, 5, size)
    ranking, amounts = Ranking(labels), Amounts(room)
    for _ in range(6):
        nodes = rng.integers(0, size, 7).astype(np.int32)
        nodes = np.unique(nodes)
        labels[nodes] = rng.integers(REFUSED, 6, len(nodes)) if rng.random() < 0.7 else NONE
        ranking.write(nodes, labels[nodes])
        n = int(rng.integers(size))
        room[n] = rng.integers(0, 5)
        amounts.write(n, int(room[n]))
        assert ranking.best() == _best(labels, np.ones(size, np.bool_))
        asked = int(rng.integers(0, 7))
        assert ranking.best_with(Columns((amounts,)), np.array([asked])) == _best(labels, room >= asked)


def _best(labels: np.ndarray, fits: np.ndarray) -> int | None:
    found = np.where(fits, labels, REFUSED)
    best = int(found.argmax())
    return best if found[best] >= 0 else None


@pytest.mark.parametrize("size", [0, 1, 1024])
def test_no_node_ranks(size: int) -> None:
    """Where every node refuses there is no best."""
    assert Ranking(np.full(size, NONE, np.int32)).best() is None
