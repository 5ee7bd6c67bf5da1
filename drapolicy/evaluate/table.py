"""Results of an experiment as a tidy table, and which policy wins."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import isnan, nan

from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.metrics import METRICS, PRIMARY, Metric
from drapolicy.evaluate.numbers import amount
from drapolicy.evaluate.ranking import Ranking, ranking
from drapolicy.evaluate.statistics import Difference, holm, needed, paired
from drapolicy.evaluate.timings import Timing
from drapolicy.policies import STOCK
from drapolicy.text import counted, instead, printable


@dataclass(frozen=True)
class Verdict:
    """Which policy wins a scenario.

    Attributes
    ----------
    scenario
        Its name.
    metric
        By what.
    winner
        The policy with the best mean among those that are better than the stock scheduler with 95 % confidence, all
        policies taken together, and place no fewer pods; the stock scheduler where there is none.
    stock, value
        Means of the stock scheduler and of the winner.
    difference
        The winner's paired difference from the stock scheduler.
    seeds
        How many seeds were played.
    needed
        With how many a winner can be named at all.
    rivals
        Policies that beat the stock scheduler too and that the winner does not beat with the same confidence.
    """

    scenario: str
    metric: Metric
    winner: str
    stock: float
    value: float
    difference: Difference
    seeds: int
    needed: int
    rivals: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.seeds < self.needed:
            few = "1 seed is" if self.seeds == 1 else f"{self.seeds} seeds are"
            return f"{self.scenario}: {few} too few to name a winner; play {self.needed} at least"
        if self.winner == STOCK:
            return f"{self.scenario}: no policy is better than {STOCK} by {self.metric.name} ({self._told(self.stock)})"
        percent = f"{100 * abs(self.value - self.stock) / abs(self.stock):.0f} % " if self.stock else ""
        direction = "lower" if self.value < self.stock else "higher"
        low, high = sorted((abs(self.difference.low), abs(self.difference.high)))
        return (
            f"{self.scenario}: {self.winner} wins: {self.metric.name} {self._told(self.value)} against "
            f"{self._told(self.stock)} of {STOCK}, {percent}{direction} (95 % interval of the difference "
            f"{self._told(low)} to {self._told(high)}, {counted(self.difference.pairs, 'seed')})"
            + (f"; {', '.join(self.rivals)} may be as good" if self.rivals else "")
        )

    def _told(self, value: float) -> str:
        return amount(value, self.metric.unit)


@dataclass(frozen=True)
class Results:
    """All cells of an experiment.

    Attributes
    ----------
    cells
        In the order scenario, policy, seed.
    """

    cells: tuple[Cell, ...]

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(dict.fromkeys(cell.scenario for cell in self.cells))

    @property
    def policies(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(dict.fromkeys(cell.policy for cell in self.cells))

    def of(self, scenario: str, policy: str) -> tuple[Cell, ...]:
        """Return the cells of a scenario and policy, in order of seeds."""
        return tuple(cell for cell in self.cells if (cell.scenario, cell.policy) == (scenario, policy))

    def values(self, scenario: str, policy: str, metric: str) -> list[float]:
        """Return one number for each seed of the scenario; NaN where there is none, or no cell."""
        seeds = dict.fromkeys(cell.seed for cell in self.cells if cell.scenario == scenario)
        found = {cell.seed: cell.metrics.get(metric) for cell in self.of(scenario, policy)}
        return [nan if (value := found.get(seed)) is None else value for seed in seeds]

    def mean(self, scenario: str, policy: str, metric: str) -> float:
        """Return the mean over the seeds; NaN where the metric has no meaning."""
        numbers = [value for value in self.values(scenario, policy, metric) if not isnan(value)]
        return sum(numbers) / len(numbers) if numbers else nan

    def bound(self, scenario: str, metric: str) -> float:
        """Return what no policy could be better than, as the mean over the seeds; NaN where that is not known."""
        worlds = {cell.seed: cell.bounds.get(metric) for cell in self.cells if cell.scenario == scenario}
        known = [value for value in worlds.values() if value is not None]
        return sum(known) / len(known) if known and len(known) == len(worlds) else nan

    def timing(self, scenario: str, policy: str, timing: Timing) -> float:
        """Return the mean of a timing over the seeds, which depends on the machine; NaN where nothing was decided."""
        times = [value for cell in self.of(scenario, policy) if not isnan(value := timing.of(cell))]
        return sum(times) / len(times) if times else nan

    def difference(self, scenario: str, policy: str, metric: str) -> Difference:
        """Return the paired difference of a policy from the stock scheduler."""
        return paired(self.values(scenario, policy, metric), self.values(scenario, STOCK, metric))

    def verdict(self, scenario: str, metric: str | None = None) -> Verdict:
        """Return which policy wins a scenario.

        Parameters
        ----------
        metric
            Name of a metric; by default the first of :data:`PRIMARY` that differs between policies, or that has a
            meaning if none differs.

        Raises
        ------
        UnknownReferenceError
            For a metric that is not in the table.
        """
        chosen = self._metric(scenario, metric)
        name, sign = chosen.name, chosen.sign
        stock = self.mean(scenario, STOCK, name)
        placed = self.mean(scenario, STOCK, "placed")
        others = [policy for policy in self.policies if policy != STOCK]
        deltas = holm([self.difference(scenario, policy, name) for policy in others])
        ahead = {
            policy: (self.mean(scenario, policy, name), delta)
            for policy, delta in zip(others, deltas, strict=True)
            if delta.certain and delta.mean * sign > 0 and not self.mean(scenario, policy, "placed") < placed
        }
        seeds, least = len(self.of(scenario, STOCK)), needed(sum(delta.pairs > 0 for delta in deltas))
        if not ahead:
            return Verdict(scenario, chosen, STOCK, stock, stock, Difference(0.0, 0.0, 0.0, 0), seeds, least)
        winner = max(ahead, key=lambda policy: sign * ahead[policy][0])
        own = self.values(scenario, winner, name)
        behind = [policy for policy in ahead if policy != winner]
        against = holm([paired(own, self.values(scenario, policy, name)) for policy in behind])
        rivals = tuple(policy for policy, delta in zip(behind, against, strict=True) if not delta.certain)
        return Verdict(scenario, chosen, winner, stock, *ahead[winner], seeds, least, rivals)

    def ranking(self, scenario: str, metric: str | None = None) -> Ranking:
        """Return the policies of a scenario in order, each compared with each; the metric is as in :meth:`verdict`."""
        chosen = self._metric(scenario, metric)
        return ranking({policy: self.values(scenario, policy, chosen.name) for policy in self.policies}, chosen)

    def _metric(self, scenario: str, metric: str | None) -> Metric:
        name = metric or self._primary(scenario)
        if name not in METRICS:
            message = f"metric {name!r}: unknown; {instead(name, METRICS)}"
            raise UnknownReferenceError(message)
        return METRICS[name]

    def _primary(self, scenario: str) -> str:
        means = {name: [self.mean(scenario, policy, name) for policy in self.policies] for name in PRIMARY}
        known = {name: {round(mean, 9) for mean in found if not isnan(mean)} for name, found in means.items()}
        differing = (name for name in PRIMARY if len(known[name]) > 1)
        meaning = (name for name in PRIMARY if known[name])
        return next(differing, next(meaning, PRIMARY[0]))

    def uncompared(self) -> list[str]:
        """Return for each scenario how many pods the figures of topology leave out; nothing where all are in."""
        counts = {s: sum(cell.uncompared for cell in self.cells if cell.scenario == s) for s in self.scenarios}
        return [
            f"{scenario}: not computed: the best set for {counted(count, 'pod')}, all policies and "
            "seeds; bandwidth, of-fleet and delivered leave them out"
            for scenario, count in counts.items()
            if count
        ]

    def rows(self) -> Iterator[dict[str, str | int | float | None]]:
        """Yield one row for each cell and metric."""
        for cell in self.cells:
            for name, value in cell.metrics.items():
                yield {
                    "scenario": cell.scenario,
                    "policy": cell.policy,
                    "seed": cell.seed,
                    "metric": name,
                    "unit": METRICS[name].unit,
                    "value": value,
                    "bound": cell.bounds.get(name),
                    "version": cell.version,
                    "key": cell.key,
                }

    def _repr_html_(self) -> str:
        """Return a small table for notebooks: the mean of each metric by scenario and policy, and who wins."""
        return summary(self)

    def csv(self) -> str:
        """Return the rows as CSV."""
        text = io.StringIO()
        rows = list(self.rows())
        writer = csv.DictWriter(text, list(rows[0]) if rows else ["scenario"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


def summary(results: Results) -> str:
    """Return means by scenario and policy as an HTML table; names are escaped."""
    shown = [
        metric
        for metric in METRICS.values()
        if any(cell.metrics.get(metric.name) is not None for cell in results.cells)
    ]
    heads = "".join(f'<th scope="col">{escape(metric.name)} [{escape(metric.unit)}]</th>' for metric in shown)
    lines = [f'<table><thead><tr><th scope="col">scenario</th><th scope="col">policy</th>{heads}</tr></thead><tbody>']
    said = []
    for scenario in results.scenarios:
        for policy in results.policies:
            means = (results.mean(scenario, policy, metric.name) for metric in shown)
            values = "".join(f"<td>{'–' if isnan(mean) else f'{mean:,.3f}'}</td>" for mean in means)
            name, own = escape(printable(scenario)), escape(printable(policy))
            lines.append(f'<tr><th scope="row">{name}</th><th scope="row">{own}</th>{values}</tr>')
        said.append(f"<p>{escape(printable(results.verdict(scenario), 400))}</p>")
    return "".join([*lines, "</tbody></table>", *said])
