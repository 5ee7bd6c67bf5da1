"""Results: the tidy table, and who wins."""

from __future__ import annotations

import csv
import io
from math import isnan

import msgspec.structs
import pytest

from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.table import Results
from drapolicy.policies import STOCK


def cell(policy: str, seed: int, **metrics: float | None) -> Cell:
    return Cell(
        key=f"{policy}-{seed}",
        version="0",
        inputs={},
        scenario="s",
        policy=policy,
        seed=seed,
        arrivals=1,
        decisions=1,
        metrics={"placed": 100.0, **metrics},
        slowdowns=[],
        queue=[],
        reasons={},
        unmodelled={},
        seconds=0.0,
    )


def results(**policies: list[dict[str, float | None]]) -> Results:
    """Return results with one dict of metrics a seed; ``stock`` is the stock scheduler."""
    return Results(
        tuple(
            cell(STOCK if name == "stock" else name, seed, **metrics)
            for name, seeds in policies.items()
            for seed, metrics in enumerate(seeds)
        )
    )


def slow(*values: float) -> list[dict[str, float | None]]:
    return [{"slowdown": value} for value in values]


def test_pods_without_figures_of_topology_are_counted() -> None:
    """Searches that were cut are told with their number; where none was, nothing is said."""
    known = results(stock=slow(3.0, 3.1), a=slow(2.0, 2.1))
    assert known.uncompared() == []
    cells = tuple(msgspec.structs.replace(each, uncompared=2 * each.seed) for each in known.cells)
    (said,) = Results(cells).uncompared()
    assert said.startswith("s: not computed: the best set for 4 pods, all policies and seeds")


STOCK_SLOW = slow(3.0, 3.1, 2.9, 3.0) * 2


@pytest.mark.parametrize(
    ("others", "winner"),
    [
        ({"a": slow(2.0, 2.1, 1.9, 2.0) * 2}, "a"),
        ({"a": slow(2.0, 2.1, 1.9, 2.0) * 2, "b": slow(1.5, 1.6, 1.4, 1.5) * 2}, "b"),
        ({"a": slow(4.0, 4.1, 3.9, 4.0) * 2}, STOCK),  # certainly worse
        ({"a": slow(2.9, 3.2, 2.8, 3.1) * 2}, STOCK),  # 0.0 on average: not certain
        ({"a": slow(0.5, 5.5, 0.4, 5.4) * 2}, STOCK),  # better on average, not certain
        ({"a": [{"slowdown": 1.0, "placed": 99.9}] * 8}, STOCK),  # places fewer pods
        ({"a": [{"slowdown": None}] * 8}, STOCK),
        ({"a": slow(1.0)}, STOCK),  # too few seeds
        ({"a": slow(2.0, 2.1, 1.9, 2.0, 2.0)}, STOCK),  # one too few
        ({}, STOCK),
    ],
)
def test_a_winner_is_certain_and_places_no_fewer(others: dict[str, list[dict[str, float | None]]], winner: str) -> None:
    """The best mean among those whose difference from stock leaves zero out and that place as many pods."""
    count = min((len(seeds) for seeds in others.values()), default=8)
    verdict = results(stock=STOCK_SLOW[:count], **others).verdict("s")
    assert (verdict.winner, verdict.metric.name) == (winner, "slowdown")


def test_more_is_better_where_the_metric_says_so() -> None:
    """Of a metric to maximise the greatest mean wins."""
    table = results(
        stock=[{"bandwidth": 50.0}, {"bandwidth": 51.0}] * 4,
        low=[{"bandwidth": 20.0}, {"bandwidth": 21.0}] * 4,
        high=[{"bandwidth": 90.0}, {"bandwidth": 91.0}] * 4,
    )
    verdict = table.verdict("s", "bandwidth")
    assert (verdict.winner, verdict.value, verdict.stock) == ("high", 90.5, 50.5)


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        ([{"slowdown": 2.0}, {"slowdown": 3.0}], "slowdown"),
        ([{"slowdown": 2.0, "bandwidth": 1.0}, {"slowdown": 2.0, "bandwidth": 2.0}], "bandwidth"),
        ([{"slowdown": None, "placed": 50.0}, {"slowdown": None, "placed": 60.0}], "placed"),
        ([{"slowdown": None}, {"slowdown": None}], "placed"),
        ([{"slowdown": 2.0}, {"slowdown": 2.0}], "slowdown"),
        ([{"slowdown": None, "placed": None}, {"slowdown": None, "placed": None}], "slowdown"),
    ],
)
def test_the_metric_is_the_first_that_differs(metrics: list[dict[str, float | None]], name: str) -> None:
    """Else the first that has a meaning."""
    table = results(stock=[metrics[0]], other=[metrics[1]])
    assert table.verdict("s").metric.name == name


def test_verdicts_read_well() -> None:
    """One sentence with both numbers, the difference in percent and its interval."""
    won = results(stock=STOCK_SLOW, a=slow(2.0, 2.1, 1.9, 2.0) * 2).verdict("s")
    assert str(won) == (
        "s: a wins: slowdown 2.00 x against 3.00 x of kube-scheduler, 33 % lower "
        "(95 % interval of the difference 1.00 x to 1.00 x, 8 seeds)"
    )
    lost = results(stock=STOCK_SLOW).verdict("s")
    assert str(lost) == "s: no policy is better than kube-scheduler by slowdown (3.00 x)"
    from_zero = results(stock=[{"bandwidth": 0.0}] * 8, a=[{"bandwidth": 5.0}, {"bandwidth": 5.1}] * 4)
    assert "5.05 % against 0 % of kube-scheduler, higher (95 %" in str(from_zero.verdict("s", "bandwidth"))


def test_too_few_seeds_are_told() -> None:
    """With how many a winner can be named depends on how many policies are compared."""
    five = {name: slow(2.0, 2.1, 1.9, 2.0, 2.0) for name in "ab"}
    verdict = results(stock=STOCK_SLOW[:5], **five).verdict("s")
    assert str(verdict) == "s: 5 seeds are too few to name a winner; play 7 at least"
    assert str(results(stock=slow(1.0), a=slow(2.0)).verdict("s")) == (
        "s: 1 seed is too few to name a winner; play 6 at least"
    )


def test_policies_are_taken_together() -> None:
    """A policy that wins alone may not win as one of many (Holm)."""
    better = slow(*(stock["slowdown"] - 0.1 - 0.01 * k for k, stock in enumerate(STOCK_SLOW[:6])))
    alone = results(stock=STOCK_SLOW[:6], a=better)
    assert alone.verdict("s").winner == "a"
    many = results(stock=STOCK_SLOW[:6], a=better, **dict.fromkeys("bcd", STOCK_SLOW[:6]))
    assert many.verdict("s").winner == STOCK


def test_rankings_are_by_the_metric_of_the_verdict() -> None:
    """The default metric is the same, another can be asked for."""
    table = results(stock=STOCK_SLOW, a=slow(2.0, 2.1, 1.9, 2.0) * 2)
    found = table.ranking("s")
    assert (found.metric.name, [(place.rank, place.policy) for place in found.places]) == (
        "slowdown",
        [(1, "a"), (2, STOCK)],
    )
    assert [place.rank for place in table.ranking("s", "placed").places] == [1, 1]


def test_unknown_metrics_are_refused() -> None:
    """The message lists the metrics that there are."""
    with pytest.raises(UnknownReferenceError, match="metric 'xyz': unknown; use one of slowdown, wait,"):
        results(stock=STOCK_SLOW).verdict("s", "xyz")


def test_the_table_is_tidy() -> None:
    """One row a cell and metric, with unit and key; nothing where a metric has no meaning."""
    table = results(stock=[{"slowdown": None}], a=[{"slowdown": 1.5}])
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert [(r["policy"], r["metric"], r["unit"], r["value"]) for r in rows] == [
        (STOCK, "placed", "%", "100.0"),
        (STOCK, "slowdown", "x", ""),
        ("a", "placed", "%", "100.0"),
        ("a", "slowdown", "x", "1.5"),
    ]
    assert (table.scenarios, table.policies) == (("s",), (STOCK, "a"))
    assert isnan(table.mean("s", STOCK, "slowdown"))
    assert Results(()).csv() == "scenario\n"


def test_what_may_be_as_good_as_the_winner_is_told() -> None:
    """A winner by a hair is not sold as the only good policy; one that it beats for certain is no rival."""
    found = results(
        stock=STOCK_SLOW,
        best=slow(1.5, 1.6, 1.4, 1.5) * 2,
        near=slow(1.6, 1.5, 1.5, 1.45) * 2,  # 0.0125 worse on average, now better, now worse
        behind=slow(2.0, 2.1, 1.9, 2.0) * 2,  # 0.5 worse with every seed
    ).verdict("s")
    assert (found.winner, found.rivals) == ("best", ("near",))
    assert str(found).endswith("8 seeds); near may be as good")
