"""Where cells are played: on this machine's cores, or on a Dask cluster; what is played is the same."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from drapolicy.errors import DrapolicyError, InputError
from drapolicy.evaluate.work import Played, play_packed
from drapolicy.evaluate.workers import over_processes


class Executor(Protocol):
    """Plays tasks somewhere else.

    ``play`` is called once an experiment, from one thread, and yields each task's position with its cell as soon as it
    is finished, in any order. Whoever leaves off reading gives up what is not finished.
    """

    def play(self, scenarios: Sequence[bytes], tasks: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, Played]]:
        """Play packed tasks, each with the position of its packed scenario.

        Raises
        ------
        DrapolicyError
            When workers are lost for good.
        """
        ...


@dataclass(frozen=True)
class Local:
    """Processes on this machine.

    Attributes
    ----------
    jobs
        How many; as many as cores by default.
    """

    jobs: int | None = None

    def play(self, scenarios: Sequence[bytes], tasks: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, Played]]:
        """Play packed tasks."""
        jobs = self.jobs or os.cpu_count() or 1
        yield from over_processes(_play_here, tasks, jobs, _begin, list(scenarios))


_scenarios: list[bytes] = []


def _begin(scenarios: list[bytes]) -> None:
    _scenarios[:] = scenarios


def _play_here(scenario: int, task: bytes) -> Played:
    return play_packed(_scenarios[scenario], task)


@dataclass(frozen=True)
class Dask:
    """An existing Dask cluster; its workers need drapolicy, of the same code.

    Attributes
    ----------
    address
        Of its scheduler, e.g. ``tcp://10.0.0.1:8786``.
    timeout_s
        How long to wait for the scheduler.
    """

    address: str
    timeout_s: float = 30.0

    def play(self, scenarios: Sequence[bytes], tasks: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, Played]]:
        """Play packed tasks; those of a worker that dies are played by another."""
        distributed = _distributed()
        with _quiet(), self._client(distributed) as client:
            run = uuid.uuid4().hex  # keys that an earlier run left on the scheduler stand for that run's answers
            # As tasks and not as scattered data: what a dead worker held is then made again.
            sent = [client.submit(bytes, blob, key=f"scenario-{run}-{n}") for n, blob in enumerate(scenarios)]
            futures = {
                client.submit(play_packed, sent[scenario], task, key=f"cell-{run}-{position}"): position
                for position, (scenario, task) in enumerate(tasks)
            }
            try:
                for future, played in distributed.as_completed(list(futures), client.loop, with_results=True):
                    if not isinstance(played, Played):  # without a scheduler, answers are errors
                        raise DrapolicyError(self._lost())
                    yield futures.pop(future), played
            except (distributed.comm.CommClosedError, distributed.client.CancelledError) as error:
                raise DrapolicyError(self._lost()) from error
            except distributed.scheduler.KilledWorker as error:
                message = (
                    "evaluate: a cell's workers died again and again, perhaps for want of memory; what is finished is "
                    "kept: run it again, with more memory a worker"
                )
                raise DrapolicyError(message) from error
            finally:
                with suppress(OSError):  # a scheduler that is gone has nothing to cancel
                    client.cancel(list(futures))

    def _lost(self) -> str:
        return (
            f"evaluate: the Dask scheduler at {self.address!r} is gone; what is finished is kept: start it, and run "
            "this again"
        )

    def _client(self, distributed: Any) -> Any:
        try:
            return distributed.Client(self.address, timeout=self.timeout_s, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            message = (
                f"evaluate: no Dask scheduler at {self.address!r} ({error}); give --address as `dask scheduler` says it"
            )
            raise InputError(message) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from logging tracebacks of what is raised here, in a sentence."""
    levels = {logger: logger.level for logger in map(logging.getLogger, ("distributed", "distributed.client"))}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        message = "evaluate: the package distributed is not installed; pip install 'drapolicy[dask]'"
        raise InputError(message) from error
    return distributed
