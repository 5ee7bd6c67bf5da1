"""Sizes and run times of jobs, fitted to published means and medians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import log2

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from drapolicy.errors import InputError
from drapolicy.workload.presets import Preset

Floats = NDArray[np.float64]
_STEP = 0.05


@dataclass(frozen=True)
class Laws:
    """Sizes and run times of jobs.

    Attributes
    ----------
    sizes
        Numbers of GPUs, 1, 2, 4 ...
    parts
        Part of the jobs of each size; shape and dtype as of ``sizes``, float64.
    medians_s
        Median run time of jobs of each size.
    sigma
        Deviation of the logarithm of run times, the same for all sizes.
    longest_s
        Where run times are cut off.
    """

    sizes: tuple[int, ...]
    parts: tuple[float, ...]
    medians_s: tuple[float, ...]
    sigma: float
    longest_s: float

    def means_s(self) -> Floats:
        """Return the mean run time of jobs of each size."""
        return _means(np.array(self.medians_s), self.sigma, self.longest_s)

    def gpu_seconds(self) -> float:
        """Return the GPU time of a job, mean."""
        return float((np.array(self.parts) * np.array(self.sizes) * self.means_s()).sum())

    def up_to(self, gpus: int) -> Laws:
        """Return the laws of the jobs that have no more GPUs."""
        kept = [at for at, size in enumerate(self.sizes) if size <= gpus]
        total = sum(self.parts[at] for at in kept)
        return Laws(
            tuple(self.sizes[at] for at in kept),
            tuple(self.parts[at] / total for at in kept),
            tuple(self.medians_s[at] for at in kept),
            self.sigma,
            self.longest_s,
        )

    def draw(self, rng: np.random.Generator, number: int) -> tuple[NDArray[np.int64], Floats]:
        """Return sizes, and run times in seconds, of so many jobs."""
        kinds = rng.choice(len(self.sizes), number, p=self.parts)
        spread = rng.standard_normal(number) * self.sigma
        runs = np.array(self.medians_s)[kinds] * np.exp(spread)
        return np.array(self.sizes, np.int64)[kinds], np.minimum(runs, self.longest_s)


@cache
def laws(preset_name: str) -> Laws:
    """Return the laws of a preset of the table."""
    from drapolicy.workload.presets import preset

    return fitted(preset(preset_name))


def fitted(given: Preset) -> Laws:
    """Return the laws that meet a preset's mean size, median and mean run time, and GPU time.

    Raises
    ------
    InputError
        When no such laws exist, as for a mean below the median.
    """
    sizes = 2 ** np.arange(int(log2(given.largest.value)) + 1)
    parts = _sizes(given.mean_gpus.value, sizes)
    median, mean, longest = given.median_s.value, given.mean_s.value, given.longest_s.value

    def at(power: float) -> tuple[Floats, float]:
        """Return medians by size and sigma where run times grow by a power of the size."""
        growth = sizes.astype(float) ** power

        def base(sigma: float) -> float:
            """Return the median of jobs of one GPU that puts the median of all jobs right."""
            return _root(
                lambda first: float((parts * ndtr(np.log(median / (first * growth)) / sigma)).sum()) - 0.5,
                median / growth.max(),
                median * 2,
                given.name,
            )

        sigma = _root(
            lambda sigma: float((parts * _means(base(sigma) * growth, sigma, longest)).sum()) / mean - 1,
            0.05,
            6,
            given.name,
        )
        return base(sigma) * growth, sigma

    def excess(power: float) -> float:
        medians, sigma = at(power)
        time = float((parts * sizes * _means(medians, sigma, longest)).sum())
        return time / (given.mean_gpus.value * mean) - given.gpu_time.value

    # The mean grows with the power too: beyond some power no deviation meets it, so the bracket is sought from below.
    power = 0.0
    while excess(power + _STEP) < 0:
        power += _STEP
    medians, sigma = at(_root(excess, power, power + _STEP, given.name))
    return Laws(tuple(sizes.tolist()), tuple(parts.tolist()), tuple(medians.tolist()), sigma, longest)


def _sizes(mean: float, sizes: NDArray[np.int64]) -> Floats:
    """Return the parts of sizes, each so many times the one before that the mean is met."""

    def parts(ratio: float) -> Floats:
        weights = ratio ** np.arange(len(sizes), dtype=float)
        scaled: Floats = weights / weights.sum()
        return scaled

    return parts(_root(lambda ratio: float((parts(ratio) * sizes).sum()) - mean, 1e-9, 1, "sizes"))


def _means(medians: Floats, sigma: float, longest: float) -> Floats:
    """Return the means of log-normal run times that are cut off at the longest."""
    far = np.log(longest / medians) / sigma
    means: Floats = medians * np.exp(sigma * sigma / 2) * ndtr(far - sigma) + longest * ndtr(-far)
    return means


def _root(function: Callable[[float], float], low: float, high: float, name: str) -> float:
    try:
        return float(brentq(function, low, high, xtol=1e-12, rtol=1e-12))
    except ValueError as error:
        raise InputError(f"{name}: no sizes and run times have these means and medians; check them") from error
