"""What an experiment leaves behind to be read: the report as HTML and as Markdown, and its numbers as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from drapolicy.api.files import write_whole
from drapolicy.evaluate.metrics import METRICS
from drapolicy.evaluate.provenance import Provenance
from drapolicy.evaluate.report import Section, sections_of, seeds_told, write_report
from drapolicy.evaluate.table import Results
from drapolicy.text import printable

REPORT, MARKDOWN, CELL_TABLE, COMPARISONS = "report.html", "report.md", "cells.csv", "comparisons.csv"

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")


def write_all(
    results: Results,
    folder: Path,
    *,
    title: str = "",
    metric: str | None = None,
    notes: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> tuple[Path, ...]:
    """Write report and tables into a folder, each whole or not at all; return their paths.

    ``cells.csv`` has a row for each cell and metric, ``comparisons.csv`` one for each two policies and metric: the mean
    of the first less that of the second with its interval, corrected for all pairs of the scenario and metric.

    Parameters
    ----------
    results, title, metric, notes, provenance
        As for :func:`~drapolicy.evaluate.report.write_report`.
    folder
        Where.
    """
    paths = tuple(folder / name for name in (REPORT, MARKDOWN, CELL_TABLE, COMPARISONS))
    told: dict[str, Any] = {"title": title, "metric": metric, "notes": notes, "provenance": provenance}
    write_report(results, paths[0], **told)
    for path, text in zip(paths[1:], (markdown(results, **told), results.csv(), comparisons(results)), strict=True):
        _write(path, text)
    return paths


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def comparisons(results: Results) -> str:
    """Return every two policies compared by each metric of each scenario, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = ("mean", "low", "high", "p", "cohen", "cliff", "pairs", "left_out")
    writer.writerow(("scenario", "metric", "unit", "first", "second", *numbers, "certain", "sentence"))
    for scenario in results.scenarios:
        for metric in METRICS.values():
            for pair in results.ranking(scenario, metric.name).pairs:
                found = pair.difference
                if found.pairs:
                    values = ["" if (value := getattr(found, name)) != value else value for name in numbers]
                    certain = "yes" if found.certain else "no"
                    writer.writerow(
                        (scenario, metric.name, metric.unit, pair.first, pair.second, *values, certain, str(pair))
                    )
    return text.getvalue()


def markdown(
    results: Results,
    *,
    title: str = "",
    metric: str | None = None,
    notes: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> str:
    """Return the report as Markdown: all that it says but for the pictures."""
    provenance = provenance or Provenance()
    sections = sections_of(results, metric, provenance)
    lines = [f"# {marked(printable(title or 'Policies compared', 200))}", ""]
    lines += [line for note in notes for line in (marked(printable(note, 2000)), "")]
    for section in sections:
        lines += [f"- **{marked(section.name)}**: {marked(section.verdict)}"]
        lines += [f"  Ranking by {marked(section.metric)}: {marked(section.ranked)}"]
    lines += [""] if sections else ["Nothing was played.", ""]
    for section in sections:
        lines += [*_chapter(section)]
    lines += ["## Where this comes from", ""]
    told = [("Seeds", seeds_told(results)), ("Code", f"sha256:{provenance.code}" if provenance.code else "")]
    for section in sections:
        told += [(f"Kubernetes of {section.name}", section.kubernetes)]
        told += [(f"Inputs of {section.name}", "; ".join(f"{a} sha256:{b}" for a, b in section.inputs))]
    told += [("Played on", machine) for machine in provenance.machines]
    told += [("With", text) for text in provenance.versions]
    lines += [f"- {marked(what)}: {marked(text)}" for what, text in told if text]
    return "\n".join([*lines, ""])


def _chapter(section: Section) -> Iterator[str]:
    yield from (f"## {marked(section.name)}", "")
    heads = [f"{m.name} [{m.unit}]" if m.unit else m.name for m in section.metrics]
    rows = [
        [row.policy + (" ★" if row.wins else ""), row.rank, *(_entry(e.mean, e.difference) for e in row.entries)]
        for row in section.rows
    ]
    yield from _table(["policy", "rank", *heads], [*rows, ["bound", "", *section.bounds]])
    yield from ("", *(f"- {marked(pair)}" for pair in section.pairs), "")
    if section.classes:
        yield from ("### Who was refused", "")
        yield from _table(
            ["policy", "class of pods", "came", "did not start at once", "never started", "first refused arrival"],
            [[c.policy, c.name, str(c.came), str(c.refused), str(c.never), c.first_told] for c in section.classes],
        )
        yield ""
    if section.unplaced:
        yield from ("### Pods that never started", "")
        yield from _table(
            ["policy", "pods, all seeds", "why they waited when they were last tried"],
            [[policy, str(count), reason] for policy, reason, count in section.unplaced],
        )
        yield ""


def _entry(mean: str, difference: str) -> str:
    return f"{mean} ({difference})" if difference else mean


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(marked, heads))} |"
    yield f"|{'|'.join(['---', *['--:'] * (len(heads) - 1)])}|"
    for row in rows:
        yield f"| {' | '.join(map(marked, row))} |"


def marked(text: str) -> str:
    r"""Return a text as Markdown that shows just it.

    Examples
    --------
    >>> marked("a|b <i>"), marked("[x](y)")
    ('a\\|b &lt;i&gt;', '\\[x\\](y)')
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)
