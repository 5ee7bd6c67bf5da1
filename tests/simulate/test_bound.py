"""Bounds of what an ask gets on a node: never too low, and reached where one request wants devices."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.inventory import build
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.simulate.bound import Wants, best_of_each_mb_s, bound_mb_s
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, first_of, objects, request
from drapolicy.topology.measures import bottleneck_mb_s
from drapolicy.topology.measures.quality import best_mb_s

OF = f"device.attributes['{DRIVER}']"


def table(rng: np.random.Generator, size: int) -> np.ndarray:
    upper = np.triu(rng.choice([0, 5, 10, 25], size=(size, size)), 1)
    return upper + upper.T


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_one_request_has_its_bound(seed: int) -> None:
    """Of one request's devices the bound is the best bottleneck, and the devices to try first have it."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 8))
    count = int(rng.integers(2, size + 1))
    links, free = table(rng, size), rng.random(size) < 0.8
    bound, first = bound_mb_s(links, Wants(free[None, :], np.array([count])), count)
    assert bound == best_mb_s(links, np.flatnonzero(free).tolist(), count)
    assert not bound or (len(first), bottleneck_mb_s(links, first)) == (count, bound)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_no_set_of_several_requests_is_better(seed: int) -> None:
    """Whatever requests accept, and however they overlap, no set that serves them has a better bottleneck."""
    rng = np.random.default_rng(seed)
    size, least = int(rng.integers(2, 7)), rng.integers(1, 3, size=2)
    count = int(least.sum())
    links, rows = table(rng, size), rng.random((2, size)) < 0.7
    found = [0]
    for one in combinations(np.flatnonzero(rows[0]).tolist(), int(least[0])):
        for other in combinations(sorted(set(np.flatnonzero(rows[1]).tolist()) - set(one)), int(least[1])):
            found.append(bottleneck_mb_s(links, [*one, *other]))
    bound, first = bound_mb_s(links, Wants(rows, least), count)
    assert bound >= max(found)
    assert len(first) <= count
    assert len(set(first)) == len(first)


@settings(max_examples=80)
@given(st.integers(0, 2**32 - 1))
def test_the_best_of_each_is_the_best_of_all_sets(seed: int) -> None:
    """So many devices of each of two drivers: what every set gives, on links of any form."""
    rng = np.random.default_rng(seed)
    size, least = int(rng.integers(2, 9)), rng.integers(1, 4, size=2)
    links, first = table(rng, size), rng.random(size) < 0.5
    rows = np.array([first, ~first])
    found = [0]
    for one in combinations(np.flatnonzero(first).tolist(), int(least[0])):
        for other in combinations(np.flatnonzero(~first).tolist(), int(least[1])):
            found.append(bottleneck_mb_s(links, [*one, *other]))
    assert best_of_each_mb_s(links, Wants(rows, least)) == max(found)


def test_a_path_that_needs_another_card_is_none() -> None:
    """Four devices that only three cards join, two devices a card: with one card they meet at the slow links alone."""
    links = np.full((7, 7), 1)
    for card, pair in ((4, (0, 1)), (5, (1, 2)), (6, (2, 3))):
        links[card, list(pair)] = links[list(pair), card] = 50
    np.fill_diagonal(links, 0)
    rows = np.arange(7) < 4
    assert best_of_each_mb_s(links, Wants(np.array([rows, ~rows]), np.array([4, 1]))) == 1
    assert best_of_each_mb_s(links, Wants(np.array([rows, ~rows]), np.array([4, 3]))) == 50
    assert bound_mb_s(links, Wants(np.array([rows, ~rows]), np.array([4, 1])), 5)[0] == 50


def test_a_card_that_every_set_needs_bounds_it() -> None:
    """Two fast devices of one request do not help where the other request's card is behind a slow link."""
    links = np.array([[0, 50, 10], [50, 0, 20], [10, 20, 0]])
    rows = np.array([[True, True, False], [False, False, True]])
    assert bound_mb_s(links, Wants(rows, np.array([1, 1])), 2) == (20, (1, 2))
    assert bound_mb_s(links, Wants(rows, np.array([0, 0])), 2)[0] == 50


@pytest.mark.parametrize(
    ("wanted", "least"),
    [
        (request(2), [2]),
        (request(2, f"{OF}.id > 0"), [2]),
        (first_of((2, "true"), (1, "true")), [0, 0]),
    ],
    ids=["all accepted", "some accepted", "alternatives"],
)
def test_wants_are_read_off_the_requests(wanted: object, least: list[int]) -> None:
    """Exact counts must be had, alternatives need not."""
    state = State(build(objects({"node-0": [device(f"d{i}", id=i) for i in range(3)]})))
    local = Problem(state, (ask_with(None, claim("c", wanted)),)).local(0, ask_with(None, claim("c", wanted)))  # type: ignore[arg-type]
    wants = Wants.of(local)
    assert wants.least.tolist() == least
    assert wants.rows.tolist() == local.eligible.tolist()
