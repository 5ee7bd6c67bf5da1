"""Pods that need no devices: what an objective makes of the room that they take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drapolicy.policies.objective import Objective, Score
from drapolicy.problem.local import LocalProblem

_NO_DEVICES = np.empty(0, np.intp)
_NO_DEVICES.flags.writeable = False


def reads_room(objective: Objective) -> bool:
    """Tell whether some term looks at CPU and memory."""
    return any("room" in term.sees for term in objective.terms)


def score_of_room(objective: Objective, local: Callable[[], LocalProblem]) -> Score:
    """Return the score of an ask that needs no devices: terms that look at room say theirs, others 0.

    Parameters
    ----------
    local
        Returns the node; called if some term looks at room.
    """
    if not reads_room(objective):
        return objective.neutral
    node = local()
    return tuple(
        sum(weight * term.of(node, _NO_DEVICES, _NO_DEVICES) for weight, term in level if "room" in term.sees)
        for level in objective.levels
    )
