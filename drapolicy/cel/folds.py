"""Comprehensions: what they run over, and how their accumulator grows (K8s S56)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drapolicy.cel import lists
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.steps import Frame, Run, attempt
from drapolicy.cel.values import MAPS, go_name, unkey

_GROWING = MAPS | {list}
# A slot that nothing was put into yet.
_UNSET = object()


def accumulated(slot: int, start: Run) -> Run:
    """Return the step that reads an accumulator, which is made when it is first read."""

    def read(frame: Frame) -> Any:
        value = frame[slot]
        if value is _UNSET:
            value = attempt(start, frame)
            if type(value) in _GROWING and not value:
                # Upstream puts a new list or map here, which may grow; missing keys of such a map are errors.
                value = [] if type(value) is list else {}
            frame[slot] = value
        if isinstance(value, EvaluationError):
            raise value
        return value

    return read


def folding(
    over: Run,
    condition: Run,
    step: Run,
    result: Run,
    *,
    slots: tuple[int, int, int],
    fresh: Callable[[], Any] | None,
    two: bool,
) -> Run:
    """Return a comprehension.

    Parameters
    ----------
    over
        What it runs over.
    condition
        Before each round; false ends it.
    step
        The accumulator's next value.
    result
        What is made of the last one.
    slots
        Of the accumulator and the two iteration variables.
    fresh
        Makes what the accumulator starts from; None, it starts from what reading it gives.
    two
        Whether there are two iteration variables.
    """
    accumulator, first, second = slots

    def fold(frame: Frame) -> Any:
        values = over(frame)
        items = _pairs(values) if two else _elements(values)
        frame[accumulator] = _UNSET if fresh is None else fresh()
        for item in items:
            if two:
                frame[first], frame[second] = item
            else:
                frame[first] = item
            if attempt(condition, frame) is False:
                break
            frame[accumulator] = attempt(step, frame)
        return result(frame)

    return fold


def appending(read: Run, item: Run) -> Run:
    """Return a step that appends to the list behind ``read``."""

    def step(frame: Frame) -> Any:
        values = read(frame)
        values.append(item(frame))
        return values

    return step


def inserting(read: Run, added: list[Run]) -> Run:
    """Return a step that adds entries to the map behind ``read``."""

    def step(frame: Frame) -> Any:
        values = read(frame)
        lists.insert(values, *[run(frame) for run in added])
        return values

    return step


def _elements(values: Any) -> list[Any]:
    """Return what a comprehension of one variable runs over."""
    if type(values) is list:
        return values
    if isinstance(values, dict):
        return [unkey(entry) for entry in values]
    raise EvaluationError(f"got '{go_name(values)}', expected iterable type")


def _pairs(values: Any) -> list[tuple[Any, Any]]:
    """Return what a comprehension of two variables runs over."""
    if type(values) is list:
        return list(enumerate(values))
    if type(values) in MAPS:
        return [(unkey(entry), value) for entry, value in values.items()]
    raise EvaluationError(f"unsupported comprehension range type: {go_name(values)}")
