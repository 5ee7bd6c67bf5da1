"""How fast policies decide that look at shares of GPUs and at CPU: python tests/bench/bench_fgd.py.

Nodes are those of the synthetic twin of openb as often as needed; pods of it come and go, so that 85 % of the GPUs are
held in the end. Time is that of the processor, of everything: asks, decisions, events. BENCH_NODES=1213 for less.
"""

from __future__ import annotations

import os
import resource
import time
from heapq import heappop, heappush

import numpy as np

from drapolicy.policies import Engine, Policy, policy
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.workload import dataset_folder
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.openb import NodeRow, Order, Trace, fleet_of, read_trace, typical_pods, workload_of

NODES = int(os.environ.get("BENCH_NODES", "10000"))
ARRIVALS = 10 * NODES
FULL = 0.85
POLICIES = ("first-fit", "best-fit", "gpu-clustering", "fgd", "fgd:rounded=false")


def grown(trace: Trace, nodes: int) -> Trace:
    """Return the trace with so many nodes."""
    copies = [node._replace(name=f"{node.name}-{n // len(trace.nodes)}") for n, node in enumerate(_over(trace, nodes))]
    return Trace(trace.name, trace.pods, tuple(copies))


def _over(trace: Trace, nodes: int) -> list[NodeRow]:
    return [trace.nodes[n % len(trace.nodes)] for n in range(nodes)]


def run(trace: Trace, chosen: Policy) -> tuple[float, int, float]:
    """Return seconds of the processor, departures, and the part of the GPUs that is held in the end."""
    rng = np.random.default_rng(0)
    state = State(fleet_of(trace.nodes))
    engine, workload = Engine(state.fleet, chosen), workload_of(trace, Order((), ()))
    mean = FULL * trace.gpu_milli / np.mean([pod.asked_milli for pod in trace.pods])
    drawn = rng.integers(len(trace.pods), size=ARRIVALS).tolist()
    stays = rng.geometric(1 / mean, size=ARRIVALS).tolist()
    workload.patterns  # noqa: B018 - made once, as the fleet is
    leaving: list[tuple[int, str]] = []
    gone, held = 0, 0
    began = time.process_time()
    for number, pod in enumerate(drawn):
        while leaving and leaving[0][0] <= number:
            state.apply(Finish(heappop(leaving)[1]))
            gone += 1
        ask = workload.ask(Arrival(number, None, trace.pods[pod].name), number)
        placement = engine.place(Problem(state, (ask,)), rng)
        if placement.node is not None:
            state.apply(Start(ask, placement.node, placement.results))
            heappush(leaving, (number + stays[number], ask.name))
    seconds = time.process_time() - began
    for allocation in state.held.values():
        held += sum(result.consumed_capacity["milli"].value() for result in allocation.devices.results)
    assert not engine.stats.looked_up, engine.stats
    return seconds, gone, held / trace.gpu_milli


def main() -> None:
    """Print a line a policy."""
    folder = dataset_folder() / "openb-twin"
    trace = grown(read_trace(folder / "pods.csv.gz", folder / "nodes.csv.gz"), NODES)
    print(f"{NODES:,} nodes, {trace.gpu_milli // 1000:,} GPUs, {ARRIVALS:,} arrivals")
    for name in POLICIES:
        chosen = policy(name, mix=typical_pods(trace.pods)) if name.startswith("fgd") else policy(name)
        seconds, gone, held = run(trace, chosen)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{name:18} {ARRIVALS / seconds:8,.0f} decisions/s, {1e6 * seconds / ARRIVALS:6.0f} us each in all; "
            f"{gone:,} left, {100 * held:.1f} % held, {most:.2f} GiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
