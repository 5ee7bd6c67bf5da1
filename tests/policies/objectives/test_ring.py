"""Rings through sets of more devices than can be looked at one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.policies.objectives.ring import _grown, _grown_of


@given(seed=st.integers(0, 2**32), devices=st.integers(3, 14), most=st.integers(0, 4))
def test_rings_grow_alike_for_many_sets_at_once(seed: int, devices: int, most: int) -> None:
    """Every ring, from each device of each set, is that of the loop, among equal links too."""
    rng = np.random.default_rng(seed)
    links = rng.integers(0, most + 1, (devices, devices))
    links += links.T
    np.fill_diagonal(links, 0)
    size = int(rng.integers(2, devices + 1))
    sets = np.sort([rng.choice(devices, size, replace=False) for _ in range(4)], axis=1)
    assert _grown_of(links, sets).tolist() == [_grown(links, one) for one in sets.tolist()]
