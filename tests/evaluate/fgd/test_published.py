"""The artefact's own tables, where its traces are beside the checkout."""

from __future__ import annotations

import csv
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from drapolicy.evaluate.fgd import PUBLISHED, Curves, Setting, curves_of, play
from drapolicy.evaluate.fgd.experiment import made
from drapolicy.workload.openb import Stream, read_stream, read_trace

EXACT = ("dot-product", "gpu-clustering", "gpu-packing", "best-fit", "fgd")
TRACES = ("default", "cpu100", "gpushare40", "gpuspec33", "multigpu20")
SEEDS = range(42, 52)

# A few take seconds; all of them, minutes.
FEW = (("gpuspec33", "fgd", 44), ("default", "best-fit", 48), ("multigpu20", "gpu-clustering", 45))
WHOLE = bool(os.environ.get("FGD_ALL"))
ALL = tuple((trace, policy, seed) for trace in TRACES if WHOLE for seed in SEEDS for policy in EXACT)

whole = pytest.mark.skipif(not WHOLE, reason="takes minutes; make fgd plays all")


@cache
def setting(folder: Path, trace: str) -> tuple[Setting, Stream]:
    lists = read_trace(folder / f"openb_pod_list_{trace}.csv", folder / "openb_node_list_gpu_node.csv")
    return Setting(lists), read_stream(folder / f"stream_{trace}.json", lists)


@cache
def published(path: Path) -> dict[tuple[str, str, str], list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {(r["workload"], r["sc_policy"], r["seed"]): [r[str(x)] for x in range(131)] for r in rows}


def played(folder: Path, trace: str, policy: str, seed: int) -> Curves:
    given, stream = setting(folder, trace)
    return curves_of(play(given, stream.orders[seed], made(policy, given), seed))


def check(folder: Path, trace: str, policy: str, seed: int) -> None:
    curves = played(folder, trace, policy, seed)
    key = f"openb_pod_list_{trace}", PUBLISHED[policy], str(seed)
    assert list(map(str, curves.allocation)) == published(folder / "analysis_allo_discrete.csv")[key]
    wasted = np.array(published(folder / "analysis_frag_ratio_discrete.csv")[key], np.float64)
    assert np.abs(np.array(curves.fragmentation, np.float64) - wasted).max() <= 0.1


@pytest.fixture
def fgd(shared: Path) -> Path:
    """The artefact's traces and tables."""
    return shared / "traces" / "fgd"


@pytest.mark.parametrize(("trace", "policy", "seed"), FEW)
def test_every_point_of_a_curve_is_the_artefacts(fgd: Path, trace: str, policy: str, seed: int) -> None:
    """131 allocations equal to the last of two decimals; wasted GPUs within 0.1 points."""
    check(fgd, trace, policy, seed)


@whole
@pytest.mark.parametrize(("trace", "policy", "seed"), ALL)
def test_every_point_of_every_curve_is_the_artefacts(fgd: Path, trace: str, policy: str, seed: int) -> None:
    """Five traces, five policies, ten seeds."""
    check(fgd, trace, policy, seed)


@whole
@pytest.mark.parametrize("trace", TRACES)
def test_random_is_the_artefacts_on_average(fgd: Path, trace: str) -> None:
    """Its draws cannot be repeated, its means over ten seeds lie within 0.2 points."""
    curves = np.array([played(fgd, trace, "random", seed).allocation for seed in SEEDS], np.float64)
    table = published(fgd / "analysis_allo_discrete.csv")
    theirs = np.array([table[f"openb_pod_list_{trace}", "01-Random", str(seed)] for seed in SEEDS], np.float64)
    assert np.abs(curves.mean(axis=0) - theirs.mean(axis=0)).max() <= 0.2
