"""Which nodes the stock scheduler looks at, in which order, and which of the best it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import numpy as np

from drapolicy.api.core import Node

T = TypeVar("T")

MIN_FEASIBLE_NODES = 100
MIN_PERCENTAGE = 5
_ZONE_LABELS = ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone")
_REGION_LABELS = ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region")
ZONE_LABELS = (*_REGION_LABELS, *_ZONE_LABELS)


def nodes_to_find(total: int, percentage: int = 0) -> int:
    """Return after how many feasible nodes the search stops.

    Parameters
    ----------
    total
        Number of nodes.
    percentage
        ``percentageOfNodesToScore``; 0 for 50 minus one per 125 nodes, but at least 5.

    Examples
    --------
    >>> nodes_to_find(99), nodes_to_find(1000), nodes_to_find(6000)
    (99, 420, 300)
    """
    if total < MIN_FEASIBLE_NODES:
        return total
    percentage = percentage or max(50 - total // 125, MIN_PERCENTAGE)
    return max(total * percentage // 100, MIN_FEASIBLE_NODES)


class NodeTree:
    """Nodes by zone; the order in which the scheduler lists them. Mutable.

    Zones follow each other in the order in which they came up, the nodes of a zone in the order of their coming; the
    list takes one node of each zone in turn (K ``scheduler/backend/cache/node_tree.go``).
    """

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        self._zones: dict[tuple[str, str], dict[str, None]] = {}
        for node in nodes:
            self.add(node)

    def add(self, node: Node) -> None:
        """Add a node at the end of its zone; a node that is there already stays where it is."""
        self._zones.setdefault(zone_key(node), {}).setdefault(node.metadata.name)

    def remove(self, node: Node) -> None:
        """Take a node out, and its zone with the last node.

        Raises
        ------
        KeyError
            If the node is not there under this zone.
        """
        zone = zone_key(node)
        del self._zones[zone][node.metadata.name]
        if not self._zones[zone]:
            del self._zones[zone]

    def order(self) -> list[str]:
        """Return the names of all nodes, one zone after the other in turn."""
        columns = [list(names) for names in self._zones.values()]
        longest = max(map(len, columns), default=0)
        return [names[i] for i in range(longest) for names in columns if i < len(names)]


def zone_key(node: Node) -> tuple[str, str]:
    """Return region and zone of a node; a deprecated beta label, even an empty one, wins over the current one."""
    labels = node.metadata.labels
    region, zone = (next((labels[key] for key in keys if key in labels), "") for keys in (_REGION_LABELS, _ZONE_LABELS))
    return region, zone


class Rotation:
    """Where the next search starts, carried over from pod to pod. Mutable.

    Attributes
    ----------
    start
        Position in the list of all nodes.
    """

    def __init__(self, start: int = 0) -> None:
        self.start = start

    def search(self, nodes: Sequence[T], passes: Callable[[T], bool], want: int, total: int | None = None) -> list[T]:
        """Return the first ``want`` nodes that pass, looking on from where the last search ended.

        The search ends at the node that would be one too many, or after all nodes; the next one starts after the
        nodes that were kept or refused. Upstream has 16 workers that may look at a few nodes more; this is the search
        of one worker.

        Parameters
        ----------
        nodes
            All nodes in the order of :class:`NodeTree`, or only those that the pod is pinned to.
        passes
            Tells whether a node passes all filters. An error it raises ends the search and reaches the caller.
        want
            What :func:`nodes_to_find` gives for ``len(nodes)``.
        total
            Number of all nodes, if ``nodes`` are not all.
        """
        kept: list[T] = []
        refused = 0
        try:
            for i in range(len(nodes)):
                node = nodes[(self.start + i) % len(nodes)]
                if not passes(node):
                    refused += 1
                elif len(kept) < want:
                    kept.append(node)
                else:
                    break
        finally:
            total = len(nodes) if total is None else total
            if total:
                self.start = (self.start + len(kept) + refused) % total
        return kept


def select(totals: Sequence[int], rng: np.random.Generator, ties: Literal["random", "order"] = "random") -> int:
    """Return the position of the node with the highest total.

    Parameters
    ----------
    totals
        Totals of the candidates, at least one, in the order in which the search kept them.
    rng
        Drawn from once if two or more share the highest total and ``ties`` is ``random``; upstream's stream of random
        numbers is another one.
    ties
        See :class:`~drapolicy.policies.kube.profile.Profile`.

    Raises
    ------
    ValueError
        If there is no candidate.
    """
    if not totals:
        message = "no candidate to select from"
        raise ValueError(message)
    if ties == "order":
        return _heap_root(totals)
    highest = max(totals)
    best = [position for position, total in enumerate(totals) if total == highest]
    return best[0] if len(best) == 1 else best[int(rng.integers(len(best)))]


def _heap_root(totals: Sequence[int]) -> int:
    """Return which position comes to the top when Go's ``container/heap`` makes a max-heap of the totals."""
    heap = list(range(len(totals)))
    for top in reversed(range(len(heap) // 2)):
        parent = top
        while (child := 2 * parent + 1) < len(heap):
            if child + 1 < len(heap) and totals[heap[child + 1]] > totals[heap[child]]:
                child += 1
            if totals[heap[child]] <= totals[heap[parent]]:
                break
            heap[parent], heap[child] = heap[child], heap[parent]
            parent = child
    return heap[0]
