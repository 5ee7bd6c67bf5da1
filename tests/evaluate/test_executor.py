"""Where cells are played makes no difference: the same bytes from processes of this machine and from a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import DrapolicyError, InputError, SolverError
from drapolicy.evaluate import Dask, Experiment, Local, Store
from drapolicy.evaluate.executor import Executor
from drapolicy.inventory import build
from drapolicy.simulate import Scenario
from drapolicy.testing.simple import row
from drapolicy.workload import Arrival, Workload

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: c, namespace: default}
spec: {devices: {requests: [{name: devices, exactly: {deviceClassName: any, count: 2}}]}}
"""


def scenario(name: str) -> Scenario:
    arrivals = tuple(Arrival(3 * i, 10, "c") for i in range(6))
    return Scenario(name, build(row(nodes=2, devices=3)), Workload(api.loads(CLAIM), arrivals))


def tiny(seeds: int) -> Experiment:
    """Two scenarios and two policies."""
    return Experiment([scenario("a"), scenario("b")], ["kube-scheduler", "random"], seeds)


def files(out: Path) -> dict[str, bytes]:
    """Return what is kept of each cell, by name."""
    return {path.name: path.read_bytes() for path in (out / "cells").glob("*.parquet")}


@pytest.fixture(scope="module")
def cluster():
    """Three workers of one thread on this machine, each a process that can be killed."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


def workers(cluster) -> list[int]:
    """Return the processes of the workers that are there."""
    return [nanny.pid for nanny in cluster.workers.values() if nanny.pid]


@pytest.mark.slow
def test_two_workers_killed_in_the_middle_change_nothing(cluster, tmp_path: Path) -> None:
    """Of 1,000 cells each is there once, and its bytes are those of a local run."""
    experiment = tiny(250)
    assert len(experiment) == 1000
    killed: list[int] = []
    counted: list[int] = []

    def kill(step) -> None:
        counted.append(step.done)
        if step.done in {300, 600}:
            victim = next(pid for pid in workers(cluster) if pid not in killed)
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    there = experiment.run(tmp_path / "dask", executor=Dask(cluster.scheduler_address), progress=kill)
    here = experiment.run(tmp_path / "local", jobs=1)
    assert len(killed) == 2
    assert counted == list(range(1, 1001))
    assert len(there.cells) == len({cell.key for cell in there.cells}) == 1000
    assert there.csv() == here.csv()
    kept = files(tmp_path / "dask")
    assert len(kept) == 1000
    assert kept == files(tmp_path / "local")
    assert (tmp_path / "dask" / "experiment.json").read_bytes() == (tmp_path / "local" / "experiment.json").read_bytes()


def test_a_cluster_plays_only_what_is_missing(cluster, tmp_path: Path) -> None:
    """Cells of a local run are taken as they are; two runs on one scheduler do not get each other's answers."""
    tiny(1).run(tmp_path, jobs=1)
    kept: list[bool] = []
    tiny(2).run(tmp_path, executor=Dask(cluster.scheduler_address), progress=lambda step: kept.append(step.kept))
    assert kept == [True] * 4 + [False] * 4
    assert all(Store(tmp_path / "cells").get(key) for key in Store(tmp_path / "cells"))


SCHEDULER = """
import time
from distributed import LocalCluster

with LocalCluster(
    n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None, silence_logs=50
) as cluster:
    print(cluster.scheduler_address, flush=True)
    time.sleep(120)
"""


class Failing:
    """Fails in whatever process it is asked."""

    name = "failing"

    def place(self, problem, rng):
        message = "no licence"
        raise SolverError(message)


def test_errors_of_a_cluster_reach_the_caller(cluster, tmp_path: Path) -> None:
    """What goes wrong on a worker is raised here, with its own type."""
    experiment = Experiment([scenario("a")], ["kube-scheduler", Failing()], 3)
    with pytest.raises(SolverError, match="no licence"):
        experiment.run(tmp_path, executor=Dask(cluster.scheduler_address))


def test_a_scheduler_that_goes_away_is_told(tmp_path: Path) -> None:
    """In a sentence; what was finished by then is kept."""
    pytest.importorskip("distributed")
    command = [sys.executable, "-c", SCHEDULER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        finished: list[str] = []

        def kill(step) -> None:
            finished.append(step.cell.key)
            if len(finished) == 4:
                process.kill()

        with pytest.raises(
            DrapolicyError, match=f"the Dask scheduler at '{address}' is gone; what is finished is kept"
        ):
            tiny(500).run(tmp_path, executor=Dask(address, timeout_s=10.0), progress=kill)
    assert list(Store(tmp_path / "cells")) == sorted(finished)


@pytest.mark.parametrize("address", ["nonsense", "nonsense://x", "tcp://127.0.0.1:1"])
def test_schedulers_that_are_not_there(address: str, tmp_path: Path) -> None:
    """The address is in the message."""
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match=f"no Dask scheduler at '{address}'"):
        tiny(1).run(tmp_path, executor=Dask(address, timeout_s=1.0))


def test_both_are_executors() -> None:
    """One interface, and a user's own may have it too."""
    both: list[Executor] = [Local(2), Dask("tcp://10.0.0.1:8786")]
    assert [type(one).__name__ for one in both] == ["Local", "Dask"]


ORPHANS = """
import sys, time
from drapolicy.evaluate import Local
from drapolicy.evaluate.work import packed

class Sleeper:
    def __reduce__(self):
        return time.sleep, (60,)

if __name__ == "__main__":
    print("begins", flush=True)
    list(Local(2).play([packed(None)], [(0, packed(Sleeper()))] * 2))
"""


def children(process: int) -> set[int]:
    """Return the processes that one has started, those of its children too."""
    found = {process}
    for _ in range(3):
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                number, parent = status.parent.name, status.read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) in found:
                found.add(int(number))
    return found - {process}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed by /proc")
def test_workers_end_with_whoever_started_them(root: Path, tmp_path: Path) -> None:
    """After kill -9 of a run nothing of it is left, not even what was in the middle of a cell."""
    script = tmp_path / "run.py"
    script.write_text(ORPHANS)
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, cwd=root, env=environment) as process:
        end = time.monotonic() + 60
        workers: set[int] = set()
        while time.monotonic() < end and len(workers) < 3:  # two, and what keeps track of semaphores
            time.sleep(0.2)
            workers = children(process.pid)
        time.sleep(3)
        process.kill()
    while time.monotonic() < end and any(Path(f"/proc/{worker}").exists() for worker in workers):
        time.sleep(0.1)
    assert len(workers) == 3
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
