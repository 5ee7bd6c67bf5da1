"""Rings and trees against brute force, and NCCL's formulae by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_graphs import random_links

from drapolicy.errors import InputError
from drapolicy.topology.generate import generate
from drapolicy.topology.measures import (
    bottleneck_mb_s,
    ns_per_mb,
    ring,
    ring_all_reduce_mb_s,
    rings_mb_s,
    tree_all_reduce_mb_s,
)

MOST = 2**40


def slowest(links: NDArray[np.int64], order: tuple[int, ...]) -> int:
    """The slowest link of a closed way."""
    return min((int(links[order[i - 1], d]) for i, d in enumerate(order)), default=0) if len(order) > 1 else 0


def every_ring(links: NDArray[np.int64], chosen: list[int]) -> tuple[int, tuple[int, ...]]:
    """The best of all orders, rotations and both directions among them; of several the first in the dictionary."""
    best = max(slowest(links, order) for order in permutations(chosen))
    return best, min(order for order in permutations(chosen) if slowest(links, order) == best)


@pytest.mark.parametrize("seed", range(120))
def test_the_best_ring_is_that_of_all_orders(seed: int) -> None:
    """Up to seven devices every order is looked at here; rate and order are the same."""
    links = random_links(seed, least=1, most=7)
    chosen = np.random.default_rng(seed).permutation(len(links))[: 1 + seed % len(links)].tolist()
    found = ring(links, chosen)
    assert (found.mb_s, found.order) == every_ring(links, chosen)
    assert found.optimal


def test_eight_devices_are_looked_at_whole() -> None:
    """On eight devices too, for one table that has a single best ring and for one of a real machine."""
    links = np.random.default_rng(8).integers(1, 10**6, (8, 8))
    links = np.triu(links, 1) + np.triu(links, 1).T
    assert (ring(links, range(8)).mb_s, ring(links, range(8)).order) == every_ring(links, list(range(8)))
    mesh = generate("dgx-1-v100").direct_links([f"GPU{d}" for d in range(8)])
    assert (
        ring(mesh, range(8)).mb_s == every_ring(mesh, list(range(8)))[0] == 50_000
    )  # 0-3-2-1-5-6-7-4, all by two NVLinks


@given(st.integers(9, 20), st.integers(0, 50))
@settings(max_examples=40)
def test_beyond_eight_a_ring_is_one_and_says_only_what_is_proved(size: int, seed: int) -> None:
    """All devices once, its slowest link is what it says, and never more than the bottleneck."""
    links = random_links(seed, least=size, most=size)
    found = ring(links, range(size))
    assert sorted(found.order) == list(range(size))
    assert found.order[0] == 0
    assert found.order[1] < found.order[-1]
    assert found.mb_s == slowest(links, found.order) <= bottleneck_mb_s(links, range(size))
    if found.optimal:
        second = np.sort(links, axis=1)[:, -2].min()
        assert found.mb_s == min(second, bottleneck_mb_s(links, range(size)))


def test_a_ring_with_a_device_that_nothing_joins_carries_nothing() -> None:
    """A failed device's links are 0, and so is every ring through it; nine devices are no different."""
    for size in (2, 3, 8, 9):
        links = np.full((size, size), 7) - np.diag([7] * size)
        links[0, :] = links[:, 0] = 0
        assert (ring(links, range(size)).mb_s, ring(links, range(size)).optimal) == (0, True)
        assert bottleneck_mb_s(links, range(size)) == 0


def test_more_than_eight_at_once_are_refused() -> None:
    """The plural looks at every ring or at none."""
    with pytest.raises(InputError, match="sets: 9 devices are too many to look at every ring; give at most 8"):
        rings_mb_s(np.ones((9, 9), np.int64), np.arange(9)[None, :])


@given(st.integers(2, 4_096), st.integers(0, MOST))
def test_all_reduce_is_nccls_algorithm_bandwidth(count: int, busbw: int) -> None:
    """busbw = algbw · 2 (n - 1) / n for a ring; a tree's algbw is half of it; both rounded down."""
    found = ring_all_reduce_mb_s(busbw, count)
    exact = Fraction(busbw * count, 2 * (count - 1))
    assert found <= exact < found + 1
    assert tree_all_reduce_mb_s(busbw, count) == busbw // 2 <= found


@pytest.mark.parametrize(
    ("count", "ring_mb_s", "tree_mb_s"),
    [(0, 0, 0), (1, 0, 0), (2, 450_000, 225_000), (4, 300_000, 225_000), (8, 257_142, 225_000), (72, 228_169, 225_000)],
)
def test_all_reduce_over_eighteen_nvlinks(count: int, ring_mb_s: int, tree_mb_s: int) -> None:
    """450 GB/s of an H100, by hand: two devices get all of it, many half."""
    assert ring_all_reduce_mb_s(450_000, count) == ring_mb_s
    assert tree_all_reduce_mb_s(450_000, count) == tree_mb_s


@given(st.integers(1, MOST))
def test_time_is_rounded_up(mb_s: int) -> None:
    """So many ns a MB are enough, one less is not; what carries nothing has no time."""
    ns = ns_per_mb(mb_s)
    assert ns is not None
    assert ns * mb_s >= 10**9 > (ns - 1) * mb_s
    assert ns_per_mb(0) is None
