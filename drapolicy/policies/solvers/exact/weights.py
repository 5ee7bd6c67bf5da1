"""Levels of pair weights as one matrix, so that a single number orders choices as the levels do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bounds take sums twice and more: this leaves room in int64.
_ROOM = 2**58


def combined(levels: Sequence[NDArray[Any]], devices: Sequence[int], chosen: int) -> NDArray[Any]:
    """Return one matrix whose sums over a choice are ordered as those of the levels, one after the other.

    Parameters
    ----------
    levels
        A symmetric matrix a level, shape (D, D), int64 or Python ints; the first decides before the second.
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
    total: NDArray[Any] = np.zeros((len(devices), len(devices)), np.int64)
    for level in levels:
        own = level[at]
        own = own // (int(np.gcd.reduce(own, axis=None)) or 1)
        factor = 2 * _most(own, chosen) + 1
        if _most(total, chosen) * factor + factor >= _ROOM:
            total = total.astype(object)
        total = total * factor + own
    return total


def _most(matrix: NDArray[Any], chosen: int) -> int:
    """Return a bound of the absolute value of the sum over a choice."""
    if not matrix.size:
        return 0
    single, pair = int(np.abs(np.diag(matrix)).max()), int(np.abs(matrix).max())
    return pair * (chosen * (chosen - 1) // 2) + single * chosen
