"""How fast plays are: decisions a second over the whole play, departures, queue and records included.

Run ``python tests/bench/bench_play.py``, with ``--nodes N --arrivals N --policies a,b --load PERCENT`` for others. Pods
for one to eight whole devices, one CPU each, come to a fleet of eight-device nodes at so much load that they leave again.
Each size is played in a process of its own, so that its memory is its own; times are of the processor, one core.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np

from drapolicy import api
from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.quantity import Quantity
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.simulate import Scenario, play
from drapolicy.testing.simple import row
from drapolicy.workload import Arrival, Workload

SEED = 1
NS = 10**9
MEAN_S = 1_000
SIZES = {1: 0.5, 2: 0.2, 4: 0.2, 8: 0.1}
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: n{count}, namespace: default}}
spec:
  containers: [{{name: main, image: x, resources: {{requests: {{cpu: "1"}}}}}}]
  resourceClaims: [{{name: devices, resourceClaimTemplateName: n{count}}}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: n{count}, namespace: default}}
spec: {{spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: any, count: {count}}}}}]}}}}}}
---
"""


def scenario(nodes: int, arrivals: int, load: float) -> Scenario:
    """Return so many nodes, and pods that hold this part of their devices in the mean."""
    made = row(nodes=nodes, devices=8)
    room = {"cpu": Quantity(128), "memory": Quantity("1Ti"), "pods": Quantity(110)}
    bare = tuple(Node(metadata=node.metadata, status=NodeStatus(allocatable=room)) for node in made.nodes)
    rng = np.random.default_rng(SEED)
    sizes = rng.choice(list(SIZES), size=arrivals, p=list(SIZES.values()))
    gap_s = MEAN_S * float(np.dot(list(SIZES), list(SIZES.values()))) / (load * 8 * nodes)
    times = np.cumsum(rng.exponential(gap_s, size=arrivals)) * NS
    stays = rng.exponential(MEAN_S, size=arrivals) * NS + 1
    rows = zip(times.tolist(), stays.tolist(), sizes.tolist(), strict=True)
    pods = api.loads("".join(POD.format(count=count) for count in SIZES))
    workload = Workload(pods, tuple(Arrival(int(t), int(stay), f"n{size}") for t, stay, size in rows))
    return Scenario("bench", build(replace(made, nodes=bare)), workload)


def one(nodes: int, arrivals: int, policy: str, load: float) -> None:
    """Print the row of one play."""
    made = scenario(nodes, arrivals, load)
    before = time.process_time()
    played = play(made, POLICIES[policy], 0, quality=False)
    seconds = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    waited = int((played.records.column("refused_ns") >= 0).sum())
    print(
        f"{policy:15} {nodes:7,} nodes {arrivals:9,} arrivals {played.decisions:9,} decisions {seconds:8.2f} s "
        f"{played.decisions / seconds:8,.0f} decisions/s {waited:7,} waited {memory:6.2f} GiB",
        flush=True,
    )


def main() -> None:
    """Print a row for each policy and size, up to the given one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--arrivals", type=int, default=100_000)
    parser.add_argument("--policies", default="packing,first-fit,kube-scheduler")
    parser.add_argument("--load", type=int, default=90)
    parser.add_argument("--one", action="store_true", help="the given size only, in this process")
    given = parser.parse_args()
    if given.one:
        one(given.nodes, given.arrivals, given.policies, given.load / 100)
        return
    sizes = {(max(1, given.nodes // part), max(1, given.arrivals // part)) for part in (100, 10, 1)}
    sizes |= {(given.nodes, max(1, given.arrivals // 10)), (max(1, given.nodes // 10), given.arrivals)}
    for policy in given.policies.split(","):
        for nodes, arrivals in sorted(sizes):
            command = [sys.executable, __file__, "--one", "--nodes", str(nodes), "--arrivals", str(arrivals)]
            subprocess.run([*command, "--policies", policy, "--load", str(given.load)], check=True)


if __name__ == "__main__":
    main()
