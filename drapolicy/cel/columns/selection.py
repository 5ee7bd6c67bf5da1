"""A selector on all devices at once (K8s S56)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drapolicy.cel.columns.column import Codes, Column, first_devices, joint
from drapolicy.cel.columns.evaluation import Evaluation
from drapolicy.cel.columns.table import Table
from drapolicy.cel.device import DeviceView
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.program import Program, compile  # noqa: A004


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The outcome of one selector on each of D devices.

    Attributes
    ----------
    matches
        ndarray of shape (D,), bool; whether the device matches, false where the selector fails.
    errors
        ndarray of shape (D,), bool; whether the selector fails on the device.
    message
        ndarray of shape (D,), int32; index into ``messages``, -1 where the selector does not fail.
    messages
        Texts of the errors, as of :class:`drapolicy.cel.EvaluationError`; some may be those of no device.
    path
        ``compiled`` when every part of the expression ran on columns of the names that it mentions; ``by signature``
        when it needs a whole map of the device or much of the cost limit, so that it ran once per distinct device.
    """

    matches: NDArray[np.bool_]
    errors: NDArray[np.bool_]
    message: NDArray[np.int32]
    messages: tuple[str, ...]
    path: Literal["compiled", "by signature"]

    def __post_init__(self) -> None:
        for array in (self.matches, self.errors, self.message):
            array.flags.writeable = False

    def error(self, d: int) -> str | None:
        """Return the text of the error on one device, None if there is none."""
        code = int(self.message[d])
        return self.messages[code] if code >= 0 else None


def select(table: Table, expression: str) -> Selection:
    """Return the outcome of a selector on all devices, equal to :meth:`drapolicy.cel.Program.evaluate` on each.

    Parameters
    ----------
    table
        The devices.
    expression
        A CEL expression over ``device``.

    Raises
    ------
    CompileError
        As of :func:`drapolicy.cel.compile`.

    Examples
    --------
    >>> from drapolicy.cel.columns import Cells
    >>> nothing = Cells(np.full(3, -1), [])
    >>> numa = Cells(np.array([0, 1, -1]), [1, 2])
    >>> driver = Cells(np.zeros(3, np.int8), ["gpu.example.com"])
    >>> table = Table(driver, nothing, {"numa": numa}, {}, nothing, scale=32)
    >>> found = select(table, 'device.attributes["gpu.example.com"].numa == 1')
    >>> found.matches.tolist(), found.errors.tolist(), found.error(2)
    ([True, False, False], [False, False, True], 'no such key: numa')
    """
    program = compile(expression, table.release)
    evaluation = Evaluation(program, table)
    column = evaluation.column(program.checked.root)
    if evaluation.too_dear:
        codes, verdicts = _by_signature(table, evaluation.read, program)
        return _scattered(table, codes, verdicts, "by signature")
    verdicts = [_verdict(outcome) for outcome in column.values]
    return _scattered(table, column.codes, verdicts, "by signature" if evaluation.whole else "compiled")


def _verdict(outcome: Any) -> bool | str:
    """Return what a result comes to, or the text of the error."""
    if type(outcome) is bool:
        return outcome
    if isinstance(outcome, EvaluationError):
        return outcome.message
    # Any other value becomes a bool, or not, as the value of a device's attribute would.
    return _evaluated(compile('device.attributes["d"].v'), DeviceView({"attributes": {"d": {"v": outcome}}}))


def _evaluated(program: Program, view: DeviceView) -> bool | str:
    try:
        return program.evaluate(view)
    except EvaluationError as error:
        return error.message


def _by_signature(table: Table, read: Sequence[Column], program: Program) -> tuple[Codes | None, list[bool | str]]:
    """Evaluate a program on one device of each kind that the columns it reads tell apart."""
    codes, rows = joint([Column(column.codes, range(len(column.values))) for column in read])
    if codes is None:
        return None, [_evaluated(program, table.view(0)) if len(table) else False]
    first = first_devices(codes, len(rows))
    return codes, [_evaluated(program, table.view(d)) if d >= 0 else False for d in first]


def _scattered(
    table: Table, codes: Codes | None, verdicts: Sequence[bool | str], path: Literal["compiled", "by signature"]
) -> Selection:
    """Give every device the verdict of its code, or its own fault."""
    if codes is None:
        codes = np.zeros(len(table), np.uint8)
    texts: dict[str, int] = {}
    place = [texts.setdefault(text, len(texts)) if isinstance(text, str) else -1 for text in verdicts]
    matches = np.array([verdict is True for verdict in verdicts], np.bool_)[codes]
    message = np.array(place, np.int32)[codes]
    faulty = table.faults.codes >= 0
    if faulty.any():
        faults = [texts.setdefault(text, len(texts)) for text in table.faults.values]
        matches[faulty] = False
        message[faulty] = np.array(faults, np.int32)[table.faults.codes[faulty]]
    return Selection(matches, message >= 0, message, tuple(texts), path)
