"""Policies × scenarios × seeds, on all cores; finished cells are kept and not played again."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import msgspec

from drapolicy.errors import InputError
from drapolicy.evaluate.cell import Cell, cell_key, run_cell
from drapolicy.evaluate.table import Results
from drapolicy.policies import COMPARED, POLICIES, STOCK, Policy
from drapolicy.policies import policy as policy_of
from drapolicy.simulate import Scenario

_DECODER = msgspec.json.Decoder(Cell)

Progress = Callable[[int, int, Cell], None]


@dataclass(frozen=True)
class Task:
    """A cell to be played."""

    scenario: Scenario
    policy: Policy
    seed: int
    check: bool


def evaluate(
    scenarios: Sequence[Scenario],
    policies: Iterable[str | Policy] = COMPARED,
    seeds: Iterable[int] = range(5),
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> Results:
    """Play every scenario with every policy and seed, and compare with the stock scheduler.

    Parameters
    ----------
    scenarios
        Fleets with workloads; names must differ.
    policies
        Names of the table or policies of one's own; ``kube-scheduler`` is added if it is missing, because every
        comparison is against it.
    seeds
        Seed 0 plays arrivals as recorded, others draw them again.
    out
        Folder for finished cells; a cell that is there already is not played again. None keeps nothing.
    jobs
        Processes; all cores by default. A policy that cannot be sent to another process is played in this one.
    check
        Verify every placement by the independent checker; slower.
    progress
        Called after each cell with the number done, the number in all and the cell.

    Returns
    -------
    Results
        One cell for each combination, in the order scenario, policy, seed.

    Raises
    ------
    InputError
        For scenarios or policies of one name, no seeds, or a negative one.
    """
    chosen = [policy_of(item) for item in policies]
    if all(item.name != STOCK for item in chosen):
        chosen.insert(0, POLICIES[STOCK])
    drawn = list(dict.fromkeys(seeds))
    _refuse_doubles("scenario", [scenario.name for scenario in scenarios])
    _refuse_doubles("policy", [item.name for item in chosen])
    if not drawn:
        message = "evaluate: no seeds; give at least one"
        raise InputError(message)
    if min(drawn) < 0:
        message = f"evaluate: seed {min(drawn)} is negative; use 0 for the arrivals as recorded, others to draw again"
        raise InputError(message)
    tasks = [Task(*combination, check) for combination in product(scenarios, chosen, drawn)]
    folder = None if out is None else Path(out) / "cells"
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    keys = [cell_key(task.scenario, task.policy, task.seed) for task in tasks]
    done: dict[int, Cell] = {}

    def finish(position: int, cell: Cell) -> None:
        done[position] = cell
        if progress is not None:
            progress(len(done), len(tasks), cell)

    missing = []
    for position, key in enumerate(keys):
        kept = None if folder is None or check else _kept(folder, key)
        if kept is None:
            missing.append(position)
        else:
            finish(position, kept)
    for position, cell in _played(tasks, missing, jobs or os.cpu_count() or 1):
        if folder is not None and cell.key:
            _keep(folder, cell)
        finish(position, cell)
    return Results(tuple(done[position] for position in range(len(tasks))))


def _refuse_doubles(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            message = f"evaluate: {what} {name} is given twice; give each a name of its own"
            raise InputError(message)


def _kept(folder: Path, key: str) -> Cell | None:
    path = folder / f"{key}.json"
    if not key or not path.is_file():
        return None
    try:
        cell = _DECODER.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None  # half a file of another day; the cell is played again
    return cell if cell.key == key else None


def _keep(folder: Path, cell: Cell) -> None:
    """Write a cell beside its place and move it there, so that nobody ever reads half of it."""
    path = folder / f"{cell.key}.json"
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(cell)))
    temporary.replace(path)


def _played(tasks: Sequence[Task], missing: Sequence[int], jobs: int) -> Iterable[tuple[int, Cell]]:
    sent = [position for position in missing if jobs > 1 and len(missing) > 1 and _can_be_sent(tasks[position])]
    here = sorted(set(missing) - set(sent))
    if sent:
        # A fresh interpreter a worker: a fork would take over the notebook's threads.
        context = multiprocessing.get_context("spawn")
        # Ctrl-C reaches the whole process group; this process alone decides what becomes of the workers.
        deaf = (signal.SIGINT, signal.SIG_IGN)
        with ProcessPoolExecutor(min(jobs, len(sent)), context, signal.signal, deaf) as pool:
            futures: dict[Future[Cell], int] = {pool.submit(_play, tasks[position]): position for position in sent}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # or leaving would wait for every cell to be played
                raise
    for position in here:
        yield position, _play(tasks[position])


def _can_be_sent(task: Task) -> bool:
    # A trial only: pickle is how processes send objects to each other, and nothing is ever unpickled from a file.
    try:
        sent = pickle.dumps(task.policy)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    # What a notebook defines is pickled as a name of a module that another process does not have.
    return b"__main__" not in sent


def _play(task: Task) -> Cell:
    return run_cell(task.scenario, task.policy, task.seed, check=task.check)
