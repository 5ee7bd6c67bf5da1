"""Job logs of Helios and ACME: one CSV line for each job, as their schedulers wrote them.

References
----------
Hu et al., "Characterization and Prediction of Deep Learning Workloads in Large-Scale GPU Datacenters", SC 2021; columns
of ``cluster_log.csv`` after the README of S-Lab-System-Group/HeliosData.
Hu et al., "Characterization of Large Language Model Development in the Datacenter", NSDI 2024; columns of
``trace_seren.csv`` and ``trace_kalos.csv`` after the README of InternLM/AcmeTrace.
"""

from __future__ import annotations

import os
from typing import Final

from drapolicy.workload.faults import Faults
from drapolicy.workload.jobs import MOST_CPU, MOST_DEVICES, MOST_PODS, Job, Wanted, imported, split
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.table import LIMIT_S, NS, Row, Tick, table

_ONE_LINE = "a line is a job of node_num pods; gpu_num and cpu_num are dealt evenly over them; several are a gang"

HELIOS: Final = Source(
    name="helios",
    what="jobs of SenseTime's four Helios clusters, April to September 2020",
    files="cluster_log.csv of one cluster",
    where="https://github.com/S-Lab-System-Group/HeliosData (CC-BY-4.0)",
    meaning=f"{_ONE_LINE}; vc is the tenant",
    tried=False,
    machines="helios-v100=133",  # Venus: 1,064 GPUs, cluster_gpu_number.csv
)
ACME: Final = Source(
    name="acme",
    what="jobs of Shanghai AI Laboratory's clusters Seren and Kalos, March to August 2023",
    files="trace_seren.csv or trace_kalos.csv",
    where="https://github.com/InternLM/AcmeTrace (CC-BY-4.0)",
    meaning=f"{_ONE_LINE}; user is the tenant; mem_per_pod_GB (Kalos alone) is 10^9 bytes",
    tried=False,
    machines="acme-a100=286",  # Seren: 2,288 GPUs
)

COLUMNS = ("job_id", "gpu_num", "cpu_num", "node_num", "submit_time", "start_time", "end_time")
TIMES: Final = ("duration", "queue")
"""Columns that are checked and otherwise not used: what they hold is told by the three points in time."""

# What sacct prints where there is no time.
_NEVER = frozenset({"", "None", "Unknown"})
_GB = 10**9
_MIB = 1 << 20
_MOST_GB = 100_000


def read_helios(
    path: str | os.PathLike[str],
    wanted: Wanted = Wanted(),  # noqa: B008 - it is frozen
    tick: Tick | None = None,
) -> Imported:
    """Read ``cluster_log.csv`` of a Helios cluster, plain or gzipped.

    Raises
    ------
    InputError
        With every faulty line.
    """
    return _read(path, HELIOS, "vc", wanted, tick)


def read_acme(
    path: str | os.PathLike[str],
    wanted: Wanted = Wanted(),  # noqa: B008 - it is frozen
    tick: Tick | None = None,
) -> Imported:
    """Read ``trace_seren.csv`` or ``trace_kalos.csv`` of ACME, plain or gzipped.

    Raises
    ------
    InputError
        With every faulty line.
    """
    return _read(path, ACME, "user", wanted, tick)


def _read(path: str | os.PathLike[str], source: Source, tenant: str, wanted: Wanted, tick: Tick | None) -> Imported:
    faults = Faults()
    found: list[Job] = []
    seen: dict[str, int] = {}
    waiting = 0
    for row in table(path, faults, required=(*COLUMNS, tenant), optional=("mem_per_pod_GB", *TIMES), tick=tick):
        job = _job(row, tenant)
        name = row.text("job_id")
        if name in seen:
            row.fault("job_id", f"{name!r} is the job of line {seen[name]} too; keep one")
        seen.setdefault(name, row.line)
        if job is not None and row.ok:
            found.append(job)
        elif row.ok:
            waiting += 1
    notes = faults.settle(lenient=wanted.lenient)
    left = [f"{waiting:,} jobs that never started were left out"] if waiting else []
    return imported(found, source, wanted, [*notes, *left])


def _job(row: Row, tenant: str) -> Job | None:
    """Return the job of a line; None if it is faulty, or no job that started."""
    name = row.name("job_id", "give each job its id")
    pods = row.integer("node_num", 1, MOST_PODS)
    gpus = row.integer("gpu_num", 0, MOST_PODS * MOST_DEVICES)
    cpu = row.integer("cpu_num", 0, MOST_PODS * MOST_CPU, empty=0)
    memory = row.decimal("mem_per_pod_GB", 0, _MOST_GB, empty=0)
    if not row.text("submit_time"):
        row.name("submit_time", "say when the job was submitted")
    submit = row.stamp("submit_time")
    start, end = (None if row.text(column) in _NEVER else row.stamp(column) for column in ("start_time", "end_time"))
    for column in TIMES:
        if row.text(column) not in _NEVER:
            row.seconds(column)
    if pods and gpus is not None and gpus > pods * MOST_DEVICES:
        row.fault("gpu_num", f"{gpus} on {pods} nodes; a claim holds at most {MOST_DEVICES} devices")
    if start is not None and submit is not None and start < submit:
        row.fault("start_time", f"{row.text('start_time')} is before submit_time {row.text('submit_time')}")
    if start is not None and end is not None and not 0 <= end - start <= LIMIT_S * NS:
        row.fault("end_time", f"{row.text('end_time')} is not within ten years after start_time")
    if pods is None or gpus is None or cpu is None or memory is None or submit is None or start is None:
        return None
    shapes = split(pods, gpus, cpu * 1000, int(memory * _GB) // _MIB)
    return Job(name, submit, None if end is None else end - start, shapes, row.text(tenant))
