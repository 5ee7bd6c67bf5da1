"""Fragmentation in floats is what the published program's loop adds up, and decides where exact sums are equal."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.policies.objectives.fragmentation import fragmentation_of
from drapolicy.policies.objectives.mix import TypicalPod
from drapolicy.policies.objectives.published import Floats, points_of

pods = st.builds(
    TypicalPod,
    cpu=st.sampled_from([0, 500, 1_000, 4_000]),
    milli=st.sampled_from([0, 1, 250, 500, 1_000]),
    gpus=st.integers(0, 4),
    weight=st.integers(1, 50),
    models=st.sampled_from([(), ("T4",), ("A10", "T4"), ("H100",)]),
)
levels = st.lists(st.sampled_from([0, 1, 249, 250, 499, 500, 750, 1_000]), min_size=1, max_size=4)


def plain(mix: list[TypicalPod], counted: int, left: list[int], cpu: int, model: str) -> float:
    """The loop of frag.go: a sum for each reason, then the sum of these."""
    known = sum(pod.weight for pod in mix)
    sums = dict.fromkeys(["both", "gpu", "cpu", "no gpu, fits", "no gpu, lacks cpu", "no access"], 0.0)
    for pod in mix:
        share = pod.weight / counted
        if known != counted:
            share /= known / counted
        runs = cpu >= pod.cpu
        if pod.milli == 0:
            sums["no gpu, fits" if runs else "no gpu, lacks cpu"] += share * float(sum(left))
        elif pod.models and model not in pod.models:
            sums["no access"] += share * float(sum(left))
        elif sum(g >= pod.milli for g in left) >= max(pod.gpus, 1):
            if runs:
                sums["gpu"] += share * float(sum(g for g in left if g < pod.milli))
            else:
                sums["cpu"] += share * float(sum(left))
        else:
            sums["gpu" if runs else "both"] += share * float(sum(left))
    total = 0.0
    for amount in sums.values():
        total += amount
    return total


@given(st.lists(pods, min_size=1, max_size=9), st.integers(0, 9), levels, st.integers(0, 5_000))
def test_floats_are_those_of_the_loop(mix: list[TypicalPod], others: int, left: list[int], cpu: int) -> None:
    """To the last digit; and near what exact sums say."""
    floats = Floats(tuple(mix), sum(pod.weight for pod in mix) + others)
    states, cpus = np.array([left, left[::-1]], np.int64), np.array([cpu, cpu], np.int64)
    found = floats.wasted(states, cpus, np.stack([floats.admits("T4")] * 2)).tolist()
    assert found == [plain(mix, floats.counted, left, cpu, "T4")] * 2
    exact = fragmentation_of(left, cpu, "T4", tuple(mix)) / sum(pod.weight for pod in mix)
    assert abs(found[0] - exact) < 1e-6


def test_many_states_are_those_of_each() -> None:
    """Blocks of states leave no seam."""
    floats = Floats((TypicalPod(0, 500, 1, 3), TypicalPod(10, 1_000, 2, 7)), 13)
    rng = np.random.default_rng(0)
    states, cpu = rng.integers(0, 1_001, (30_000, 8)), rng.integers(0, 20, 30_000)
    admits = np.ones((30_000, 2), np.bool_)
    found = floats.wasted(states, cpu, admits)
    some = slice(12_345, 12_350)
    assert found[some].tolist() == floats.wasted(states[some], cpu[some], admits[some]).tolist()


def test_the_last_digit_takes_a_point() -> None:
    """A choice that changes nothing has 50 points; one that seems to lose a bit of the last digit of 8,000, 49."""
    assert [points_of(less) for less in (0.0, 1e-13, -1e-13, -1e-12)] == [50, 50, 50, 49]
    assert (points_of(-800_000.0), points_of(8_000.0)) == (0, 99)
