"""Policies × scenarios × seeds: one tidy table, statistics, a report and a named winner."""

from __future__ import annotations

from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.compare import Comparison, compare
from drapolicy.evaluate.executor import Dask, Executor, Local
from drapolicy.evaluate.experiment import Experiment, Step, evaluate
from drapolicy.evaluate.experiment_file import read_experiment
from drapolicy.evaluate.metrics import LEGEND, METRICS, Metric
from drapolicy.evaluate.ranking import Pair, Place, Ranking, ranking
from drapolicy.evaluate.scenarios import embedded, of_files, of_folder
from drapolicy.evaluate.statistics import Difference, holm, paired
from drapolicy.evaluate.store import Store
from drapolicy.evaluate.table import Results, Verdict

__all__ = [
    "LEGEND",
    "METRICS",
    "Cell",
    "Comparison",
    "Dask",
    "Difference",
    "Executor",
    "Experiment",
    "Local",
    "Metric",
    "Pair",
    "Place",
    "Ranking",
    "Results",
    "Step",
    "Store",
    "Verdict",
    "compare",
    "embedded",
    "evaluate",
    "holm",
    "of_files",
    "of_folder",
    "paired",
    "ranking",
    "read_experiment",
]
