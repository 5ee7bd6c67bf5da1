"""Which nodes a slice or a device is for."""

from __future__ import annotations

import pytest

from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import Device
from drapolicy.inventory.reach import NodeSelectionError, Reach


def node(name: str, **labels: str) -> Node:
    return Node(metadata=ObjectMeta(name=name, labels=labels))


def labelled(key: str, value: str) -> NodeSelector:
    needed = NodeSelectorRequirement(key=key, operator="In", values=[value])
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[needed])])


@pytest.mark.parametrize(
    ("device", "reached"),
    [
        (Device(name="d", node_name="a"), True),
        (Device(name="d", node_name="b"), False),
        (Device(name="d", all_nodes=True), True),
        (Device(name="d", node_selector=labelled("zone", "east")), True),
        (Device(name="d", node_selector=labelled("zone", "west")), False),
        (Device(name="d"), False),
    ],
)
def test_name_all_or_selector(device: Device, reached: bool) -> None:
    """What names no node is for none (K8s S23)."""
    assert Reach()(device, node("a", zone="east")) is reached


def test_a_selector_that_cannot_be_read_says_so_each_time() -> None:
    """The error is not remembered as an answer."""
    reaches, device = Reach(), Device(name="d", node_selector=labelled("not a key", "east"))
    for _ in range(2):
        with pytest.raises(NodeSelectionError, match="failed to parse node selector"):
            reaches(device, node("a"))
