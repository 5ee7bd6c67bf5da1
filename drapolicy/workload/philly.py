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

from drapolicy.api.json_reader import read_json
from drapolicy.api.names import shown
from drapolicy.api.values import TWICE, ReadFault
from drapolicy.errors import Fault
from drapolicy.workload.content import text_of
from drapolicy.workload.faults import Faults
from drapolicy.workload.jobs import MOST_DEVICES, MOST_PODS, Job, Shape, Wanted, imported
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.table import LIMIT_S, NS, TICKS, Tick, stamp_ns

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
_TWICE_SHOWN: Final = (1_509_843_600 * NS, 1_509_847_200 * NS)
"""From 2017-11-05 01:00 to 02:00, as the clocks showed, in nanoseconds since 1970 of a clock of UTC."""


def read_philly(
    path: str | os.PathLike[str],
    wanted: Wanted = Wanted(),  # noqa: B008 - it is frozen
    tick: Tick | None = None,
) -> Imported:
    """Read ``cluster_job_log``, plain or gzipped.

    Its times have no zone and are taken as they stand, but for a run that ends before it starts within the hour that
    clocks showed twice: the logs of the machines tell that they followed Pacific time.

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
        if tick is not None and number and number % TICKS == 0:
            tick(number)
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
    found = list(read_json(text.encode()))
    if len(found) == 1 and isinstance(found[0], list):
        return found[0]
    broken = next((value for value in found if isinstance(value, ReadFault)), None)
    message = "is not one list of jobs; give cluster_job_log" if broken is None else broken.message
    faults.of_all.append(Fault(os.fspath(path), -1, "", "", message))
    return []


class _Item:
    """One entry of the log; faults are noted with its position."""

    def __init__(self, file: str, number: int, faults: Faults) -> None:
        self.file = file
        self.number = number
        self.name = f"entry {number}"
        self.faults = faults
        self.ok = True

    def fault(self, path: str, message: str) -> None:
        self.faults.rows += self.ok
        self.ok = False
        self.faults.of_row(Fault(self.file, -1, self.name, path, message))

    def object(self, path: str, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.fault(path, f"{shown(value)} is no object")
            return {}
        for key in getattr(value, "keys_twice", ()):
            self.fault(f"{path}.{key}" if path else key, TWICE)
        return value

    def listed(self, path: str, value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(path, f"{shown(value)} is no list")
            return []
        return value

    def text(self, path: str, value: Any, empty: str = "") -> str:
        """Return a text; where there is none, that is a fault if it is told what to do about it."""
        if value is not None and not (isinstance(value, str) and value.isprintable()):
            self.fault(path, f"{shown(value)} is no text of one line")
            return ""
        if not value and empty:
            self.fault(path, empty)
        return value or ""

    def stamp(self, path: str, value: Any, empty: str = "") -> int | None:
        """Return a time; the log writes None in both ways."""
        text = self.text(path, None if value == "None" else value, empty)
        told = stamp_ns(text) if text else None
        if text and told is None:
            self.fault(path, f"{shown(text)} is not a time like 2017-10-07 01:11:39")
        return told


def _job(item: _Item, value: Any, left: Counter[str]) -> Job | None:
    if not isinstance(value, dict):
        item.fault("", f"{shown(value)} is no object")
        return None
    name = item.text("jobid", value.get("jobid"), "is empty; give each job its id")
    if name:
        item.name = f"entry {item.number} ({name[:80]})"
    entry = item.object("", value)
    submitted = item.stamp("submitted_time", entry.get("submitted_time"), "is empty; say when the job was submitted")
    tenant = item.text("vc", entry.get("vc"))
    attempts = [
        (f"attempts[{number}]", item.object(f"attempts[{number}]", attempt))
        for number, attempt in enumerate(item.listed("attempts", entry.get("attempts")))
    ]
    times = [_times(item, path, attempt) for path, attempt in attempts]
    pods = _pods(item, *attempts[0]) if attempts else ()
    if (
        len(times) > 1
        and times[0][0] is not None
        and times[-1][1] is not None
        and _elapsed(times[0][0], times[-1][1]) < 0
    ):
        item.fault(f"{attempts[-1][0]}.end_time", "is before the first attempt's start_time")
    if not item.ok or submitted is None:
        return None
    if not times or times[0][0] is None:
        left["jobs without an attempt, or whose first has no start"] += 1
        return None
    if not pods:
        left["jobs whose first attempt has no GPUs"] += 1
        return None
    first, last = times[0][0], times[-1][1]
    return Job(name, submitted, None if last is None else _elapsed(first, last), pods, tenant)


def _times(item: _Item, path: str, attempt: Mapping[str, Any]) -> tuple[int | None, int | None]:
    start, end = (item.stamp(f"{path}.{key}", attempt.get(key)) for key in ("start_time", "end_time"))
    if start is not None and end is not None and not 0 <= _elapsed(start, end) <= LIMIT_S * NS:
        item.fault(f"{path}.end_time", f"{attempt['end_time']} is not within ten years after start_time")
    return start, end


def _elapsed(start: int, end: int) -> int:
    """Return the time between two readings of the clock, which showed one hour twice."""
    low, high = _TWICE_SHOWN
    twice = low <= end < start < high
    return end - start + (high - low) * twice


def _pods(item: _Item, path: str, attempt: Mapping[str, Any]) -> tuple[Shape, ...]:
    servers = item.listed(f"{path}.detail", attempt.get("detail"))
    if len(servers) > MOST_PODS:
        item.fault(f"{path}.detail", f"{len(servers):,} servers; at most {MOST_PODS:,} are read")
    found = []
    for position, server in enumerate(servers[:MOST_PODS]):
        place = f"{path}.detail[{position}]"
        gpus = item.listed(f"{place}.gpus", item.object(place, server).get("gpus"))
        names = [item.text(f"{place}.gpus[{at}]", gpu) for at, gpu in enumerate(gpus[: MOST_DEVICES + 1])]
        if len(gpus) > MOST_DEVICES:
            item.fault(f"{place}.gpus", f"{len(gpus):,} GPUs; a claim holds at most {MOST_DEVICES} devices")
        elif all(names) and len(set(names)) < len(names):
            item.fault(f"{place}.gpus", "names a GPU twice; keep one")
        if gpus:
            found.append(Shape(len(gpus)))
    return tuple(found)
