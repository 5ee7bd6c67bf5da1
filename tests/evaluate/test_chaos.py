"""Runs that are killed at random moments: nothing is torn, nothing that was finished is lost, and a rerun ends the work.

``make chaos`` kills 200 times; ``CHAOS_KILLS`` says how often, ``CHAOS_SEED`` when.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drapolicy.evaluate import Store

KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "0"))

EXPERIMENT = """
import sys
from drapolicy import api
from drapolicy.evaluate import Experiment
from drapolicy.inventory import build
from drapolicy.simulate import Scenario
from drapolicy.testing.simple import row
from drapolicy.workload import Arrival, Workload

CLAIM = \"\"\"
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: c, namespace: default}
spec: {devices: {requests: [{name: devices, exactly: {deviceClassName: any, count: 2}}]}}
\"\"\"

if __name__ == "__main__":
    arrivals = tuple(Arrival(3 * i, 10, "c") for i in range(20))
    scenario = Scenario("s", build(row(nodes=2, devices=3)), Workload(api.loads(CLAIM), arrivals))
    experiment = Experiment([scenario], ["kube-scheduler", "random", "first-fit"], 20)
    played = []
    print("ready", flush=True)
    experiment.run(sys.argv[1], jobs=int(sys.argv[2]), progress=lambda step: played.append(not step.kept))
    print(sum(played), flush=True)
"""


class Run:
    """An experiment of 60 cells in a process of its own."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.script = folder / "run.py"
        self.script.write_text(EXPERIMENT)

    def start(self, out: Path, jobs: int) -> subprocess.Popen[str]:
        """Start it, and return when it is about to play."""
        process = subprocess.Popen(
            [sys.executable, self.script, out, str(jobs)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def whole(self, out: Path, jobs: int) -> int:
        """Run it to its end and return how many cells were played."""
        with self.start(out, jobs) as process:
            assert process.stdout is not None
            told = process.stdout.read()
        assert process.returncode == 0
        return int(told)


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "cells").glob("*.parquet")}


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_may_be_killed_at_any_moment(jobs: int, root: Path, tmp_path: Path) -> None:
    """After each kill -9 all that seems finished is whole and equal to an undisturbed run's; the rest is played."""
    run = Run(root, tmp_path)
    began = time.monotonic()
    with run.start(tmp_path / "reference", jobs) as process:
        began = time.monotonic()
        process.wait()
    lasted = time.monotonic() - began
    reference = files(tmp_path / "reference")
    assert len(reference) == 60
    moments = random.Random(SEED)
    out = tmp_path / "out"
    store = Store(out / "cells")
    finished: set[str] = set()
    hits = 0
    while hits < KILLS // 2:
        with run.start(out, jobs) as process:
            try:
                process.wait(moments.uniform(0, lasted))
            except subprocess.TimeoutExpired:
                process.kill()
                hits += 1
        now = set(store)
        assert finished <= now
        assert all(store.get(key) is not None for key in now)
        assert {name: data for name, data in files(out).items() if Path(name).stem in now}.items() <= reference.items()
        finished = now
        if len(finished) == len(reference):
            shutil.rmtree(out)
            finished = set()
    assert run.whole(out, jobs) == len(reference) - len(finished)
    assert files(out) == reference
    assert not list((out / "cells").glob(".*"))
