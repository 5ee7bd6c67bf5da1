"""What the stock filters see of nodes, whatever runs there: nodes of one face are refused alike."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node, NodeSelectorTerm, Pod
from drapolicy.api.node_match import required_terms
from drapolicy.inventory import Fleet
from drapolicy.inventory.nodes import HOSTNAME
from drapolicy.policies.kube import static_filters


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


class Faces:
    """Which nodes of a fleet a pod that names none of them cannot tell apart by labels and taints.

    Attributes
    ----------
    samples
        A node of each face.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        number: dict[tuple[object, ...], int] = {}
        self.samples: list[Node] = []
        of_node = []
        # Nodes that only slices name are told apart by nothing but their names.
        for node in fleet.nodes.given or fleet.nodes:
            code = number.setdefault(_face(node), len(number))
            if code == len(self.samples):
                self.samples.append(node)
            of_node.append(code)
        self._of_node = np.array(of_node, np.intp)

    def of(self, nodes: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the face of each of some nodes that a pod may go to."""
        found: NDArray[np.intp] = self._of_node[nodes]
        return found

    def refusals(self, pod: Pod | None) -> Refusals:
        """Return which nodes refuse a pod."""
        nodes = self._fleet.nodes
        refused = np.arange(len(nodes)) >= nodes.candidates
        reasons: Counter[str] = Counter()
        if pod is None:
            pass
        elif _requires_names(pod):
            for n in range(nodes.candidates):
                reason = static_filters(pod, nodes[n])
                if reason is not None:
                    refused[n] = True
                    reasons[reason] += 1
        else:
            found = [static_filters(pod, node) for node in self.samples]
            counts = np.bincount(self._of_node, minlength=len(found)).tolist()
            for reason, count in zip(found, counts, strict=True):
                if reason is not None:
                    reasons[reason] += count
            refused[: nodes.candidates] |= np.array([reason is not None for reason in found], np.bool_)[self._of_node]
        return Refusals(refused, reasons, np.flatnonzero(~refused))


def _face(node: Node) -> tuple[object, ...]:
    labels = node.metadata.labels
    told = frozenset(item for item in labels.items() if item[0] != HOSTNAME)
    taints = tuple((taint.key, taint.value, taint.effect) for taint in node.spec.taints)
    return told, HOSTNAME in labels, taints, node.spec.unschedulable


def _requires_names(pod: Pod) -> bool:
    """Tell whether what a pod requires can tell nodes apart by their names."""
    spec = pod.spec
    required = required_terms(spec)
    terms = required.node_selector_terms if required is not None else []
    return bool(spec.node_name) or HOSTNAME in spec.node_selector or any(map(names_nodes, terms))


def prefers_names(pod: Pod) -> bool:
    """Tell whether what a pod prefers can tell nodes apart by their names."""
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    preferred = affinity.preferred_during_scheduling_ignored_during_execution if affinity else []
    return any(names_nodes(entry.preference) for entry in preferred)


def names_nodes(term: NodeSelectorTerm) -> bool:
    """Tell whether a term can tell nodes apart by their names."""
    return bool(term.match_fields) or any(r.key == HOSTNAME for r in term.match_expressions)
