"""The days that come along: like their traces, and they tell whence each number is."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy.evaluate.scenarios import of_dataset
from drapolicy.workload.days import DAYS, NODES
from drapolicy.workload.presets import PRESETS
from drapolicy.workload.summary import summary


@pytest.mark.parametrize("name", DAYS)
def test_days_are_like_their_trace(name: str) -> None:
    """A day of jobs that ask for about the trace's part of the fleet; some are gangs; the classes are there."""
    scenario = of_dataset(name)
    found = summary(scenario.workload)
    devices = len(scenario.fleet.devices)
    wanted = PRESETS[DAYS[name].preset].load.value
    assert len(scenario.fleet.nodes) == NODES
    assert 80_000 < found.span_s <= 86_400
    assert found.device_seconds / (devices * 86_400) == pytest.approx(wanted, abs=0.04)
    assert found.gangs >= 3
    assert max(found.devices) == 8


@pytest.mark.parametrize("name", DAYS)
def test_days_tell_where_they_are_from(root: Path, name: str) -> None:
    """Synthetic, by which seed, each number with its source; how it was chosen."""
    text = (root / "datasets" / name / "README.md").read_text()
    assert text.startswith(f"# {name}\nSynthetic ")
    assert f"synthetic, seed {DAYS[name].seed}: " in text
    assert "load and seed were chosen" in text
    assert text.count("- number: ") == 11
    assert "cluster_summary.csv of InternLM/AcmeTrace" in text
