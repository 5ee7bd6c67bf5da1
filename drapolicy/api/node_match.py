"""Whether a pod may run on a node by what both say: labels required, taints tolerated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drapolicy.api.core import Node, NodeSelector, NodeSelectorTerm, PodSpec, Taint, Toleration
from drapolicy.api.node_selection import Selector, SelectorError

_TOLERATED_BY_DAEMONS: Final = frozenset(
    {
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    }
)
HARD_EFFECTS: Final = frozenset({"NoSchedule", "NoExecute"})
"""Effects of node taints that keep a pod away unless it tolerates them."""


def required_terms(spec: PodSpec) -> NodeSelector | None:
    """Return the node affinity that a pod requires; None where it requires none."""
    affinity = spec.affinity.node_affinity if spec.affinity else None
    return affinity.required_during_scheduling_ignored_during_execution if affinity else None


def selects(spec: PodSpec, node: Node) -> bool:
    """Tell whether a node has the labels that a pod requires: its nodeSelector and one of its affinity terms.

    A term that cannot be read matches no node and leaves the others as they are, as in Kubernetes.
    """
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    required = required_terms(spec)
    return required is None or any(_term_matches(term, node) for term in required.node_selector_terms)


def _term_matches(term: NodeSelectorTerm, node: Node) -> bool:
    try:
        return Selector(NodeSelector(node_selector_terms=[term])).matches(node)
    except SelectorError:
        return False


def tolerates(tolerations: Sequence[Toleration], taint: Taint) -> bool:
    """Tell whether one of the tolerations covers a node taint.

    The operators Lt and Gt cover nothing: their gate (TaintTolerationComparisonOperators) is off by default in 1.37.
    """
    return any(_covers(toleration, taint) for toleration in tolerations)


def _covers(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in {"", "Equal"} and toleration.value == taint.value


def daemon_tolerates(spec: PodSpec, node: Node) -> bool:
    """Tell whether a daemon's pod puts up with the taints of a node, its automatic tolerations included."""
    return all(
        taint.effect not in HARD_EFFECTS
        or (taint.key, taint.effect) in _TOLERATED_BY_DAEMONS
        or (taint.key == "node.kubernetes.io/network-unavailable" and spec.host_network)
        or tolerates(spec.tolerations, taint)
        for taint in node.spec.taints
    )
