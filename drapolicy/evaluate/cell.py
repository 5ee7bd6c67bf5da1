"""One cell of an experiment: a scenario played with a policy and a seed, and what is kept of it."""

from __future__ import annotations

import hashlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from math import isnan
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import msgspec

import drapolicy
from drapolicy.evaluate import counters, fragmentation, refusals, series
from drapolicy.evaluate.bounds import bounds
from drapolicy.evaluate.link_figures import uncompared
from drapolicy.evaluate.metrics import METRICS, Seen, room, slowdowns
from drapolicy.evaluate.occupancy import Occupancy
from drapolicy.policies import POLICIES, Policy, Rule
from drapolicy.policies.objective import as_objective
from drapolicy.simulate import Scenario, capacity, play
from drapolicy.simulate.record import NANO
from drapolicy.simulate.streams import Streams


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
    held
        Devices that were held then, in percent of those that were there.
    wasted, wasted_counters
        What was free then and of no use, in percent of what was free, of devices and of counters; see ``course`` of
        :mod:`drapolicy.evaluate.fragmentation` and of :mod:`drapolicy.evaluate.counters`.
    allocation
        Devices that were held, in percent of the fleet, when so many percent of it had been asked for, from 0 on; only
        of workloads that never leave.
    waits
        Waiting times of the pods that started, in seconds: :data:`QUANTILES` of them spread evenly, ascending.
    classes
        By class of pods: how many came, were refused at first, never started, and the number of the arrival that was
        refused first (0 for none).
    heat_nodes, heat
        As of :meth:`Occupancy.heat`.
    bounds
        What no policy could be better than, by metric; see :func:`drapolicy.evaluate.bounds.bounds`.
    reasons
        Why pods never started: by reason how many of each class, in the order of `classes`.
    unmodelled
        What pods use that the node choice does not model, with counts.
    seconds
        Time that the policy took; no result, it depends on the machine.
    uncompared
        Placed pods with several devices that ``bandwidth`` or ``of-fleet`` leaves out, because the search for the best
        set reached its limit.
    decision_us
        Times of decisions, in microseconds, as ``waits``; no result, it depends on the machine.
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
    reasons: dict[str, list[int]]
    unmodelled: dict[str, int]
    seconds: float
    uncompared: int = 0
    held: list[float] = []
    wasted: list[float] = []
    wasted_counters: list[float] = []
    allocation: list[float] = []
    waits: list[float] = []
    classes: dict[str, list[int]] = {}
    heat_nodes: list[str] = []
    heat: list[int] = []
    bounds: dict[str, float] = {}
    decision_us: list[float] = []


def run_cell(
    scenario: Scenario, policy: Policy, seed: int, *, draws: int = 0, check: bool = False, key: str | None = None
) -> Cell:
    """Play one cell; its key can be given by who has it already."""
    world = scenario.world(seed, Streams(seed))
    occupancy = Occupancy(scenario, world.end_ns)
    played = play(scenario, policy, seed, draws=draws, check=check, watch=occupancy.watch)
    whole = capacity(scenario)
    best = bounds(scenario, world, whole, room(played, whole) // NANO)
    idle, idle_counters = fragmentation.course(scenario, occupancy), counters.course(scenario, occupancy)
    seen = Seen(played, whole, best, idle, idle_counters)
    values = {name: metric.of(seen) for name, metric in METRICS.items()}
    heat_nodes, heat = occupancy.heat()
    classes = refusals.classes(played)
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
        slowdowns=sorted(round(s, 4) for s in slowdowns(played)),
        queue=series.queue(played),
        reasons=refusals.reasons(played, classes),
        unmodelled=_counted(what for several in played.records.texts("unmodelled") for what in several),
        seconds=played.seconds,
        uncompared=uncompared(played),
        held=series.held(played, whole),
        wasted=[round(value, 2) for value in idle],
        wasted_counters=[round(value, 2) for value in idle_counters],
        allocation=series.allocation(played, whole),
        waits=series.quantiles(series.waits(played)),
        classes=classes,
        heat_nodes=heat_nodes,
        heat=heat,
        bounds=best,
        decision_us=series.quantiles(1e6 * played.decision_seconds),
    )


def _counted(texts: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))[:10])


def cell_key(scenario: Scenario, policy: Policy, seed: int, draws: int = 0, source: str = "") -> str:
    """Return the hash of all that a cell's result depends on; empty if the policy's code cannot be read.

    Parameters
    ----------
    draws
        Which of the policy's own draws.
    source
        Digest of the code that the policy was made by, if it is known; it counts for all that are not of the table.
    """
    fingerprint = policy_fingerprint(policy, source)
    if not fingerprint:
        return ""
    played = f"{seed} {draws}"
    parts = [code_digest(), fingerprint, played, scenario.name, *(f"{k}={v}" for k, v in scenario.inputs.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def policy_fingerprint(policy: Policy, source: str = "") -> str:
    """Return a text that changes whenever a policy may decide otherwise; empty if that cannot be told.

    Policies of the table are named. Of one's own rules count the solver and the node rule with their fields, and each
    term with the source of its function and the constants that it reads; ``together`` does not, because a cell decides
    asks one after the other. ``source`` is as in :func:`cell_key`.
    """
    if isinstance(policy, Rule) and POLICIES.get(policy.name) == policy:
        return policy.name
    if source:  # modules beside an experiment's file count, which a term's own source does not tell
        return f"{source} {policy.name} {_parts(policy)}"
    return _parts(policy)


def _parts(policy: Policy) -> str:
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
