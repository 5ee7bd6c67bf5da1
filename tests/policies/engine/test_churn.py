"""What an engine and its state follow for long is what they would be told at once."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from drapolicy.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.inventory import build
from drapolicy.policies import Engine, policy
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.simulate.checking import claim_holding
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, objects, request

NODES, EVENTS = 12, 10_000
FLEET = build(
    replace(
        objects({f"n{n}": [device(f"d{d}", numa=d // 4, model=n % 2) for d in range(8)] for n in range(NODES)}),
        nodes=tuple(
            Node(
                metadata=ObjectMeta(name=f"n{n}"),
                status=NodeStatus(allocatable={"cpu": Quantity(8 + n), "pods": Quantity(110)}),
            )
            for n in range(NODES)
        ),
    )
)


def _ask(number: int, rng: random.Random) -> Ask:
    asked = ResourceRequirements(requests={"cpu": Quantity(rng.randint(1, 4))})
    pod = Pod(
        metadata=ObjectMeta(name=f"p{number}", namespace="test"),
        spec=PodSpec(containers=[Container(name="main", resources=asked)]),
    )
    wish = request(rng.choice((1, 1, 2, 4)), rng.choice(("", f"device.attributes['{DRIVER}'].model == 1")))
    match = rng.choice(("", f"{DRIVER}/numa"))
    return ask_with(pod, claim(f"c{number}", wish, match=match), name=f"test/p{number}")


def test_ten_thousand_events_leave_what_is_rebuilt_from_scratch() -> None:
    """Books of devices and rooms equal those of a state made of what is held, and so do decisions."""
    rng, draws = random.Random(1), np.random.default_rng(1)
    state, rule = State(FLEET), policy("packing")
    engine = Engine(FLEET, rule)
    running: list[str] = []
    for number in range(EVENTS):
        ask = _ask(number, rng)
        placed = engine.place(Problem(state, (ask,)), draws)
        if placed.node is not None and rng.random() < 0.6:
            state.apply(Start(ask, placed.node, placed.results))
            running.append(ask.name)
        elif running:
            state.apply(Finish(running.pop(rng.randrange(len(running)))))
    assert len(running) > NODES
    pods = [
        Pod(
            metadata=known.ask.pod.metadata,
            spec=PodSpec(node_name=f"n{known.node}", containers=known.ask.pod.spec.containers),
        )
        for known in state.running.values()
        if known.ask.pod is not None
    ]
    rebuilt = State(FLEET, [claim_holding(key, held) for key, held in state.held.items()], pods)
    assert rebuilt.allocated == state.allocated
    assert (rebuilt.allocated.codes == state.allocated.codes).all()
    assert repr(rebuilt.rooms) == repr(state.rooms)
    anew = Engine(FLEET, rule)
    for number in range(EVENTS, EVENTS + 60):
        ask = _ask(number, rng)
        followed, told = engine.place(Problem(state, (ask,)), draws), anew.place(Problem(rebuilt, (ask,)), draws)
        slow = rule.place(Problem(rebuilt, (ask,)), draws)
        assert followed == told
        assert (followed.node, followed.results, followed.score) == (slow.node, slow.results, slow.score)
