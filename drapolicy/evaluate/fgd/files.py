"""The tables of the experiment, in the columns of the artefact's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from drapolicy.api.files import write_whole
from drapolicy.evaluate.fgd.curves import ARRIVALS, Run, curves_of

_KEYS = ("workload", "sc_policy", "tune", "seed")


def write_tables(runs: Sequence[Run], workload: str, ratio: float, folder: Path) -> tuple[Path, Path]:
    """Write ``allocation.csv`` and ``fragmentation.csv``, each whole or not at all.

    Columns are those of the artefact's ``analysis_allo_discrete.csv`` and ``analysis_frag_ratio_discrete.csv``:
    workload, sc_policy, tune (how much arrives), seed, in the first table total_gpus, and the curve from 0 to 130 % of
    arrival; a cell is empty where no arrival is near.

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
        Both files.
    """
    told = [((workload, run.policy, ratio, run.seed), run, curves_of(run)) for run in runs]
    allocation = [[*keys, run.gpus, *curves.allocation] for keys, run, curves in told]
    fragmentation = [[*keys, *curves.fragmentation] for keys, _, curves in told]
    files = folder / "allocation.csv", folder / "fragmentation.csv"
    for path, text in zip(
        files,
        (_csv((*_KEYS, "total_gpus"), allocation), _csv(_KEYS, fragmentation)),
        strict=True,
    ):
        _write(path, text)
    return files


def _csv(keys: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, *ARRIVALS])
    writer.writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
