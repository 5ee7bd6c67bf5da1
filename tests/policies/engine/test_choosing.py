"""Searches by columns come to what the loops over the nodes come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.policies.engine.choosing import rotated
from drapolicy.policies.engine.field import Field
from drapolicy.policies.kube import Rotation, nodes_to_find

REFUSES, TAKES, ENDS = range(3)


@dataclass
class Said:
    """Nodes that say something of their own."""

    of: np.ndarray

    @property
    def kind(self) -> Said:
        return self

    def stops(self, nodes: np.ndarray) -> Any:
        return self.of[nodes] != REFUSES

    def ends(self, nodes: np.ndarray) -> Any:
        return self.of[nodes] == ENDS


class EndedError(Exception):
    """The attempt ends."""


@given(st.data())
def test_the_rotation_keeps_the_nodes_of_the_loop(data: st.DataObject) -> None:
    """Nodes kept, nodes looked at, where the next search starts and what ends it are the loop's."""
    total = data.draw(st.integers(0, 900))
    size = total if data.draw(st.booleans()) else data.draw(st.integers(0, total))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    takes, ends = data.draw(st.sampled_from([0, 0.01, 0.2, 0.9, 1])), data.draw(st.sampled_from([0, 0, 0.002]))
    of = np.where(rng.random(total) < takes, TAKES, REFUSES)
    of[rng.random(total) < ends] = ENDS
    order = rng.permutation(total)[:size]
    start = data.draw(st.integers(0, max(0, total - 1)))
    want = nodes_to_find(size, data.draw(st.sampled_from([0, 1, 30, 100])))
    looked: list[int] = []

    def passes(n: int) -> bool:
        looked.append(n)
        if of[n] == ENDS:
            raise EndedError
        return bool(of[n] == TAKES)

    rotation, end = Rotation(start), None
    kept: list[int] = []
    try:
        kept = rotation.search(order.tolist(), passes, want, total)
    except EndedError:
        end = looked[-1]
    found = rotated(cast("Field", Said(of)), order, start, want)
    assert (found.kept.tolist(), found.considered, found.ends) == (kept, len(looked), end is not None)
    one_too_many = sum(of[n] == TAKES for n in looked) > want
    assert found.end == (looked[-1] if end is not None or one_too_many else None)
    if total:
        assert (start + found.looked) % total == rotation.start


def test_the_rotation_looks_at_no_more_than_it_must() -> None:
    """The cost is that of the nodes looked at, not of all."""
    seen: list[int] = []

    class Counted(Said):
        def stops(self, nodes: np.ndarray) -> Any:
            seen.append(len(nodes))
            return super().stops(nodes)

    rotated(cast("Field", Counted(np.full(100_000, TAKES))), np.arange(100_000), 70_000, 500)
    assert sum(seen) < 2000


@pytest.mark.parametrize("start", [0, 3])
def test_no_node_is_searched(start: int) -> None:
    """Without nodes nothing is kept."""
    found = rotated(cast("Field", Said(np.zeros(0, np.int64))), np.zeros(0, np.intp), start, 0)
    assert (len(found.kept), found.looked, found.considered, found.end) == (0, 0, 0, None)
