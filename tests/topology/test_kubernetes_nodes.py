"""Files of Kubernetes nodes: which are read, and what they say of where hosts are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology import kubernetes_nodes, node_link, slurm_yaml, topograph

YAML = """apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata:
    name: n1
    labels: {nvidia.com/gpu.clique: u.0, topology.kubernetes.io/zone: a, topology.kubernetes.io/region: r}
- apiVersion: v1
  kind: Node
  metadata: {name: n2}
"""


def nodes(**labels: str) -> list[dict[str, Any]]:
    """A node as JSON."""
    return [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": labels}}]


def test_yaml() -> None:
    """Nodes are found in lists, and facts count places and nodes that have none."""
    assert kubernetes_nodes.recognises(YAML)
    read = kubernetes_nodes.parse(YAML)
    assert kubernetes_nodes.topology(read, "some GPU").of_kind("domain", "host") == ("gpu.clique/u.0", "n1", "n2")
    assert kubernetes_nodes.facts(read) == {
        "kind": "kubernetes-nodes",
        "nodes": 2,
        "domain": 1,
        "rack": 0,
        "switch": 2,
        "unlabelled": ["n2"],
    }


@pytest.mark.parametrize("indent", [None, 2])
def test_json(indent: int | None) -> None:
    """JSON on one line or many is read."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes(zone="a")}, indent=indent)
    assert kubernetes_nodes.recognises(text)
    assert [node.metadata.name for node in kubernetes_nodes.parse(text)] == ["n1"]


@pytest.mark.parametrize(
    "text",
    ["", "kind: NodePool\n", "kind: Pod\n", '{"nodes": []}', "kind: Nodes\n", "apiVersion: v1\nkind: Nodelike\n"],
)
def test_other_texts_are_not_taken_for_nodes(text: str) -> None:
    """Other kinds whose names begin alike are not, nor what a node owns."""
    assert not kubernetes_nodes.recognises(text)


def test_no_other_format_takes_nodes() -> None:
    """One format alone recognises nodes."""
    assert not any(form.recognises(YAML) for form in (node_link, slurm_yaml, topograph))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", "nodes.yaml: has no object of kind Node"),
        ("apiVersion: v1\nkind: Node\nmetadata: [\n", "nodes.yaml"),
        ("apiVersion: v1\nkind: Node\nmetadata: {name: 3}\n", "nodes.yaml.*name"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    """What is no node or broken is refused with its file."""
    with pytest.raises(ParseError, match=message):
        kubernetes_nodes.parse(text, "nodes.yaml")
