"""What a rule decides: one cycle over the nodes, written down as a placement."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec.structs
import numpy as np

from drapolicy.api.resource import AllocationResult, ResourceClaim
from drapolicy.policies.cycle import Cycle, CycleEndError
from drapolicy.policies.kube import unmodelled
from drapolicy.policies.memory import Memory
from drapolicy.policies.nodes import Best, Choice
from drapolicy.policies.objective import as_objective
from drapolicy.problem.ask import claim_key
from drapolicy.problem.outcome import Abort, Fits, NoFit, Outcome, TimedOut
from drapolicy.problem.placement import Placement, Status
from drapolicy.problem.problem import Problem

if TYPE_CHECKING:
    from drapolicy.policies.rule import Rule


def decide(rule: Rule, problem: Problem, rng: np.random.Generator, memory: Memory) -> Placement:
    """Return what a rule decides, with or without memory."""
    ask = problem.ask
    objective = as_objective(rule.objective)
    cycle = Cycle(problem, rule.solver, objective, rng, memory)
    stopped: Outcome | None = Abort(ask.blocked) if ask.blocked else cycle.missing_class()
    choice: Choice | None = None
    if stopped is None:
        try:
            choice = rule.nodes.choose(cycle, rng)
        except CycleEndError as end:
            stopped = end.outcome

    def placement(
        node: str | None, status: Status, outcome: Outcome, reasons: Mapping[str, int], score: Mapping[str, int]
    ) -> Placement:
        return Placement(
            ask.name,
            rule.name,
            node,
            outcome.results if isinstance(outcome, Fits) else (),
            status,
            outcome,
            score,
            reasons,
            considered=cycle.considered,
            cursor=cycle.cursor,
            path="cached" if cycle.recalled else "reference",
            unmodelled=() if ask.pod is None else unmodelled(ask.pod, memory.surroundings(problem.fleet)),
        )

    if choice is None:
        outcome = stopped or cycle.node_error or cycle.timed_out or NoFit()
        return placement(None, status_of(outcome), outcome, {} if stopped else dict(cycle.reasons), {})
    assert isinstance(choice.answer.outcome, Fits)
    results = with_own_shares(cycle.held.needed, choice.answer.outcome.results)
    score = dict(choice.scores)
    if objective.levels and results:
        local = problem.local(choice.node, ask)
        score |= objective.by_term(local, local.indices(results))
    # The best of several nodes is known only where all were looked at and each is known to have given its best.
    alone = len(cycle) == 1 or isinstance(rule.nodes, Best)
    status: Status = "optimal" if alone and cycle.proved and choice.answer.status == "optimal" else "feasible"
    return placement(problem.fleet.nodes.names[choice.node], status, Fits(results), {}, score)


def status_of(outcome: Outcome) -> Status:
    """Return what an outcome without devices proves (G8)."""
    if isinstance(outcome, TimedOut):
        return "timed_out"
    return "infeasible" if isinstance(outcome, NoFit) else "not_found"


def with_own_shares(
    claims: Iterable[ResourceClaim], results: Iterable[AllocationResult]
) -> tuple[AllocationResult, ...]:
    """Give every share an id of its own, made of its claim, which holds one allocation at a time, and its place there.

    The same in any process, and whatever happened before.
    """
    made = []
    for claim, result in zip(claims, results, strict=True):
        devices = []
        for number, device in enumerate(result.devices.results):
            if device.share_id is not None:
                device = msgspec.structs.replace(device, share_id=share_id_of(claim, number))
            devices.append(device)
        made.append(msgspec.structs.replace(result, devices=msgspec.structs.replace(result.devices, results=devices)))
    return tuple(made)


def share_id_of(claim: ResourceClaim, number: int) -> str:
    """Return the id of a share: of the claim's device of a number, if that is shared."""
    digest = hashlib.sha256(f"{claim_key(claim)}\n{number}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))
