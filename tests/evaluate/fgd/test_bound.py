"""No placement exceeds the bounds, which brute force over small fleets comes near."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest

from drapolicy.evaluate.fgd import Ceiling
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace


def share(name: str, milli: int, cpu: int = 1_000, models: tuple[str, ...] = ()) -> PodRow:
    return PodRow(name, cpu, 1_024, 1, milli, models)


def whole(name: str, gpus: int, cpu: int = 1_000) -> PodRow:
    return PodRow(name, cpu, 1_024, gpus, 1_000, ())


def in_order(trace: Trace) -> Order:
    return Order(tuple(range(len(trace.pods))), tuple(range(len(trace.nodes))))


NODE = NodeRow("node-0", 64_000, 65_536, 2, "T4")
NEVER = tuple(share(f"z{i}", 1_000, cpu=10**8) for i in range(4))
"""They come last, so that enough arrives, and fit nowhere."""


@pytest.mark.parametrize(
    ("pods", "percent"),
    [
        ([share(f"p{i}", 810) for i in range(3)], 81.0),
        ([share(f"p{i}", 810) for i in range(2)] + [share(f"q{i}", 190) for i in range(2)], 100.0),
        ([whole("p0", 2), share("p1", 500)], 100.0),
        ([whole("p0", 1), whole("p1", 4)], 50.0),
        ([share("p0", 500, models=("A10",)), whole("p1", 2)], 100.0),
        ([whole("p0", 1, cpu=40_000), whole("p1", 1, cpu=40_000)], 80.0),
    ],
    ids=["holes", "filled holes", "a share is left out", "too many GPUs", "another model", "too little CPU"],
)
def test_selection_is_what_the_fluid_can_place(pods: list[PodRow], percent: float) -> None:
    """Sizes, numbers of GPUs, models and CPU bound what can be allocated of what has arrived."""
    trace = Trace("made", (*pods, *NEVER), (NODE,))
    _, at_130 = Ceiling(trace).selection(in_order(trace)).selection
    assert at_130 == pytest.approx(percent)


def best(trace: Trace, pods: Sequence[PodRow]) -> int:
    """Return the most milli that any subset of the pods can hold, by trying all assignments to GPUs."""
    most = 0
    places = [(n, g) for n, node in enumerate(trace.nodes) for g in range(node.gpus)]
    for chosen in itertools.product([None, *places], repeat=len(pods)):
        left = dict.fromkeys(places, 1_000)
        cpu = [node.cpu_milli for node in trace.nodes]
        for pod, place in zip(pods, chosen, strict=True):
            if place is not None:
                left[place] -= pod.gpu_milli
                cpu[place[0]] -= pod.cpu_milli
        if min(left.values()) >= 0 and min(cpu) >= 0:
            most = max(most, sum(p.gpu_milli for p, at in zip(pods, chosen, strict=True) if at is not None))
    return most


@pytest.mark.parametrize("seed", range(6))
def test_no_choice_of_pods_and_places_exceeds_the_selection_bound(seed: int) -> None:
    """All assignments of a few shares to a few GPUs stay below the bound."""
    rng = random.Random(seed)
    nodes = tuple(NodeRow(f"node-{n}", rng.choice([4_000, 9_000]), 65_536, n + 1, "T4") for n in range(2))
    pods: list[PodRow] = []
    while sum(pod.gpu_milli for pod in pods) < 2_900:
        pods.append(share(f"p{len(pods)}", rng.choice([330, 505, 700, 810, 1_000]), rng.choice([1_000, 3_000])))
    trace = Trace("made", (*pods, *NEVER), nodes)
    (_, bound) = Ceiling(trace).selection(in_order(trace)).selection
    assert bound is not None
    assert best(trace, pods) <= bound * trace.gpu_milli / 100 + 1e-6


def test_nothing_is_bounded_where_nothing_arrives_so_late() -> None:
    """A list that asks for half of the fleet has no bound at 100 % of arrival."""
    trace = Trace("made", (share("p0", 1_000),), (NODE,))
    assert Ceiling(trace).selection(in_order(trace)).selection == (None, None)


@pytest.mark.parametrize(
    ("pods", "percent"),
    [([share("p0", 810)], 81.0), ([share("p0", 810), share("p1", 190)], 100.0), ([whole("p0", 4)], 0.0)],
    ids=["one size leaves holes", "two sizes fill them", "what fits nowhere is left out"],
)
def test_everything_fits_up_to_the_ceiling(pods: list[PodRow], percent: float) -> None:
    """In even shares, pods can be placed until their holes are all that is left."""
    assert Ceiling(Trace("made", tuple(pods), (NODE,))).everything() == pytest.approx(percent)


def test_nothing_can_be_allocated_where_nothing_fits() -> None:
    """Pods that no node takes leave a bound of nothing."""
    trace = Trace("made", NEVER, (NODE,))
    ceiling = Ceiling(trace)
    assert ceiling.everything() == 0
    assert ceiling.selection(in_order(trace)).selection == (0, 0)
