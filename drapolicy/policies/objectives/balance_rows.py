"""Balance by columns of many nodes: the forms of the terms in ``balance``, and what they count in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.rows import Column, Rows, Scoring
from drapolicy.problem.millis import WHOLE

UNIT = 10_000
"""Parts of a node that fractions are counted in."""
MIB = 2**20
MOST = 10**9
"""Milli CPU, or MiB; a node that has more, or does not say, counts as one that has so much."""


class Part(NamedTuple):
    """What one resource that is left counts: ``weight`` parts for each ``of`` units of it."""

    weight: int
    of: int


GPU, CPU, MEMORY = Part(5_000, 8_000), Part(10_000, 128_000), Part(20_000, 786_432)
"""GPU milli, milli CPU and MiB that are left, by those of the largest node of the openb trace."""

CPU_SHORT, MEMORY_SHORT, CPU_SPARE, TENTHS = 10, 30, 2, 10
"""What being out of step counts, in tenths: GPUs without CPU, GPUs without memory, CPU without GPUs."""


def left_over(gpu: NDArray[np.int64], cpu: NDArray[np.int64], memory: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what amounts that are left count in all."""
    return GPU.weight * gpu // GPU.of + CPU.weight * cpu // CPU.of + MEMORY.weight * memory // MEMORY.of


def out_of_step(gpu: NDArray[np.int64], cpu: NDArray[np.int64], memory: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how far fractions of a node that are left are out of step."""
    short = CPU_SHORT * np.maximum(gpu - cpu, 0) + MEMORY_SHORT * np.maximum(gpu - memory, 0)
    found: NDArray[np.int64] = (short + CPU_SPARE * np.maximum(cpu - gpu, 0)) // TENTHS
    return found


def leftover_rows(products: tuple[str, ...]) -> Scoring:  # noqa: ARG001
    """Return the form of :func:`~drapolicy.policies.objectives.leftover`."""
    return _leftover


def stranded_rows(products: tuple[str, ...]) -> Scoring:  # noqa: ARG001
    """Return the form of :func:`~drapolicy.policies.objectives.stranded`."""
    return _stranded


def bounded(amounts: Column) -> Column:
    """Return amounts that count."""
    # Twice as fast as np.clip, and this is called for each decision.
    found: Column = np.minimum(np.maximum(amounts, 0), MOST)
    return found


def fraction(left: Column, whole: Column) -> Column:
    """Return which part of amounts is left; nothing of nothing."""
    found: Column = np.minimum(UNIT * bounded(left) // np.maximum(np.minimum(whole, MOST), 1), UNIT)
    return found


def _leftover(rows: Rows) -> Column:
    return left_over(rows.free_after, bounded(rows.cpu_after), bounded(rows.mib_after))[:, None]


def _stranded(rows: Rows) -> Column:
    cpu = fraction(rows.cpu_after, rows.whole_cpu)
    memory = fraction(rows.mib_after, rows.whole_memory >> 20)
    # What is fraction(free, WHOLE * gpus) for what never exceeds it.
    gpu = UNIT // WHOLE * rows.free_after // np.maximum(rows.gpus, 1)
    return out_of_step(gpu, cpu, memory)[:, None]
