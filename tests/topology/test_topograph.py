"""Models of topograph, in each of their forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy.errors import InputError, ParseError
from drapolicy.topology import slurm_conf
from drapolicy.topology.topograph import facts, parse, recognises, topology

MODEL = """\
# two racks of one domain
switches:
  core:
    labels:
      topology.kubernetes.io/region: here
    switches: [spine-1, y]
  spine-1:
    switches:
    - leaf-1
    - leaf-2
blocks:
- switch: leaf-1
  nodes:
  - node[0008-0009]
  - node0011
  annotations:
    accelerator.topology.test/domain: d
    accelerator.topology.test/sub-domain: leaf-1
- switch: leaf-2
  nodes: ["[12-13]"]
  labels:
    network.topology.nvidia.com/accelerator: d
    test.topology/rack: r2
- nodes: [cpu]
"""

OLDER = """\
topology: topology/tree
switches:
- name: top
  metadata: {region: here}
  switches: [a, b]
- name: a
  capacity_blocks: [cb1]
- name: b
  capacity_blocks: [cb2]
capacity_blocks:
- name: cb1
  type: H100
  nvlink: nv1
  nodes: [n1, n2]
- name: cb2
  type: H100
  nodes: [n3]
physical_layers:
- {name: zone, type: availability_zone, capacity_blocks: [cb1, cb2]}
"""

BY_NODE = """\
switches:
  S1: {switches: [S2]}
  S2: {nodes: ["I[1-3]"]}
nodes:
  I1: {capacity_block: CB, type: H100, attributes: {nvlink: CB}}
  I2: {capacity_block: CB}
capacity_blocks:
  CB:
    nodes: [I1, I2]
"""


def test_the_graph_of_a_model() -> None:
    """Layers by height, hosts below the switch of their block, racks inside the domain that holds all their hosts."""
    model = parse(MODEL)
    graph = topology(model).graph
    layers = {name: data["layer"] for name, data in graph.nodes(data=True) if "layer" in data}
    assert layers == {"core": "core", "spine-1": "spine", "y": "leaf", "leaf-1": "leaf", "leaf-2": "leaf"}
    assert sorted(graph["leaf-1"]) == ["node0008", "node0009", "node0011", "spine-1"]
    assert graph["leaf-1"]["node0008"]["kind"] == "NET"
    assert sorted(graph["domain/d"]) == ["rack/leaf-1", "rack/r2"]
    assert sorted(graph["rack/r2"]) == ["12", "13", "domain/d"]
    assert list(graph["cpu"]) == []
    assert model.labels == {"core": {"topology.kubernetes.io/region": "here"}}
    assert facts(model) == {"kind": "topograph-model"}


def test_older_models_name_capacity_blocks() -> None:
    """A switch names its blocks; a block is a rack, and a domain where it has NVLink."""
    assert recognises(OLDER)
    graph = topology(parse(OLDER)).graph
    assert sorted(graph["a"]) == ["n1", "n2", "top"]
    assert sorted(graph["domain/nv1"]) == ["rack/cb1"]
    assert sorted(graph["rack/cb2"]) == ["n3"]


def test_nodes_may_have_records() -> None:
    """A node's record names its block and its NVLink domain; a rack that is not all in a domain is beside it."""
    graph = topology(parse(BY_NODE)).graph
    assert sorted(graph["S2"]) == ["I1", "I2", "I3", "S1"]
    assert sorted(graph["domain/CB"]) == ["I1"]
    assert sorted(graph["rack/CB"]) == ["I1", "I2"]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("switches: {a: {switches: [b]}, c: {switches: [b]}}", ["switch b is below a already"]),
        ("switches: {a: {switches: [a]}}", ["switches.a: line 1, column 12: switch a is below itself"]),
        ("switches: {a: {switches: [b]}, b: {switches: [a]}}", ["switch a is below", "switch b is below"]),
        ("switches:\n- {name: a, switches: [b]}\n- {name: a}", ["switches[1]: line 3, column 3: a is given twice"]),
        ("switches: {a: {}}\nblocks: [{switch: b, nodes: [n]}]", ["line 2, column 11: b is not among the switches"]),
        ("blocks: [{nodes: [n]}, {nodes: [n]}]", ["blocks[1]: line 1, column 24: n is in blocks[0] already"]),
        ("blocks: [{nodes: []}]", ["blocks[0]: line 1, column 10: has no nodes"]),
        ("blocks: [{nodes: ['n[1']}]", ["blocks[0].nodes[0]: line 1, column 19: [ at '[1' has no ]"]),
        ("blocks: [{nodes: [n, n]}]", ["n is named twice"]),
        ("blocks: [{nodes: [n], domain: d}]", ["blocks[0].domain: line 1, column 23: is no field here"]),
        ("blocks: [{nodes: [n], labels: {nvidia.com/gpu.clique: }}]", ["is empty, not a name"]),
        ("blocks: {nodes: [n]}", ["blocks: line 1, column 1: is a mapping, not a list"]),
        ("switches: {a: {capacity_blocks: [x]}}", ["capacity block x is not defined"]),
        (
            "switches: {a: {capacity_blocks: [x]}, b: {capacity_blocks: [x]}}\ncapacity_blocks: {x: {nodes: [n]}}",
            ["x is below a"],
        ),
        ("capacity_blocks: [{nodes: [n]}]", ["name: line 1, column 19: is empty, not a name"]),
        (
            "nodes: {n: {attributes: {nvlink: a}}}\ncapacity_blocks: {x: {nvlink: b, nodes: [n]}}",
            ["n is in domain b already, not in a"],
        ),
        ("switches: {}", ["names no switch and no node"]),
        ("switches: {a: {}}\nswitches: {b: {}}", ["switches: line 2, column 1: is given twice"]),
        ("switches: {a: {}, a: {}}", ["switches.a: line 1, column 19: is given twice"]),
        ("base: &b {a: {}}\nswitches: {<<: *b}", ["switches: line 2, column 1: has a key <<"]),
        ("switches: [", ["line 2: not YAML"]),
        ("switches:\n\t- a", ["line 2: not YAML"]),
    ],
)
def test_faults_say_where(text: str, faults: list[str]) -> None:
    """Every fault of a file is told, with line and column where it has one."""
    with pytest.raises(ParseError) as caught:
        parse(text, "m.yaml")
    told = [str(fault) for fault in caught.value.faults]
    assert [wanted in said for said, wanted in zip(told, faults, strict=True)] == [True] * len(faults), told


def test_a_bomb_is_refused() -> None:
    """Aliases that expand without end are refused by the bounds of the API's reader."""
    layers = "".join(f"x{n + 1}: &x{n + 1} [{', '.join([f'*x{n}'] * 10)}]\n" for n in range(9))
    with pytest.raises(ParseError, match="aliases expand"):
        parse(f"x0: &x0 [a, b]\n{layers}switches: {{a: *x9}}\n")


def test_one_name_is_one_vertex() -> None:
    """A node cannot be called as a switch, below one or not."""
    for text in ("switches: {a: {nodes: [a]}}", "switches: {a: {}}\nblocks: [{nodes: [a]}]"):
        with pytest.raises(InputError, match="switches.a: line 1, column 12: a is the name of a switch and of a node"):
            topology(parse(text))


@pytest.mark.parametrize(
    "text",
    ["", "{}", "  switches: {}", "provider: {name: x}\nswitches: {}", "apiVersion: v1\nswitches: {}", "SwitchName=s"],
)
def test_other_texts_are_not_recognised(text: str) -> None:
    """Models have switches or blocks at their left edge, and are no object of Kubernetes or Helm."""
    assert not recognises(text)


def test_a_model_is_the_network_that_topograph_writes_for_slurm(shared: Path) -> None:
    """The model of 96 hosts has the leaves of the topology.conf that is expected of it."""
    folder = shared / "topology/NVIDIA_topograph"
    model = parse((folder / "large.yaml").read_text())
    written = slurm_conf.parse((folder / "expected.slinky-oci-sim-tree.conf").read_text())
    assert {s.nodes for s in model.switches if s.nodes} == {s.nodes for s in written.switches if s.nodes}
    assert len(model.switches) == len(written.switches)


def test_nvl72_has_a_domain_for_each_rack(shared: Path) -> None:
    """Four domains of eighteen hosts."""
    model = parse((shared / "topology/NVIDIA_topograph/nvl72.yaml").read_text())
    assert [len(domain.nodes) for domain in model.domains] == [18] * 4
