"""One cell of an experiment: a scenario played with a policy and a seed, and what is kept of it."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from pathlib import Path

import msgspec

import drapolicy
from drapolicy.evaluate.metrics import METRICS, slowdown_of
from drapolicy.policies import POLICIES, Policy, Rule
from drapolicy.simulate import Play, Scenario, capacity, play
from drapolicy.simulate.run import Record

_POINTS = 120


class Cell(msgspec.Struct, frozen=True):
    """The result of one cell, as it is kept on disk.

    Attributes
    ----------
    key
        Hash of all that the result depends on; empty if a part of it cannot be told.
    version
        Of drapolicy.
    inputs
        Digests of the scenario's inputs.
    scenario, policy, seed
        What was played.
    arrivals, decisions
        Counts.
    metrics
        Value by metric; null where it has no meaning.
    slowdowns
        Of the pods that ended, ascending.
    queue
        Pods that waited, at points of time spread evenly up to the last arrival.
    reasons
        Why pods wait still, with counts; the ten commonest.
    unmodelled
        What pods use that the node choice does not model, with counts.
    seconds
        Time that the policy took; no result, it depends on the machine.
    """

    key: str
    version: str
    inputs: dict[str, str]
    scenario: str
    policy: str
    seed: int
    arrivals: int
    decisions: int
    metrics: dict[str, float | None]
    slowdowns: list[float]
    queue: list[int]
    reasons: dict[str, int]
    unmodelled: dict[str, int]
    seconds: float


def run_cell(scenario: Scenario, policy: Policy, seed: int, *, check: bool = False) -> Cell:
    """Play one cell."""
    played = play(scenario, policy, seed, check=check)
    whole = capacity(scenario)
    values = {name: metric.of(played, whole) for name, metric in METRICS.items()}
    return Cell(
        key=cell_key(scenario, policy, seed),
        version=drapolicy.__version__,
        inputs=dict(scenario.inputs),
        scenario=scenario.name,
        policy=policy.name,
        seed=seed,
        arrivals=len(played.records),
        decisions=played.decisions,
        metrics={name: None if value != value else value for name, value in values.items()},  # noqa: PLR0124
        slowdowns=sorted(round(s, 4) for s in map(slowdown_of, played.records) if s == s),  # noqa: PLR0124
        queue=_queue(played),
        reasons=_counted([record.reason for record in played.records if record.reason]),
        unmodelled=_counted([what for record in played.records for what in record.unmodelled]),
        seconds=played.seconds,
    )


def _queue(played: Play) -> list[int]:
    """Return how many pods waited at each of some points of time."""

    def waits(record: Record, now: float) -> bool:
        return record.arrived_ns <= now and (record.started_ns is None or record.started_ns > now)

    times = [played.end_ns * (point + 1) / _POINTS for point in range(_POINTS)]
    return [sum(waits(record, now) for record in played.records) for now in times]


def _counted(texts: list[str]) -> dict[str, int]:
    counts = {text: texts.count(text) for text in set(texts)}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10])


def cell_key(scenario: Scenario, policy: Policy, seed: int) -> str:
    """Return the hash of all that a cell's result depends on; empty if the policy's code cannot be read."""
    fingerprint = policy_fingerprint(policy)
    if not fingerprint:
        return ""
    parts = [code_digest(), fingerprint, str(seed), scenario.name, *(f"{k}={v}" for k, v in scenario.inputs.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def policy_fingerprint(policy: Policy) -> str:
    """Return a text that changes whenever a policy may decide otherwise; empty if that cannot be told.

    Policies of the table are named; of one's own rules the source of each term and the parts' fields count.
    """
    if POLICIES.get(policy.name) is policy or (isinstance(policy, Rule) and POLICIES.get(policy.name) == policy):
        return policy.name
    if not isinstance(policy, Rule) or policy.objective is None:
        return ""
    try:
        sources = [inspect.getsource(term.function) for term in policy.objective.terms]  # type: ignore[union-attr]
    except (OSError, TypeError):
        return ""
    closures = [term.function.__closure__ for term in policy.objective.terms]  # type: ignore[union-attr]
    if any(closures):
        return ""
    weights = [[(weight, term.name) for weight, term in level] for level in policy.objective.levels]  # type: ignore[union-attr]
    return repr((policy.name, policy.solver, policy.nodes, weights, sources))


@cache
def code_digest() -> str:
    """Return a hash of drapolicy's own source, so that results of other code are not taken for this one's."""
    digest = hashlib.sha256()
    package = Path(drapolicy.__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
