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
    """Return the most milli that any subset of the pods can hold, by trying all choices of GPUs."""
    left = [[1_000] * node.gpus for node in trace.nodes]
    room = [[node.cpu_milli, node.memory_mib] for node in trace.nodes]

    def most(at: int) -> int:
        if at == len(pods):
            return 0
        pod = pods[at]
        found = most(at + 1)
        for n, node in enumerate(trace.nodes):
            if pod.models and node.model not in pod.models:
                continue
            if room[n][0] < pod.cpu_milli or room[n][1] < pod.memory_mib:
                continue
            for chosen in itertools.combinations(range(node.gpus), pod.gpus):
                if min((left[n][g] for g in chosen), default=0) < pod.gpu_milli:
                    continue
                _take(left[n], room[n], pod, chosen, 1)
                found = max(found, pod.asked_milli + most(at + 1))
                _take(left[n], room[n], pod, chosen, -1)
        return found

    return most(0)


def _take(left: list[int], room: list[int], pod: PodRow, chosen: Sequence[int], times: int) -> None:
    for g in chosen:
        left[g] -= times * pod.gpu_milli
    room[0] -= times * pod.cpu_milli
    room[1] -= times * pod.memory_mib


KINDS = ((1, 330), (1, 495), (1, 505), (1, 810), (1, 1_000), (2, 1_000), (0, 0))
ARRIVALS = range(100, 131, 5)


@pytest.mark.parametrize("seed", range(16))
def test_no_choice_of_pods_and_places_exceeds_the_selection_bound(seed: int) -> None:
    """All ways to place shares, whole GPUs, pairs, wishes and pods without GPUs stay below it, whatever has arrived."""
    rng = random.Random(seed)
    nodes = tuple(
        NodeRow(f"node-{n}", rng.choice([4_000, 6_000]), rng.choice([3_072, 8_192]), n + 1, ("T4", "A10")[n])
        for n in range(2)
    )
    pods: list[PodRow] = []
    while sum(pod.asked_milli for pod in pods) < 1_305 * 3:
        gpus, milli = rng.choice(KINDS)
        models = rng.choice([(), (), ("T4",), ("A10",), ("A10", "T4")]) if gpus else ()
        name = f"p{len(pods):02d}"
        pods.append(PodRow(name, rng.choice([1_000, 3_000]), rng.choice([512, 2_048]), gpus, milli, models))
    trace = Trace("made", tuple(pods), nodes)
    bounds = Ceiling(trace).selection(in_order(trace), ARRIVALS).selection
    for at, bound in zip(ARRIVALS, bounds, strict=True):
        asked = itertools.accumulate(pod.asked_milli for pod in pods)
        arrived = [pod for pod, total in zip(pods, asked, strict=True) if round(100 * total / trace.gpu_milli) <= at]
        assert bound is not None
        assert best(trace, arrived) <= bound * trace.gpu_milli / 100 + 1e-6


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
