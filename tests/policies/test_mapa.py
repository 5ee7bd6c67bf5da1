"""MAPA's policies against a plain walk over all sets and rings, on random machines with GPUs taken."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np
import pytest

from drapolicy.policies import Rule, policy
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.report import Player
from drapolicy.policies.objectives.ring import predicted_mb_s


def rings(chosen: Sequence[int]) -> list[list[tuple[int, int]]]:
    """All closed ways through a set; a ring of two goes to and fro."""
    return [[(order[i - 1], d) for i, d in enumerate(order)] for order in permutations(chosen)]


def ring(links: np.ndarray, chosen: Sequence[int]) -> int:
    return max(sum(int(links[a, b]) for a, b in edges) for edges in rings(chosen)) if len(chosen) > 1 else 0


def predicted(lanes: np.ndarray, chosen: Sequence[int]) -> int:
    if len(chosen) < 2:
        return 0
    found = []
    for edges in rings(chosen):
        kinds = [int(lanes[a, b]) for a, b in edges]
        found.append(predicted_mb_s(kinds.count(2), kinds.count(1), kinds.count(0)))
    return max(0, *found)


def preserved(links: np.ndarray, lanes: np.ndarray, left: Sequence[int]) -> int:
    return sum(int(links[a, b]) for a, b in combinations(left, 2) if lanes[a, b])


@pytest.mark.parametrize("name", ["mapa-greedy", "mapa-preserve", "mapa-preserve:sensitive=false"])
def test_sets_are_the_best_of_all(name: str) -> None:
    """The first set in order of those with the best value, through the pipeline."""
    rng = np.random.default_rng(21)
    rule = policy(name)
    assert isinstance(rule, Rule)
    for _ in range(60):
        total = int(rng.integers(2, 8))
        lanes = np.triu(rng.integers(0, 3, (total, total)), 1)
        lanes = lanes + lanes.T
        links = np.array([10_000, 25_000, 50_000])[lanes]
        np.fill_diagonal(links, 0)
        paths = np.ones((total, total), np.int8) - np.eye(total, dtype=np.int8)
        machine = Machine(
            "gpu.nvidia.com", tuple(Slot(str(d)) for d in range(total)), links, paths, lanes.astype(np.int16)
        )
        available = np.flatnonzero(rng.random(total) < 0.85).tolist()
        if not available:
            continue
        size = int(rng.integers(1, min(len(available), 5) + 1))
        values = {}
        for chosen in combinations(available, size):
            left = [d for d in available if d not in chosen]
            values[chosen] = {
                "mapa-greedy": (ring(links, chosen),),
                "mapa-preserve": (predicted(lanes, chosen),),
                "mapa-preserve:sensitive=false": (preserved(links, lanes, left), ring(links, chosen)),
            }[name]
        got = tuple(sorted(map(int, Player(machine, machine.state({str(d) for d in available}), rule).ask(size))))
        assert values[got] == max(values.values())
        assert got == max(values, key=values.__getitem__)
