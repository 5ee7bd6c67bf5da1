"""All runs of the experiment, in several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from types import MappingProxyType

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.evaluate.fgd.curves import Run
from drapolicy.evaluate.fgd.play import Setting, play
from drapolicy.evaluate.workers import over_processes
from drapolicy.inventory import Fleet
from drapolicy.policies import policy as policy_of
from drapolicy.policies.named import TABLE
from drapolicy.policies.parameters import parameters, split
from drapolicy.policies.rule import Policy
from drapolicy.workload.openb import Order, Stream, Trace, drawn, fleet_of

PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        "random": "01-Random",
        "dot-product": "02-DotProd",
        "gpu-clustering": "03-GpuClustering",
        "gpu-packing": "04-GpuPacking",
        "best-fit": "05-BestFit",
        "fgd": "06-FGD",
    }
)
"""Policies of the paper, and what its tables call them."""

RATIO = 1.3
"""What arrives asks for so many times the GPUs that there are, where no stream says otherwise."""


@dataclass(frozen=True)
class Experiment:
    """A trace, orders of arrival and policies.

    Attributes
    ----------
    trace
        Lists of pods and nodes.
    policies
        Names; parameters may follow, as everywhere. Policies are told what they may know of the trace
        (:attr:`~drapolicy.evaluate.fgd.Setting.told`) unless it is given.
    seeds
        Of the orders.
    stream
        Recorded orders; None to draw them (:func:`~drapolicy.workload.openb.drawn`).
    """

    trace: Trace
    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    stream: Stream | None = None

    def __post_init__(self) -> None:
        for what, given in (("policy", self.policies), ("seed", self.seeds)):
            if not given:
                message = f"evaluate fgd: no {what} is given; give at least one"
                raise InputError(message)
            twice = next((one for one in given if given.count(one) > 1), None)
            if twice is not None:
                message = f"evaluate fgd: {what} {twice} is given twice; give each once"
                raise InputError(message)
        for name in self.policies:
            policy_of(name)
        orders = {} if self.stream is None else self.stream.orders
        missing = [seed for seed in self.seeds if seed not in orders] if self.stream is not None else []
        if missing:
            known = ", ".join(map(str, sorted(orders)))
            message = f"evaluate fgd: seeds {', '.join(map(str, missing))}: not in the stream, which has {known}"
            raise UnknownReferenceError(message)

    @property
    def ratio(self) -> float:
        """What arrives asks for so many times the GPUs that there are."""
        return RATIO if self.stream is None else self.stream.ratio

    def order(self, seed: int) -> Order:
        """Return the order of a seed."""
        return drawn(self.trace, seed, RATIO) if self.stream is None else self.stream.orders[seed]


def named(name: str) -> str:
    """Return what the tables call a policy: the paper's name if it is one of the paper's as published.

    Examples
    --------
    >>> named("fgd"), named("fgd:rounded=false")
    ('06-FGD', 'fgd:rounded=false')
    """
    return PUBLISHED.get(name, name)


def made(name: str, setting: Setting) -> Policy:
    """Return a policy by name, told what it may know of the trace and is not told by its name."""
    own, given = split(name)
    asked = parameters(TABLE[own]).keys() - given.keys() if own in TABLE else set()
    return policy_of(name, **{key: value for key, value in setting.told.items() if key in asked})


def run_all(
    experiment: Experiment, *, jobs: int | None = None, progress: Callable[[int, int, str], None] | None = None
) -> tuple[Run, ...]:
    """Play every policy with every seed.

    Parameters
    ----------
    experiment
        What is to be played.
    jobs
        Processes; all cores by default.
    progress
        Called after each run with the number done, the number in all and the policy's name.

    Returns
    -------
    tuple of Run
        In the order of policies, then seeds; runs are named as the tables call their policy.
    """
    tasks = list(product(experiment.seeds, experiment.policies))
    found: dict[tuple[int, str], Run] = {}
    for task, run in _played(experiment, tasks, min(jobs or os.cpu_count() or 1, len(tasks))):
        found[task] = run
        if progress is not None:
            progress(len(found), len(tasks), named(task[1]))
    return tuple(found[seed, name] for name, seed in product(experiment.policies, experiment.seeds))


def _played(
    experiment: Experiment, tasks: Sequence[tuple[int, str]], jobs: int
) -> Iterable[tuple[tuple[int, str], Run]]:
    if jobs == 1:
        worker = _Worker(experiment)
        for task in tasks:
            yield task, worker.run(*task)
        return
    for position, run in over_processes(_run, tasks, jobs, _begin, experiment):
        yield tasks[position], run


class _Worker:
    """Plays runs one after the other; what they have in common is made once."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._setting = Setting(experiment.trace)
        self._fleet = lru_cache(maxsize=1)(self._made)

    def _made(self, seed: int) -> Fleet:
        return fleet_of(self._experiment.order(seed).nodes(self._experiment.trace))

    def run(self, seed: int, name: str) -> Run:
        setting = self._setting
        order = self._experiment.order(seed)
        return play(setting, order, made(name, setting), seed, fleet=self._fleet(seed), name=named(name))


_worker: _Worker | None = None


def _begin(experiment: Experiment) -> None:
    global _worker  # noqa: PLW0603 - how a process is told what all its runs have in common
    _worker = _Worker(experiment)


def _run(seed: int, name: str) -> Run:
    assert _worker is not None
    return _worker.run(seed, name)
