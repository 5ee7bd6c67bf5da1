"""What a worker does, in another process or on another machine: unpack scenario and policy, play, hand the cell back.

Objects travel as bytes that ``cloudpickle`` makes of them, between processes that started each other; what is read from
disk is never unpickled.
"""

from __future__ import annotations

import io
import pickle
import platform
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import drapolicy
from drapolicy.errors import InputError
from drapolicy.evaluate.cell import Cell, code_digest, run_cell
from drapolicy.evaluate.store import Circumstances
from drapolicy.policies import Policy, Term
from drapolicy.simulate import Scenario

COMPUTE = ("numpy", "scipy", "highspy", "numba")


@dataclass(frozen=True)
class Task:
    """A cell to be played.

    Attributes
    ----------
    scenario
        Position of its scenario.
    policy, seed, draws, check
        What is played, and whether every placement is verified.
    key
        Of the cell.
    code
        Digest of the code that has to play it.
    """

    scenario: int
    policy: Policy
    seed: int
    draws: int
    check: bool
    key: str
    code: str


@dataclass(frozen=True)
class Played:
    """A cell that was played, and how that went."""

    cell: Cell
    how: Circumstances


def packed(thing: Any) -> bytes:
    """Return an object as bytes; functions and classes of a notebook, or of an experiment's own file, travel whole.

    Raises
    ------
    InputError
        For what cannot travel, such as a policy that holds a lock or an open file.
    """
    import cloudpickle

    by_value = {"__main__", *cloudpickle.list_registry_pickle_by_value()}

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # has no types
        def reducer_override(self, found: Any) -> Any:
            # A term names itself, for which the other process would need its module.
            if isinstance(found, Term) and found.function.__module__ in by_value:
                return Term, tuple(getattr(found, field.name) for field in fields(found))
            return super().reducer_override(found)

    sink = io.BytesIO()
    try:
        Pickler(sink).dump(thing)
        return sink.getvalue()
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError) as error:
        message = f"{type(thing).__name__}: cannot be sent to another process: {error}"
        raise InputError(message) from error


def play_packed(scenario: bytes, task: bytes) -> Played:
    """Play a packed task of a packed scenario."""
    return play_task(_scenario(scenario), pickle.loads(task))  # noqa: S301 - made by the process that started this one


@lru_cache(maxsize=4)
def _scenario(packed_scenario: bytes) -> Scenario:
    found: Scenario = pickle.loads(packed_scenario)  # noqa: S301 - the same
    return found


def play_task(scenario: Scenario, task: Task) -> Played:
    """Play a task.

    Raises
    ------
    InputError
        When another code of drapolicy is here than the one that sent the task: its result would be filed wrongly.
    """
    if task.code != code_digest():
        message = (
            f"evaluate: worker on {socket.gethostname()} has other code of drapolicy ({drapolicy.__version__}) than "
            "what started the experiment; install the same there, and let it alone while an experiment runs"
        )
        raise InputError(message)
    started, before = datetime.now(UTC), time.perf_counter()
    cell = run_cell(scenario, task.policy, task.seed, draws=task.draws, check=task.check, key=task.key)
    how = Circumstances(
        key=task.key,
        results="",
        seconds=cell.seconds,
        wall_seconds=time.perf_counter() - before,
        started=started.isoformat(),
        ended=datetime.now(UTC).isoformat(),
        host=socket.gethostname(),
        platform=platform.platform(),
        versions=versions(),
        checked=task.check,
        decision_us=cell.decision_us,
    )
    return Played(cell, how)


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute."""
    found = {"python": sys.version.split()[0], "drapolicy": drapolicy.__version__}
    for package in COMPUTE:
        with suppress(PackageNotFoundError):  # numba may be left out
            found[package] = version(package)
    return found
