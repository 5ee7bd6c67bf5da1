"""Compiled loops over nodes do what those in numpy do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.policies.engine.kernels import plain
from drapolicy.policies.engine.kernels.labels import ODD, REFUSED, UNKNOWN

compiled = pytest.importorskip("drapolicy.policies.engine.kernels.compiled", reason="numba is not installed")

BLOCK = 1024
SIZES = st.integers(1, 3 * BLOCK)
SEEDS = st.integers(0, 2**32)


def _column(rng: np.random.Generator, blocks: int, low: int, high: int, kind: type) -> np.ndarray:
    # Few different values, so that ties are common.
    return rng.integers(low, high, (blocks, BLOCK)).astype(kind)


@given(seed=SEEDS, blocks=st.integers(1, 3), rows=st.sampled_from([np.int16, np.int32]))
def test_labels_are_written_alike(seed: int, blocks: int, rows: type) -> None:
    """Labels, bounds and the nodes without a label are the same, with nodes named twice too."""
    rng = np.random.default_rng(seed)
    size = blocks * BLOCK
    table = rng.integers(UNKNOWN, 4, (5, 7)).astype(np.int32)
    row, content = rng.integers(0, 5, size).astype(rows), rng.integers(0, 7, size).astype(np.int32)
    changed = rng.integers(0, size, rng.integers(0, 60))
    found = []
    for module in (plain, compiled):
        labels, bounds = np.full(size, REFUSED, np.int32), np.full(blocks, REFUSED, np.int32)
        todo = np.full(len(changed), -1, np.intp)
        count = module.refresh(changed, row, content, table, labels, bounds, todo)
        assert (table[row[todo[:count]], content[todo[:count]]] <= ODD).all()
        found.append((labels.tolist(), bounds.tolist(), todo.tolist()))
    assert found[0] == found[1]


@given(seed=SEEDS, blocks=st.integers(1, 4), high=st.integers(-1, 4), slack=st.booleans())
def test_the_best_node_is_found_alike(seed: int, blocks: int, high: int, slack: bool) -> None:
    """The node is the first of the highest label, and bounds end alike."""
    rng = np.random.default_rng(seed)
    labels = _column(rng, blocks, REFUSED, high + 1, np.int32)
    found = []
    for module in (plain, compiled):
        bounds = labels.max(axis=1) + np.int32(slack)
        found.append((module.best(labels, bounds), bounds.tolist()))
    flat = labels.reshape(-1)
    assert found[0] == found[1]
    assert found[0][0] == (int(flat.argmax()) if flat.max() >= 0 else -1)


@given(
    seed=SEEDS,
    blocks=st.integers(1, 4),
    high=st.integers(-1, 4),
    asked=st.lists(st.integers(0, 5), min_size=1, max_size=3),
    slack=st.booleans(),
)
def test_the_best_node_with_room_is_found_alike(
    seed: int, blocks: int, high: int, asked: list[int], slack: bool
) -> None:
    """The node is the first of the highest label that has what is asked, and bounds end alike."""
    rng = np.random.default_rng(seed)
    labels = _column(rng, blocks, REFUSED, high + 1, np.int32)
    amounts = tuple(_column(rng, blocks, 0, 5, np.int64) for _ in asked)
    found = []
    for module in (plain, compiled):
        bounds = labels.max(axis=1) + np.int32(slack)
        most = tuple(amount.max(axis=1) + np.int64(slack) for amount in amounts)
        node = module.best_with(labels, bounds, amounts, most, np.array(asked, np.int64))
        found.append((node, bounds.tolist(), [bound.tolist() for bound in most]))
    fits = np.logical_and.reduce([amount >= wanted for amount, wanted in zip(amounts, asked, strict=True)])
    ranked = np.where(fits, labels, REFUSED).reshape(-1)
    assert found[0] == found[1]
    assert found[0][0] == (int(ranked.argmax()) if ranked.max() >= 0 else -1)


@given(seed=SEEDS, size=st.integers(1, 200), rows=st.sampled_from([np.int16, np.int32]))
def test_facets_are_written_alike(seed: int, size: int, rows: type) -> None:
    """Facets and the nodes that are left are the same, with nodes named twice and nodes of rows beyond too."""
    rng = np.random.default_rng(seed)
    row, state = rng.integers(0, 6, size).astype(rows), rng.integers(0, 8, (size, 3)).astype(np.int32)
    within, piece = rng.random(4) < 0.7, rng.integers(0, 5, (4, 3)).astype(np.int32)
    verdicts = np.where(rng.random((5, 8)) < 0.1, -1, rng.integers(0, 4, (5, 8))).astype(np.int32)
    places = rng.integers(0, 9, (4, 3, 4)).astype(np.int32)
    facet = rng.integers(0, 50, (4, 9)).astype(np.int32)
    changed = rng.integers(0, size, rng.integers(0, 60))
    found = []
    for module in (plain, compiled):
        of_node, todo = np.full(size, -1, np.int32), np.full(len(changed), -1, np.intp)
        count = module.foremost(changed, row, within, piece, state, verdicts, places, facet, of_node, todo)
        found.append((of_node.tolist(), todo[:count].tolist()))
    assert found[0] == found[1]
