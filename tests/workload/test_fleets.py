"""Generated fleets: valid, the same from the same seed, and like the machines that they stand for."""

from __future__ import annotations

import re

import numpy as np
import pytest

from drapolicy import api
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.problem.events import Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with, claim, request
from drapolicy.topology import nvidia_smi
from drapolicy.workload import MODELS, fleet, fleet_objects, topology_text


@pytest.mark.parametrize("model", MODELS)
def test_fleets_are_valid(model: str) -> None:
    """The reader, which checks every rule of the API, takes each fleet and gives it back unchanged."""
    made = fleet_objects(model, 3, seed=5, zones=2)
    assert api.loads(api.dump(made, "json")) == made
    assert len(build(made).nodes) == 3


@pytest.mark.parametrize("model", MODELS)
def test_seeds_decide_identities_alone(model: str) -> None:
    """The same seed gives the same fleet, another one other uuids and nothing else."""
    texts = [api.dump(fleet_objects(model, 2, seed=seed), "json") for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    bare = [re.sub(r"(GPU|MIG)-[0-9a-f-]{36}", "uuid", text) for text in texts]
    assert bare[0] == bare[2]


def test_nodes_are_dealt_over_zones() -> None:
    """Zones in turn."""
    zones = [n.metadata.labels["topology.kubernetes.io/zone"] for n in fleet_objects("aws-p4d", 5, zones=2).nodes]
    assert zones == ["zone-0", "zone-1", "zone-0", "zone-1", "zone-0"]


def test_wrong_fleets_are_refused() -> None:
    """An unknown model, a negative number of nodes and no zone are errors."""
    with pytest.raises(UnknownReferenceError, match="fleet model 'x': unknown; use one of a100-bridged-4, "):
        fleet_objects("x", 1)
    with pytest.raises(InputError, match="fleet: 600,000 nodes aws-p4d and 600,000 nodes dgx-h100 over 1 zones"):
        fleet_objects({"aws-p4d": 600_000, "dgx-h100": 600_000})
    for nodes, zones in ((-1, 1), (1, 0)):
        with pytest.raises(InputError, match=f"fleet: {nodes} nodes aws-p4d over {zones} zones; give"):
            fleet_objects("aws-p4d", nodes, zones=zones)
    assert len(fleet("aws-p4d", 0).nodes) == 0


@pytest.mark.parametrize("model", [name for name, machine in MODELS.items() if machine.nvlink_pairs])
def test_links_are_those_of_the_printed_matrix(model: str) -> None:
    """Every pair of GPUs of a node has the bandwidth that the parser reads for it, bridged pairs the greatest."""
    machine, made = MODELS[model], fleet(model, 2)
    graph = nvidia_smi.topology(nvidia_smi.parse(topology_text(model)), machine.product)
    assert graph is not None
    for site in (State(made).sites[n] for n in range(2)):
        gpus = [d.index for d in site.devices if d.pool.driver == "gpu.nvidia.com"]
        links = site.links[np.ix_(gpus, gpus)]
        bridged = {pair for a, b in machine.nvlink_pairs for pair in ((a, b), (b, a))}
        values = {True: set(), False: set()}
        for a in range(len(gpus)):
            for b in range(len(gpus)):
                if a != b:
                    values[(a, b) in bridged].add(int(links[a, b]))
        assert len(values[True]) == 1
        assert not values[False] or max(values[False]) < min(values[True])
        assert not values[False] or min(values[False]) > 0


def test_fleets_of_several_kinds() -> None:
    """Nodes of each kind in turn, links for those that have bridges, every class once."""
    made = fleet({"a100-bridged-4": 2, "philly-8": 1, "a100-mig": 1, "dgx-h100": 0})
    assert list(made.nodes.names) == ["node-00", "node-01", "node-02", "node-03"]
    assert sorted(made.links) == ["node-00", "node-01"]
    state = State(made)
    assert [state.sites[n].whole for n in range(4)] == [4, 4, 8, 4]
    assert {c.metadata.name for c in made.objects.classes} == {"gpu.nvidia.com", "mig.nvidia.com", "rdma.dra.net"}


def test_names_sort_as_nodes_are_counted() -> None:
    """Also beyond a hundred."""
    names = [node.metadata.name for node in fleet_objects({"philly-2": 101}).nodes]
    assert names == sorted(names)
    assert names[-1] == "node-100"


def allocatable(profile: str) -> int:
    """Return how many partitions of a profile one A100 machine of four gives, one after the other."""
    state, number = State(fleet("a100-mig")), 0
    expression = f"device.attributes['gpu.nvidia.com'].profile == '{profile}'"
    while True:
        own = ask_with(None, claim(f"c{number}", request(1, expression, cls="mig.nvidia.com")), name=f"test/{number}")
        placement = POLICIES["first-fit"].place(Problem(state, (own,)), np.random.default_rng(0))
        if placement.node is None:
            return number
        state.apply(Start(own, placement.node, placement.results))
        number += 1


@pytest.mark.parametrize(
    ("profile", "each"),
    # Instances of one profile on one A100 40GB, from NVIDIA's MIG user guide.
    [("1g.5gb", 7), ("1g.5gb+me", 1), ("1g.10gb", 4), ("2g.10gb", 3), ("3g.20gb", 2), ("4g.20gb", 1), ("7g.40gb", 1)],
)
def test_partitions_of_an_a100(profile: str, each: int) -> None:
    """Each of the four GPUs gives as many partitions of a profile as the real one."""
    assert allocatable(profile) == 4 * each
