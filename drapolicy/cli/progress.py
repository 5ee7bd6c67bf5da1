"""How far long work is, on standard error; and how it is interrupted."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from drapolicy.cli.output import note
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.experiment import Progress

_EVERY_S = 10.0


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Give a function that shows progress: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        last = time.monotonic()

        def say(done: int, total: int, cell: Cell) -> None:
            nonlocal last
            if time.monotonic() - last >= _EVERY_S:
                last = time.monotonic()
                note(f"{done} of {total} played, last {cell.scenario} with {cell.policy}, seed {cell.seed}")

        yield say
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("playing", total=None)

        def update(done: int, total: int, cell: Cell) -> None:
            bar.update(task, completed=done, total=total, description=f"{cell.scenario} {cell.policy}")

        yield update


@contextmanager
def shown_counts() -> Iterator[Callable[[int, int, str], None]]:
    """Give a function that shows how many parts of how many are done and what the last one was, as above."""
    if not sys.stderr.isatty():
        last = time.monotonic()

        def say(done: int, total: int, what: str) -> None:
            nonlocal last
            if time.monotonic() - last >= _EVERY_S:
                last = time.monotonic()
                note(f"{done} of {total} played, last {what}")

        yield say
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("playing", total=None)

        def update(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield update


@contextmanager
def interruptible() -> Iterator[None]:
    """End worker processes at the first Ctrl-C; waiting for them would play on to the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
