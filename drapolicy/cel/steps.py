"""Steps of an evaluation: operators that decide which operands run and what errors they absorb.

A step takes the frame of one evaluation, a list: the device's map, the account of costs if one is kept, then one slot
for each variable of a comprehension.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from drapolicy.cel import standard
from drapolicy.cel.errors import EvaluationError, FinalError
from drapolicy.cel.values import Optional, key, no_lister, no_overload

Frame = list[Any]
Run = Callable[[Frame], Any]


def attempt(run: Callable[..., Any], *args: Any) -> Any:
    """Return a value, or the error in its place."""
    try:
        return run(*args)
    except FinalError:
        raise
    except EvaluationError as error:
        return error


def domain_field(variable: str, domain: str, field: str) -> Run:
    """Return ``device.attributes[domain].field``, or of capacity."""

    def get(frame: Frame) -> Any:
        try:
            return frame[0][variable][domain][field]
        except KeyError:
            raise EvaluationError(f"no such key: {field}") from None

    return get


def binary(function: Callable[..., Any], left: Run, right: Run) -> Run:
    """Return a function of two operands."""
    return lambda frame: function(left(frame), right(frame))


def self_compared(function: Callable[..., Any], runs: list[Run]) -> Run:
    """Return a function that compares the elements of its last operand with each other.

    Upstream counts the cost of these without asking first whether the operand is a list, or an error; what then
    happens ends the evaluation.
    """

    def call(frame: Frame) -> Any:
        values = [attempt(run, frame) for run in runs]
        compared = values[-1]
        if type(compared) is not list:
            raise no_lister(compared)
        for value in values:
            if isinstance(value, EvaluationError):
                raise value
        return function(*values)

    return call


def hashed_membership(value: Run, members: list[Any]) -> Run:
    """Return a membership test in constants; upstream hashes them, and not every value can be looked up there."""

    def test(frame: Frame) -> bool:
        wanted = value(frame)
        # Only for its error: values that upstream cannot hash.
        key(wanted)
        return standard.contained(wanted, members)

    return test


def conjunction(left: Run, right: Run) -> Run:
    """Return ``&&``: false wins over an error on either side."""
    return _decided(left, right, by=False)


def disjunction(left: Run, right: Run) -> Run:
    """Return ``||``: true wins over an error on either side."""
    return _decided(left, right, by=True)


def _decided(left: Run, right: Run, *, by: bool) -> Run:
    """Return the operator that one operand of the value ``by`` decides."""

    def either(frame: Frame) -> Any:
        first = attempt(left, frame)
        if first is by:
            return by
        second = attempt(right, frame)
        if second is by:
            return by
        if type(first) is bool and type(second) is bool:
            return not by
        raise _failure(first, second)

    return either


def _failure(first: Any, second: Any) -> EvaluationError:
    """Return the error of the first operand that is not a bool."""
    wrong = second if type(first) is bool else first
    return wrong if isinstance(wrong, EvaluationError) else no_overload()


def conditional(condition: Run, positive: Run, negative: Run) -> Run:
    """Return a choice between two operands."""

    def choose(frame: Frame) -> Any:
        value = condition(frame)
        if value is True:
            return positive(frame)
        if value is False:
            return negative(frame)
        raise no_overload()

    return choose


def not_strictly_false(operand: Run) -> Run:
    """Return false for false alone; errors count as true."""
    return lambda frame: attempt(operand, frame) is not False


def alternative(first: Run, second: Run, *, unwrap: bool, strict: bool) -> Run:
    """Return an optional operand, or a second one where it is empty; ``strict`` refuses what is no optional."""

    def choose(frame: Frame) -> Any:
        value = first(frame)
        if type(value) is not Optional:
            if not strict:
                return value
            raise no_overload()
        if value.present:
            return value.value if unwrap else value
        return second(frame)

    return choose


def listed(runs: Sequence[Run], optional: Container[int]) -> Run:
    """Return a list of the values of steps; those at ``optional`` positions are left out where they are empty."""

    def make(frame: Frame) -> list[Any]:
        values = []
        for index, run in enumerate(runs):
            value = run(frame)
            if index in optional:
                if type(value) is not Optional:
                    raise EvaluationError(f"cannot initialize optional list element from non-optional value {value}")
                if not value.present:
                    continue
                value = value.value
            values.append(value)
        return values

    return make


def mapped(entries: Sequence[tuple[Run, Run, bool]]) -> Run:
    """Return a map of the values of steps, name and value each; optional entries are left out where they are empty."""

    def make(frame: Frame) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        for name, run, optional in entries:
            entry, value = name(frame), run(frame)
            entry = key(entry)
            if optional:
                if type(value) is not Optional:
                    raise EvaluationError(f"cannot initialize optional entry '{entry}' from non-optional value {value}")
                if not value.present:
                    values.pop(entry, None)
                    continue
                value = value.value
            values[entry] = value
        return values

    return make
