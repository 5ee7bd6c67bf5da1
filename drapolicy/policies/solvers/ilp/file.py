"""Programmes as files that other solvers read: LP or MPS."""

from __future__ import annotations

from pathlib import Path

import pulp

from drapolicy.api.files import write_whole
from drapolicy.errors import InputError

KINDS = (".lp", ".mps")


def check_name(path: str | Path) -> None:
    """Refuse the name of a file that tells no kind.

    Raises
    ------
    InputError
        Names the kinds.
    """
    if Path(path).suffix.lower() not in KINDS:
        message = f"programme: file {path} ends in neither .lp nor .mps; use one of them"
        raise InputError(message)


def write_file(problem: pulp.LpProblem, path: str | Path) -> None:
    """Write a programme, as LP or MPS by the name of the file.

    Raises
    ------
    InputError
        As :func:`check_name`, and where the file cannot be written.
    """
    check_name(path)
    lp = Path(path).suffix.lower() == ".lp"
    try:
        write_whole(
            Path(path),
            lambda beside: problem.writeLP(str(beside)) if lp else problem.writeMPS(str(beside), with_objsense=True),
        )
    except OSError as error:
        message = f"programme: file {path} cannot be written: {error.strerror}"
        raise InputError(message) from None
