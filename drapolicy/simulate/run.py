"""Play a scenario with a policy: pods arrive, wait, run and leave."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    AllocationResult,
    ResourceClaim,
    ResourceClaimStatus,
)
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import Engine, Policy
from drapolicy.problem.ask import Ask, claim_key, unmet
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.site import Sites
from drapolicy.simulate.agenda import Agenda
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.speed import Ideal, stretched_ns
from drapolicy.topology.measures import bottleneck_mb_s
from drapolicy.verify import Verifier
from drapolicy.workload.arrivals import redrawn
from drapolicy.workload.workload import communication_percent

# One stream of random numbers for each purpose, so that policies that draw more do not change the world (rule 3).
_POLICY_STREAM = 1


@dataclass(frozen=True)
class Record:
    """What happened to one arrival.

    Attributes
    ----------
    name, pattern
        Name of the ask, and of the pod that it copies.
    arrived_ns, started_ns, finished_ns
        Times; None where it did not come to that.
    ideal_ns
        How long it runs on ideal devices; None for ever.
    node
        Where it ran.
    devices
        ``driver/pool/device`` of its devices.
    drawn
        How much of the fleet it holds, in whole devices: a partition counts as its mean share of its counters, a
        share of a device as the largest part of a capacity that it consumes.
    ideal_mb_s, real_mb_s
        Slowest link of its devices: the best possible on this fleet, and the one it got; 0 for fewer than two.
    reason
        Why it waits still; empty when it started.
    unmodelled
        What its pod uses that the node choice does not model.
    """

    name: str
    pattern: str
    arrived_ns: int
    ideal_ns: int | None
    started_ns: int | None = None
    finished_ns: int | None = None
    node: str = ""
    devices: tuple[str, ...] = ()
    drawn: float = 0.0
    ideal_mb_s: int = 0
    real_mb_s: int = 0
    reason: str = ""
    unmodelled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Play:
    """A scenario as it went with one policy.

    Attributes
    ----------
    records
        One for each arrival, in order of arrival.
    end_ns
        When the last arrival came: rates are taken up to here, because afterwards the fleet only empties.
    decisions
        How often the policy was asked.
    answers_kept, answers_found
        Nodes' answers that were known already, and that had to be found.
    seconds
        Time that the policy took; depends on the machine and is no result.
    """

    records: tuple[Record, ...]
    end_ns: int
    decisions: int
    answers_kept: int
    answers_found: int
    seconds: float


_Arrive: TypeAlias = tuple[int, Ask]


class _Waiting:
    """An arrival that has not started."""

    __slots__ = ("ask", "number", "tried")

    def __init__(self, number: int, ask: Ask) -> None:
        self.number = number
        self.ask = ask
        self.tried = -1


def play(
    scenario: Scenario,
    policy: Policy,
    seed: int,
    *,
    check: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Play:
    """Play a scenario to its end.

    Pods that do not fit wait and are tried again, in order of arrival, whenever something was freed; a pod does not
    hold up those behind it (as Kubernetes' queue, K8s S75).

    Parameters
    ----------
    scenario
        Fleet and workload.
    policy
        Decides.
    seed
        Of the arrivals (0: as recorded) and of the policy's own draws.
    check
        Verify each placement by the independent checker.
    progress
        Called with the number of arrivals seen and in all.

    Raises
    ------
    VerificationError
        When ``check`` finds a placement that breaks a rule.
    """
    return _Run(scenario, policy, seed, check=check, progress=progress).play()


class _Run:
    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        seed: int,
        *,
        check: bool,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.scenario = scenario
        self.state = scenario.state()
        self.engine = Engine(scenario.fleet, policy)
        self.rng = np.random.default_rng([seed, _POLICY_STREAM])
        self.check = check
        self.progress = progress
        self.ideal = Ideal(self.state.sites)
        self.waiting: list[_Waiting] = []
        self.decisions = 0
        self.seconds = 0.0
        self.freed = 0
        self.agenda: Agenda[_Arrive | Finish] = Agenda()
        self.records: list[Record] = []
        users: Counter[str] = Counter()
        for number, arrival in enumerate(redrawn(scenario.workload.arrivals, seed)):
            ask = scenario.workload.ask(arrival, number)
            self.agenda.add(arrival.time_ns, (number, ask))
            self.records.append(Record(ask.name, arrival.pod, arrival.time_ns, arrival.duration_ns))
            users.update(map(claim_key, ask.claims))
        self.shared = {key for key, count in users.items() if count > 1}

    @cached_property
    def verifier(self) -> Verifier:
        """The independent checker, over the fleet's objects."""
        return Verifier(self.scenario.fleet.objects, self.scenario.fleet.release)

    def play(self) -> Play:
        seen = 0
        for now, things in self.agenda:
            for thing in things:
                if isinstance(thing, Finish):
                    self.state.apply(thing)
                    self.freed += 1
                else:
                    self.waiting.append(_Waiting(*thing))
                    seen += 1
            self._schedule(now)
            if self.progress is not None:
                self.progress(seen, len(self.records))
        end = max((record.arrived_ns for record in self.records), default=0)
        memory = self.engine.memory
        return Play(tuple(self.records), end, self.decisions, memory.hits, memory.misses, self.seconds)

    def _note(self, number: int, **changes: Any) -> None:
        self.records[number] = replace(self.records[number], **changes)

    def _schedule(self, now: int) -> None:
        """Try all that wait, in order; those for which nothing has changed since are not tried again."""
        freed = -1
        while freed != self.freed:  # a start can free too: a shared claim that others wait for
            freed = self.freed
            self.waiting = [w for w in self.waiting if w.tried == self.freed or not self._try(w, now)]

    def _try(self, waiting: _Waiting, now: int) -> bool:
        problem = Problem(self.state, (waiting.ask,), now)
        before = time.perf_counter()
        placement = self.engine.place(problem, self.rng)
        self.seconds += time.perf_counter() - before
        self.decisions += 1
        self.state.cursor = placement.cursor
        if placement.node is None:
            waiting.tried = self.freed
            self._note(waiting.number, reason=placement.message, unmodelled=placement.unmodelled)
            return False
        if self.check:
            self._verify(waiting.ask, placement)
        self.state.apply(Start(waiting.ask, placement.node, placement.results))
        if self.shared.intersection(map(claim_key, waiting.ask.claims)):
            self.freed += 1  # others may use the claim now (K8s S75)
        self._started(waiting, placement, now)
        return True

    def _verify(self, ask: Ask, placement: Placement) -> None:
        held = self.state.held
        claims = unmet(ask.claims, held)
        n = self.scenario.fleet.nodes.index[placement.node or ""]
        node = self.scenario.fleet.nodes[n]
        taken = [claim_holding(key, allocation) for key, allocation in held.items()]
        self.verifier.verify(node, claims, placement.results, taken)

    def _started(self, waiting: _Waiting, placement: Placement, now: int) -> None:
        record = self.records[waiting.number]
        n = self.scenario.fleet.nodes.index[placement.node or ""]
        site = self.state.sites[n]
        held = (self.state.held[claim_key(claim)] for claim in waiting.ask.claims)
        results = [result for allocation in held for result in allocation.devices.results]
        # A claim that was allocated from the start may hold devices that no slice publishes any more.
        at = {device.id: device.index for device in site.devices}
        held_by = [(at.get(DeviceId(r.driver, r.pool, r.device)), r) for r in results if not r.admin_access]
        drawn = {
            (d, r.share_id): site.share(d) * site.devices[d].part(r.consumed_capacity)
            for d, r in held_by
            if d is not None
        }
        indices = sorted({d for d, _ in drawn})
        ideal = self.ideal.mb_s([site.devices[d].pool.driver for d in indices])
        real = bottleneck_mb_s(site.links, indices)
        finished = None
        if record.ideal_ns is not None:
            percent = communication_percent(waiting.ask.pod)
            finished = now + stretched_ns(record.ideal_ns, percent, ideal, real)
            self.agenda.add(finished, Finish(waiting.ask.name))
        self._note(
            waiting.number,
            started_ns=now,
            finished_ns=finished,
            node=site.name,
            devices=tuple(str(site.devices[d].id) for d in indices),
            drawn=round(sum(drawn.values()), 9),
            ideal_mb_s=ideal,
            real_mb_s=real,
            reason="",
            unmodelled=placement.unmodelled,
        )


def claim_holding(key: str, allocation: AllocationResult) -> ResourceClaim:
    """Return a claim that holds an allocation, as the checker wants it."""
    namespace, _, name = key.partition("/")
    return ResourceClaim(
        metadata=ObjectMeta(namespace=namespace, name=name), status=ResourceClaimStatus(allocation=allocation)
    )


def capacity(scenario: Scenario) -> int:
    """Return how many whole devices a fleet has; the partitions of one counter set are one."""
    sites = Sites(scenario.fleet)
    return sum(sites[n].whole for n in range(scenario.fleet.nodes.candidates))
