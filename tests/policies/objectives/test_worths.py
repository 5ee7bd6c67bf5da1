"""What GPUs are worth to a mix, by tables, is what the plain loop over pods says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.policies.objectives.fragmentation import fragmentation_of
from drapolicy.policies.objectives.mix import TypicalPod
from drapolicy.policies.objectives.worths import Worths

PRODUCTS = ("", "A10", "T4")
pods = st.builds(
    TypicalPod,
    cpu=st.sampled_from([0, 500, 1_000, 4_000]),
    milli=st.sampled_from([0, 1, 250, 500, 1_000]),
    gpus=st.integers(0, 4),
    weight=st.integers(0, 5),
    models=st.sampled_from([(), ("T4",), ("A10", "T4"), ("H100",)]),
)
levels = st.lists(st.sampled_from([0, 1, 249, 250, 499, 500, 750, 1_000]), min_size=0, max_size=4)


@given(st.lists(pods, min_size=1, max_size=6), levels, st.integers(-1, 5_000), st.sampled_from(range(3)))
def test_tables_waste_what_the_loop_wastes(mix: list[TypicalPod], left: list[int], cpu: int, product: int) -> None:
    """Whatever pods ask for, and whatever is left of GPUs and CPU."""
    worths = Worths.of(tuple(mix), PRODUCTS)
    assert worths is not None
    row = np.array([left + [0] * (4 - len(left))], np.int64)
    (found,) = worths.wasted(row, np.array([cpu], np.int64), np.array([product], np.intp)).tolist()
    assert found == fragmentation_of(left, cpu, PRODUCTS[product], tuple(mix))


def test_tables_that_would_be_too_large_are_not_made() -> None:
    """A mix in which every pod asks for other CPU is left to the loop."""
    mix = tuple(TypicalPod(cpu, 500, 1) for cpu in range(10_000))
    assert Worths.of(mix, PRODUCTS) is None
