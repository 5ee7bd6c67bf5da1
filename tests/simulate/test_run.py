"""Plays: who waits, who runs and how long, the same in every process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec.structs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy import api
from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.quantity import Quantity
from drapolicy.errors import InputError, VerificationError
from drapolicy.evaluate.scenarios import embedded
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import POLICIES, Best, Exact, Rule, objective
from drapolicy.problem.events import Fail
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.simulate import Incident, Play, Scenario, capacity, play
from drapolicy.testing.simple import DRIVER, device, objects, row
from drapolicy.topology.measures import bottleneck_mb_s
from drapolicy.workload import Arrival, Workload

S = 10**9
FIRST_FIT = POLICIES["first-fit"]

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default, annotations: {{drapolicy/communication-percent: "{percent}"}}}}
spec:
  containers: [{{name: main, image: x, resources: {{requests: {{cpu: "1"}}}}}}]
  resourceClaims: [{{name: devices, {source}}}]
---
"""
TEMPLATE = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: n{count}, namespace: default}}
spec: {{spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: any, count: {count}}}}}]}}}}}}
---
"""
OURS = "resourceClaimName: shared"
SHARED = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: shared, namespace: default}
spec: {devices: {requests: [{name: devices, exactly: {deviceClassName: any}}]}}
---
"""


def workload(*arrivals: tuple[float, float | None, str], percent: int = 0) -> Workload:
    """Return pods ``n1`` to ``n4`` that ask for so many devices, ``s`` for the shared claim, and their arrivals."""
    text = SHARED + POD.format(name="s", percent=0, source="resourceClaimName: shared")
    for count in range(1, 5):
        text += TEMPLATE.format(count=count)
        text += POD.format(name=f"n{count}", percent=percent, source=f"resourceClaimTemplateName: n{count}")
    times = tuple(Arrival(int(t * S), None if d is None else int(d * S), pod) for t, d, pod in arrivals)
    return Workload(api.loads(text), times)


def fleet(nodes: int = 1, devices: int = 4, cpu: int = 100) -> Any:
    made = row(nodes=nodes, devices=devices)
    room = {"cpu": Quantity(cpu), "memory": Quantity("1Ti"), "pods": Quantity(1000)}
    return build(
        replace(made, nodes=tuple(Node(metadata=n.metadata, status=NodeStatus(allocatable=room)) for n in made.nodes))
    )


def times(played: Play) -> list[tuple[float | None, float | None]]:
    """Return start and end of each arrival, in seconds."""
    return [
        (None if r.started_ns is None else r.started_ns / S, None if r.finished_ns is None else r.finished_ns / S)
        for r in played.records
    ]


def test_a_tiny_scenario_by_hand() -> None:
    """Four devices: the second pod waits for the first, the third goes ahead because it fits (no blocking, S75)."""
    played = play(
        Scenario("tiny", fleet(), workload((0, 10, "n3"), (1, 10, "n2"), (2, 3, "n1"), (4, 20, "n2"))), FIRST_FIT, 0
    )
    # n3 runs 0-10. n2 needs two, one is free: waits until 10. n1 runs 2-5. The second n2 waits behind the first: at
    # 10 both fit, in order of arrival.
    assert times(played) == [(0, 10), (10, 20), (2, 5), (10, 30)]
    assert [r.devices[0].rsplit("/", 1)[1] for r in played.records] == ["device-0", "device-0", "device-3", "device-2"]
    assert [r.drawn for r in played.records] == [3, 2, 1, 2]
    assert (played.end_ns, [r.pattern for r in played.records]) == (4 * S, ["n3", "n2", "n1", "n2"])
    assert [r.reason for r in played.records] == [""] * 4


def test_what_never_fits_says_why_and_blocks_nobody() -> None:
    """A pod that asks for more than there is waits for ever; later ones pass it."""
    played = play(Scenario("s", fleet(devices=2), workload((0, 5, "n4"), (1, 5, "n1"))), FIRST_FIT, 0)
    assert times(played) == [(None, None), (1, 6)]
    assert played.records[0].reason == "0/1 nodes are available: 1 cannot allocate all claims."


def test_pods_that_stay_for_ever_keep_their_devices() -> None:
    """Without a duration there is no end, and who waits for the devices waits for ever."""
    played = play(Scenario("s", fleet(devices=1), workload((0, None, "n1"), (1, 5, "n1"))), FIRST_FIT, 0)
    assert times(played) == [(0, None), (None, None)]


def test_freed_devices_go_to_those_that_come_at_the_same_time() -> None:
    """A pod that ends and one that arrives at one time: the devices are free for it."""
    played = play(Scenario("s", fleet(devices=1), workload((0, 5, "n1"), (5, 5, "n1"))), FIRST_FIT, 0)
    assert times(played) == [(0, 5), (5, 10)]


def test_nodes_resources_count() -> None:
    """Room of the node limits pods as devices do."""
    played = play(Scenario("s", fleet(cpu=1), workload((0, 5, "n1"), (1, 5, "n1"))), FIRST_FIT, 0)
    assert times(played) == [(0, 5), (5, 10)]
    assert play(Scenario("s", fleet(cpu=1), workload((0, None, "n1"), (1, 5, "n1"))), FIRST_FIT, 0).records[
        1
    ].reason == ("0/1 nodes are available: 1 Insufficient cpu.")


def test_a_shared_claim_lives_until_its_last_pod() -> None:
    """Two pods share one device; a third pod gets it when both are gone."""
    played = play(Scenario("s", fleet(devices=1), workload((0, 10, "s"), (2, 10, "s"), (3, 1, "n1"))), FIRST_FIT, 0)
    assert times(played) == [(0, 10), (2, 12), (12, 13)]


def test_a_shared_claim_that_starts_wakes_those_before_it() -> None:
    """The first pod is stopped by its node's broken device until the second allocates their claim elsewhere."""
    expression = f"device.attributes['{DRIVER}'].ok == 1"
    text = SHARED.replace(
        "deviceClassName: any", f'deviceClassName: any, selectors: [{{cel: {{expression: "{expression}"}}}}]'
    )
    for node in (1, 0):
        made = POD.format(name=f"on-{node}", percent=0, source="resourceClaimName: shared")
        text += made.replace("spec:\n", f"spec:\n  nodeSelector: {{kubernetes.io/hostname: node-{node}}}\n", 1)
    pods = Workload(api.loads(text), (Arrival(0, 10 * S, "on-1"), Arrival(0, 10 * S, "on-0")))
    base = objects({"node-0": [device("far", ok=1)], "node-1": [device("broken")]})
    nodes = tuple(
        Node(metadata=msgspec.structs.replace(n.metadata, labels={"kubernetes.io/hostname": n.metadata.name}))
        for n in base.nodes
    )
    spec = base.slices[0].spec
    pool = msgspec.structs.replace(spec.pool, name="zone")
    everywhere = msgspec.structs.replace(spec, node_name=None, all_nodes=True, pool=pool)
    slices = (msgspec.structs.replace(base.slices[0], spec=everywhere), base.slices[1])
    scenario = Scenario("s", build(replace(base, nodes=nodes, slices=slices)), pods)
    played = play(scenario, FIRST_FIT, 0)
    assert times(played) == [(0, 10), (0, 10)]
    assert [r.node for r in played.records] == ["node-1", "node-0"]
    alone = replace(scenario, workload=replace(pods, arrivals=pods.arrivals[:1]))
    assert "no such key: ok" in play(alone, FIRST_FIT, 0).records[0].reason
    broken = Incident(7 * S, Fail(DeviceId(DRIVER, "node-1", "broken")))
    assert times(play(replace(alone, incidents=(broken,)), FIRST_FIT, 0)) == [(7, 17)]


def linked(percent: int, *links: tuple[int, int, int]) -> Scenario:
    """Return four devices on one node with these links, one pod for two devices after one for one."""
    table = np.zeros((4, 4), np.int64)
    for a, b, speed in links:
        table[a, b] = table[b, a] = speed
    ids = tuple((DRIVER, "node-0", f"device-{d}") for d in range(4))
    made = fleet().with_links({"node-0": NodeLinks(ids, table)})
    return Scenario("s", made, workload((0, 100, "n1"), (1, 10, "n2"), percent=percent))


EVERY = ((0, 1, 300), (2, 3, 300), (1, 2, 30), (0, 2, 30), (0, 3, 30), (1, 3, 30))


def test_run_times_stretch_with_the_bandwidth() -> None:
    """Of 10 s 20 % wait for links: on a tenth of the ideal bandwidth they take 8 + 20 s; on the ideal one 10."""
    slow, fast = (play(linked(20, *EVERY), POLICIES[name], 0) for name in ("first-fit", "bandwidth"))
    assert (times(slow)[1], times(fast)[1]) == ((1, 29), (1, 11))
    record = slow.records[1]
    assert (record.ideal_mb_s, record.real_mb_s) == (300, 30)
    assert fast.records[1].real_mb_s == 300
    assert times(play(linked(0, *EVERY), FIRST_FIT, 0))[1] == (1, 11)


@pytest.mark.parametrize(
    ("links", "policy", "figures"),
    [
        (EVERY, "first-fit", (30, 300, 300)),
        (EVERY, "bandwidth", (300, 300, 300)),
        (((0, 1, 300), *((a, b, 30) for a, b in ((2, 3), (1, 2), (0, 2), (0, 3), (1, 3)))), "first-fit", (30, 30, 300)),
    ],
    ids=["worse than was free", "the best", "the best that was free"],
)
def test_what_was_free_and_what_a_machine_has_are_told(links: Any, policy: str, figures: tuple[int, int, int]) -> None:
    """After a single device was taken, a pair is compared with what was left and with an empty machine."""
    single, pair = play(linked(0, *links), POLICIES[policy], 0).records
    assert (single.real_mb_s, single.fleet_mb_s, single.machine_mb_s) == (0, 0, 0)
    assert (pair.real_mb_s, pair.fleet_mb_s, pair.machine_mb_s) == figures


def test_what_a_claim_held_was_not_to_be_chosen() -> None:
    """The second pod of a shared claim has no figure for the fleet; both have one for the machine."""
    pair = SHARED.replace("deviceClassName: any", "deviceClassName: any, count: 2")
    text = pair + POD.format(name="s", percent=0, source="resourceClaimName: shared")
    shared = Workload(api.loads(text), (Arrival(0, S, "s"), Arrival(0, S, "s")))
    own, joining = play(replace(linked(0, *EVERY), workload=shared), FIRST_FIT, 0).records
    assert (own.joined, own.fleet_mb_s, own.machine_mb_s) == (False, 300, 300)
    assert (joining.joined, joining.fleet_mb_s, joining.machine_mb_s) == (True, None, 300)
    assert joining.devices == own.devices


@objective(sense="max", unit="MB/s", bounds=(0, 2**52))
def slowest(node: LocalProblem, chosen: Any) -> int:
    """The slowest link of the set."""
    return bottleneck_mb_s(node.links, chosen)


ORACLE = Rule(slowest, solver=Exact(max_steps=None), nodes=Best(), name="oracle")


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_nothing_is_above_what_was_free_and_the_oracle_gets_it(seed: int) -> None:
    """What any policy gets is at most what was free, that at most what a machine has; who looks at all gets it."""
    rng = np.random.default_rng(seed)
    sizes = [("n1", "n2", "n3", "n4")[int(i)] for i in rng.integers(4, size=14)]
    arrivals = workload(*((float(t), float(rng.integers(1, 9)), size) for t, size in enumerate(sizes)))
    made = fleet(nodes=int(rng.integers(1, 4)), devices=6)
    tables = {}
    for name in made.nodes.names:
        upper = np.triu(rng.choice([5, 10, 25, 50], size=(6, 6)), 1)
        tables[name] = NodeLinks(tuple((DRIVER, name, f"device-{d}") for d in range(6)), upper + upper.T)
    scenario = Scenario("s", made.with_links(tables), arrivals)
    for policy in (ORACLE, FIRST_FIT, POLICIES["random"]):
        for r in play(scenario, policy, 0).records:
            several = len(r.devices) > 1
            assert r.fleet_mb_s is not None
            assert r.machine_mb_s is not None
            assert r.real_mb_s <= r.fleet_mb_s <= r.machine_mb_s
            assert (r.fleet_mb_s > 0) is several
            assert policy is not ORACLE or r.real_mb_s == r.fleet_mb_s


def test_claims_of_the_start_may_hold_what_is_gone() -> None:
    """A standing claim on a device that no slice publishes any more is played like any other."""
    held = api.loads(
        SHARED.replace("---", "")
        + "status: {allocation: {devices: {results: [{request: devices, driver: gone, pool: p, device: d}]}}}"
    )
    scenario = Scenario("s", fleet(), workload((0, 5, "s")), standing=held)
    played = play(scenario, FIRST_FIT, 0)
    assert (times(played), played.records[0].devices) == ([(0, 5)], ())


def test_what_stood_from_the_start_is_given_back() -> None:
    """When the last that uses it is done, who waits gets the device; who waits for room to use it is not forgotten."""
    result = f"{{request: devices, driver: {DRIVER}, pool: node-0, device: device-0}}"
    held = api.loads(SHARED.replace("---", "") + f"status: {{allocation: {{devices: {{results: [{result}]}}}}}}")
    made = Scenario("s", fleet(devices=1), workload((0, 5, "s"), (1, 5, "n1")), standing=held)
    assert times(play(made, FIRST_FIT, 0, check=True)) == [(0, 5), (5, 10)]
    bare = POD.format(name="bare", percent=0, source="").replace("resourceClaims: [{name: devices, }]", "priority: 0")
    objects = api.loads(SHARED + POD.format(name="s", percent=0, source=OURS) + bare)
    full = Workload(objects, (Arrival(0, 5 * S, "bare"), Arrival(1, 5 * S, "s")))
    assert times(play(replace(made, fleet=fleet(devices=1, cpu=1), workload=full), FIRST_FIT, 0))[1] == (5, 10)


def test_capacity_counts_whole_devices() -> None:
    """Devices, and counter sets instead of the partitions that draw from them."""
    bridged, mig = embedded()
    assert capacity(Scenario("s", fleet(2, 4), workload())) == 8
    assert (capacity(bridged), capacity(mig)) == (12 * (8 + 2), 6 * 4)


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([Arrival(-1, None, "n1"), Arrival(0, -1, "n1")], ["arrival 1: time_ns", "arrival 2: duration_ns"]),
        ([Arrival(2, None, "n1"), Arrival(1, 10**30, "n1")], ["arrival 2: time_ns", "arrival 2: duration_ns"]),
        ([Arrival(0, None, "n1", "g", 2), Arrival(0, 1, "n9")], ["arrivals: pod", "arrival 1: at_least"]),
        ([Arrival(0, None, "n1", "g", 1), Arrival(0, 1, "n1", "g", 2)], ["arrival 2: group"]),
        ([Arrival(0, None, "n1", "", 1)], ["arrival 1: at_least"]),
    ],
    ids=["negative", "order", "small group", "one group twice", "no group"],
)
def test_arrivals_that_cannot_be_are_told_together(arrivals: list[Arrival], expected: list[str]) -> None:
    """Before anything is played, by arrival and field."""
    with pytest.raises(InputError) as caught:
        replace(workload(), arrivals=tuple(arrivals))
    assert [f"{fault.object}: {fault.path}" for fault in caught.value.faults] == expected


def test_who_would_run_longer_than_records_can_tell_runs_for_ever() -> None:
    """Ten years on links a thousand times slower end after the last time that there is."""
    made = linked(100, (0, 1, 3000), (0, 2, 1), (0, 3, 1), (1, 2, 1), (1, 3, 1), (2, 3, 1))
    ten_years = Arrival(S, 10 * 365 * 24 * 3600 * S, "n2")
    made = replace(made, workload=replace(made.workload, arrivals=(made.workload.arrivals[0], ten_years)))
    assert times(play(made, FIRST_FIT, 0))[1] == (1, None)


def test_nothing_arrives() -> None:
    """An empty workload is played."""
    assert play(Scenario("s", fleet(), workload()), FIRST_FIT, 3).records == ()


def shortened(scenario: Scenario, count: int) -> Scenario:
    return replace(scenario, workload=replace(scenario.workload, arrivals=scenario.workload.arrivals[:count]))


@pytest.mark.parametrize("which", [0, 1], ids=["bridged-a100", "mig-a100"])
@pytest.mark.parametrize("name", POLICIES)
def test_placements_of_the_datasets_verify(name: str, which: int) -> None:
    """The independent checker passes every placement, and nothing is held twice at a time."""
    scenario = shortened(embedded()[which], 90)
    played = play(scenario, POLICIES[name], 1, check=True)
    spans: dict[str, list[tuple[int, int]]] = {}
    for r in played.records:
        assert r.started_ns is not None
        assert r.finished_ns is not None
        assert r.started_ns >= r.arrived_ns
        for held in r.devices:
            spans.setdefault(held, []).append((r.started_ns, r.finished_ns))
    for own in spans.values():
        own.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(own))


class Liar:
    """Gives everybody the first device."""

    name = "liar"

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        empty = Problem(Scenario("s", problem.fleet, workload()).state(), problem.asks)
        return FIRST_FIT.place(empty, rng)


def test_check_finds_a_policy_that_lies() -> None:
    """With ``check`` a device that is given twice is an error that names the rule."""
    scenario = Scenario("s", fleet(), workload((0, 5, "n1"), (1, 5, "n1")))
    with pytest.raises(VerificationError):
        play(scenario, Liar(), 0, check=True)


def test_progress_is_told() -> None:
    """Progress counts arrivals up to all."""
    calls: list[tuple[int, int]] = []
    scenario = Scenario("s", fleet(), workload((0, 5, "n1"), (1, 5, "n1")))
    play(scenario, FIRST_FIT, 0, progress=lambda done, total: calls.append((done, total)))
    assert calls[0] == (1, 2)
    assert calls[-1] == (2, 2)


def digest(name: str, seed: int) -> str:
    played = play(shortened(embedded()[0], 80), POLICIES[name], seed)
    return hashlib.sha256(repr(played.records).encode()).hexdigest()


def test_a_seed_is_a_world() -> None:
    """The same seed gives the same play, another one another, and all policies meet the same arrivals."""
    assert digest("random", 4) == digest("random", 4) != digest("random", 5)
    worlds = {
        tuple((r.name, r.arrived_ns, r.ideal_ns) for r in play(shortened(embedded()[0], 60), p, 2).records)
        for p in POLICIES.values()
    }
    assert len(worlds) == 1


@pytest.mark.parametrize("name", ["random", "bandwidth"])
def test_other_processes_play_the_same(name: str, root: Any) -> None:
    """Neither the process nor its hash seed changes a play."""
    code = (
        "import hashlib; from dataclasses import replace\n"
        "from drapolicy.evaluate.scenarios import embedded\n"
        "from drapolicy.policies import POLICIES\n"
        "from drapolicy.simulate import play\n"
        "s = embedded()[0]; s = replace(s, workload=replace(s.workload, arrivals=s.workload.arrivals[:80]))\n"
        f"print(hashlib.sha256(repr(play(s, POLICIES[{name!r}], 4).records).encode()).hexdigest())\n"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(root)}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(name, 4)
