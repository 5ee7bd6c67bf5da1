"""Why the stock scheduler refuses a node before it looks at devices."""

from __future__ import annotations

import pytest

from drapolicy.api.core import (
    Affinity,
    Container,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    ResourceRequirements,
    Taint,
    Toleration,
)
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.policies.kube import pinned_nodes, resource_filter, static_filters
from drapolicy.policies.kube.filters import NOT_SELECTED, UNSCHEDULABLE, UNTOLERATED, WRONG_NAME, soft_taints
from drapolicy.problem.rooms import room_of

CORDONED = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")


def node(*taints: Taint, name: str = "a", unschedulable: bool = False, **labels: str) -> Node:
    return Node(
        metadata=ObjectMeta(name=name, labels=labels), spec=NodeSpec(unschedulable=unschedulable, taints=list(taints))
    )


def tolerant(*tolerations: Toleration) -> Pod:
    return Pod(spec=PodSpec(tolerations=list(tolerations)))


def need(key: str, operator: str, *values: str) -> NodeSelectorRequirement:
    return NodeSelectorRequirement(key=key, operator=operator, values=list(values))


def labelled(*needs: NodeSelectorRequirement) -> NodeSelectorTerm:
    return NodeSelectorTerm(match_expressions=list(needs))


def named(*needs: NodeSelectorRequirement) -> NodeSelectorTerm:
    return NodeSelectorTerm(match_fields=list(needs))


def requiring(*terms: NodeSelectorTerm, node_name: str = "", **selector: str) -> Pod:
    required = NodeAffinity(
        required_during_scheduling_ignored_during_execution=NodeSelector(node_selector_terms=list(terms))
    )
    return Pod(spec=PodSpec(node_name=node_name, node_selector=selector, affinity=Affinity(node_affinity=required)))


TAINTS = {
    "no toleration": ([], Taint(key="k", effect="NoSchedule"), False),
    "exists": ([Toleration(key="k", operator="Exists")], Taint(key="k", value="v", effect="NoSchedule"), True),
    "exists, any key": ([Toleration(operator="Exists")], Taint(key="k", effect="NoExecute"), True),
    "equal by default": ([Toleration(key="k", value="v")], Taint(key="k", value="v", effect="NoExecute"), True),
    "other value": ([Toleration(key="k", operator="Equal", value="w")], Taint(key="k", effect="NoSchedule"), False),
    "other effect": (
        [Toleration(key="k", operator="Exists", effect="NoExecute")],
        Taint(key="k", effect="NoSchedule"),
        False,
    ),
    "other key": ([Toleration(key="l", operator="Exists")], Taint(key="k", effect="NoSchedule"), False),
    "second one": ([Toleration(key="l"), Toleration(key="k")], Taint(key="k", effect="NoSchedule"), True),
    "comparison is off": (
        [Toleration(key="k", operator="Gt", value="1")],
        Taint(key="k", value="5", effect="NoSchedule"),
        False,
    ),
    "soft taint": ([], Taint(key="k", effect="PreferNoSchedule"), True),
}


@pytest.mark.parametrize(("tolerations", "taint", "passes"), TAINTS.values(), ids=TAINTS)
def test_taints(tolerations: list[Toleration], taint: Taint, passes: bool) -> None:
    """Hard taints keep pods away that do not tolerate them; soft taints keep nobody away."""
    assert static_filters(tolerant(*tolerations), node(taint)) == (None if passes else UNTOLERATED)


def test_every_hard_taint_needs_a_toleration() -> None:
    """One tolerated taint does not cover another."""
    two = node(Taint(key="k", effect="NoSchedule"), Taint(key="l", effect="NoExecute"))
    assert static_filters(tolerant(Toleration(key="k")), two) == UNTOLERATED
    assert static_filters(tolerant(Toleration(key="k"), Toleration(key="l")), two) is None


def test_cordoned_node_needs_the_toleration_of_its_taint() -> None:
    """A node marked unschedulable is refused, unless the taint of that name would be tolerated."""
    assert static_filters(tolerant(), node(unschedulable=True)) == UNSCHEDULABLE
    assert static_filters(tolerant(Toleration(key=CORDONED.key, operator="Exists")), node(unschedulable=True)) is None
    elsewhere = Toleration(key=CORDONED.key, operator="Exists", effect="NoExecute")
    assert static_filters(tolerant(elsewhere), node(unschedulable=True)) == UNSCHEDULABLE


def test_first_refusal_is_the_reason() -> None:
    """Name, cordon, taints and labels are looked at in this order."""
    refusing = node(Taint(key="k", effect="NoSchedule"), unschedulable=True, size="small")
    tolerations = [Toleration(key=CORDONED.key, operator="Exists"), Toleration(key="k", operator="Exists")]
    base = PodSpec(node_name="b", node_selector={"size": "large"})
    assert static_filters(Pod(spec=base), refusing) == WRONG_NAME
    seen = []
    for known in range(3):
        spec = PodSpec(node_selector={"size": "large"}, tolerations=tolerations[:known])
        seen.append(static_filters(Pod(spec=spec), refusing))
    assert seen == [UNSCHEDULABLE, UNTOLERATED, NOT_SELECTED]


LABELS = {
    "in": ([labelled(need("size", "In", "small", "large"))], True),
    "in, absent": ([labelled(need("colour", "In", "red"))], False),
    "not in": ([labelled(need("size", "NotIn", "small"))], True),
    "not in, absent": ([labelled(need("colour", "NotIn", "red"))], True),
    "exists": ([labelled(need("size", "Exists"))], True),
    "does not exist": ([labelled(need("size", "DoesNotExist"))], False),
    "greater": ([labelled(need("gen", "Gt", "8"))], True),
    "greater, equal": ([labelled(need("gen", "Gt", "9"))], False),
    "less, no number": ([labelled(need("size", "Lt", "9"))], False),
    "all of a term": ([labelled(need("size", "Exists"), need("gen", "Lt", "9"))], False),
    "one of the terms": ([labelled(need("size", "In", "small")), labelled(need("gen", "In", "9"))], True),
    "name": ([named(need("metadata.name", "In", "a"))], True),
    "not the name": ([named(need("metadata.name", "NotIn", "a"))], False),
    "no terms": ([], False),
    "empty term": ([labelled()], False),
    "unreadable term": ([labelled(need("size", "Like", "large"))], False),
    "unreadable term beside a good one": ([labelled(need("size", "In")), labelled(need("size", "Exists"))], True),
}


@pytest.mark.parametrize(("terms", "passes"), LABELS.values(), ids=LABELS)
def test_required_affinity(terms: list[NodeSelectorTerm], passes: bool) -> None:
    """A node meets one term in full; terms that are empty or unreadable match nothing."""
    assert static_filters(requiring(*terms), node(size="large", gen="9")) == (None if passes else NOT_SELECTED)


def test_node_selector_and_affinity_both_hold() -> None:
    """The nodeSelector and the required affinity narrow each other."""
    good = labelled(need("gen", "Exists"))
    assert static_filters(requiring(good, size="large"), node(size="large", gen="9")) is None
    assert static_filters(requiring(good, size="large"), node(size="small", gen="9")) == NOT_SELECTED
    assert static_filters(requiring(good, size=""), node(gen="9")) == NOT_SELECTED


PINS = {
    "free": (Pod(), None),
    "node name": (Pod(spec=PodSpec(node_name="a")), {"a"}),
    "labels only": (requiring(labelled(need("x", "Exists"))), None),
    "one name": (requiring(named(need("metadata.name", "In", "a"))), {"a"}),
    "one of two": (
        requiring(named(need("metadata.name", "In", "a")), named(need("metadata.name", "In", "b"))),
        {"a", "b"},
    ),
    "a term without name": (requiring(named(need("metadata.name", "In", "a")), labelled(need("x", "Exists"))), None),
    "excluded name": (requiring(named(need("metadata.name", "NotIn", "a"))), None),
    "contradiction": (requiring(named(need("metadata.name", "In", "a"), need("metadata.name", "In", "b"))), set()),
    "node name elsewhere": (requiring(named(need("metadata.name", "In", "a")), node_name="b"), set()),
    "no terms": (requiring(), None),
}


@pytest.mark.parametrize(("pod", "names"), PINS.values(), ids=PINS)
def test_pinned_nodes(pod: Pod, names: set[str] | None) -> None:
    """Only pods whose every term names nodes are looked at on those nodes alone."""
    assert pinned_nodes(pod) == names


def test_soft_taints_are_counted() -> None:
    """Every PreferNoSchedule taint without toleration counts; hard ones and tolerated ones do not."""
    soft = [Taint(key=key, effect="PreferNoSchedule") for key in "klm"]
    pod = tolerant(Toleration(key="k", operator="Exists"), Toleration(key="l", operator="Exists", effect="NoSchedule"))
    assert soft_taints(pod, node(*soft, Taint(key="n", effect="NoExecute"))) == 2


def test_lacking_resources_are_named_in_upstreams_words() -> None:
    """Everything that a node lacks is in the reason."""
    resources = ResourceRequirements(requests={"cpu": Quantity("2"), "example.com/gpu": Quantity("1")})
    pod = Pod(spec=PodSpec(containers=[Container(resources=resources)]))
    small = room_of(Node(status=NodeStatus(allocatable={"cpu": Quantity("1"), "pods": Quantity("0")})))
    assert resource_filter(pod, small) == "Too many pods, Insufficient cpu, Insufficient example.com/gpu"
    assert resource_filter(pod, small, {"example.com/gpu"}) == "Too many pods, Insufficient cpu"
    assert resource_filter(pod, room_of(Node())) is None
