"""Nodes of partitions and of shared devices are ranked by what is taken of their parts, and decided as by the loop."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import msgspec.structs
import numpy as np
import pytest

from drapolicy.api import Objects, Quantity
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    AllocationResult,
    CounterSet,
    Device,
    DeviceAllocationResult,
    DeviceCounterConsumption,
    DeviceRequestAllocationResult,
    ResourceClaim,
    ResourceClaimStatus,
)
from drapolicy.api.resource import Counter as Counted
from drapolicy.inventory import build
from drapolicy.policies import POLICIES, Best, Engine, Exact, First, FirstFit, Rule, objective
from drapolicy.policies.engine import engine as module
from drapolicy.policies.engine.part_kind import PartKind
from drapolicy.policies.engine.parts import Parts, divided
from drapolicy.policies.objective import as_objective
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.sites import Sites
from drapolicy.problem.state import State
from drapolicy.release import release
from drapolicy.testing.cards import world
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.simple import DRIVER, claim, objects, request
from drapolicy.testing.simple import ask_with as asked
from drapolicy.workload import fleet as made_fleet


@objective(sense="max", unit="points", bounds=(0, 512))
def places(node, chosen):  # type: ignore[no-untyped-def]
    """Points of the chosen positions, in no order."""
    return int((chosen * 5 % 7).sum())


@objective(sense="min", unit="cards", bounds=(0, 512))
def cards(node, chosen):  # type: ignore[no-untyped-def]
    """Cards that are touched; reads a group."""
    return np.unique(node.groups["gpu.example/card"][chosen]).size


SAID = ("node", "results", "status", "outcome", "score", "reasons", "considered", "cursor", "unmodelled")

RULES = (
    POLICIES["first-fit"],
    POLICIES["kube-scheduler"],
    Rule(solver=FirstFit(), nodes=Best(), name="best of first"),
    Rule(places, solver=Exact(), nodes=Best(), name="best of best"),
    Rule(places, solver=Exact(), nodes=First(), name="best on the first"),
    Rule(places, solver=FirstFit(), nodes=Best(), name="first devices, best node"),
    Rule(cards, solver=Exact(), nodes=Best(), name="reads groups"),
)


@pytest.fixture(autouse=True)
def _by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares are not decided by rows of amounts, which would come first."""
    monkeypatch.setattr(module, "suits", lambda _rule: False)


def live(rule: Rule, state: State, asks: tuple[Ask, ...], seed: int, *, steps: int = 20) -> Engine:
    """Play asks that come and go; engines that remember little, and one that renumbers, must decide as the rule."""
    rng = random.Random(seed)
    engines = [Engine(state.fleet, rule, answers=answers) for answers in (1, 10**6, 10**6)]
    engines[1]._layout(state)
    small = engines[1]._maker
    small.parts = Parts(small.layout, most=3)
    for step in range(steps):
        wanted = rng.choice(asks)
        if wanted.name in state.running:
            state.apply(Finish(wanted.name))
            continue
        problem = Problem(state, (wanted,))
        plain = rule.place(problem, np.random.default_rng(step))
        for engine in engines:
            got = engine.place(problem, np.random.default_rng(step))
            for name in SAID:
                assert getattr(got, name) == getattr(plain, name), (seed, step, name)
        state.cursor = plain.cursor
        if plain.node is not None:
            state.apply(Start(wanted, plain.node, plain.results))
    return engines[-1]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_parts_decide_as_the_loop(rule: Rule) -> None:
    """Cards in partitions, shares, lists, constraints, overdrawn counters: all that is said is what the loop says."""
    used = Counter[str]()
    for seed in range(10):
        state, asks = world(seed, RELEASES[-1 - seed % 4])
        for kind in live(rule, state, asks, seed).kinds:
            if isinstance(kind, PartKind):
                used["by parts"] += 1
                used["several"] += kind.facets.count > 0
                used["whole"] += any(facet.content >= 0 for facet in kind.facets)
    assert used["by parts"] > 5
    assert used["whole"]
    aimless = not as_objective(rule.objective).levels and isinstance(rule.solver, FirstFit)
    assert (used["several"] > 0) is aimless


def test_partitions_are_known_by_their_cards() -> None:
    """Nodes of MIG partitions are hardly ever as one was before; after a while nothing has to be found any more."""
    fleet = made_fleet("a100-mig")
    state = State(fleet)
    engine = Engine(fleet, POLICIES["first-fit"])
    cls = next(name for name in fleet.classes if "mig" in name)
    rng = random.Random(1)
    asks = [asked(None, claim(f"c{i}", request(1, cls=cls)), name=f"test/{i}") for i in range(24)]
    found = []
    for _ in range(400):
        wanted = rng.choice(asks)
        if wanted.name in state.running:
            state.apply(Finish(wanted.name))
            continue
        before = engine.stats.asked
        placement = engine.place(Problem(state, (wanted,)), np.random.default_rng(0))
        found.append(engine.stats.asked - before)
        if placement.node is not None:
            state.apply(Start(wanted, placement.node, placement.results))
    assert all(isinstance(kind, PartKind) for kind in engine.kinds)
    assert sum(found[-50:]) < sum(found) / 20


def test_a_part_is_what_draws_on_one_counter_set() -> None:
    """Devices of a card are one part, those that draw nothing are each on their own; positions ascend."""
    state, _ = world(3, release("1.36"))
    for site in (Sites(state.fleet)[n] for n in range(len(state.fleet.nodes))):
        parts = divided(site.devices)
        assert sorted(p for part in parts for p in part.tolist()) == list(range(len(site.devices)))
        for part in parts:
            sets = {name for d in part.tolist() for (name, _), _ in site.devices[d].counters}
            assert len(sets) == 1 if len(part) > 1 else len(sets) <= 1


def drawing(total: int, wholes: int, *, shared: bool = False) -> Objects:
    """Return a node whose devices draw one each of a counter, ``share`` among them if one is to be shared."""
    uses = [DeviceCounterConsumption(counter_set="card", counters={"slots": Counted(value=Quantity(1))})]
    devices = [Device(name=f"gpu-{number:03d}", consumes_counters=uses) for number in range(wholes)]
    if shared:
        devices.append(Device(name="share", consumes_counters=uses, allow_multiple_allocations=True))
    made = objects({"node-0": devices})
    card = CounterSet(name="card", counters={"slots": Counted(value=Quantity(total))})
    (published,) = made.slices
    pool = msgspec.structs.replace(published.spec.pool, resource_slice_count=2)
    spec = msgspec.structs.replace(published.spec, pool=pool)
    counters = msgspec.structs.replace(spec, devices=[], shared_counters=[card])
    slices = (
        msgspec.structs.replace(published, spec=spec),
        msgspec.structs.replace(published, metadata=ObjectMeta(name="counters"), spec=counters),
    )
    return replace(made, slices=slices)


@pytest.mark.parametrize(
    ("made", "held", "count", "fits"),
    [
        # Counters are told up to what one ask may draw; what others hold must not be taken from that.
        (drawing(1000, 60), [f"gpu-{number:03d}" for number in range(31)], 2, True),
        (drawing(33, 60), [f"gpu-{number:03d}" for number in range(31)], 2, True),
        (drawing(32, 60), [f"gpu-{number:03d}" for number in range(31)], 2, False),
        (drawing(1, 3, shared=True), ["share"], 2, False),
        (drawing(2, 3, shared=True), ["share"], 1, True),
    ],
)
def test_what_others_draw_is_counted_in_full(made: Objects, held: list[str], count: int, fits: bool) -> None:
    """Ample counters are not used up by many holders, and shares draw as devices do."""
    rule = POLICIES["first-fit"]
    state = State(build(made), tuple(holder(name) for name in held))
    wanted = asked(None, claim("c", request(count)))
    placement = Engine(state.fleet, rule).place(Problem(state, (wanted,)), np.random.default_rng(0))
    assert (placement.node is not None) is fits
    assert placement.results == rule.place(Problem(state, (wanted,)), np.random.default_rng(0)).results


def holder(device: str) -> ResourceClaim:
    """Return a claim that holds a device of the node, a share of the one that is shared."""
    share = "old" if device == "share" else None
    result = DeviceRequestAllocationResult(request="r", driver=DRIVER, pool="node-0", device=device, share_id=share)
    allocation = AllocationResult(devices=DeviceAllocationResult(results=[result]))
    return msgspec.structs.replace(
        claim(f"old-{device}", request(1)), status=ResourceClaimStatus(allocation=allocation)
    )
