"""Workloads after published traces, drawn from a seed, with a fleet to run them on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from drapolicy.errors import Fault, InputError, UnknownReferenceError
from drapolicy.workload.faults import Faults
from drapolicy.workload.fleets import fleet_objects
from drapolicy.workload.jobs import Job, Wanted, split, workload_of
from drapolicy.workload.laws import Laws, laws
from drapolicy.workload.models import MODELS
from drapolicy.workload.presets import PRESETS, Preset, facts
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.quotas import quotas
from drapolicy.workload.recorded import OPENB, read_openb
from drapolicy.workload.rhythm import Rhythm
from drapolicy.workload.table import LIMIT_S, NS, table
from drapolicy.workload.twin import NODES, PODS, twin_nodes, twin_pods

OPENB_LIKE: Final = "openb-like"
GENERATED: Final = (*PRESETS, OPENB_LIKE)
MOST_JOBS: Final = 2_000_000
_DAY_S = 86_400
# One stream of random numbers for each purpose: another load does not change which jobs come first.
_TIMES, _SIZES, _TENANTS = 11, 12, 13


@dataclass(frozen=True)
class Size:
    """How much is generated.

    Attributes
    ----------
    nodes
        Of the fleet; 16 by default, openb's 1,213 for its twin.
    days
        From the first Monday, 0:00; 7 by default.
    jobs
        So many jobs, over the days that meet the load; ``days`` then does not count.
    load
        GPU time asked for, as a part of the fleet's; the trace's own by default.
    """

    nodes: int | None = None
    days: float | None = None
    jobs: int | None = None
    load: float | None = None

    def __post_init__(self) -> None:
        limits = {"nodes": 100_000, "days": 3_650, "jobs": MOST_JOBS, "load": 100}
        faults = [
            Fault("", -1, "generate", name, f"{value:g} is not more than 0 and at most {most:,}")
            for name, most in limits.items()
            if (value := getattr(self, name)) is not None and not 0 < value <= most
        ]
        if self.days is not None and self.jobs is not None:
            faults.append(Fault("", -1, "generate", "jobs", "says for how long, as days does; give one of them"))
        if faults:
            raise InputError(faults=faults)


def generate(
    name: str,
    seed: int = 0,
    size: Size = Size(),
    *,
    run_times_s: Sequence[float] = (),
    rhythm: Rhythm = Rhythm(),  # noqa: B008 - it is frozen
) -> Imported:
    """Return a synthetic workload and a fleet; the same name, seed and size give the same in any process.

    Parameters
    ----------
    name
        One of :data:`GENERATED`.
    seed
        Of everything that is drawn, 0 or more.
    size
        Nodes, days or jobs, load.
    run_times_s
        Recorded run times to draw from in place of the preset's law, see :func:`read_run_times`.
    rhythm
        When jobs come.

    Raises
    ------
    UnknownReferenceError
        For a name that is none of the table.
    InputError
        For a size that cannot be made.

    Examples
    --------
    >>> made = generate("helios-like", seed=1, size=Size(nodes=2, jobs=50))
    >>> len(made.fleet.nodes), made.workload.name
    (2, 'helios-like')
    """
    if name not in GENERATED:
        raise UnknownReferenceError(f"workload {name!r}: unknown; use one of {', '.join(GENERATED)}")
    if seed < 0:
        raise InputError(f"generate: seed {seed} is negative; use 0 or more")
    if name == OPENB_LIKE:
        if size.load is not None or len(run_times_s):
            raise InputError(f"{name}: has the load and run times of openb; give nodes, days or jobs")
        return _twin(seed, size)
    recorded = np.asarray(run_times_s, np.float64)
    if not (np.isfinite(recorded) & (recorded >= 0) & (recorded <= LIMIT_S)).all():
        raise InputError(f"generate: run times that are none; give 0 to {LIMIT_S} seconds")
    # Less than a second is a second.
    return _after(PRESETS[name], seed, size, np.maximum(recorded.round(), 1), rhythm)


def _after(preset: Preset, seed: int, size: Size, recorded: np.ndarray, rhythm: Rhythm) -> Imported:
    counts = quotas(list(preset.machines.values()), size.nodes or 16).tolist()
    machines = dict(zip(preset.machines, counts, strict=True))
    gpus = sum(len(MODELS[model].roots) * count for model, count in machines.items())
    whole = laws(preset.name)
    law = whole.up_to(gpus)
    load = size.load or preset.load.value
    mean = law.gpu_seconds()
    if recorded.size:
        mean = float(recorded.mean()) * float(np.dot(law.parts, law.sizes))
    times = _times(seed, size, load * gpus / mean, rhythm)
    jobs = _jobs(preset, law, times, seed, recorded)
    workload = workload_of(jobs, preset.name, begin_ns=0)
    span = float(times[-1]) if len(times) else 0.0
    drawn = sum(job.gpus * (job.duration_ns or 0) for job in jobs) / NS / (gpus * span) if span else 0.0
    notes = [
        f"synthetic, seed {seed}: {len(jobs):,} jobs that on average ask for {100 * load:.0f} % of {gpus:,} GPUs",
        f"few long jobs make most of the load: those drawn ask for {100 * drawn:.0f} %; more days or nodes come nearer",
    ]
    if len(law.sizes) < len(whole.sizes):
        missing = sum(whole.parts[len(law.sizes) :])
        notes.append(
            f"jobs of more than {gpus} GPUs do not fit the fleet and are left out: {100 * missing:.2g} % of all"
        )
    return Imported(workload, _source(preset), tuple(notes), fleet_objects(machines, seed=seed))


def _times(seed: int, size: Size, rate: float, rhythm: Rhythm) -> np.ndarray:
    """Return when jobs come, in seconds: so many a second on average."""
    rng = np.random.default_rng([seed, _TIMES])
    if size.jobs is not None:
        number, span = size.jobs, size.jobs / rate
    else:
        span = (size.days or 7) * _DAY_S
        number = int(rng.poisson(min(rate * span, 2.0 * MOST_JOBS)))
    if number > MOST_JOBS:
        raise InputError(f"generate: {number:,} jobs; take fewer days or nodes, {MOST_JOBS:,} are the most")
    if span > LIMIT_S:
        raise InputError(f"generate: {number:,} jobs would take {span / _DAY_S:,.0f} days to come; raise load or nodes")
    return rhythm.times_s(rng, number, max(int(span), 3600)) if number else np.empty(0)


def _jobs(preset: Preset, law: Laws, times: np.ndarray, seed: int, recorded: np.ndarray) -> list[Job]:
    rng = np.random.default_rng([seed, _SIZES])
    sizes, runs = law.draw(rng, len(times))
    if recorded.size:
        runs = recorded[rng.integers(recorded.size, size=len(times))]
    tenants = int(preset.tenants.value)
    parts = 1 / np.arange(1, tenants + 1)
    owners = np.random.default_rng([seed, _TENANTS]).choice(tenants, len(times), p=parts / parts.sum())
    most, cpu, memory = (int(fact.value) for fact in (preset.pod_gpus, preset.cpu_milli, preset.memory_mib))
    pods = {}
    for gpus in law.sizes:
        number = -(-gpus // most)
        pods[gpus] = tuple(replace(shape, memory_mib=shape.gpus * memory) for shape in split(number, gpus, gpus * cpu))
    return [
        Job(f"job-{number}", round(time) * NS, max(round(run), 1) * NS, pods[gpus], f"tenant-{owner + 1:02d}")
        for number, (time, run, gpus, owner) in enumerate(
            zip(times.tolist(), runs.tolist(), sizes.tolist(), owners.tolist(), strict=True)
        )
    ]


def _source(preset: Preset) -> Source:
    return Source(
        name=preset.name,
        what=f"synthetic {preset.what}",
        files="no file: every job is drawn from the numbers below, no row is anybody's",
        where="with each number",
        meaning=(
            "a job is as many pods as it has GPUs by 8; several are a gang; tenants are namespaces; sizes are powers of"
            " two, run times log-normal, arrivals a Poisson process that follows the hours and weekdays of openb"
        ),
        tried=True,
        numbers=tuple(
            f"{name} = {fact.value:,}: {meaning}; {fact.kind}: {fact.source}" for name, meaning, fact in facts(preset)
        ),
    )


def _twin(seed: int, size: Size) -> Imported:
    """Return openb's twin with its times, scaled to some nodes."""
    nodes = size.nodes or NODES
    pods = max(round(PODS * nodes / NODES), 1)
    with tempfile.TemporaryDirectory() as folder:
        lists = Path(folder) / "pods.csv", Path(folder) / "nodes.csv"
        lists[0].write_text(twin_pods(seed, pods), encoding="utf-8")
        lists[1].write_text(twin_nodes(nodes), encoding="utf-8")
        made = read_openb(*lists, Wanted(days=size.days, jobs=size.jobs))
    source = replace(
        OPENB,
        name=OPENB_LIKE,
        what="a synthetic twin of openb: its proportions, none of its rows",
        files="no file: drawn",
    )
    notes = (f"synthetic, seed {seed}: {pods:,} pods for {nodes:,} nodes", *made.notes)
    return Imported(replace(made.workload, name=OPENB_LIKE), source, notes, made.fleet)


def read_run_times(path: str | Path) -> list[float]:
    """Read recorded run times in seconds: a CSV file with a column ``runtime``, ``duration`` or ``duration_s``.

    Such files come with the simulator of Alibaba's trace of 2020, for example Philly's run times.

    Raises
    ------
    InputError
        With every faulty line; for none of these columns, and for no line.
    """
    faults = Faults()
    names = ("runtime", "duration_s", "duration")
    found: list[float] = []
    for row in table(path, faults, required=(), optional=names):
        column = next(filter(row.has, names), None)
        if column is None:
            faults.of_all.append(Fault(str(path), -1, "line 1", "", f"has no column; give one of {', '.join(names)}"))
            break
        value = row.seconds(column)
        if value is not None:
            found.append(value / NS)
    if not found and not faults.number:
        faults.of_all.append(Fault(str(path), -1, "", "", "has no run times; give at least one"))
    faults.settle()
    return found
