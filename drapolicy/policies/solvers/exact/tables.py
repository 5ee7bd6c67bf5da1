"""All subsets of one size at once, for one request of few devices."""

from __future__ import annotations

from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.solvers.task import Best, Task
from drapolicy.problem.formulation import Formulation

BLOCK = 4_096


def best_by_tables(task: Task, max_steps: int | None) -> Best | None:
    """Return the best assignment of the only request; None where there are several, or more subsets than steps.

    Subsets are looked at in blocks of :data:`BLOCK`, in the order of their devices, so that the first of equal ones
    is kept.
    """
    f = task.formulation
    if not task.plain or len(task.rows) != 1:
        return None
    r = task.rows[0]
    suited, count = np.flatnonzero(f.candidates[r]).tolist(), f.rows[r].count
    if comb(len(suited), count) > (BLOCK * BLOCK if max_steps is None else max_steps):
        return None
    best = Best(None, (), (), complete=True)
    steps = 0
    subsets = combinations(suited, count)
    while block := list(islice(subsets, BLOCK)):
        steps += len(block)
        masks = np.zeros((len(block), f.devices), np.bool_)
        masks[np.repeat(np.arange(len(block)), count), np.array(block, np.intp).ravel()] = True
        fitting = np.flatnonzero(fits(f, r, masks))
        if not fitting.size:
            continue
        scores = task.objective.of_many(task.local, masks[fitting])
        at, score = best_row(scores)
        if best.score is None or score > best.score:
            chosen = block[int(fitting[at])]
            best = Best(score, chosen, ((r, chosen),), complete=True)
    return best._replace(steps=steps)


def best_row(scores: NDArray[np.int64]) -> tuple[int, tuple[int, ...]]:
    """Return the first of the greatest rows, and the row."""
    rows = np.arange(len(scores))
    for column in scores.T:
        values = column[rows]
        rows = rows[values == values.max()]
    return int(rows[0]), tuple(map(int, scores[rows[0]]))


def fits(f: Formulation, r: int, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which subsets of a row's candidates satisfy the rules between devices; shape (S,), bool.

    Parameters
    ----------
    masks
        Subsets of equal size; ndarray of shape (S, D), bool. None of them shares devices.
    """
    taken = masks.astype(np.int64)
    count = taken.sum(axis=1)
    good: NDArray[np.bool_] = np.ones(len(masks), np.bool_)
    if f.counters.size:
        good &= np.all(taken @ f.draws <= f.counters, axis=1)
    for joint in f.joints:
        drawing = masks & joint.drawing
        number = drawing.sum(axis=1)
        having = drawing.astype(np.int64) @ joint.groups
        good &= (number == 0) | np.any((having == number[:, None]) & joint.open, axis=1)
    for match in f.matches:
        if match.scope[r]:
            fitting = (match.codes[r] >= 0)[:, None] & match.table[match.codes[r]]
            alone = (match.codes[r] >= 0) & match.alone[match.codes[r]] if match.alone.any() else None
            common = np.any(taken @ fitting == count[:, None], axis=1)
            if alone is not None:
                common = np.where((masks & alone).any(axis=1), count == 1, common)
            good &= common | (count == 0)
    for distinct in f.distincts:
        if distinct.scope[r]:
            values = (distinct.codes[r] >= 0)[:, None] & distinct.table[distinct.codes[r]]
            good &= np.all(taken @ values <= 1, axis=1)
    return good
