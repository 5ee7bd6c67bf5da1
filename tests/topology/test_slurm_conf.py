"""Slurm's topology.conf: its lines, and the networks that Slurm refuses."""

from __future__ import annotations

import re

import pytest

from drapolicy.errors import InputError, ParseError
from drapolicy.topology.slurm import Group, Network, Switch, heights
from drapolicy.topology.slurm_conf import MAX_LENGTH, facts, parse, recognises, topology


def names(text: str) -> dict[str, tuple[str, ...]]:
    """Each switch with what is below it."""
    return {switch.name: (*switch.switches, *switch.nodes) for switch in parse(text).switches}


@pytest.mark.parametrize(
    "text",
    [
        "SwitchName=s Nodes=a,b",
        "switchname=s NODES=a,b",
        "  SwitchName = s   Nodes= a,b  ",
        'SwitchName="s" Nodes="a, b"',
        "SwitchName=s Nodes=a,b # a comment",
        "SwitchName=s Nodes=a,b#at once",
        "# first\n\n\t# second \\\nSwitchName=s Nodes=a,b\n\n",
        "SwitchName=s \\\n  Nodes=a,b",
        "SwitchName=s Nodes=a\\  \n,b",
        "SwitchName=s \\ # said here\n Nodes=a,b",
        "\ufeffSwitchName=s Nodes=a,b\r\n",
        "SwitchName=s Nodes=a,b\r",
        "SwitchName=s Nodes=a,b \\",
    ],
)
def test_lines_are_read_as_slurm_does(text: str) -> None:
    """Keys in any case, quotes, comments, continued lines, every line end."""
    assert recognises(text)
    assert names(text) == {"s": ("a", "b")}


def test_a_backslash_keeps_the_hash_after_it() -> None:
    r"""``\#`` is a character, ``\\#`` a backslash, which no name has, and a comment."""
    assert names("SwitchName=s Nodes=a\\#b") == {"s": ("a#b",)}
    with pytest.raises(ParseError, match=re.escape(r"'a\\' is not a name")):
        parse("SwitchName=s Nodes=a\\\\#b")


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("SwitchName=s Nodes", ["line 1, column 14: 'Nodes' is no Key=value"]),
        ("SwitchName=s Nodes=a b", ["line 1, column 22: 'b' is no Key=value"]),
        ("Nodes=a SwitchName=s", ["Nodes: line 1, column 1: begins a line"]),
        ("\n  Include more.conf", ["line 2, column 3: 'Include more.conf' is no Key=value"]),
        ("SwitchName=s Colour=red", ["Colour: line 1, column 14: is no field of SwitchName"]),
        ("BlockName=b Switches=s", ["Switches: line 1, column 13: is no field of BlockName"]),
        ("SwitchName=s Nodes=a nodes=b", ["nodes: line 1, column 22: is given twice"]),
        ("SwitchName=s Nodes+=a", ["Nodes: line 1, column 14: is set by +="]),
        ("SwitchName=s \\\n  Nodes=a[1", ["line 2, column 9: [ at '[1' has no ]"]),
        ("SwitchName=s Nodes=a,a", ["line 1, column 20: a is named twice"]),
        ("SwitchName=s LinkSpeed=fast", ["LinkSpeed: line 1, column 24: 'fast' is not a whole number"]),
        ("SwitchName=s LinkSpeed=4294967296", ["is not a whole number below 2^32"]),
        ("SwitchName=s Nodes=a\nBlockName=b Nodes=a", ["BlockName: line 2, column 11: is for topology/block"]),
        ("SwitchName=s\nSwitchName=s", ["switch s: line 2, column 12: is given twice, first in line 1, column 12"]),
        ("SwitchName=s Switches=t", ["switch s: line 1, column 12: has t below it, which is not defined"]),
        ("SwitchName=s Switches=t Nodes=a\nSwitchName=t", ["has both switches and nodes"]),
        ("SwitchName=s\x07 Nodes=a", ["SwitchName: line 1, column 12: 's\\x07' is not a name"]),
        ("BlockName=b[1-2] Nodes=a", ["BlockName: line 1, column 11: 'b[1-2]' is not a name"]),
        ("SwitchName=s Nodes=a=b", ["line 1, column 20: 'a=b' is not a name; use letters"]),
        ("SwitchName=s Nodes=a,b\x00", ["line 1, column 20: 'b\\x00' is not a name"]),
        ("SwitchName=s Switches=s", ["switch s: line 1, column 12: is below itself"]),
        (
            "SwitchName=a Switches=b\nSwitchName=b Switches=a\nSwitchName=c Switches=b",
            ["switch a: line 1", "switch b: line 2", "switch c: line 3"],
        ),
        (f"SwitchName={'s' * 65}", ["more than 64 characters"]),
        ("BlockName=b Nodes=a\nBlockName=c Nodes=a", ["block c: line 2, column 11: shares nodes with block b"]),
        (
            "BlockName=b Nodes=a\nBlockSizes=1,3",
            ["block sizes: line 2, column 12: 3 is not larger than 1 and 1 times a power of two"],
        ),
        ("BlockName=b Nodes=a\nBlockSizes=1,1", ["1 is not larger than 1"]),
        ("BlockName=b Nodes=a\nBlockSizes=0", ["BlockSizes: line 2, column 12: '0' is not a count"]),
        ("BlockName=b Nodes=a\nBlockSizes=1,", ["'' is not a count"]),
        ("BlockName=b Nodes=a\nBlockSizes=1\nBlockSizes=1", ["line 3, column 12: is given twice, first in line 2"]),
        ("RingName=r Nodes=n[1-17]", ["ring r: line 1, column 10: has 17 nodes; a ring has at most 16"]),
        ("SwitchName=s Nodes=a[\nSwitchName=t Nodes=b]", ["line 1, column 20", "line 2, column 20"]),
        ("# nothing\n", ["names no switch, block or ring"]),
        ("", ["names no switch, block or ring"]),
    ],
)
def test_faults_say_where(text: str, faults: list[str]) -> None:
    """Every fault of a file is told, with line and column."""
    with pytest.raises(ParseError) as caught:
        parse(text, "t.conf")
    told = [str(fault).removeprefix("t.conf: ") for fault in caught.value.faults]
    assert len(told) == len(faults)
    for said, wanted in zip(told, faults, strict=True):
        assert wanted in said


def test_a_file_cannot_fill_the_memory() -> None:
    """Long texts, and many large ranges, are refused."""
    with pytest.raises(ParseError, match="longer than"):
        parse("#" * (MAX_LENGTH + 1))
    with pytest.raises(ParseError, match="more than 1,000,000 names"):
        parse("".join(f"SwitchName=s{n} Nodes=n{n}x[1-60000]\n" for n in range(40)))


@pytest.mark.parametrize(
    "text",
    ["tree: SwitchName=s", "- topology: t", "{}", "", "NodeName=n", "x\nSwitchName=s Nodes=a", "\n" * 10_000 + "x"],
)
def test_other_texts_are_not_recognised(text: str) -> None:
    """The first line that says something decides."""
    assert not recognises(text)


def test_blocks_may_lack_nodes() -> None:
    """A rack that is absent is a block without nodes, and one that is not full has fewer than the base block."""
    network = parse("BlockName=b1 Nodes=n[0-3]\nBlockName=b2 Nodes=n4\nBlockName=b3\nBlockSizes=4,8\n")
    assert facts(network) == {"kind": "slurm-conf", "switches": 0, "blocks": 3, "blocksizes": ["4,8"]}
    graph = topology(network).graph
    assert [graph.degree(f"domain/b{n}") for n in (1, 2, 3)] == [4, 1, 0]


def test_the_graph_of_a_tree() -> None:
    """Leaves, spines and cores by height; hosts under leaves; speeds only where their unit is given."""
    network = parse(
        "SwitchName=top Switches=mid,l2 LinkSpeed=100\nSwitchName=mid Switches=l1\n"
        "SwitchName=l1 Nodes=n[0-1] LinkSpeed=25\nSwitchName=l2 Nodes=n2\nSwitchName=alone\n"
    )
    graph = topology(network).graph
    layers = {name: data["layer"] for name, data in graph.nodes(data=True) if data["kind"] == "switch"}
    assert layers == {"top": "core", "mid": "spine", "l1": "leaf", "l2": "leaf", "alone": "leaf"}
    assert topology(network).of_kind("host") == ("n0", "n1", "n2")
    assert {data["bandwidth_mb_s"] for _, _, data in graph.edges(data=True)} == {0}
    fast = topology(network, link_speed_mb_s=125).graph
    assert [fast["l1"]["n0"]["bandwidth_mb_s"], fast["top"]["l2"]["bandwidth_mb_s"]] == [3_125, 12_500]
    assert fast["l2"]["n2"]["bandwidth_mb_s"] == 0


def test_a_node_may_hang_on_two_leaves() -> None:
    """Slurm warns of it, and rails are built so: both links are there."""
    graph = topology(parse("SwitchName=a Nodes=n\nSwitchName=b Nodes=n")).graph
    assert sorted(graph["n"]) == ["a", "b"]


def test_the_graph_of_blocks_and_rings() -> None:
    """A block is a domain around its nodes; a ring also links neighbours, the last with the first."""
    blocks = topology(parse("BlockName=b1 Nodes=n[1-2]\nBlockName=b2 Nodes=n[3-4]\nBlockSizes=2,4")).graph
    assert blocks.graph["block_sizes"] == (2, 4)
    assert sorted(blocks["domain/b1"]) == ["n1", "n2"]
    assert blocks["n1"]["domain/b1"]["kind"] == "in"
    ring = topology(parse("RingName=r Nodes=n[1-4]")).graph
    assert sorted(n for n in ring["n1"] if n.startswith("n")) == ["n2", "n4"]
    pair = topology(parse("RingName=r Nodes=n[1-2]")).graph
    assert pair.has_edge("n1", "n2")
    assert topology(parse("RingName=r Nodes=n1")).of_kind("host") == ("n1",)


def test_a_node_cannot_be_called_as_a_switch() -> None:
    """One name is one vertex."""
    with pytest.raises(
        InputError, match="line 1, column 12: has the node s below it, which is the name of a switch too"
    ):
        topology(parse("SwitchName=s Nodes=s"))


def test_facts() -> None:
    """Switches and blocks are counted, sizes are as written."""
    assert facts(parse("BlockName=b Nodes=n[1-2]\nBlockSizes=2,4")) == {
        "kind": "slurm-conf",
        "switches": 0,
        "blocks": 1,
        "blocksizes": ["2,4"],
    }


def test_heights_of_a_deep_chain() -> None:
    """A chain of many switches needs no recursion, and the rows may come in any order."""
    chain = [Switch(f"s{n}", (f"s{n + 1}",) if n < 4_999 else ()) for n in range(5_000)]
    assert heights(chain)["s0"] == 4_999
    assert topology(Network("tree", switches=tuple(chain))).graph.nodes["s0"]["layer"] == "core"


def test_groups_are_plain_values() -> None:
    """What a file says can be compared."""
    assert parse("BlockName=b Nodes=n").blocks == (Group("b", ("n",), "line 1, column 11"),)
