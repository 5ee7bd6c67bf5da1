"""What an experiment leaves behind to be read: the report as HTML and as Markdown, and its numbers as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import Any

from drapolicy.api.files import write_whole
from drapolicy.evaluate.metrics import METRICS
from drapolicy.evaluate.provenance import Provenance
from drapolicy.evaluate.refused import refusals
from drapolicy.evaluate.report import write_report
from drapolicy.evaluate.sections import MACHINE, Entry, Section, sections_of, seeds_told, timed
from drapolicy.evaluate.table import Results
from drapolicy.evaluate.timings import TIMINGS
from drapolicy.text import printable

REPORT, MARKDOWN = "report.html", "report.md"
CELL_TABLE, COMPARISONS, REFUSALS, TIMES = "cells.csv", "comparisons.csv", "refusals.csv", "timings.csv"

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
    of the first less that of the second with its interval, corrected for all pairs of the scenario and metric,
    ``refusals.csv`` one for each cell and class of pods. These are the same bytes wherever the cells were played;
    ``timings.csv``, and what stands in the report below :data:`~drapolicy.evaluate.sections.MACHINE`, are not.

    Parameters
    ----------
    results, title, metric, notes, provenance
        As for :func:`~drapolicy.evaluate.report.write_report`.
    folder
        Where.
    """
    paths = tuple(folder / name for name in (REPORT, MARKDOWN, CELL_TABLE, COMPARISONS, REFUSALS, TIMES))
    told: dict[str, Any] = {"title": title, "metric": metric, "notes": notes, "provenance": provenance}
    write_report(results, paths[0], **told)
    texts = (markdown(results, **told), results.csv(), comparisons(results), refusals(results), timings(results))
    for path, text in zip(paths[1:], texts, strict=True):
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


def timings(results: Results) -> str:
    """Return how long each cell took, as CSV; it depends on the machine."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("scenario", "policy", "seed", "timing", "unit", "value", "key"))
    for cell in results.cells:
        for timing in TIMINGS.values():
            value = timing.of(cell)
            start = (cell.scenario, cell.policy, cell.seed, timing.name, timing.unit)
            writer.writerow((*start, "" if isnan(value) else value, cell.key))
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
    lines += [f"- {marked(what)}: {marked(text)}" for what, text in told if text]
    lines += ["", f"## {MACHINE}", ""]
    lines += [f"- Played on: {marked(machine)}" for machine in provenance.machines]
    lines += [f"- With: {marked(text)}" for text in provenance.versions]
    if sections:
        heads = [f"{timing.name} [{timing.unit}]" for timing in TIMINGS.values()]
        lines += ["", *_table(["scenario", "policy", *heads], [[s, p, *values] for s, p, values in timed(results)])]
    return "\n".join([*lines, ""])


def _chapter(section: Section) -> Iterator[str]:
    yield from (f"## {marked(section.name)}", "")
    heads = [f"{m.name} [{m.unit}]" if m.unit else m.name for m in section.metrics]
    rows = [[row.policy + (" ★" if row.wins else ""), row.rank, *map(_entry, row.entries)] for row in section.rows]
    yield from _table(["policy", "rank", *heads], [*rows, ["bound", "", *section.bounds]])
    if section.unbounded:
        yield from ("", f"No bound is known for {', '.join(map(marked, section.unbounded))}.")
    yield from ("", *(f"- {marked(pair)}" for pair in section.pairs), "")
    if section.refused.classes:
        yield from ("### Who was refused", "")
        heads = ["policy", "class of pods", "came", "did not start at once", "first refused arrival", "never started"]
        yield from _table(
            [*heads, *(f"never started: {reason}" for reason in section.refused.reasons)],
            [
                [c.policy, c.name, str(c.came), str(c.refused), c.first_told, str(c.never), *map(str, c.why)]
                for c in section.refused.classes
            ],
        )
        yield ""


def _entry(entry: Entry) -> str:
    beside = "; ".join(text for text in (entry.difference, entry.bound) if text)
    return f"{entry.mean} ({beside})" if beside else entry.mean


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
