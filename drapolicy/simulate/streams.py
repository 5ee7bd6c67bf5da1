"""Random numbers by purpose, so that what one part draws changes nothing for the others."""

from __future__ import annotations

from typing import Final

import numpy as np

from drapolicy.errors import InputError

POLICY: Final = 1
FAULTS: Final = 2


class Streams:
    """Independent generators from one seed: all policies meet the same world, whatever they draw themselves.

    Parameters
    ----------
    seed
        From 0 on. Arrivals are drawn by :func:`drapolicy.workload.arrivals.redrawn` from a stream of their own.
    draws
        Which of the policy's own draws; the world is the same for all.

    Attributes
    ----------
    policy
        For the policy's own draws.
    faults
        For failures that are drawn.
    """

    def __init__(self, seed: int, draws: int = 0) -> None:
        if seed < 0:
            message = f"play: seed {seed} is negative; use 0 for the arrivals as recorded, others to draw again"
            raise InputError(message)
        self.policy = np.random.default_rng([seed, POLICY, draws])
        self.faults = np.random.default_rng([seed, FAULTS])
