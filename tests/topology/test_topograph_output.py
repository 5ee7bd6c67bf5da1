"""What topograph gets from NetQ and NMX."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drapolicy.errors import InputError, ParseError
from drapolicy.topology.topograph_output import facts, parse, recognises, topology


def device(place: int, tier: int, kind: str = "switch") -> dict[str, Any]:
    return {"id": f"node{place}", "name": f"u{place}", "device_type": kind, "tier": tier}


def link(a: int, b: int, count: int) -> dict[str, Any]:
    cables = [{"interfaces": [{"node": f"node{b}"}, {"node": f"node{a}"}]} for _ in range(count)]
    return {"src": f"node{a}", "target": f"node{b}", "size": count, "compounded_links": cables}


def cables() -> list[dict[str, Any]]:
    """A spine, a leaf and a host."""
    tiers = [[device(0, 1)], [device(1, -1, "discovered_via_lldp")], [device(2, 2)]]
    return [{"nodes": [{"compounded_nodes": tier} for tier in tiers], "links": [link(0, 1, 2), link(2, 0, 3)]}]


def hosts() -> list[dict[str, Any]]:
    """Two hosts of a domain, one of them broken."""
    return [
        {"Name": "h1", "DomainUUID": "d", "GpuIDList": ["a", "b"], "Health": "HEALTHY"},
        {"Name": "h2", "DomainUUID": "d", "GpuIDList": ["c"], "Health": "UNHEALTHY"},
    ]


def test_the_graph_of_cables() -> None:
    """Switches by tier, hosts, and parallel cables counted."""
    text = json.dumps(cables())
    graph = topology(parse(text)).graph
    assert recognises(text)
    assert dict(graph.nodes(data=True)) == {
        "u0": {"kind": "switch", "layer": "leaf"},
        "u1": {"kind": "host"},
        "u2": {"kind": "switch", "layer": "spine"},
    }
    assert graph["u0"]["u1"] == {"kind": "NET", "count": 2, "bandwidth_mb_s": 0}
    assert graph["u0"]["u2"]["count"] == 3
    assert facts(parse(text)) == {"kind": "topograph-output"}


def test_the_graph_of_compute_nodes() -> None:
    """GPUs inside hosts, hosts inside their NVLink domain and chassis; what is unhealthy has failed."""
    listed = hosts()
    listed[0]["LocationInfo"] = {"ChassisSerialNumber": "17"}
    graph = topology(parse(json.dumps(listed)), "GB200").graph
    assert graph.nodes["a"] == {"kind": "gpu", "product": "GB200"}
    assert sorted(graph["h1"]) == ["a", "b", "domain/d", "rack/17"]
    assert graph.nodes["h2"] == {"kind": "host", "failed": True}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("links", 0, "src"), "node9", "leads to node9"),
        (("links", 0, "target"), "node0", "joins node0 to itself"),
        (("links", 0, "size"), 3, "is 3, but 2 cables are listed"),
        (("links", 0, "size"), "2", "is '2', not a whole number"),
        (
            ("links", 0, "compounded_links", 0, "interfaces"),
            [{"node": "node2"}],
            "joins node2, the link node0 and node1",
        ),
        (("links", 0, "compounded_links"), None, "is empty, not a list"),
        (("links", 1), link(1, 0, 1), "joins u1 and u0, as a link before it does"),
        (("nodes", 2, "compounded_nodes", 0, "name"), "u0", "node2 or u0 is given twice"),
        (("nodes", 2, "compounded_nodes", 0, "id"), "node0", "node0 or u2 is given twice"),
        (("nodes", 0), "x", "is 'x', not a mapping"),
    ],
)
def test_contradictions_are_refused(path: tuple[Any, ...], value: object, said: str) -> None:
    """Cables and units must fit each other."""
    changed = cables()
    at: Any = changed[0]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(ParseError) as caught:
        parse(json.dumps(changed, indent=1), "g.json")
    assert said in str(caught.value)
    assert caught.value.faults[0].path.startswith("line ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Name": "h1"}, "h1 is given twice"),
        ({"GpuIDList": ["b"]}, "b is in h1 already"),
        ({"DomainUUID": None}, "DomainUUID: line 1, column"),
        ({"Health": 1}, "is 1, not a name"),
    ],
)
def test_hosts_and_gpus_are_there_once(changes: dict[str, object], said: str) -> None:
    """No host or GPU is given twice or without a domain."""
    listed = hosts()
    listed[1] |= changes
    with pytest.raises(ParseError) as caught:
        parse(json.dumps(listed))
    assert said in str(caught.value)


def test_a_gpu_cannot_be_called_as_a_host() -> None:
    """One name is one vertex."""
    with pytest.raises(InputError, match="h2: is the name of a GPU and of a host"):
        topology(parse(json.dumps([*hosts(), {"Name": "h3", "DomainUUID": "d", "GpuIDList": ["h2"]}])))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"provider": {"name": "test"}, "engine": {"name": "slurm"}}', "is a request to topograph"),
        ('[{"links": [], "nodes": []}]', "names no switch and no node"),
        ("[]", "names no switch and no node"),
        ('[{"Name": "a", "Name": "b"}]', "is given twice"),
        ('[{"Name": ', "the text ends too early"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_neither_is_refused(text: str, said: str) -> None:
    """Requests, empty files and broken JSON."""
    with pytest.raises(ParseError, match=said):
        parse(text)


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "switches: {}", '"GpuIDList"'])
def test_other_texts_are_not_recognised(text: str) -> None:
    """Only JSON with a field of one of the files, or a request."""
    assert not recognises(text)


def test_requests_are_recognised() -> None:
    """So that the error says what they are."""
    assert recognises('{\n "provider": {}, "engine": {}}')
