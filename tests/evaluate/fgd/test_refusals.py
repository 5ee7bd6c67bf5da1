"""Refusals are told by class and by arrival."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.evaluate.fgd import Run, refusals_of
from drapolicy.evaluate.fgd.refusals import class_of
from drapolicy.workload.openb import PodRow


@pytest.mark.parametrize(
    ("gpus", "milli", "expected"), [(0, 0, -1), (1, 500, 0), (1, 1_000, 1), (8, 1_000, 8), (2, 500, 2)]
)
def test_a_pod_is_of_the_class_of_its_gpus(gpus: int, milli: int, expected: int) -> None:
    """Pods without GPUs, shares, and pods with whole GPUs by their number are told apart."""
    assert class_of(PodRow("p", 0, 0, gpus, milli, ())) == expected


def test_refusals_are_counted_by_arrival_and_class() -> None:
    """Of two GPUs 120 % arrive: the first refusal, and who was refused by 100 and by 130 %."""
    asked = np.array([500, 0, 1_000, 500, 400])
    placed = np.array([True, False, True, False, False])
    run = Run(
        policy="p",
        seed=1,
        arrived=asked.cumsum(),
        allocated=(asked * placed).cumsum(),
        wasted=np.zeros(5),
        gpus=2,
        classes=np.array([0, -1, 1, 0, 0]),
        placed=placed,
        seconds=0.0,
    )
    assert [tuple(told) for told in refusals_of(run)] == [
        ("all", 25.0, ((4, 2), (5, 3))),
        ("no GPU", 25.0, ((1, 1), (1, 1))),
        ("a share", 100.0, ((2, 1), (3, 2))),
        ("1 GPU", None, ((1, 0), (1, 0))),
    ]
