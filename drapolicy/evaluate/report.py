"""The report of an experiment: one HTML file that needs nothing else, to read, print and send."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor, isnan, log10
from pathlib import Path

from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate import charts
from drapolicy.evaluate.metrics import LEGEND, METRICS
from drapolicy.evaluate.table import Results, Verdict
from drapolicy.policies import STOCK
from drapolicy.text import distinct, printable

_TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class _Entry:
    """What a table says of a policy and metric."""

    mean: str
    difference: str
    judgement: str


@dataclass(frozen=True)
class _Row:
    policy: str
    colour: str
    wins: bool
    stock: bool
    entries: tuple[_Entry, ...]


@dataclass(frozen=True)
class _Section:
    name: str
    verdict: str
    metric: str
    rows: tuple[_Row, ...]
    charts: tuple[str, ...]
    unplaced: tuple[tuple[str, str, int], ...]
    unmodelled: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, str], ...]


def write_report(
    results: Results, path: str | Path, *, title: str = "", metric: str | None = None, notes: Sequence[str] = ()
) -> Path:
    """Write an experiment as one HTML file without scripts and without anything from a network.

    Parameters
    ----------
    results
        The experiment.
    path
        The file; it appears whole or not at all.
    title
        Heading; "Policies compared" by default.
    metric
        By what the winner is named; see :meth:`Results.verdict`.
    notes
        Sentences to stand above the results.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UnknownReferenceError
        For a metric that is not in the table, or results without the stock scheduler.
    OSError
        When the file cannot be written.
    """
    target = Path(path)
    text = report(results, title=title, metric=metric, notes=notes)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def report(results: Results, *, title: str = "", metric: str | None = None, notes: Sequence[str] = ()) -> str:
    """Return the page that :func:`write_report` writes."""
    import jinja2

    if results.cells and STOCK not in results.policies:
        message = f"report: the results have no {STOCK}; play it too, every comparison is against it"
        raise UnknownReferenceError(message)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("drapolicy.evaluate"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = distinct(results.policies)
    return environment.get_template(_TEMPLATE).render(
        title=printable(title or "Policies compared", 200),
        notes=[printable(note, 2000) for note in notes],
        stock=STOCK,
        legend=LEGEND,
        metrics=list(METRICS.values()),
        policies=list(names.values()),
        seeds=", ".join(map(str, sorted({cell.seed for cell in results.cells}))),
        versions=", ".join(sorted({printable(cell.version) for cell in results.cells})),
        arrivals=sum(cell.arrivals for cell in results.cells),
        decisions=sum(cell.decisions for cell in results.cells),
        cells=len(results.cells),
        seconds=[(names[policy], _seconds(results, policy)) for policy in results.policies],
        sections=list(_sections(results, metric)),
    )


def _seconds(results: Results, policy: str) -> str:
    cells = [cell for cell in results.cells if cell.policy == policy]
    decisions = sum(cell.decisions for cell in cells)
    spent = sum(cell.seconds for cell in cells)
    each = f", {1e6 * spent / decisions:,.0f} µs a decision" if decisions else ""
    return f"{spent:.2f} s{each}"


def _sections(results: Results, metric: str | None) -> Iterator[_Section]:
    shown = distinct(results.scenarios)
    for number, scenario in enumerate(results.scenarios):
        verdict = results.verdict(scenario, metric)
        cells = [cell for cell in results.cells if cell.scenario == scenario]
        unmodelled: Counter[str] = Counter()
        for cell in cells:
            unmodelled.update(cell.unmodelled)
        yield _Section(
            name=shown[scenario],
            verdict=_sentence(verdict, shown[scenario], distinct(results.policies)[verdict.winner]),
            metric=verdict.metric.name,
            rows=tuple(_rows(results, verdict)),
            # The stem is made of a number: a scenario's name may hold anything.
            charts=tuple(charts.of_scenario(results, scenario, verdict.metric, f"s{number}")),
            unplaced=tuple(_unplaced(results, scenario)),
            unmodelled=tuple((printable(what, 200), count) for what, count in unmodelled.most_common()),
            inputs=tuple(sorted({item for cell in cells for item in cell.inputs.items()})),
        )


def _sentence(verdict: Verdict, scenario: str, winner: str) -> str:
    """Say who wins, without the scenario's name, which stands above."""
    text = str(replace(verdict, scenario=scenario, winner=STOCK if verdict.winner == STOCK else winner))
    said = text.removeprefix(f"{scenario}: ")
    return said[0].upper() + said[1:] + "." if verdict.winner == STOCK else said + "."


def _rows(results: Results, verdict: Verdict) -> Iterator[_Row]:
    names, palette = distinct(results.policies), charts.colours(results.policies)
    for policy, shown in names.items():
        entries = tuple(_entry(results, verdict.scenario, policy, name) for name in METRICS)
        yield _Row(shown, palette[policy], policy == verdict.winner, policy == STOCK, entries)


def _entry(results: Results, scenario: str, policy: str, name: str) -> _Entry:
    metric = METRICS[name]
    mean = results.mean(scenario, policy, name)
    if isnan(mean):
        return _Entry("–", "", "")
    shown = number(mean)
    delta = results.difference(scenario, policy, name)
    if policy == STOCK or isnan(delta.mean):
        return _Entry(shown, "", "")
    if delta.mean == 0 and not (delta.low < 0):
        return _Entry(shown, "same", "")
    if isnan(delta.low):
        return _Entry(shown, number(delta.mean, sign=True), "")
    gain = delta.mean * metric.sign
    judgement = "" if not delta.certain or not gain else "better" if gain > 0 else "worse"
    interval = f"[{number(delta.low, sign=True)}, {number(delta.high, sign=True)}]"
    return _Entry(shown, f"{number(delta.mean, sign=True)} {interval}", judgement)


def number(value: float, *, sign: bool = False) -> str:
    """Return a number with three significant digits, written out.

    Examples
    --------
    >>> number(12345.6), number(12.345), number(-0.01234, sign=True)
    ('12,346', '12.3', '−0.0123')
    """
    decimals = 0 if value == 0 else min(max(2 - floor(log10(abs(value))), 0), 6)
    return f"{value:{'+' if sign else ''},.{decimals}f}".replace("-", "−")


def _unplaced(results: Results, scenario: str) -> Iterator[tuple[str, str, int]]:
    """Yield policy, reason and count of the pods that never started, the seeds added up."""
    for policy, shown in distinct(results.policies).items():
        reasons: Counter[str] = Counter()
        for cell in results.of(scenario, policy):
            reasons.update(cell.reasons)
        for reason, count in reasons.most_common(5):
            yield shown, printable(reason, 300), count
