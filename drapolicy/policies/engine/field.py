"""What columns say of the nodes for one ask: who has devices and room, and what else keeps nodes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.kernels.labels import REFUSED
from drapolicy.policies.engine.kind import Kind
from drapolicy.policies.engine.ranking import Ranking
from drapolicy.policies.engine.rooms import Needs

Flags = NDArray[np.bool_]
Nodes = NDArray[np.intp]


class Field:
    """The nodes as one ask finds them.

    Parameters
    ----------
    kind
        Answers of the nodes, up to date.
    needs
        What the pod needs of nodes besides devices; None without a pod.
    usable
        ndarray of shape (N,), bool; where the claims that hold devices already can be used. None for everywhere.
    """

    def __init__(self, kind: Kind, needs: Needs | None, usable: Flags | None) -> None:
        self.kind = kind
        self.usable = usable
        self._needs = needs

    @property
    def ranking(self) -> Ranking:
        """Labels of the nodes."""
        ranking = self.kind.ranking
        assert ranking is not None
        return ranking

    def roomy(self, nodes: Nodes) -> Flags:
        """Tell which of some nodes have room."""
        return np.ones(len(nodes), np.bool_) if self._needs is None else self._needs.met(nodes)

    def stops(self, nodes: Nodes) -> Flags:
        """Tell which of some nodes can take the ask, or end the attempt when they are looked at."""
        found = self.ranking.labels[nodes] >= 0
        found &= self.roomy(nodes)
        if self.usable is not None:
            # Upstream looks for devices even where a claim is not available, so that an abort comes first (K8s S67).
            found &= self.usable[nodes] | self.kind.ends(nodes)
        return found

    def best(self) -> int | None:
        """Return the first node of the highest label; None where no node can take the ask."""
        if self.usable is None:
            return self.ranking.best() if self._needs is None else self.ranking.best_with(*self._needs)
        nodes = np.arange(self.ranking.size)
        labels = np.where(self.stops(nodes), self.ranking.labels[nodes], np.int32(REFUSED))
        n = int(labels.argmax()) if len(labels) else 0
        return n if len(labels) and labels[n] >= 0 else None

    def unproved(self) -> bool:
        """Tell whether some node that can take the ask is not known to give its best."""
        nodes = self.kind.doubtful()
        if nodes is None:
            return False
        open_ = self.roomy(nodes) & (self.ranking.labels[nodes] >= 0)
        return bool((open_ if self.usable is None else open_ & self.usable[nodes]).any())
