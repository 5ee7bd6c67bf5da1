"""What befalls fleets, by hand: who is taken off, when, and what happens then."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import POLICIES
from drapolicy.policies.groups import Patterns
from drapolicy.problem.events import Cordon, Fail, Join, Leave, Repair, Taint, Uncordon, Untaint
from drapolicy.simulate import DISCIPLINES, Drain, Failures, Incident, Play, Scenario, play, read_incidents
from drapolicy.simulate.incidents import besides, said
from drapolicy.simulate.stays import MOST_EVICTIONS
from drapolicy.testing.scenarios import taint
from drapolicy.testing.simple import DRIVER, row
from drapolicy.workload import Arrival, Workload

S = 10**9
OPEN = Uncordon("node-0")
FIRST_FIT = POLICIES["first-fit"]
CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}, namespace: default}}
spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: any, count: {count}{more}}}}}]}}}}
---
"""
TOLERATE = ", tolerations: [{{key: example.com/k, operator: {operator}, effect: '{effect}'{seconds}}}]"


def claim(
    name: str, count: int = 1, *, operator: str = "", effect: str = "NoExecute", seconds: int | None = None
) -> str:
    """Return a claim, with a toleration if there is an operator."""
    limit = "" if seconds is None else f", tolerationSeconds: {seconds}"
    more = TOLERATE.format(operator=operator, effect=effect, seconds=limit) if operator else ""
    return CLAIM.format(name=name, count=count, more=more)


def scenario(
    *incidents: tuple[float, Any], arrivals: tuple[tuple[float, float | None, str], ...], text: str = "", nodes: int = 2
) -> Scenario:
    """Return claims ``one`` and ``two`` for so many devices, besides those of ``text``, on nodes with two devices."""
    objects = api.loads(claim("one") + claim("two", 2) + text)
    times = tuple(Arrival(int(t * S), None if d is None else int(d * S), name) for t, d, name in arrivals)
    befalls = tuple(Incident(int(t * S), what) for t, what in incidents)
    fleet = build(row(nodes=nodes, devices=2))
    return Scenario("s", fleet, Workload(objects, times), incidents=befalls)


def played(made: Scenario) -> Play:
    return play(made, FIRST_FIT, 0, check=True)


def told(found: Play) -> list[tuple[float | None, str, int]]:
    """Return last start, node and number of evictions of each arrival."""
    return [(None if r.started_ns is None else r.started_ns / S, r.node, r.evictions) for r in found.records]


def device(n: int, d: int) -> DeviceId:
    return DeviceId(DRIVER, f"node-{n}", f"device-{d}")


def test_who_runs_on_a_node_that_leaves_begins_again() -> None:
    """Elsewhere, or when it is back; what was done is lost."""
    found = played(scenario((4, Leave("node-0")), (20, Join("node-0")), arrivals=((0, 10, "two"), (1, 10, "two"))))
    assert told(found) == [(11, "node-1", 1), (1, "node-1", 0)]
    assert (found.records[0].lost_ns, found.records[0].finished_ns) == (4 * S, 21 * S)
    both = played(scenario((4, Leave("node-0")), (8, Join("node-0")), arrivals=((0, 10, "two"), (1, 30, "two"))))
    assert told(both) == [(8, "node-0", 1), (1, "node-1", 0)]
    assert both.series.away.tolist() == [0, 0, 2 * S, 0, 0, 0]


def test_nodes_may_join_later() -> None:
    """A node that leaves at 0 is not there before it joins."""
    found = played(
        scenario((0, Leave("node-0")), (0, Leave("node-1")), (7, Join("node-1")), arrivals=((0, 10, "one"),))
    )
    assert told(found) == [(7, "node-1", 0)]
    assert found.records[0].refused_ns == 0


def test_cordons_keep_new_pods_off_and_drains_old_ones_too() -> None:
    """Who runs on a cordoned node stays; who runs on a drained one goes elsewhere."""
    arrivals = ((0, 10, "one"), (2, 10, "one"))
    assert told(played(scenario((1, Cordon("node-0")), arrivals=arrivals))) == [(0, "node-0", 0), (2, "node-1", 0)]
    assert told(played(scenario((1, Drain("node-0")), arrivals=arrivals))) == [(1, "node-1", 1), (2, "node-1", 0)]
    back = scenario((1, Drain("node-0")), (5, Uncordon("node-0")), arrivals=arrivals, nodes=1)
    assert told(played(back)) == [(5, "node-0", 1), (5, "node-0", 0)]


def test_who_holds_a_device_that_fails_begins_again_on_others() -> None:
    """And nobody gets it before it is repaired."""
    found = played(
        scenario(
            (3, Fail(device(0, 0))),
            (9, Repair(device(0, 0))),
            arrivals=((0, 10, "one"), (0, 100, "one"), (4, 10, "two")),
            nodes=1,
        )
    )
    assert told(found) == [(9, "node-0", 1), (0, "node-0", 0), (100, "node-0", 0)]
    assert found.series.away.max() == S


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (claim("pod"), (20, 1)),
        (claim("pod", operator="Exists"), (0, 0)),
        # Off at 8, on again for as long at 8, at 13 and at 18, when the taint goes before the time is over.
        (claim("pod", operator="Exists", seconds=5), (18, 3)),
        (claim("pod", operator="Exists", seconds=8), (0, 0)),
        # An empty effect tolerates for allocation, and not for eviction (K8s S49b): it begins again and again.
        (claim("pod", operator="Exists", effect="", seconds=8), (None, MOST_EVICTIONS)),
    ],
    ids=["untolerated", "for ever", "5 s", "8 s", "an empty effect"],
)
def test_taints_throw_off_who_does_not_tolerate_them(text: str, expected: tuple[float | None, int]) -> None:
    """A pod of 10 s, a taint from 3 s to 20 s: it must go at once, after as long as it tolerates that, or not at all."""
    fleet = build(row(nodes=1, devices=2))
    made = scenario(
        (3, taint("t", "node-0", "NoExecute", fleet)),
        (20, Untaint("t")),
        arrivals=((0, 10, "pod"),),
        text=text,
        nodes=1,
    )
    found = played(made)
    (start, _, evictions) = told(found)[0]
    assert (start, evictions) == expected
    if start is None:
        assert found.records[0].reason == f"given up after {MOST_EVICTIONS} evictions"


def test_no_schedule_throws_nobody_off() -> None:
    """It keeps others away until it is gone."""
    fleet = build(row(nodes=1, devices=2))
    made = scenario(
        (3, taint("t", "node-0", "NoSchedule", fleet)),
        (20, Untaint("t")),
        arrivals=((0, 10, "one"), (4, 10, "one")),
        nodes=1,
    )
    assert told(played(made)) == [(0, "node-0", 0), (20, "node-0", 0)]


def test_taints_that_go_in_time_throw_nobody_off() -> None:
    """An eviction that was to come is off."""
    fleet = build(row(nodes=1, devices=2))
    made = scenario(
        (3, taint("t", "node-0", "NoExecute", fleet)),
        (5, Untaint("t")),
        arrivals=((0, 10, "pod"),),
        text=claim("pod", operator="Exists", seconds=4),
        nodes=1,
    )
    assert told(played(made)) == [(0, "node-0", 0)]


def test_groups_that_are_solved_together_heed_conditions() -> None:
    """Neither a node that left nor a device that failed is taken; the others are."""
    made = scenario((0, Leave("node-0")), (0, Fail(device(1, 1))), arrivals=(), nodes=4)
    gang = tuple(Arrival(S, 10 * S, "one", "g", 5) for _ in range(5))
    made = replace(made, workload=replace(made.workload, arrivals=gang))
    records = play(made, FIRST_FIT, 0, groups=Patterns(), check=True).records
    held = sorted(name for record in records for name in record.devices)
    assert held == sorted(str(device(n, d)) for n, d in ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1)))


def test_what_happens_at_one_time_goes_in_order() -> None:
    """A pod that ends when its node leaves has ended; one that comes then finds the node gone."""
    found = played(scenario((10, Leave("node-0")), arrivals=((0, 10, "one"), (10, 10, "one"))))
    assert told(found) == [(0, "node-0", 0), (10, "node-1", 0)]


# --- input ------------------------------------------------------------------------------------------------------


def test_incidents_are_read_from_a_table(tmp_path: Path) -> None:
    """In order of time, whatever the order of lines and columns."""
    path = tmp_path / "incidents.csv"
    path.write_text(
        "what,time_s,name,effect,key,driver,pool\n"
        "repair,7,gpu.example/a/b/device-0,,,,\n"
        "fail,0.5,gpu.example/a/b/device-0,,,,\n"
        "taint,3,t,NoExecute,example.com/k,gpu.example,node-0\n"
        "drain,2,node-1,,,,\n"
        "untaint,9,t,,,,\n"
    )
    found = read_incidents(path)
    assert [said(incident.what) for incident in found] == [
        "device gpu.example/a/b/device-0 fails",
        "node node-1 is drained",
        "taint t is added",
        "device gpu.example/a/b/device-0 is repaired",
        "taint t is removed",
    ]
    assert (found[0].time_ns, found[0].what) == (S // 2, Fail(DeviceId("gpu.example", "a/b", "device-0")))
    assert isinstance(found[2].what, Taint)
    rule = found[2].what.rule
    selector = rule.spec.device_selector
    assert selector is not None
    assert (selector.driver, selector.pool, selector.device) == ("gpu.example", "node-0", None)
    assert (rule.spec.taint.key, rule.spec.taint.effect) == ("example.com/k", "NoExecute")


def test_every_faulty_line_is_told(tmp_path: Path) -> None:
    """All together, by line and column."""
    path = tmp_path / "incidents.csv"
    rows = ["-1,leave,n,,", "1,explode,n,,", "1,fail,gpu-0,,", "1,leave,,,", "1,taint,t,Never,", "1,drain,n,NoExecute,"]
    path.write_text("\n".join(["time_s,what,name,effect,key", *rows]) + "\n")
    with pytest.raises(InputError) as caught:
        read_incidents(path)
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [
        ("line 2", "time_s"),
        ("line 3", "what"),
        ("line 4", "name"),
        ("line 5", "name"),
        ("line 6", "effect"),
        ("line 6", "key"),
        ("line 7", "effect"),
    ]


def test_taints_need_their_columns(tmp_path: Path) -> None:
    """A table for other incidents has none of them."""
    path = tmp_path / "incidents.csv"
    path.write_text("time_s,what,name\n1,taint,t\n")
    with pytest.raises(InputError, match="line 2: is a taint, and the table has no column key, effect"):
        read_incidents(path)


def test_incidents_that_cannot_happen_are_told_together() -> None:
    """By their place in time, before anything is played."""
    made = scenario(
        (5, Leave("node-9")), (1, Join("node-0")), (2, Fail(device(0, 7))), (3, Cordon("node-0")), arrivals=()
    )
    made = replace(made, incidents=(*made.incidents, Incident(-S, Leave("node-0"))))
    with pytest.raises(InputError) as caught:
        played(made)
    assert [fault.object for fault in caught.value.faults] == ["incident 1", "incident 2", "incident 3", "incident 5"]
    assert "node node-0: is not away already" in str(caught.value)


def test_who_is_given_up_holds_up_nobody() -> None:
    """In a queue that nobody passes, others go on once the first was thrown off too often."""
    thrown = [(2 * k + t, what) for k in range(MOST_EVICTIONS) for t, what in ((1, Drain("node-0")), (2, OPEN))]
    made = scenario(*thrown, arrivals=((0, 1000, "two"), (150, 5, "two")), nodes=1)
    found = played(replace(made, queue=DISCIPLINES["fifo"]))
    assert told(found) == [(None, "", MOST_EVICTIONS), (2 * MOST_EVICTIONS, "node-0", 0)]
    assert found.records[0].reason == f"given up after {MOST_EVICTIONS} evictions"


def test_a_cordoned_node_can_be_drained() -> None:
    """As people do: no new pods first, then the old ones off."""
    found = played(scenario((1, Cordon("node-0")), (4, Drain("node-0")), arrivals=((0, 10, "one"),)))
    assert told(found) == [(4, "node-1", 1)]


def test_drawn_failures_come_besides_what_is_told() -> None:
    """A node that is away twice is back after both, whichever came first."""
    told_of = [Incident(t * S, what) for t, what in ((10, Leave("a")), (20, Join("a")), (30, Leave("b")))]
    drawn = [Incident(t * S, what) for t, what in ((5, Leave("a")), (12, Join("a")), (31, Leave("b")), (40, Join("b")))]
    found = [(i.time_ns // S, said(i.what)) for i in besides(told_of, drawn)]
    assert found == [(5, "node a leaves"), (20, "node a joins"), (30, "node b leaves")]
    made = replace(
        scenario((10, Leave("node-0")), (300, Join("node-0")), arrivals=((0, 5, "one"), (400, 5, "one"))),
        failures=Failures(device_mtbf_s=20, device_repair_s=20, node_mtbf_s=20, node_repair_s=20),
    )
    for seed in range(5):
        play(made, FIRST_FIT, seed, check=True)


# --- drawn failures ---------------------------------------------------------------------------------------------


def changes(found: Play) -> list[tuple[int, int]]:
    """Return when how much of the fleet was away from then on."""
    rows = list(zip(found.series.time_ns.tolist(), found.series.away.tolist(), strict=True))
    return [row for before, row in pairwise([(0, 0), *rows]) if row[1] != before[1]]


def test_failures_are_drawn_from_their_own_stream() -> None:
    """The same for all policies and for a seed; others with another seed; each is repaired."""
    made = replace(
        scenario(arrivals=tuple((t, 5, "one") for t in range(0, 200, 2)), nodes=4),
        failures=Failures(device_mtbf_s=100, device_repair_s=10, node_mtbf_s=200, node_repair_s=20),
    )
    one, other = (play(made, POLICIES[name], 1, check=True, quality=False) for name in ("first-fit", "random"))
    assert changes(one) == changes(other) != []
    rng = [np.random.default_rng(seed) for seed in (1, 1, 2)]
    drawn = [made.failures.drawn(made.fleet, 200 * S, each) for each in rng]
    assert drawn[0] == drawn[1] != drawn[2]
    downs = sum(isinstance(incident.what, Fail | Leave) for incident in drawn[0])
    assert downs * 2 == len(drawn[0]) > 10
    assert all(incident.time_ns <= 200 * S for incident in drawn[0] if isinstance(incident.what, Fail | Leave))


def test_failures_come_as_often_as_told() -> None:
    """Over a long time a node is down for its part of it."""
    fleet = build(row(nodes=20, devices=1))
    until = 100_000 * S
    drawn = Failures(node_mtbf_s=900, node_repair_s=100).drawn(fleet, until, np.random.default_rng(0))
    down = sum(i.time_ns if isinstance(i.what, Join) else -i.time_ns for i in drawn)
    assert down / (20 * until) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("field", ["device_mtbf_s", "node_repair_s"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_times_of_failures_are_checked(field: str, value: float) -> None:
    """Negative ones, and what is no number."""
    with pytest.raises(InputError, match=f"failures: {field} {value}"):
        Failures(**{field: value})
