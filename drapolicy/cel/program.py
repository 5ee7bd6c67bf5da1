"""Selectors compiled once and evaluated on any number of devices (K8s S56)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from drapolicy.cel.checker import type_check
from drapolicy.cel.cost import Range
from drapolicy.cel.device import DeviceView
from drapolicy.cel.environment import Environment, environment
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.estimate import estimate
from drapolicy.cel.evaluator import Builder
from drapolicy.cel.headroom import free_to
from drapolicy.cel.rules import validate
from drapolicy.cel.steps import Run
from drapolicy.cel.syntax import Checked
from drapolicy.cel.tracker import Tracker
from drapolicy.cel.tracking import TrackedBuilder
from drapolicy.cel.values import Optional, type_name
from drapolicy.release import Release

# Kubernetes refuses longer ones (CELSelectorExpressionMaxLength).
MAX_BYTES = 10 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A compiled selector; it holds no state, so one may be shared by all who evaluate it.

    Attributes
    ----------
    expression
        The expression as given.
    checked
        The expression parsed and type-checked.
    environment
        What it is made of.
    derived
        It computes an attribute, and is no selector.
    free_to
        Largest scale of a device that surely costs less than the limit; for larger ones an account is kept.
    """

    expression: str
    checked: Checked
    environment: Environment
    derived: bool
    free_to: int
    _run: Run
    _slots: int

    def __reduce__(self) -> tuple[Callable[[str, Environment, bool], Program], tuple[str, Environment, bool]]:
        return compile_in, (self.expression, self.environment, self.derived)

    def evaluate(self, view: DeviceView) -> bool:
        """Return whether a device matches.

        Parameters
        ----------
        view
            The device, from :func:`drapolicy.cel.device_view`.

        Raises
        ------
        EvaluationError
            With upstream's text of the runtime error, which aborts the allocation of the pod (K8s S56).
        """
        return _bool(self.value(view))

    def value(self, view: DeviceView) -> Any:
        """Return the CEL value of the expression, whatever its type.

        Raises
        ------
        EvaluationError
            With upstream's text of the runtime error.
        """
        if (fault := view.fault_in(self.environment)) is not None:
            raise EvaluationError(fault)
        if view.scale > self.free_to:
            run, slots = _tracked(self)
            return run([view.device, Tracker(), *[None] * (slots - 2)])
        return self._run([view.device, None, *[None] * (self._slots - 2)])

    def actual_cost(self, view: DeviceView) -> int:
        """Return what evaluating a device costs, in units of cel-go; an evaluation that fails costs what it spent.

        Parameters
        ----------
        view
            The device, from :func:`drapolicy.cel.device_view`.
        """
        tracker = Tracker()
        run, slots = _tracked(self)
        if view.fault_in(self.environment) is None:
            with suppress(EvaluationError):
                run([view.device, tracker, *[None] * (slots - 2)])
        return tracker.cost % 2**64

    @property
    def estimated_cost(self) -> Range:
        """Return the least and the most that an evaluation may cost by cel-go's estimate.

        API validation refuses selectors that may cost more than :data:`drapolicy.cel.cost.LIMIT`.
        """
        return estimate(self.checked, self.environment)


def _bool(result: Any) -> bool:
    if type(result) is bool:
        return result
    if type(result) is Optional and type(result.value) is bool:
        return result.value
    raise _not_bool(result)


@lru_cache(maxsize=256)
def _tracked(program: Program) -> tuple[Run, int]:
    builder = TrackedBuilder(program.checked, program.expression, program.environment)
    run = builder.build(program.checked.root)
    return run, builder.slots


# Upstream's conversions to bool, which each type words its own way.
_NO_BOOL = {
    "string": "unsupported native conversion from string to 'bool'",
    "int": "unsupported type conversion from 'int' to bool",
    "uint": "unsupported type conversion from 'uint' to bool",
    "double": "type conversion error from Double to 'bool'",
    "bytes": "type conversion error from Bytes to 'bool'",
    "list": "type conversion error from list to 'bool'",
    "map": "type conversion error from map to 'bool'",
    "type": "type conversion not supported for 'type'",
    "optional_type": "optional.none() dereference",
}


def _not_bool(value: Any) -> EvaluationError:
    name = type_name(value)
    reason = _NO_BOOL.get(name) or f"type conversion error from '{name.rpartition('.')[2]}' to 'bool'"
    return EvaluationError(f"CEL result of type {name} could not be converted to bool: {reason}")


@lru_cache(maxsize=1024)
def _compiled(expression: str, environment: Environment, derived: bool) -> Program | CompileError:
    """Return the program, or the error in its place, so that both are kept."""
    size = len(expression.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        return CompileError(f"the expression has {size} bytes; at most {MAX_BYTES} are allowed", expression)
    try:
        checked = type_check(expression, environment)
        validate(checked, expression, environment, derived=derived)
        builder = Builder(checked, expression, environment)
        run = builder.build(checked.root)
    except CompileError as error:
        return error
    return Program(expression, checked, environment, derived, free_to(checked), run, builder.slots)


def compile_in(expression: str, environment: Environment, derived: bool = False) -> Program:
    """Return a program made for an environment, from :func:`drapolicy.cel.environment.environment`.

    Raises
    ------
    CompileError
        As of :func:`compile`.
    """
    result = _compiled(expression, environment, derived)
    if isinstance(result, CompileError):
        raise CompileError(str(result), expression, unsupported=result.unsupported)
    return result


def compile(expression: str, release: Release | None = None) -> Program:  # noqa: A001
    """Return a selector ready to evaluate, as the scheduler sees it; the last thousand are kept.

    Parameters
    ----------
    expression
        A CEL expression over ``device``, of bool or of a type known only when it runs.
    release
        Kubernetes release with its gates; None for 1.37. Releases for which an expression means the same share
        programs.

    Raises
    ------
    CompileError
        With upstream's text, or ``not supported by drapolicy`` and what is not.

    Examples
    --------
    >>> from drapolicy.api.resource import Device
    >>> from drapolicy.cel import device_view
    >>> compile('device.driver == "gpu.example.com"').evaluate(device_view("gpu.example.com", Device(name="gpu-0")))
    True
    """
    return compile_in(expression, environment(release))
