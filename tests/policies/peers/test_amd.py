"""AMD's device plugin against a plain walk of its definition, and on a machine bound from a capture."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.inventory import build
from drapolicy.policies import Rule, policy
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.report import Player
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with, claim, objects, request
from drapolicy.topology import read
from drapolicy.topology.fleet import bind_fleet


def lightest(weights: np.ndarray, groups: list[list[int]], required: list[int], size: int) -> int:
    """The definition: GPUs taken whole and one taken in part, in every combination; the least weight."""

    def weight(chosen: list[int]) -> int:
        return sum(int(weights[a, b]) for a, b in combinations(chosen, 2))

    needed = size - len(required)
    found = []
    for count in range(len(groups)):
        for whole in combinations(range(len(groups)), count):
            taken = [d for g in whole for d in groups[g]]
            for last in range(len(groups)):
                lacking = needed - len(taken)
                if last not in whole and 0 < lacking <= len(groups[last]):
                    found.append(weight([*required, *taken, *groups[last][:lacking]]))
    return min(found)


def test_weights_are_those_of_the_definition() -> None:
    """Through the pipeline, on 300 random machines of GPUs and partitions."""
    rng = np.random.default_rng(8)
    rule = policy("amd-device-plugin")
    assert isinstance(rule, Rule)
    for _ in range(300):
        gpus, parts = int(rng.integers(1, 6)), int(rng.integers(1, 4))
        total = gpus * parts
        parent, numa = np.repeat(np.arange(gpus), parts), np.repeat(rng.integers(0, 2, gpus), parts)
        kind = rng.integers(0, 3, (total, total))
        kind = np.triu(kind, 1) + np.triu(kind, 1).T
        weights = np.where(parent[:, None] == parent, 10, 20) + np.array([10, 40, 50])[kind]
        weights = weights + np.where(numa[:, None] == numa, 10, 20)
        np.fill_diagonal(weights, 0)
        lanes, paths = (kind == 0) & ~np.eye(total, dtype=bool), np.where(kind == 2, 0, 1)
        np.fill_diagonal(paths, 0)
        slots = []
        for d in range(total):
            attributes: dict[str, int | str] = {"numaNode": int(numa[d]), "pciAddr": f"0000:{parent[d] + 1:02x}:00.0"}
            slots.append(Slot(f"d{d:02}", {**attributes, **({"type": "amdgpu-partition"} if parts > 1 else {})}))
        machine = Machine("gpu.amd.com", tuple(slots), None, paths.astype(np.int8), lanes.astype(np.int16))
        available = np.flatnonzero(rng.random(total) < 0.8).tolist()
        if not available:
            continue
        size = int(rng.integers(1, len(available) + 1))
        required = [d for d in available if rng.random() < 0.1][: size - 1]
        groups = [[d for d in available if parent[d] == g and d not in required] for g in range(gpus)]
        got = Player(machine, machine.state({f"d{d:02}" for d in available}), rule).ask(
            size, [f"d{d:02}" for d in required]
        )
        chosen = [int(name[1:]) for name in got]
        assert len(chosen) == size
        assert set(required) <= set(chosen) <= set(available)
        if size == len(available):
            continue
        weight = sum(int(weights[a, b]) for a, b in combinations(chosen, 2))
        assert weight == lightest(weights, [own for own in groups if own], required, size)


def test_a_fleet_bound_from_a_capture_keeps_hives_whole(shared: Path) -> None:
    """Eight MI210 in two xGMI hives: after one GPU of the first is taken, four are taken of the second."""
    found = read(shared / "topology" / "ROCm_k8s-device-plugin" / "kfd_topology_mi210_xgmi_pcie.json")
    gpus = found.of_kind("gpu")
    devices = [
        Device(
            name=f"gpu-{d}",
            attributes={
                "resource.kubernetes.io/pciBusID": DeviceAttribute(string_value=found.graph.nodes[name]["pci"])
            },
        )
        for d, name in enumerate(gpus)
    ]
    made = objects({"n": devices})
    fleet, report = bind_fleet(
        build(made), found, match={("gpu.example", "n", f"gpu-{d}"): name for d, name in enumerate(gpus)}
    )
    assert len(report.nodes["n"].bound) == 8
    state = State(fleet)
    rule = policy("amd-device-plugin")
    wanted = ask_with(
        None,
        claim(
            "c",
            request(
                4, "device.attributes['resource.kubernetes.io'].pciBusID != '" + found.graph.nodes[gpus[1]]["pci"] + "'"
            ),
        ),
    )
    placed = rule.place(Problem(state, (wanted,)), np.random.default_rng(0))
    assert sorted(entry.device for entry in placed.results[0].devices.results) == ["gpu-4", "gpu-5", "gpu-6", "gpu-7"]
