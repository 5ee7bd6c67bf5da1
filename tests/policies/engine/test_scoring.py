"""Scores by columns are those of the stock profile, candidate by candidate."""

from __future__ import annotations

import random

import numpy as np
import pytest

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import (
    Affinity,
    Container,
    Node,
    NodeAffinity,
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
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.inventory.nodes import HOSTNAME
from drapolicy.policies.engine.faces import Faces
from drapolicy.policies.engine.scoring import Scorer
from drapolicy.policies.kube import Candidate, Profile, scores
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with, row

_CPU = ("0", "1m", "100m", "1500m", "3", "7", "128", "9223372036854775", "20000000000000000")
_MEMORY = ("0", "1", "200Mi", "3Gi", "1.5e9", "77777777777", "8Ei", "9e19")


def node(name: str, rng: random.Random) -> Node:
    """Return a node with room of any size, taints and labels."""
    room = {"pods": Quantity(110)}
    for resource, amounts in (("cpu", _CPU), ("memory", _MEMORY)):
        if rng.random() < 0.9:
            room[resource] = Quantity(rng.choice(amounts))
    taints = [Taint(key=f"t{k}", effect="PreferNoSchedule") for k in range(4) if rng.random() < 0.4]
    labels = {"zone": rng.choice("abc"), HOSTNAME: name}
    return Node(
        metadata=ObjectMeta(name=name, labels=labels),
        spec=NodeSpec(taints=taints),
        status=NodeStatus(allocatable=room if rng.random() < 0.95 else {}),
    )


def pod(rng: random.Random, *, prefers: str) -> Pod:
    """Return a pod that asks for some room, tolerates some taints and may prefer nodes."""
    needs = {name: Quantity(rng.choice(of)) for name, of in (("cpu", _CPU), ("memory", _MEMORY)) if rng.random() < 0.7}
    preferred = []
    for _ in range(rng.randint(1, 3) if prefers else 0):
        zone = NodeSelectorRequirement(key="zone", operator="In", values=[rng.choice("abcd")])
        name = NodeSelectorRequirement(key=HOSTNAME, operator="In", values=["node-1", "node-2"])
        field = NodeSelectorRequirement(key="metadata.name", operator="NotIn", values=["node-3"])
        term = {
            "labels": NodeSelectorTerm(match_expressions=[zone]),
            "names": NodeSelectorTerm(match_expressions=[zone, name]),
            "fields": NodeSelectorTerm(match_expressions=[zone], match_fields=[field]),
        }[prefers]
        preferred.append(PreferredSchedulingTerm(weight=rng.randint(1, 100), preference=term))
    affinity = NodeAffinity(preferred_during_scheduling_ignored_during_execution=preferred)
    spec = PodSpec(
        affinity=Affinity(node_affinity=affinity) if prefers else None,
        tolerations=[Toleration(key=f"t{k}", operator="Exists") for k in range(4) if rng.random() < 0.5],
        containers=[Container(name="main", resources=ResourceRequirements(requests=needs))],
    )
    return Pod(metadata=ObjectMeta(name="pod", namespace="test"), spec=spec)


@pytest.mark.parametrize("given", [True, False], ids=["nodes", "slices alone"])
def test_scores_equal_those_of_each_candidate(given: bool) -> None:
    """Any room, taints, preferences and pods that run: every part of every candidate's score is the profile's."""
    for seed in range(60):
        rng = random.Random(seed)
        count = rng.randint(1, 12)
        nodes = tuple(node(f"node-{n}", rng) for n in range(count))
        made = Objects(nodes=nodes) if given else Objects(slices=row(nodes=count, devices=1).slices)
        state = State(build(made))
        scorer = Scorer(state.fleet, Faces(state.fleet))
        for _ in range(6):
            n = rng.randrange(count)
            state.rooms[n].add(pod_ask(pod(rng, prefers="")))
            wanted = ask_with(pod(rng, prefers=rng.choice(["", "labels", "names", "fields"])), name="test/pod")
            ranks = [rng.randint(0, 9) for _ in range(count)]
            chosen = np.array(rng.sample(range(count), rng.randint(1, count)), np.intp)
            profile = rng.choice([Profile(), Profile(weights=Profile().weights[1::2])])
            assert wanted.pod is not None
            candidates = [Candidate(state.fleet.nodes[n], state.rooms[n], ranks[n]) for n in chosen.tolist()]
            expected = scores(wanted.pod, candidates, profile).parts
            found = scorer.scores(state, wanted, chosen, np.array(ranks, np.int64)[chosen], profile)
            told = [{name: int(column[at]) for name, column in found.items()} for at in range(len(chosen))]
            assert told == expected, seed


def test_preferences_that_cannot_be_read_are_refused() -> None:
    """The message is that of the loop."""
    term = NodeSelectorTerm(match_expressions=[NodeSelectorRequirement(key="zone", operator="Near", values=[])])
    affinity = NodeAffinity(
        preferred_during_scheduling_ignored_during_execution=[PreferredSchedulingTerm(weight=1, preference=term)]
    )
    bad = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(affinity=Affinity(node_affinity=affinity)))
    state = State(build(row(nodes=2, devices=1)))
    scorer = Scorer(state.fleet, Faces(state.fleet))
    with pytest.raises(InputError) as told:
        scorer.scores(state, ask_with(bad, name="p"), np.arange(2), np.zeros(2, np.int64), Profile())
    with pytest.raises(InputError) as expected:
        scores(bad, [Candidate(state.fleet.nodes[n], state.rooms[n]) for n in range(2)])
    assert str(told.value) == str(expected.value)
