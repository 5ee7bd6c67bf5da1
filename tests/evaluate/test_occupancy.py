"""How full nodes are over time."""

from __future__ import annotations

from dataclasses import replace

from drapolicy import api
from drapolicy.evaluate.series import held
from drapolicy.problem.events import Join, Leave
from drapolicy.simulate import Incident
from drapolicy.testing.simple import DRIVER
from drapolicy.testing.watched import CLAIM, halves, scenario, seen
from drapolicy.workload import Arrival

S = 10**9


def test_a_node_that_is_away_is_told_apart() -> None:
    """Rows of a heat map are -1 while the node is not there, and courses are of the devices that are."""
    away = (Incident(0, Leave("node-1")), Incident(60 * S, Join("node-1")))
    found, occupancy = seen(scenario(Arrival(0, None, "one"), Arrival(120 * S, S, "one"), incidents=away))
    _, heat = occupancy.heat()
    assert set(heat[60:89]) == {-1}
    assert set(heat[90:119]) == {0}
    assert halves(held(found, 4)) == ({50.0}, {25.0})


def test_only_what_changed_is_looked_at() -> None:
    """All nodes at the first point; then the one that a pod comes to, leaves, or that is away, and no other."""
    away = (Incident(90 * S, Leave("node-2")),)
    _, occupancy = seen(
        scenario(
            Arrival(0, 60 * S, "one"), Arrival(30 * S, None, "one"), Arrival(120 * S, S, "two"), nodes=3, incidents=away
        )
    )
    points = {point: stage.nodes.tolist() for point, stage in enumerate(occupancy.stages()) if len(stage.nodes)}
    assert points == {0: [0, 1, 2], 29: [0], 59: [0], 89: [2], 119: [1]}


def test_stages_are_what_is_taken_and_what_is_there() -> None:
    """Amounts, and devices that failed or are away; changed step by step they are as if made anew."""
    _, occupancy = seen(scenario(Arrival(0, 60 * S, "two"), Arrival(120 * S, S, "one")))
    first, later = [], []
    for point, stage in enumerate(occupancy.stages()):
        (first if point < 59 else later).append((stage.taken.tolist(), stage.held.tolist(), stage.there.all()))
    assert first == [([S, S, 0, 0], [True, True, False, False], True)] * 59
    assert later[:-1] == [([0] * 4, [False] * 4, True)] * 60
    assert later[-1][0] == [S, 0, 0, 0]


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
