"""What there is to tell of each scenario of an experiment, for a page and for Markdown: everything is text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan

from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate import charts
from drapolicy.evaluate.curves import curves_of
from drapolicy.evaluate.heat import HeatMap, heat_map
from drapolicy.evaluate.metrics import GAPS, METRICS, PRIMARY, Metric
from drapolicy.evaluate.numbers import amount, number
from drapolicy.evaluate.provenance import Provenance
from drapolicy.evaluate.ranking import Ranking
from drapolicy.evaluate.refused import Refused, refused
from drapolicy.evaluate.table import Results, Verdict
from drapolicy.evaluate.timings import TIMINGS
from drapolicy.policies import STOCK
from drapolicy.text import distinct, printable

MACHINE = "What depends on the machine"
"""Head of what is not the same wherever an experiment is played: in a report it comes last."""


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
class Section:
    """What a report tells of a scenario."""

    name: str
    verdict: str
    ranked: str
    pairs: tuple[str, ...]
    metric: str
    metrics: tuple[Metric, ...]
    bounds: tuple[str, ...]
    unbounded: tuple[str, ...]
    rows: tuple[Row, ...]
    charts: tuple[str, ...]
    heat: tuple[HeatMap, ...]
    heat_seed: int
    refused: Refused
    unmodelled: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, str], ...]
    kubernetes: str


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
            unbounded=tuple(m.name for m in metrics if isnan(results.bound(scenario, m.name)) and m.name not in GAPS),
            rows=tuple(_rows(results, verdict, ranking, metrics)),
            charts=(*_means(results, verdict, stem), *curves_of(results, scenario, stem)),
            heat=tuple(found for c in first if (found := heat_map(c, policies[c.policy])) is not None),
            heat_seed=heat_seed,
            refused=refused(results, scenario),
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
    """Return how far a mean is from the bound; empty where none is known."""
    mean, bound = results.mean(scenario, policy, metric.name), results.bound(scenario, metric.name)
    if isnan(bound):
        return ""
    if not _holds(results, scenario, policy, metric):
        return "no bound for such plays"
    return f"{number(max((metric.sign or 1) * (bound - mean), 0.0))} from bound"


def _holds(results: Results, scenario: str, policy: str, metric: Metric) -> bool:
    """Return whether a bound is one of such plays: of times where every pod got to its end, of waits undisturbed."""
    whole = results.mean(scenario, policy, "placed") == 100
    evicted = results.mean(scenario, policy, "evictions") > 0
    return {"completion": whole, "wait": whole and not evicted}.get(metric.name, True)


def _means(results: Results, verdict: Verdict, stem: str) -> Iterator[str]:
    """Yield charts of the judged metric, and of bandwidth where it is another."""
    shown = distinct(results.policies)
    for metric in dict.fromkeys((verdict.metric, METRICS[PRIMARY[2]])):
        chart = charts.means(results, verdict.scenario, metric)
        if chart is not None:
            values = ((shown[p], results.mean(verdict.scenario, p, metric.name)) for p in results.policies)
            told = "; ".join(f"{p} {amount(value, metric.unit)}" for p, value in values if not isnan(value))
            yield charts.svg(chart, f"{stem}-{metric.name}", f"{metric.label} by policy: {told}.")


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


def timed(results: Results) -> list[tuple[str, str, list[str]]]:
    """Return scenario, policy and each of :data:`TIMINGS`, the mean over the seeds; they depend on the machine."""
    scenarios, policies = distinct(results.scenarios), distinct(results.policies)
    return [
        (scenarios[scenario], policies[policy], [number(value) if not isnan(value) else "–" for value in values])
        for scenario in results.scenarios
        for policy in results.policies
        for values in ([results.timing(scenario, policy, timing) for timing in TIMINGS.values()],)
    ]
