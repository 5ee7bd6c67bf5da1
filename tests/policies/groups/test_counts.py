"""The spread of a gang over a tree: the dynamic programme against the integer programme and the plain loop."""

from __future__ import annotations

import random
from itertools import product

import pytest

from drapolicy.errors import InputError
from drapolicy.policies.groups.certificate import certificate
from drapolicy.policies.groups.counts import best_spread
from drapolicy.policies.groups.spreads import hived, kueue
from drapolicy.policies.objectives.distance import Domain, distance_between

TREES = 40


def tree(seed: int) -> tuple[Domain, list[list[int]], int]:
    """Return a random tree, what 0, 1, 2 ... pods are worth on each node, and a number of pods."""
    rng = random.Random(seed)
    nodes = 0

    def made(depth: int, distance: int) -> Domain:
        nonlocal nodes
        if not depth:
            nodes += 1
            return Domain(f"n{nodes - 1}", 0, node=nodes - 1)
        parts = [made(depth - 1, rng.randint(0, distance) if depth > 1 else 0) for _ in range(rng.randint(1, 4))]
        return Domain(f"d{rng.random()}", distance, tuple(parts))

    domain = made(rng.randint(1, 3), 9)
    worth = [[0, *(rng.randint(-5, 9) for _ in range(rng.randint(0, 4)))] for _ in range(nodes)]
    return domain, worth, rng.randint(1, 12)


@pytest.mark.parametrize("seed", range(TREES))
def test_the_dynamic_programme_equals_the_integer_programme(seed: int) -> None:
    """Same optimum, certified by HiGHS; distance and worth are those of the counts; rules are never nearer."""
    domain, worth, pods = tree(seed)
    found = best_spread(domain, pods, lambda n: worth[n])
    unit = 2 * 9 * pods + 1
    solved = certificate(domain, pods, lambda n: worth[n], unit)
    free = {n: len(own) - 1 for n, own in enumerate(worth)}
    if found is None:
        assert solved.status == "infeasible"
        assert kueue(domain, pods, free) is None
        return
    assert (solved.status, solved.objective) == ("optimal", unit * found.distance - found.worth)
    assert distance_between(domain, _pods(found.counts)) == found.distance
    assert sum(worth[n][count] for n, count in found.counts.items()) == found.worth
    for other in (kueue(domain, pods, free), hived(domain, pods, free, free)):
        if other is not None:
            assert sum(other.values()) == pods
            assert all(count <= free[n] for n, count in other.items())
            assert distance_between(domain, _pods(other)) >= found.distance


def _pods(counts: dict[int, int]) -> list[int]:
    return [n for n, count in counts.items() for _ in range(count)]


def test_the_dynamic_programme_equals_all_counts() -> None:
    """On small trees every way to split the pods is tried."""
    tried = 0
    for seed in range(200):
        domain, worth, pods = tree(seed)
        if len(worth) > 4:
            continue
        tried += 1
        ways = [counts for counts in product(*(range(len(own)) for own in worth)) if sum(counts) == pods]
        best = min(
            (
                (distance_between(domain, _pods(dict(enumerate(c)))), -sum(worth[n][k] for n, k in enumerate(c)))
                for c in ways
            ),
            default=None,
        )
        found = best_spread(domain, pods, lambda n, worth=worth: worth[n])  # type: ignore[misc]
        assert (None if found is None else (found.distance, -found.worth)) == best
    assert tried > 50


def test_equal_racks_are_merged() -> None:
    """Two thousand equal racks cost little more than one: their table is joined with itself by halves."""
    nodes = iter(range(8_000))
    racks = [
        Domain(f"r{r}", 1, tuple(Domain(f"n{n}", 0, node=n) for _, n in zip(range(4), nodes, strict=False)))
        for r in range(2_000)
    ]
    found = best_spread(Domain("all", 3, tuple(racks)), 64, lambda n: (0, 0, 0))
    assert found is not None
    assert found.distance == 8 * 24 + 3 * (64 * 63 // 2 - 8 * 28)
    assert len(found.counts) == 32


def test_domains_are_checked() -> None:
    """What is inside is not farther apart than what is around it, and every domain has parts or is a node."""
    inner = Domain("rack", 5, (Domain("n", 0, node=0),))
    with pytest.raises(InputError, match="domain all: distance 2 is less than 5 in rack"):
        Domain("all", 2, (inner,))
    with pytest.raises(InputError, match="domain empty: give it parts, or make it a node"):
        Domain("empty", 2)
