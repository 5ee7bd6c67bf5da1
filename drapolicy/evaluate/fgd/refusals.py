"""Who was refused: a policy can allocate much by starving large pods, so refusals stand beside the curves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.evaluate.fgd.bound import BOUNDED_AT
from drapolicy.evaluate.fgd.curves import Run
from drapolicy.workload.openb import PodRow
from drapolicy.workload.openb.tables import WHOLE

_NO_GPU, _SHARE = -1, 0


class Refusals(NamedTuple):
    """Refused pods of one class.

    Attributes
    ----------
    name
        ``all``, ``no GPU``, ``a share``, ``1 GPU``, ``2 GPUs`` ...
    first
        Percent of arrival at which one was refused first, that pod included; None if none was.
    counts
        How many came and how many of them were refused, at each percent of arrival for which bounds are told.
    """

    name: str
    first: float | None
    counts: tuple[tuple[int, int], ...]


def class_of(pod: PodRow) -> int:
    """Return the class of a pod: the number of its whole GPUs, 0 for a share of one, -1 for none."""
    if not pod.gpus:
        return _NO_GPU
    return _SHARE if pod.gpus == 1 and pod.gpu_milli < WHOLE else pod.gpus


def refusals_of(run: Run) -> tuple[Refusals, ...]:
    """Return the refusals of a run: of all pods, then by class, the largest pods last."""
    percent = run.arrived / run.gpus / 10
    everyone = np.ones(len(percent), np.bool_)
    classes = np.unique(run.classes).tolist()
    own = [("all", everyone), *((_name(number), run.classes == number) for number in classes)]
    return tuple(_refused(name, mask, percent, run.placed) for name, mask in own)


def _name(number: int) -> str:
    if number < 1:
        return "a share" if number == _SHARE else "no GPU"
    return f"{number} GPU{'s' if number > 1 else ''}"


def _refused(name: str, mask: NDArray[np.bool_], percent: NDArray[np.float64], placed: NDArray[np.bool_]) -> Refusals:
    refused = mask & ~placed
    first = round(float(percent[refused.argmax()]), 2) if refused.any() else None
    return Refusals(name, first, tuple(_counted(mask, refused, percent <= at) for at in BOUNDED_AT))


def _counted(*masks: NDArray[np.bool_]) -> tuple[int, int]:
    mask, refused, until = masks
    return int((mask & until).sum()), int((refused & until).sum())
