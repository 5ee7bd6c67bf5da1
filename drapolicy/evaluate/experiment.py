"""Policies × scenarios × seeds, on all cores or on a cluster; finished cells are kept and not played again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import drapolicy
from drapolicy.api.files import write_whole
from drapolicy.errors import Fault, InputError
from drapolicy.evaluate.cell import Cell, cell_key, code_digest, policy_fingerprint
from drapolicy.evaluate.executor import Executor, Local
from drapolicy.evaluate.metrics import METRICS
from drapolicy.evaluate.store import Store
from drapolicy.evaluate.table import Results
from drapolicy.evaluate.work import Played, Task, packed, play_task
from drapolicy.policies import COMPARED, POLICIES, STOCK, Policy
from drapolicy.policies import policy as policy_of
from drapolicy.simulate import Scenario
from drapolicy.text import instead

SEEDS = 10
"""How often an experiment is repeated if nothing else is said: nine tell apart five policies, each from each."""

MANIFEST = "experiment.json"
CELLS = "cells"


@dataclass(frozen=True)
class Step:
    """How far an experiment is, after a cell.

    Attributes
    ----------
    done, total
        Numbers of cells.
    cell
        The one that is finished.
    kept
        Whether it was finished before, by an earlier run.
    """

    done: int
    total: int
    cell: Cell
    kept: bool


Progress = Callable[[Step], None]


@dataclass(frozen=True)
class Experiment:
    """What is to be compared.

    Attributes
    ----------
    scenarios
        Fleets with workloads; names must differ.
    policies
        Names of the table or policies of one's own; ``kube-scheduler`` is added in front if it is missing, because
        every comparison is against it.
    seeds
        Seed 0 plays arrivals as recorded, others draw them again. A number stands for so many, from 0 on.
    draws
        Which of its own draws a policy plays with, by its name; 0 for those that are not named. The same policy under
        two names and with two numbers meets the same worlds and draws otherwise.
    name
        For the report.
    metric
        By which a winner is named; by default the first that differs.
    check
        Verify every placement by the independent checker; slower.
    source
        Digest of the code that made the policies, if it is known: cells of policies whose own code cannot be told are
        then kept too.

    Raises
    ------
    InputError
        With all that is wrong: doubled names, no seeds or negative ones, an unknown metric.

    Examples
    --------
    >>> from drapolicy.evaluate import embedded
    >>> experiment = Experiment(embedded(), ["packing"], seeds=20)
    >>> [policy.name for policy in experiment.policies], len(experiment)
    (['kube-scheduler', 'packing'], 80)
    """

    scenarios: Sequence[Scenario]
    policies: Sequence[str | Policy] = COMPARED
    seeds: int | Iterable[int] = SEEDS
    draws: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    metric: str | None = None
    check: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        chosen = [policy_of(item) for item in self.policies]
        if all(item.name != STOCK for item in chosen):
            chosen.insert(0, POLICIES[STOCK])
        seeds = range(self.seeds) if isinstance(self.seeds, int) else self.seeds
        object.__setattr__(self, "scenarios", tuple(self.scenarios))
        object.__setattr__(self, "policies", tuple(chosen))
        object.__setattr__(self, "seeds", tuple(dict.fromkeys(map(_plain, seeds))))
        faults = [Fault("", -1, "experiment", path, message) for path, message in self._faults()]
        if faults:
            raise InputError(faults=faults)

    def __len__(self) -> int:
        return len(self.scenarios) * len(self.policies) * len(self._seeds)

    @property
    def _seeds(self) -> tuple[int, ...]:
        return tuple(self.seeds)  # type: ignore[arg-type]  # made a tuple above

    @property
    def _policies(self) -> tuple[Policy, ...]:
        return tuple(self.policies)  # type: ignore[arg-type]  # made policies above

    def _faults(self) -> Iterator[tuple[str, str]]:
        for what, names in (
            ("scenarios", [scenario.name for scenario in self.scenarios]),
            ("policies", [policy.name for policy in self._policies]),
        ):
            for name in dict.fromkeys(names):
                if names.count(name) > 1:
                    yield what, f"{name} is given twice; give each a name of its own"
                if not name.isprintable():
                    yield what, f"name {name!r} has characters that cannot be shown; choose another"
        if not self._seeds:
            yield "seeds", "none; give at least one"
        for seed in self._seeds:
            if type(seed) is not int:
                yield "seeds", f"{seed!r} is no whole number"
            elif not 0 <= seed < 2**63:
                yield "seeds", f"{seed} is out of range; use 0 for the arrivals as recorded, others to draw again"
        for name, number in self.draws.items():
            if all(policy.name != name for policy in self._policies):
                yield "draws", f"{name} is none of the policies; leave it out"
            if type(number) is not int or not 0 <= number < 2**63:
                yield "draws", f"{number!r} of {name} is no whole number from 0 on"
        if self.metric is not None and self.metric not in METRICS:
            yield "metric", f"{self.metric!r} is unknown; {instead(str(self.metric), METRICS)}"

    def run(
        self,
        out: str | Path | None = None,
        *,
        jobs: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> Results:
        """Play every scenario with every policy and seed.

        Parameters
        ----------
        out
            Folder for finished cells and for :data:`MANIFEST`, which says what they are of; a cell that is there
            already is not played again. None keeps nothing.
        jobs
            Processes; all cores by default.
        executor
            Plays cells somewhere else than in such processes. A policy that cannot travel is played in this one.
        progress
            Called after each cell; those that are there already come first.

        Returns
        -------
        Results
            One cell for each combination, in the order scenario, policy, seed.
        """
        code = code_digest()
        tasks = [
            Task(n, policy, seed, draws, self.check, cell_key(scenario, policy, seed, draws, self.source), code)
            for (n, scenario), policy, seed in product(enumerate(self.scenarios), self._policies, self._seeds)
            for draws in (self.draws.get(policy.name, 0),)
        ]
        store = None
        if out is not None:
            store = Store(Path(out) / CELLS)
            store.folder.mkdir(parents=True, exist_ok=True)
            store.sweep()
            self._write_manifest(Path(out) / MANIFEST, tasks)
        done: dict[int, Cell] = {}

        def finish(position: int, cell: Cell, *, kept: bool) -> None:
            done[position] = cell
            if progress is not None:
                progress(Step(len(done), len(tasks), cell, kept))

        missing = []
        for position, task in enumerate(tasks):
            found = None if store is None else store.get(task.key, checked=self.check)
            if found is None:
                missing.append(position)
            else:
                finish(position, found, kept=True)
        if executor is None and jobs != 1:
            executor = Local(jobs)
        for position, played in self._played(tasks, missing, executor):
            if store is not None and played.cell.key:
                store.put(played.cell, played.how)
            finish(position, played.cell, kept=False)
        return Results(tuple(done[position] for position in range(len(tasks))))

    def _played(
        self, tasks: Sequence[Task], missing: Sequence[int], executor: Executor | None
    ) -> Iterator[tuple[int, Played]]:
        sent: list[tuple[int, bytes]] = []
        if executor is not None and (len(missing) > 1 or not isinstance(executor, Local)):
            sent = [(position, blob) for position in missing if (blob := _sendable(tasks[position])) is not None]
        if executor is not None and sent:
            used = sorted({tasks[position].scenario for position, _ in sent})
            scenarios = [packed(self.scenarios[n]) for n in used]
            work = [(used.index(tasks[position].scenario), blob) for position, blob in sent]
            for number, played in executor.play(scenarios, work):
                yield sent[number][0], played
        for position in sorted(set(missing) - {position for position, _ in sent}):
            yield position, play_task(self.scenarios[tasks[position].scenario], tasks[position])

    def _write_manifest(self, path: Path, tasks: Sequence[Task]) -> None:
        text = msgspec.json.format(msgspec.json.encode(self.manifest(tasks))) + b"\n"
        write_whole(path, lambda partial: partial.write_bytes(text))

    def manifest(self, tasks: Sequence[Task]) -> dict[str, Any]:
        """Return what the experiment is of, and the key of each cell; no dates, so the same in every run."""
        return {
            "format": 1,
            "name": self.name,
            "metric": self.metric,
            "version": drapolicy.__version__,
            "code": code_digest(),
            "source": self.source,
            "scenarios": [
                {
                    "name": scenario.name,
                    "kubernetes": scenario.fleet.release.minor,
                    "gates": sorted(scenario.fleet.release.gates),
                    "inputs": dict(scenario.inputs),
                }
                for scenario in self.scenarios
            ],
            "policies": [
                {
                    "name": policy.name,
                    "fingerprint": _digest(policy_fingerprint(policy, self.source)),
                    "draws": self.draws.get(policy.name, 0),
                }
                for policy in self._policies
            ],
            "cells": [
                {
                    "scenario": self.scenarios[task.scenario].name,
                    "policy": task.policy.name,
                    "seed": task.seed,
                    "key": task.key,
                }
                for task in tasks
            ],
        }


def evaluate(
    scenarios: Sequence[Scenario],
    policies: Iterable[str | Policy] = COMPARED,
    seeds: int | Iterable[int] = SEEDS,
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    check: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Results:
    """Play every scenario with every policy and seed, and compare with the stock scheduler.

    Parameters
    ----------
    scenarios, policies, seeds, check
        Of an :class:`Experiment`.
    out, jobs, executor, progress
        How it is run: :meth:`Experiment.run`.

    Returns
    -------
    Results
        One cell for each combination, in the order scenario, policy, seed.

    Raises
    ------
    InputError
        For scenarios or policies of one name, no seeds, or a negative one.
    """
    experiment = Experiment(scenarios, tuple(policies), seeds, check=check)
    return experiment.run(out, jobs=jobs, executor=executor, progress=progress)


def _plain(seed: Any) -> Any:
    return int(seed) if isinstance(seed, np.integer) else seed


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def _sendable(task: Task) -> bytes | None:
    try:
        return packed(task)
    except InputError:
        return None
