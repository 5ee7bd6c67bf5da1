"""Slices that belong to no one node, and taints by rule: the nodes that they leave alone are ranked all the same."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec.structs
import numpy as np
import pytest

from drapolicy.api import Objects
from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    CELDeviceSelector,
    DeviceSelector,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import build
from drapolicy.inventory.selecting import table_of
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.policies import POLICIES, Engine, Rule
from drapolicy.policies.engine.faces import Faces
from drapolicy.policies.engine.tainting import tainted
from drapolicy.policies.engine.unbound import reached
from drapolicy.policies.engine.usable import Usable
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import GATES
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.simple import CLASS, DRIVER, ask, device, row
from drapolicy.testing.worlds import mixed

SAID = ("node", "results", "status", "outcome", "score", "reasons", "considered", "cursor", "unmodelled")


def where(key: str, operator: str, *values: str) -> NodeSelector:
    """Return a selector of one requirement, on a label or on the name."""
    requirement = NodeSelectorRequirement(key=key, operator=operator, values=list(values))
    if key == "metadata.name":
        return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_fields=[requirement])])
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[requirement])])


def with_loose_slices(made: Objects, rng: random.Random) -> Objects:
    """Add slices that select their nodes, in pools of their own or of a node."""
    names = [node.metadata.name for node in made.nodes]
    slices = list(made.slices)
    for number in range(rng.randint(1, 3)):
        devices = [device(f"net-{number}-{k}", model=rng.choice("AB"), numa=k) for k in range(rng.randint(1, 3))]
        place: dict[str, object] = rng.choice(
            [
                {"node_selector": where("zone", "In", rng.choice(["zone-0", "zone-1", "zone-9"]))},
                {"node_selector": where("metadata.name", rng.choice(["In", "In", "NotIn"]), rng.choice(names))},
                {"node_selector": where("zone", "DoesNotExist")},
                {"per_device_node_selection": True},
                {"all_nodes": True},
            ]
        )
        if "per_device_node_selection" in place:
            choices = ({"node_name": rng.choice(names)}, {"node_selector": where("zone", "In", "zone-1")})
            devices = [msgspec.structs.replace(one, **rng.choice(choices)) for one in devices]
        pool = ResourcePool(
            name=rng.choice([f"net-{number}", rng.choice(names)]), generation=1, resource_slice_count=rng.choice([1, 2])
        )
        spec = ResourceSliceSpec(driver=DRIVER, pool=pool, devices=devices, **place)  # type: ignore[arg-type]
        slices.append(ResourceSlice(metadata=ObjectMeta(name=f"net-{number}"), spec=spec))
    return replace(made, slices=tuple(slices))


def heeding(minor: str) -> Release:
    """Return a release that heeds rules."""
    own = {"DRADeviceTaintRules": True} if GATES["DRADeviceTaintRules"][MINORS.index(minor)] is not None else {}
    return release(minor, gates={"DRADeviceTaints": True, **own})


def with_rules(made: Objects, rng: random.Random) -> Objects:
    """Add rules that taint devices by driver, pool, name, class or expression."""
    model = f'device.attributes["{DRIVER}"].model == "A"'
    missing = f"device.attributes[{DRIVER!r}].missing == 0"
    rules = []
    for number in range(rng.randint(1, 3)):
        selector = rng.choice(
            [
                None,
                DeviceTaintSelector(device="gpu-1"),
                DeviceTaintSelector(pool="node-1"),
                DeviceTaintSelector(driver=rng.choice([DRIVER, "other.example"]), device="gpu-0"),
                DeviceTaintSelector(device_class_name=rng.choice([CLASS, "none"]), device="gpu-2"),
                DeviceTaintSelector(selectors=[DeviceSelector(cel=CELDeviceSelector(expression=model))]),
                DeviceTaintSelector(
                    selectors=[DeviceSelector(cel=CELDeviceSelector(expression=text)) for text in (model, missing)]
                ),
            ]
        )
        taint = DeviceTaint(key=f"k{number}", effect=rng.choice(["NoSchedule", "NoExecute"]))
        rules.append(
            DeviceTaintRule(
                metadata=ObjectMeta(name=f"rule-{number}"),
                spec=DeviceTaintRuleSpec(device_selector=selector, taint=taint),
            )
        )
    return replace(made, taint_rules=tuple(rules))


@pytest.mark.parametrize("name", ["first-fit", "kube-scheduler", "packing", "random"])
def test_ranking_equals_the_loop(name: str) -> None:
    """With loose slices and rules, placements are those of the loop, and most of them are ranked."""
    rule = POLICIES[name]
    assert isinstance(rule, Rule)
    ranked = loose = 0
    for seed in range(16):
        rng = random.Random(seed)
        world = mixed(seed, nodes=12)
        made = with_loose_slices(world.objects, rng) if seed % 4 else world.objects
        made = with_rules(made, rng) if seed % 3 == 0 else made
        kubernetes = RELEASES[seed % len(RELEASES)] if seed % 3 else heeding(MINORS[seed % len(MINORS)])
        state = State(build(made, kubernetes))
        engine = Engine(state.fleet, rule)
        for step in range(20):
            wanted = rng.choice(world.asks)
            if wanted.name in state.running:
                state.apply(Finish(wanted.name))
                continue
            plain, kept = (
                decider.place(Problem(state, (wanted,)), np.random.default_rng(step)) for decider in (rule, engine)
            )
            assert [getattr(plain, field) for field in SAID] == [getattr(kept, field) for field in SAID], (seed, step)
            state.cursor = plain.cursor
            if plain.node is not None:
                state.apply(Start(wanted, plain.node, plain.results))
        ranked += engine.stats.ranked
        loose += engine.stats.ranked if seed % 4 else 0
    assert ranked > 70
    assert loose > 30


@pytest.mark.parametrize("minor", MINORS)
def test_rules_taint_the_devices_that_the_tracker_taints(minor: str) -> None:
    """Device by device, columns and slices say the same of every rule."""
    chosen = 0
    for seed in range(40):
        rng = random.Random(seed)
        fleet = build(with_rules(mixed(seed).objects, rng), heeding(minor))
        columns = tainted(fleet, table_of(fleet))
        slices = [fleet.slice(row) for row in range(len(fleet.slices))]
        for rule, column in zip(fleet.taint_rules if columns else (), columns, strict=True):
            patched = with_taint_rules(slices, [rule], fleet.release, fleet.classes)
            told = [len(one.taints) > 0 for published in patched for one in published.spec.devices]
            assert column.tolist() == told, (seed, rule)
            chosen += sum(told)
    assert chosen


def test_nodes_that_no_loose_slice_reaches_see_none() -> None:
    """A node that is not among the reached ones has just the devices of its own slices."""
    counts = np.zeros(2, np.int64)
    for seed in range(60):
        made = with_loose_slices(mixed(seed, nodes=12).objects, random.Random(seed))
        fleet = build(made, RELEASES[seed % len(RELEASES)])
        found = reached(fleet, Usable(fleet, lambda fleet=fleet: Faces(fleet)))
        assert found is not None
        state = State(fleet)
        for n in np.flatnonzero(~found).tolist():
            name = fleet.nodes.names[n]
            own = [one for one in made.slices if one.spec.node_name == name]
            told = [(pool.id.pool, len(pool.devices)) for pool in state.sites[n].pools]
            assert told == [(one.spec.pool.name, len(one.spec.devices)) for one in own]
        counts += np.bincount(found, minlength=2)
    assert counts.min() > 20


def test_a_selection_that_cannot_be_read_is_left_to_the_loop() -> None:
    """Its error is upstream's, of the node that is looked at first."""
    made = row(nodes=3, devices=1)
    pool = ResourcePool(name="net", generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver=DRIVER, pool=pool, devices=[device("a")], node_selector=where("zone", "Near"))
    loose = ResourceSlice(metadata=ObjectMeta(name="net"), spec=spec)
    fleet = build(replace(made, slices=(*made.slices, loose)))
    assert reached(fleet, Usable(fleet, lambda: Faces(fleet))) is None
    engine = Engine(fleet, POLICIES["first-fit"])
    state = State(fleet)
    for decider in (POLICIES["first-fit"], engine):
        with pytest.raises(Exception, match="failed to parse node selector"):
            decider.place(Problem(state, (ask("a", 1),)), np.random.default_rng(0))
    assert engine.stats.looked_up.total() == 1
