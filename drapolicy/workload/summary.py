"""What a workload is like, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from drapolicy.api import Objects
from drapolicy.errors import Fault
from drapolicy.problem.ask import Ask
from drapolicy.workload.table import NS
from drapolicy.workload.workload import Workload

QUANTILES = (10, 50, 90, 99)


@dataclass(frozen=True)
class Summary:
    """Numbers about a workload.

    Attributes
    ----------
    pods, patterns, tenants, gangs, gang_pods
        How many pods arrive, of how many patterns, in how many namespaces; how many groups there are, and their pods.
    span_s
        From the first arrival to the last.
    stay
        Pods that never leave.
    devices
        How many pods ask for so many devices.
    run_times_s
        Quantiles of the run times of pods that leave, by percent; empty without any.
    mean_run_time_s
        Their mean; 0 without any.
    classes
        How many pods ask for devices of a class.
    device_seconds
        Devices times run time, of all pods that leave.
    """

    pods: int
    patterns: int
    tenants: int
    gangs: int
    gang_pods: int
    span_s: float
    stay: int
    devices: Mapping[int, int]
    run_times_s: Mapping[int, float]
    mean_run_time_s: float
    classes: Mapping[str, int]
    device_seconds: float


def summary(workload: Workload) -> Summary:
    """Return what a workload is like.

    Of alternatives the first counts; a share of a device counts as one; all devices of a node as one.
    """
    arrivals = workload.arrivals
    asked = {name: _devices(ask) for name, ask in workload.patterns.items()}
    counts = {name: sum(classes.values()) for name, classes in asked.items()}
    runs = np.array([a.duration_ns for a in arrivals if a.duration_ns is not None], np.int64) / NS
    classes: Counter[str] = Counter()
    for arrival in arrivals:
        classes.update(asked[arrival.pod].keys())
    groups = Counter(arrival.group for arrival in arrivals if arrival.group)
    return Summary(
        pods=len(arrivals),
        patterns=len({workload.patterns[a.pod].name for a in arrivals}),
        tenants=len({workload.patterns[a.pod].name.partition("/")[0] for a in arrivals}),
        gangs=len(groups),
        gang_pods=groups.total(),
        span_s=(arrivals[-1].time_ns - arrivals[0].time_ns) / NS if arrivals else 0.0,
        stay=len(arrivals) - runs.size,
        devices=dict(sorted(Counter(counts[arrival.pod] for arrival in arrivals).items())),
        run_times_s=dict(zip(QUANTILES, np.percentile(runs, QUANTILES).tolist(), strict=True)) if runs.size else {},
        mean_run_time_s=float(runs.mean()) if runs.size else 0.0,
        classes=dict(classes.most_common()),
        device_seconds=sum(counts[a.pod] * a.duration_ns for a in arrivals if a.duration_ns is not None) / NS,
    )


def _devices(ask: Ask) -> dict[str, int]:
    found: Counter[str] = Counter()
    for claim in ask.claims:
        for request in claim.spec.devices.requests:
            wish = request.exactly or next(iter(request.first_available), None)
            if wish is not None:
                found[wish.device_class_name] += wish.count or 1
    return dict(found)


def class_faults(workload: Workload, fleet: Objects) -> list[Fault]:
    """Return a fault for each pod or lone claim that arrives and asks for a class that nobody defines.

    Parameters
    ----------
    workload
        Its own classes count.
    fleet
        And those of the fleet.
    """
    known = {item.metadata.name for objects in (fleet, workload.objects) for item in objects.classes}
    there = ", ".join(sorted(known)[:8]) or "none"
    found = []
    for ask in {workload.patterns[name].name: workload.patterns[name] for name in sorted(_arriving(workload))}.values():
        missing = sorted(_devices(ask).keys() - known)
        thing = f"{'ResourceClaim' if ask.pod is None else 'Pod'} {ask.name}"
        found += [
            Fault(
                "",
                -1,
                thing,
                "deviceClassName",
                f"{name!r} is a class of neither fleet nor workload; known are {there}",
            )
            for name in missing
        ]
    return workload.objects.located(found)


def _arriving(workload: Workload) -> set[str]:
    return {arrival.pod for arrival in workload.arrivals}
