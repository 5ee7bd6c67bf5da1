"""Largest matchings and Hall's theorem, against brute force."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from drapolicy.problem.formulation.matching import shortage

DEMANDS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 63)), max_size=4)


@given(DEMANDS)
def test_it_finds_a_shortage_just_where_there_is_one(demands: list[tuple[int, int]]) -> None:
    """Demands can be met if and only if some order of the devices serves them one after the other."""
    units = [suited for needed, suited in demands for _ in range(needed)]
    met = len(units) <= 6 and any(
        all(suited >> d & 1 for suited, d in zip(units, order, strict=False)) for order in permutations(range(6))
    )
    assert (shortage(demands) is None) == met


@given(DEMANDS)
def test_a_shortage_can_be_checked_by_hand(demands: list[tuple[int, int]]) -> None:
    """Its demands need more devices than suit any of them."""
    lacking = shortage(demands)
    if lacking is not None:
        together = 0
        for i in lacking.demands:
            together |= demands[i][1]
        assert together == lacking.devices
        assert sum(demands[i][0] for i in lacking.demands) == lacking.needed > together.bit_count()
