"""The one entry to generated machines and networks."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.topology.generate import ALIASES, KINDS, from_text, generate, kind_of
from drapolicy.topology.graph import INSIDE
from drapolicy.topology.node_link import dumps, parse


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_made_by_its_name_alone(kind: str) -> None:
    """Defaults fit; the picture says what it is and where that is from, and is the same every time."""
    topology = generate(kind)
    assert topology.graph.graph["kind"] == kind
    assert topology.graph.graph["source"] == KINDS[kind].source
    assert topology.devices
    assert dumps(topology) == dumps(generate(kind))
    assert parse(dumps(topology)) == topology
    assert KINDS[kind].what.startswith(f"{kind}: ")
    assert len(KINDS[kind].source) > 20
    assert all(param.what and param.rule.holds(param.default) for param in KINDS[kind].params.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_device_is_in_a_host(kind: str) -> None:
    """Following containment and PCIe links upward, each device leads to one host."""
    graph = generate(kind).graph
    hosts = {name for name, data in graph.nodes(data=True) if data["kind"] == "host"}
    for name, data in graph.nodes(data=True):
        if data["kind"] not in {"gpu", "nic", "cpu"}:
            continue
        seen, open_ = {name}, [name]
        while open_:
            at = open_.pop()
            for other, link in graph[at].items():
                if link["kind"] in {INSIDE, "PCIE"} and other not in seen and graph.nodes[at]["kind"] != "host":
                    seen.add(other)
                    open_.append(other)
        assert len(seen & hosts) == 1, name


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        ("dgx-9", {}, "kind: 'dgx-9' is unknown; did you mean dgx-2.* All are dgx-1-p100, .*, torus"),
        ("xyz", {}, "kind: 'xyz' is unknown; use one of dgx-1-p100, .*, torus"),
        (None, {}, "kind: None is unknown; use one of"),
        ("mi300x", {"cards": 4}, "mi300x: cards: is no parameter; it has nodes"),
        ("mi300x", {"nodes": 0}, "mi300x: nodes: 0 is not an integer from 1 to 65536"),
        ("mi300x", {"nodes": 5_000}, "nodes: 5,000 have 80,000 devices, more than 65,536; give at most 4,096"),
        ("cpu-nic", {"nodes": 20_000}, "nodes: 20,000 have 80,000 devices"),
        ("pcie", {"cards": 0}, "pcie: cards: 0 is not an integer from 1 to 16"),
        ("pcie", {"cards": 17}, "pcie: cards: 17 is not"),
        ("pcie", {"cards": True}, "pcie: cards: True is not"),
        ("pcie", {"cards": "8"}, "pcie: cards: '8' is not"),
        ("pcie", {"cards": 5, "bridge": 2}, "bridge: 2 does not divide 5 cards"),
        ("pcie", {"cards": 5, "bridge": 1}, "bridge: 1 does not divide 5 cards"),
        ("pcie", {"product": "two\nlines"}, "product: 'two"),
        ("pcie", {"sockets": "UPI9"}, "sockets: 'UPI9' is not one of 'QPI'"),
        ("cpu-nic", {"lanes": 33}, "lanes: 33 is not an integer from 1 to 32"),
        ("gb200-nvl72", {"racks": 0}, "racks: 0 is not an integer from 1 to 64"),
        ("torus", {"shape": ()}, r"shape: \(\) is not a tuple of 1 to 6 lengths"),
        ("torus", {"shape": (2,) * 7}, "shape: "),
        ("torus", {"shape": [4, 4]}, "shape: "),
        ("torus", {"shape": (4, 0)}, "shape: "),
        ("torus", {"shape": (4, 4), "host": (2, 2, 1)}, r"host: \(2, 2, 1\) does not divide \(4, 4\)"),
        ("torus", {"shape": (3, 4, 4), "host": (2, 2, 1)}, "host: .* does not divide"),
        ("torus", {"shape": (1024, 1024, 1024), "host": (1, 1, 1)}, "shape: .* has 1,073,741,824 chips"),
        ("torus", {"wrap": 1}, "wrap: 1 is not True or False"),
        ("torus", {"link": "v9"}, "link: 'v9' is not one of 'v4'"),
        ("fat-tree", {"machine": "dgx"}, "machine: 'dgx' is not one of"),
        ("fat-tree", {"speed": "ndr"}, "speed: 'ndr' is not one of"),
        ("fat-tree", {"ports": 4, "oversubscription": 4}, "oversubscription: 4 leaves none of 4 ports"),
        ("fat-tree", {"ports": 4, "nodes": 9}, "tiers: 5 leaves are too many for spines of 4 ports"),
        ("fat-tree", {"ports": 4, "nodes": 17, "tiers": 3}, "nodes: 5 pods are too many for cores of 4 ports"),
        ("fat-tree", {"ports": 8, "machine": "hgx-h100"}, "ports: 4 ports lead down, too few for the 8 cards"),
        ("fat-tree", {"nodes": 65_536, "machine": "hgx-h100"}, "nodes: 65,536 have 1,310,720 devices"),
        ("dragonfly", {"nodes": 7, "nodes_of_switch": 1}, "nodes: 4 groups are more than 3"),
        ("dgx-2", {"failures": -1}, "failures: -1 is neither"),
        ("dgx-2", {"failures": 1.5}, "failures: 1.5 is neither"),
        ("dgx-2", {"failures": float("nan")}, "failures: nan is neither"),
        ("dgx-2", {"failures": True}, "failures: True is neither"),
        ("dgx-2", {"failures": 10_000}, "failures: 10000 links cannot fail, dgx-2 has"),
        ("dgx-2", {"seed": -1}, "seed: -1 is not an integer"),
        ("dgx-2", {"seed": 0.5}, "seed: 0.5 is not an integer"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, params: dict[str, Any], told: str) -> None:
    """Kinds, parameters, values and what does not fit together."""
    with pytest.raises(InputError, match=told):
        generate(kind, **params)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dgx-h100", "hgx-h100"),
        ("DGX-H200", "hgx-h200"),
        ("dgx-b200", "hgx-b200"),
        ("nvl72", "gb200-nvl72"),
        ("rail-optimized", "rail-optimised"),
        ("Torus", "torus"),
    ],
)
def test_kinds_have_other_names(name: str, kind: str) -> None:
    """Names of vendors and spellings mean the same picture, which says its one name."""
    assert kind_of(name) == kind
    assert generate(name) == generate(kind)
    assert generate(name).graph.graph["kind"] == kind


def test_machines_of_a_network_have_other_names_too() -> None:
    """What names a kind names the machine of each node; the picture says its one name."""
    named = generate("fat-tree", nodes=2, machine="DGX-H100")
    assert named == generate("fat-tree", nodes=2, machine="hgx-h100")
    assert named.graph.graph["machine"] == "hgx-h100"


def test_no_other_name_hides_a_kind() -> None:
    """Other names are spelt as they are looked up, and lead to kinds."""
    assert not set(ALIASES) & set(KINDS)
    assert all(name == name.lower() and kind in KINDS for name, kind in ALIASES.items())


@pytest.mark.parametrize("kind", [name for name, row in KINDS.items() if "nodes" in row.params])
@pytest.mark.parametrize("nodes", [1, 2, 5])
def test_there_are_as_many_nodes_as_asked(kind: str, nodes: int) -> None:
    """Each has the devices of one, and no two are joined where there is no network."""
    topology, one = generate(kind, nodes=nodes), generate(kind, nodes=1)
    assert len(topology.of_kind("host")) == nodes
    assert len(topology.devices) == nodes * len(one.devices)
    if not topology.graph.graph.get("speed"):
        assert nx.number_connected_components(topology.graph) == nodes
        assert topology.of_kind("host") == (("host",) if nodes == 1 else tuple(f"node{n}" for n in range(nodes)))


def test_all_bad_parameters_are_told_together() -> None:
    """One error names each."""
    with pytest.raises(InputError) as caught:
        generate("pcie", cards=0, colour="red", numa="x", failures="all", seed=None)  # type: ignore[arg-type]
    assert [fault.path for fault in caught.value.faults] == ["colour", "cards", "numa", "failures", "seed"]


@given(st.integers(0, 100), st.integers(0, 5), st.sampled_from(["dgx-1-v100", "mi300x", "torus", "dragonfly"]))
def test_as_many_links_fail_as_asked(failures: int, seed: int, kind: str) -> None:
    """A count is exact, which links is up to the seed, containment never fails, and nothing else changes."""
    links = {frozenset((a, b)) for a, b, data in generate(kind).graph.edges(data=True) if data["kind"] != INSIDE}
    failures = min(failures, len(links))
    topology = generate(kind, failures=failures, seed=seed)
    failed = {frozenset((a, b)) for a, b, data in topology.graph.edges(data=True) if data.get("failed")}
    assert len(failed) == failures
    assert failed <= links
    assert dumps(topology) == dumps(generate(kind, failures=failures, seed=seed))
    whole = generate(kind, seed=seed)
    assert whole.with_failed(*(tuple(pair) for pair in failed)) == topology


@pytest.mark.parametrize(
    ("rate", "count"), [(0.0, 0), (0.1, 19), (0.5, 96), (1.0, 192), (1, 1), (0.0026, 0), (0.00261, 1)]
)
def test_a_part_of_the_links_fails(rate: float, count: int) -> None:
    """A float is a part of all links, rounded to a whole link; an int is a count."""
    graph = generate("torus", failures=rate, seed=1).graph
    assert sum(bool(data.get("failed")) for _, _, data in graph.edges(data=True)) == count


def test_the_seed_chooses_which_links_fail() -> None:
    """Other seeds, other links."""
    one, two = (
        {
            frozenset((a, b))
            for a, b, data in generate("torus", failures=5, seed=seed).graph.edges(data=True)
            if data.get("failed")
        }
        for seed in (1, 2)
    )
    assert one != two


FAILED = """
from drapolicy.topology.generate import generate
for kind in ("dgx-2", "torus", "rail-optimised", "dragonfly"):
    graph = generate(kind, failures=3, seed=7).graph
    print(sorted(sorted((a, b)) for a, b, data in graph.edges(data=True) if data.get("failed")))
"""


def test_the_same_links_fail_in_every_process() -> None:
    """Whatever the seed of Python's own hashes."""
    told = {
        subprocess.run(
            [sys.executable, "-c", FAILED],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("0", "1", "2")
    }
    assert len(told) == 1
    assert told.pop().count("[[") == 4


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_read_from_text(kind: str) -> None:
    """What the picture says of a parameter, written as text, gives the parameter."""
    for name, param in KINDS[kind].params.items():
        text = "x".join(map(str, param.default)) if isinstance(param.default, tuple) else str(param.default)
        assert from_text(kind, {name: text}) == {name: param.default}


def test_text_that_is_no_value_is_left_to_the_check() -> None:
    """Whoever types it is told by the same message as anybody else."""
    params = from_text("torus", {"shape": "4xfour", "wrap": "maybe", "colour": "red"})
    with pytest.raises(InputError, match="shape: .4, 'four'. is not"):
        generate("torus", **params)
    with pytest.raises(InputError, match="kind: 'x' is unknown"):
        from_text("x", {})
