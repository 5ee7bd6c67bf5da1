"""Scores of FGD's simulator by hand, with the arithmetic, and as the published floats have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from drapolicy.api.core import Container, Pod, PodSpec, ResourceRequirements
from drapolicy.api.quantity import Quantity
from drapolicy.policies import Rule, objectives, policy
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.objective import Term
from drapolicy.policies.objectives import TypicalPod, fgd_points, fragmentation
from drapolicy.policies.objectives.fragmentation import fragmentation_of
from drapolicy.problem.ask import Ask, kind_of
from drapolicy.problem.events import Start
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State


def pod(cpu: int) -> Pod:
    return Pod(
        spec=PodSpec(containers=[Container(resources=ResourceRequirements(requests={"cpu": Quantity(f"{cpu}m")}))])
    )


def node(left: Sequence[int], cpu: int, asked_cpu: int, milli: int | None, count: int = 1) -> LocalProblem:
    """A node with shared GPUs that have so much left, and an ask of CPU and shares."""
    machine = Machine("gpu.test", tuple(Slot(f"g{d}", {}, milli=one) for d, one in enumerate(left)), cpu=cpu)
    claims = machine.claims(count, milli=milli)
    asked = Ask("case/ask", claims, pod(asked_cpu), kind_of(claims, pod(asked_cpu)))
    return Problem(machine.state(), (asked,)).local(0, asked)


def value(term: Term, local: LocalProblem, *chosen: int) -> int:
    own = np.array(chosen, np.intp)
    return term.of(local, own, local.left(own))


@pytest.mark.parametrize(
    ("term", "given", "chosen", "expected"),
    [
        # 100 - 50 * 62000/128000 - 50 * 1500/8000 = 100 - 24.22 - 9.375 = 66.4
        (objectives.best_fit, ([1_000, 1_000], 64_000, 2_000, 500), [0], 66),
        (objectives.worst_fit, ([1_000, 1_000], 64_000, 2_000, 500), [0], 66),
        # 100 * (1 - (0.5 * 0.015625 + 0.25 * 0.0625) / 2) = 98.8
        (objectives.dot_product, ([1_000, 1_000], 64_000, 2_000, 500), [0], 98),
        # One shared GPU of 300 left: 100 - 30 // 10
        (objectives.gpu_packing, ([300, 1_000], 64_000, 0, 200), [0], 97),
        (objectives.gpu_packing, ([300, 1_000], 64_000, 0, 200), [1], 49),
        (objectives.gpu_packing, ([1_000, 1_000], 64_000, 0, 200), [1], 31),
        # Idle node, 2 of 8 GPUs: 25 + 25 * 6000 // 8000
        (objectives.gpu_clustering, ([1_000, 1_000], 64_000, 0, 200), [1], 43),
        (objectives.slack, ([300, 1_000], 64_000, 0, 200), [0], 300),
        (objectives.milli_left, ([300, 1_000], 64_000, 0, 200), [0], 1_100),
    ],
)
def test_scores_by_hand(term: Term, given: tuple[list[int], int, int, int], chosen: list[int], expected: int) -> None:
    """Each published score on one small node: what is left of each GPU, CPU, what is asked of both."""
    assert value(term, node(*given), *chosen) == expected


def test_fragmentation_by_hand() -> None:
    """A pod of half a GPU leaves 500; pods of whole GPUs cannot use it, nor CPU-only pods anything."""
    mix = (TypicalPod(0, 1_000, 1, 2), TypicalPod(0, 500, 1, 1), TypicalPod(1_000, 0, 0, 1))
    # Before: 2 * 0 + 0 + 2000; after on an idle GPU: 2 * 500 + 0 + 1500.
    local = node([1_000, 1_000], 64_000, 0, 500)
    assert fragmentation_of([1_000, 1_000], 64_000, "", mix) == 2_000
    assert fragmentation_of([500, 1_000], 64_000, "", mix) == 2_500
    assert value(fragmentation(mix), local, 0) == 500
    # x = -500 / 4 / 1000; 100 / (1 + exp(0.125)) = 46.9
    assert value(fgd_points(mix), local, 0) == 46


def test_cpu_and_models_bound_what_fits() -> None:
    """Without CPU, or on another model, all that is free is a fragment."""
    mix = (TypicalPod(2_000, 500, 1, 1, ("A", "B")),)
    assert fragmentation_of([400, 700], 2_000, "B", mix) == 400
    assert fragmentation_of([400, 700], 1_999, "B", mix) == 1_100
    assert fragmentation_of([400, 700], 2_000, "C", mix) == 1_100
    assert fragmentation_of([400, 700], 2_000, "", mix) == 1_100


def test_published_floats_are_cut_as_published() -> None:
    """Points of best fit over a grid equal the published order of float operations."""
    for cpu in range(0, 128_001, 4_000):
        for gpu in range(0, 8_001, 500):
            published = 0.0
            for left, most in ((float(cpu), 128_000.0), (float(gpu), 8_000.0)):
                published += left / most * 0.5
            expected = int((1.0 - published) * 100.0)
            got = int(objectives.amounts._fit(float(cpu), np.array([float(gpu)]))[0])
            assert got == expected


def test_clustering_goes_to_its_like() -> None:
    """After a pair on one node and a single on another, a pair joins the pair and a single the single."""
    from drapolicy.inventory import build
    from drapolicy.testing.simple import ask_with, claim, device, objects, request

    state = State(build(objects({name: [device(f"d{d}") for d in range(8)] for name in "abc"})))
    rule = policy("gpu-clustering")
    assert isinstance(rule, Rule)

    def start(name: str, count: int, where: str | None = None) -> str | None:
        wanted = ask_with(None, claim(name, request(count)), name=f"test/{name}")
        placed = rule.place(Problem(state, (wanted,)), np.random.default_rng(0))
        if where is not None:
            local = Problem(state, (wanted,)).local("abc".index(where), wanted)
            outcome, _ = local.first()
            state.apply(Start(wanted, where, outcome.results))  # type: ignore[union-attr]
            return where
        assert placed.node is not None
        state.apply(Start(wanted, placed.node, placed.results))
        return placed.node

    start("pair", 2, "b")
    start("single", 1, "c")
    assert [start("p2", 2), start("s2", 1), start("p3", 2), start("four", 4)] == ["b", "c", "b", "a"]
