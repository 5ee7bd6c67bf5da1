"""The job log of Microsoft's Philly clusters, and their list of machines.

References
----------
Jeon et al., "Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads", USENIX ATC 2019; fields of
``cluster_job_log`` and ``cluster_machine_list`` after the README of msr-fiddle/philly-traces, and the run time of a job
after its notebook.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from drapolicy.errors import Fault
from drapolicy.workload.jobs import MOST_DEVICES, MOST_PODS, Job, Shape, Wanted, imported
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.table import LIMIT_S, NS, Faults, stamp_ns, text_of

PHILLY: Final = Source(
    name="philly",
    what="jobs of Microsoft's Philly clusters, August to December 2017",
    files="cluster_job_log (JSON)",
    where="https://github.com/msr-fiddle/philly-traces (CC-BY-4.0)",
    meaning=(
        "an entry is a job; its pods are the servers of the first attempt, each with the GPUs it had there; it runs"
        " from the start of the first attempt to the end of the last; several pods are a gang; vc is the tenant"
    ),
    tried=False,
    machines="philly-2=321 philly-8=231",  # cluster_machine_list
)


class _Detail(msgspec.Struct):
    gpus: list[str]
    ip: str = ""


class _Attempt(msgspec.Struct):
    start_time: str | None = None
    end_time: str | None = None
    detail: list[_Detail] = []


class _Entry(msgspec.Struct):
    jobid: str
    submitted_time: str
    attempts: list[_Attempt] = []
    vc: str = ""


def read_philly(path: str | os.PathLike[str], wanted: Wanted = Wanted()) -> Imported:  # noqa: B008 - it is frozen
    """Read ``cluster_job_log``, plain or gzipped; its times have no zone and are taken as they stand.

    Raises
    ------
    InputError
        With every faulty entry.
    """
    file = os.fspath(path)
    faults = Faults()
    found: list[Job] = []
    left: Counter[str] = Counter()
    seen: dict[str, int] = {}
    for number, value in enumerate(_entries(path, faults)):
        if faults.full:
            break
        entry = _Item(file, number, faults)
        job = _job(entry, value, left)
        if job is None:
            continue
        if job.name in seen:
            entry.fault("jobid", f"{job.name!r} is entry {seen[job.name]} too; keep one")
            continue
        seen[job.name] = number
        found.append(job)
    notes = faults.settle(lenient=wanted.lenient)
    return imported(found, PHILLY, wanted, [*notes, *(f"{n:,} {what} were left out" for what, n in left.items())])


def _entries(path: str | os.PathLike[str], faults: Faults) -> list[Any]:
    text = text_of(path, faults)
    if text is None:
        return []
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        faults.of_all.append(Fault(os.fspath(path), -1, "", "", f"is not JSON: {error}"))
        return []
    if not isinstance(value, list):
        faults.of_all.append(Fault(os.fspath(path), -1, "", "", "is not a list of jobs; give cluster_job_log"))
        return []
    return value


class _Item:
    """One entry of the log; faults are noted with its position."""

    def __init__(self, file: str, number: int, faults: Faults) -> None:
        self.file = file
        self.number = number
        self.name = f"entry {number}"
        self.faults = faults
        self.ok = True

    def fault(self, path: str, message: str) -> None:
        if self.ok:
            self.faults.rows += 1
        self.ok = False
        if not self.faults.full:
            self.faults.of_rows.append(Fault(self.file, -1, self.name, path, message))

    def stamp(self, path: str, text: str | None) -> int | None:
        """Return a time; the log writes None in both ways."""
        if text is None or text in {"", "None"}:
            return None
        value = stamp_ns(text)
        if value is None:
            self.fault(path, f"{text[:60]!r} is not a time like 2017-10-07 01:11:39")
        return value


def _job(item: _Item, value: Any, left: Counter[str]) -> Job | None:
    if isinstance(value, Mapping) and isinstance(value.get("jobid"), str):
        item.name = f"entry {item.number} ({value['jobid'][:80]})"
    try:
        entry = msgspec.convert(value, _Entry)
    except msgspec.ValidationError as error:
        item.fault("", str(error))
        return None
    submitted = item.stamp("submitted_time", entry.submitted_time)
    if submitted is None and item.ok:
        item.fault("submitted_time", "is empty; say when the job was submitted")
    times = [
        tuple(item.stamp(f"attempts[{n}].{key}", getattr(attempt, key)) for key in ("start_time", "end_time"))
        for n, attempt in enumerate(entry.attempts)
    ]
    for number, attempt in enumerate(entry.attempts[:1]):
        _check_sizes(item, number, attempt)
    for number, (start, end) in enumerate(times):
        if start is not None and end is not None and not 0 <= end - start <= LIMIT_S * NS:
            message = f"{entry.attempts[number].end_time} is not within ten years after start_time"
            item.fault(f"attempts[{number}].end_time", message)
    if not item.ok or submitted is None:
        return None
    if not times or times[0][0] is None:
        left["jobs without an attempt, or whose first has no start"] += 1
        return None
    pods = tuple(Shape(len(detail.gpus)) for detail in entry.attempts[0].detail if detail.gpus)
    if not pods:
        left["jobs whose first attempt has no GPUs"] += 1
        return None
    first, last = times[0][0], times[-1][1]
    if last is not None and last < first:
        item.fault(f"attempts[{len(times) - 1}].end_time", "is before the first attempt's start_time")
        return None
    return Job(entry.jobid, submitted, None if last is None else last - first, pods, entry.vc)


def _check_sizes(item: _Item, number: int, attempt: _Attempt) -> None:
    if len(attempt.detail) > MOST_PODS:
        item.fault(f"attempts[{number}].detail", f"{len(attempt.detail):,} servers; at most {MOST_PODS:,} are read")
    for position, detail in enumerate(attempt.detail[:MOST_PODS]):
        path = f"attempts[{number}].detail[{position}].gpus"
        if len(detail.gpus) > MOST_DEVICES:
            item.fault(path, f"{len(detail.gpus):,} GPUs; a claim holds at most {MOST_DEVICES} devices")
        elif len(set(detail.gpus)) < len(detail.gpus):
            item.fault(path, "names a GPU twice; keep one")
