"""The evaluator's function of one part of an expression whose operands are known already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.evaluator import Builder
from drapolicy.cel.program import Program
from drapolicy.cel.syntax import Ident, Node
from drapolicy.cel.tracker import Tracker
from drapolicy.cel.tracking import TrackedBuilder


def slot(place: int) -> Ident:
    """Return the node that stands for the operand at a place."""
    return Ident(-1 - place, f"device.{place}")


class _Operands(dict[str, Any]):
    """What a step reads in place of the device; an operand that is an error fails when it is read."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, EvaluationError):
            raise value.with_traceback(None)
        return value


class Step:
    """A function of operands, errors among them, that returns an outcome.

    Parameters
    ----------
    node
        A part of the expression with :func:`slot` in place of its operands.
    program
        The whole.
    limit
        What a call may cost; None if no account is to be kept.

    Attributes
    ----------
    dearest
        Cost of the most expensive call so far; 0 when no account is kept.
    """

    def __init__(self, node: Node, program: Program, limit: int | None = None) -> None:
        make = Builder if limit is None else TrackedBuilder
        builder = make(replace(program.checked, root=node), program.expression, program.environment)
        self._run = builder.build(node)
        self._limit = limit
        self._operands = _Operands()
        self._frame: list[Any] = [self._operands, None, *[None] * (builder.slots - 2)]
        self.dearest = 0

    def __call__(self, operands: Sequence[Any]) -> Any:
        """Return the value, or the error in its place."""
        for place, value in enumerate(operands):
            self._operands[str(place)] = value
        if self._limit is None:
            return self._outcome()
        tracker = self._frame[1] = Tracker(self._limit)
        outcome = self._outcome()
        self.dearest = max(self.dearest, tracker.cost)
        return outcome

    def _outcome(self) -> Any:
        try:
            return self._run(self._frame)
        except EvaluationError as error:
            # Outcomes may be kept for long; the frames that an error came through must not be.
            error.__context__ = None
            return error.with_traceback(None)
