"""The stock scheduler by columns on clusters that it samples: zones, pinned pods, preferences, taints and ties."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from drapolicy.api import Quantity
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
    PreferredSchedulingTerm,
    ResourceRequirements,
    Taint,
    Toleration,
)
from drapolicy.api.meta import ObjectMeta
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.nodes import HOSTNAME
from drapolicy.policies import POLICIES, Engine, FirstFit, Kube, Rule
from drapolicy.policies.kube import Profile
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, first_of, objects, request

SAID = ("node", "results", "status", "outcome", "score", "reasons", "considered", "cursor", "unmodelled")

RULES = (
    *(
        Rule(solver=FirstFit(), nodes=Kube(Profile(percentage_of_nodes_to_score=share, ties=ties)))  # type: ignore[arg-type]
        for share, ties in ((0, "random"), (3, "order"), (100, "random"))
    ),
    POLICIES["random"],
    POLICIES["first-fit"],
)


def cluster(rng: random.Random, seed: int) -> Fleet:
    """Return nodes of three zones, some tainted, full, cordoned, without labels, or without a word on their room."""
    count = rng.choice([5, 99, 100, 130, 200])
    made = objects(
        {
            f"node-{n}": [device(f"gpu-{k}", model=rng.choice("AB"), numa=k) for k in range(rng.randint(0, 2))]
            for n in range(count)
        }
    )
    nodes = []
    for number in range(count):
        effects = ("PreferNoSchedule", "PreferNoSchedule", "NoSchedule")
        taints = [Taint(key=f"t{k}", effect=rng.choice(effects)) for k in range(3) if rng.random() < 0.15]
        labels = {"zone": rng.choice("ab"), "topology.kubernetes.io/zone": rng.choice("xyz")}
        labels |= {HOSTNAME: f"node-{number}"} if rng.random() < 0.8 else {}
        room = {"cpu": rng.choice(["1", "4", "7500m"]), "memory": rng.choice(["1Gi", "7Gi"]), "pods": "3"}
        allocatable = {name: Quantity(amount) for name, amount in room.items()} if rng.random() < 0.97 else {}
        nodes.append(
            Node(
                metadata=ObjectMeta(name=f"node-{number}", labels=labels),
                spec=NodeSpec(taints=taints, unschedulable=rng.random() < 0.05),
                status=NodeStatus(allocatable=allocatable),
            )
        )
    return build(replace(made, nodes=tuple(nodes)), RELEASES[seed % len(RELEASES)])


def needs(key: str, operator: str, *values: str) -> NodeSelectorRequirement:
    return NodeSelectorRequirement(key=key, operator=operator, values=list(values))


def pod(number: int, count: int, rng: random.Random) -> Pod:
    """Return a pod that may name nodes, require labels, prefer some, and tolerate taints."""
    names = [f"node-{rng.randrange(count + 2)}" for _ in range(rng.choice([1, 2, 110]))]
    zone = needs("zone", "In", "a")
    pinned = [
        NodeSelectorTerm(
            match_fields=[needs("metadata.name", "In", name)], match_expressions=[zone] if rng.random() < 0.3 else []
        )
        for name in names
    ]
    required = rng.choice(
        [
            None,
            None,
            None,
            pinned,
            [NodeSelectorTerm(match_expressions=[zone])],
            [NodeSelectorTerm(match_expressions=[needs(HOSTNAME, "NotIn", *names)])],
        ]
    )
    liked = [needs("zone", "In", "b"), needs(HOSTNAME, "In", *names), needs("zone", rng.choice(["Exists", "Near"]))]
    preferred = [
        PreferredSchedulingTerm(
            weight=rng.choice([1, 50, 100]), preference=NodeSelectorTerm(match_expressions=[rng.choice(liked)])
        )
        for _ in range(rng.choice([0, 0, 1, 2]))
    ]
    affinity = NodeAffinity(
        required_during_scheduling_ignored_during_execution=None
        if required is None
        else NodeSelector(node_selector_terms=required),
        preferred_during_scheduling_ignored_during_execution=preferred,
    )
    asked = {name: Quantity(rng.choice(of)) for name, of in (("cpu", ["0", "2"]), ("memory", ["0", "1Gi"]))}
    spec = PodSpec(
        node_name=f"node-{rng.randrange(count + 1)}" if rng.random() < 0.05 else "",
        affinity=Affinity(node_affinity=affinity),
        tolerations=[Toleration(key=f"t{k}", operator="Exists") for k in range(3) if rng.random() < 0.3],
        containers=[Container(name="main", resources=ResourceRequirements(requests=asked))],
    )
    return Pod(metadata=ObjectMeta(name=f"pod-{number}", namespace="test"), spec=spec)


def wish(number: int, count: int, rng: random.Random) -> Ask:
    """Return an ask for a claim of its own, a shared one, several, or none."""
    model = f'device.attributes["{DRIVER}"].model == "A"'
    claims = {}
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        name = f"claim-{rng.randrange(12)}"
        claims[name] = claim(
            name,
            request(rng.randint(1, 2), rng.choice(["", model])) if rng.random() < 0.6 else first_of((2, ""), (1, "")),
        )
    return ask_with(
        pod(number, count, rng) if rng.random() < 0.85 else None, *claims.values(), name=f"test/ask-{number}"
    )


@pytest.mark.parametrize("rule", RULES, ids=["adaptive", "a share, by order", "all", "random", "first"])
def test_large_clusters_are_decided_as_by_the_loop(rule: Rule) -> None:
    """Node, score, nodes considered, cursor and reasons, with claims that pods share, as they come and go."""
    for seed in range(6):
        rng = random.Random(seed)
        state = State(cluster(rng, seed))
        count = state.fleet.nodes.candidates
        asks = [wish(number, count, rng) for number in range(25)]
        engine = Engine(state.fleet, rule)
        for step, wanted in enumerate([*asks, *asks]):
            if wanted.name in state.running:
                state.apply(Finish(wanted.name))
                continue
            plain, ranked = (
                decider.place(Problem(state, (wanted,)), np.random.default_rng(step)) for decider in (rule, engine)
            )
            assert [getattr(plain, field) for field in SAID] == [getattr(ranked, field) for field in SAID], (seed, step)
            assert ranked.path == "ranked"
            state.cursor = plain.cursor
            if plain.node is not None:
                state.apply(Start(wanted, plain.node, plain.results))
