"""Refusals of all cells of a scenario: one table of classes of pods by what became of them, and why."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan, nan

from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.refusals import OTHERS
from drapolicy.evaluate.table import Results
from drapolicy.text import distinct, printable

_MOST_REASONS = 6


@dataclass(frozen=True)
class Class:
    """A class of pods with a policy, all seeds added up.

    Attributes
    ----------
    policy, name
        Of what.
    came, refused, never
        How many came, did not start at once, never started.
    first
        Number of the arrival that was refused first, the mean over the seeds with any; NaN without.
    why
        How many never started for each reason of the table.
    """

    policy: str
    name: str
    came: int
    refused: int
    never: int
    first: float
    why: tuple[int, ...]

    @property
    def first_told(self) -> str:
        """Number of the arrival that was refused first."""
        return "–" if isnan(self.first) else f"{self.first:,.0f}"


@dataclass(frozen=True)
class Refused:
    """Classes of pods by policy, those with refusals; and the reasons why pods never started, commonest first."""

    reasons: tuple[str, ...]
    classes: tuple[Class, ...]


def refused(results: Results, scenario: str) -> Refused:
    """Return who was refused in a scenario; names are fit to be shown."""
    told = _reasons((cell for cell in results.cells if cell.scenario == scenario), _MOST_REASONS)
    found = []
    for policy, shown in distinct(results.policies).items():
        cells = results.of(scenario, policy)
        for name in dict.fromkeys(name for cell in cells for name in cell.classes):
            own = [cell.classes[name] for cell in cells if name in cell.classes]
            came, late, never = (sum(counts[k] for counts in own) for k in range(3))
            first = [counts[3] for counts in own if counts[3]]
            if late or never:
                mean = sum(first) / len(first) if first else nan
                why = tuple(sum(each) for each in zip(*(_why(cell, name, told) for cell in cells), strict=True))
                found.append(Class(shown, printable(name, 60), came, late, never, mean, why))
    return Refused(tuple(printable(reason, 300) for reason in told), tuple(found))


def refusals(results: Results) -> str:
    """Return the same for each cell as CSV: a row for each class of pods, a column for each reason."""
    told = _reasons(results.cells, None)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = ("scenario", "policy", "seed", "class", "came", "did not start at once", "first refused arrival")
    writer.writerow((*heads, "never started", *(f"never started: {reason}" for reason in told)))
    for cell in results.cells:
        for name, (came, late, never, first) in cell.classes.items():
            start = (cell.scenario, cell.policy, cell.seed, name, came, late, first or "", never)
            writer.writerow((*start, *_why(cell, name, told)))
    return text.getvalue()


def _reasons(cells: Iterable[Cell], most: int | None) -> list[str]:
    """Return reasons, the commonest first and what is left of them last."""
    totals: Counter[str] = Counter()
    for cell in cells:
        totals.update({reason: sum(counts) for reason, counts in cell.reasons.items()})
    common = sorted(totals, key=lambda reason: (reason == OTHERS, -totals[reason], reason))
    if most is None or len(common) <= most:
        return common
    return [*common[: most - 1], OTHERS]


def _why(cell: Cell, name: str, told: list[str]) -> list[int]:
    """Return how many of a class never started for each reason; what is not told counts for the others."""
    found = dict.fromkeys(told, 0)
    if name in cell.classes:
        at = list(cell.classes).index(name)
        for reason, counts in cell.reasons.items():
            found[reason if reason in found else OTHERS] += counts[at]
    return list(found.values())
