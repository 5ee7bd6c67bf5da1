"""Shipped terms equal the plain loops that say what they mean."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from drapolicy.inventory import build
from drapolicy.policies import chances_lost, inside, links_lost, still_placeable
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import ask_with, claim, request
from drapolicy.workload import fleet


def pairs(node: LocalProblem, devices: np.ndarray) -> int:
    return sum(int(node.links[a, b]) for a, b in combinations(devices.tolist(), 2))


def nodes() -> list[LocalProblem]:
    made = []
    for model, cls in (
        ("a100-pcie-bridged", "gpu.nvidia.com"),
        ("a100-mig", "mig.nvidia.com"),
        ("aws-p4d", "rdma.dra.net"),
    ):
        wanted = ask_with(None, claim("c", request(cls=cls)))
        made.append(Problem(State(fleet(model)), (wanted,)).local(0, wanted))
    for seed in range(25):
        case = problem(seed)
        wanted = ask_with(None, *case.claims)
        made.append(Problem(State(build(case.objects), case.existing), (wanted,)).local(0, wanted))
    return made


@pytest.mark.parametrize("node", nodes())
def test_terms_equal_their_loops(node: LocalProblem) -> None:
    """Bandwidth of pairs, and devices that could each be allocated before and after a choice."""
    rng = np.random.default_rng(len(node.devices))
    before = node.left(np.empty(0, np.intp))
    for size in range(min(len(before), 4) + 1):
        chosen = np.sort(rng.choice(before, size=size, replace=False))
        left = node.left(chosen)
        assert set(left.tolist()) == set(before.tolist()) - set(chosen.tolist())
        assert inside.of(node, chosen, left) == pairs(node, chosen)
        assert links_lost.of(node, chosen, left) == pairs(node, before) - pairs(node, left)
        fits = node.placeable(left)
        assert still_placeable.of(node, chosen, left) == int(fits.sum())
        assert chances_lost.of(node, chosen, left) == int(node.placeable().sum()) - int(fits.sum())
        assert not fits[chosen].any()
        assert (node.placeable() | ~fits).all()
