"""Balance: how much a choice leaves of a node, and whether its GPUs, CPU and memory are left in step.

A node whose CPU or memory runs out before its GPUs strands them; one that is nearly full is filled up first, so that
others stay empty for pods that need a whole node.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives import balance_rows as by_rows
from drapolicy.policies.objectives.balance_rows import MIB, MOST, UNIT
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.millis import WHOLE
from drapolicy.problem.resources import CPU, MEMORY
from drapolicy.problem.room import BOUNDLESS, Outlook


def milli_left(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    """Return what all GPUs of a node have left after each of many choices: milli; ndarray of shape (S,), int64."""
    left: NDArray[np.int64] = np.maximum(node.millis.left.sum() - chosen.astype(np.int64) @ node.millis.takes, 0)
    return left


def _bounded(amount: int) -> int:
    return min(max(amount, 0), MOST)


def _after(room: Outlook) -> tuple[int, int]:
    """Return milli CPU and MiB that are left after the pod."""
    return _bounded(room.cpu - room.asked_cpu), _bounded((room.memory - room.asked_memory) // MIB)


def _leftover(node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
    cpu, memory = _after(room)
    return by_rows.left_over(milli_left(node, chosen), np.array(cpu), np.array(memory))


@objective(
    sense="min",
    unit="1/10000 of a large node",
    bounds=(0, MOST),
    over=_leftover,
    rows=by_rows.leftover_rows,
)
def leftover(node: LocalProblem, chosen: Indices, room: Outlook) -> int:
    """Count what is left of the node: 0.5 (GPU / 8 GPUs) + (CPU / 128) + 2 (memory / 768 GiB), in 1/10000."""
    cpu, memory = _after(room)
    gpu = max(int(node.millis.left.sum()) - int(node.millis.takes[chosen].sum()), 0)
    amounts = (by_rows.GPU, gpu), (by_rows.CPU, cpu), (by_rows.MEMORY, memory)
    return sum(part.weight * amount // part.of for part, amount in amounts)


def gpus_of(node: LocalProblem) -> int:
    """Return how many GPUs count: those of the drivers whose devices the ask can use, or of all if it needs none."""
    if not len(node.eligible):
        return len(node.millis.left)
    return len(np.unique(node.millis.gpu[node.of_drivers]))


def _fraction(left: int, whole: int) -> int:
    return min(UNIT * _bounded(left) // max(_bounded(whole), 1), UNIT)


def _fractions(node: LocalProblem, room: Outlook) -> tuple[int, int]:
    """Return which parts of the node's CPU and memory are left after the pod."""
    of = node.room
    cpu, memory = (BOUNDLESS if of.unbounded else of.have(name) for name in (CPU, MEMORY))
    left = room.cpu - room.asked_cpu, (room.memory - room.asked_memory) // MIB
    return _fraction(left[0], cpu), _fraction(left[1], memory // MIB)


def _stranded(node: LocalProblem, chosen: Masks, room: Outlook) -> NDArray[np.int64]:
    gpu = by_rows.fraction(milli_left(node, chosen), np.array(WHOLE * gpus_of(node)))
    cpu, memory = _fractions(node, room)
    return by_rows.out_of_step(gpu, np.array(cpu), np.array(memory))


@objective(
    sense="min",
    unit="1/10000 of the node",
    bounds=(0, 5 * UNIT),
    over=_stranded,
    rows=by_rows.stranded_rows,
)
def stranded(node: LocalProblem, chosen: Indices, room: Outlook) -> int:
    """Count how far what is left is out of step: max(g - c, 0) + 3 max(g - m, 0) + 0.2 max(c - g, 0), in 1/10000.

    g, c and m are the parts of the node's own GPUs, CPU and memory that are left.
    """
    gpu = max(int(node.millis.left.sum()) - int(node.millis.takes[chosen].sum()), 0)
    g = _fraction(gpu, WHOLE * gpus_of(node))
    c, m = _fractions(node, room)
    tenths = (
        by_rows.CPU_SHORT * max(g - c, 0) + by_rows.MEMORY_SHORT * max(g - m, 0) + by_rows.CPU_SPARE * max(c - g, 0)
    )
    return tenths // by_rows.TENTHS
