"""Functions by name and overload, chosen by the values at hand as cel-go chooses them (K8s S57)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.syntax import Type
from drapolicy.cel.values import type_name

Function = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])

_TYPES = {
    "Quantity": "kubernetes.Quantity",
    "Semver": "kubernetes.Semver",
    "URL": "kubernetes.URL",
    "NamedFormat": "kubernetes.NamedFormat",
    "IP": "net.IP",
    "CIDR": "net.CIDR",
    "duration": "google.protobuf.Duration",
    "timestamp": "google.protobuf.Timestamp",
}


class Overloads:
    """All overloads of one function; calling it picks the one whose parameters take the arguments.

    Attributes
    ----------
    name
        Of the function.
    rows
        Parameter types and the function of each overload; earlier ones win.
    """

    __slots__ = ("name", "rows")

    def __init__(self, name: str, rows: Iterable[tuple[tuple[str, ...], Function]] = ()) -> None:
        self.name = name
        self.rows = list(rows)

    def add(self, parameters: tuple[str, ...], function: Function) -> None:
        """Add an overload; earlier ones win."""
        self.rows.append((tuple(_TYPES.get(name, name) for name in parameters), function))

    @classmethod
    def joined(cls, first: Function, second: Function) -> Overloads:
        """Return a function that has the overloads of two libraries."""
        assert isinstance(first, Overloads)
        assert isinstance(second, Overloads)
        return cls(first.name, [*first.rows, *second.rows])

    def narrowed(self, kinds: tuple[Type, ...]) -> Overloads:
        """Return the function with the overloads for some static types alone, for a call that can be no other."""
        rows = [row for row in self.rows if len(row[0]) == len(kinds) and all(map(_covers, row[0], kinds))]
        return Overloads(self.name, rows) if 0 < len(rows) < len(self.rows) else self

    def __call__(self, *args: Any) -> Any:
        """Return the result of the first overload that takes the arguments."""
        for parameters, function in self.rows:
            if len(parameters) == len(args) and all(map(accepts, parameters, args)):
                return function(*args)
        names = ", ".join(type_name(arg) for arg in args)
        raise EvaluationError(f"no such overload: {self.name}({names})")


def _covers(parameter: str, kind: Type) -> bool:
    """Return whether a parameter may be declared with a static type."""
    name, inner = kind
    if parameter in {"dyn", name} or name.startswith("?"):
        return True
    if name != "list" or not parameter.startswith("list("):
        return False
    element = _TYPES.get(parameter[5:-1], parameter[5:-1])
    return element in {"dyn", inner[0][0]} or inner[0][0].startswith("?")


def accepts(parameter: str, value: Any) -> bool:
    """Return whether a value fits a parameter; of a list only the first element is looked at, as upstream does."""
    if parameter == "dyn":
        return True
    name = type_name(value)
    if parameter == name:
        return True
    if parameter.startswith("list(") and name == "list":
        return not value or accepts(_TYPES.get(parameter[5:-1], parameter[5:-1]), value[0])
    return False


class Library:
    """A table of functions being filled by decorators."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}

    def overload(self, name: str, *parameters: str) -> Callable[[F], F]:
        """Register an overload whose parameter types are checked, and named in the error when none fits.

        A name with a leading dot is a member function that shares its name with a global one.
        """

        def register(function: F) -> F:
            overloads = self.functions.setdefault(name, Overloads(name.removeprefix(".")))
            assert isinstance(overloads, Overloads)
            overloads.add(parameters, function)
            return function

        return register

    def function(self, name: str) -> Callable[[F], F]:
        """Register a function that checks its arguments itself."""

        def register(function: F) -> F:
            self.functions[name] = function
            return function

        return register


def merge(*libraries: Library) -> dict[str, Function]:
    """Return the functions of several libraries; one name may have overloads in more than one."""
    merged: dict[str, Function] = {}
    for library in libraries:
        for name, function in library.functions.items():
            known = merged.get(name)
            merged[name] = function if known is None else Overloads.joined(known, function)
    return merged
