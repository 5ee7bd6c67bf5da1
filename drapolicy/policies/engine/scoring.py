"""Scores of the stock profile over columns: equal to :mod:`drapolicy.policies.kube.scores` for every candidate."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Pod
from drapolicy.inventory import Fleet
from drapolicy.policies.engine.faces import Faces, preferred_labels, prefers_names
from drapolicy.policies.engine.field import Nodes
from drapolicy.policies.engine.rooms import MOST_SCORED, scored
from drapolicy.policies.kube import Profile
from drapolicy.policies.kube import profile as names
from drapolicy.policies.kube.affinity import preferred_terms, preferred_weight, prefers_nodes
from drapolicy.policies.kube.filters import soft_taints
from drapolicy.policies.kube.scores import MAX_SCORE, balanced_allocation, least_allocated
from drapolicy.problem.ask import Ask
from drapolicy.problem.pod_requests import PodAsk, pod_ask
from drapolicy.problem.resources import CPU, MEMORY
from drapolicy.problem.state import State

Points = NDArray[np.int64]

_KEPT = 64
_EXACT = 2**55
"""Amounts below it can be multiplied by 100 and added without leaving int64."""


class Scorer:
    """Scores nodes of a fleet.

    Parameters
    ----------
    fleet
        The fleet.
    faces
        Which nodes have the same labels and taints.
    """

    def __init__(self, fleet: Fleet, faces: Faces) -> None:
        self._fleet = fleet
        self._faces = faces
        self._taints: OrderedDict[bytes, Points] = OrderedDict()

    def scores(self, state: State, ask: Ask, nodes: Nodes, ranks: Points, profile: Profile) -> Mapping[str, Points]:
        """Return the weighted scores of some nodes by plugin; plugins that skip the pod are left out.

        Parameters
        ----------
        ask
            What is placed; without a pod it is scored as one that says nothing.
        ranks
            Sums over requests with alternatives (:attr:`~drapolicy.policies.kube.Candidate.rank`), one a node.

        Raises
        ------
        InputError
            For a preferred affinity term that cannot be parsed.
        """
        pod = ask.pod or Pod()
        room = ask.room or pod_ask(pod)
        found: dict[str, Points] = {}
        for name, weight in profile.weights:
            if name == names.TAINT_TOLERATION:
                points = MAX_SCORE - _normalised(self._soft(ask, pod)[self._faces.by(()).face[nodes]])
            elif name == names.NODE_AFFINITY:
                if not prefers_nodes(pod):
                    continue
                points = _normalised(self._preferred(pod, nodes))
            elif name == names.NODE_RESOURCES_FIT:
                points = self._least_allocated(state, room, nodes)
            elif name == names.DYNAMIC_RESOURCES:
                points = _normalised(ranks)
            else:
                # Pods that ask for neither are skipped.
                if not room.requests.get(CPU) and not room.requests.get(MEMORY):
                    continue
                points = self._balanced_allocation(state, room, nodes)
            found[name] = points * weight
        return found

    def _soft(self, ask: Ask, pod: Pod) -> Points:
        known = self._taints.get(ask.place)
        if known is None:
            counts = [soft_taints(pod, node) for node in self._faces.by(()).samples]
            known = self._taints[ask.place] = np.array(counts, np.int64)
            if len(self._taints) > _KEPT:
                self._taints.popitem(last=False)
        return known

    def _preferred(self, pod: Pod, nodes: Nodes) -> Points:
        terms = preferred_terms(pod)
        if not prefers_names(pod):
            alike = self._faces.by(preferred_labels(pod))
            faces, of_node = np.unique(alike.face[nodes], return_inverse=True)
            weights = [preferred_weight(terms, alike.samples[face]) for face in faces.tolist()]
            return np.array(weights, np.int64)[of_node]
        return np.array([preferred_weight(terms, self._fleet.nodes.bare(n)) for n in nodes.tolist()], np.int64)

    def _least_allocated(self, state: State, ask: PodAsk, nodes: Nodes) -> Points:
        have, _, counted = scored(state.rooms, nodes)
        wanted = counted + _column(ask.scored)
        if max(np.abs(have).max(), wanted.max()) > _EXACT:
            return np.array([least_allocated(ask, state.rooms[n]) for n in nodes.tolist()], np.int64)
        told = have != 0
        shares = np.where(told & (wanted <= have), (have - wanted) * MAX_SCORE // np.where(told, have, 1), 0)
        found: Points = shares.sum(axis=0) // np.maximum(told.sum(axis=0), 1)
        return found

    def _balanced_allocation(self, state: State, ask: PodAsk, nodes: Nodes) -> Points:
        have, used, _ = scored(state.rooms, nodes)
        then = used + _column([ask.requests.get(name, 0) for name in (CPU, MEMORY)])
        if max(np.abs(have).max(), then.max()) > _EXACT:
            return np.array([balanced_allocation(ask, state.rooms[n]) for n in nodes.tolist()], np.int64)
        half = MAX_SCORE // 2
        return half + (half + _balance(then, have) - _balance(used, have)) // 2


def _column(amounts: Sequence[int]) -> Points:
    return np.array([[min(amount, MOST_SCORED)] for amount in amounts], np.int64)


def _balance(used: Points, have: Points) -> Points:
    told = have != 0
    shares = np.minimum(used.astype(np.float64) / np.where(told, have, 1).astype(np.float64), 1.0)
    deviation = np.where(told.all(axis=0), np.abs((shares[0] - shares[1]) / 2), 0.0)
    return ((1 - deviation) * float(MAX_SCORE)).astype(np.int64)


def _normalised(raw: Points) -> Points:
    highest = int(raw.max())
    return MAX_SCORE * raw // highest if highest > 0 else np.zeros(len(raw), np.int64)
