"""Which nodes are away or cordoned, as one ask finds them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Pod
from drapolicy.inventory import Fleet
from drapolicy.policies.engine.choosing import Chosen
from drapolicy.policies.engine.faces import Refusals
from drapolicy.policies.kube import static_filters
from drapolicy.policies.kube.filters import closed
from drapolicy.problem.conditions import Conditions


class Closed:
    """Nodes that are none for a pod until their conditions change.

    Parameters
    ----------
    fleet
        The fleet.
    conditions
        Conditions of its nodes.
    pod
        A pod of a kind; None for a claim on its own.

    Attributes
    ----------
    version
        Of the conditions.
    reasons
        Why each node is closed; None for one that is away, which nobody looks at.
    """

    def __init__(self, fleet: Fleet, conditions: Conditions, pod: Pod | None) -> None:
        self.version = conditions.version
        self.reasons: dict[int, str | None] = {
            n: reason
            for n in sorted(conditions.cordoned - conditions.away)
            if n < fleet.nodes.candidates and (reason := closed(pod, fleet.nodes[n])) is not None
        }
        self.reasons |= dict.fromkeys(sorted(conditions.away))
        self._away = np.array(sorted(conditions.away), np.intp)
        self._fleet = fleet
        self._pod = pod

    def skipped(self, chosen: Chosen) -> Chosen:
        """Return a search over the first nodes of the fleet with those left out that are away."""
        if not len(self._away):
            return chosen
        return chosen._replace(considered=chosen.considered - int(np.searchsorted(self._away, chosen.considered)))

    def there(self, nodes: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of some nodes that are not away."""
        return nodes[~np.isin(nodes, self._away)] if len(self._away) else nodes

    def besides(self, refusals: Refusals) -> tuple[Counter[str], NDArray[np.intp]]:
        """Return why nodes are refused whatever is taken there, with the number of nodes, and the other nodes."""
        counts, others = Counter(refusals.reasons), refusals.others
        if not self.reasons:
            return counts, others
        for n, reason in self.reasons.items():
            if n < self._fleet.nodes.candidates and refusals.refused[n]:
                assert self._pod is not None
                counts[static_filters(self._pod, self._fleet.nodes[n]) or ""] -= 1
            if reason is not None:
                counts[reason] += 1
        return counts, others[~np.isin(others, list(self.reasons))]
