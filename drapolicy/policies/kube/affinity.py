"""Nodes that a pod names and prefers (plugin NodeAffinity)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drapolicy.api.core import Node, NodeAffinity, NodeSelector, NodeSelectorTerm, Pod
from drapolicy.api.node_match import required_terms
from drapolicy.api.node_selection import Selector, SelectorError
from drapolicy.errors import InputError

_NAME_FIELD = "metadata.name"
_PATH = re.compile(r"(^\[?|, )nodeSelectorTerms(?=\[)")


def pinned_nodes(pod: Pod) -> frozenset[str] | None:
    """Return the only nodes that are looked at for a pod, or None where it names none.

    A node name, or affinity terms that all ask for ``metadata.name``, make the scheduler skip all other nodes before
    it samples; an empty set says that the terms contradict each other.
    """
    names = _pinned_by_affinity(pod)
    if pod.spec.node_name:
        named = frozenset({pod.spec.node_name})
        return named if names is None else names & named
    return names


def _pinned_by_affinity(pod: Pod) -> frozenset[str] | None:
    required = required_terms(pod.spec)
    if required is None or not required.node_selector_terms:
        return None
    pinned: frozenset[str] = frozenset()
    for term in required.node_selector_terms:
        fields = [frozenset(r.values) for r in term.match_fields if r.key == _NAME_FIELD and r.operator == "In"]
        if not fields:
            return None
        pinned |= frozenset.intersection(*fields)
    return pinned


def prefers_nodes(pod: Pod) -> bool:
    """Tell whether a pod states preferences for nodes, be it terms that score nothing."""
    affinity = _node_affinity(pod)
    return bool(affinity and affinity.preferred_during_scheduling_ignored_during_execution)


def preferred_terms(pod: Pod) -> list[tuple[int, Selector]]:
    """Return the terms that a pod prefers with their weights; terms without weight are left out, unread.

    Raises
    ------
    InputError
        For terms that cannot be read, in upstream's words: Kubernetes aborts the scheduling of such a pod.
    """
    affinity = _node_affinity(pod)
    preferred = affinity.preferred_during_scheduling_ignored_during_execution if affinity else []
    terms = [entry.preference if entry.weight else NodeSelectorTerm() for entry in preferred]
    try:
        Selector(NodeSelector(node_selector_terms=terms))
    except SelectorError as error:
        faults = _PATH.sub(r"\1", str(error))
        message = f'running PreScore plugin "NodeAffinity": {faults}'
        raise InputError(message) from error
    return [
        (entry.weight, Selector(NodeSelector(node_selector_terms=[term])))
        for entry, term in zip(preferred, terms, strict=True)
    ]


def preferred_weight(terms: Sequence[tuple[int, Selector]], node: Node) -> int:
    """Return the sum of the weights of the preferred terms that match a node."""
    return sum(weight for weight, selector in terms if selector.matches(node))


def _node_affinity(pod: Pod) -> NodeAffinity | None:
    return pod.spec.affinity.node_affinity if pod.spec.affinity else None
