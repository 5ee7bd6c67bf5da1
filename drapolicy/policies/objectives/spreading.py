"""Spreading: devices where much is free, over many parts of the host."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.masks import MOST_DEVICES, touched
from drapolicy.problem.local import LocalProblem


def _roots_touched(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    return touched(node.groups["pcieRoot"], chosen)


@objective(sense="max", unit="PCIe roots", bounds=(0, MOST_DEVICES), over=_roots_touched)
def roots_touched(node: LocalProblem, chosen: Indices) -> int:
    """PCIe roots over which the chosen devices are spread: each has more of its root's bandwidth to the host."""
    return len(set(node.groups["pcieRoot"][chosen].tolist()))


def _milli_left(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    millis = node.millis
    return np.array([int(millis.after(np.flatnonzero(mask)).sum()) for mask in chosen], np.int64).reshape(-1)


@objective(sense="max", unit="GPU milli", bounds=(0, 1_000 * MOST_DEVICES), over=_milli_left)
def milli_left(node: LocalProblem, chosen: Indices) -> int:
    """Thousandths of GPUs that the node has left afterwards: much means that an empty node was taken."""
    return int(node.millis.after(chosen).sum())
