"""Policies × scenarios × seeds: one tidy table, statistics, a report and a named winner."""

from __future__ import annotations

from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.experiment import evaluate
from drapolicy.evaluate.metrics import LEGEND, METRICS, Metric
from drapolicy.evaluate.scenarios import embedded, of_files, of_folder
from drapolicy.evaluate.statistics import Difference, paired
from drapolicy.evaluate.table import Results, Verdict

__all__ = [
    "LEGEND",
    "METRICS",
    "Cell",
    "Difference",
    "Metric",
    "Results",
    "Verdict",
    "embedded",
    "evaluate",
    "of_files",
    "of_folder",
    "paired",
]
