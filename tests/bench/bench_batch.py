"""How far a batch is from the best: 64 claims on a large fleet, by patterns with their bound, and by greedy.

Run ``python tests/bench/bench_batch.py``, with ``--nodes``, ``--claims``, ``--seeds``, ``--fill`` and ``--named`` for
other sizes. Half of the nodes are hybrid cube meshes of eight V100, half have eight A100 in bridged pairs; they are
filled by claims of 1 to 8 devices that come and go. Claims of the batch want 1 to 8 devices, half of them with
matchAttribute (one PCIe root up to four devices, one product beyond). The objective is bandwidth, then fragmentation.
``--named N`` solves the first N nodes with nodes counted by state and with each node for itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import drapolicy as dp
from drapolicy.api import Objects
from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    AllocationResult,
    Device,
    DeviceAllocationResult,
    DeviceAttribute,
    DeviceClass,
    DeviceRequestAllocationResult,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import Fleet, build
from drapolicy.policies import Rule
from drapolicy.policies.groups import Greedy, Patterns, Together
from drapolicy.policies.objective import Objective, as_objective
from drapolicy.policies.objectives import fragmentation, inside
from drapolicy.problem.ask import Ask, ask_for_claim
from drapolicy.problem.events import Start
from drapolicy.problem.group import Group
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import claim, request
from drapolicy.topology import nvidia_smi
from drapolicy.topology.fleet import bind_fleet
from drapolicy.topology.generate import generate
from drapolicy.workload.fleets import topology_text
from drapolicy.workload.models import MODELS

DRIVER, GPUS, CHURN = "gpu.nvidia.com", 8, 4
ROOT, PRODUCT = "resource.kubernetes.io/pcieRoot", "gpu.nvidia.com/productName"
OBJECTIVE: Objective = as_objective(inside).then(fragmentation())


def fleet(nodes: int) -> Fleet:
    """Return a fleet of two products, with links."""
    mesh, bridged = generate("dgx-1-v100"), MODELS["a100-pcie-bridged"]
    rows = {
        "mesh": [
            (str(mesh.graph.nodes[gpu]["product"]), str(mesh.graph.nodes[gpu]["pci"]), f"pci0000:{40 * (i // 4):02x}")
            for i, gpu in enumerate(mesh.of_kind("gpu"))
        ],
        "bridged": [(bridged.product, f"0000:{0x10 + i:02x}:00.0", root) for i, root in enumerate(bridged.roots)],
    }
    names = [f"{'mesh' if n % 2 == 0 else 'bridged'}-{n:06d}" for n in range(nodes)]
    objects = Objects(
        nodes=tuple(Node(metadata=ObjectMeta(name=name)) for name in names),
        slices=tuple(_slice(name, rows[name.split("-")[0]]) for name in names),
        classes=(DeviceClass(metadata=ObjectMeta(name="any")),),
    )
    made = build(objects)
    made, _ = bind_fleet(made, mesh, nodes=[name for name in names if name.startswith("mesh")], match="index")
    matrix = nvidia_smi.topology(nvidia_smi.parse(topology_text("a100-pcie-bridged")), bridged.product)
    return bind_fleet(made, matrix, nodes=[name for name in names if name.startswith("bridged")], match="index")[0]


def _slice(node: str, rows: list[tuple[str, str, str]]) -> ResourceSlice:
    devices = [
        Device(
            name=f"gpu-{i}",
            attributes={
                "type": DeviceAttribute(string_value="gpu"),
                "index": DeviceAttribute(int_value=i),
                "productName": DeviceAttribute(string_value=product),
                "resource.kubernetes.io/pciBusID": DeviceAttribute(string_value=pci),
                ROOT: DeviceAttribute(string_value=root),
            },
        )
        for i, (product, pci, root) in enumerate(rows)
    ]
    pool = ResourcePool(name=node, generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver=DRIVER, node_name=node, pool=pool, devices=devices)
    return ResourceSlice(metadata=ObjectMeta(name=f"{node}-{DRIVER}"), spec=spec)


def churned(nodes: int, fill: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which GPUs are taken after claims have come and gone; ndarray of shape (nodes, 8), bool.

    Parameters
    ----------
    fill
        Percent of the GPUs that are taken at the end, and all along once they are.
    """
    taken = np.zeros((nodes, GPUS), np.bool_)
    running: list[tuple[int, NDArray[np.intp]]] = []
    used, wanted = 0, nodes * GPUS * fill // 100
    for _ in range(CHURN * nodes):
        while used >= wanted:
            at = int(rng.integers(len(running)))
            running[at], running[-1] = running[-1], running[at]
            n, gpus = running.pop()
            taken[n, gpus] = False
            used -= len(gpus)
        size, n = int(rng.choice([1, 1, 2, 2, 4, 8])), int(rng.integers(nodes))
        free = np.flatnonzero(~taken[n])
        if len(free) >= size:
            gpus = rng.choice(free, size, replace=False)
            taken[n, gpus] = True
            running.append((n, gpus))
            used += size
    return taken


def state_of(made: Fleet, taken: NDArray[np.bool_]) -> State:
    """Return a state in which GPUs are taken, by one claim a node."""
    state = State(made)
    for n in np.flatnonzero(taken.any(axis=1)).tolist():
        name = made.nodes.names[n]
        entries = [
            DeviceRequestAllocationResult(request="devices", driver=DRIVER, pool=name, device=f"gpu-{d}")
            for d in np.flatnonzero(taken[n]).tolist()
        ]
        held = ask_for_claim(claim(f"held-{n}", request(len(entries))))
        state.apply(Start(held, name, (AllocationResult(devices=DeviceAllocationResult(results=entries)),)))
    return state


def batch(claims: int, rng: np.random.Generator) -> list[Ask]:
    """Return the asks of a batch."""
    asks = []
    for number in range(claims):
        size = int(rng.integers(1, GPUS + 1))
        match = (ROOT if size <= 4 else PRODUCT) if rng.random() < 0.5 else ""
        asks.append(ask_for_claim(claim(f"claim-{number}", request(size), match=match)))
    return asks


@dataclass(frozen=True)
class Run:
    """One batch: what was reached, and in how many seconds of the clock and of the processor; the first by greedy too."""

    patterns: Together
    seconds: float
    cpu: float
    greedy: Together | None
    greedy_seconds: float
    states: int


def run(made: Fleet, fill: int, claims: int, seed: int, *, greedily: bool) -> Run:
    """Decide one batch by patterns, and by greedy."""
    rng = np.random.default_rng(seed)
    taken = churned(len(made.nodes), fill, rng)
    asks = batch(claims, rng)
    problem = Problem.of_groups(state_of(made, taken), [Group.batch(asks)])
    before, busy = time.perf_counter(), time.process_time()
    found = Patterns(OBJECTIVE).decide(problem, rng)
    between, cpu = time.perf_counter(), time.process_time() - busy
    greedy = Greedy(Rule(OBJECTIVE), "largest").decide(problem, rng) if greedily else None
    after = time.perf_counter()
    masks = (taken @ (1 << np.arange(GPUS))) * 2 + np.arange(len(taken)) % 2
    states = len(np.unique(masks))
    print(
        f"fill {fill}, seed {seed}: {found.values} of {found.bounds}, {between - before:.1f} s",
        file=sys.stderr,
        flush=True,
    )
    return Run(found, between - before, cpu, greedy, after - between, states)


def gap(bound: int, value: int) -> float:
    """Return how far a value is from a bound, in percent of the bound."""
    return 100 * (bound - value) / max(1, abs(bound))


def report(made: Fleet, given: argparse.Namespace) -> dict[str, object]:
    """Print a line a fill; return the figures."""
    figures: dict[str, object] = {}
    for fill in given.fill:
        runs = [run(made, fill, given.claims, seed, greedily=seed < given.greedy) for seed in range(given.seeds)]
        rows = [r.patterns for r in runs]
        gaps = [[gap(int(bound or 0), value) for bound, value in zip(r.bounds, r.values, strict=True)] for r in rows]
        placed, bandwidth, scraps = zip(*gaps, strict=True)
        by_greedy = [r for r in runs if r.greedy is not None]
        behind = [gap(int(r.patterns.bounds[1] or 0), r.greedy.values[1]) for r in by_greedy if r.greedy]
        seconds = [r.seconds for r in runs]
        figures[f"fill_{fill}"] = {
            "states": [min(r.states for r in runs), max(r.states for r in runs)],
            "placed": [min(r.values[0] for r in rows), max(r.values[0] for r in rows)],
            "gap_placed_percent": max(placed),
            "gap_bandwidth_percent": {"median": statistics.median(bandwidth), "worst": max(bandwidth)},
            "gap_fragmentation_percent": {"median": statistics.median(scraps), "worst": max(scraps)},
            "seconds": {"median": statistics.median(seconds), "worst": max(seconds)},
            "cpu_seconds": {"median": statistics.median(r.cpu for r in runs), "worst": max(r.cpu for r in runs)},
            "greedy_below_bound_percent": behind,
            "greedy_seconds": [r.greedy_seconds for r in by_greedy],
            "proved": sum(r.status == "optimal" for r in rows),
            "why": sorted({r.why for r in rows}),
        }
        print(f"fill {fill} %: {json.dumps(figures[f'fill_{fill}'])}", flush=True)
    return figures


def named(made: Fleet, given: argparse.Namespace) -> dict[str, object]:
    """Print what nodes that stand for themselves cost; both forms must reach the same."""
    taken = churned(len(made.nodes), given.fill[0], np.random.default_rng(0))
    asks = batch(given.claims, np.random.default_rng(1))
    problem = Problem.of_groups(state_of(made, taken), [Group.batch(asks)])
    figures: dict[str, object] = {"nodes": len(made.nodes)}
    for form in (Patterns(OBJECTIVE), Patterns(OBJECTIVE, symmetric=False)):
        before = time.perf_counter()
        found = form.decide(problem, np.random.default_rng(0))
        seconds = time.perf_counter() - before
        name = "by_state" if form.symmetric else "by_node"
        figures[name] = {"seconds": seconds, **dict(found.effort or {}), "values": found.values, "bounds": found.bounds}
        print(f"{name}: {json.dumps(figures[name])}", flush=True)
    return figures


def main() -> None:
    """Print figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--claims", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--fill", type=int, nargs="+", default=[40, 70, 90])
    parser.add_argument("--greedy", type=int, default=3)
    parser.add_argument("--named", type=int, default=1_000)
    given = parser.parse_args()
    print(f"{given.nodes} nodes of 8 GPUs, {given.claims} claims, {given.seeds} seeds; drapolicy {dp.__version__}")
    report(fleet(given.nodes), given)
    if given.named:
        named(fleet(given.named), given)


if __name__ == "__main__":
    main()
