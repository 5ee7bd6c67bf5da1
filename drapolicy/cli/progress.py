"""How far long work is, on standard error; and how it is interrupted."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from drapolicy.cli.output import note, plain
from drapolicy.evaluate.experiment import Progress, Step

_EVERY_S = 10.0


class Counts(Protocol):
    """Shows how many parts of how many are done, what the last one was, and whether it was there before."""

    def __call__(self, done: int, total: int, what: str, *, kept: bool = False) -> None:
        """Show it."""
        ...


class Pace:
    """How long work takes still, by what was played since it began; what was there already took no time.

    Examples
    --------
    >>> pace = Pace(now=0.0)
    >>> pace.step(10, 42, kept=True), pace.step(11, 42), pace.step(12, 42)
    (None, None, None)
    >>> pace.told(now=10.0)
    '2:30 left'
    """

    def __init__(self, now: float) -> None:
        self.began = now
        self.played = 0
        self.left = 0

    def step(self, done: int, total: int, *, kept: bool = False) -> None:
        """Count a part."""
        self.played += not kept
        self.left = total - done

    def told(self, now: float) -> str:
        """Return the time left in words; empty before anything was played."""
        if not self.played:
            return ""
        minutes, seconds = divmod(round(self.left * (now - self.began) / self.played), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Give a function that shows how far an experiment is."""
    with shown_counts() as show:

        def step(step: Step) -> None:
            cell = step.cell
            show(step.done, step.total, f"{cell.scenario} with {cell.policy}, seed {cell.seed}", kept=step.kept)

        yield step


@contextmanager
def shown_counts() -> Iterator[Counts]:
    """Give a function that shows how far work is: a bar on a terminal, a line now and then elsewhere."""
    pace = Pace(time.monotonic())
    if not sys.stderr.isatty():
        last = time.monotonic()

        def say(done: int, total: int, what: str, *, kept: bool = False) -> None:
            nonlocal last
            pace.step(done, total, kept=kept)
            now = time.monotonic()
            if now - last >= _EVERY_S:
                last = now
                note(", ".join(filter(None, (f"{done} of {total} played", pace.told(now), f"last {what}"))))

        yield say
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("playing", total=None, left="")

        def update(done: int, total: int, what: str, *, kept: bool = False) -> None:
            pace.step(done, total, kept=kept)
            bar.update(task, completed=done, total=total, description=plain(what), left=pace.told(time.monotonic()))

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
