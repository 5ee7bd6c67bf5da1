"""How long the shapes of a large fleet take to find: wall clock and processor time of the call alone.

Run ``python tests/bench/bench_shapes.py``, with ``--nodes N`` for another size. Each node has 8 GPUs. Three fleets: all
nodes alike; GPUs that draw from counter sets whose names are unique to a GPU; and alike, with link tables of two kinds.
Target at 100,000 nodes: under 10 s each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceCounterConsumption,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks
from drapolicy.inventory.shapes import shapes

GPUS = 8
DRIVER = "gpu.example.com"
_MEMORY = {"memory": DeviceCapacity(value=Quantity("80Gi"))}
_WHOLE, _DRAWN = {"memory": Counter(value=Quantity("80Gi"))}, {"memory": Counter(value=Quantity("40Gi"))}


def _slices(nodes: int, *, counters: bool) -> Iterator[ResourceSlice]:
    for n in range(nodes):
        name = f"node-{n:06}"
        pool = ResourcePool(name=name, generation=1, resource_slice_count=1 + counters)
        sets = [f"set-{n}-{d}" for d in range(GPUS)]
        devices = [
            Device(
                name=f"gpu-{d}",
                attributes={"uuid": DeviceAttribute(string_value=f"GPU-{n}-{d}")},
                capacity=_MEMORY,
                consumes_counters=[DeviceCounterConsumption(counter_set=sets[d], counters=_DRAWN)] if counters else [],
            )
            for d in range(GPUS)
        ]
        spec = ResourceSliceSpec(driver=DRIVER, pool=pool, node_name=name, devices=devices)
        yield ResourceSlice(metadata=ObjectMeta(name=f"{name}-devices"), spec=spec)
        if counters:
            shared = [CounterSet(name=each, counters=_WHOLE) for each in sets]
            spec = ResourceSliceSpec(driver=DRIVER, pool=pool, node_name=name, shared_counters=shared)
            yield ResourceSlice(metadata=ObjectMeta(name=f"{name}-counters"), spec=spec)


def main() -> None:
    """Print one line a fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    nodes = parser.parse_args().nodes
    alike = build(Objects(slices=tuple(_slices(nodes, counters=False))))
    tables = [np.full((GPUS, GPUS), speed, np.int64) for speed in (100, 200)]
    for table in tables:
        np.fill_diagonal(table, 0)
    links = {
        name: NodeLinks(tuple((DRIVER, name, f"gpu-{d}") for d in range(GPUS)), tables[n % 100 == 0])
        for n, name in enumerate(alike.nodes.names)
    }
    for what, fleet in (
        ("alike", alike),
        ("with links", alike.with_links(links)),
        ("counter sets of their own", build(Objects(slices=tuple(_slices(nodes, counters=True))))),
    ):
        before, worked = time.perf_counter(), time.process_time()
        found = shapes(fleet)
        seconds, cpu = time.perf_counter() - before, time.process_time() - worked
        print(
            f"{nodes:,} nodes x {GPUS} devices, {what}: {len(found.signatures)} shapes, {len(found.links)} link tables, "
            f"{seconds:.2f} s, {cpu:.2f} s of a processor"
        )


if __name__ == "__main__":
    main()
