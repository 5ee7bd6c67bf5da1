"""What one decision costs, with remembered answers and without: a ratio of two things timed in one process.

Run ``python tests/bench/bench_decide.py``, with ``--nodes N`` and ``--asks N`` for other sizes. A stream of pods fills a
fleet of eight-GPU nodes to about 80 % and keeps it there; each policy decides the same stream twice, by its engine and
by itself, and both must decide alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import numpy as np

import drapolicy as dp
from drapolicy.policies import POLICIES, Engine
from drapolicy.problem.ask import asks
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State

SEED = 1


def stream(fleet: dp.Fleet, policy: str, count: int, *, remember: bool) -> tuple[list[float], list[str | None]]:
    """Return seconds and node of each decision."""
    state, rng = State(fleet), np.random.default_rng(SEED)
    engine = Engine(fleet, POLICIES[policy], answers=200_000 if remember else 0)
    wanted = [
        asks(dp.workload.claims({"gpu": (1 + number % 4, "gpu.nvidia.com")}, name=f"ask-{number}"))[0]
        for number in range(count)
    ]
    running: list[tuple[str, int]] = []
    seconds, nodes = [], []
    for number, ask in enumerate(wanted):
        while sum(size for _, size in running) > 0.8 * 8 * len(fleet.nodes):
            name, _ = running.pop(int(rng.integers(len(running))))
            state.apply(Finish(name))
        before = time.perf_counter()
        placement = engine.place(Problem(state, (ask,)), np.random.default_rng(number))
        seconds.append(time.perf_counter() - before)
        nodes.append(placement.node)
        if placement.node is not None:
            state.apply(Start(ask, placement.node, placement.results))
            running.append((ask.name, 1 + number % 4))
    return seconds, nodes


def main() -> None:
    """Print one line a policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--asks", type=int, default=400)
    given = parser.parse_args()
    fleet = dp.workload.fleet("dgx-h100", nodes=given.nodes)
    print(f"{given.nodes} nodes of 8 GPUs, {given.asks} asks of 1 to 4 GPUs, seed {SEED}; median of a decision")
    for policy in POLICIES:
        plain, by_policy = stream(fleet, policy, given.asks, remember=False)
        kept, by_engine = stream(fleet, policy, given.asks, remember=True)
        if by_policy != by_engine:
            sys.exit(f"{policy}: the engine decides otherwise than its policy")
        ratio = statistics.median(plain) / statistics.median(kept)
        row = f"{policy:15} {1e3 * statistics.median(plain):8.3f} ms alone, {1e3 * statistics.median(kept):8.3f} ms with memory"
        print(f"{row}, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
