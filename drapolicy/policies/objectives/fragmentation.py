"""FGD's fragmentation: how much of a node's free GPUs the pods of a workload cannot use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objective import Indices, Masks, Term
from drapolicy.policies.objectives.fragmentation_rows import GrowthRows, PointsRows
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.policies.objectives.mix import DEFAULT_MIX, Mix, TypicalPod
from drapolicy.policies.objectives.published import Floats, points_of
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.room import Outlook

_SOURCE = (
    "Source: Weng et al., FGD, USENIX ATC'23, section 4; hkust-adsl/kubernetes-scheduler-simulator, pkg/utils/frag.go"
)


def wasted(pod: TypicalPod, left: list[int], cpu: int, model: str) -> int:
    """Return the free milli of a node that are of no use to one pod.

    Parameters
    ----------
    pod
        The pod.
    left
        What is left of each GPU, in milli.
    cpu
        Milli CPU left.
    model
        Product name of the node's GPUs.

    Returns
    -------
    int
        What lies on GPUs with too little left for one of the pod's; all of it where the pod does not fit, or wants no
        GPU.
    """
    fits = (
        pod.milli > 0
        and cpu >= pod.cpu
        and (not pod.models or model in pod.models)
        and sum(g >= pod.milli for g in left) >= max(pod.gpus, 1)
    )
    return sum(g for g in left if g < pod.milli or not fits)


def fragmentation_of(left: list[int], cpu: int, model: str, mix: Mix) -> int:
    """Return the milli of a node that each pod of a mix cannot use, times its weight, added up: the plain loop."""
    return sum(pod.weight * wasted(pod, left, cpu, model) for pod in mix)


def fragmentation_at(node: LocalProblem, mix: Mix) -> int:
    """Return :func:`fragmentation_of` a node as it is."""
    return fragmentation_of(node.millis.left.tolist(), node.outlook.cpu, _model(node, mix), mix)


def _weighted(left: NDArray[np.int64], cpu: int, model: str, mix: Mix) -> NDArray[np.int64]:
    """Return the same times the weight of the mix, for many nodes; shape (S,), int64.

    Parameters
    ----------
    left
        ndarray of shape (S, G), int64.
    """
    all_of_it = left.sum(axis=1)
    total = np.zeros(len(left), np.int64)
    for pod in mix:
        reachable = pod.milli > 0 and cpu >= pod.cpu and (not pod.models or model in pod.models)
        small = left < pod.milli
        fits = reachable & ((~small).sum(axis=1) >= max(pod.gpus, 1))
        total += pod.weight * np.where(fits, np.where(small, left, 0).sum(axis=1), all_of_it)
    return total


def _model(node: LocalProblem, mix: Mix) -> str:
    """Return the product of a node's GPUs where it matters to some pod."""
    return node.product if any(pod.models for pod in mix) else ""


@dataclass(frozen=True)
class _Fragmentation:
    """Common to the terms: fragmentation before and after, times the weight of the mix."""

    mix: Mix

    def _before_and_after(self, node: LocalProblem, chosen: Indices, room: Outlook) -> tuple[int, int]:
        model = _model(node, self.mix)
        before = fragmentation_of(node.millis.left.tolist(), room.cpu, model, self.mix)
        after = fragmentation_of(node.millis.after(chosen).tolist(), room.cpu - room.asked_cpu, model, self.mix)
        return before, after

    def _many(self, node: LocalProblem, chosen: Masks, room: Outlook) -> tuple[int, NDArray[np.int64]]:
        millis, model = node.millis, _model(node, self.mix)
        part = np.zeros((node.size, len(millis.left)), np.int64)
        part[np.arange(len(millis.gpu)), millis.gpu] = millis.takes
        after = np.maximum(millis.left - chosen.astype(np.int64) @ part, 0)
        before = _weighted(millis.left[None], room.cpu, model, self.mix)
        return int(before[0]), _weighted(after, room.cpu - room.asked_cpu, model, self.mix)


@dataclass(frozen=True)
class _Growth(_Fragmentation):
    def __call__(self, node: LocalProblem, chosen: Indices, room: Outlook) -> int:
        before, after = self._before_and_after(node, chosen, room)
        return after - before

    def many(self, node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
        before, after = self._many(node, chosen, room)
        return after - before


@dataclass(frozen=True)
class _Points(_Fragmentation):
    floats: Floats | None

    def __call__(self, node: LocalProblem, chosen: Indices, room: Outlook) -> int:
        before, after = self._before_and_after(node, chosen, room)
        if before == after and self.floats is not None:
            return self._cut(self.floats, node, chosen, room)
        return _sigmoid(before - after, sum(pod.weight for pod in self.mix))

    def _cut(self, floats: Floats, node: LocalProblem, chosen: Indices, room: Outlook) -> int:
        """Return the points of a choice that changes nothing, but for the last digits of floats."""
        states = np.stack([node.millis.left, node.millis.after(chosen)])
        cpu = np.array([room.cpu, room.cpu - room.asked_cpu], np.int64)
        before, after = floats.wasted(states, cpu, np.stack([floats.admits(_model(node, self.mix))] * 2)).tolist()
        return points_of(before - after)

    def many(self, node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
        before, after = self._many(node, chosen, room)
        weight = sum(pod.weight for pod in self.mix)
        points = [_sigmoid(before - one, weight) for one in after.tolist()]
        if self.floats is not None:
            for at in np.flatnonzero(after == before).tolist():
                points[at] = self._cut(self.floats, node, np.flatnonzero(chosen[at]), room)
        return np.array(points, np.int64).reshape(-1)


@dataclass(frozen=True)
class _Over:
    """The form for many choices: an object that equals another of the same mix, which a bound method does not."""

    term: _Growth | _Points

    def __call__(self, node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
        return self.term.many(node, chosen, room)


def _sigmoid(less: int, weight: int) -> int:
    """Return FGD's points for so many weighted milli less of fragmentation."""
    return points_of(less / weight)


def fragmentation(mix: Mix = DEFAULT_MIX) -> Term:
    """Return the term of how much more of a node's free GPUs a workload cannot use after the choice.

    F = sum over typical pods p of f_p x (free milli on GPUs with less than p asks of one, if p fits; else all free
    milli); the term is F after less F before, times the weight of the whole mix, so that it stays an integer.
    """
    function = _Growth(mix)
    most = 1_000 * MOST_DEVICES * max(sum(pod.weight for pod in mix), 1)
    doc = f"Growth of the GPU milli that pods of the workload cannot use, times the weights of its pods.\n\n{_SOURCE}."
    over, rows = _Over(function), GrowthRows(mix)
    return Term("fragmentation", "GPU milli", "min", ("chosen", "room"), (-most, most), function, doc, over, rows=rows)


def fgd_points(mix: Mix = DEFAULT_MIX, counted: int | None = None) -> Term:
    """Return the term of FGD's own points: 100 / (1 + exp(growth of F / 1000)), cut off to an integer of 0 to 100.

    Parameters
    ----------
    mix
        Typical pods.
    counted
        How many pods they were counted among: then a choice that changes nothing has 50 points or 49, as the published
        program's floats have it (:mod:`~drapolicy.policies.objectives.published`). None: always 50, as it should be.
    """
    floats = None if counted is None else Floats(mix, counted)
    function = _Points(mix, floats)
    doc = f"100 / (1 + exp((F after - F before) / 1000)), cut off to an integer.\n\n{_SOURCE}, fgd_score.go."
    over, rows = _Over(function), PointsRows(mix, _sigmoid, floats)
    return Term("fgd_points", "points", "max", ("chosen", "room"), (0, 100), function, doc, over, rows=rows)
