"""What a cell keeps of a play besides its metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drapolicy import api
from drapolicy.evaluate.occupancy import POINTS, Occupancy
from drapolicy.evaluate.series import QUANTILES, allocation, classes, held, quantiles, queue, waits
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.problem.events import Join, Leave
from drapolicy.simulate import Incident, Play, Scenario, play
from drapolicy.testing.simple import DRIVER, row
from drapolicy.workload import Arrival, Workload

S = 10**9
CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}, namespace: default}}
spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: any, count: {count}}}}}]}}}}
---
"""
ONE_AND_TWO = CLAIM.format(name="one", count=1) + CLAIM.format(name="two", count=2)


def scenario(*arrivals: Arrival, nodes: int = 2, incidents: tuple[Incident, ...] = ()) -> Scenario:
    """Nodes with two devices each."""
    workload = Workload(api.loads(ONE_AND_TWO), arrivals)
    return Scenario("s", build(row(nodes=nodes, devices=2)), workload, incidents=incidents)


def seen(found: Scenario, policy: str = "first-fit") -> tuple[Play, Occupancy]:
    occupancy = Occupancy(found, max(arrival.time_ns for arrival in found.workload.arrivals))
    return play(found, POLICIES[policy], 0, watch=occupancy.watch), occupancy


def halves(values: list[float] | list[int]) -> tuple[set[float], set[float]]:
    """Return what a course is in the first half of the time and in the second, without what is on the border."""
    return set(values[: POINTS // 2 - 1]), set(values[POINTS // 2 : -1])


def test_courses_are_what_was_at_points_of_time() -> None:
    """Two of four devices until half of the time is over, then none; nobody waits until the last arrival."""
    found, occupancy = seen(scenario(Arrival(0, 60 * S, "two"), Arrival(120 * S, S, "one")))
    assert halves(held(found, 4)) == ({50.0}, {0.0})
    assert halves(queue(found)) == ({0}, {0})
    assert held(found, 4)[-1] == 25.0
    nodes, heat = occupancy.heat()
    assert nodes == ["node-0", "node-1"]
    first, second = np.array(heat).reshape(2, -1)
    assert (set(first[:29].tolist()), set(first[30:-1].tolist()), set(second.tolist())) == ({100}, {0}, {0})


def test_a_node_that_is_away_is_told_apart() -> None:
    """Rows of a heat map are -1 while the node is not there, and courses are of the devices that are."""
    away = (Incident(0, Leave("node-1")), Incident(60 * S, Join("node-1")))
    found, occupancy = seen(scenario(Arrival(0, None, "one"), Arrival(120 * S, S, "one"), incidents=away))
    _, heat = occupancy.heat()
    assert set(heat[60:89]) == {-1}
    assert set(heat[90:119]) == {0}
    assert halves(held(found, 4)) == ({50.0}, {25.0})


def test_free_devices_are_stranded_where_a_pod_finds_too_few() -> None:
    """A free device on each node is of no use to pods that want two: half of the pods, half of the devices."""
    arrivals = [Arrival(t * S, None, pod) for t, pod in ((0, "one"), (0, "two"), (1, "one"), (100, "two"))]
    _, spread = seen(scenario(*arrivals, nodes=1))
    # One of two devices is held by the first; the second waits. Of it one free device is of no use to half of the pods.
    values = spread.stranded()
    assert values[0] == 25.0
    # The third takes the last device: nothing is free, so nothing is stranded.
    assert values[-2] == 0.0


def test_fleets_that_are_full_or_empty_have_nothing_stranded() -> None:
    """Nothing lies idle in pieces where no piece is broken."""
    _, empty = seen(scenario(Arrival(0, 1, "two"), Arrival(100 * S, 1, "two")))
    assert set(empty.stranded()[:-1]) == {0.0}


def test_allocation_is_told_over_what_was_asked_for() -> None:
    """Four devices, pods that never leave: held is what was asked for, until a pod does not fit."""
    times = [("two", 0), ("one", 1), ("two", 2), ("one", 3)]
    found, _ = seen(scenario(*(Arrival(t * S, None, pod) for pod, t in times)))
    curve = allocation(found, 4)
    assert len(curve) == 151
    assert (curve[50], curve[75], curve[76], curve[126]) == (50.0, 75.0, 75.0, 100.0)


def test_pods_that_leave_have_no_curve_of_allocation() -> None:
    """Less is held then than was ever allocated."""
    found, _ = seen(scenario(Arrival(0, 1, "one"), Arrival(5 * S, None, "one")))
    assert allocation(found, 4) == []


def test_waits_and_quantiles() -> None:
    """Quantiles are numbers that occur, from the least to the greatest."""
    found, _ = seen(scenario(*[Arrival(0, 2 * S, "two")] * 2, nodes=1))
    assert waits(found).tolist() == [0.0, 2.0]
    told = quantiles(waits(found))
    assert (len(told), set(told), told[0], told[-1]) == (QUANTILES, {0.0, 2.0}, 0.0, 2.0)
    assert quantiles(np.zeros(0)) == []


def test_refusals_are_counted_by_class() -> None:
    """Came, refused at first, never started, and the number of the first that was refused."""
    pods = ("one", "two", "two", "one")
    found, _ = seen(scenario(*(Arrival(t * S, None, pod) for t, pod in enumerate(pods)), nodes=1))
    assert classes(found) == {"one": [2, 0, 0, 0], "two": [2, 2, 2, 2]}


def test_what_is_taken_from_the_start_counts() -> None:
    """A device that a claim holds before anything arrives shows in the heat map from the first column on."""
    status = (
        "status: {allocation: {devices: {results: "
        f"[{{request: devices, driver: {DRIVER}, pool: node-1, device: device-0}}]}}}}}}"
    )
    standing = api.loads(CLAIM.format(name="held", count=1).replace("---\n", status))
    found = replace(scenario(Arrival(120 * S, 1, "one")), standing=standing)
    _, heat = seen(found)[1].heat()
    assert (set(heat[:59]), set(heat[60:])) == ({0}, {50})
