"""FGD's fragmentation as the published program adds it up: in floats, whose last digits decide between equal nodes.

Where a choice changes nothing, exact sums say so; the program's sums are of shares of pods, kept apart by the reason
for which pods find no place, and may come to a little more or less. Points are cut off, and half of them is just where
a choice that changes nothing stands: 50 points or 49.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objectives.mix import Mix
from drapolicy.policies.rows import Column

Flags = NDArray[np.bool_]

# Why a pod finds no place, in the order in which the program adds them up; the others find one.
_LACKS_BOTH, _LACKS_GPU, _LACKS_CPU, _NO_GPU_FITS, _NO_GPU_LACKS_CPU, _NO_ACCESS = range(6)
_PLACED = -1
_MOST_CELLS = 200_000


@dataclass(frozen=True)
class Floats:
    """A mix as the program has it.

    Attributes
    ----------
    mix
        Typical pods, in the order in which they are added up.
    counted
        How many pods they were counted among: shares are of all of them, then scaled to those in the mix.
    """

    mix: Mix
    counted: int

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        weights = [pod.weight for pod in self.mix]
        known = sum(weights)
        shares = [weight / self.counted for weight in weights]
        # A mix of all pods is not scaled.
        return np.array(shares if known == self.counted else [share / (known / self.counted) for share in shares])

    @cached_property
    def _asked(self) -> tuple[Column, Column, Column]:
        table = np.array([(pod.cpu, pod.milli, max(pod.gpus, 1)) for pod in self.mix], np.int64).reshape(-1, 3)
        return table[:, 0], table[:, 1], table[:, 2]

    def admits(self, product: str) -> Flags:
        """Return which pods accept a product; ndarray of shape (P,), bool."""
        return np.array([not pod.models or product in pod.models for pod in self.mix], np.bool_)

    def wasted(self, left: Column, cpu: Column, admits: Flags) -> NDArray[np.float64]:
        """Return the free milli of K states of nodes that pods cannot use; ndarray of shape (K,), float64.

        Parameters
        ----------
        left
            What is left of each GPU; ndarray of shape (K, G), int64.
        cpu
            Milli CPU left; ndarray of shape (K,), int64.
        admits
            Pods that accept the node's product; ndarray of shape (K, P), bool.
        """
        step = max(1, _MOST_CELLS // max(1, left.shape[1] * len(self.mix)))
        if len(left) > step:
            parts = [slice(start, start + step) for start in range(0, len(left), step)]
            return np.concatenate([self.wasted(left[part], cpu[part], admits[part]) for part in parts])
        asked_cpu, milli, gpus = self._asked
        total = left.sum(axis=1).astype(np.float64)[:, None]
        small = left[:, :, None] < milli
        fits = (~small).sum(axis=1) >= gpus
        runs = cpu[:, None] >= asked_cpu
        why = np.where(fits, np.where(runs, _PLACED, _LACKS_CPU), np.where(runs, _LACKS_GPU, _LACKS_BOTH))
        why = np.where(admits, why, _NO_ACCESS)
        why = np.where(milli > 0, why, np.where(runs, _NO_GPU_FITS, _NO_GPU_LACKS_CPU))
        # What is on GPUs that are too small for a pod that finds others is lacking GPUs too.
        beside = np.where(small, left[:, :, None], 0).sum(axis=1).astype(np.float64)
        amounts = self._shares * np.where(why == _PLACED, beside, total)
        why = np.where(why == _PLACED, _LACKS_GPU, why)
        found = np.zeros(len(left), np.float64)
        for reason in range(6):
            # One after the other, as the program does: other orders of adding have other last digits.
            found = found + np.cumsum(np.where(why == reason, amounts, 0.0), axis=1)[:, -1]
        return found


def points_of(less: float) -> int:
    """Return the points for so many milli less of fragmentation."""
    # Far to the left exp would overflow; the points are 0 long before. Operations are in the published order.
    return 0 if less < -700_000 else int(1 / (1 + math.exp(-less / 1_000)) * 100)
