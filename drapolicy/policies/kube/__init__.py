"""Node choice of the stock kube-scheduler, default profile, as pure functions.

What concerns devices follows the release; all other plugins are those of 1.37.

A cycle for one pod: list the nodes (:class:`NodeTree`, or only :func:`pinned_nodes`), search them from where the last
cycle ended (:class:`Rotation`) for :func:`nodes_to_find` that pass :func:`static_filters`, :func:`resource_filter` and
device allocation, then :func:`select` by :func:`scores`. :func:`unmodelled` names what is left out for a pod.
"""

from __future__ import annotations

from drapolicy.policies.kube.affinity import pinned_nodes
from drapolicy.policies.kube.filters import resource_filter, static_filters
from drapolicy.policies.kube.profile import DEFAULT_PROFILE, FILTERS, Profile
from drapolicy.policies.kube.sampling import NodeTree, Rotation, nodes_to_find, select
from drapolicy.policies.kube.scores import Candidate, Scores, scores
from drapolicy.policies.kube.unmodelled import UNMODELLED, Surroundings, unmodelled
from drapolicy.problem.solution import MAX_ALTERNATIVES

__all__ = [
    "DEFAULT_PROFILE",
    "FILTERS",
    "MAX_ALTERNATIVES",
    "UNMODELLED",
    "Candidate",
    "NodeTree",
    "Profile",
    "Rotation",
    "Scores",
    "Surroundings",
    "nodes_to_find",
    "pinned_nodes",
    "resource_filter",
    "scores",
    "select",
    "static_filters",
    "unmodelled",
]
