"""Every shipped term equals its vectorised form, on random problems, shares, partitions and linked machines."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from drapolicy.api.core import Container, Pod, PodSpec, ResourceRequirements
from drapolicy.api.quantity import Quantity
from drapolicy.inventory import build
from drapolicy.policies import objectives
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.objective import Term
from drapolicy.policies.objectives import (
    TypicalPod,
    cost,
    coveted,
    earnings_lost,
    fgd_points,
    fragmentation,
    shadow_prices,
)
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import ask_with, claim, request
from drapolicy.workload import fleet

MIX = (
    TypicalPod(2_000, 300, 1, 5),
    TypicalPod(0, 1_000, 2, 3, ("model", "H100")),
    TypicalPod(9_000, 0, 0, 2),
    TypicalPod(100, 1_000, 1),
)
SUPPLY = (("model", 3), ("H100", 5), ("NVIDIA A100-SXM4-40GB", 8))
TERMS = {
    **{name: term for name in objectives.__all__ if isinstance(term := getattr(objectives, name), Term)},
    "fragmentation": fragmentation(MIX),
    "fragmentation-by-default": fragmentation(),
    "fgd_points": fgd_points(MIX),
    "earnings_lost": earnings_lost(shadow_prices(MIX, SUPPLY)),
    "earnings_lost-by-default": earnings_lost(shadow_prices(objectives.DEFAULT_MIX)),
    "coveted": coveted((TypicalPod(0, 500, 2, 1, ("NVIDIA A100-SXM4-40GB", "H100")), *MIX), SUPPLY),
    "cost": cost("gpu.nvidia.com/productName", {"NVIDIA A100-SXM4-40GB": 7}, otherwise=3),
    "cost-by-attribute": cost("gpu.nvidia.com/index", otherwise=1),
}


def pod(cpu: str) -> Pod:
    return Pod(spec=PodSpec(containers=[Container(resources=ResourceRequirements(requests={"cpu": Quantity(cpu)}))]))


def linked(seed: int) -> State:
    """A machine of GPUs with random links, shares and NUMA nodes."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 12))
    paths, lanes = rng.integers(0, 7, (size, size)), rng.integers(0, 3, (size, size))
    tables = [np.triu(t, 1) + np.triu(t, 1).T for t in (paths, lanes)]
    slots = [
        Slot(f"g{d}", {"index": d, "numa": int(rng.integers(0, 3)), "pcieRoot": f"r{rng.integers(0, 4)}"})
        for d in range(size)
    ]
    if seed % 2:
        slots = [slot._replace(milli=int(rng.choice([0, 200, 500, 1_000]))) for slot in slots]
    mb_s = (25_000 * tables[1]).astype(np.int64) + 10_000 * (1 - np.eye(size, dtype=np.int64))
    machine = Machine(
        "gpu.nvidia.com", tuple(slots), mb_s, tables[0].astype(np.int8), tables[1].astype(np.int16), cpu=64_000
    )
    return machine.state([slot.id for slot in slots if rng.random() < 0.8])


@cache
def nodes() -> tuple[LocalProblem, ...]:
    return tuple(_nodes())


def _nodes() -> Iterator[LocalProblem]:
    for model, cls in (
        ("a100-pcie-bridged", "gpu.nvidia.com"),
        ("a100-mig", "mig.nvidia.com"),
        ("aws-p4d", "rdma.dra.net"),
        ("aws-p4d", "gpu.nvidia.com"),
    ):
        wanted = ask_with(pod("3"), claim("c", request(cls=cls)))
        yield Problem(State(fleet(model)), (wanted,)).local(0, wanted)
    both = claim("c", request(cls="gpu.nvidia.com"), request(cls="rdma.dra.net", name="nics"))
    wanted = ask_with(None, both)
    yield Problem(State(fleet("aws-p4d")), (wanted,)).local(0, wanted)
    for seed in range(8):
        wanted = ask_with(pod(f"{seed}"), claim("c", request(cls="case")))
        yield Problem(linked(seed), (wanted,)).local(0, wanted)
    for seed in range(25):
        case = problem(seed)
        wanted = ask_with(None, *case.claims)
        yield Problem(State(build(case.objects), case.existing), (wanted,)).local(0, wanted)


@pytest.mark.parametrize("name", TERMS)
def test_a_term_equals_its_vectorised_form(name: str) -> None:
    """Sets of any size at once give what each gives alone, the empty one and none at all included."""
    term = TERMS[name]
    assert term.over is not None
    rng = np.random.default_rng(3)
    seen = set()
    for node in nodes():
        free = node.left(np.empty(0, np.intp))
        sizes = range(min(len(free), 4) + 1)
        chosen = np.zeros((2 * len(sizes) + 1, len(node.devices)), np.bool_)
        for row, size in enumerate([*sizes, *sizes, min(len(free), 9)]):
            chosen[row, rng.choice(free, size=size, replace=False)] = True
        mask = np.zeros(len(node.devices), np.bool_)
        mask[free] = True
        left = mask & ~chosen
        before = np.broadcast_to(mask, chosen.shape)
        got = term.of_many(node, chosen, before)
        loop = [term.of(node, np.flatnonzero(c), np.flatnonzero(k)) for c, k in zip(chosen, left, strict=True)]
        assert got.tolist() == loop
        assert got.dtype == np.int64
        assert term.of_many(node, chosen[:0], before[:0]).tolist() == []
        seen.update(loop)
    # A term that is the same everywhere would be tested by nothing.
    assert len(seen) > 1


@pytest.mark.parametrize("name", [name for name, term in TERMS.items() if term.pairs is not None])
def test_pairs_add_up_to_the_term(name: str) -> None:
    """The matrix form tells what devices add to the loop: pairs once, and its diagonal."""
    term = TERMS[name]
    tables = [(node, table) for node in nodes() if (table := term.pairs(node) if term.pairs else None) is not None]
    assert tables
    nothing = np.empty(0, np.intp)
    for node, table in tables:
        free = node.left(nothing)
        for chosen in (free[:5], free[1::2], nothing):
            inside = table[np.ix_(chosen, chosen)]
            total = (int(inside.sum()) - int(inside.diagonal().sum())) // 2 + int(inside.diagonal().sum())
            assert (table == table.T).all()
            assert total == term.of(node, chosen, node.left(chosen)) - term.of(node, nothing, free)


@pytest.mark.parametrize("name", TERMS)
def test_terms_come_back_from_pickling(name: str) -> None:
    """A term with parameters is sent with them; one without is found by its name."""
    assert pickle.loads(pickle.dumps(TERMS[name])) == TERMS[name]
