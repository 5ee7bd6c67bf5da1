"""Filters of the stock profile that look at one node: why a pod may not run there.

Reasons are upstream's words (K ``plugins/{nodename,nodeunschedulable,tainttoleration,nodeaffinity,noderesources}``).
All functions are pure; the static ones may be cached by node and by what the pod's spec says of nodes.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from drapolicy.api.core import Node, Pod, Taint
from drapolicy.api.node_match import HARD_EFFECTS, selects, tolerates
from drapolicy.problem.pod_requests import PodAsk
from drapolicy.problem.resources import PODS
from drapolicy.problem.room import NodeRoom

WRONG_NAME = "node(s) didn't match the requested node name"
UNSCHEDULABLE = "node(s) were unschedulable"
UNTOLERATED = "node(s) had untolerated taint(s)"
NOT_SELECTED = "node(s) didn't match Pod's node affinity/selector"

_SOFT_EFFECT = "PreferNoSchedule"
_UNSCHEDULABLE_TAINT = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")


def static_filters(pod: Pod, node: Node, *, cordoned: bool = False) -> str | None:
    """Return why a pod may not run on a node, whatever else runs there; None if it may.

    NodeName, NodeUnschedulable, TaintToleration and NodeAffinity in this order; the first refusal is the reason.

    Parameters
    ----------
    cordoned
        Whether the node is unschedulable, whatever it says itself.
    """
    if pod.spec.node_name and pod.spec.node_name != node.metadata.name:
        return WRONG_NAME
    if (cordoned or node.spec.unschedulable) and not tolerates(pod.spec.tolerations, _UNSCHEDULABLE_TAINT):
        return UNSCHEDULABLE
    for taint in node.spec.taints:
        if taint.effect in HARD_EFFECTS and not tolerates(pod.spec.tolerations, taint):
            return UNTOLERATED
    return None if selects(pod.spec, node) else NOT_SELECTED


def closed(pod: Pod | None, node: Node) -> str | None:
    """Return why a cordoned node refuses a pod, or a claim on its own, which tolerates nothing; None if it does not."""
    return UNSCHEDULABLE if pod is None else static_filters(pod, node, cordoned=True)


def resource_filter(pod: Pod | PodAsk, room: NodeRoom, delegated: AbstractSet[str] = frozenset()) -> str | None:
    """Return which resources a node lacks for a pod, in NodeResourcesFit's words; None if it fits.

    Parameters
    ----------
    pod
        The pod, or what :func:`~drapolicy.problem.pod_requests.pod_ask` made of it.
    room
        The room that the node has left.
    delegated
        Extended resources that device classes back (K8s S73).
    """
    lacking = room.fits(pod, delegated)
    reasons = ["Too many pods" if name == PODS else f"Insufficient {name}" for name in lacking]
    return ", ".join(reasons) or None


def soft_taints(pod: Pod, node: Node) -> int:
    """Return how many PreferNoSchedule taints of a node a pod does not tolerate."""
    soft = [taint for taint in node.spec.taints if taint.effect == _SOFT_EFFECT]
    return sum(not tolerates(pod.spec.tolerations, taint) for taint in soft)
