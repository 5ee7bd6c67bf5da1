"""Slurm's topology.yaml: every plugin, and what its own parser refuses."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError, ParseError, UnknownReferenceError
from drapolicy.topology import slurm_conf
from drapolicy.topology.slurm_yaml import facts, parse, recognises, topology

ALL = """\
# every plugin once
---
- topology: fabric
  tree:
    switches:
      - {switch: top, children: "l[1-2]"}
      - {switch: l1, nodes: "n[01-02]"}
      - {switch: l2, nodes: [n03, "n[04-05]"]}
- topology: racks
  cluster_default: True
  block:
    block_sizes: [2, 4]
    blocks:
      - block: b1
        nodes: n[01-02]
      - block: b2
        nodes: n[03-05]
- topology: loops
  ring: {rings: {ring: r, nodes: "n[01-04]"}}
- topology: pods
  torus3d:
    toruses:
      - name: pod
        dims: {x: 3, y: 2, z: 1}
        nodes: n[1-6]
        placements:
          - dims: {x: 1, y: 2, z: 1}
- topology: rest
  flat: true
"""


def test_every_plugin_is_read() -> None:
    """Names, host lists as text or list, one mapping in place of a list, a key called y."""
    networks = parse(ALL)
    assert recognises(ALL)
    assert [network.plugin for network in networks] == ["tree", "block", "ring", "torus3d", "flat"]
    assert networks[0].switches[2].nodes == ("n03", "n04", "n05")
    assert networks[1].block_sizes == (2, 4)
    assert networks[2].rings[0].nodes == ("n01", "n02", "n03", "n04")
    assert networks[3].toruses[0].dims == (3, 2, 1)
    assert facts(networks) == {"kind": "slurm-yaml", "switches": 3, "blocks": 2, "blocksizes": ["2,4"]}


def test_the_default_topology_is_drawn() -> None:
    """The one marked as the cluster's, else the first, or the one that is named."""
    networks = parse(ALL)
    assert topology(networks).of_kind("domain") == ("domain/b1", "domain/b2")
    assert topology(networks[2:]).of_kind("domain") == ("domain/r",)
    assert topology(networks, name="fabric").of_kind("switch") == ("top", "l1", "l2")
    with pytest.raises(UnknownReferenceError, match="x: is not in the file, which has fabric, racks"):
        topology(networks, name="x")
    with pytest.raises(InputError, match="topology/flat says nothing"):
        topology(networks, name="rest")


def test_a_flat_default_is_not_drawn() -> None:
    """The first topology that says something stands in for it, which is told; where there is none, nothing is drawn."""
    text = "- topology: plain\n  cluster_default: true\n  flat: true\n- topology: t\n  tree: {switches: {switch: s, nodes: n}}\n"
    drawn = topology(parse(text))
    assert drawn.of_kind("switch", "host") == ("s", "n")
    assert "notes" not in topology(parse(text), name="t").graph.graph
    assert drawn.graph.graph["notes"] == (
        "topology plain, the default, is flat and says nothing of the network; this is t",
    )
    with pytest.raises(InputError, match="topology plain: topology/flat says nothing"):
        topology(parse(text)[:1])


def test_a_torus_wraps_around() -> None:
    """Each node has a link to the next along each axis; an axis of two has one, of one none."""
    graph = topology(parse(ALL), name="pods").graph
    assert sorted(n for n in graph["n1"] if n != "domain/pod") == ["n2", "n3", "n4"]
    cube = parse(
        "topology: t\ntorus3d: {toruses: [{name: c, dims: {x: 4, y: 4, z: 4}, nodes: 'n[0-63]'}]}\n",
    )
    drawn = topology(cube).graph
    assert {drawn.degree(f"n{n}") for n in range(64)} == {7}
    assert sorted(n for n in drawn["n0"] if n != "domain/c") == ["n1", "n12", "n16", "n3", "n4", "n48"]


def test_regions_fill_a_torus() -> None:
    """Boxes of nodes at anchors; places that no box fills are free."""
    text = """
    topology: t
    torus3d:
      toruses:
        name: pod
        dims: {x: 2, y: 2, z: 2}
        regions:
          - {nodes: "a[1-4]", anchor: {x: 0, y: 0, z: 1}, dims: {x: 2, y: 2, z: 1}}
          - {nodes: b, dims: {x: 1, y: 1, z: 1}}
    """
    networks = parse(text)
    assert networks[0].toruses[0].nodes == ("b", "", "", "", "a1", "a2", "a3", "a4")
    assert topology(networks).graph.has_edge("b", "a1")


def test_both_files_say_the_same() -> None:
    """A tree has one graph, whichever file it is from."""
    conf = slurm_conf.parse(
        "SwitchName=top Switches=l[1-2]\nSwitchName=l1 Nodes=n[01-02]\nSwitchName=l2 Nodes=n[03-05]"
    )
    assert slurm_conf.topology(conf) == topology(parse(ALL), name="fabric")


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("topology/tree", ["is 'topology/tree', not a list"]),
        ("[]", ["holds no topology"]),
        ("- topology: a\n  flat: false", ["[0]: line 1, column 3: has no plugin"]),
        ("- topology: a\n  flat: maybe", ["is 'maybe', not true or false", "has no plugin"]),
        ("- topology: a\n  flat: true\n  tree: {}", ["has tree and flat; give one"]),
        ("- topology: a\n  flat: true\n- topology: a\n  flat: true", ["line 3, column 3: a is given twice"]),
        (
            "- flat: true",
            [
                "[0].topology",
            ],
        ),
        ("- topology: a\n  tree:\n    switches: s1", ["line 3, column 5: is 's1', not a list"]),
        ("- topology: a\n  tree: {}", ["has no switches"]),
        ("- topology: a\n  tree: {switches: []}", ["has no switches"]),
        ("- topology: a\n  tree: {switches: [{switch: s, node: n}]}", ["node: line 2, column 33: is no field here"]),
        ("- topology: a\n  tree: {switches: [{switch: s, children: t}]}", ["switch s has t below it"]),
        ("- topology: a\n  block: {blocks: [{block: b, nodes: [n, n]}]}", ["n is named twice"]),
        ("- topology: a\n  block: {block_sizes: [x], blocks: [{block: b, nodes: n}]}", ["is 'x', not a whole number"]),
        ("- topology: a\n  block: {block_sizes: ['4'], blocks: [{block: b, nodes: n}]}", ["is '4', not a whole"]),
        (
            "- topology: a\n  torus3d: {toruses: [{name: t, dims: {x: 4, y: 4, z: 2}, nodes: 'n[1-8]'}]}",
            ["8 nodes for 32"],
        ),
        (
            "- topology: a\n  torus3d: {toruses: [{name: t, dims: {x: 1, y: 1}, nodes: n}]}",
            ["dims.z: line 2, column 33: is empty, not a whole"],
        ),
        (
            "- topology: a\n  torus3d: {toruses: [{name: t, dims: {x: 60000, y: 60000, z: 60000}, nodes: n}]}",
            ["is more than 1,000,000 places"],
        ),
        (
            "- topology: a\n  torus3d: {toruses: [{name: t, dims: {x: 1, y: 1, z: 1}, nodes: n, placements: 1x1x1}]}",
            ["is '1x1x1', not a list"],
        ),
        (
            "- topology: a\n  torus3d: {toruses: [{name: t, dims: &d {x: 1, y: 1, z: 1}, nodes: n, placements: [{dims: {x: 2, y: 1, z: 1}}]}]}",
            ["2x1x1 is larger than the torus, 1x1x1"],
        ),
        (
            "- topology: a\n  torus3d: {toruses: [{name: t, dims: &d {x: 1, y: 1, z: 1}, regions: [{nodes: n, dims: *d}, {nodes: m, dims: *d}]}]}",
            ["m or its place is in a region before"],
        ),
        ("- topology: a\n  topology: b\n  flat: true", ["line 2, column 3: is given twice"]),
        ("- topology: a\n  flat: true\n---\n- topology: b\n  flat: true", ["holds 2 documents"]),
        ("- topology: a\n  flat: [", ["t.yaml: line 3: not YAML"]),
        ("- &a [*a]", ["contains itself"]),
    ],
)
def test_faults_say_where(body: str, faults: list[str]) -> None:
    """Every fault of a file is told, with line and column where it has one."""
    with pytest.raises(ParseError) as caught:
        parse(body, "t.yaml")
    told = [str(fault) for fault in caught.value.faults]
    assert len(told) == len(faults), told
    for said, wanted in zip(told, faults, strict=True):
        assert wanted in said


@pytest.mark.parametrize(
    "text", ["SwitchName=s", "topology: topology/tree\nswitches: {}", "switches: {}", "", "tree: SwitchName=s"]
)
def test_other_texts_are_not_recognised(text: str) -> None:
    """A model of topograph may begin with its plugin under the key topology."""
    assert not recognises(text)
