"""Scores of the stock profile: how good each feasible node is for a pod (K8s S68).

Integers are divided as upstream does, towards zero; BalancedAllocation alone uses floats, as upstream does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drapolicy.api.core import Node, Pod
from drapolicy.policies.kube import profile as names
from drapolicy.policies.kube.affinity import preferred_terms, preferred_weight, prefers_nodes
from drapolicy.policies.kube.filters import soft_taints
from drapolicy.policies.kube.profile import DEFAULT_PROFILE, Profile
from drapolicy.problem.pod_requests import PodAsk, pod_ask
from drapolicy.problem.resources import CPU, MEMORY
from drapolicy.problem.room import NodeRoom

MAX_SCORE = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feasible node.

    Attributes
    ----------
    node, room
        The node, and its room without the pod.
    rank
        Sum over the pod's requests with ``firstAvailable`` of 8 minus the index of the alternative that this node
        would get (K8s S68); 0 where there are none.
    """

    node: Node
    room: NodeRoom
    rank: int = 0


class Scores(NamedTuple):
    """Scores of the candidates, in their order.

    Attributes
    ----------
    parts
        For each candidate the weighted score by plugin; plugins that skip the pod are left out.
    totals
        For each candidate the sum of its parts.
    """

    parts: list[dict[str, int]]
    totals: list[int]


def scores(
    pod: Pod, feasible: Sequence[Candidate], profile: Profile = DEFAULT_PROFILE, *, ask: PodAsk | None = None
) -> Scores:
    """Return the score of every feasible node, by plugin and in total.

    Parameters
    ----------
    pod
        The pod to place.
    feasible
        The nodes that passed all filters; scores of TaintToleration, NodeAffinity and DynamicResources depend on all
        of them.
    profile
        Weights of the plugins.
    ask
        What :func:`~drapolicy.problem.pod_requests.pod_ask` makes of the pod, if already known.

    Raises
    ------
    InputError
        For a preferred affinity term that cannot be parsed.
    """
    ask = ask or pod_ask(pod)
    parts: list[dict[str, int]] = [{} for _ in feasible]
    for name, weight in profile.weights:
        column = _PLUGINS[name](pod, ask, feasible)
        if column is not None:
            for part, score in zip(parts, column, strict=True):
                part[name] = score * weight
    return Scores(parts, [sum(part.values()) for part in parts])


def _taint_toleration(pod: Pod, _ask: PodAsk, feasible: Sequence[Candidate]) -> list[int]:
    counts = [soft_taints(pod, candidate.node) for candidate in feasible]
    return [MAX_SCORE - score for score in normalised(counts)]


def _node_affinity(pod: Pod, _ask: PodAsk, feasible: Sequence[Candidate]) -> list[int] | None:
    if not prefers_nodes(pod):
        return None
    terms = preferred_terms(pod)
    return normalised([preferred_weight(terms, candidate.node) for candidate in feasible])


def _least_allocated(_pod: Pod, ask: PodAsk, feasible: Sequence[Candidate]) -> list[int]:
    return [least_allocated(ask, candidate.room) for candidate in feasible]


def _dynamic_resources(_pod: Pod, _ask: PodAsk, feasible: Sequence[Candidate]) -> list[int]:
    return normalised([candidate.rank for candidate in feasible])


def _balanced_allocation(_pod: Pod, ask: PodAsk, feasible: Sequence[Candidate]) -> list[int] | None:
    # Pods that ask for neither are skipped, or they would all go to the best balanced node.
    if not ask.requests.get(CPU) and not ask.requests.get(MEMORY):
        return None
    return [balanced_allocation(ask, candidate.room) for candidate in feasible]


_PLUGINS: dict[str, Callable[[Pod, PodAsk, Sequence[Candidate]], list[int] | None]] = {
    names.TAINT_TOLERATION: _taint_toleration,
    names.NODE_AFFINITY: _node_affinity,
    names.NODE_RESOURCES_FIT: _least_allocated,
    names.DYNAMIC_RESOURCES: _dynamic_resources,
    names.BALANCED_ALLOCATION: _balanced_allocation,
}


def normalised(raw: Sequence[int]) -> list[int]:
    """Return raw scores as shares of the highest, 0 to 100, cut to whole numbers; all stay 0 where none is positive.

    Examples
    --------
    >>> normalised([8, 3, 0])
    [100, 37, 0]
    """
    highest = max(raw, default=0)
    return [MAX_SCORE * score // highest for score in raw] if highest > 0 else [0] * len(raw)


def least_allocated(ask: PodAsk, room: NodeRoom) -> int:
    """Return the mean free share of CPU and memory after placing a pod, 0 to 100; resources of 0 do not count."""
    shares = []
    for name, used, asked in zip((CPU, MEMORY), room.nonzero, ask.scored, strict=True):
        have = room.have(name)
        if have:
            wanted = used + asked
            shares.append((have - wanted) * MAX_SCORE // have if wanted <= have else 0)
    return sum(shares) // len(shares) if shares else 0


def balanced_allocation(ask: PodAsk, room: NodeRoom) -> int:
    """Return how much a pod evens out the used shares of CPU and memory: 75 unchanged, 50 to 100."""
    before, after = [], []
    for name in (CPU, MEMORY):
        have = room.have(name)
        if have:
            used = room.used(name)
            before.append(_share(used, have))
            after.append(_share(used + ask.requests.get(name, 0), have))
    half = MAX_SCORE // 2
    return half + (half + _balance(after) - _balance(before)) // 2


def _share(used: int, have: int) -> float:
    # Each int becomes a float before the division, as in Go; Python's own int division rounds once.
    return min(float(used) / float(have), 1.0)


def _balance(shares: Sequence[float]) -> int:
    deviation = abs((shares[0] - shares[1]) / 2) if len(shares) == 2 else 0.0
    return int((1 - deviation) * float(MAX_SCORE))
