"""Bounds: small cases by hand, and no policy ever beats one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.evaluate.bounds import Job, bounds, least_completion_ns, most_work
from drapolicy.evaluate.metrics import METRICS, room
from drapolicy.policies import POLICIES
from drapolicy.simulate import capacity, play
from drapolicy.simulate.record import NANO
from drapolicy.simulate.streams import Streams
from drapolicy.testing.scenarios import a_scenario


@pytest.mark.parametrize(
    ("jobs", "devices", "end", "work"),
    [
        ([], 4, 10, 0),
        ([Job(0, 4, 2)], 4, 10, 8),  # 2 devices for 4
        ([Job(0, 20, 2)], 4, 10, 20),  # no more than its own two devices, until the end
        ([Job(0, None, 8)], 4, 10, 40),  # no more than the fleet
        ([Job(0, 4, 4), Job(8, 4, 4)], 4, 10, 24),  # 16, then nothing to do, then 2 of 4
        ([Job(10, 4, 4)], 4, 10, 0),
    ],
)
def test_most_work(jobs: list[Job], devices: int, end: int, work: int) -> None:
    """Work is bounded by what is there to be done and by the fleet."""
    assert most_work(jobs, devices, end) == work


@pytest.mark.parametrize(
    ("jobs", "devices", "mean"),
    [
        ([Job(0, 10, 1)], 4, 10.0),  # no faster than it runs, though four could share the work
        ([Job(0, 10, 1), Job(0, 2, 1)], 1, 7.0),  # the short one first: 2 and 12
        ([Job(0, 10, 1), Job(3, 2, 1)], 1, 7.0),  # it goes before: 12 and 2
        ([Job(0, 3, 1), Job(100, 5, 1)], 1, 4.0),
    ],
)
def test_least_completion(jobs: list[Job], devices: int, mean: float) -> None:
    """The pod with the least left goes first."""
    assert least_completion_ns(jobs, devices) == mean


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["first-fit", "kube-scheduler", "random"]))
def test_no_policy_beats_a_bound(seed: int, name: str) -> None:
    """Whatever happens, metrics stay on their side of the bound; times where every pod ends and nothing befalls."""
    scenario = a_scenario(seed)
    whole = capacity(scenario)
    found = play(scenario, POLICIES[name], 1)
    told = bounds(scenario, scenario.world(1, Streams(1)), whole, room(found, whole) // NANO)
    ended = (found.records.column("finished_ns") >= 0).all()
    for metric, bound in told.items():
        if metric in {"completion", "wait"} and (not ended or found.records.column("lost_ns").any()):
            continue
        value = METRICS[metric].of(found, whole)
        sign = METRICS[metric].sign
        assert not sign * (value - bound) > 1e-6 * max(abs(bound), 1.0), metric
