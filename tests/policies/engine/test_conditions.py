"""Nodes that leave and are cordoned, devices that fail and are tainted: the engine decides as the loop over nodes."""

from __future__ import annotations

import random

import numpy as np
import pytest
from msgspec.structs import replace

from drapolicy.api.core import Pod, PodSpec, Toleration
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import DeviceTaint, DeviceTaintRule, DeviceTaintRuleSpec, DeviceTaintSelector
from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import POLICIES, Best, Engine, FirstFit, Kube, Rule
from drapolicy.policies.kube import Profile
from drapolicy.policies.solvers import RandomOrder
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import (
    Change,
    Cordon,
    Fail,
    Finish,
    Join,
    Leave,
    Repair,
    Start,
    Taint,
    Uncordon,
    Untaint,
)
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.release import release
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import DRIVER, ask, ask_with, claim, request, row
from drapolicy.testing.worlds import mixed

SAID = ("node", "results", "status", "outcome", "score", "reasons", "considered", "cursor", "unmodelled")
RULES = (
    POLICIES["first-fit"],
    POLICIES["packing"],
    POLICIES["kube-scheduler"],
    POLICIES["random"],
    Rule(solver=FirstFit(), nodes=Best(), name="best of first"),
    Rule(solver=FirstFit(), nodes=Kube(Profile(ties="order")), name="ties by order"),
    Rule(solver=RandomOrder(), nodes=POLICIES["first-fit"].nodes, name="random on the first"),
)
TOLERANT = Pod(
    metadata=ObjectMeta(name="tolerant", namespace="test"), spec=PodSpec(tolerations=[Toleration(operator="Exists")])
)


def rule(name: str, *, effect: str = "NoSchedule", **selector: str) -> DeviceTaintRule:
    """Return a rule that taints what a selector chooses."""
    spec = DeviceTaintRuleSpec(
        device_selector=DeviceTaintSelector(**selector), taint=DeviceTaint(key="example.com/k", effect=effect)
    )
    return DeviceTaintRule(metadata=ObjectMeta(name=name), spec=spec)


def place(policy: Engine | Rule, state: State, wanted: Ask, seed: int = 0) -> Placement:
    return policy.place(Problem(state, (wanted,)), np.random.default_rng(seed))


def said(placement: Placement) -> list[object]:
    return [getattr(placement, field) for field in SAID]


def change(state: State, rng: random.Random, number: int) -> Change:
    """Return a change that the state can make."""
    conditions, fleet = state.conditions, state.fleet
    node = rng.randrange(len(fleet.nodes))
    name = fleet.nodes.names[node]
    choice = rng.randrange(4)
    if choice == 0 or not len(fleet.devices):
        return Join(name) if node in conditions.away else Leave(name)
    if choice == 1:
        return Uncordon(name) if node in conditions.cordoned else Cordon(name)
    if choice == 2 or not fleet.release.heeds_taint_rules:
        at = rng.randrange(len(fleet.devices))
        of = int(fleet.devices.slice[at])
        device = DeviceId(fleet.slices.driver[of] or "", fleet.slices.pool[of] or "", fleet.devices.name[at] or "")
        return Repair(device) if device in conditions.failed else Fail(device)
    if conditions.rules and rng.random() < 0.5:
        return Untaint(rng.choice(sorted(conditions.rules)))
    of = rng.randrange(len(fleet.slices))
    selector = {"driver": fleet.slices.driver[of] or "", "pool": fleet.slices.pool[of] or ""}
    kept = {key: value for key, value in selector.items() if rng.random() < 0.8}
    return Taint(rule(f"rule-{number}", **kept))


def live(policy: Rule, state: State, asks: tuple[Ask, ...], seed: int, steps: int) -> int:
    """Play asks and changes, some of them only tried; every engine must decide as the rule does."""
    rng = random.Random(seed)
    engines = [Engine(state.fleet, policy, answers=answers) for answers in (0, 1, 10**6)]

    def agree(step: int) -> Placement:
        wanted = rng.choice([one for one in asks if one.name not in state.running] or asks)
        plain = place(policy, state, wanted, step)
        for engine in engines:
            assert said(place(engine, state, wanted, step)) == said(plain), (seed, step, policy.name)
        if plain.node is not None and wanted.name not in state.running:
            state.cursor = plain.cursor
            state.apply(Start(wanted, plain.node, plain.results))
        return plain

    for step in range(steps):
        what = rng.random()
        if what < 0.3:
            state.apply(change(state, rng, step))
        elif what < 0.45:
            with state.trial():
                state.apply(change(state, rng, step))
                agree(step)
        elif what < 0.65 and state.running:
            state.apply(Finish(rng.choice(sorted(state.running))))
        else:
            agree(step)
    return engines[-1].stats.ranked


@pytest.mark.parametrize("policy", RULES, ids=lambda policy: policy.name)
def test_ranking_equals_the_loop_under_conditions(policy: Rule) -> None:
    """After any sequence of changes and trials, on unequal nodes: node, devices, score and reasons are the loop's."""
    ranked = 0
    for seed in range(12):
        world = mixed(seed)
        tolerant = tuple(ask_with(TOLERANT, *one.claims, name=f"{one.name}-t") for one in world.asks[:3])
        asks = (*world.asks, *tolerant, ask_with(TOLERANT, name="test/nothing"))
        ranked += live(policy, State(build(world.objects)), asks, seed, 30)
    assert ranked > 80


@pytest.mark.parametrize("policy", RULES[:3], ids=lambda policy: policy.name)
def test_ranking_equals_the_loop_under_conditions_with_every_feature(policy: Rule) -> None:
    """Counters, shares, pools of several nodes, and each release."""
    ranked = 0
    for seed in range(12):
        case = problem(seed, release=RELEASES[seed % len(RELEASES)])
        asks = tuple(ask_with(None, *case.claims, name=f"test/ask-{i}") for i in range(3))
        ranked += live(policy, State(build(case.objects, case.release), case.existing), asks, seed, 16)
    assert ranked


def simple(nodes: int = 3, devices: int = 2) -> Fleet:
    return build(row(nodes=nodes, devices=devices))


def device(n: int, d: int) -> DeviceId:
    return DeviceId(DRIVER, f"node-{n}", f"device-{d}")


def first(state: State, wanted: Ask) -> tuple[str | None, list[str], str]:
    """Return node, devices and message of a first fit, by the engine."""
    found = place(Engine(state.fleet, POLICIES["first-fit"]), state, wanted)
    return found.node, [item.device for made in found.results for item in made.devices.results], found.message


def test_who_is_away_is_not_there() -> None:
    """A node that left is neither taken nor counted; it is back as it was, its devices held as before."""
    state = State(simple())
    held = place(POLICIES["first-fit"], state, ask("a", 1))
    state.apply(Start(ask("a", 1), "node-0", held.results))
    state.apply(Leave("node-0"))
    assert first(state, ask("b", 1))[:2] == ("node-1", ["device-0"])
    assert first(state, ask("c", 3))[2] == "0/2 nodes are available: 2 cannot allocate all claims."
    with pytest.raises(InputError, match="start of test/b: node node-0 is away; choose another one"):
        state.apply(Start(ask("b", 1), "node-0", held.results))
    state.apply(Join("node-0"))
    assert first(state, ask("b", 1))[:2] == ("node-0", ["device-1"])


def test_who_is_cordoned_takes_only_who_tolerates_it() -> None:
    """In upstream's words; claims on their own tolerate nothing."""
    state = State(simple(nodes=1))
    state.apply(Cordon("node-0"))
    unschedulable = "0/1 nodes are available: 1 node(s) were unschedulable."
    assert first(state, ask("a", 1)) == (None, [], unschedulable)
    plain = Pod(metadata=ObjectMeta(name="plain", namespace="test"))
    assert first(state, ask_with(plain, claim("c", request(1)))) == (None, [], unschedulable)
    assert first(state, ask_with(TOLERANT, claim("c", request(1))))[0] == "node-0"
    state.apply(Uncordon("node-0"))
    assert first(state, ask("a", 1))[0] == "node-0"


def test_what_failed_is_not_published() -> None:
    """Whatever is tolerated, and for who asks for all devices too."""
    state = State(simple(nodes=1))
    state.apply(Fail(device(0, 0)))
    assert first(state, ask("a", 1))[1] == ["device-1"]
    assert first(state, ask("b", 2))[0] is None
    made = request()
    exactly = replace(made.exactly, allocation_mode="All", count=0)
    every = claim("all", replace(made, exactly=exactly))
    assert first(state, ask_with(None, every))[1] == ["device-1"]
    state.apply(Repair(device(0, 0)))
    assert first(state, ask("b", 2))[1] == ["device-0", "device-1"]


def test_taints_keep_devices_from_who_does_not_tolerate_them() -> None:
    """A rule of one pool; it goes as it came."""
    state = State(simple(nodes=2))
    state.apply(Taint(rule("r", driver=DRIVER, pool="node-0")))
    assert first(state, ask("a", 1))[0] == "node-1"
    state.apply(Untaint("r"))
    assert first(state, ask("a", 1))[0] == "node-0"


def test_rules_without_a_selector_taint_nothing_or_everything() -> None:
    """As the release has it (K8s S49)."""
    for minor, node in (("1.37", "node-0"), ("1.36", None)):
        made = build(row(nodes=1, devices=1), release(minor, gates={"DRADeviceTaintRules": True}))
        state = State(made)
        bare = rule("r")
        state.apply(Taint(replace(bare, spec=replace(bare.spec, device_selector=None))))
        assert first(state, ask("a", 1))[0] == node


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Join("node-0")], "node node-0: is not away already"),
        ([Leave("node-0"), Leave("node-0")], "node node-0: is away already"),
        ([Uncordon("node-0")], "node node-0: is not cordoned already"),
        ([Leave("node-9")], "node node-9: is not in the fleet"),
        ([Repair(device(0, 0))], f"device {device(0, 0)}: is not failed already"),
        ([Fail(device(0, 9))], f"device {device(0, 9)}: no slice of the fleet publishes it"),
        ([Untaint("r")], "taint r: is not there already"),
        ([Taint(rule("r")), Taint(rule("r"))], "taint r: is there already"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_change_is_refused(events: list[Change], message: str) -> None:
    """And nothing has changed then."""
    state = State(simple())
    for event in events[:-1]:
        state.apply(event)
    before = state.version, state.conditions.version
    with pytest.raises(InputError) as caught:
        state.apply(events[-1])
    assert str(caught.value) == message
    assert (state.version, state.conditions.version) == before


def test_rules_are_refused_where_nobody_heeds_them() -> None:
    """A release without the gate would silently ignore the taint."""
    state = State(build(row(nodes=1, devices=1), release("1.35")))
    with pytest.raises(UnsupportedFeatureError, match="heeds no DeviceTaintRules"):
        state.apply(Taint(rule("r")))
