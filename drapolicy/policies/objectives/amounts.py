"""Scores of schedulers that see a node as amounts of CPU and GPU: best fit, dot product, GPU packing and clustering."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.amount_rows import (
    MOST_CPU,
    MOST_GPU,
    best_fit_rows,
    dot_product_rows,
    gpu_clustering_rows,
    gpu_packing_rows,
    slack_rows,
)
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.millis import WHOLE
from drapolicy.problem.room import Outlook

_MOST = 2**52


def _cut(points: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.trunc(points).astype(np.int64)


def _fit(cpu: float, gpu: NDArray[np.float64]) -> NDArray[np.int64]:
    # The order of the operations is the published one: the cut is on floats.
    return _cut((1.0 - (cpu / MOST_CPU * 0.5 + gpu / MOST_GPU * 0.5)) * 100)


def _best_fit(node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
    gpu = np.maximum(node.millis.left.sum() - chosen.astype(np.int64) @ node.millis.takes, 0)
    return _fit(float(max(room.cpu - room.asked_cpu, 0)), gpu.astype(np.float64))


@objective(sense="max", unit="points", bounds=(-_MOST, 100), over=_best_fit, rows=best_fit_rows)
def best_fit(node: LocalProblem, chosen: Indices, room: Outlook) -> int:
    """100 - 50 (CPU left after / 128 CPUs) - 50 (GPU left after / 8 GPUs), cut off to an integer: little left is good.

    Source: hkust-adsl/kubernetes-scheduler-simulator, best_fit_score.go. The published normalisation over nodes keeps
    the order, so it is left out.
    """
    cpu = float(max(room.cpu - room.asked_cpu, 0))
    gpu = float(max(int(node.millis.left.sum()) - int(node.millis.takes[chosen].sum()), 0))
    return int((1.0 - (cpu / MOST_CPU * 0.5 + gpu / MOST_GPU * 0.5)) * 100)


def _worst_fit(node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
    return _best_fit(node, chosen, room)


@objective(sense="min", unit="points", bounds=(-_MOST, 100), over=_worst_fit, rows=best_fit_rows)
def worst_fit(node: LocalProblem, chosen: Indices, room: Outlook) -> int:
    """Points of best fit, of which few are good: much is left of the node."""
    return int(best_fit.function(node, chosen, room))


def _dot(room: Outlook, left: float, asked: NDArray[np.float64]) -> NDArray[np.int64]:
    cpu = (max(room.cpu, 0) / MOST_CPU) * (room.asked_cpu / MOST_CPU)
    return _cut(100 * (1 - (cpu + (left / MOST_GPU) * (asked / MOST_GPU)) / 2))


def _dot_product(node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
    asked = (chosen.astype(np.int64) @ node.millis.takes).astype(np.float64)
    return _dot(room, float(node.millis.left.sum()), asked)


@objective(sense="max", unit="points", bounds=(-_MOST, 100), over=_dot_product, rows=dot_product_rows)
def dot_product(node: LocalProblem, chosen: Indices, room: Outlook) -> int:
    """100 - 50 [(CPU free / 128)(CPU asked / 128) + (GPU free / 8)(GPU asked / 8)], cut off to an integer.

    Source: Tetris (SIGCOMM'14) as FGD's dot_product_score.go has it, by its greatest node, with GPUs added up.
    """
    cpu = (max(room.cpu, 0) / MOST_CPU) * (room.asked_cpu / MOST_CPU)
    gpu = (int(node.millis.left.sum()) / MOST_GPU) * (int(node.millis.takes[chosen].sum()) / MOST_GPU)
    return int(100 * (1 - (cpu + gpu) / 2))


def _gpu_packing(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    millis = node.millis
    own = np.zeros((len(node.devices), len(millis.left)), np.bool_)
    own[np.arange(len(millis.gpu)), millis.gpu] = True
    used = (chosen.astype(np.int64) @ own.astype(np.int64)) > 0
    empty = millis.left == 1_000
    fresh = (used & empty).sum(axis=1)
    free = np.where(used, millis.left // 10, 0).sum(axis=1)
    shared = np.maximum(100 - free // 10, 50)
    opened = np.maximum(50 - fresh, 33)
    total = int(_gpus(node).sum())
    if int(empty.sum()) == total:
        return np.full(len(chosen), max(33 - total, total), np.int64)
    points: NDArray[np.int64] = np.where(fresh > 0, opened, shared).astype(np.int64)
    return points


def _gpus(node: LocalProblem) -> NDArray[np.bool_]:
    """Return which of the node's GPUs, as thousandths, are of the ask's drivers; ndarray of shape (G,), bool."""
    millis = node.millis
    drivers = {node.devices[d].pool.driver for d in np.flatnonzero(node.eligible.any(axis=0)).tolist()}
    of = np.zeros(len(millis.left), np.bool_)
    of[millis.gpu[[d for d, device in enumerate(node.devices) if device.pool.driver in drivers]]] = True
    return of


@objective(sense="max", unit="points", bounds=(0, MOST_DEVICES), over=_gpu_packing, rows=gpu_packing_rows)
def gpu_packing(node: LocalProblem, chosen: Indices) -> int:
    """Shared GPUs first, then free GPUs of a node in use, then those of an idle node.

    On shared GPUs alone 100 less a tenth of their free percentages, at least 50; with free GPUs of a node in use 50
    less their number, at least 33; on an idle node of G GPUs 33 - G, at least G.
    Source: hkust-adsl/kubernetes-scheduler-simulator, gpu_packing_score.go.
    """
    left: list[int] = node.millis.left.tolist()
    used = sorted({int(node.millis.gpu[d]) for d in chosen.tolist()})
    gpus = int(_gpus(node).sum())
    if left.count(1_000) == gpus:
        return max(33 - gpus, gpus)
    fresh = sum(left[g] == 1_000 for g in used)
    if fresh:
        return max(50 - fresh, 33)
    return max(100 - sum(left[g] // 10 for g in used) // 10, 50)


def _gpu_clustering(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    count = chosen.sum(axis=1)
    size = np.where((chosen & ~_leaves_some(node)).any(axis=1), count, 0)
    held = node.sizes
    same = np.isin(size, list(held))
    band = np.where(same, 75 if len(held) == 1 else 50, 0 if held else 25)
    used = MOST_GPU - int(node.millis.left.sum())
    return np.where(count > 0, band + int(25 * used / MOST_GPU), 0).astype(np.int64)


def _leaves_some(node: LocalProblem) -> NDArray[np.bool_]:
    """Return which devices the ask would share with others; ndarray of shape (D,), bool."""
    shareable = np.array([device.shareable for device in node.devices], np.bool_)
    return shareable & (node.millis.takes < WHOLE)


@objective(sense="max", unit="points", bounds=(-_MOST, 100), over=_gpu_clustering, rows=gpu_clustering_rows)
def gpu_clustering(node: LocalProblem, chosen: Indices) -> int:
    """Nodes whose pods have as many GPUs: 75 where all do, 50 where some do, 25 on an idle node, 0 elsewhere.

    Shares of GPUs, unless they take all of one, are a size of their own. On top come up to 25 for how little is free:
    25 (8 GPUs - free) / 8.
    Source: hkust-adsl/kubernetes-scheduler-simulator, gpu_clustering_score.go.
    """
    if not chosen.size:
        return 0
    size = 0 if _leaves_some(node)[chosen].all() else len(chosen)
    held = node.sizes
    alike = 75 if len(held) == 1 else 50
    band = alike if size in held else 0 if held else 25
    return band + int(25 * (MOST_GPU - int(node.millis.left.sum())) / MOST_GPU)


def _tightness(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    left = node.millis.left[node.millis.gpu]
    slack: NDArray[np.int64] = chosen.astype(np.int64) @ left
    return slack


@objective(sense="min", unit="GPU milli", bounds=(0, 1_000 * MOST_DEVICES), over=_tightness, rows=slack_rows)
def slack(node: LocalProblem, chosen: Indices) -> int:
    """Thousandths that the chosen GPUs had left before: few mean that the fullest with enough left was taken.

    Source: the best-fit choice of GPUs of hkust-adsl/kubernetes-scheduler-simulator, open_gpu_share.go.
    """
    return sum(int(node.millis.left[node.millis.gpu[d]]) for d in chosen.tolist())
