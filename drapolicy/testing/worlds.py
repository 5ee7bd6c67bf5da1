"""Small clusters of unequal nodes and the asks that come to them, for comparing ways to decide."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import Container, Node, NodeSpec, NodeStatus, Pod, PodSpec, ResourceRequirements, Taint
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import Device
from drapolicy.problem.ask import Ask
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, first_of, objects, request

_BOXES: tuple[Sequence[tuple[str, int, int]], ...] = (
    [("A", slot % 2, slot // 2) for slot in range(4)],
    [("B", slot % 2, slot // 2) for slot in range(4)],
    [("A", 0, 0)] * 3,
    [("C", slot, slot) for slot in range(5)],
)
"""Model, NUMA node and root of each device of a node."""

_ATTRIBUTES = f'device.attributes["{DRIVER}"]'
_WISHES = ("", "", f'{_ATTRIBUTES}.model == "A"', f"{_ATTRIBUTES}.numa == 0")
_FAILING = f"{_ATTRIBUTES}.missing == 0"


@dataclass(frozen=True)
class World:
    """A cluster and what is asked of it.

    Attributes
    ----------
    objects
        Nodes, slices and a class.
    asks
        Each may come, go and come again.
    """

    objects: Objects
    asks: tuple[Ask, ...]


def mixed(seed: int, *, nodes: int = 9, asks: int = 14) -> World:
    """Return a world of up to some nodes: a few kinds of boxes, little room, taints, some asks by pods.

    Parameters
    ----------
    seed
        Any integer; the same seed gives the same world in any process.
    nodes, asks
        How many at most, and how many.
    """
    rng = random.Random(seed)
    boxes = {f"node-{n}": rng.choice(_BOXES) for n in range(rng.randint(1, nodes))}
    made = objects({name: _devices(name, box, rng) for name, box in boxes.items()})
    failing = rng.random() < 0.3
    return World(
        replace(made, nodes=tuple(_node(n, name, rng) for n, name in enumerate(boxes))),
        tuple(_ask(number, rng, failing=failing) for number in range(asks)),
    )


def _devices(node: str, box: Sequence[tuple[str, int, int]], rng: random.Random) -> list[Device]:
    named = "gpu" if rng.random() < 0.7 else f"{node}-gpu"
    return [
        device(f"{named}-{slot}", model=model, numa=numa, root=f"root-{root}")
        for slot, (model, numa, root) in enumerate(box)
    ]


def _node(number: int, name: str, rng: random.Random) -> Node:
    tainted = [Taint(key="broken", effect="NoSchedule")] if rng.random() < 0.2 else []
    room = {
        "cpu": Quantity(rng.randint(1, 8)),
        "memory": Quantity(f"{rng.randint(1, 8)}Gi"),
        "pods": Quantity(rng.randint(1, 5)),
    }
    return Node(
        metadata=ObjectMeta(name=name, labels={"zone": f"zone-{number % 2}"}),
        spec=NodeSpec(taints=tainted),
        status=NodeStatus(allocatable=room),
    )


def _ask(number: int, rng: random.Random, *, failing: bool) -> Ask:
    wish = _FAILING if failing and rng.random() < 0.2 else rng.choice(_WISHES)
    plain = request(rng.randint(1, 4), wish)
    asked = plain if rng.random() < 0.7 else first_of((rng.randint(2, 4), wish), (1, ""))
    match = rng.choice(["", "", f"{DRIVER}/numa", f"{DRIVER}/root"])
    pod = _pod(number, rng) if rng.random() < 0.6 else None
    return ask_with(pod, claim(f"claim-{number}", asked, match=match), name=f"test/ask-{number}")


def _pod(number: int, rng: random.Random) -> Pod:
    needs = {"cpu": Quantity(rng.randint(0, 3)), "memory": Quantity(f"{rng.randint(0, 3)}Gi")}
    spec = PodSpec(
        node_selector={"zone": "zone-1"} if rng.random() < 0.3 else {},
        containers=[Container(name="main", resources=ResourceRequirements(requests=needs))],
    )
    return Pod(metadata=ObjectMeta(name=f"pod-{number}", namespace="test"), spec=spec)
