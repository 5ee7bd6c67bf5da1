"""What the stock filters see of nodes, whatever runs there: nodes of one face are refused alike."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node, NodeSelectorTerm, Pod
from drapolicy.api.node_match import required_terms
from drapolicy.inventory import Fleet
from drapolicy.inventory.columns import row_numbers
from drapolicy.inventory.nodes import HOSTNAME, SomeNodes
from drapolicy.policies.kube import static_filters

_KEPT = 64


class Refusals(NamedTuple):
    """Nodes that are none for a pod, whatever is taken there.

    Attributes
    ----------
    refused
        ndarray of shape (N,), bool.
    reasons
        Why, with the number of nodes.
    others
        ndarray, intp; the other nodes, ascending.
    """

    refused: NDArray[np.bool_]
    reasons: Counter[str]
    others: NDArray[np.intp]


class Alike(NamedTuple):
    """Nodes that a pod may go to, told apart by taints and by some labels.

    Attributes
    ----------
    face
        ndarray of shape (candidates,), int32; equal for nodes that are alike, in the order of the first of each.
    samples
        The first node of each face, without its resources.
    """

    face: NDArray[np.int32]
    samples: Sequence[Node]


class Faces:
    """Which nodes of a fleet cannot be told apart by taints and by the labels that a pod reads.

    Parameters
    ----------
    fleet
        The fleet.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._nodes = fleet.nodes
        self._known: OrderedDict[frozenset[str], Alike] = OrderedDict()

    def by(self, labels: Iterable[str]) -> Alike:
        """Return which nodes a pod may go to are alike for a pod that reads some labels."""
        key = frozenset(labels)
        known = self._known.get(key)
        if known is None:
            nodes = self._nodes
            face = row_numbers([nodes.rests(_face), *map(nodes.values, sorted(key))])
            first = np.unique(face, return_index=True)[1].tolist()
            known = self._known[key] = Alike(face, SomeNodes(nodes.bare, first))
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known

    def _each(self) -> Alike:
        every = range(self._nodes.candidates)
        return Alike(np.array(every, np.int32), SomeNodes(self._nodes.bare, every))

    def refusals(self, pod: Pod | None) -> Refusals:
        """Return which nodes refuse a pod."""
        nodes = self._nodes
        refused = np.arange(len(nodes)) >= nodes.candidates
        reasons: Counter[str] = Counter()
        if pod is not None:
            face, samples = self._each() if _requires_names(pod) else self.by(_required_labels(pod))
            found = [static_filters(pod, node) for node in samples]
            counts = np.bincount(face, minlength=len(found)).tolist()
            for reason, count in zip(found, counts, strict=True):
                if reason is not None:
                    reasons[reason] += count
            refused[: nodes.candidates] |= np.array([reason is not None for reason in found], np.bool_)[face]
        return Refusals(refused, reasons, np.flatnonzero(~refused))


def _face(rest: Node) -> Hashable:
    taints = tuple((taint.key, taint.value, taint.effect) for taint in rest.spec.taints)
    return taints, rest.spec.unschedulable


def _required_labels(pod: Pod) -> set[str]:
    required = required_terms(pod.spec)
    return {*pod.spec.node_selector, *labels_of(required.node_selector_terms if required is not None else [])}


def labels_of(terms: Iterable[NodeSelectorTerm]) -> set[str]:
    """Return the labels that terms read."""
    return {requirement.key for term in terms for requirement in term.match_expressions}


def _requires_names(pod: Pod) -> bool:
    """Tell whether what a pod requires can tell nodes apart by their names."""
    spec = pod.spec
    required = required_terms(spec)
    terms = required.node_selector_terms if required is not None else []
    return bool(spec.node_name) or HOSTNAME in spec.node_selector or any(map(names_nodes, terms))


def prefers_names(pod: Pod) -> bool:
    """Tell whether what a pod prefers can tell nodes apart by their names."""
    return any(map(names_nodes, _preferred(pod)))


def preferred_labels(pod: Pod) -> set[str]:
    """Return the labels that decide what a pod prefers."""
    return labels_of(_preferred(pod))


def _preferred(pod: Pod) -> list[NodeSelectorTerm]:
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    preferred = affinity.preferred_during_scheduling_ignored_during_execution if affinity else []
    return [entry.preference for entry in preferred]


def names_nodes(term: NodeSelectorTerm) -> bool:
    """Tell whether a term can tell nodes apart by their names."""
    return bool(term.match_fields) or any(r.key == HOSTNAME for r in term.match_expressions)
