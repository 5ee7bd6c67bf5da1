"""What a fluid of pods can place, against what is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from drapolicy.policies.fluid import Fluid, Stock, Want, maximum


def most(stocks: list[Stock], wants: list[Want]) -> float:
    """Return the most GPUs that any number of pods can hold."""
    fluid = Fluid.of(stocks, wants)
    gains = np.array([want.milli * want.gpus / 1_000 for want in wants]) @ fluid.placed
    return maximum(gains, fluid.limits, fluid.most, fluid.ties).value


@pytest.mark.parametrize(
    ("stock", "wants", "expected"),
    [
        (Stock("A", 3, 1), [Want(0, 0, 810, 1)], 3 * 0.81),
        (Stock("A", 3, 1), [Want(0, 0, 810, 1), Want(0, 0, 190, 1)], 3.0),
        (Stock("A", 3, 1), [Want(0, 0, 300, 1)], 3 * 0.9),
        (Stock("A", 2, 4), [Want(0, 0, 1_000, 3)], 8.0),
        (Stock("A", 2, 4), [Want(0, 0, 1_000, 5)], 0.0),
        (Stock("A", 2, 4, 6_000), [Want(1_500, 0, 1_000, 1)], 8.0),
        (Stock("A", 2, 4, 6_000), [Want(3_000, 0, 1_000, 1)], 4.0),
        (Stock("A", 2, 4, None, 8_192), [Want(0, 4_096, 1_000, 1)], 4.0),
        (Stock("A", 2, 4), [Want(0, 0, 1_000, 1, ("B",))], 0.0),
        (Stock("A", 2, 4), [Want(0, 0, 1_000, 1, ("B", "A"))], 8.0),
        (Stock("A", 2, 4, 8_000), [Want(1_000, 0, 0, 0)], 0.0),
    ],
    ids=[
        "one size leaves holes",
        "two sizes fill",
        "several of a size",
        "pods of several GPUs are divisible",
        "no node has so many",
        "enough CPU",
        "too little CPU",
        "too little memory",
        "another product",
        "one of two products",
        "no GPUs",
    ],
)
def test_the_most_that_fits_is_known(stock: Stock, wants: list[Want], expected: float) -> None:
    """Holes, CPU, memory, products and the size of nodes limit what pods can hold."""
    assert most([stock], wants) == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=6, unique=True))
def test_a_gpu_is_filled_as_a_knapsack_fills_it(sizes: list[int]) -> None:
    """With one GPU the best mix of fillings is the best filling."""
    reachable = {0}
    for level in range(1, 101):
        if any(level - size in reachable for size in sizes):
            reachable.add(level)
    wants = [Want(0, 0, 10 * size, 1) for size in sizes]
    assert most([Stock("A", 1, 1)], wants) == pytest.approx(max(reachable) / 100)


def test_sizes_are_rounded_down() -> None:
    """A bound counts 505 milli as 500, so that two of them fit."""
    fluid = Fluid.of([Stock("A", 1, 1)], [Want(0, 0, 505, 1)])
    gains = np.ones(1) @ fluid.placed
    assert maximum(np.asarray(gains), fluid.limits, fluid.most, fluid.ties).value == pytest.approx(2)


def test_more_of_what_limits_is_worth_its_price() -> None:
    """The duals of the limits tell what one more GPU gains."""
    fluid = Fluid.of([Stock("A", 5, 1)], [Want(0, 0, 600, 1), Want(0, 0, 400, 1)])
    demand = sparse.csr_array(fluid.placed)
    limits = sparse.csr_array(sparse.vstack([fluid.limits, demand]))
    gains = np.array([600.0, 400.0]) @ fluid.placed
    found = maximum(gains, limits, np.concatenate([fluid.most, [3.0, 9.0]]), fluid.ties)
    assert found.value == pytest.approx(3 * 1_000 + 2 * 800)
    more = maximum(gains, limits, np.concatenate([fluid.most + (fluid.most == 5.0), [3.0, 9.0]]), fluid.ties)
    assert more.value - found.value == pytest.approx(found.limits[fluid.most.tolist().index(5.0)])
