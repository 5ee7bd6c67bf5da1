"""From single arrivals to curves: what is allocated and what is wasted at each percent of arrival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ARRIVALS = range(131)
"""Percent of arrival at which curves are read."""


@dataclass(frozen=True)
class Run:
    """What one policy came to in one order of arrivals; after each arrival, in milli of GPUs.

    Attributes
    ----------
    policy, seed
        What was played.
    arrived
        What all pods so far ask for; ndarray, int64.
    allocated
        What those that were placed hold; ndarray, int64.
    wasted
        What the workload's pods cannot use of what is free, in percent of it, rounded to two decimals; ndarray,
        float64. 0 where nothing is free.
    gpus
        Number of GPUs in all.
    classes
        What each pod asks for: number of whole GPUs, 0 for a share of one, -1 for a pod without; ndarray, int64.
    placed
        Whether each pod was placed; ndarray, bool.
    seconds
        Time that the decisions took; no result, it depends on the machine.
    """

    policy: str
    seed: int
    arrived: NDArray[np.int64]
    allocated: NDArray[np.int64]
    wasted: NDArray[np.float64]
    gpus: int
    classes: NDArray[np.int64]
    placed: NDArray[np.bool_]
    seconds: float


@dataclass(frozen=True)
class Curves:
    """The curves of one run; None where no arrival is near a percent.

    Attributes
    ----------
    allocation
        Allocated GPUs in percent of all.
    fragmentation
        Wasted GPUs in percent of those that are free.
    """

    allocation: tuple[float | None, ...]
    fragmentation: tuple[float | None, ...]


def curves_of(run: Run) -> Curves:
    """Return the curves of a run, as the artefact's scripts make them.

    At x percent stands the mean over the arrivals at which what has arrived, rounded to whole percents, is x; where
    there is none, those from x - 1 to x + 1. Allocation is rounded to two decimals before and after.

    References
    ----------
    hkust-adsl/kubernetes-scheduler-simulator, experiments/analysis/merge_alloc_discrete.py,
    merge_frag_ratio_discrete.py.
    """
    percent = [round(value) for value in (run.arrived / run.gpus / 10).tolist()]
    allocated = [round(value, 2) for value in (run.allocated / run.gpus / 10).tolist()]
    at = _bins(percent)
    # Single values are rounded by their decimals, means by numpy, as the artefact's libraries do: 91.035 becomes 91.04.
    allocation = [None if not len(own) else float(np.round(_mean(allocated, own), 2)) for own in at]
    wasted = run.wasted.tolist()
    fragmentation = [None if not len(own) else _mean(wasted, own) for own in at]
    return Curves(tuple(allocation), tuple(fragmentation))


def _bins(percent: Sequence[int]) -> list[NDArray[np.intp]]:
    """Return the arrivals that count at each percent."""
    whole = np.array(percent, np.int64)
    found = []
    for x in ARRIVALS:
        own = np.flatnonzero(whole == x)
        found.append(own if len(own) else np.flatnonzero(np.abs(whole - x) <= 1))
    return found


def _mean(values: Sequence[float], at: NDArray[np.intp]) -> float:
    # The sum as numpy makes it of neighbours in memory, which is how the artefact's tables are added up.
    return float(np.array(values)[at].sum() / len(at))
