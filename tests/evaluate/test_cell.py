"""Cells: what is measured, and what their key depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec.structs
import numpy as np
import pytest

from drapolicy import api
from drapolicy.evaluate.cell import cell_key, policy_fingerprint, run_cell
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks
from drapolicy.policies import POLICIES, Exact, First, Grow, Objective, Rule, inside, objective
from drapolicy.simulate import Scenario
from drapolicy.testing.simple import DRIVER, row
from drapolicy.workload import Arrival, Workload

S = 10**9
POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default}
spec: {containers: [{name: main, image: x}]}
"""
CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: c, namespace: default}
spec: {devices: {requests: [{name: devices, exactly: {deviceClassName: any}}]}}
"""
STATUS = "status: {allocation: {devices: {results: [{request: devices, driver: d, pool: p, device: x}]}}}\n"


def scenario(nodes: int = 1, arrivals: tuple[Arrival, ...] = (Arrival(0, S, "c"), Arrival(0, S, "c"))) -> Scenario:
    return Scenario("s", build(row(nodes=nodes, devices=1)), Workload(api.loads(CLAIM), arrivals))


def test_a_cell_holds_what_happened() -> None:
    """Two claims for one device: the second waits a second."""
    cell = run_cell(scenario(), POLICIES["first-fit"], 0)
    assert (cell.scenario, cell.policy, cell.seed, cell.arrivals, cell.decisions) == ("s", "first-fit", 0, 2, 3)
    assert cell.slowdowns == [1.0, 2.0]
    assert cell.metrics["wait"] == 0.5
    assert cell.metrics["used"] is None
    assert (len(cell.queue), cell.reasons) == (120, {})


def test_queues_and_reasons() -> None:
    """How many wait at points up to the last arrival, and why those that never start wait."""
    arrivals = (Arrival(0, None, "c"), Arrival(60 * S, S, "c"), Arrival(120 * S, S, "c"))
    cell = run_cell(scenario(arrivals=arrivals), POLICIES["first-fit"], 0)
    assert cell.queue == [0] * 59 + [1] * 60 + [2]
    assert cell.reasons == {"cannot allocate all claims": [2]}


def changed() -> dict[str, Scenario]:
    """Return a scenario and others that each differ in one input."""
    base = scenario(nodes=2)
    nodes = base.fleet.objects.nodes
    links = NodeLinks(((DRIVER, "node-0", "device-0"),), np.zeros((1, 1), np.int64))
    pod = api.loads(POD).pods[0]
    bound = msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, node_name="node-0"))
    return {
        "base": base,
        "name": replace(base, name="t"),
        "fleet": replace(base, fleet=scenario(nodes=3).fleet),
        "order of nodes": replace(base, fleet=build(replace(base.fleet.objects, nodes=nodes[::-1]))),
        "links": replace(base, fleet=base.fleet.with_links({"node-0": links})),
        "arrivals": replace(base, workload=scenario(arrivals=(Arrival(1, S, "c"),)).workload),
        "standing claims": replace(base, standing=api.loads(CLAIM + STATUS)),
        "standing pods": replace(base, standing=api.Objects(pods=(bound,))),
    }


def test_every_input_is_in_the_key() -> None:
    """A cell whose input, policy or seed changed has another key; equal inputs have one key."""
    keys = {what: cell_key(one, POLICIES["packing"], 0) for what, one in changed().items()}
    keys |= {
        "policy": cell_key(changed()["base"], POLICIES["random"], 0),
        "seed": cell_key(changed()["base"], POLICIES["packing"], 1),
    }
    assert len(set(keys.values())) == len(keys)
    assert keys["base"] == cell_key(scenario(nodes=2), POLICIES["packing"], 0)


FACTOR = 2
TABLE = [1, 2]


@objective(sense="max", unit="", bounds=(0, 10**9))
def plain(node, chosen):
    return FACTOR * np.sum(chosen)


@objective(sense="max", unit="", bounds=(0, 10**9))
def reads_a_list(node, chosen):
    return max(value for value in TABLE) * chosen.size


def closing(factor: int) -> Any:
    @objective(sense="max", unit="", bounds=(0, 10**9))
    def closed(node, chosen):
        return factor * chosen.size

    return closed


@dataclass(frozen=True)
class OwnSolver:
    name: str = "own"
    seeded: bool = False

    def solve(self, local: Any, objective: Any, rng: Any) -> Any:
        return Exact().solve(local, objective, rng)


def test_fingerprints_of_own_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solver, node rule, weights, names and the constants that a term reads count."""
    rules = [
        Rule(plain, name="r"),
        Rule(2 * plain, name="r"),
        Rule(plain, name="other"),
        Rule(plain, solver=Grow(), name="r"),
        Rule(plain, solver=Exact(max_steps=1), name="r"),
        Rule(plain, nodes=First(), name="r"),
        Rule(inside, name="r"),
        Rule(Objective().then(plain, inside), name="r"),
        Rule(plain + inside, name="r"),
    ]
    prints = [policy_fingerprint(rule) for rule in rules]
    assert "" not in prints
    assert len(set(prints)) == len(prints)
    monkeypatch.setitem(globals(), "FACTOR", 3)
    assert policy_fingerprint(rules[0]) not in {*prints, ""}


@pytest.mark.parametrize(
    "rule",
    [
        Rule(closing(2), name="closure"),
        Rule(reads_a_list, name="list"),
        Rule(plain, solver=OwnSolver(), name="solver"),
        OwnSolver(),
    ],
)
def test_what_cannot_be_told_has_no_key(rule: Any) -> None:
    """Closures, mutable globals and code of one's own outside terms: such cells are played every time."""
    assert policy_fingerprint(rule) == ""
    assert cell_key(scenario(), rule, 0) == ""


def test_the_table_goes_by_name() -> None:
    """A policy of the table, or an equal rule, is its name; another rule of that name is not."""
    assert policy_fingerprint(POLICIES["packing"]) == "packing"
    assert policy_fingerprint(Rule(plain, name="packing")) != "packing"


def test_code_beside_a_term_counts() -> None:
    """An experiment's file and its modules are in the fingerprint of all policies but those of the table."""
    rule = Rule(POLICIES["packing"].objective, name="own")
    assert len({policy_fingerprint(rule, source) for source in ("", "a", "b")}) == 3
    assert policy_fingerprint(POLICIES["packing"], "a") == "packing"
