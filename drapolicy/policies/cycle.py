"""One scheduling cycle: one ask against the nodes, one node at a time.

The filters before device allocation are those of the stock profile; every policy works behind them, because a node
that they refuse is no node for the pod.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from drapolicy.api.core import Pod
from drapolicy.api.resource import AllocationResult, DeviceSubRequest, ExactDeviceRequest, ResourceClaim
from drapolicy.inventory import Fleet
from drapolicy.policies.answer import Answer
from drapolicy.policies.held import Held
from drapolicy.policies.kube import resource_filter
from drapolicy.policies.kube.filters import closed
from drapolicy.policies.memory import Key, Memory
from drapolicy.policies.objective import Objective
from drapolicy.policies.roomy import score_of_room
from drapolicy.policies.solvers import Solver
from drapolicy.problem.node_allocatable import GATE, demand, mapped, not_shared
from drapolicy.problem.outcome import Abort, Fits, NodeError, Outcome, TimedOut
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.problem import Problem

NO_DEVICES = "cannot allocate all claims"
TIMED_OUT = "timed out trying to allocate devices"
NOT_AVAILABLE = "resourceclaim not available on the node"

_NO_POD = Pod()


class CycleEndError(Exception):
    """The attempt to schedule the ask ends, on whatever node."""

    def __init__(self, outcome: Abort | TimedOut) -> None:
        self.outcome = outcome
        super().__init__(outcome.text)


class Cycle:
    """What a node rule may ask about the nodes while it looks for one.

    Parameters
    ----------
    problem
        With one ask.
    solver, objective
        How a node finds its devices.
    rng
        For solvers that draw.
    memory
        Answers that may be reused.

    Attributes
    ----------
    considered
        Nodes that were looked at.
    reasons
        Why nodes were refused, with counts.
    recalled
        Whether any answer came from memory.
    proved
        Whether the devices of every node that has some are known to be its best.
    held
        What the ask's claims hold already.
    cursor
        Where the next cycle starts, for rules that rotate over the nodes.
    node_error
        The last node that failed for a reason of its own.
    timed_out
        That a node's search ran out of time and was passed over.
    """

    def __init__(
        self, problem: Problem, solver: Solver, objective: Objective, rng: np.random.Generator, memory: Memory
    ) -> None:
        self.problem = problem
        self.ask = problem.ask
        self.pod = self.ask.pod or _NO_POD
        self.considered = 0
        self.cursor = problem.state.cursor
        self.reasons: Counter[str] = Counter()
        self.recalled = False
        self.proved = True
        self.node_error: NodeError | None = None
        self.timed_out: TimedOut | None = None
        self.pod_ask = pod_ask(self.pod)
        self._solver = solver
        self._objective = objective
        self._rng = rng
        self._memory = memory
        self.held = Held(self.ask, problem.state)
        self._conditions = problem.state.conditions
        self._costs_room = GATE in problem.fleet.release.gates

    def __len__(self) -> int:
        return self.problem.fleet.nodes.candidates

    @property
    def objective(self) -> Objective:
        """What makes one answer better than another."""
        return self._objective

    def missing_class(self) -> Abort | None:
        """Return what ends the attempt when a claim names a class that does not exist (K8s S66)."""
        return missing_class(self.held.needed, self.problem.fleet)

    def answer(self, n: int) -> Answer | None:
        """Return what a node says: an answer with devices, or None when it is refused, or not there.

        Raises
        ------
        CycleEndError
            When the attempt ends here.
        """
        if n in self._conditions.away:
            return None
        self.considered += 1
        reason = self._refusal(n)
        if reason is not None:
            self.reasons[reason] += 1
            return None
        available = self.held.available(self.problem.fleet.nodes[n])
        shared = self._shared(n) if available else ""
        if shared:
            self.reasons[shared] += 1
            return None
        # What is drawn for a node that cannot be taken must not change what others draw.
        answer = self._solved(n, self._rng if available else np.random.default_rng(0))
        outcome: Outcome = answer.outcome
        if isinstance(outcome, Abort):
            raise CycleEndError(outcome)
        if isinstance(outcome, TimedOut):
            self._timed_out(n)
            return None
        # Upstream looks for devices even where a claim is not available, so that an abort comes first (K8s S67).
        beyond = self._beyond_room(n, outcome.results) if isinstance(outcome, Fits) else None
        if beyond is not None or not available:
            self.reasons[beyond or NOT_AVAILABLE] += 1
            return None
        if isinstance(outcome, Fits):
            self.proved = self.proved and answer.status == "optimal"
            return answer
        if isinstance(outcome, NodeError):
            self.node_error = outcome
        self.reasons[outcome.text if isinstance(outcome, NodeError) else NO_DEVICES] += 1
        return None

    def _timed_out(self, n: int) -> None:
        """Pass a node over whose search ran out of time, or end the attempt, as the release does (K8s S67)."""
        fleet = self.problem.fleet
        if fleet.release.behaviour.timeouts_end_attempt:
            raise CycleEndError(TimedOut(f"node {fleet.nodes.names[n]}: {TIMED_OUT}"))
        self.timed_out = TimedOut(TIMED_OUT)
        self.reasons[TIMED_OUT] += 1

    def _refusal(self, n: int) -> str | None:
        if n in self._conditions.cordoned:
            refused = closed(self.ask.pod, self.problem.fleet.nodes[n])
            if refused is not None:
                return refused
        if self.ask.pod is None:
            return None
        refused = self._memory.refusal(self.ask.kind, self.pod, self.problem, n)
        return refused if refused is not None else resource_filter(self.pod_ask, self.problem.state.rooms[n])

    def _shared(self, n: int) -> str:
        """Return which claim may not be shared, because a device of it stands for a resource of its node (K8s S74)."""
        if not self._costs_room:
            return ""
        state, release = self.problem.state, self.problem.fleet.release
        for claim, held in self.held.claims:
            others = state.users(claim) - {self.ask.name}
            if others and mapped(held, state.sites.published(n)):
                return not_shared(claim, release)
        return ""

    def _beyond_room(self, n: int, results: Sequence[AllocationResult]) -> str | None:
        """Return why a node has no room for what the devices of all claims cost it, or None (K8s S74)."""
        if not self._costs_room or self.ask.pod is None:
            return None
        state, release = self.problem.state, self.problem.fleet.release
        asked = demand(
            self.pod, state.allocations(self.ask, self.held.needed, results), state.sites.published(n), release
        )
        if asked.problem:
            raise CycleEndError(Abort(asked.problem))
        if asked.refusal or not asked.amounts:
            return asked.refusal or None
        return resource_filter(pod_ask(self.pod, asked.amounts), state.rooms[n])

    def _solved(self, n: int, rng: np.random.Generator) -> Answer:
        if not self.held.needed:
            return Answer(Fits(()), score_of_room(self._objective, lambda: self.problem.local(n, self.ask)))
        stamp = self.problem.state.stamp(n)
        key = Key(self.ask.kind, self.held.missing, n)
        known = self._memory.recall(key, stamp)
        if known is not None:
            self.recalled = True
            return known
        answer = self._solver.solve(self.problem.local(n, self.ask), self._objective, rng)
        if not (self._solver.seeded and answer.fits):
            self._memory.keep(key, stamp, answer)
        return answer


def missing_class(claims: Sequence[ResourceClaim], fleet: Fleet) -> Abort | None:
    """Return what ends the attempt when a claim names a class that does not exist (K8s S66)."""
    for claim in claims:
        for name, wanted in _requests(claim):
            if wanted.device_class_name not in fleet.classes:
                return Abort(f"request {name}: device class {wanted.device_class_name} does not exist")
    return None


def _requests(claim: ResourceClaim) -> Iterator[tuple[str, ExactDeviceRequest | DeviceSubRequest]]:
    for request in claim.spec.devices.requests:
        if request.exactly is not None:
            yield request.name, request.exactly
        for alternative in request.first_available:
            yield f"{request.name}/{alternative.name}", alternative
