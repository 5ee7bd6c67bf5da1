"""Attributes that a request derives from its devices with an expression (K8s S53)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drapolicy.api.resource import DeviceAttribute
from drapolicy.cel.cost import Range
from drapolicy.cel.device import DeviceView
from drapolicy.cel.environment import environment
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.program import Program, compile_in
from drapolicy.cel.semver import Semver
from drapolicy.cel.values import Optional, TypeName, go_value_name
from drapolicy.release import Release

# Most that the derived attributes of one claim may cost together by their estimates (API validation).
CLAIM_LIMIT = 1_000_000

_FIELDS: dict[type, str] = {bool: "bool", int: "int", str: "string", Semver: "version"}
_WORDS = {"bool": "bool", "int": "int", "string": "string", "version": "semver"}


@dataclass(frozen=True, slots=True, eq=False)
class AttributeProgram:
    """A compiled expression of a derived attribute; it holds no state."""

    program: Program

    @property
    def expression(self) -> str:
        """The expression as given."""
        return self.program.expression

    @property
    def estimated_cost(self) -> Range:
        """Return the least and the most that an evaluation may cost by cel-go's estimate.

        API validation adds the most of all derived attributes of a claim up, and refuses a sum above
        :data:`CLAIM_LIMIT`.
        """
        return self.program.estimated_cost

    def evaluate(self, view: DeviceView) -> DeviceAttribute:
        """Return the attribute of a device.

        Parameters
        ----------
        view
            The device, from :func:`drapolicy.cel.device_view`.

        Raises
        ------
        EvaluationError
            With upstream's text of the runtime error, or of why the value is not one of an attribute.
        """
        return _attribute(self.program.value(view))


def compile_attribute(expression: str, release: Release | None = None) -> AttributeProgram:
    """Return the expression of a derived attribute ready to evaluate.

    Parameters
    ----------
    expression
        A CEL expression over ``device``, of bool, int, string, version, a list of one of these, or a type known only
        when it runs.
    release
        Kubernetes release with its gates; None for 1.37.

    Raises
    ------
    CompileError
        As of :func:`drapolicy.cel.compile`.

    Examples
    --------
    >>> from drapolicy.api.resource import Device
    >>> from drapolicy.cel import device_view
    >>> program = compile_attribute('device.driver.split(".")[0]')
    >>> program.evaluate(device_view("gpu.example.com", Device(name="gpu-0"))).string_value
    'gpu'
    """
    return AttributeProgram(compile_in(expression, environment(release), derived=True))


def _attribute(value: Any) -> DeviceAttribute:
    # Upstream looks at the Go value inside, where an optional is what it holds and a type is its name.
    inner = _inner(value)
    if (kind := _FIELDS.get(type(inner))) is not None:
        return DeviceAttribute(**{f"{kind}_value": _plain(inner)})
    if type(value) is not list:
        raise EvaluationError(f"unsupported CEL return type: {go_value_name(inner)}")
    if not value:
        return DeviceAttribute(string_values=[])
    elements = [_inner(element) for element in value]
    kind = _FIELDS.get(type(elements[0]))
    if kind is None:
        raise EvaluationError(f"unsupported list element type: {go_value_name(elements[0])}")
    for index, element in enumerate(elements):
        if _FIELDS.get(type(element)) != kind:
            name = go_value_name(element)
            raise EvaluationError(f"expected list element at index {index} to be {_WORDS[kind]}, got {name}")
    lists: dict[str, Any] = {f"{kind}_values": [_plain(element) for element in elements]}
    return DeviceAttribute(**lists)


def _inner(value: Any) -> Any:
    while type(value) is Optional and value.present:
        value = value.value
    return value.name if type(value) is TypeName else value


def _plain(value: Any) -> Any:
    return value.text if type(value) is Semver else value
