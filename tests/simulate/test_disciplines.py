"""Queues by hand: who starts when, whom a pod holds up, who gives way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drapolicy import api
from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.quantity import Quantity
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import build
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import POLICIES
from drapolicy.policies.groups import Greedy, Patterns
from drapolicy.problem.events import Fail, Join, Leave
from drapolicy.simulate import DISCIPLINES, Discipline, Incident, Play, Scenario, discipline, play
from drapolicy.testing.simple import DRIVER, row
from drapolicy.workload import Arrival, Workload

S = 10**9
FIRST_FIT = POLICIES["first-fit"]
TEMPLATE = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: n{count}, namespace: {space}}}
spec: {{spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: any, count: {count}}}}}]}}}}}}
---
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: p{priority}n{count}, namespace: {space}}}
spec:
  priority: {priority}
  containers: [{{name: main, image: x}}]
  resourceClaims: [{{name: devices, resourceClaimTemplateName: n{count}}}]
---
"""


def workload(*arrivals: tuple[Any, ...]) -> Workload:
    """Return pods ``pPnN`` of priority P for N devices, in the namespaces default and b, and their arrivals."""
    text = ""
    for space in ("default", "b"):
        for count in (1, 2, 3, 4):
            text += TEMPLATE.format(count=count, space=space)
            for priority in (0, 5, 9):
                text += POD.format(count=count, space=space, priority=priority)
    return Workload(
        api.loads(text),
        tuple(Arrival(int(t * S), None if d is None else int(d * S), pod, *more) for t, d, pod, *more in arrivals),
    )


def scenario(queue: str, *arrivals: tuple[Any, ...], devices: int = 4, nodes: int = 1) -> Scenario:
    made = row(nodes=nodes, devices=devices)
    room = {"cpu": Quantity(9), "memory": Quantity("1Ti"), "pods": Quantity(100)}
    bare = tuple(Node(metadata=node.metadata, status=NodeStatus(allocatable=room)) for node in made.nodes)
    return Scenario("s", build(replace(made, nodes=bare)), workload(*arrivals), queue=DISCIPLINES[queue])


def starts(played: Play) -> list[float | None]:
    """Return the last start of each arrival, in seconds."""
    return [None if r.started_ns is None else r.started_ns / S for r in played.records]


MIXED = ((0, 10, "p0n3"), (1, 10, "p0n4"), (2, 3, "p0n1"), (3, 20, "p0n1"))


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        # The single device is free all the time: all who fit pass the pod for four, which waits for the last of them.
        ("kubernetes", [0, 25, 2, 5]),
        # Nobody passes: the pod for four starts at 10, the others at 20.
        ("fifo", [0, 10, 20, 20]),
        # The pod for four can start at 10: the pod of 3 s is done by then, that of 20 s would put it off.
        ("backfill", [0, 10, 2, 20]),
    ],
)
def test_who_passes_a_pod_that_does_not_fit(queue: str, expected: list[float]) -> None:
    """All, nobody, or those that do not put it off."""
    assert starts(play(scenario(queue, *MIXED), FIRST_FIT, 0, check=True)) == expected


def test_backfill_looks_at_devices_too() -> None:
    """Who runs beyond the promised start may go ahead where enough is left for the first: it waits for node 0 alone."""
    # Node 0 has three of four taken up to 10, node 1 all up to 100. The first pod in the queue wants two of node 0 at
    # 10; a pod of one device that stays takes the fourth one now, and leaves three.
    arrivals = ((0, 10, "p0n3"), (0, 100, "p0n4"), (1, 10, "p0n2"), (2, 50, "p0n1"), (3, 50, "p0n2"))
    assert starts(play(scenario("backfill", *arrivals, nodes=2), FIRST_FIT, 0, check=True)) == [0, 0, 10, 2, 20]


def test_backfill_lets_all_pass_who_never_starts() -> None:
    """A pod that fits at no time has no place to keep."""
    arrivals = ((0, None, "p0n1"), (1, 10, "p0n4"), (2, 10, "p0n1"))
    assert starts(play(scenario("backfill", *arrivals), FIRST_FIT, 0)) == [0, None, 2]


def test_backfill_looks_again_when_the_first_can_start_no_more() -> None:
    """A device fails without which the first never starts: who was held back for it goes ahead."""
    made = scenario("backfill", (0, 100, "p0n1"), (1, 10, "p0n4"), (2, 200, "p0n2"))
    fails = Incident(5 * S, Fail(DeviceId(DRIVER, "node-0", "device-3")))
    assert starts(play(replace(made, incidents=(fails,)), FIRST_FIT, 0, check=True)) == [0, None, 5]


def test_priorities_come_first() -> None:
    """Of those that wait the pod of the highest priority starts first, then by arrival; nobody gives way."""
    arrivals = ((0, 10, "p0n4"), (1, 10, "p0n4"), (2, 10, "p9n4"), (3, 10, "p9n4"), (4, 10, "p5n4"))
    played = play(scenario("kubernetes", *arrivals), FIRST_FIT, 0, check=True)
    assert starts(played) == [0, 40, 10, 20, 30]
    assert [r.priority for r in played.records] == [0, 0, 9, 9, 5]


def test_fair_shares_go_by_what_namespaces_hold() -> None:
    """Of two that wait the one of the namespace that holds less comes first, though it came later."""
    arrivals = (
        (0, 10, "p0n2"),
        (0, 20, "b/p0n1"),
        (0, 5, "p0n1"),
        (1, 10, "p0n1"),
        (2, 10, "b/p0n1"),
        (3, 10, "p0n1"),
    )
    # At 5 one device is free: default holds two, b holds one, so b's comes first; at 10 two are free.
    assert starts(play(scenario("fair-share", *arrivals), FIRST_FIT, 0)) == [0, 0, 0, 10, 5, 10]
    assert starts(play(scenario("kubernetes", *arrivals), FIRST_FIT, 0)) == [0, 0, 0, 5, 10, 10]


def test_the_least_important_give_way() -> None:
    """Of three pods one of the lowest priority is displaced, the one that started last; it begins again."""
    arrivals = ((0, 10, "p5n2"), (1, 10, "p0n1"), (2, 10, "p0n1"), (4, 10, "p9n1"))
    played = play(scenario("priority", *arrivals), FIRST_FIT, 0, check=True)
    assert starts(played) == [0, 1, 10, 4]
    last = played.records[2]
    assert (last.evictions, last.preemptions, last.lost_ns, last.finished_ns) == (1, 1, 2 * S, 20 * S)
    assert [r.evictions for r in played.records] == [0, 0, 1, 0]


def test_nobody_gives_way_in_vain() -> None:
    """Not to equals, not where it would not be enough, and not more of them than it takes."""
    equal = play(scenario("priority", (0, 10, "p5n4"), (1, 10, "p5n1")), FIRST_FIT, 0)
    assert starts(equal) == [0, 10]
    vain = play(scenario("priority", (0, 10, "p9n1"), (0, 10, "p0n3"), (1, 10, "p5n4")), FIRST_FIT, 0)
    assert starts(vain) == [0, 0, 10]
    two = play(scenario("priority", (0, 10, "p0n1"), (0, 10, "p0n2"), (0, 10, "p0n1"), (1, 9, "p9n2")), FIRST_FIT, 0)
    assert [r.evictions for r in two.records] == [0, 1, 0, 0]


def test_a_group_gives_way_together() -> None:
    """Who is left of a group that must be whole is taken off its node too."""
    arrivals = ((0, 10, "p0n2", "g", 2), (0, 10, "p0n2", "g", 2), (1, 10, "p9n1"))
    played = play(scenario("priority", *arrivals), FIRST_FIT, 0, check=True)
    assert starts(played) == [11, 11, 1]
    assert [r.preemptions for r in played.records] == [1, 1, 0]


# --- groups -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [None, Greedy(FIRST_FIT), Patterns()], ids=["one by one", "greedy", "patterns"])
def test_a_gang_starts_whole_or_not_at_all(groups: Any) -> None:
    """Three pods for two devices wait until all three fit; what fits meanwhile passes."""
    gang = [(1, 10, "p0n2", "g", 3)] * 3
    played = play(
        scenario("kubernetes", (0, 5, "p0n3"), *gang, (2, 2, "p0n1"), devices=4, nodes=2),
        FIRST_FIT,
        0,
        groups=groups,
        check=True,
    )
    assert starts(played) == [0, 5, 5, 5, 2]
    alone = play(scenario("kubernetes", *gang, devices=4), FIRST_FIT, 0, groups=groups)
    assert starts(alone) == [None] * 3
    assert alone.records[0].reason.startswith("2 of 3 fit together; " if groups is None else "0 of 3 fit together; ")


def test_part_of_a_group_may_be_enough() -> None:
    """Two of three start; the third follows when there is room."""
    group = [(0, 10, "p0n2", "g", 2)] * 3
    played = play(scenario("kubernetes", *group), FIRST_FIT, 0, check=True)
    assert starts(played) == [0, 0, 10]


@pytest.mark.parametrize("groups", [None, Greedy(FIRST_FIT)], ids=["one by one", "greedy"])
def test_a_batch_starts_as_far_as_it_fits(groups: Any) -> None:
    """None of it must start for others to start."""
    batch = [(0, 10, "p0n2", "g", 0)] * 3
    assert starts(play(scenario("kubernetes", *batch), FIRST_FIT, 0, groups=groups, check=True)) == [0, 0, 10]


def test_a_gang_waits_for_its_last_pod() -> None:
    """Members that come later are waited for; who waits is told so."""
    played = play(scenario("kubernetes", (0, 9, "p0n1", "g", 2), (3, 9, "p0n1", "g", 2)), FIRST_FIT, 0)
    assert starts(played) == [3, 3]
    assert [r.refused_ns for r in played.records] == [None, None]
    assert played.series.waiting.tolist()[0] == 1


def test_a_gang_starts_when_enough_of_it_have_come() -> None:
    """Two of three are enough (K8s S79); the third joins them when it comes."""
    group = [(t, 20, "p0n1", "g", 2) for t in (0, 3, 5)]
    assert starts(play(scenario("kubernetes", *group), FIRST_FIT, 0, check=True)) == [3, 3, 5]


def test_a_gang_that_was_taken_off_starts_whole_again() -> None:
    """Its pods are one unit again, with those that waited meanwhile: none of them starts before enough can."""
    gang = [(0, 100, "p0n2", "g", 2)] * 3
    made = scenario("kubernetes", *gang, (1, 10, "p0n2"), devices=2, nodes=2)
    befalls = (Incident(5 * S, Leave("node-0")), Incident(40 * S, Join("node-0")))
    found = play(replace(made, incidents=befalls), FIRST_FIT, 0, check=True)
    # At 5 the first is thrown off, and the second with it: the pod on its own gets node-1, and then nobody does.
    assert starts(found) == [40, 40, 140, 5]
    assert [r.evictions for r in found.records] == [1, 1, 0, 0]


def test_a_pod_that_joined_a_gang_counts() -> None:
    """Three run of which two must: when one is thrown off the others stay, though one of them came later."""
    gang = [(t, 100, "p0n2", "g", 2) for t in (0, 0, 1)]
    made = replace(scenario("kubernetes", *gang, devices=2, nodes=3), incidents=(Incident(5 * S, Leave("node-0")),))
    assert starts(play(made, FIRST_FIT, 0, check=True)) == [100, 0, 1]


def test_of_a_batch_only_one_gives_way() -> None:
    """Pods of a group that may run alone are not displaced with each other."""
    batch = [(0, 10, "p0n1", "g", 1)] * 4
    found = play(scenario("priority", *batch, (1, 10, "p9n1")), FIRST_FIT, 0, check=True)
    assert [r.preemptions for r in found.records] == [0, 0, 0, 1, 0]


def test_nothing_of_a_gang_that_failed_is_left() -> None:
    """What was tried and taken back leaves devices to others, and ids of shares do not tell of it."""
    gang = [(0, 10, "p0n3", "g", 2)] * 2
    played = play(scenario("kubernetes", *gang, (0, 10, "p0n4")), FIRST_FIT, 0, check=True)
    assert starts(played) == [None, None, 0]


# --- names ------------------------------------------------------------------------------------------------------


def test_disciplines_are_found_by_name() -> None:
    """Unknown names and fields are refused; only Kubernetes' own is not ours."""
    assert discipline("fifo") == DISCIPLINES["fifo"]
    assert [name for name, made in DISCIPLINES.items() if made.upstream] == ["kubernetes"]
    with pytest.raises(
        UnknownReferenceError, match=r"queueing discipline 'lifo': unknown; did you mean fifo\? Known are kubernetes, "
    ):
        discipline("lifo")
    with pytest.raises(InputError, match="discipline x: order 'size'; use one of arrival, priority, fair-share"):
        Discipline("x", "size")  # type: ignore[arg-type]


def test_disciplines_count_in_the_key() -> None:
    """Two scenarios that differ in their queue have other digests."""
    one, other = scenario("fifo", *MIXED), scenario("backfill", *MIXED)
    differing = [name for name in one.inputs if one.inputs[name] != other.inputs[name]]
    assert differing == ["queue"]
