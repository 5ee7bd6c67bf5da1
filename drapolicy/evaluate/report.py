"""The report of an experiment: one HTML file that needs nothing else, to read, print and send."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from math import isnan
from pathlib import Path

from drapolicy.api.files import write_whole
from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate import charts
from drapolicy.evaluate.curves import curves_of
from drapolicy.evaluate.heat import HeatMap, heat_map
from drapolicy.evaluate.metrics import LEGEND, METRICS, PRIMARY, Metric
from drapolicy.evaluate.numbers import amount, number
from drapolicy.evaluate.provenance import Provenance
from drapolicy.evaluate.ranking import Ranking
from drapolicy.evaluate.table import Results, Verdict
from drapolicy.policies import STOCK
from drapolicy.text import distinct, printable

_TEMPLATE = "report.html.j2"
_SCRIPT = "report.js"
_KEPT_REASONS = 5


@dataclass(frozen=True)
class Entry:
    """What a table says of a policy and metric.

    Attributes
    ----------
    value
        The mean; NaN where it has no meaning.
    mean, difference, judgement, bound
        In words: it, how far it is from the stock scheduler and whether that is better, how far it is from the bound.
    """

    value: float
    mean: str
    difference: str = ""
    judgement: str = ""
    bound: str = ""


@dataclass(frozen=True)
class Row:
    """A policy in a table."""

    policy: str
    rank: str
    colour: str
    wins: bool
    stock: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Class:
    """A class of pods with a policy, all seeds added up."""

    policy: str
    name: str
    came: int
    refused: int
    never: int
    first: float

    @property
    def first_told(self) -> str:
        """Number of the arrival that was refused first."""
        return "–" if isnan(self.first) else f"{self.first:,.0f}"


@dataclass(frozen=True)
class Section:
    """What a report tells of a scenario."""

    name: str
    verdict: str
    ranked: str
    pairs: tuple[str, ...]
    metric: str
    metrics: tuple[Metric, ...]
    bounds: tuple[str, ...]
    rows: tuple[Row, ...]
    charts: tuple[str, ...]
    heat: tuple[HeatMap, ...]
    heat_seed: int
    classes: tuple[Class, ...]
    unplaced: tuple[tuple[str, str, int], ...]
    unmodelled: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, str], ...]
    kubernetes: str


def write_report(
    results: Results,
    path: str | Path,
    *,
    title: str = "",
    metric: str | None = None,
    notes: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> Path:
    """Write an experiment as one HTML file that needs nothing from a network.

    Its only script sorts tables, and all is there without it.

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
    provenance
        Where the results come from besides their inputs.

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
    text = report(results, title=title, metric=metric, notes=notes, provenance=provenance)
    write_whole(target, lambda partial: partial.write_text(text, encoding="utf-8"))
    return target


def report(
    results: Results,
    *,
    title: str = "",
    metric: str | None = None,
    notes: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> str:
    """Return the page that :func:`write_report` writes."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("drapolicy.evaluate"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = distinct(results.policies)
    script = _script()
    return environment.get_template(_TEMPLATE).render(
        title=printable(title or "Policies compared", 200),
        notes=[printable(note, 2000) for note in notes],
        stock=STOCK,
        legend=LEGEND,
        policies=list(names.values()),
        seeds=seeds_told(results),
        versions=", ".join(sorted({printable(cell.version) for cell in results.cells})),
        arrivals=sum(cell.arrivals for cell in results.cells),
        decisions=sum(cell.decisions for cell in results.cells),
        cells=len(results.cells),
        seconds=[(names[policy], seconds_told(results, policy)) for policy in results.policies],
        sections=sections_of(results, metric, provenance),
        provenance=provenance or Provenance(),
        script=script,
        # The page lets this very text run and nothing else, whatever somebody's name for a policy may hold.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@cache
def _script() -> str:
    return (files("drapolicy.evaluate") / "templates" / _SCRIPT).read_text(encoding="utf-8")


def seeds_told(results: Results) -> str:
    """Return the seeds of results, a run of them as ``first–last``.

    Examples
    --------
    >>> seeds_told(Results(()))
    'none'
    """
    runs: list[list[int]] = []
    for seed in sorted({cell.seed for cell in results.cells}):
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a}–{b}" if b > a + 1 else f"{a}, {b}" for a, b in runs) or "none"


def seconds_told(results: Results, policy: str) -> str:
    """Return how long a policy took, in words."""
    cells = [cell for cell in results.cells if cell.policy == policy]
    decisions = sum(cell.decisions for cell in cells)
    spent = sum(cell.seconds for cell in cells)
    each = f", {1e6 * spent / decisions:,.0f} µs a decision" if decisions else ""
    return f"{spent:.2f} s{each}"


def sections_of(results: Results, metric: str | None, provenance: Provenance | None) -> list[Section]:
    """Return what there is to tell of each scenario.

    Raises
    ------
    UnknownReferenceError
        For a metric that is not in the table, or results without the stock scheduler.
    """
    if results.cells and STOCK not in results.policies:
        message = f"report: the results have no {STOCK}; play it too, every comparison is against it"
        raise UnknownReferenceError(message)
    return list(_sections(results, metric, provenance or Provenance()))


def _sections(results: Results, metric: str | None, provenance: Provenance) -> Iterator[Section]:
    shown, policies = distinct(results.scenarios), distinct(results.policies)
    for position, scenario in enumerate(results.scenarios):
        verdict = results.verdict(scenario, metric)
        ranking = results.ranking(scenario, metric)
        cells = [cell for cell in results.cells if cell.scenario == scenario]
        metrics = tuple(m for m in METRICS.values() if any(c.metrics.get(m.name) is not None for c in cells))
        unmodelled: Counter[str] = Counter()
        for cell in cells:
            unmodelled.update(cell.unmodelled)
        # The stem is made of a number: a scenario's name may hold anything.
        stem, heat_seed = f"s{position}", min(cell.seed for cell in cells)
        first = [c for policy in results.policies for c in results.of(scenario, policy) if c.seed == heat_seed]
        yield Section(
            name=shown[scenario],
            verdict=_sentence(verdict, shown[scenario], policies[verdict.winner], policies),
            ranked=ranked(ranking, policies),
            pairs=tuple(
                _said(str(replace(p, first=policies[p.first], second=policies[p.second]))) for p in ranking.pairs
            ),
            metric=verdict.metric.name,
            metrics=metrics,
            bounds=tuple(_bound(results, scenario, m) for m in metrics),
            rows=tuple(_rows(results, verdict, ranking, metrics)),
            charts=(*_means(results, verdict, stem), *curves_of(results, scenario, stem)),
            heat=tuple(found for c in first if (found := heat_map(c, policies[c.policy])) is not None),
            heat_seed=heat_seed,
            classes=tuple(_classes(results, scenario)),
            unplaced=tuple(_unplaced(results, scenario)),
            unmodelled=tuple((printable(what, 200), count) for what, count in unmodelled.most_common()),
            inputs=tuple(sorted({(printable(a), printable(b)) for cell in cells for a, b in cell.inputs.items()})),
            kubernetes=printable(provenance.kubernetes.get(scenario, ""), 500),
        )


def _said(sentence: str) -> str:
    return sentence + "."


def _sentence(verdict: Verdict, scenario: str, winner: str, policies: dict[str, str]) -> str:
    """Say who wins, without the scenario's name, which stands above."""
    rivals = tuple(policies[rival] for rival in verdict.rivals)
    winner = STOCK if verdict.winner == STOCK else winner
    text = str(replace(verdict, scenario=scenario, winner=winner, rivals=rivals))
    said = text.removeprefix(f"{scenario}: ")
    return _said(said[0].upper() + said[1:] if verdict.winner == STOCK else said)


def ranked(ranking: Ranking, names: dict[str, str]) -> str:
    """Return a ranking in one line; those that the data do not tell apart have one rank.

    A policy is one rank below each that certainly beats it.
    """
    places: dict[str, list[str]] = {}
    for place in ranking.places:
        places.setdefault(str(place), []).append(names[place.policy])
    return "; ".join(f"{rank} {', '.join(tied)}" for rank, tied in places.items())


def _bound(results: Results, scenario: str, metric: Metric) -> str:
    value = results.bound(scenario, metric.name)
    return "–" if isnan(value) else number(value)


def _rows(results: Results, verdict: Verdict, ranking: Ranking, metrics: Sequence[Metric]) -> Iterator[Row]:
    names, palette = distinct(results.policies), charts.colours(results.policies)
    ranks = {place.policy: str(place) for place in ranking.places}
    for policy, shown in names.items():
        entries = tuple(_entry(results, verdict.scenario, policy, metric) for metric in metrics)
        wins = policy == verdict.winner != STOCK
        yield Row(shown, ranks[policy], palette[policy], wins, policy == STOCK, entries)


def _entry(results: Results, scenario: str, policy: str, metric: Metric) -> Entry:
    mean = results.mean(scenario, policy, metric.name)
    if isnan(mean):
        return Entry(mean, "–")
    shown, gap = number(mean), _gap(results, scenario, policy, metric)
    delta = results.difference(scenario, policy, metric.name)
    if policy == STOCK or isnan(delta.mean):
        return Entry(mean, shown, bound=gap)
    if delta.mean == 0 and not (delta.low < 0):
        return Entry(mean, shown, "same", bound=gap)
    if isnan(delta.low):
        return Entry(mean, shown, number(delta.mean, sign=True), bound=gap)
    gain = delta.mean * metric.sign
    judgement = "" if not delta.certain or not gain else "better" if gain > 0 else "worse"
    interval = f"[{number(delta.low, sign=True)}, {number(delta.high, sign=True)}]"
    return Entry(mean, shown, f"{number(delta.mean, sign=True)} {interval}", judgement, gap)


def _gap(results: Results, scenario: str, policy: str, metric: Metric) -> str:
    """Return how far a mean is from the bound; empty where the bound is not for such plays."""
    mean, bound = results.mean(scenario, policy, metric.name), results.bound(scenario, metric.name)
    if isnan(bound) or (metric.name in {"completion", "wait"} and not _undisturbed(results, scenario, policy)):
        return ""
    return f"{number(max(metric.sign * (bound - mean), 0.0))} from bound"


def _undisturbed(results: Results, scenario: str, policy: str) -> bool:
    """Return whether all pods started and none was evicted."""
    return results.mean(scenario, policy, "placed") == 100 and not results.mean(scenario, policy, "evictions") > 0


def _means(results: Results, verdict: Verdict, stem: str) -> Iterator[str]:
    """Yield charts of the judged metric, and of bandwidth where it is another."""
    shown = distinct(results.policies)
    for metric in dict.fromkeys((verdict.metric, METRICS[PRIMARY[2]])):
        chart = charts.means(results, verdict.scenario, metric)
        if chart is not None:
            values = ((shown[p], results.mean(verdict.scenario, p, metric.name)) for p in results.policies)
            told = "; ".join(f"{p} {amount(value, metric.unit)}" for p, value in values if not isnan(value))
            yield charts.svg(chart, f"{stem}-{metric.name}", f"{metric.label} by policy: {told}.")


def _classes(results: Results, scenario: str) -> Iterator[Class]:
    """Yield what became of each class of pods with each policy, those with refusals."""
    for policy, shown in distinct(results.policies).items():
        cells = results.of(scenario, policy)
        for name in dict.fromkeys(name for cell in cells for name in cell.classes):
            own = [cell.classes[name] for cell in cells if name in cell.classes]
            came, refused, never = (sum(counts[k] for counts in own) for k in range(3))
            first = [counts[3] for counts in own if counts[3]]
            if refused or never:
                mean = sum(first) / len(first) if first else float("nan")
                yield Class(shown, printable(name, 60), came, refused, never, mean)


def _unplaced(results: Results, scenario: str) -> Iterator[tuple[str, str, int]]:
    """Yield policy, reason and count of the pods that never started, the seeds added up."""
    for policy, shown in distinct(results.policies).items():
        reasons: Counter[str] = Counter()
        for cell in results.of(scenario, policy):
            reasons.update(cell.reasons)
        for reason, count in reasons.most_common(_KEPT_REASONS):
            yield shown, printable(reason, 300), count
