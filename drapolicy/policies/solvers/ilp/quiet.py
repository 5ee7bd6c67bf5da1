"""Solvers that write to the process's standard output are kept off it: that is for machine output."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_LOCK = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Send what native code writes to standard output nowhere.

    HiGHS writes its name and version there once a process, whatever its options say. Native buffers are emptied before
    and after, for what is in them at the end would still come out.
    """
    with _LOCK:
        kept = _standard_output()
        try:
            yield
        finally:
            if kept is not None:
                _flush()
                os.dup2(kept, 1)
                os.close(kept)


def _standard_output() -> int | None:
    """Send standard output nowhere; return a descriptor of where it went, None where there is none."""
    try:
        kept = os.dup(1)
    except OSError:
        return None
    if sys.stdout is not None:
        sys.stdout.flush()
    _flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return kept


def _flush() -> None:
    try:
        ctypes.CDLL(None).fflush(None)
    except (AttributeError, OSError, TypeError):  # No such library by no name: Windows.
        return
