"""The tables of the experiment, in the columns of the artefact's."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from drapolicy.api.files import write_whole
from drapolicy.evaluate.fgd.bound import BOUNDED_AT, Bounds
from drapolicy.evaluate.fgd.curves import ARRIVALS, Run, curves_of
from drapolicy.evaluate.fgd.refusals import refusals_of

_KEYS = ("workload", "sc_policy", "tune", "seed")


def write_tables(runs: Sequence[Run], workload: str, ratio: float, folder: Path) -> tuple[Path, ...]:
    """Write ``allocation.csv``, ``fragmentation.csv`` and ``refusals.csv``, each whole or not at all.

    Columns of the first two are those of the artefact's ``analysis_allo_discrete.csv`` and
    ``analysis_frag_ratio_discrete.csv``: workload, sc_policy, tune (how much arrives), seed, in the first table
    total_gpus, and the curve from 0 to 130 % of arrival; a cell is empty where no arrival is near. The third tells for
    each class of pods when one was refused first, in percent of arrival, and how many came and were refused by 100 and
    130 %.

    Parameters
    ----------
    runs
        What was played.
    workload
        Name of the list of pods.
    ratio
        What arrives, as a part of the GPUs that there are.
    folder
        Where to.

    Returns
    -------
    tuple of Path
        The files.
    """
    told = [((workload, run.policy, ratio, run.seed), run, curves_of(run)) for run in runs]
    allocation = [[*keys, run.gpus, *curves.allocation] for keys, run, curves in told]
    fragmentation = [[*keys, *curves.fragmentation] for keys, _, curves in told]
    refusals = [
        [*keys, told.name, told.first, *(count for pair in told.counts for count in pair)]
        for keys, run, _ in told
        for told in refusals_of(run)
    ]
    counted = [f"{what}_{at}" for at in BOUNDED_AT for what in ("pods", "refused")]
    files = tuple(folder / f"{name}.csv" for name in ("allocation", "fragmentation", "refusals"))
    texts = (
        _csv((*_KEYS, "total_gpus", *ARRIVALS), allocation),
        _csv((*_KEYS, *ARRIVALS), fragmentation),
        _csv((*_KEYS, "class", "first_refusal", *counted), refusals),
    )
    for path, text in zip(files, texts, strict=True):
        _write(path, text)
    return files


def write_bounds(bounds: Mapping[int, Bounds], everything: float, workload: str, ratio: float, folder: Path) -> Path:
    """Write ``bounds.csv``: what could be allocated at most by seed, and up to where all pods fit.

    Parameters
    ----------
    bounds
        By seed of the order.
    everything
        Percent of the GPUs up to which everything can be placed.
    workload, ratio, folder
        As for :func:`write_tables`.
    """
    rows = [
        [workload, ratio, seed, *map(_above, found.selection), _above(everything)] for seed, found in bounds.items()
    ]
    path = folder / "bounds.csv"
    _write(path, _csv(("workload", "tune", "seed", *(f"at_{at}" for at in BOUNDED_AT), "everything"), rows))
    return path


def _above(bound: float | None) -> float | None:
    """Return a bound with four decimals that is none the less a bound."""
    return None if bound is None else math.ceil(bound * 10_000 - 1e-4) / 10_000


def _csv(columns: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
