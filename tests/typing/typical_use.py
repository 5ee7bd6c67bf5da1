"""Typical use, checked by mypy and never run: a change of the public types that would hurt users shows here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import drapolicy as dp
from drapolicy.problem.local import LocalProblem


@dp.objective(sense="max", unit="MB/s", bounds=(0, 10**9))
def inside(node: LocalProblem, chosen: NDArray[np.intp]) -> int:
    """Bandwidth between the chosen devices."""
    return int(node.links[np.ix_(chosen, chosen)].sum()) // 2


@dp.objective(sense="min", unit="NUMA nodes", bounds=(0, 8))
def scattered(node: LocalProblem, left: NDArray[np.intp]) -> int:
    """NUMA nodes over which the remaining free devices lie."""
    return int(np.unique(node.groups["numa"][left]).size)


def decide(files: list[Path]) -> str:
    """From files to a node."""
    fleet: dp.Fleet = dp.load(*files, release=dp.release("1.37", gates={"DRAConsumableCapacity": False}))
    fleet, report = dp.bind(fleet, dp.topology.read("topo.txt"))
    wanted: dp.Objects = dp.load_claims("claim.yaml")
    rule = dp.Rule(inside - 5_000 * scattered, solver=dp.Exact(), nodes=dp.Best(), name="keep-quads")
    placement: dp.Placement = dp.place(fleet, wanted, policy=rule)
    if placement.node is None:
        return placement.message
    dp.verify(fleet.objects, fleet.nodes[0], wanted.claims, placement.results, fleet.release)
    return f"{placement.node}: {dict(placement.score)} {report}"


def compare(scenario: dp.Scenario) -> list[str]:
    """Which policy wins."""
    results = dp.evaluate([scenario], policies=["packing", "bandwidth"], seeds=range(3), jobs=1)
    return [f"{verdict.winner} {verdict.difference.mean:.2f}" for verdict in map(results.verdict, results.scenarios)]
