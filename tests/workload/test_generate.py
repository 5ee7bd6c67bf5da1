"""Generated workloads: valid, the same for a seed, at the load that was asked for."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import build
from drapolicy.workload import GENERATED, PRESETS, Imported, Size, generate, read_run_times, write_arrivals

SMALL = Size(nodes=3, jobs=40)


def text(made: Imported) -> str:
    """Everything that was made."""
    assert made.fleet is not None
    workload = made.workload
    parts = (api.dump(made.fleet, "json"), api.dump(workload.objects, "json"), write_arrivals(workload.arrivals))
    return "\n".join([*parts, *made.notes])


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_is_valid(name: str) -> None:
    """Kubernetes takes fleet and pods; notes and source say that it is synthetic; times are in order from 0 on."""
    made = generate(name, 4, SMALL)
    assert made.fleet is not None
    assert len(build(made.fleet).nodes) == 3
    assert api.loads(api.dump(made.workload.objects, "json")) == made.workload.objects
    assert "synthetic, seed 4" in made.notes[0]
    assert "synthetic" in made.source.what
    times = [arrival.time_ns for arrival in made.workload.arrivals]
    assert times == sorted(times)
    assert times[0] >= 0
    assert all(arrival.duration_ns is None or arrival.duration_ns > 0 for arrival in made.workload.arrivals)


@pytest.mark.parametrize("name", GENERATED)
def test_seeds_decide(name: str) -> None:
    """Another seed is another workload, and the same one the same."""
    assert text(generate(name, 1, SMALL)) == text(generate(name, 1, SMALL)) != text(generate(name, 2, SMALL))


def test_the_same_seed_gives_the_same_in_another_process() -> None:
    """Whatever its hash seed."""
    code = (
        "import hashlib; from drapolicy.workload import *\n"
        "made = generate('acme-like', 9, Size(nodes=4, days=2))\n"
        "print(hashlib.sha256(write_arrivals(made.workload.arrivals).encode()).hexdigest(), made.workload.digest)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    made = generate("acme-like", 9, Size(nodes=4, days=2))
    digest = hashlib.sha256(write_arrivals(made.workload.arrivals).encode()).hexdigest()
    assert ran.stdout.split() == [digest, made.workload.digest]


@pytest.mark.parametrize("load", [0.3, 1.2])
def test_the_load_is_what_was_asked_for(load: float) -> None:
    """GPU time of all jobs over the time in which they come: within a fifth, so heavy are the tails."""
    made = generate("acme-like", 3, Size(nodes=64, jobs=30_000, load=load))
    sizes = {
        name: int(name.rpartition("/gpu")[2].partition("-")[0]) for name in {a.pod for a in made.workload.arrivals}
    }
    asked = sum(sizes[a.pod] * (a.duration_ns or 0) for a in made.workload.arrivals)
    assert asked / (64 * 8 * made.workload.arrivals[-1].time_ns) == pytest.approx(load, rel=0.2)


def test_large_jobs_are_gangs() -> None:
    """A job of 16 GPUs is two pods of 8 that come together and are placed together."""
    made = generate("helios-like", 5, Size(nodes=8, jobs=2_000))
    groups: dict[str, list[tuple[int, int | None, str, int]]] = {}
    for a in made.workload.arrivals:
        if a.group:
            groups.setdefault(a.group, []).append((a.time_ns, a.duration_ns, a.pod, a.at_least))
    assert {len(members) for members in groups.values()} == {2, 4, 8}
    for members in groups.values():
        assert len(set(members)) == 1
        assert members[0][3] == len(members)
        assert "/gpu8-" in members[0][2]
    # Of jobs with up to 64 GPUs, those with more than 8 are 3.5 % (parts 0.0213 + 0.0094 + 0.0042 of 0.9969).
    assert len(groups) / 2_000 == pytest.approx(0.035, abs=0.01)
    assert "jobs of more than 64 GPUs do not fit the fleet and are left out: 0.32 % of all" in made.notes


def test_days_are_kept() -> None:
    """All jobs come within the days asked for; a second one brings about as many more."""
    one, two = (generate("acme-like", 6, Size(nodes=40, days=days)) for days in (1, 2))
    for days, made in ((1, one), (2, two)):
        assert 0.5 * days * 86_400 < made.workload.arrivals[-1].time_ns / 10**9 <= days * 86_400
    assert 1.5 < len(two.workload.arrivals) / len(one.workload.arrivals) < 2.5


def test_recorded_run_times_can_be_drawn(tmp_path: Path) -> None:
    """Instead of the law; the number of jobs follows their mean."""
    path = tmp_path / "runs.csv"
    path.write_text("runtime\n100\n300.5\n0.0\n")
    recorded = read_run_times(path)
    assert recorded == [100, 300.5, 0]
    made = generate("philly-like", 7, Size(nodes=4, jobs=200), run_times_s=recorded)
    assert {a.duration_ns for a in made.workload.arrivals} == {10**9, 100 * 10**9, 300 * 10**9}


def test_published_run_times_are_read(shared: Path) -> None:
    """The excerpt of Philly's, as it comes with Alibaba's simulator."""
    recorded = read_run_times(shared / "traces" / "alibaba_v2020_philly_runtime.head100.csv")
    assert len(recorded) == 99
    assert min(recorded) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("runtime\n1\n-1\nx\n", "line 3: runtime: '-1' is not a number of seconds"),
        ("seconds\n1\n", "line 1: has no column; give one of runtime, duration_s, duration"),
        ("runtime\n", "has no run times; give at least one"),
    ],
)
def test_wrong_run_times_are_refused(tmp_path: Path, content: str, told: str) -> None:
    """By line and column."""
    path = tmp_path / "runs.csv"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_run_times(path)
    assert told in str(caught.value)


def test_run_times_of_nothing_count_as_a_second() -> None:
    """So many jobs come that they make the load nevertheless; what is no run time is refused."""
    size = Size(nodes=1, jobs=50)
    assert text(generate("acme-like", 7, size, run_times_s=[0, 0])) == text(
        generate("acme-like", 7, size, run_times_s=[1])
    )
    for wrong in (-1.0, float("nan"), float("inf"), 1e300):
        with pytest.raises(InputError, match="run times that are none; give 0 to"):
            generate("acme-like", 7, size, run_times_s=[1, wrong])


@pytest.mark.parametrize("name", PRESETS)
def test_pods_fit_the_nodes(name: str) -> None:
    """The largest pod of a preset fits a node of its fleet, with CPU and memory."""
    made = generate(name, 8, Size(nodes=24, jobs=3_000))
    assert made.fleet is not None
    room = max((node.status.allocatable["cpu"], node.status.allocatable["memory"]) for node in made.fleet.nodes)
    asks = [ask.room.requests for ask in made.workload.patterns.values() if ask.room is not None]
    assert max(ask["cpu"] for ask in asks) <= room[0].milli_value()
    assert max(ask["memory"] for ask in asks) <= room[1].value()


def test_wrong_sizes_are_refused_together() -> None:
    """Each number with its limits."""
    with pytest.raises(InputError) as caught:
        Size(nodes=0, days=-1, jobs=10**9, load=1e9)
    assert [fault.path for fault in caught.value.faults] == ["nodes", "days", "jobs", "load", "jobs"]


@pytest.mark.parametrize(
    ("name", "seed", "size", "told"),
    [
        ("x", 0, Size(), "workload 'x': unknown; use one of philly-like, helios-like, acme-like, openb-like"),
        ("acme-like", -1, Size(), "seed -1 is negative"),
        ("openb-like", 0, Size(load=1), "has the load and run times of openb"),
        (
            "acme-like",
            0,
            Size(nodes=100_000, days=3_650, load=100),
            "take fewer days or nodes, 2,000,000 are the most",
        ),
        ("philly-like", 0, Size(nodes=1, jobs=10**6, load=0.01), "days to come; raise load or nodes"),
    ],
)
def test_what_cannot_be_generated(name: str, seed: int, size: Size, told: str) -> None:
    """Names, seeds and sizes that make no workload."""
    kind = UnknownReferenceError if name == "x" else InputError
    with pytest.raises(kind, match=told):
        generate(name, seed, size)
