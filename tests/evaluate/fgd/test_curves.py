"""From arrivals to curves, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drapolicy.evaluate.fgd import Run, curves_of


def run(arrived: Sequence[int], allocated: Sequence[int], wasted: Sequence[float], gpus: int = 1) -> Run:
    """Return a run of which only what curves read matters."""
    return Run(
        policy="mine",
        seed=1,
        arrived=np.array(arrived, np.int64),
        allocated=np.array(allocated, np.int64),
        wasted=np.array(wasted, np.float64),
        gpus=gpus,
        classes=np.zeros(len(arrived), np.int64),
        placed=np.ones(len(arrived), np.bool_),
        seconds=0.0,
    )


def test_means_over_the_arrivals_of_each_percent() -> None:
    """Arrivals at 10.4 and 9.6 % count at 10 %; percents without arrivals take those one beside them, others none."""
    curves = curves_of(run([96, 104, 300], [90, 101, 200], [1.0, 2.0, 5.0]))
    assert curves.allocation[10] == 9.55  # (9 + 10.1) / 2
    assert curves.fragmentation[10] == 1.5
    assert curves.allocation[9] == curves.allocation[11] == 9.55
    assert curves.allocation[29:32] == (20.0, 20.0, 20.0)
    assert [x for x, value in enumerate(curves.allocation) if value is not None] == [9, 10, 11, 29, 30, 31]
    assert len(curves.allocation) == len(curves.fragmentation) == 131


def test_halves_are_rounded_to_even_percents() -> None:
    """10.5 % is 10, 11.5 % is 12."""
    curves = curves_of(run([105, 115], [10, 20], [0.0, 0.0]))
    assert (curves.allocation[10], curves.allocation[12]) == (1.0, 2.0)


def test_single_values_are_rounded_before_the_mean() -> None:
    """1/6 and 1/3 of a percent are 0.17 and 0.33, their mean 0.25; unrounded ones would give the same only by luck."""
    curves = curves_of(run([600, 600, 600], [10, 20, 22], [0.0] * 3, gpus=6))
    # 0.1666.., 0.3333.., 0.3666.. -> 0.17, 0.33, 0.37 -> 0.29
    assert curves.allocation[10] == 0.29


def test_means_are_rounded_as_numpy_does() -> None:
    """0.035 as a float is a little less than it, by decimals 0.03 and by numpy 0.04."""
    curves = curves_of(run([100, 100], [910_300, 910_400], [0.0, 0.0], gpus=1_000))
    assert curves.allocation[0] == 91.04  # (91.03 + 91.04) / 2 = 91.035
