"""How long policies took: told beside the results and never among them, as it depends on the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from types import MappingProxyType

from drapolicy.evaluate.cell import Cell


@dataclass(frozen=True)
class Timing:
    """One number that tells how long a policy took in a cell.

    Attributes
    ----------
    name, label, unit
        For tables.
    of
        The number; NaN where nothing was decided.
    """

    name: str
    label: str
    unit: str
    of: Callable[[Cell], float]


def _percentile(cell: Cell, percent: int) -> float:
    # As many quantiles are kept as there are whole percents.
    return cell.decision_us[percent] if cell.decision_us else nan


TIMINGS = MappingProxyType(
    {
        timing.name: timing
        for timing in (
            Timing("seconds", "policy time", "s", lambda cell: cell.seconds),
            Timing("decision-p50", "decision, median", "µs", lambda cell: _percentile(cell, 50)),
            Timing("decision-p99", "decision, 99th percentile", "µs", lambda cell: _percentile(cell, 99)),
        )
    }
)
