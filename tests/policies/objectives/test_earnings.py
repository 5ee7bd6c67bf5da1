"""What nodes can still earn, against a search of all fillings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.policies.objectives.earnings import earnings, fillings
from drapolicy.policies.objectives.prices import Priced, Prices

PRICES = Prices(
    (
        Priced(350, (), 4_000, 300),
        Priced(500, (), 1_000, 480),
        Priced(600, ("T4",), 8_000, 900),
        Priced(1_000, (), 2_000, 950),
    ),
    (0, 12, 50),
)


def best(left: Sequence[int], cpu: int, product: str) -> int:
    """Return the most that pods can pay for a node's GPUs and CPU: all choices, one pod after the other."""
    pods = [pod for pod in PRICES.pods if not pod.models or product in pod.models]
    found = 0
    for g, free in enumerate(left):
        for pod in pods:
            if pod.milli <= free and pod.cpu <= cpu:
                rest = [*left[:g], free - pod.milli, *left[g + 1 :]]
                found = max(found, 1_000 * pod.price + best(rest, cpu - pod.cpu, product))
    return found


@settings(max_examples=40, deadline=None)
@given(
    left=st.lists(st.sampled_from([0, 190, 350, 510, 700, 1_000]), max_size=3),
    cpu=st.sampled_from([0, 1_500, 6_000, 50_000]),
    product=st.sampled_from(["T4", "G2"]),
)
def test_no_filling_earns_more_than_is_told(left: list[int], cpu: int, product: str) -> None:
    """It is a bound of what any pods could pay, and exact where CPU does not matter."""
    told = int(earnings(np.array([left], np.int64).reshape(1, -1), cpu, product, PRICES)[0])
    assert told >= best(left, cpu, product)
    if cpu == 50_000:
        assert told == best(left, cpu, product)


@pytest.mark.parametrize(
    ("level", "product", "expected"),
    [(0, "G2", 0), (34, "G2", 0), (35, "G2", 300), (70, "G2", 600), (100, "G2", 960), (100, "T4", 1_200)],
)
def test_a_gpu_earns_its_best_filling(level: int, product: str, expected: int) -> None:
    """CPU for nothing: two of 500 pay more than one of 1,000, and 350 with 600 more than these on a T4."""
    assert fillings(PRICES, product)[0, level] == 1_000 * expected


def test_a_node_without_cpu_earns_nothing() -> None:
    """No pod comes without CPU here, and at a high rate none is worth its CPU."""
    free = Prices(PRICES.pods, (0, 2_000_000))
    assert earnings(np.array([[1_000, 1_000]]), 0, "G2", free).tolist() == [0]


def test_taking_never_earns() -> None:
    """What is left earns no more than what was there."""
    levels = np.arange(0, 1_001, 10)[:, None]
    told = earnings(levels, 20_000, "T4", PRICES)
    assert (np.diff(told) >= 0).all()
    assert (earnings(levels, 10_000, "T4", PRICES) <= told).all()
