"""On 1,000 random graphs, what is done at once equals the loops exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from random_graphs import random_links, random_sets, random_topology

from drapolicy.topology import measures
from drapolicy.topology.measures.alignment import own_cards, own_cards_loop
from drapolicy.topology.measures.hops import hops, hops_loop
from drapolicy.topology.measures.levels import APART, level_of, levels
from drapolicy.topology.measures.pairwise import pairwise, pairwise_loop
from drapolicy.topology.measures.spread import GROUPS, groups
from drapolicy.topology.measures.tori import free_boxes, free_boxes_loop

GRAPHS = 1_000

One = Callable[[NDArray[np.int64], list[int]], int]
Many = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]


def test_best_paths_equal_the_loop() -> None:
    """Bandwidth along the best path, the same both ways, and there is a path wherever something is carried."""
    carried = 0
    for seed in range(GRAPHS):
        topology, names = random_topology(seed)
        found = pairwise(topology, names)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, pairwise_loop(topology, names), f"seed {seed}")
        np.testing.assert_array_equal(found, found.T, f"seed {seed}")
        assert (found >= topology.direct_links(names)).all(), seed
        assert (hops(topology, names)[found > 0] > 0).all(), seed
        carried += int((found > topology.direct_links(names)).sum())
    assert carried > GRAPHS  # enough of the paths are no direct links


def test_hops_equal_the_loop() -> None:
    """Fewest links, the same both ways."""
    for seed in range(GRAPHS):
        topology, names = random_topology(seed)
        found = hops(topology, names)
        np.testing.assert_array_equal(found, hops_loop(topology, names), f"seed {seed}")
        np.testing.assert_array_equal(found, found.T, f"seed {seed}")


def test_levels_equal_the_loop() -> None:
    """Lowest part that two vertices share."""
    shared = 0
    for seed in range(GRAPHS):
        topology, names = random_topology(seed)
        loop = [[level_of(topology, a, b) for b in names] for a in names]
        found = levels(topology, names)
        np.testing.assert_array_equal(found, np.array(loop, np.int64).reshape(found.shape), f"seed {seed}")
        shared += int(((found > 0) & (found < APART)).sum())
    assert shared > GRAPHS


@pytest.mark.parametrize(
    ("one", "many"),
    [
        (measures.bandwidth_mb_s, measures.bandwidths_mb_s),
        (measures.bottleneck_mb_s, measures.bottlenecks_mb_s),
        (measures.farthest, measures.farthests),
        (measures.bisection_mb_s, measures.bisections_mb_s),
        (lambda links, chosen: measures.ring(links, chosen).mb_s, measures.rings_mb_s),
    ],
    ids=["bandwidth", "bottleneck", "farthest", "bisection", "ring"],
)
def test_many_sets_equal_each_set(one: One, many: Many) -> None:
    """A measure of many sets at once is that of each."""
    for seed in range(GRAPHS):
        links = random_links(seed, most=7)
        sets = random_sets(seed, len(links))
        expected = [one(links, row.tolist()) for row in sets]
        np.testing.assert_array_equal(many(links, sets), np.array(expected, np.int64), f"seed {seed}")


def test_groups_that_many_sets_touch_equal_each_set() -> None:
    """NUMA nodes, roots, rails that sets touch."""
    for seed in range(GRAPHS):
        topology, names = random_topology(seed)
        group = groups(topology, names, GROUPS[seed % len(GROUPS)])
        sets = random_sets(seed, len(names))
        expected = [measures.touched(group, row.tolist()) for row in sets]
        np.testing.assert_array_equal(measures.touched_by(group, sets), np.array(expected, np.int64), f"seed {seed}")


def test_own_cards_equal_the_loop() -> None:
    """The greatest matching is as great as one found by pushing aside."""
    for seed in range(GRAPHS):
        rng = np.random.default_rng(seed)
        between = rng.integers(1, 5, rng.integers(0, 7, 2))
        for level in range(5):
            assert own_cards(between, level) == own_cards_loop(between, level), seed


def test_free_boxes_equal_the_loop() -> None:
    """Boxes over the edge and as long as the torus are counted as sets of places."""
    for seed in range(GRAPHS):
        rng = np.random.default_rng(seed)
        size = rng.integers(1, 5, int(rng.integers(1, 4)))
        free = rng.random(size) < rng.choice([0.6, 0.9, 1.0])
        shape = [int(rng.integers(1, length + 2)) for length in size]
        assert free_boxes(free, shape) == free_boxes_loop(free, shape), (seed, size, shape)
