"""Masks of node selectors are what each node by itself would say."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec.structs
import pytest

from drapolicy.api import Objects
from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.node_selection import Selector
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationResult,
    DeviceRequestAllocationResult,
    ResourceClaim,
)
from drapolicy.inventory import build
from drapolicy.inventory.nodes import HOSTNAME
from drapolicy.policies.engine.faces import Faces
from drapolicy.policies.engine.usable import Usable
from drapolicy.policies.held import OPTIONAL_OPERATIONS, Held
from drapolicy.problem.state import State
from drapolicy.testing.simple import DRIVER, ask_with, claim, request, row


def usable(state: State) -> Usable:
    return Usable(state.fleet, lambda: Faces(state.fleet))


def node(number: int, rng: random.Random) -> Node:
    labels = {"zone": rng.choice("abc"), HOSTNAME: f"node-{number}"}
    features = [OPTIONAL_OPERATIONS] if rng.random() < 0.5 else []
    return Node(
        metadata=ObjectMeta(name=f"node-{number}", labels=labels if rng.random() < 0.9 else {}),
        status=NodeStatus(declared_features=features),
    )


def selector(rng: random.Random) -> NodeSelector:
    terms = []
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        values = [rng.choice([*"abcd", "node-1", "node-2"])]
        expressions = [NodeSelectorRequirement(key="zone", operator=rng.choice(["In", "NotIn"]), values=values)]
        named = [NodeSelectorRequirement(key=HOSTNAME, operator="In", values=["node-0", "node-1"])]
        fields = [NodeSelectorRequirement(key="metadata.name", operator=rng.choice(["In", "NotIn"]), values=["node-1"])]
        terms.append(
            NodeSelectorTerm(
                match_expressions=rng.choice([[], expressions, named, expressions + named]),
                match_fields=rng.choice([[], [], fields]),
            )
        )
    return NodeSelector(node_selector_terms=terms)


@pytest.mark.parametrize("given", [True, False], ids=["nodes", "slices alone"])
def test_a_mask_is_what_each_node_says(given: bool) -> None:
    """Terms on labels, host names and names, on nodes with and without labels."""
    said = 0
    for seed in range(40):
        rng = random.Random(seed)
        count = rng.randint(1, 6)
        objects = Objects(nodes=tuple(node(n, rng) for n in range(count)))
        state = State(build(objects if given else replace(row(nodes=count, devices=1), nodes=())))
        masks = usable(state)
        for _ in range(10):
            wanted = selector(rng)
            expected = [Selector(wanted).matches(one) for one in state.fleet.nodes]
            assert masks.mask(wanted).tolist() == expected, (seed, wanted)
            said += sum(expected)
    assert said > 100


@pytest.mark.parametrize("skips", [True, False])
def test_what_is_held_can_be_used_where_the_cycle_says(skips: bool) -> None:
    """All selectors must match, and devices without node operations need a node that does without."""
    for seed in range(30):
        rng = random.Random(seed)
        made = tuple(
            holding(claim(f"c{number}", request(1)), selector(rng), skips=skips) for number in range(rng.randint(1, 2))
        )
        objects = Objects(nodes=tuple(node(n, rng) for n in range(5)))
        state = State(build(objects), made)
        held = Held(ask_with(None, *made, name="test/ask"), state)
        mask = usable(state)(held)
        assert mask is not None
        assert mask.tolist() == [held.available(one) for one in state.fleet.nodes]


def holding(made: ResourceClaim, where: NodeSelector, *, skips: bool) -> ResourceClaim:
    """Return a claim that holds a device on the nodes of a selector."""
    entry = DeviceRequestAllocationResult(
        request="devices",
        driver=DRIVER,
        pool="p",
        device="d",
        skip_node_operations=["NodePrepareResources"] if skips else [],
    )
    allocation = AllocationResult(devices=DeviceAllocationResult(results=[entry]), node_selector=where)
    return msgspec.structs.replace(made, status=msgspec.structs.replace(made.status, allocation=allocation))
