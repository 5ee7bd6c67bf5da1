"""The engine decides as its policy does, whatever it remembers, and says when it cannot rank nodes."""

from __future__ import annotations

import random

import msgspec.structs
import numpy as np
import pytest

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import Container, Pod, PodSpec, ResourceRequirements
from drapolicy.api.resource import NodeAllocatableMapping, NodeAllocatableResource
from drapolicy.inventory import build
from drapolicy.policies import POLICIES, Best, Engine, Exact, First, FirstFit, Kube, RandomNode, Rule, inside, objective
from drapolicy.policies.kube import Profile
from drapolicy.policies.nodes import NodeRule
from drapolicy.policies.solvers import RandomOrder, Solver
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.node_allocatable import GATE
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.release import release
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import ask, ask_with, claim, device, objects, request, row
from drapolicy.testing.worlds import mixed

SAID = ("node", "results", "status", "outcome", "score", "reasons", "considered", "cursor", "unmodelled")


@objective(sense="max", unit="devices", bounds=(0, 512))
def numas(node, chosen):  # type: ignore[no-untyped-def]
    """NUMA nodes touched; reads a group of its own."""
    return np.unique(node.groups["gpu.example/numa"][chosen]).size


@objective(sense="max", unit="letters", bounds=(0, 512))
def nosy(node, chosen):  # type: ignore[no-untyped-def]
    """Length of the chosen devices' names, which no column tells."""
    return sum(len(node.devices[d].id.device) for d in chosen)


class Last(First):
    """A rule made of another one."""


RULES = (
    POLICIES["first-fit"],
    POLICIES["packing"],
    POLICIES["bandwidth"],
    POLICIES["kube-scheduler"],
    POLICIES["random"],
    Rule(solver=FirstFit(), nodes=Best(), name="best of first"),
    Rule(inside, solver=Exact(), nodes=First(), name="exact on the first"),
    Rule(numas, solver=Exact(), nodes=Best(), name="reads groups"),
    Rule(nosy, solver=Exact(), nodes=Best(), name="reads names"),
    Rule(solver=FirstFit(), nodes=Kube(Profile(ties="order")), name="ties by order"),
    Rule(solver=RandomOrder(), nodes=First(), name="random on the first"),
)


def place(policy: Engine | Rule, state: State, wanted: Ask, seed: int = 0) -> Placement:
    return policy.place(Problem(state, (wanted,)), np.random.default_rng(seed))


def said(placement: Placement) -> list[object]:
    return [getattr(placement, field) for field in SAID]


def live(rule: Rule, state: State, asks: tuple[Ask, ...], seed: int, steps: int = 30) -> list[Engine]:
    """Play asks that come and go; every engine must decide as the rule does."""
    rng = random.Random(seed)
    engines = [Engine(state.fleet, rule, answers=answers) for answers in (0, 1, 10**6)]
    for step in range(steps):
        wanted = rng.choice(asks)
        if wanted.name in state.running:
            state.apply(Finish(wanted.name))
            continue
        plain = place(rule, state, wanted, step)
        for engine in engines:
            assert said(place(engine, state, wanted, step)) == said(plain), (seed, step, rule.name)
        state.cursor = plain.cursor
        if plain.node is not None:
            state.apply(Start(wanted, plain.node, plain.results))
    return engines


def shared(asks: tuple[Ask, ...], seed: int) -> tuple[Ask, ...]:
    """Add asks for claims that others use too, and for none."""
    rng = random.Random(seed)
    made = []
    for number in range(4):
        one, other = rng.sample(asks, 2)
        made.append(ask_with(one.pod, *one.claims, *other.claims, name=f"test/both-{number}"))
        made.append(ask_with(other.pod, *one.claims, name=f"test/again-{number}"))
        made.append(ask_with(one.pod, name=f"test/none-{number}"))
    return (*asks, *made)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_ranking_equals_the_loop_on_mixed_clusters(rule: Rule) -> None:
    """Unequal nodes, little room, taints and failing selectors: node, devices, score and reasons are the loop's."""
    ranked = looked_up = 0
    for seed in range(12):
        world = mixed(seed)
        stats = live(rule, State(build(world.objects)), shared(world.asks, seed), seed)[-1].stats
        ranked += stats.ranked
        looked_up += stats.looked_up.total()
    assert ranked > 80
    assert (looked_up > 80) is (rule.name == "reads names")


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.name != "reads names"], ids=lambda rule: rule.name)
def test_ranking_equals_the_loop_with_every_feature(rule: Rule) -> None:
    """Every feature of every release: counters, shares, taints, lists, lists of alternatives."""
    ranked = 0
    for seed in range(18):
        case = problem(seed, release=RELEASES[seed % len(RELEASES)])
        asks = tuple(ask_with(None, *case.claims, name=f"test/ask-{i}") for i in range(3))
        state = State(build(case.objects, case.release), case.existing)
        asks += tuple(ask_with(None, *case.existing, *case.claims, name=f"test/held-{i}") for i in range(2))
        ranked += live(rule, state, asks, seed, steps=8)[-1].stats.ranked
    assert ranked


def test_changes_taken_back_are_seen() -> None:
    """What was tried and taken back leaves no trace in later decisions."""
    state = State(build(row(nodes=3, devices=2)))
    engine = Engine(state.fleet, POLICIES["first-fit"])
    before = place(engine, state, ask("a", 2))
    with state.trial():
        first = place(engine, state, ask("b", 2))
        assert first.node is not None
        state.apply(Start(ask("b", 2), first.node, first.results))
        assert place(engine, state, ask("a", 2)).node == "node-1"
    assert said(place(engine, state, ask("a", 2))) == said(before)


def test_decisions_cost_what_has_changed() -> None:
    """A node is asked again only when what is taken on it was never seen on a node like it."""
    state = State(build(row(nodes=200, devices=4)))
    engine = Engine(state.fleet, POLICIES["first-fit"])
    for number in range(200):
        placement = place(engine, state, ask(f"a{number}", 1 + number % 2))
        assert placement.node is not None
        assert placement.path == "ranked"
        state.apply(Start(ask(f"a{number}", 1 + number % 2), placement.node, placement.results))
    # Five fillings of four equal devices from the left, asked by two kinds.
    assert engine.stats.asked <= 10


def test_links_tell_nodes_apart() -> None:
    """Nodes that are alike but for their links do not share answers."""
    devices = {f"node-{n}": [device("a", numa=0), device("b", numa=n), device("c", numa=1)] for n in range(2)}
    state = State(build(objects(devices)))
    rule = Rule(inside, solver=Exact(), nodes=Best())
    engine = Engine(state.fleet, rule)
    for count in (2, 3):
        assert said(place(engine, state, ask("a", count))) == said(place(rule, state, ask("a", count)))
    assert engine.stats.ranked == 2


@pytest.mark.parametrize(
    ("made", "rule", "wanted", "reason"),
    [
        (row(nodes=2, devices=2), Rule(solver=RandomOrder(), nodes=Kube()), ask("a", 1), "chance decides"),
        (row(nodes=2, devices=2), Rule(solver=FirstFit(), nodes=Last()), ask("a", 1), "a node rule of one's own"),
        (row(nodes=2, devices=2), Rule(nosy, solver=Exact()), ask("a", 1), "the policy reads devices"),
    ],
)
def test_what_cannot_be_ranked_says_why(made: Objects, rule: Rule, wanted: Ask, reason: str) -> None:
    """A decision that looks at each node is counted under its reason."""
    state = State(build(made))
    engine = Engine(state.fleet, rule)
    assert said(place(engine, state, wanted)) == said(place(rule, state, wanted))
    assert [text for text in engine.stats.looked_up if text.startswith(reason)]


def test_rankings_are_bounded() -> None:
    """With room for one ranking, kinds of ask take turns and decide as before."""
    state = State(build(row(nodes=3, devices=3)))
    rule = POLICIES["first-fit"]
    engine = Engine(state.fleet, rule, memory=1)
    for count in (1, 2, 1, 3, 2):
        assert said(place(engine, state, ask("a", count))) == said(place(rule, state, ask("a", count)))


def test_a_pending_pod_says_what_each_node_lacks() -> None:
    """Taints, room and devices are counted as the loop counts them."""
    for seed in range(20):
        world = mixed(seed, nodes=5)
        state = State(build(world.objects, release()))
        greedy = ask_with(world.asks[0].pod, claim("all", request(4), request(4, name="more")), name="test/greedy")
        engine = Engine(state.fleet, POLICIES["first-fit"])
        assert said(place(engine, state, greedy)) == said(place(POLICIES["first-fit"], state, greedy))


def test_a_pod_may_lack_any_number_of_resources() -> None:
    """Reasons name each of them, however many there are."""
    needs = {f"gpu.example/part-{k}": Quantity(1) for k in range(80)}
    pod = Pod(spec=PodSpec(containers=[Container(resources=ResourceRequirements(requests=needs))]))
    state = State(build(mixed(1).objects))
    for rule in (POLICIES["first-fit"], POLICIES["kube-scheduler"]):
        assert isinstance(rule, Rule)
        wanted = ask_with(pod, claim("one", request(1)), name="test/many")
        found = place(Engine(state.fleet, rule), state, wanted)
        assert said(found) == said(place(rule, state, wanted))
        assert found.path == "ranked"


@pytest.mark.parametrize("nodes", [First(), Best(), Kube(), RandomNode()], ids=lambda nodes: nodes.name)
@pytest.mark.parametrize("solver", [FirstFit(max_steps=2), FirstFit(max_steps=4), RandomOrder(max_steps=3)])
def test_searches_that_are_cut_short_end_attempts_as_in_the_loop(nodes: NodeRule, solver: Solver) -> None:
    """Nodes that run out of steps are passed over or end the attempt, as the release has it."""
    rule = Rule(solver=solver, nodes=nodes)
    for seed in range(8):
        world = mixed(seed)
        state = State(build(world.objects, RELEASES[seed % len(RELEASES)]))
        live(rule, state, shared(world.asks, seed), seed, steps=20)


def test_devices_that_cost_room_are_left_to_the_loop() -> None:
    """With the gate, nodes are ranked where no device costs room; asks without claims are ranked in any case."""
    kubernetes = release("1.37", gates={GATE: True})
    cost = NodeAllocatableResource(mapping=NodeAllocatableMapping(device_multiplier=Quantity(1)))
    costly = msgspec.structs.replace(device("a"), node_allocatable_resources={"cpu": cost})
    pod = Pod(spec=PodSpec(containers=[Container(name="main")]))
    for made, wanted, ranked in (
        (row(nodes=2, devices=2), ask_with(pod, claim("one", request(1)), name="test/a"), True),
        (objects({"node-0": [costly]}), ask_with(pod, claim("one", request(1)), name="test/a"), False),
        (objects({"node-0": [costly]}), ask_with(pod, name="test/a"), True),
    ):
        state = State(build(made, kubernetes))
        engine = Engine(state.fleet, POLICIES["kube-scheduler"])
        placement = place(engine, state, wanted)
        assert said(placement) == said(place(POLICIES["kube-scheduler"], state, wanted))
        assert (placement.path == "ranked") is ranked
        assert bool(engine.stats.looked_up["devices that cost room"]) is not ranked
