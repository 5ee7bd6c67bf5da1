"""Play a scenario with a policy: pods arrive, wait, run and leave."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
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
from drapolicy.problem.state import State
from drapolicy.simulate.agenda import Agenda
from drapolicy.simulate.best import Best
from drapolicy.simulate.record import Play, Record
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.speed import Ideal, stretched_ns
from drapolicy.topology.measures import bottleneck_mb_s
from drapolicy.verify import Verifier
from drapolicy.workload.arrivals import redrawn
from drapolicy.workload.workload import communication_percent

# One stream of random numbers for each purpose, so that policies that draw more do not change the world (rule 3).
_POLICY_STREAM = 1


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
        self.empty = State(scenario.fleet)
        self.empty.sites = self.state.sites  # nothing in them changes
        self.best_empty = Best(scenario.fleet)
        self.best_free = Best(scenario.fleet)
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
        stats = self.engine.stats
        return Play(tuple(self.records), end, self.decisions, stats.known, stats.asked, self.seconds)

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
        started = self._started(waiting, placement, now, problem)
        self.state.apply(Start(waiting.ask, placement.node, placement.results))
        if self.shared.intersection(map(claim_key, waiting.ask.claims)):
            self.freed += 1  # others may use the claim now (K8s S75)
        self.records[waiting.number] = started
        if started.finished_ns is not None:
            self.agenda.add(started.finished_ns, Finish(waiting.ask.name))
        return True

    def _verify(self, ask: Ask, placement: Placement) -> None:
        held = self.state.held
        claims = unmet(ask.claims, held)
        n = self.scenario.fleet.nodes.index[placement.node or ""]
        node = self.scenario.fleet.nodes[n]
        taken = [claim_holding(key, allocation) for key, allocation in held.items()]
        self.verifier.verify(node, claims, placement.results, taken)

    def _started(self, waiting: _Waiting, placement: Placement, now: int, problem: Problem) -> Record:
        """Return the record of an ask that is about to start: the state is still that of the decision."""
        record, ask = self.records[waiting.number], waiting.ask
        n = self.scenario.fleet.nodes.index[placement.node or ""]
        site = self.state.sites[n]
        new = unmet(ask.claims, self.state.held)
        held = self.state.allocations(ask, new, placement.results)
        results = [result for _, allocation in held for result in allocation.devices.results]
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
            finished = now + stretched_ns(record.ideal_ns, communication_percent(ask.pod), ideal, real)
        joined = len(new) < len(ask.claims)
        return replace(
            record,
            started_ns=now,
            finished_ns=finished,
            node=site.name,
            devices=tuple(str(site.devices[d].id) for d in indices),
            drawn=round(sum(drawn.values()), 9),
            ideal_mb_s=ideal,
            real_mb_s=real,
            machine_mb_s=self.best_empty.mb_s(Problem(self.empty, (ask,), now), len(indices), real),
            fleet_mb_s=None if joined else self.best_free.mb_s(problem, len(indices), real),
            joined=joined,
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
