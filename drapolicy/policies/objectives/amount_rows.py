"""Scores of schedulers that see nodes as amounts, by columns of many nodes: the forms of the terms in ``amounts``."""

from __future__ import annotations

import numpy as np

from drapolicy.policies.rows import Column, Rows, Scoring
from drapolicy.problem.millis import WHOLE

MOST_CPU, MOST_GPU = 128_000, 8_000
"""Milli of the largest node: what the published scores divide by."""


def best_fit_rows(products: tuple[str, ...]) -> Scoring:  # noqa: ARG001
    """Return the form of :func:`~drapolicy.policies.objectives.best_fit`."""
    return _best_fit


def dot_product_rows(products: tuple[str, ...]) -> Scoring:  # noqa: ARG001
    """Return the form of :func:`~drapolicy.policies.objectives.dot_product`."""
    return _dot_product


def gpu_packing_rows(products: tuple[str, ...]) -> Scoring:  # noqa: ARG001
    """Return the form of :func:`~drapolicy.policies.objectives.gpu_packing`."""
    return _gpu_packing


def gpu_clustering_rows(products: tuple[str, ...]) -> Scoring:  # noqa: ARG001
    """Return the form of :func:`~drapolicy.policies.objectives.gpu_clustering`."""
    return _gpu_clustering


def slack_rows(products: tuple[str, ...]) -> Scoring:  # noqa: ARG001
    """Return the form of :func:`~drapolicy.policies.objectives.slack`."""
    return _slack


# The order of the operations on floats is the published one: the cut is on floats.


def _best_fit(rows: Rows) -> Column:
    cpu = np.maximum(rows.cpu - rows.asked_cpu, 0) / MOST_CPU * 0.5
    gpu = np.maximum(rows.left.sum(axis=1) - rows.count * rows.takes, 0) / MOST_GPU * 0.5
    points: Column = ((1.0 - (cpu + gpu)) * 100).astype(np.int64)
    return points[:, None]


def _dot_product(rows: Rows) -> Column:
    cpu = (np.maximum(rows.cpu, 0) / MOST_CPU) * (rows.asked_cpu / MOST_CPU)
    gpu = (rows.left.sum(axis=1) / MOST_GPU) * (rows.count * rows.takes / MOST_GPU)
    points: Column = (100 * (1 - (cpu + gpu) / 2)).astype(np.int64)
    return points[:, None]


def _gpu_packing(rows: Rows) -> Column:
    free = rows.count * (rows.level // 10)
    used = np.where(rows.level == WHOLE, max(50 - rows.count, 33), np.maximum(100 - free // 10, 50))
    idle = (rows.left == WHOLE).sum(axis=1) == rows.gpus
    return np.where(idle[:, None], np.maximum(33 - rows.gpus, rows.gpus)[:, None], used)


def _gpu_clustering(rows: Rows) -> Column:
    if not rows.count:
        return np.zeros((len(rows), 1), np.int64)
    size = 0 if rows.shares else rows.count
    alike = (rows.sizes >> size) & 1 == 1
    alone = rows.sizes == 1 << size
    band = np.where(alike, np.where(alone, 75, 50), np.where(rows.sizes == 0, 25, 0))
    full = 25 * (MOST_GPU - rows.left.sum(axis=1)) / MOST_GPU
    points: Column = band + full.astype(np.int64)
    return points[:, None]


def _slack(rows: Rows) -> Column:
    return rows.level * rows.count
