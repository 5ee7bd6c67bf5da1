"""Plays of a few claims on nodes of two devices, and what is seen of them over time."""

from __future__ import annotations

from drapolicy import api
from drapolicy.evaluate.occupancy import POINTS, Occupancy
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.simulate import Incident, Play, Scenario, play
from drapolicy.testing.simple import row
from drapolicy.workload import Arrival, Workload

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}, namespace: default}}
spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: any, count: {count}}}}}]}}}}
---
"""
ONE_AND_TWO = CLAIM.format(name="one", count=1) + CLAIM.format(name="two", count=2)


def scenario(*arrivals: Arrival, nodes: int = 2, incidents: tuple[Incident, ...] = ()) -> Scenario:
    """Return nodes with two devices each, and arrivals of claims for one and for two devices."""
    workload = Workload(api.loads(ONE_AND_TWO), arrivals)
    return Scenario("s", build(row(nodes=nodes, devices=2)), workload, incidents=incidents)


def seen(found: Scenario, policy: str = "first-fit") -> tuple[Play, Occupancy]:
    """Play a scenario, and return it with how full its nodes were."""
    occupancy = Occupancy(found, max(arrival.time_ns for arrival in found.workload.arrivals))
    return play(found, POLICIES[policy], 0, watch=occupancy.watch), occupancy


def halves(values: list[float] | list[int]) -> tuple[set[float], set[float]]:
    """Return what a course is in the first half of the time and in the second, without what is on the border."""
    return set(values[: POINTS // 2 - 1]), set(values[POINTS // 2 : -1])
