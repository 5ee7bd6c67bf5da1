"""Policies of FGD's simulator place streams of pods as a plain loop over the published formulas does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from drapolicy.api import Objects
from drapolicy.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequirements,
    Device,
    DeviceCapacity,
    DeviceClaim,
    DeviceRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
)
from drapolicy.inventory import build
from drapolicy.policies import Engine, policy
from drapolicy.policies.objectives import read_mix
from drapolicy.policies.objectives.fragmentation import fragmentation_of
from drapolicy.problem.ask import Ask, kind_of
from drapolicy.problem.events import Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import CLASS, objects

MIX = "4000/500x1*3+8000/1000x1*2+30000/1000x4*1+2000/200x1*2"


@dataclass
class Plain:
    """A node: CPU and thousandths of GPUs that are left."""

    cpu: int
    gpus: list[int]

    def choices(self, cpu: int, milli: int, count: int) -> list[list[int]]:
        """The GPUs a pod may get: any one with enough for a share, the first empty ones otherwise."""
        if self.cpu < cpu:
            return []
        if milli < 1_000:
            return [[d] for d, left in enumerate(self.gpus) if left >= milli]
        empty = [d for d, left in enumerate(self.gpus) if left == 1_000]
        return [empty[:count]] if len(empty) >= count else []

    def take(self, cpu: int, milli: int, chosen: Sequence[int]) -> Plain:
        return Plain(self.cpu - cpu, [left - milli * (d in chosen) for d, left in enumerate(self.gpus)])


Score = Callable[[Plain, int, int, Sequence[int]], tuple[float, ...]]


def fgd(node: Plain, cpu: int, milli: int, chosen: Sequence[int]) -> tuple[float, ...]:
    after, mix = node.take(cpu, milli, chosen), read_mix(MIX)
    less = fragmentation_of(node.gpus, node.cpu, "", mix) - fragmentation_of(after.gpus, after.cpu, "", mix)
    return (int(100 / (1 + math.exp(-less / sum(pod.weight for pod in mix) / 1_000))),)


def best_fit(node: Plain, cpu: int, milli: int, chosen: Sequence[int]) -> tuple[float, ...]:
    after = node.take(cpu, milli, chosen)
    score = after.cpu / 128_000 * 0.5 + sum(after.gpus) / 8_000 * 0.5
    return int((1.0 - score) * 100), -sum(node.gpus[d] for d in chosen)


def dot_product(node: Plain, cpu: int, milli: int, chosen: Sequence[int]) -> tuple[float, ...]:
    asked = milli * len(chosen)
    dot = (node.cpu / 128_000) * (cpu / 128_000) + (sum(node.gpus) / 8_000) * (asked / 8_000)
    return int(100 * (1 - dot / 2)), -sum(node.gpus[d] for d in chosen)


def gpu_packing(node: Plain, cpu: int, milli: int, chosen: Sequence[int]) -> tuple[float, ...]:
    slack = -sum(node.gpus[d] for d in chosen)
    total, empty = len(node.gpus), node.gpus.count(1_000)
    if empty == total:
        return max(33 - total, total), slack
    fresh = sum(node.gpus[d] == 1_000 for d in chosen)
    if fresh:
        return max(50 - fresh, 33), slack
    return max(100 - sum(node.gpus[d] * 100 // 1_000 for d in chosen) // 10, 50), slack


def claim(name: str, milli: int, count: int) -> ResourceClaim:
    capacity = CapacityRequirements(requests={"milli": Quantity(str(milli))})
    exactly = ExactDeviceRequest(device_class_name=CLASS, allocation_mode="ExactCount", count=count, capacity=capacity)
    spec = ResourceClaimSpec(devices=DeviceClaim(requests=[DeviceRequest(name="gpus", exactly=exactly)]))
    return ResourceClaim(metadata=ObjectMeta(name=name, namespace="test"), spec=spec)


@pytest.mark.parametrize(
    ("name", "score"),
    [(f"fgd:mix={MIX}", fgd), ("best-fit", best_fit), ("dot-product", dot_product), ("gpu-packing", gpu_packing)],
)
def test_streams_are_placed_as_the_formulas_say(name: str, score: Score) -> None:
    """Shares and whole GPUs with CPU, on nodes of 2 to 8 GPUs: node and GPUs of every pod, ties to the first."""
    rng = np.random.default_rng(12)
    sizes = [8, 4, 2, 8, 4]
    device = {"allow_multiple_allocations": True, "capacity": {"milli": DeviceCapacity(value=Quantity("1000"))}}
    made = objects({f"n{n}": [Device(name=f"g{d}", **device) for d in range(size)] for n, size in enumerate(sizes)})
    cpus = [64_000, 32_000, 128_000, 96_000, 16_000]
    rooms = [{"cpu": Quantity(f"{cpu}m"), "pods": Quantity("500")} for cpu in cpus]
    nodes = tuple(
        Node(metadata=ObjectMeta(name=f"n{n}"), status=NodeStatus(allocatable=room)) for n, room in enumerate(rooms)
    )
    fleet = build(Objects(nodes=nodes, slices=made.slices, classes=made.classes))
    state, rule = State(fleet), policy(name)
    engine = Engine(fleet, rule)
    plain = [Plain(cpu, [1_000] * size) for cpu, size in zip(cpus, sizes, strict=True)]
    refused = 0
    for number in range(90):
        milli = int(rng.choice([200, 300, 500, 800, 1_000, 1_000]))
        count = int(rng.choice([1, 1, 2, 4])) if milli == 1_000 else 1
        cpu = int(rng.choice([1_000, 2_000, 5_000, 8_000]))
        best: tuple[tuple[float, ...], int, list[int]] | None = None
        for n, node in enumerate(plain):
            for chosen in node.choices(cpu, milli, count):
                found = score(node, cpu, milli, chosen)
                if best is None or found > best[0]:
                    best = found, n, chosen
        resources = ResourceRequirements(requests={"cpu": Quantity(f"{cpu}m")})
        pod = Pod(spec=PodSpec(containers=[Container(resources=resources)]))
        claims = (claim(f"c{number}", milli, count),)
        asked = Ask(f"test/p{number}", claims, pod, kind_of(claims, pod))
        placed = engine.place(Problem(state, (asked,)), np.random.default_rng(0))
        if best is None:
            assert placed.node is None
            refused += 1
            continue
        assert placed.node == f"n{best[1]}"
        assert sorted(entry.device for entry in placed.results[0].devices.results) == [f"g{d}" for d in best[2]]
        state.apply(Start(asked, placed.node, placed.results))
        plain[best[1]] = plain[best[1]].take(cpu, milli, best[2])
    assert 0 < refused < 65
