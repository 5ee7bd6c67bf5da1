"""Bounds: small cases by hand, and no policy ever beats one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.api import Objects, loads
from drapolicy.evaluate.bounds import Job, bounds, least_completion_ns, most_work
from drapolicy.evaluate.metrics import METRICS, Seen, room
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.problem.events import Leave
from drapolicy.simulate import Incident, Scenario, capacity, play
from drapolicy.simulate.record import NANO
from drapolicy.simulate.streams import Streams
from drapolicy.testing import simple
from drapolicy.testing.scenarios import a_scenario
from drapolicy.workload import Arrival, Workload


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


def stays(scenario: Scenario) -> Scenario:
    """Return a scenario whose pods never leave and to which nothing happens."""
    arrivals = tuple(replace(arrival, duration_ns=None) for arrival in scenario.workload.arrivals)
    return replace(scenario, workload=Workload(scenario.workload.objects, arrivals), incidents=())


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["first-fit", "random"]))
def test_no_policy_beats_a_bound_of_times(seed: int, name: str) -> None:
    """Whole devices, shares and partitions of pods that all end, with claims of their own; nothing befalls."""
    scenario = a_scenario(seed, incidents=0)
    arrivals = [a for a in scenario.workload.arrivals if not a.pod.endswith("joins")]
    arrivals = [replace(a, duration_ns=a.duration_ns or NANO, group="", at_least=0) for a in arrivals]
    scenario = replace(scenario, workload=Workload(scenario.workload.objects, tuple(arrivals)))
    found = play(scenario, POLICIES[name], 1, quality=False)
    told = bounds(scenario, scenario.world(1, Streams(1)), capacity(scenario), 1)
    assert {"completion", "wait"} <= told.keys()
    if (found.records.column("finished_ns") >= 0).all() and not found.records.column("lost_ns").any():
        seen = Seen(found, capacity(scenario))
        assert all(METRICS[metric].of(seen) >= told[metric] - 1e-6 for metric in ("completion", "wait"))


def told(scenario: Scenario, capacity: int = 4) -> float | None:
    return bounds(scenario, scenario.world(0, Streams(0)), capacity, 1).get("allocated")


def test_no_more_is_allocated_than_was_asked_for() -> None:
    """One of four devices, and six of four; not told where a pod may have left, or a node."""
    claims = Objects(claims=(simple.claim("one", simple.request(1)), simple.claim("five", simple.request(5))))
    fleet = build(simple.row(nodes=2, devices=2))

    def of(*pods: str, duration: int | None = None) -> Scenario:
        arrivals = tuple(Arrival(t, duration, f"test/{pod}") for t, pod in enumerate(pods))
        return Scenario("s", fleet, Workload(claims, arrivals))

    assert (told(of("one")), told(of("one", "five"))) == (25.0, 100.0)
    assert (told(of("one", "one", duration=1)), told(of("one", "one", duration=2))) == (None, 50.0)
    assert told(replace(of("one"), incidents=(Incident(0, Leave("node-1")),))) is None


def test_times_are_bounded_unless_claims_are_shared() -> None:
    """Two pods of two devices on a fleet of two, an hour each: the second waits at least, 1.5 h are the mean."""
    text = """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default}
spec: {containers: [{name: main, image: x}], resourceClaims: [{name: devices, CLAIM}]}
---
apiVersion: resource.k8s.io/v1
kind: KIND
metadata: {name: c, namespace: default}
spec: SPEC
"""
    spec = "{devices: {requests: [{name: devices, exactly: {deviceClassName: any, count: 2}}]}}"
    own = text.replace("CLAIM", "resourceClaimTemplateName: c").replace("KIND", "ResourceClaimTemplate")
    one = text.replace("CLAIM", "resourceClaimName: c").replace("KIND", "ResourceClaim").replace("SPEC", spec)
    hour = 3_600 * 10**9

    def of(objects: str) -> dict[str, float]:
        arrivals = (Arrival(0, hour, "p"), Arrival(0, hour, "p"))
        scenario = Scenario("s", build(simple.row(nodes=1, devices=2)), Workload(loads(objects), arrivals))
        return bounds(scenario, scenario.world(0, Streams(0)), 2, 0)

    found = of(own.replace("SPEC", f"{{spec: {spec}}}"))
    assert (found["completion"], found["wait"]) == (5_400.0, 1_800.0)
    stretched = own.replace("SPEC", f"{{spec: {spec}}}").replace(
        "metadata: {name: p,", "metadata: {annotations: {drapolicy/communication-percent: '50'}, name: p,"
    )
    assert {"completion", "wait"} & of(stretched).keys() == {"completion"}
    assert not {"completion", "wait"} & of(one).keys()


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_no_policy_allocates_more_than_the_bound(seed: int) -> None:
    """Of pods that stay, whatever devices they share."""
    scenario = stays(a_scenario(seed))
    whole = capacity(scenario)
    found = play(scenario, POLICIES["first-fit"], 1, quality=False)
    bound = bounds(scenario, scenario.world(1, Streams(1)), whole, 1)["allocated"]
    assert METRICS["allocated"].of(Seen(found, whole)) <= bound + 1e-9


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
        value = METRICS[metric].of(Seen(found, whole))
        sign = METRICS[metric].sign or 1
        assert not sign * (value - bound) > 1e-6 * max(abs(bound), 1.0), metric
