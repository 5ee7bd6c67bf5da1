"""``drapolicy evaluate compare``: runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drapolicy.cli.output import Format, print_data, print_line, print_table
from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate import METRICS, Comparison, Pair, Ranking
from drapolicy.evaluate import compare as compare_runs
from drapolicy.evaluate.numbers import number
from drapolicy.text import instead


def compare(folders: Sequence[Path], metric: str | None, output: Format) -> int:
    """Print what differs between runs, a ranking of each scenario, and a sentence for each pair of policies; return 0.

    Raises
    ------
    InputError
        For folders without an evaluation, or runs that have nothing in common.
    """
    if metric is not None and metric not in METRICS:
        message = f"metric {metric!r}: unknown; {instead(metric, METRICS)}"
        raise UnknownReferenceError(message)
    found = compare_runs(folders)
    rankings = {scenario: found.results.ranking(scenario, metric) for scenario in found.results.scenarios}
    if output is Format.TABLE:
        _print(found, rankings)
    else:
        print_data(_as_data(found, rankings), output)
    return 0


def _print(found: Comparison, rankings: dict[str, Ranking]) -> None:
    for difference in found.differences or ("nothing differs in how the runs came about",):
        print_line(difference)
    for scenario, ranking in rankings.items():
        how = ", ".join(filter(None, (ranking.metric.unit, ranking.metric.better)))
        places = [
            (str(place), place.policy, "-" if place.rank is None else number(place.mean, digits=4))
            for place in ranking.places
        ]
        print_line()
        print_table(("RANK", "POLICY", ranking.metric.name), places, title=f"{scenario}: {ranking.metric.name} ({how})")
        for pair in ranking.pairs:
            print_line(f"{pair}{_strength(pair)}")


def _strength(pair: Pair) -> str:
    found = pair.difference
    if not found.certain:
        return ""
    holm = f" after Holm's correction for {pair.comparisons} pairs" if pair.comparisons > 1 else ""
    return f" (p = {found.p:.2g}{holm}; Cohen's d {number(found.cohen)}, Cliff's delta {number(found.cliff)})"


def _as_data(found: Comparison, rankings: dict[str, Ranking]) -> dict[str, Any]:
    return {
        "runs": [
            {
                "label": run.label,
                "name": run.manifest.name,
                "version": run.manifest.version,
                "code": run.manifest.code,
                "cells": len(run.cells),
                "missing": run.missing,
                "packages": {package: list(versions) for package, versions in run.packages.items()},
            }
            for run in found.runs
        ],
        "differences": list(found.differences),
        "scenarios": [
            {
                "name": scenario,
                "metric": ranking.metric.name,
                "unit": ranking.metric.unit,
                "better": ranking.metric.sense,
                "ranking": [
                    {"rank": place.rank, "tied": place.tied, "policy": place.policy, "mean": place.mean}
                    for place in ranking.places
                ],
                "pairs": [_pair(pair) for pair in ranking.pairs],
            }
            for scenario, ranking in rankings.items()
        ],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    found = pair.difference
    return {
        "first": pair.first,
        "second": pair.second,
        "separated": found.certain,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "confidence": found.confidence,
        "pairs": found.pairs,
        "leftOut": found.left_out,
        "p": found.p,
        "comparisons": pair.comparisons,
        "cohen": found.cohen,
        "cliff": found.cliff,
        "sentence": str(pair),
    }
