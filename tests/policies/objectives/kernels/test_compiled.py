"""Compiled scores of nodes are those in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.policies.objectives.kernels import plain
from drapolicy.policies.objectives.mix import TypicalPod
from drapolicy.policies.objectives.worths import LEVELS, MOST_GPUS, Worths

compiled = pytest.importorskip("drapolicy.policies.objectives.kernels.compiled", reason="numba is not installed")

PODS = st.builds(
    TypicalPod,
    st.sampled_from([0, 500, 4_000, 16_000]),
    st.sampled_from([0, 1, 333, 500, 1_000]),
    st.sampled_from([1, 2, 8]),
    st.integers(1, 9),
    st.sampled_from([(), ("a",), ("a", "b")]),
)


@given(
    mix=st.lists(PODS, max_size=6),
    seed=st.integers(0, 2**32),
    nodes=st.integers(0, 5),
    gpus=st.integers(1, 9),
    count=st.sampled_from([0, 1, 1, 2, 8]),
    takes=st.sampled_from([1, 333, 1_000]),
)
def test_what_a_mix_cannot_use_grows_alike(
    *, mix: list[TypicalPod], seed: int, nodes: int, gpus: int, count: int, takes: int
) -> None:
    """For each GPU in its turn, for several at once, and for pods that take none."""
    worths = Worths.of(tuple(mix), ("a", "b"))
    assert worths is not None
    rng = np.random.default_rng(seed)
    left = rng.choice(np.array([0, 1, 332, 333, 500, 999, 1_000]), (nodes, gpus))
    level = left if count == 1 else np.full((nodes, 1), takes if count else 0)
    if count > 1:
        left[:, :count] = takes
    arrays = (left, level, rng.integers(0, 2, nodes), rng.integers(0, 20_000, nodes))
    ask = (int(rng.integers(0, 9_000)), count, takes if count else 0)
    tables = (worths.weight, worths.steps, worths.single, LEVELS, worths.millis, worths.tables, MOST_GPUS)
    assert plain.growth(*arrays, *ask, *tables).tolist() == compiled.growth(*arrays, *ask, *tables).tolist()
