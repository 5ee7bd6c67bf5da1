"""Nodes as columns: what goes in comes out."""

from __future__ import annotations

import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy import api
from drapolicy.api.core import Node, NodeSpec, NodeStatus, Taint
from drapolicy.api.meta import ObjectMeta, OwnerReference
from drapolicy.api.quantity import Quantity
from drapolicy.errors import InputError
from drapolicy.inventory import columns
from drapolicy.inventory.maps import parts, state
from drapolicy.inventory.name_index import NameIndex
from drapolicy.inventory.node_builder import node_table
from drapolicy.inventory.nodes import NodeTable

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
SPELLED = ["0", "1", "64Gi", "1024Mi", "1.5Gi", "100m", "1000m", "8Ei", "-3", "+5", "007", "1e3", "0.5", "12E", "1e30"]
QUANTITIES = st.one_of(
    st.sampled_from(SPELLED).map(Quantity),
    st.integers(-(2**70), 2**70).map(Quantity.from_nano),
    st.integers(-(2**70), 2**70).map(lambda nano: Quantity.from_nano(nano, "BinarySI")),
    st.builds(lambda a, b: Quantity(a) + Quantity(b), st.sampled_from(SPELLED), st.sampled_from(SPELLED)),
    st.builds(lambda n, s: Quantity(f"{n}{s}"), st.integers(-(10**18), 10**18), st.sampled_from(["", "k", "Ki", "m"])),
)
RESOURCES = st.dictionaries(st.sampled_from(["cpu", "memory", "pods", "a.io/x", "b.io/y"]), QUANTITIES)
MAPS = st.dictionaries(TEXT, TEXT, max_size=3)
METADATA = st.builds(
    ObjectMeta,
    name=TEXT,
    uid=TEXT,
    generation=st.integers(-(2**63), 2**63 - 1),
    creation_timestamp=st.none() | TEXT,
    labels=MAPS,
    annotations=MAPS,
    owner_references=st.lists(st.builds(OwnerReference, name=TEXT, controller=st.none() | st.booleans()), max_size=2),
    finalizers=st.lists(TEXT, max_size=2),
    managed_fields=st.lists(st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT), max_size=2),
)
TAINTS = st.lists(st.builds(Taint, key=TEXT, value=TEXT, effect=TEXT, time_added=st.none() | TEXT), max_size=2)
NODES = st.builds(
    Node,
    api_version=TEXT,
    metadata=METADATA,
    spec=st.builds(NodeSpec, unschedulable=st.booleans(), taints=TAINTS),
    status=st.builds(
        NodeStatus, capacity=RESOURCES, allocatable=RESOURCES, declared_features=st.lists(TEXT, max_size=2)
    ),
)
TABLES = st.lists(NODES, max_size=5, unique_by=lambda node: node.metadata.name)


def told(node: Node) -> Any:
    """Return all that a node holds, quantities by what they compare, count and print by."""
    return msgspec.to_builtins(node, enc_hook=lambda value: state(value) if isinstance(value, Quantity) else value)


def order(node: Node) -> list[list[str]]:
    return [list(each) for each in (node.metadata.labels, node.status.capacity, node.status.allocatable)]


@given(TABLES, st.lists(TEXT, max_size=3))
def test_nodes_come_back_as_they_were(nodes: list[Node], named: list[str]) -> None:
    """Every field of every given node, quantities to the spelling, maps in their order; then bare nodes by name."""
    table = node_table(nodes, named)
    names = [node.metadata.name for node in nodes]
    implied = sorted({*named} - {*names, ""})
    found = list(table)
    assert found[: len(nodes)] == list(table.given) == nodes
    assert list(map(told, table.given)) == list(map(told, nodes))
    assert list(map(order, table.given)) == list(map(order, nodes))
    assert [node.metadata for node in found[len(nodes) :]] == [
        ObjectMeta(name=name, labels={"kubernetes.io/hostname": name}) for name in implied
    ]
    assert list(table.names) == [*names, *implied]
    assert [table.index[name] for name in table.names] == list(range(len(table)))
    assert table.implied.tolist() == [False] * len(nodes) + [True] * len(implied)


@given(QUANTITIES)
def test_parts_bring_a_quantity_back(quantity: Quantity) -> None:
    """Number and form say all of a quantity, or the quantity stands for itself."""
    number, form = parts(quantity)
    assert -(2**63) <= number < 2**63
    assert form is quantity or state(quantity)[2] == (number, form.power)  # type: ignore[union-attr]


@given(TABLES)
def test_what_was_made_is_nobody_elses(nodes: list[Node]) -> None:
    """Whoever changes the labels of a node that was handed out changes no other."""
    table = node_table(nodes)
    for node in table.given:
        node.metadata.labels["x"] = node.status.allocatable["x"] = "x"  # type: ignore[assignment]
    assert list(table.given) == nodes


def many(count: int) -> NodeTable:
    """Return a table with names enough to be packed."""
    return node_table([], [f"n{n:05}" for n in range(count)])


def test_names_of_many_nodes_are_found() -> None:
    """Names that are packed have the positions that a plain map gives; others have none; so in another process."""
    table = many(columns._PACKED_FROM + 5)
    for found in (table, pickle.loads(pickle.dumps(table))):
        assert not isinstance(found.names, tuple)
        assert all(found.index[name] == n for n, name in enumerate(found.names))
        assert list(found.index) == list(found.names)
        for absent in ("", "n", "n99999", "\ud800"):
            assert absent not in found.index
            assert found.index.get(absent) is None
        with pytest.raises(TypeError, match="item assignment"):
            found.index["n"] = 0  # type: ignore[index]


def test_names_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of names may be equal."""
    monkeypatch.setattr("drapolicy.inventory.name_index.hash", len, raising=False)
    index = NameIndex(["aa", "b", "cc", "d"])
    assert [index[name] for name in ("aa", "b", "cc", "d")] == [0, 1, 2, 3]
    assert index.positions(["cc", "dd", "aa", "ddd", "d"]).tolist() == [2, -1, 0, -1, 3]


DOCUMENT = """
apiVersion: v1
kind: Node
metadata: {name: node, labels: {a: b}}
spec:
  podCIDR: 10.0.0.0/24
  taints: [{key: a, effect: NoSchedule}, {key: b, effect: NoSchedule, more: 1}]
status:
  allocatable: {cpu: 1024m, memory: 1024Mi}
  images: [{names: [x], sizeBytes: 1.5}]
"""


def test_a_node_from_a_file_is_written_as_before() -> None:
    """Fields that no struct models are kept, those that the node says itself not a second time."""
    (read,) = api.loads(DOCUMENT).nodes
    (made,) = node_table([read]).given
    assert api.to_builtins(made) == api.to_builtins(read)
    assert made.source == {
        "spec": {"podCIDR": "10.0.0.0/24", "taints": [{}, {"more": 1}]},
        "status": {"images": [{"names": ["x"], "sizeBytes": 1.5}]},
    }


def test_two_nodes_of_one_name_are_refused() -> None:
    """The message names the first that comes twice."""
    nodes = [Node(metadata=ObjectMeta(name=name)) for name in ("a", "b", "b", "a")]
    with pytest.raises(InputError, match="Node b: metadata.name: given twice; remove one"):
        node_table(nodes)
