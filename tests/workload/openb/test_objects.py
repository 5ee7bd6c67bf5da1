"""What rows become: devices that are shared, claims, selectors, requests; and which pods are typical."""

from __future__ import annotations

import pytest

from drapolicy import api
from drapolicy.policies import Engine, policy
from drapolicy.policies.objectives.mix import TypicalPod
from drapolicy.problem.events import Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.verify import Verifier
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace, fleet_of, typical_pods, workload_of

NODES = (NodeRow("n-0", 8_000, 1_024, 2, "T4"), NodeRow("n-1", 8_000, 1_024, 1, "A10"), NodeRow("n-2", 9, 9, 0, ""))
PODS = (
    PodRow("p-0", 1_500, 512, 1, 460, ("A10", "G2")),
    PodRow("p-1", 0, 0, 2, 1_000, ()),
    PodRow("p-2", 9, 1, 0, 0, ()),
)


def test_gpus_are_devices_that_can_be_shared() -> None:
    """Nodes keep their order; each GPU has 1,000 milli and its model; a node without GPUs has no slice."""
    fleet = fleet_of(NODES)
    assert list(fleet.nodes.names) == ["n-0", "n-1", "n-2"]
    assert [s.metadata.name for s in fleet.objects.slices] == ["n-0", "n-1"]
    device = fleet.devices[2]
    assert device.allow_multiple_allocations
    assert device.attributes["productName"].string_value == "A10"
    assert {name: int(cell.value.value()) for name, cell in device.capacity.items()} == {"milli": 1_000}


def test_pods_are_asks() -> None:
    """A share is an amount of capacity, exclusive GPUs are whole devices, models a selector, CPU and memory requests."""
    workload = workload_of(Trace("made", PODS, NODES), Order((1, 0, 0, 2), (0, 1, 2)))
    asks = [workload.ask(arrival, number) for number, arrival in enumerate(workload.arrivals)]
    assert [ask.name for ask in asks] == ["default/p-1-0", "default/p-0-1", "default/p-0-2", "default/p-2-3"]
    assert [len(ask.claims) for ask in asks] == [1, 1, 1, 0]
    assert len({ask.keys for ask in asks}) == 4
    whole, share = (ask.claims[0].spec.devices.requests[0].exactly for ask in asks[:2])
    assert (whole.count, whole.capacity.requests["milli"].value(), whole.selectors) == (2, 1_000, [])
    assert (share.count, share.capacity.requests["milli"].value()) == (1, 460)
    assert share.selectors[0].cel.expression == ('device.attributes[\'gpu.openb\'].productName in ["A10", "G2"]')
    assert asks[1].room.requests == {"cpu": 1_500, "memory": 512 << 20}
    assert asks[1].wishes == asks[2].wishes


def test_the_objects_are_valid_and_what_is_placed_verifies() -> None:
    """Kubernetes would take the objects as they are, and the independent checker takes the placements."""
    fleet = fleet_of(NODES)
    trace = Trace("made", PODS, NODES)
    workload = workload_of(trace, Order((0, 1, 2, 0), (0, 1, 2)))
    api.loads(api.dump(fleet.objects.merged(workload.objects), "json"), release=fleet.release)
    state, verifier = State(fleet), Verifier(fleet.objects, fleet.release)
    engine = Engine(fleet, policy("best-fit"))
    placed = []
    for number, arrival in enumerate(workload.arrivals):
        ask = workload.ask(arrival, number)
        placement = engine.place(Problem(state, (ask,)), None)
        placed.append(placement.node)
        if placement.node is not None:
            node = fleet.nodes[fleet.nodes.index[placement.node]]
            verifier.verify(node, ask.claims, placement.results, [])
            state.apply(Start(ask, placement.node, placement.results))
    assert placed == ["n-1", "n-0", "n-2", "n-1"]


def test_typical_pods_are_the_most_frequent() -> None:
    """Kinds without memory, by count; of equals those with more CPU first; until so many percent are covered."""
    share, other, cpu = PODS[0], PODS[0]._replace(cpu_milli=2_000), PODS[2]
    pods = [share._replace(memory_mib=n) for n in range(4)] + [other] * 4 + [cpu] * 11 + [PODS[1]]
    # 20 pods: 11 + 4 + 4 = 19 are 95 %, so the last kind is left out.
    assert typical_pods(pods) == (
        TypicalPod(9, 0, 0, 11, ()),
        TypicalPod(2_000, 460, 1, 4, ("A10", "G2")),
        TypicalPod(1_500, 460, 1, 4, ("A10", "G2")),
    )
    assert len(typical_pods(pods, 96)) == 4


@pytest.mark.parametrize("percent", [1, 55])
def test_one_kind_may_be_enough(percent: int) -> None:
    """The last kind that is needed is taken whole."""
    assert len(typical_pods([PODS[2]] * 11 + [PODS[0]] * 9, percent)) == 1
