"""Nodes that a daemon's pod may run on."""

from __future__ import annotations

import pytest

from drapolicy.api import core
from drapolicy.api.node_match import daemon_tolerates, selects

NODE = core.Node(metadata=core.ObjectMeta(name="a", labels={"zone": "east", "size": "8", "empty": ""}))


def pod(*requirements: tuple[str, str, list[str]], fields: bool = False, terms: int = 1) -> core.PodSpec:
    made = [
        core.NodeSelectorRequirement(key=key, operator=operator, values=values)
        for key, operator, values in requirements
    ]
    term = core.NodeSelectorTerm(match_fields=made) if fields else core.NodeSelectorTerm(match_expressions=made)
    selector = core.NodeSelector(node_selector_terms=[term] * terms)
    affinity = core.NodeAffinity(required_during_scheduling_ignored_during_execution=selector)
    return core.PodSpec(affinity=core.Affinity(node_affinity=affinity))


@pytest.mark.parametrize(
    ("requirement", "holds"),
    [
        (("zone", "In", ["east", "west"]), True),
        (("zone", "In", ["west"]), False),
        (("none", "In", [""]), False),
        (("empty", "In", [""]), True),
        (("zone", "NotIn", ["east"]), False),
        (("none", "NotIn", ["east"]), True),
        (("zone", "Exists", []), True),
        (("none", "Exists", []), False),
        (("zone", "DoesNotExist", []), False),
        (("none", "DoesNotExist", []), True),
        (("size", "Gt", ["7"]), True),
        (("size", "Gt", ["8"]), False),
        (("size", "Lt", ["9"]), True),
        (("size", "Lt", ["8"]), False),
        (("zone", "Gt", ["1"]), False),
        (("none", "Lt", ["1"]), False),
        (("size", "Gt", ["x"]), False),
        (("size", "Gt", ["1", "2"]), False),
        (("size", "Other", []), False),
    ],
)
def test_operators(requirement: tuple[str, str, list[str]], holds: bool) -> None:
    """Every operator of node selectors, with labels that are there and that are not."""
    assert selects(pod(requirement), NODE) is holds


def test_terms() -> None:
    """All requirements of a term must hold, one term is enough, and an empty term or selector matches nothing."""
    assert not selects(pod(("zone", "Exists", []), ("none", "Exists", [])), NODE)
    assert selects(pod(("metadata.name", "In", ["a"]), fields=True), NODE)
    assert not selects(pod(("metadata.name", "In", ["b"]), fields=True), NODE)
    assert not selects(pod(), NODE)
    assert not selects(pod(terms=0), NODE)


@pytest.mark.parametrize(
    ("toleration", "tolerates"),
    [
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "v", "operator": "Equal", "effect": "NoSchedule"}, True),
        ({"key": "k", "value": "v", "effect": "NoExecute"}, False),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
        ({"value": "v"}, True),  # no key means all keys, whatever the operator
    ],
)
def test_tolerations(toleration: dict[str, str], tolerates: bool) -> None:
    """A toleration matches by key, operator, value and effect."""
    node = core.Node(spec=core.NodeSpec(taints=[core.Taint(key="k", value="v", effect="NoSchedule")]))
    assert daemon_tolerates(core.PodSpec(tolerations=[core.Toleration(**toleration)]), node) is tolerates


def test_pods_of_the_host_network_tolerate_its_absence() -> None:
    """The controller adds that toleration for them alone."""
    taint = core.Taint(key="node.kubernetes.io/network-unavailable", effect="NoSchedule")
    node = core.Node(spec=core.NodeSpec(taints=[taint]))
    assert daemon_tolerates(core.PodSpec(host_network=True), node)
    assert not daemon_tolerates(core.PodSpec(), node)
