"""Which row of a kind's answers each node has: that of its view, or one of two that no view has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.views import Views

Nodes = NDArray[np.intp]


class NodeRows:
    """Rows of the nodes; nodes with conditions of their own have others as long as these last.

    Parameters
    ----------
    views
        What the kind sees of each node.
    refused
        ndarray of shape (N,), bool; nodes that are none for the pod, whatever is taken there.

    Attributes
    ----------
    of_node
        ndarray of shape (N,), int16 or int32.
    odd, refused
        Rows of the nodes that are asked on their own, and of those that are none for the pod.
    version
        Of the conditions that the rows follow.
    """

    def __init__(self, views: Views, refused: NDArray[np.bool_]) -> None:
        self.odd = len(views)
        self.refused = self.odd + 1
        narrow = np.int16 if self.refused <= np.iinfo(np.int16).max else np.int32
        found = np.where(refused, self.refused, np.where(views.of_node < 0, self.odd, views.of_node))
        self._plain: NDArray[np.signedinteger[Any]] = found.astype(narrow)
        self.of_node = self._plain
        self.version = 0
        self._special: dict[int, int] = {}
        self._odd = set(np.flatnonzero(found == self.odd).tolist())
        self._odd_nodes: Nodes | None = None

    @property
    def odd_nodes(self) -> Nodes:
        """The nodes that are asked on their own, ascending; ndarray, intp."""
        if self._odd_nodes is None:
            self._odd_nodes = np.array(sorted(self._odd), np.intp)
        return self._odd_nodes

    def follow(self, version: int, altered: Collection[int], closed: Collection[int]) -> Nodes:
        """Let some nodes be asked on their own or be refused; return all nodes whose rows may have changed.

        Parameters
        ----------
        version
            Of the conditions.
        altered
            Nodes whose devices are not as the views tell.
        closed
            Nodes that are away, or cordoned for the kind's pods.
        """
        self.version = version
        special = dict.fromkeys(altered, self.odd) | dict.fromkeys(closed, self.refused)
        nodes = sorted(special.keys() | self._special.keys())
        if special and self.of_node is self._plain:
            self.of_node = self._plain.copy()
        for n in nodes:
            plain = int(self._plain[n])
            row = plain if plain == self.refused else special.get(n, plain)
            self.of_node[n] = row
            if row == self.odd:
                self._odd.add(n)
            else:
                self._odd.discard(n)
        self._special, self._odd_nodes = special, None
        return np.array(nodes, np.intp)
