"""One cell of an experiment: a scenario played with a policy and a seed, and what is kept of it."""

from __future__ import annotations

import hashlib
import inspect
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from math import isnan
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import msgspec

import drapolicy
from drapolicy.evaluate.metrics import METRICS, slowdown_of, uncompared
from drapolicy.policies import POLICIES, Policy, Rule
from drapolicy.policies.objective import as_objective
from drapolicy.simulate import Play, Scenario, capacity, play

_POINTS = 120


class Cell(msgspec.Struct, frozen=True):
    """The result of one cell.

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
    uncompared
        Placed pods with several devices that ``bandwidth`` or ``of-fleet`` leaves out, because the search for the best
        set reached its limit.
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
    uncompared: int = 0


def run_cell(
    scenario: Scenario, policy: Policy, seed: int, *, draws: int = 0, check: bool = False, key: str | None = None
) -> Cell:
    """Play one cell; its key can be given by who has it already."""
    played = play(scenario, policy, seed, draws=draws, check=check)
    whole = capacity(scenario)
    values = {name: metric.of(played, whole) for name, metric in METRICS.items()}
    return Cell(
        key=cell_key(scenario, policy, seed, draws) if key is None else key,
        version=drapolicy.__version__,
        inputs=dict(scenario.inputs),
        scenario=scenario.name,
        policy=policy.name,
        seed=seed,
        arrivals=len(played.records),
        decisions=played.decisions,
        metrics={name: None if isnan(value) else value for name, value in values.items()},
        slowdowns=sorted(round(s, 4) for s in map(slowdown_of, played.records) if not isnan(s)),
        queue=_queue(played),
        reasons=_counted(record.reason for record in played.records if record.reason),
        unmodelled=_counted(what for record in played.records for what in record.unmodelled),
        seconds=played.seconds,
        uncompared=uncompared(played),
    )


def _queue(played: Play) -> list[int]:
    """Return how many pods waited at each of some points of time."""
    arrived = sorted(record.arrived_ns for record in played.records)
    started = sorted(record.started_ns for record in played.records if record.started_ns is not None)
    times = [played.end_ns * (point + 1) // _POINTS for point in range(_POINTS)]
    return [bisect_right(arrived, now) - bisect_right(started, now) for now in times]


def _counted(texts: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))[:10])


def cell_key(scenario: Scenario, policy: Policy, seed: int, draws: int = 0, source: str = "") -> str:
    """Return the hash of all that a cell's result depends on; empty if the policy's code cannot be read.

    Parameters
    ----------
    draws
        Which of the policy's own draws.
    source
        Digest of the code that the policy was made by, if it is known; it counts where the policy's own code cannot be
        told.
    """
    fingerprint = policy_fingerprint(policy)
    if not fingerprint and source:
        fingerprint = f"{source} {policy.name}"
    if not fingerprint:
        return ""
    played = f"{seed} {draws}"
    parts = [code_digest(), fingerprint, played, scenario.name, *(f"{k}={v}" for k, v in scenario.inputs.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def policy_fingerprint(policy: Policy) -> str:
    """Return a text that changes whenever a policy may decide otherwise; empty if that cannot be told.

    Policies of the table are named. Of one's own rules count the solver and the node rule with their fields, and each
    term with the source of its function and the constants that it reads.
    """
    if isinstance(policy, Rule) and POLICIES.get(policy.name) == policy:
        return policy.name
    if not isinstance(policy, Rule) or not _is_ours(type(policy.solver)) or not _is_ours(type(policy.nodes)):
        return ""
    levels: list[object] = []
    for level in as_objective(policy.objective).levels:
        for weight, term in level:
            source = _source(term.function)
            if not source:
                return ""
            levels.append((weight, term.name, term.sense, term.sees, term.bounds, source))
        levels.append(())
    return repr((policy.name, policy.solver, policy.nodes, levels))


def _source(function: Callable[..., Any]) -> str:
    """Return the source of a function with the constants that it reads; empty if it depends on anything else."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        return ""
    if not inspect.isfunction(function) or function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return ""
    if _is_ours(function):
        return text
    for name in sorted(set(_names(function.__code__)) & function.__globals__.keys()):
        value = function.__globals__[name]
        if isinstance(value, int | float | str | None):
            text += f"{name} = {value!r}\n"
        elif not isinstance(value, ModuleType) and not _is_ours(value):
            return ""
    return text


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_ours(thing: object) -> bool:
    """Return whether something's code is drapolicy's, which counts in every key."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "drapolicy"


@cache
def code_digest() -> str:
    """Return a hash of drapolicy's own source, so that results of other code are not taken for this one's."""
    digest = hashlib.sha256()
    package = Path(drapolicy.__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
