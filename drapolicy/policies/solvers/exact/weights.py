"""Levels of pair weights as one matrix, so that a single number orders choices as the levels do."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray


def combined(levels: Sequence[NDArray[Any]], devices: Sequence[int], chosen: int) -> NDArray[Any]:
    """Return one matrix whose sums over a choice are ordered as those of the levels, one after the other.

    Parameters
    ----------
    levels
        A symmetric matrix of Python ints a level, shape (D, D); the first decides before the second.
    devices
        Devices that may be chosen.
    chosen
        How many are chosen; only choices of this size are compared.

    Returns
    -------
    ndarray
        Shape (n, n) for the n devices; int64 where sums over a choice fit, Python ints otherwise.
    """
    at = np.ix_(list(devices), list(devices))
    total = np.zeros((len(devices), len(devices)), object)
    for level in levels:
        own = level[at]
        unit = gcd(*own.ravel().tolist()) or 1
        own = own // unit
        total = total * (2 * _most(own, chosen) + 1) + own
    return total.astype(np.int64) if 4 * _most(total, chosen) < 2**62 else total


def _most(matrix: NDArray[Any], chosen: int) -> int:
    """Return a bound of the absolute value of the sum over a choice."""
    values = [abs(value) for value in matrix.ravel().tolist()]
    single = max((abs(value) for value in np.diag(matrix).tolist()), default=0)
    return max(values, default=0) * (chosen * (chosen - 1) // 2) + single * chosen
