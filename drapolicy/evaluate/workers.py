"""Processes of this machine that play: they end with who started them, and Ctrl-C is for that one alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Any, TypeVar

from drapolicy.errors import DrapolicyError

T = TypeVar("T")


def over_processes(
    play: Callable[..., T], tasks: Sequence[tuple[Any, ...]], jobs: int, begin: Callable[[Any], None], given: Any
) -> Iterator[tuple[int, T]]:
    """Yield each task's position with its answer, as soon as it is there.

    Parameters
    ----------
    play
        Called in a worker with a task's parts.
    tasks
        What is to be done. Whoever leaves off reading gives up what is not finished.
    jobs
        Number of processes.
    begin, given
        What each worker calls first, and with what.

    Raises
    ------
    DrapolicyError
        When a worker is lost; its task is the reason, most likely.
    """
    # A fresh interpreter a worker: a fork would take over the notebook's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), context, _begin, (begin, given)) as pool:
        futures = {}
        try:
            for position, task in enumerate(tasks):
                with _held_back():
                    futures[pool.submit(play, *task)] = position
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            message = (
                "evaluate: a worker process ended without an answer, perhaps for want of memory; run it again, with "
                "fewer --jobs: finished cells are kept"
            )
            raise DrapolicyError(message) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # or leaving would wait for every task


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold Ctrl-C back until a process is started, which inherits that: it would fail halfway, and say so at length."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(begin: Callable[[Any], None], given: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where signals cannot be held back
    threading.Thread(target=_follow, daemon=True).start()
    begin(given)


def _follow() -> None:
    """End with the process that started this one: it may be killed, and nobody would ever ask for the answer."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
