"""What no policy can be better than in the world that a seed makes: bounds by relaxation, each proven."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

from drapolicy.evaluate.demand import demands
from drapolicy.problem.ask import Ask
from drapolicy.simulate import Scenario
from drapolicy.simulate.record import NANO
from drapolicy.simulate.scenario import World
from drapolicy.workload import communication_percent

_NS = 10**9


class Job(NamedTuple):
    """An arrival: when it comes, how long it runs on ideal devices (None for ever), and how many devices it holds."""

    arrived_ns: int
    ideal_ns: int | None
    devices: int


def bounds(scenario: Scenario, world: World, capacity: int, room: int) -> dict[str, float]:
    """Return the best value of some metrics that any policy could come to, by metric.

    Parameters
    ----------
    scenario, world
        What is played.
    capacity
        Whole devices of the fleet.
    room
        Devices that are there up to the last arrival, added up over time; devices times ns.

    Notes
    -----
    ``slowdown`` and the figures of links are ratios to what is ideal. ``goodput``, ``completion`` and ``wait`` relax
    the fleet to one heap of devices, shared out as finely as wanted: :func:`most_work`, :func:`least_completion_ns`.
    ``allocated`` is of workloads that do not leave until the last arrival, on fleets that stay as they are: no more is
    held than was asked for.
    The latter two hold for policies with which every pod ends, and are told only where no two pods share a claim;
    ``wait`` where links stretch no run besides. What an ask holds at most counts for work
    and what is allocated, at least for times (:mod:`drapolicy.evaluate.demand`).
    """
    found = {"slowdown": 1.0, "bandwidth": 100.0, "of-fleet": 100.0, "delivered": 100.0, "aligned": 100.0}
    asks = scenario.workload.patterns
    if not world.arrivals or not capacity or any(map(_takes_all, asks.values())):
        return found
    demand, whole = demands(scenario), NANO * capacity
    jobs = [Job(a.time_ns, a.duration_ns, demand[a.pod].most) for a in world.arrivals]
    if room > 0:
        found["goodput"] = min(100 * most_work(jobs, whole, world.end_ns) / (NANO * room), 100.0)
    if not scenario.incidents and not scenario.standing.claims and all(map(_stays, jobs, repeat(world.end_ns))):
        found["allocated"] = min(100 * sum(job.devices for job in jobs) / whole, 100.0)
    if _alone(scenario, world) and all(job.ideal_ns is not None for job in jobs):
        jobs = [Job(a.time_ns, a.duration_ns, demand[a.pod].least) for a in world.arrivals]
        completion = least_completion_ns(jobs, whole)
        found["completion"] = completion / _NS
        if not any(communication_percent(ask.pod) for ask in asks.values()):
            run = sum(job.ideal_ns or 0 for job in jobs) / len(jobs)
            found["wait"] = max(completion - run, 0.0) / _NS
    return found


def _stays(job: Job, end_ns: int) -> bool:
    return job.ideal_ns is None or job.arrived_ns + job.ideal_ns > end_ns


def most_work(jobs: Sequence[Job], capacity: int, end_ns: int) -> int:
    """Return how much work can be done until a time at most, in devices times ns.

    No pod does more than its devices do from its arrival on, and all together never more than the fleet.

    Examples
    --------
    >>> most_work([Job(0, 10, 2), Job(0, 10, 2), Job(5, None, 1)], capacity=2, end_ns=10)
    20
    """
    done = left = now = 0
    for job in sorted(jobs, key=lambda job: job.arrived_ns):
        if job.arrived_ns >= end_ns:
            break
        step = min(left, capacity * (job.arrived_ns - now))
        done, left, now = done + step, left - step, job.arrived_ns
        here = end_ns - job.arrived_ns
        left += job.devices * (here if job.ideal_ns is None else min(job.ideal_ns, here))
    return done + min(left, capacity * (end_ns - now))


def least_completion_ns(jobs: Sequence[Job], capacity: int) -> float:
    """Return the least mean time from arrival to end; all run times must be known.

    One machine that does the work of all devices, on whichever pod has the least left, is no slower than the fleet
    (shortest remaining processing time); and no pod ends before it has run.

    References
    ----------
    L. Schrage, "A proof of the optimality of the shortest remaining processing time discipline", Operations Research
    16, 1968, doi:10.1287/opre.16.3.687.

    Examples
    --------
    >>> least_completion_ns([Job(0, 10, 2), Job(0, 10, 2)], capacity=2)
    15.0
    """
    # Times are multiplied by the capacity, so that the machine does one unit of work in one unit of time.
    order = sorted((job.arrived_ns * capacity, (job.ideal_ns or 0) * job.devices) for job in jobs)
    waiting: list[int] = []
    now = total = 0
    for position, (arrived, work) in enumerate(order):
        now = max(now, arrived)
        heapq.heappush(waiting, work)
        until = order[position + 1][0] if position + 1 < len(order) else None
        while waiting and (until is None or now < until):
            least = heapq.heappop(waiting)
            step = least if until is None else min(least, until - now)
            now += step
            if step < least:
                heapq.heappush(waiting, least - step)
            else:
                total += now
    shared = (total - sum(arrived for arrived, _ in order)) / capacity
    return max(shared, float(sum(job.ideal_ns or 0 for job in jobs))) / len(jobs)


def _takes_all(ask: Ask) -> bool:
    requests = [request for claim in ask.claims for request in claim.spec.devices.requests]
    return any(r.exactly is not None and r.exactly.allocation_mode == "All" for r in requests) or any(
        one.allocation_mode == "All" for r in requests for one in r.first_available
    )


def _alone(scenario: Scenario, world: World) -> bool:
    """Return whether each arrival holds devices of its own, and nobody holds any from the start."""
    users: Counter[str] = Counter()
    for arrival in world.arrivals:
        ask = scenario.workload.patterns[arrival.pod]
        # Copies of a pod have copies of the claims that were made for it; a claim that it names is one for all.
        made = {s.resource_claim_name for s in ask.pod.status.resource_claim_statuses} if ask.pod is not None else ()
        if ask.pod is not None:
            users.update(key for key in ask.keys if key.partition("/")[2] not in made)
    return all(count == 1 for count in users.values()) and not scenario.standing.claims
