"""Results of an evaluation for people and for programs."""

from __future__ import annotations

from math import isnan
from typing import Any

from drapolicy.cli.output import on_terminal, print_line, print_table
from drapolicy.evaluate import LEGEND, METRICS, Difference, Metric, Results
from drapolicy.evaluate.numbers import number
from drapolicy.evaluate.statistics import needed
from drapolicy.evaluate.timings import TIMINGS
from drapolicy.policies import STOCK
from drapolicy.text import counted


def print_results(results: Results, metric: str | None) -> None:
    """Print a table for each scenario, then a line for each that names its winner."""
    shown = [m for m in METRICS.values() if any(_known(results, s, m) for s in results.scenarios)]
    head = ["POLICY", *(f"{m.name} ({', '.join(filter(None, (m.unit, m.better)))})" for m in shown)]
    if on_terminal():
        head = ["POLICY", *(f"{m.name} ({m.unit}) {'↑ ↓'[1 - m.sign]}".rstrip() for m in shown)]
    times = [f"{timing.label} ({timing.unit})" for timing in TIMINGS.values()]
    for scenario in results.scenarios:
        best = {m.name: best_of(results, scenario, m) for m in shown}
        rows = [
            (
                policy,
                *(_cell(results, scenario, policy, m, best=policy in best[m.name]) for m in shown),
                *(_time(results.timing(scenario, policy, timing)) for timing in TIMINGS.values()),
            )
            for policy in results.policies
        ]
        cells = results.of(scenario, STOCK)
        title = f"{scenario}: {counted(cells[0].arrivals, 'arrival')}, {counted(len(cells), 'seed')}"
        print_table([*head, *times], rows, title=title, right=range(1, len(head) + len(times)))
        print_line()
    print_line(
        f"* best mean. After a mean: difference from {STOCK} and its 95 % interval, paired by seed. "
        "Policy time and times of decisions depend on the machine and are not reproducible; all else is."
    )
    if any(metric.name == "of-fleet" for metric in shown):
        print_line(LEGEND)
    if len({cell.seed for cell in results.cells}) < needed():
        print_line(f"Fewer than {needed()} seeds give no interval, so no policy can be better for certain.")
    print_line()
    for scenario in results.scenarios:
        print_line(str(results.verdict(scenario, metric)))


def as_data(results: Results, metric: str | None) -> dict[str, Any]:
    """Return the same as plain values."""
    return {
        "stock": STOCK,
        "units": {m.name: {"unit": m.unit, "better": m.sense, "label": m.label} for m in METRICS.values()},
        "scenarios": [_scenario(results, name, metric) for name in results.scenarios],
    }


def _scenario(results: Results, scenario: str, metric: str | None) -> dict[str, Any]:
    verdict = results.verdict(scenario, metric)
    return {
        "name": scenario,
        "seeds": [cell.seed for cell in results.of(scenario, STOCK)],
        "winner": verdict.winner,
        "rivals": list(verdict.rivals),
        "metric": verdict.metric.name,
        "verdict": str(verdict),
        "policies": [
            {
                "name": policy,
                "metrics": {
                    name: {
                        "mean": results.mean(scenario, policy, name),
                        "bound": results.bound(scenario, name),
                        "difference": None
                        if policy == STOCK
                        else _difference(results.difference(scenario, policy, name)),
                    }
                    for name in METRICS
                },
                "notReproducible": {name: results.timing(scenario, policy, timing) for name, timing in TIMINGS.items()},
            }
            for policy in results.policies
        ],
    }


def _difference(difference: Difference) -> dict[str, float | int]:
    return {"mean": difference.mean, "low": difference.low, "high": difference.high, "pairs": difference.pairs}


def best_of(results: Results, scenario: str, metric: Metric) -> set[str]:
    """Return the policies with the best mean; none when all are equal."""
    means = {policy: results.mean(scenario, policy, metric.name) for policy in results.policies}
    known = {policy: mean for policy, mean in means.items() if not isnan(mean)}
    if not known or not metric.sign or len({round(mean, 9) for mean in known.values()}) == 1:
        return set()
    top = max(known.values(), key=lambda mean: metric.sign * mean)
    return {policy for policy, mean in known.items() if mean == top}


def _time(value: float) -> str:
    return "-" if isnan(value) else number(value)


def _known(results: Results, scenario: str, metric: Metric) -> bool:
    return any(not isnan(results.mean(scenario, policy, metric.name)) for policy in results.policies)


def _cell(results: Results, scenario: str, policy: str, metric: Metric, *, best: bool) -> list[str]:
    mean = results.mean(scenario, policy, metric.name)
    if isnan(mean):
        return ["-"]
    text = f"{number(mean, digits=4)}{'*' if best else ''}"
    if policy == STOCK:
        return [text]
    delta = results.difference(scenario, policy, metric.name)
    if delta.mean == 0 and (isnan(delta.low) or delta.low == delta.high):
        return [text, "same"]
    interval = "" if isnan(delta.low) else f" ({number(delta.low)} to {number(delta.high)})"
    return [text, f"{number(delta.mean, sign=True)}{interval}"]
