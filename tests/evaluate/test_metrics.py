"""Metrics: each by hand, and each on the page that defines it."""

from __future__ import annotations

import re
from math import isnan, nan
from pathlib import Path
from typing import Any

import pytest

from drapolicy.evaluate.link_figures import uncompared
from drapolicy.evaluate.metrics import METRICS, Seen, gap, jain, slowdown_of
from drapolicy.evaluate.timings import TIMINGS
from drapolicy.policies import POLICIES
from drapolicy.simulate import Play, Record, Records, Series, capacity, play
from drapolicy.testing.scenarios import a_scenario

S = 10**9
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def record(arrived: int, started: int | None, finished: int | None, **more: Any) -> Record:
    def ns(time: int | None) -> int | None:
        return None if time is None else time * S

    return Record("r", "p", arrived * S, more.pop("ideal", 10 * S), ns(started), ns(finished), **more)


def played(*records: Record, series: tuple[tuple[int, int, int], ...] = ()) -> Play:
    """Return a play of records, and a series of times in seconds, devices held and devices away."""
    end = max((r.arrived_ns for r in records), default=0)
    rows = [(t * S, 0, 0, drawn * S, away * S, 0) for t, drawn, away in series]
    return Play(Records.of(records), end, 0, 0, 0, 0.0, Series.of(rows))


def measured(
    *records: Record, capacity: int = 2, series: tuple[tuple[int, int, int], ...] = (), **more: Any
) -> dict[str, float]:
    seen = Seen(played(*records, series=series), capacity, **more)
    return {name: metric.of(seen) for name, metric in METRICS.items()}


def test_metrics_by_hand() -> None:
    """Three pods of two namespaces: at once, after 10 s and stretched, and never."""
    found = measured(
        record(0, 0, 10, drawn=1.0, devices=("c",), machine_mb_s=0, fleet_mb_s=0, tenant="a"),
        record(
            10,
            20,
            40,
            drawn=2.0,
            devices=("a", "b"),
            real_mb_s=30,
            machine_mb_s=300,
            fleet_mb_s=60,
            refused_ns=10 * S,
            aligned=True,
            tenant="b",
        ),
        record(30, None, None, refused_ns=30 * S, tenant="b"),
        capacity=4,
        series=((0, 1, 0), (10, 0, 0), (20, 2, 2), (30, 2, 2), (40, 0, 0)),
        bounds={"goodput": 25.0, "completion": 16.0, "allocated": 100.0},
        fragmentation=[0.0, 30.0],
        counters=[0.0, 40.0, 20.0],
    )
    # Slowdowns 1 and 30/10; waits 0 and 10 s; times 10 and 30 s; two of three placed; 10 % of a machine's bandwidth,
    # 50 % of what was free, (100 + 10 + 0) / 3 % delivered. Up to 30 s there are 4 devices, from 20 s on 2: 100 device
    # seconds, held for 10 + 20 of them; at the end 2 of 2 are held. The second run has done half of its ideal 10 s by
    # then, on two devices: 10 + 2 * 5 useful. Paces: 1 of a; 1/3 and 0 of b, 1/6 on average: (7/6)^2 / 2 (1 + 1/36).
    assert found == {
        "slowdown": 2.0,
        "wait": 5.0,
        "completion": 20.0,
        "placed": pytest.approx(200 / 3),
        "refused": pytest.approx(200 / 3),
        "first-refusal": 25.0,
        "bandwidth": 10.0,
        "of-fleet": 50.0,
        "delivered": pytest.approx(110 / 3),
        "aligned": 100.0,
        "goodput": 20.0,
        "fairness": pytest.approx(49 / 74),
        "fragmentation": 15.0,
        "counter-fragmentation": 20.0,
        "goodput-gap": 20.0,
        "completion-gap": pytest.approx(nan, nan_ok=True),
        "allocation-gap": 0.0,
        "evictions": 0.0,
        "preemptions": 0.0,
        "allocated": 100.0,
        "used": 30.0,
    }


def test_what_was_in_vain_is_no_goodput_and_no_wait() -> None:
    """A pod that ran 10 s in vain, waited 5 s in all, and ran again."""
    found = measured(
        record(0, 15, 25, drawn=1.0, evictions=1, preemptions=1, lost_ns=10 * S),
        record(40, None, None),
        capacity=1,
        series=((0, 1, 0), (10, 0, 0), (15, 1, 0), (25, 0, 0), (40, 0, 0)),
    )
    assert (found["wait"], found["evictions"], found["preemptions"]) == (5.0, 1.0, 1.0)
    assert (found["used"], found["goodput"]) == (50.0, 25.0)


def test_the_gap_is_told_where_its_bound_holds() -> None:
    """Of completion where every pod ends; never below zero, and of no bound there is none."""
    ends = record(0, 0, 10), record(0, 10, 20)
    assert measured(*ends, bounds={"completion": 12.0})["completion-gap"] == 25.0
    assert measured(*ends, bounds={"completion": 15.0 + 1e-9})["completion-gap"] == 0.0
    assert isnan(measured(*ends)["completion-gap"])
    assert isnan(measured(*ends)["goodput-gap"])
    assert isnan(measured(*ends, record(0, None, None), bounds={"completion": 12.0})["completion-gap"])
    assert gap(30.0, 40.0, METRICS["allocated"]) == 25.0
    assert isnan(gap(0.0, 0.0, METRICS["goodput"]))


def test_what_is_not_known_is_counted_and_left_out() -> None:
    """A search that reached its limit gives no figure; neither does a claim's choice that was made before."""
    pair: dict[str, Any] = {"devices": ("a", "b"), "real_mb_s": 30}
    records = (
        record(0, 0, 10, **pair, machine_mb_s=300, fleet_mb_s=None),
        record(0, 0, 10, **pair, machine_mb_s=None, fleet_mb_s=60),
        record(0, 0, 10, **pair, machine_mb_s=60, fleet_mb_s=None, joined=True),
        record(0, 0, 10, **pair, machine_mb_s=30, fleet_mb_s=30),
    )
    found = measured(*records)
    assert found["bandwidth"] == found["delivered"] == pytest.approx((10 + 50 + 100) / 3)
    assert found["of-fleet"] == 100
    assert uncompared(played(*records)) == 2


def test_metrics_without_meaning() -> None:
    """No arrivals, no end, no time, no capacity, one tenant: not a number, and never an error."""
    assert all(isnan(value) for value in measured().values())
    for_ever = measured(
        record(0, 0, None, ideal=None, drawn=1.0), record(10, 10, None, ideal=None, drawn=1.0), series=((0, 1, 0),)
    )
    assert isnan(for_ever["slowdown"])
    assert isnan(for_ever["fairness"])
    assert isnan(for_ever["first-refusal"])
    assert (for_ever["used"], for_ever["goodput"], for_ever["placed"]) == (50.0, 50.0, 100.0)
    assert isnan(measured(record(5, 5, 6), capacity=0)["used"])
    assert isnan(slowdown_of(record(0, 0, 5, ideal=None)))
    assert isnan(jain([]))
    assert isnan(jain([0.0, 0.0]))


@pytest.mark.parametrize("seed", range(3))
def test_metrics_of_plays_are_within_their_bounds(seed: int) -> None:
    """Percentages from 0 to 100, what is useful at most what is used, what arrives last at least the rest."""
    scenario = a_scenario(seed)
    made = play(scenario, POLICIES["first-fit"], 1, quality=False)
    whole = capacity(scenario)
    found = {name: metric.of(Seen(made, whole)) for name, metric in METRICS.items()}
    for name, metric in METRICS.items():
        if metric.unit == "%" and name != "first-refusal" and not isnan(found[name]):
            assert 0 <= found[name] <= 100, name
    assert found["goodput"] <= found["used"] + 1e-9
    assert found["slowdown"] >= 1


def test_every_metric_is_defined() -> None:
    """The page names each with its unit, and no other; timings too."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE)
    units = {name: known.unit or "–" for known in (*METRICS.values(), *TIMINGS.values()) for name in (known.name,)}
    assert dict(rows) == units
