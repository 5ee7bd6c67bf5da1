"""Whole numbers in given proportions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def quotas(weights: Sequence[int], total: int) -> NDArray[np.int64]:
    """Return whole numbers in the proportion of weights that make the total: by largest remainders, earlier first.

    Examples
    --------
    >>> quotas([2, 1, 1], 6).tolist()
    [3, 2, 1]
    """
    parts = np.array(weights, np.int64) * total
    floors, rests = np.divmod(parts, sum(weights))
    missing = total - int(floors.sum())
    floors[np.argsort(-rests, kind="stable")[:missing]] += 1
    return floors
