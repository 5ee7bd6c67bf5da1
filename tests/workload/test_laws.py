"""Sizes and run times have the means and medians that were published."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.workload.laws import Laws, fitted, laws
from drapolicy.workload.presets import DERIVED, MEANINGS, OURS, PRESETS, PUBLISHED, REPORTED, Fact, facts, preset


@pytest.mark.parametrize("name", PRESETS)
def test_laws_meet_the_published_numbers(name: str) -> None:
    """Mean size, mean run time and GPU time by formula; these and the median by drawing a million jobs."""
    given, law = PRESETS[name], laws(name)
    parts, sizes = np.array(law.parts), np.array(law.sizes)
    assert parts.sum() == pytest.approx(1)
    assert (parts * sizes).sum() == pytest.approx(given.mean_gpus.value)
    assert (parts * law.means_s()).sum() == pytest.approx(given.mean_s.value)
    time = given.mean_gpus.value * given.mean_s.value * given.gpu_time.value
    assert law.gpu_seconds() == pytest.approx(time)
    assert law.sizes[-1] == given.largest.value
    drawn, runs = law.draw(np.random.default_rng(1), 1_000_000)
    assert np.median(runs) == pytest.approx(given.median_s.value, rel=0.02)
    assert runs.mean() == pytest.approx(given.mean_s.value, rel=0.1)
    assert drawn.mean() == pytest.approx(given.mean_gpus.value, rel=0.03)
    assert runs.max() <= given.longest_s.value
    # Larger jobs run longer.
    assert np.median(runs[drawn >= 8]) > np.median(runs[drawn == 1])


PUBLISHED_AS = {
    "avg_gpu_num": "mean_gpus",
    "max_gpu": "largest",
    "med_run_time_gpu": "median_s",
    "avg_run_time_gpu": "mean_s",
    "max_run_time_gpu": "longest_s",
}


@pytest.mark.parametrize(
    ("name", "cluster"), [("philly-like", "Philly"), ("helios-like", "Helios"), ("acme-like", "Seren")]
)
def test_presets_are_the_published_table(shared: Path, name: str, cluster: str) -> None:
    """To its last digit; GPU time to four digits; the median size, which no preset is fitted to, within a percent."""
    with (shared / "traces" / "acme_cluster_summary.csv").open() as table:
        (row,) = [row for row in csv.DictReader(table) if row["id"] == cluster]
    given, law = PRESETS[name], laws(name)
    for column, number in PUBLISHED_AS.items():
        assert getattr(given, number).value == float(row[column]), number
        assert getattr(given, number).kind == PUBLISHED
    time = sum(float(row[f"{end}_gpu_time"]) for end in ("complete", "cancel", "fail"))
    mean = float(row["avg_gpu_num"]) * float(row["avg_run_time_gpu"]) * float(row["gpu_job_num"])
    assert given.gpu_time.value == round(time / mean, 3)
    assert float(row["med_gpu_num"]) == 1
    assert law.parts[0] > 0.49


def test_a_part_of_the_sizes() -> None:
    """Jobs that are too large are left out; the others keep their proportions and run times."""
    whole, part = laws("helios-like"), laws("helios-like").up_to(20)
    assert part.sizes == (1, 2, 4, 8, 16)
    assert sum(part.parts) == pytest.approx(1)
    assert part.parts[3] / part.parts[0] == pytest.approx(whole.parts[3] / whole.parts[0])
    assert part.medians_s == whole.medians_s[:5]


def test_means_of_cut_run_times() -> None:
    """The formula agrees with drawing, also where half of the run times are cut off."""
    law = Laws((1,), (1.0,), (100.0,), 2.0, 100.0)
    _, runs = law.draw(np.random.default_rng(2), 400_000)
    assert runs.mean() == pytest.approx(law.means_s()[0], rel=0.01)
    assert (runs == 100).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "change", [{"mean_s": 1.0}, {"mean_gpus": 0.5}, {"gpu_time": 0.5}, {"mean_gpus": 5_000.0}, {"mean_s": 10.0**12}]
)
def test_numbers_that_no_jobs_can_have(change: dict[str, float]) -> None:
    """A mean below the median, less than a GPU a job, larger jobs that run shorter, a mean beyond the most."""
    given = replace(PRESETS["helios-like"], **{name: Fact(value, OURS, "") for name, value in change.items()})
    with pytest.raises(InputError, match="no sizes and run times have these means and medians"):
        fitted(given)


@pytest.mark.parametrize("name", PRESETS)
def test_every_number_tells_its_source(name: str) -> None:
    """Published, reported, derived or ours, and from where."""
    found = list(facts(PRESETS[name]))
    assert [item for item, _, _ in found] == list(MEANINGS)
    assert all(fact.kind in {PUBLISHED, REPORTED, DERIVED, OURS} and fact.source for _, _, fact in found)


def test_presets_go_by_name() -> None:
    """An unknown one is refused with the names that there are."""
    assert preset("acme-like").name == "acme-like"
    with pytest.raises(UnknownReferenceError, match="'x': unknown; use one of philly-like, helios-like, acme-like"):
        preset("x")
