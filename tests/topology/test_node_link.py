"""Pictures are saved as JSON and read back unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.errors import ParseError
from drapolicy.topology import Topology
from drapolicy.topology.generate import generate
from drapolicy.topology.graph import EDGE_KINDS, INSIDE, SWITCH_LAYERS, VERTEX_KINDS
from drapolicy.topology.node_link import dumps, facts, load, parse, recognises, save

TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=8)
NAMES = TEXTS.filter(bool)
PLAIN = st.recursive(
    TEXTS | st.integers(-(2**70), 2**70) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
BANDWIDTHS = st.integers(1, 2**40)


def some(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


VERTICES = some(
    failed=st.booleans(),
    index=st.integers(0, 600),
    pci=st.just("0000:10:1c.0"),
    position=st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple),
    product=TEXTS,
    rail=st.integers(0, 8),
    rdma=TEXTS,
    uuid=TEXTS,
)
EDGES = some(
    failed=st.booleans(),
    generation=st.integers(1, 6),
    lanes=st.sampled_from([1, 4, 16]),
    latency_ns=st.integers(0, 10**6),
)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    graph = nx.Graph(**draw(st.dictionaries(NAMES, PLAIN, max_size=3)))
    for name in draw(st.lists(NAMES, unique=True, max_size=6)):
        kind = draw(st.sampled_from(sorted(VERTEX_KINDS)))
        graph.add_node(name, kind=kind, **draw(VERTICES))
        if kind == "switch":
            graph.nodes[name]["layer"] = draw(st.sampled_from(SWITCH_LAYERS))
    names = list(graph)
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)) if names else st.nothing()
    for a, b in draw(st.lists(pairs.filter(lambda pair: pair[0] != pair[1]), max_size=8)) if len(names) > 1 else ():
        kind = draw(st.sampled_from(sorted(EDGE_KINDS)))
        mb_s = 0 if kind == INSIDE else draw(BANDWIDTHS)
        graph.add_edge(a, b, kind=kind, count=draw(st.integers(1, 18)), bandwidth_mb_s=mb_s, **draw(EDGES))
    return Topology(graph)


def pair(**changes: Any) -> dict[str, Any]:
    """Two linked GPUs as data, with changed head."""
    link = {"source": "a", "target": "b", "kind": "NV", "count": 2, "bandwidth_mb_s": 50_000}
    return {
        "format": "drapolicy/topology",
        "version": 1,
        "directed": False,
        "multigraph": False,
        "graph": {},
        "nodes": [{"id": "a", "kind": "gpu"}, {"id": "b", "kind": "gpu"}],
        "edges": [link],
        **changes,
    }


@given(topologies())
def test_what_is_saved_is_read_back_unchanged(topology: Topology) -> None:
    """Every vertex, link and attribute is there again, in order; writing it again gives the same text."""
    text = dumps(topology)
    again = parse(text)
    assert again == topology
    assert list(again.graph) == list(topology.graph)
    assert dumps(again) == text
    assert recognises(text)


@given(topologies(), st.randoms(use_true_random=False))
def test_the_order_of_links_does_not_show(topology: Topology, random: Any) -> None:
    """Links come in the order of their vertices, whoever added them when and from which end."""
    links = [(b, a, data) for a, b, data in topology.graph.edges(data=True)]
    random.shuffle(links)
    graph = nx.Graph(**topology.graph.graph)
    graph.add_nodes_from(topology.graph.nodes(data=True))
    graph.add_edges_from(links)
    assert dumps(Topology(graph)) == dumps(topology)


@given(topologies())
def test_networkx_reads_it(topology: Topology) -> None:
    """The text is node-link data as networkx writes it, but for tuples, which JSON calls lists."""
    data = json.loads(dumps(topology))
    assert {"format": "drapolicy/topology", "version": 1}.items() <= data.items()
    graph = nx.node_link_graph(data, edges="edges")
    assert set(graph) == set(topology.graph)
    assert {frozenset(edge) for edge in graph.edges} == {frozenset(edge) for edge in topology.graph.edges}


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    """The bytes are the text; a link that leads elsewhere is replaced, and nothing else is left."""
    path = tmp_path / "machine.json"
    path.write_text("before")
    topology = parse(json.dumps(pair()))
    save(topology, path)
    assert path.read_text() == dumps(topology)
    assert load(path) == topology
    assert list(tmp_path.iterdir()) == [path]


def test_the_text_is_a_line_a_row() -> None:
    """People compare files line by line."""
    assert dumps(parse(json.dumps(pair()))).splitlines() == [
        "{",
        ' "format": "drapolicy/topology",',
        ' "version": 1,',
        ' "directed": false,',
        ' "multigraph": false,',
        ' "graph": {},',
        ' "nodes": [',
        '  {"id": "a", "kind": "gpu"},',
        '  {"id": "b", "kind": "gpu"}',
        " ],",
        ' "edges": [',
        '  {"bandwidth_mb_s": 50000, "count": 2, "kind": "NV", "source": "a", "target": "b"}',
        " ]",
        "}",
    ]


def test_facts_count_kinds() -> None:
    """Vertices and links by kind, and what has failed."""
    topology = parse(json.dumps(pair())).with_failed("a", ("a", "b"))
    assert facts(topology) == {"kind": "drapolicy-topology", "vertices": {"gpu": 2}, "links": {"NV": 1}, "failed": 2}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds 0 JSON documents"),
        ("{}{}", "holds 2 JSON documents"),
        ("[]", "is not a saved picture"),
        ('{"format": "else"}', "is not a saved picture"),
        (json.dumps(pair(version=2)), "version: is 2, which is not read here; version 1 is"),
        (json.dumps(pair(version=True)), "version: is True"),
        (json.dumps(pair(version="1")), "version: is '1'"),
        (json.dumps(pair())[:-9], "line 1: not JSON"),
        (json.dumps(pair(colour=1)), "colour: is no field"),
        (json.dumps(pair(directed=True)), "directed: is True"),
        (json.dumps(pair(graph=[])), "graph: is not an object"),
        (json.dumps(pair(nodes={})), "nodes: is not a list"),
        (json.dumps(pair(edges=None)), "edges: is not a list"),
        (json.dumps(pair(nodes=[1], edges=[])), r"nodes\[0\]: is not an object"),
        (json.dumps(pair(nodes=[{"kind": "gpu"}], edges=[])), r"nodes\[0\].id: is None"),
        (json.dumps(pair(nodes=[{"id": 3, "kind": "gpu"}], edges=[])), r"nodes\[0\].id: is 3"),
        (json.dumps(pair(nodes=pair()["nodes"] * 2)), r"vertex a: nodes\[2\]: is given twice"),
        (json.dumps(pair(edges=pair()["edges"] * 2)), r"edge a - b: edges\[1\]: is given twice"),
        (json.dumps(pair(nodes=[])), r"edge a - b: edges\[0\]: no vertex is named 'a' or 'b'"),
        (json.dumps(pair(graph={"x": 0.5})), "topology: x: 0.5 is not text"),
        (json.dumps(pair(graph={"x": None})), "topology: x: None is not text"),
        (json.dumps(pair(nodes=[{"id": "a", "kind": "gpu", "node_for_adding": 1}], edges=[])), "is no field"),
        (json.dumps(pair()).replace("50000", "50000.5"), "bandwidth_mb_s: 50000.5 is not an integer"),
        (json.dumps(pair()).replace("50000", "NaN"), "NaN is no JSON number"),
        (json.dumps(pair()).replace('"count": 2', '"count": 2, "count": 2'), "count"),
        (json.dumps(pair()).replace('"graph": {}', '"graph": {"x": ' + "[" * 40 + "]" * 40 + "}"), "topology: x"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    """Versions, fields and values that are not as written are refused with their place."""
    with pytest.raises(ParseError, match=told) as caught:
        parse(text, "machine.json")
    assert all(fault.file == "machine.json" for fault in caught.value.faults)


ODD = st.sampled_from([None, True, 0, -1, 1.5, 10**30, "", "x", "\0", [], [[]], {}, {"id": "x"}, "GPU0", 1e308])
BASE = json.loads(dumps(generate("mi300a")))


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, item in inner for place in places(item, (*way, key)))]


@given(st.lists(st.tuples(st.sampled_from(places(BASE)[1:]), ODD | st.just("cut")), min_size=1, max_size=3))
@settings(max_examples=300)
def test_files_that_were_tampered_with_are_read_or_refused(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Whatever stands where, the reader gives a valid picture or says what is wrong."""
    data = json.loads(json.dumps(BASE))
    for way, value in changes:
        at = data
        for key in way[:-1]:
            at = (
                dict(enumerate(at)).get(key, {})
                if isinstance(at, list)
                else at.get(key, {})
                if isinstance(at, dict)
                else {}
            )
        if isinstance(at, dict):
            at[way[-1]] = value
            if value == "cut":
                del at[way[-1]]
    try:
        again = parse(json.dumps(data))
    except ParseError:
        return
    assert parse(dumps(again)) == again


def test_all_faults_are_told_together() -> None:
    """Faults of the head, the lists and the graph come in one error."""
    data = pair(colour="red", multigraph=True)
    data["nodes"] += [{"id": "a", "kind": "gpu"}, {"id": "c", "kind": "tpu", "index": -1}, 7]
    data["edges"] += [{"source": "a", "target": "z"}, {"source": "a", "target": "c", "kind": "in", "count": 0}]
    with pytest.raises(ParseError) as caught:
        parse(json.dumps(data))
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [
        ("", "colour"),
        ("", "multigraph"),
        ("vertex a", "nodes[2]"),
        ("", "nodes[4]"),
        ("edge a - z", "edges[1]"),
        ("vertex c", "kind"),
        ("vertex c", "index"),
        ("edge a - c", "count"),
        ("edge a - c", "bandwidth_mb_s"),
    ]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('\n {"format": "drapolicy/topology", "version": 9}', True),
        ('{"format": "else"}', False),
        ("drapolicy/topology", False),
    ],
)
def test_a_saved_picture_is_recognised(text: str, known: bool) -> None:
    """By its format, whatever its version; a text that only speaks of it is none."""
    assert recognises(text) is known
