"""Room in columns: equal to sums of exact numbers, node by node."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.inventory.node_builder import node_table
from drapolicy.problem.amounts import MOST, Exact
from drapolicy.problem.pod_requests import PodAsk
from drapolicy.problem.rooms import NodeRooms

EDGES = [0, 1, 2**61, 2**62, 2**63 - 1, 2**63, 2**64, 10**25]
AMOUNTS = st.builds(
    lambda edge, off, sign: sign * (edge + off), st.sampled_from(EDGES), st.integers(-2, 2), st.sampled_from([1, -1])
)
NAMES = ["cpu", "memory", "ephemeral-storage", "pods", "a.io/x", "hugepages-2Mi"]
TEXTS = st.sampled_from(["0", "1", "1500m", "100u", "3", "2Mi", "1.5Gi", "8Ei", "12e20", "-1", "-500m", "-1500u"])
ALLOCATABLE = st.dictionaries(st.sampled_from([*NAMES, "ignored"]), TEXTS.map(Quantity))
CHANGES = st.tuples(
    st.integers(0, 3),
    st.dictionaries(st.sampled_from([name for name in NAMES if name != "pods"]), AMOUNTS),
    st.tuples(AMOUNTS, AMOUNTS),
)


def cut(amount: int) -> int:
    return max(-MOST, min(MOST, amount))


def told(allocatable: dict[str, Quantity], name: str) -> int:
    """Return an amount as the scheduler counts it, worked out from the quantity alone."""
    if name not in allocatable:
        return 0
    quantity = allocatable[name]
    if name == "pods":
        return quantity.value()
    milli = quantity.milli_value()
    return milli if name == "cpu" else -(-milli // 1000)


def rooms_of(*allocatable: dict[str, Quantity]) -> NodeRooms:
    nodes = [
        Node(metadata=ObjectMeta(name=f"n{n}"), status=NodeStatus(allocatable=each))
        for n, each in enumerate(allocatable)
    ]
    return NodeRooms(node_table(nodes, ["only-named"]))


@given(st.lists(ALLOCATABLE, min_size=3, max_size=3), st.lists(CHANGES, max_size=6), st.sets(st.sampled_from(NAMES)))
def test_columns_say_what_sums_say(given: list[dict[str, Quantity]], changes: list[Any], early: set[str]) -> None:
    """Whatever is added and taken off, and whenever columns are asked for: each cell is the exact sum, cut off."""
    rooms = rooms_of(*given)
    for name in early:
        rooms.left(name)
    sums: list[Counter[str]] = [Counter() for _ in rooms]
    nonzero = [[0, 0] for _ in rooms]
    done = []
    for n, requests, seen in changes:
        done.append((n, PodAsk(requests, seen, seen)))
        rooms.add(*done[-1])
        sums[n].update({**requests, "pods": 1})
        nonzero[n] = [a + b for a, b in zip(nonzero[n], seen, strict=True)]
    every = np.arange(len(rooms))
    for name in NAMES:
        left = rooms.left(name)
        have = [told(each, name) for each in given] + [0]
        expected = [cut(h - s[name]) if g else MOST for h, s, g in zip(have, sums, [*given, {}], strict=True)]
        assert left.of(every).tolist() == expected
        assert (left.bounds >= left.rows.max(axis=1)).all()
        assert [(room.have(name), room.used(name)) for room in rooms] == [
            (h, s[name]) for h, s in zip(have, sums, strict=True)
        ]
    for room, each, counts, seen in zip(rooms, [*given, {}], sums, nonzero, strict=True):
        assert dict(room.requested) == {name: a for name, a in counts.items() if a and name != "pods"}
        assert dict(room.allocatable) == {name: told(each, name) for name in each if name in NAMES and name != "pods"}
        assert (room.pods, room.max_pods, room.unbounded) == (counts["pods"], told(each, "pods"), not each)
        assert list(room.nonzero) == seen
    for n, ask in reversed(done):
        rooms.remove(n, ask)
    assert repr(rooms) == repr(rooms_of(*given))
    assert not any(room.requested or any(room.nonzero) for room in rooms)


@given(st.lists(AMOUNTS, min_size=1), st.data())
def test_exact_columns_keep_what_they_are_given(amounts: list[int], data: st.DataObject) -> None:
    """Amounts of any size come back; the column has them cut off."""
    column = Exact(np.array(amounts, np.object_))
    for _ in range(3):
        n = data.draw(st.integers(0, len(amounts) - 1))
        column[n] = amounts[n] = data.draw(AMOUNTS)
    assert [column[n] for n in range(len(amounts))] == amounts
    assert column.cut.tolist() == list(map(cut, amounts))
