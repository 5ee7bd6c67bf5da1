"""Rules and engines: the node that each node rule takes, what stops a cycle, and what may be remembered."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any

import msgspec.structs
import numpy as np
import pytest

from drapolicy.api import Objects
from drapolicy.api.core import (
    Affinity,
    Container,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    ResourceRequirements,
    Taint,
)
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    CapacityRequestPolicy,
    DeviceAllocationResult,
    DeviceCapacity,
    DeviceRequestAllocationResult,
    ResourceClaim,
)
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import build
from drapolicy.policies import POLICIES, Best, Engine, Exact, First, FirstFit, Kube, RandomNode, Rule, objective, policy
from drapolicy.policies.kube import Candidate, NodeTree, Profile, scores
from drapolicy.policies.kube.sampling import ZONE_LABELS
from drapolicy.policies.memory import Key, Memory
from drapolicy.policies.nodes import snapshot_order
from drapolicy.problem.ask import Ask, ask_of
from drapolicy.problem.events import Start
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.rooms import room_of
from drapolicy.problem.state import State
from drapolicy.testing.simple import DRIVER, ask, ask_with, claim, device, first_of, objects, request, row

STOCK = POLICIES["kube-scheduler"]
OF = f"device.attributes['{DRIVER}']"


@objective(sense="max", unit="", bounds=(0, 10**6))
def lone(node: Any, left: Any) -> int:
    """Free devices that stay."""
    return int(left.size)


def place(rule: Any, state: State, wanted: Ask, seed: int = 0) -> Placement:
    return rule.place(Problem(state, (wanted,)), np.random.default_rng(seed))


def started(state: State, wanted: Ask, rule: Any = POLICIES["first-fit"]) -> Placement:
    placement = place(rule, state, wanted)
    assert placement.node is not None
    state.apply(Start(wanted, placement.node, placement.results))
    state.cursor = placement.cursor
    return placement


def equipped(made: Objects, **of_node: NodeSpec) -> Objects:
    """Return a fleet whose nodes have room, and specs by name."""
    room = {"cpu": Quantity("8"), "memory": Quantity("16Gi"), "pods": Quantity("10")}
    nodes = [
        Node(
            metadata=replace_labels(node.metadata),
            spec=of_node.get(node.metadata.name.replace("-", "_"), NodeSpec()),
            status=NodeStatus(allocatable=room),
        )
        for node in made.nodes
    ]
    return replace(made, nodes=tuple(nodes))


def replace_labels(meta: ObjectMeta) -> ObjectMeta:
    return msgspec.structs.replace(meta, labels={"kubernetes.io/hostname": meta.name})


def pod(cpu: int = 1, **spec: Any) -> Pod:
    resources = ResourceRequirements(requests={"cpu": Quantity(cpu)})
    made = PodSpec(containers=[Container(resources=resources)], **spec)
    return Pod(metadata=ObjectMeta(name="pod", namespace="test"), spec=made)


def on(name: str) -> Affinity:
    """Return an affinity to one node by its label."""
    term = NodeSelectorTerm(
        match_expressions=[NodeSelectorRequirement(key="kubernetes.io/hostname", operator="In", values=[name])]
    )
    selector = NodeSelector(node_selector_terms=[term])
    return Affinity(node_affinity=NodeAffinity(required_during_scheduling_ignored_during_execution=selector))


# --- which node ----------------------------------------------------------------------------------------------


def test_first_takes_the_first_node_that_fits() -> None:
    """Nodes without devices for the ask are passed over, with their number as the reason."""
    state = State(build(objects({"node-0": [], "node-1": [device("a")], "node-2": [device("a")]})))
    placement = place(POLICIES["first-fit"], state, ask("a", 1))
    assert (placement.node, placement.considered, placement.reasons) == ("node-1", 2, {})
    assert placement.message == "assigned to node-1"


def test_random_nodes_are_fair() -> None:
    """Each node that fits comes up about as often as any other."""
    state = State(build(objects({"node-0": [], **{f"node-{n}": [device("a")] for n in (1, 2, 3)}})))
    rng = np.random.default_rng(1)
    rule = Rule(solver=FirstFit(), nodes=RandomNode())
    names = [rule.place(Problem(state, (ask("a", 1),)), rng).node for _ in range(300)]
    assert {name: names.count(name) > 70 for name in set(names)} == {f"node-{n}": True for n in (1, 2, 3)}


def test_best_takes_the_first_of_the_best_nodes() -> None:
    """More devices stay free on the second node and as many on the third."""
    state = State(
        build(objects({f"node-{n}": [device(f"d{i}") for i in range(size)] for n, size in enumerate((2, 4, 4))}))
    )
    rule = Rule(lone, solver=FirstFit(), nodes=Best())
    placement = place(rule, state, ask("a", 1))
    assert (placement.node, dict(placement.score), placement.considered) == ("node-1", {"lone": 3}, 3)


def test_best_prefers_earlier_alternatives_to_any_score() -> None:
    """A node with the first alternative wins over one that would score better with the second (S68)."""
    state = State(
        build(objects({"node-0": [device(f"d{i}", big=0) for i in range(4)], "node-1": [device("d0", big=1)]}))
    )
    wanted = ask_with(None, claim("c", first_of((1, f"{OF}.big == 1"), (1, ""))))
    assert place(Rule(lone, solver=FirstFit(), nodes=Best()), state, wanted).node == "node-1"


def test_kube_is_its_functions_used_by_hand() -> None:
    """Scores, tie and devices equal those of policies.kube on the same rooms and alternatives."""
    made = equipped(
        objects({"node-0": [device("d0", big=0)], "node-1": [device("d0", big=1)], "node-2": [device("d0", big=0)]})
    )
    state = State(build(made))
    started(state, ask_with(pod(6), name="test/busy"))
    wanted = ask_with(pod(1), claim("c", first_of((1, f"{OF}.big == 1"), (1, ""))))
    assert wanted.pod is not None
    rooms = [room_of(node) for node in made.nodes]
    rooms[0].add(pod(6))
    ranks = (7, 8, 7)
    candidates = [Candidate(n, room, rank) for n, room, rank in zip(made.nodes, rooms, ranks, strict=True)]
    parts, totals = scores(wanted.pod, candidates)
    assert totals.index(max(totals)) == 1
    placement = place(STOCK, state, wanted)
    assert placement.node == "node-1"
    assert dict(placement.score) == parts[1]


def test_kube_counts_the_alternatives_of_claims_that_are_allocated() -> None:
    """A held claim adds 8 to every node's rank, which changes the shares of the rest (S68, 1.36 and later)."""
    soft = NodeSpec(taints=[Taint(key="k", effect="PreferNoSchedule")])
    made = equipped(objects({"node-0": [device("a", big=0)], "node-1": [device("a", big=1)]}), node_1=soft)
    state = State(build(made))
    held = claim("held", first_of((1, ""), (2, "")))
    far = DeviceRequestAllocationResult(request="devices/a0", driver="net.example", pool="far", device="d")
    allocation = AllocationResult(devices=DeviceAllocationResult(results=[far]))
    state.apply(Start(ask_with(None, held, name="test/holder"), "node-0", (allocation,)))
    own = claim("c", first_of((1, f"{OF}.big == 1"), (1, "")))
    placement = place(STOCK, state, ask_with(pod(), held, own))
    # node-1 has the taint, so node-0 wins by TaintToleration; its rank is 7 + 8 of 8 + 8: 100 * 15 // 16 = 93.
    assert (placement.node, placement.score["DynamicResources"]) == ("node-0", 2 * 93)


def test_ties_go_by_seed() -> None:
    """Of equal nodes the seed draws one: the same for the same seed, all of them over many."""
    state = State(build(equipped(row(nodes=4, devices=1))))
    wanted = ask_with(pod(), claim("c", request()))
    names = [place(STOCK, state, wanted, seed).node for seed in range(40)]
    assert names == [place(STOCK, state, wanted, seed).node for seed in range(40)]
    assert set(names) == {f"node-{n}" for n in range(4)}
    in_order = Rule(solver=FirstFit(), nodes=Kube(Profile(ties="order")))
    assert {place(in_order, state, wanted, seed).node for seed in range(5)} == {"node-0"}


def test_rotation_over_many_nodes() -> None:
    """Of 250 nodes 120 are scored (48 %), the one too many is looked at, and the next cycle starts behind them."""
    state = State(build(equipped(row(nodes=250, devices=1))))
    wanted = ask_with(pod(), claim("c", request()))
    first = place(STOCK, state, wanted)
    assert (first.considered, first.cursor) == (121, 120)
    state.cursor = first.cursor
    second = place(STOCK, state, wanted)
    assert (second.considered, second.cursor) == (121, 240)
    state.cursor = second.cursor
    assert place(STOCK, state, wanted).cursor == (240 + 120) % 250
    assert first.node is not None
    assert second.node is not None
    assert int(first.node.split("-")[1]) < 120 <= int(second.node.split("-")[1]) < 240


def test_the_snapshot_takes_zones_in_turn() -> None:
    """Nodes are looked at one of each zone in turn."""
    made = row(nodes=4, devices=0)
    zones = {"node-0": "a", "node-1": "a", "node-2": "b", "node-3": "b"}
    nodes = tuple(
        msgspec.structs.replace(
            node,
            metadata=msgspec.structs.replace(
                node.metadata, labels={"topology.kubernetes.io/zone": zones[node.metadata.name]}
            ),
        )
        for node in made.nodes
    )
    assert snapshot_order(build(replace(made, nodes=nodes))).tolist() == [0, 2, 1, 3]


# --- what keeps nodes out ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", POLICIES)
def test_every_policy_works_behind_the_filters(rule: str) -> None:
    """Cordoned, tainted, full and unselected nodes are no nodes for the pod, whatever the policy."""
    taint = NodeSpec(taints=[Taint(key="k", effect="NoSchedule")])
    made = equipped(row(nodes=5, devices=1), node_0=NodeSpec(unschedulable=True), node_1=taint)
    state = State(build(made))
    started(state, ask_with(pod(8, affinity=on("node-2")), name="test/full"))
    wanted = ask_with(pod(affinity=on("node-4")), claim("c", request()))
    assert place(POLICIES[rule], state, wanted).node == "node-4"
    nowhere = ask_with(pod(9), claim("c", request()))
    placement = place(POLICIES[rule], state, nowhere)
    assert placement.node is None
    assert placement.reasons == {
        "node(s) were unschedulable": 1,
        "node(s) had untolerated taint(s)": 1,
        "Insufficient cpu": 3,
    }
    assert placement.message == (
        "0/5 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 3 Insufficient cpu."
    )


@pytest.mark.parametrize("rule", POLICIES)
def test_held_claims_pin_the_pod_to_their_node(rule: str) -> None:
    """A second pod of a shared claim goes where the claim's device is, without new devices."""
    state = State(build(equipped(row(nodes=3, devices=1))))
    shared = claim("shared", request())
    started(state, ask_with(pod(affinity=on("node-1")), shared, name="test/one"))
    placement = place(POLICIES[rule], state, ask_with(pod(), shared, name="test/two"))
    assert (placement.node, placement.results, placement.outcome) == ("node-1", (), Fits(()))


@pytest.mark.parametrize("rule", POLICIES)
def test_pods_without_claims_are_placed(rule: str) -> None:
    """A pod that asks for no devices needs room alone."""
    placement = place(POLICIES[rule], State(build(equipped(row(nodes=2, devices=0)))), ask_with(pod()))
    assert placement.placed
    assert placement.results == ()


@pytest.mark.parametrize("rule", POLICIES)
@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (ask_with(None, claim("c", request(cls="gone"))), "request devices: device class gone does not exist"),
        (
            ask_with(None, claim("a", request()), claim("b", request(cls="gone", name="two"))),
            "request two: device class gone does not exist",
        ),
        (
            replace(ask("a", 1), blocked='resourceclaim "c" is being deleted'),
            'resourceclaim "c" is being deleted',
        ),
    ],
)
def test_what_ends_the_attempt_before_any_node(rule: str, wanted: Ask, text: str) -> None:
    """A missing class (S66) and a pod that cannot be queued (S63) stop the attempt with upstream's text."""
    placement = place(POLICIES[rule], State(build(row(nodes=2, devices=2))), wanted)
    assert (placement.node, placement.outcome, placement.status) == (None, Abort(text), "not_found")
    assert placement.considered == 0


@pytest.mark.parametrize("rule", [name for name, made in POLICIES.items() if not isinstance(made.nodes, First)])
def test_an_abort_on_any_node_that_is_looked_at_ends_the_attempt(rule: str) -> None:
    """A selector that fails on one node's device ends the cycle of every policy that looks at all nodes."""
    state = State(build(objects({"node-0": [device("a", size=1)], "node-1": [device("b")]})))
    wanted = ask_with(None, claim("c", request(1, f"{OF}.size == 1")))
    seeds = range(8) if rule == "random" else range(1)
    outcomes = [place(POLICIES[rule], state, wanted, seed).outcome for seed in seeds]
    assert any(isinstance(outcome, Abort) for outcome in outcomes)


def test_a_node_of_its_own_fault_is_passed_over() -> None:
    """An invalid pool on one node leaves the others; where no node is left its text is the outcome (I5)."""
    twice = [device("a"), device("a")]
    made = objects({"node-0": twice, "node-1": [device("a")]})
    assert place(POLICIES["first-fit"], State(build(made)), ask("a", 1)).node == "node-1"
    placement = place(POLICIES["first-fit"], State(build(objects({"node-0": twice}))), ask("a", 1))
    assert placement.outcome == NodeError("invalid resource pools were encountered")
    assert placement.reasons == {"invalid resource pools were encountered": 1}


@pytest.mark.parametrize("rule", POLICIES)
def test_edges_are_answered(rule: str) -> None:
    """No nodes, a pod bigger than any node, a claim without requests and admin access."""
    empty = State(build(row(nodes=0, devices=0)))
    nothing = place(POLICIES[rule], empty, ask("a", 1))
    assert (nothing.node, nothing.outcome, nothing.status) == (None, NoFit(), "infeasible")
    state = State(build(equipped(row(nodes=2, devices=1))))
    assert not place(POLICIES[rule], state, ask_with(pod(1000))).placed
    bare = place(POLICIES[rule], state, ask_with(None, claim("bare")))
    assert (bare.placed, [len(r.devices.results) for r in bare.results]) == (True, [0])
    for n in range(2):
        started(state, ask(f"taker-{n}", 1))
    watching = request()
    assert watching.exactly is not None
    watching = msgspec.structs.replace(watching, exactly=msgspec.structs.replace(watching.exactly, admin_access=True))
    admin = place(POLICIES[rule], state, ask_with(None, claim("admin", watching)))
    assert admin.placed
    assert admin.results[0].devices.results[0].admin_access


def test_two_claims_of_one_kind_in_two_namespaces() -> None:
    """Equal claims of different namespaces are different claims: each gets its own device."""
    state, wanted = State(build(row(nodes=1, devices=2))), []
    engine = Engine(state.fleet, POLICIES["first-fit"])
    for namespace in ("one", "two"):
        own = ask_with(None, claim("c", request(), namespace=namespace), name=f"{namespace}/c")
        placement = place(engine, state, own)
        assert placement.node is not None
        state.apply(Start(own, placement.node, placement.results))
        wanted.append(placement.results[0].devices.results[0].device)
    assert wanted == ["device-0", "device-1"]


# --- memory --------------------------------------------------------------------------------------------------


def test_an_engine_may_see_several_states() -> None:
    """What a node answered in one state is not taken for its answer in another that changed as often."""
    fleet = build(row(nodes=1, devices=2))
    engine = Engine(fleet, POLICIES["first-fit"])
    found = []
    for held in ("device-0", "device-1"):
        taken = DeviceRequestAllocationResult(request="devices", driver=DRIVER, pool="node-0", device=held)
        state = State(fleet)
        allocation = AllocationResult(devices=DeviceAllocationResult(results=[taken]))
        state.apply(Start(ask("x", 1), "node-0", (allocation,)))
        found.append(place(engine, state, ask("z", 1)).results[0].devices.results[0].device)
    assert found == ["device-1", "device-0"]


class Own(First):
    """A node rule that the engine does not know."""


def test_memory_is_used_and_said() -> None:
    """Where nodes are not ranked, the second ask of a kind is answered from memory, unless the node changed."""
    state = State(build(row(nodes=1, devices=2)))
    engine = Engine(state.fleet, Rule(solver=FirstFit(), nodes=Own()))
    paths = [place(engine, state, ask(name, 1)).path for name in "ab"]
    started(state, ask("c", 1))
    paths.append(place(engine, state, ask("d", 1)).path)
    assert paths == ["reference", "cached", "reference"]
    assert (engine.memory.hits, engine.memory.misses) == (1, 2)


def test_memory_is_bounded() -> None:
    """The answers used least are forgotten first; a memory of 0 keeps nothing."""
    from drapolicy.policies.answer import Answer

    memory, stamp = Memory(2), (0, 0, 0)
    keys = [Key(b"", (True,), n) for n in range(3)]
    for key in keys[:2]:
        memory.keep(key, stamp, Answer(NoFit()))
    assert memory.recall(keys[0], stamp) is not None
    memory.keep(keys[2], stamp, Answer(NoFit()))
    assert [memory.recall(key, stamp) is not None for key in keys] == [True, False, True]
    assert memory.recall(keys[0], (0, 1, 0)) is None
    nothing = Memory(0)
    nothing.keep(keys[0], stamp, Answer(NoFit()))
    assert nothing.recall(keys[0], stamp) is None


def test_an_engine_is_of_one_fleet() -> None:
    """A problem of another fleet, be it an equal one, is refused."""
    engine = Engine(build(row(nodes=1, devices=1)), POLICIES["first-fit"])
    with pytest.raises(InputError, match="engine: the problem is about another fleet"):
        place(engine, State(build(row(nodes=1, devices=1))), ask("a", 1))


def test_kinds_tell_apart_what_answers_depend_on() -> None:
    """Names are no part of a kind; counts, selectors, namespaces, the pod's spec and spellings of amounts are."""

    def sized(text: str) -> ResourceClaim:
        from drapolicy.api.resource import CapacityRequirements

        made = request()
        assert made.exactly is not None
        exactly = msgspec.structs.replace(made.exactly, capacity=CapacityRequirements(requests={"m": Quantity(text)}))
        return claim("c", msgspec.structs.replace(made, exactly=exactly))

    assert ask("a", 1).kind == ask("b", 1).kind
    different = [
        ask("a", 1),
        ask("a", 2),
        ask_with(None, claim("a", request(1, "true"))),
        ask_with(None, claim("a", request(), namespace="other")),
        ask_with(pod(1), claim("a", request())),
        ask_with(pod(2), claim("a", request())),
        ask_with(pod(1, node_name="node-1"), claim("a", request())),
        *(ask_with(None, sized(text)) for text in ("1", "1000m", "2", "1.5Gi", "1536Mi")),
    ]
    assert len({wanted.kind for wanted in different}) == len(different)


# --- shares, names, errors -----------------------------------------------------------------------------------


def test_shares_have_ids_of_their_own() -> None:
    """Two asks share a device under different ids, the same in any run, and with memory."""

    capacity = DeviceCapacity(value=Quantity("10Gi"), request_policy=CapacityRequestPolicy(default=Quantity("1Gi")))

    def ids() -> list[str | None]:
        shared = msgspec.structs.replace(device("a"), allow_multiple_allocations=True, capacity={"m": capacity})
        state = State(build(objects({"node-0": [shared]})))
        engine = Engine(state.fleet, POLICIES["packing"])
        found = []
        for name in "ab":
            own = ask_with(None, claim(name, request(), request(name="again")), name=f"test/{name}")
            placement = place(engine, state, own)
            assert placement.node is not None
            found += [r.share_id for result in placement.results for r in result.devices.results]
            state.apply(Start(own, placement.node, placement.results))
        return found

    first = ids()
    assert first == ids()
    assert len(first) == len(set(first)) == 4
    assert None not in first


def test_policies_are_found_by_name() -> None:
    """A name gives the policy of the table, a policy itself, an unknown name an error that lists the table."""
    assert policy("packing") is POLICIES["packing"]
    assert policy(STOCK) is STOCK
    with pytest.raises(
        UnknownReferenceError, match=r"policy 'best': unknown; did you mean best-fit\? Known are kube-scheduler, "
    ):
        policy("best")
    assert Rule(solver=FirstFit(), nodes=First()).name == "first-fit/first"
    assert all(name == item.name for name, item in POLICIES.items())


def test_asks_of_pods_name_their_claims() -> None:
    """What ask_of finds is placed: a pod's claim by name."""
    from drapolicy.api.core import PodResourceClaim

    user = pod(resource_claims=[PodResourceClaim(name="devices", resource_claim_name="c")])
    found = ask_of(user, {"test/c": claim("c", request())})
    assert (found.name, found.blocked, [c.metadata.name for c in found.claims]) == ("test/pod", "", ["c"])
    assert ask_of(user, {}).blocked == 'resourceclaim "c" not found'


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"solver": "exact"}, "rule: solver 'exact' is no Solver; use for example Exact()"),
        ({"solver": Exact}, "is no Solver"),
        ({"nodes": None}, "rule: nodes None is no NodeRule; use for example Best()"),
    ],
)
def test_parts_that_are_none_are_named(parts: dict[str, Any], message: str) -> None:
    """A name or a class in place of a part is told when the rule is made, not in the middle of a decision."""
    with pytest.raises(InputError, match=re.escape(message)):
        Rule(**parts)


def test_snapshot_order_is_that_of_the_tree_of_nodes() -> None:
    """Old and new labels of regions and zones, nodes that are away: the order is what a tree of those there gives."""
    for seed in range(60):
        rng = random.Random(seed)
        nodes = [
            Node(
                metadata=ObjectMeta(
                    name=f"n{n}", labels={k: rng.choice("ab") for k in ZONE_LABELS if rng.random() < 0.4}
                )
            )
            for n in rng.sample(range(50), rng.randint(0, 12))
        ]
        fleet = build(Objects(nodes=tuple(nodes)))
        away = frozenset(n for n in range(len(nodes)) if rng.random() < seed % 3 / 4)
        tree = NodeTree([node for n, node in enumerate(nodes) if n not in away])
        assert [fleet.nodes.names[n] for n in snapshot_order(fleet, away)] == tree.order()
