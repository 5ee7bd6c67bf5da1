"""What the measures of a large NVLink domain cost, at once and by their loops: ratios of two things timed in one process.

Run ``python tests/bench/bench_topology.py``, with ``--racks N`` for other sizes; 8 racks of 72 GPUs are a domain of 576.
Loops run over the GPUs of one tray in one rack, and both must measure alike.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from drapolicy.topology import measures
from drapolicy.topology.generate import generate
from drapolicy.topology.measures.best import all_sets
from drapolicy.topology.measures.hops import hops_loop
from drapolicy.topology.measures.pairwise import pairwise_loop

SEED = 1

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds of the fastest of three runs, and the result."""
    seconds = []
    for _ in range(3):
        before = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - before)
    return min(seconds), result


def each(
    one: Callable[[NDArray[np.int64], NDArray[np.int64]], int], links: NDArray[np.int64], sets: NDArray[np.int64]
) -> list[int]:
    """Return a measure of each set, one by one."""
    return [one(links, row) for row in sets]


def main() -> None:
    """Print one line a measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--racks", type=int, default=8)
    racks = parser.parse_args().racks
    topology = generate("gb200-nvl72", racks=racks)
    gpus = topology.of_kind("gpu")
    print(f"{len(gpus)} GPUs, {len(topology.graph)} vertices, {topology.graph.size()} links; fastest of 3 runs")
    rack = generate("gb200-nvl72", racks=1)
    few = [gpu for gpu in rack.of_kind("gpu") if "/tray0/" in gpu]
    for name, at_once, loop in (
        ("pairwise", measures.pairwise, pairwise_loop),
        ("hops", measures.hops, hops_loop),
    ):
        whole, _ = timed(partial(at_once, topology, gpus))
        fast, found = timed(partial(at_once, rack, few))
        slow, expected = timed(partial(loop, rack, few))
        if not np.array_equal(found, expected):
            sys.exit(f"{name}: the loop measures otherwise")
        ratio = f"{len(few)} GPUs of a rack {fast:7.3f} s, by the loop {slow:7.3f} s, ratio {slow / fast:.1f}"
        print(f"{name:10} all {whole:7.3f} s; {ratio}")
    whole, _ = timed(lambda: measures.levels(topology, gpus))
    print(f"{'levels':10} all {whole:7.3f} s")
    links = np.random.default_rng(SEED).integers(0, 100, (16, 16))
    links = np.triu(links, 1) + np.triu(links, 1).T
    sets = all_sets(range(16), 8)
    for name, many, one in (
        ("bandwidth", measures.bandwidths_mb_s, measures.bandwidth_mb_s),
        ("bottleneck", measures.bottlenecks_mb_s, measures.bottleneck_mb_s),
    ):
        fast, found = timed(partial(many, links, sets))
        slow, expected_sets = timed(partial(each, one, links, sets))
        if found.tolist() != expected_sets:
            sys.exit(f"{name}: the loop measures otherwise")
        print(f"{name:10} of {len(sets)} sets of 8: {fast:7.3f} s, by the loop {slow:7.3f} s, ratio {slow / fast:.0f}")


if __name__ == "__main__":
    main()
