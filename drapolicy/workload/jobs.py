"""Jobs of traces become pods that arrive: what every reader and generator ends in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.api.names import dns_subdomain
from drapolicy.errors import Fault, InputError
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.pods import pod_and_template
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.table import LIMIT_S, NS
from drapolicy.workload.wishes import request_for
from drapolicy.workload.workload import Workload

GPU_CLASS: Final = "gpu.nvidia.com"
MOST_DEVICES: Final = 32  # a claim's allocation holds no more (K8s, AllocationResultsMaxSize)
MOST_PODS: Final = 10_000
MOST_CPU: Final = 100_000
MOST_MEMORY_MIB: Final = 1 << 30
_GIB = 1024


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """What one pod of a job takes.

    Attributes
    ----------
    gpus
        Whole devices, all of one claim.
    cpu_milli, memory_mib
        Of the node; 0 where the trace does not tell.
    """

    gpus: int
    cpu_milli: int = 0
    memory_mib: int = 0

    @property
    def name(self) -> str:
        """Return a name for pods of this shape.

        Examples
        --------
        >>> Shape(8, 128_000, 1024 * 1000).name, Shape(0, 500).name
        ('gpu8-cpu128-mem1000gi', 'gpu0-cpu500m')
        """
        cpu, milli = divmod(self.cpu_milli, 1000)
        gib, mib = divmod(self.memory_mib, _GIB)
        parts = [f"gpu{self.gpus}"]
        if self.cpu_milli:
            parts.append(f"cpu{self.cpu_milli}m" if milli else f"cpu{cpu}")
        if self.memory_mib:
            parts.append(f"mem{self.memory_mib}mi" if mib else f"mem{gib}gi")
        return "-".join(parts)


@dataclass(frozen=True, slots=True)
class Job:
    """Pods that somebody submits together; several are a gang.

    Attributes
    ----------
    name
        Its id.
    time_ns
        When it is submitted.
    duration_ns
        How long it runs; None for ever. Times below a second count as one.
    pods
        What each takes.
    tenant
        Who pays, or whose quota it is; becomes the namespace.
    """

    name: str
    time_ns: int
    duration_ns: int | None
    pods: tuple[Shape, ...]
    tenant: str = ""

    @property
    def gpus(self) -> int:
        """Devices of all its pods."""
        return sum(shape.gpus for shape in self.pods)


def split(pods: int, gpus: int, cpu_milli: int = 0, memory_mib: int = 0) -> tuple[Shape, ...]:
    """Return the pods of a job whose totals are known; what does not divide goes to the first ones.

    Parameters
    ----------
    pods
        How many.
    gpus, cpu_milli
        Of all together.
    memory_mib
        Of each.

    Examples
    --------
    >>> [shape.gpus for shape in split(3, 8)]
    [3, 3, 2]
    """
    each, more = divmod(gpus, pods)
    return tuple(Shape(each + (number < more), cpu_milli // pods, memory_mib) for number in range(pods))


@dataclass(frozen=True)
class Wanted:
    """What is taken of a trace.

    Attributes
    ----------
    days, jobs
        The jobs of the first days, and of these the first so many; all by default.
    cpu_jobs
        Whether jobs without devices come too.
    lenient
        Leave faulty rows out and say how many; otherwise they are all told.
    device_class
        Class of the devices that claims ask for.

    Raises
    ------
    InputError
        For numbers that are not more than 0, and a class that is no DNS name.
    """

    days: float | None = None
    jobs: int | None = None
    cpu_jobs: bool = True
    lenient: bool = False
    device_class: str = GPU_CLASS

    def __post_init__(self) -> None:
        numbers = {"days": self.days, "jobs": self.jobs}
        faults = [
            Fault("", -1, "trace", name, f"{value} is not more than 0")
            for name, value in numbers.items()
            if value is not None and not value > 0
        ]
        message = dns_subdomain(self.device_class)
        if message is not None:
            faults.append(Fault("", -1, "trace", f"device class {self.device_class[:80]!r}", message))
        if faults:
            raise InputError(faults=faults)

    def of(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs that are wanted, in order of submission."""
        found = sorted((job for job in jobs if self.cpu_jobs or job.gpus), key=lambda job: job.time_ns)
        if self.days is not None and found:
            end = found[0].time_ns + round(min(self.days * 24 * 3600, LIMIT_S) * NS)
            found = [job for job in found if job.time_ns < end]
        return found[: self.jobs]


def imported(jobs: Iterable[Job], source: Source, wanted: Wanted, notes: Iterable[str]) -> Imported:
    """Return what became of the jobs of a source.

    Raises
    ------
    InputError
        When they are submitted more than ten years apart.
    """
    given = list(jobs)
    taken = wanted.of(given)
    if taken and taken[-1].time_ns - taken[0].time_ns > LIMIT_S * NS:
        message = f"is submitted more than ten years before job {taken[-1].name}; check the dates, or take fewer days"
        raise InputError(faults=[Fault("", -1, f"job {taken[0].name}", "", message)])
    told = [source.caveat, *notes]
    if len(taken) < len(given):
        told.append(f"{len(taken):,} of {len(given):,} jobs were taken, as was asked")
    return Imported(
        workload_of(taken, source.name, device_class=wanted.device_class), source, tuple(filter(None, told))
    )


def workload_of(
    jobs: Sequence[Job], name: str, *, device_class: str = GPU_CLASS, begin_ns: int | None = None
) -> Workload:
    """Return the workload of jobs: a pattern for each shape and tenant, an arrival for each pod, a group for each gang.

    Every pod of a gang must be placed for any to be placed.

    Parameters
    ----------
    jobs
        In order of submission.
    name
        For tables.
    device_class
        Class of the devices that claims ask for.
    begin_ns
        Time that becomes 0; by default that of the first job.

    Raises
    ------
    InputError
        For a class that Kubernetes would refuse.
    """
    spaces = _namespaces(job.tenant for job in jobs)
    shapes = sorted({(spaces[job.tenant], shape) for job in jobs for shape in job.pods})
    made = [
        pod_and_template(
            shape.name,
            [request_for("gpu", shape.gpus, device_class)] if shape.gpus else [],
            cpu=f"{shape.cpu_milli}m",
            memory=f"{shape.memory_mib}Mi",
            namespace=space,
        )
        for space, shape in shapes
    ]
    templates = tuple(template for _, template in made if template is not None)
    objects = Objects(templates=templates, pods=tuple(pod for pod, _ in made))
    names = {(space, shape): f"{space}/{shape.name}" for space, shape in shapes}
    begin = begin_ns if begin_ns is not None else jobs[0].time_ns if jobs else 0
    arrivals: list[Arrival] = []
    for job in jobs:
        gang = len(job.pods) if len(job.pods) > 1 else 0
        duration = None if job.duration_ns is None else max(job.duration_ns, NS)
        space = spaces[job.tenant]
        group = job.name if gang else ""
        time_ns = job.time_ns - begin
        arrivals += [Arrival(time_ns, duration, names[space, shape], group, gang) for shape in job.pods]
    # Reading what was written makes the claims of templates, and checks all of it.
    return Workload(api.loads(api.dump(objects, "json"), name), tuple(arrivals), name)


def _namespaces(tenants: Iterable[str]) -> dict[str, str]:
    """Return a namespace for each tenant: its name as far as Kubernetes takes it."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for tenant in sorted(set(tenants)):
        base = re.sub(r"[^a-z0-9-]+", "-", tenant.lower()).strip("-")[:50].strip("-") or "default"
        space = next(name for number in count(1) if (name := base if number == 1 else f"{base}-{number}") not in taken)
        taken.add(space)
        found[tenant] = space
    return found
