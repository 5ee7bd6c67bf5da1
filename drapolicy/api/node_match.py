"""Whether a daemon's pod may run on a node: node selector, required node affinity, taints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from drapolicy.api.core import Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration

_INT64 = re.compile(r"[+-]?[0-9]{1,19}")
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


def selects(spec: PodSpec, node: Node) -> bool:
    """Return whether node selector and required node affinity of a pod admit a node."""
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    affinity = spec.affinity.node_affinity if spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    if required is None:
        return True
    return any(_term_matches(term, node) for term in required.node_selector_terms)


def _term_matches(term: NodeSelectorTerm, node: Node) -> bool:
    """Return whether all requirements of a term hold; a term without any matches no node."""
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": node.metadata.name}
    return all(_holds(need, node.metadata.labels) for need in term.match_expressions) and all(
        _holds(need, fields) for need in term.match_fields
    )


def _holds(need: NodeSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(need.key)
    match need.operator:
        case "In":
            return value is not None and value in need.values
        case "NotIn":
            return value is None or value not in need.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            if value is None or len(need.values) != 1:
                return False
            if not _INT64.fullmatch(value) or not _INT64.fullmatch(need.values[0]):
                return False
            return int(value) > int(need.values[0]) if need.operator == "Gt" else int(value) < int(need.values[0])
    return False


def daemon_tolerates(spec: PodSpec, node: Node) -> bool:
    """Return whether a daemon's pod puts up with the taints of a node, its automatic tolerations included."""
    return all(
        taint.effect not in {"NoSchedule", "NoExecute"}
        or (taint.key, taint.effect) in _TOLERATED_BY_DAEMONS
        or (taint.key == "node.kubernetes.io/network-unavailable" and spec.host_network)
        or any(_tolerates(toleration, taint) for toleration in spec.tolerations)
        for taint in node.spec.taints
    )


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect not in {"", taint.effect} or toleration.key not in {"", taint.key}:
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in {"", "Equal"} and bool(toleration.key) and toleration.value == taint.value
