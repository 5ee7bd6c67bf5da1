"""Static types: which fits where, and what type parameters come to stand for, as cel-go decides it (K8s S57).

A type is its name and parameters (:data:`drapolicy.cel.syntax.Type`). Names that begin with a question mark are type
parameters; ``any`` is upstream's type of attribute values before lists were allowed, which is ``dyn`` in most ways.
"""

from __future__ import annotations

from typing import Final

from drapolicy.cel.syntax import DYN, ERROR, Type

_SCALARS: Final = frozenset({"bool", "bytes", "double", "int", "string", "uint"})
_OPAQUE: Final = frozenset({"optional_type", "net.IP", "net.CIDR"})
_GENERIC: Final = _OPAQUE | {"list", "map", "type"}
_WRITTEN: Final = {
    "null_type": "null",
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
}


def written(kind: Type) -> str:
    """Return a type as faults of expressions write it."""
    name, parameters = kind
    name = _WRITTEN.get(name, name).removeprefix("?")
    return f"{name}({', '.join(map(written, parameters))})" if parameters else name


def full_text(kind: Type) -> str:
    """Return a type by its full name, as the fault about an expression's result writes it."""
    name, parameters = kind
    name = "google.protobuf.Any" if name == "any" else name
    return f"{name}({', '.join(map(full_text, parameters))})" if parameters else name


def is_parameter(kind: Type) -> bool:
    """Return whether a type is a type parameter."""
    return kind[0].startswith("?")


def is_dyn(kind: Type) -> bool:
    """Return whether a type is known only when the expression runs."""
    return kind[0] in {"dyn", "any"}


def is_object(kind: Type) -> bool:
    """Return whether a type is a message with fields of its own."""
    return kind[0].startswith(("kubernetes.", "google.protobuf.")) and kind[0] not in _WRITTEN


def unwrapped(kind: Type) -> tuple[Type, bool]:
    """Return what an optional type holds, and whether the type is one."""
    return (kind[1][0], True) if kind[0] == "optional_type" else (kind, False)


class Unifier:
    """What type parameters stand for; a comparison that fails leaves no trace."""

    def __init__(self) -> None:
        self._bound: dict[str, Type] = {}
        self._trail: list[tuple[str, Type | None]] = []
        self._parameters = 0

    def parameter(self) -> Type:
        """Return a new type parameter."""
        self._parameters += 1
        return (f"?_var{self._parameters - 1}", ())

    def assignable(self, left: Type, right: Type) -> bool:
        """Return whether two types fit each other, and settle type parameters so that they do."""
        return self.all_assignable((left,), (right,))

    def all_assignable(self, left: tuple[Type, ...], right: tuple[Type, ...]) -> bool:
        """Return whether types fit pair by pair."""
        self._trail.clear()
        if self._list(left, right):
            return True
        for name, before in reversed(self._trail):
            if before is None:
                del self._bound[name]
            else:
                self._bound[name] = before
        return False

    def resolved(self, kind: Type, *, closed: bool = False) -> Type:
        """Return a type with what its parameters stand for; ``closed`` makes the others ``dyn``."""
        name, parameters = kind
        if is_parameter(kind):
            if (bound := self._bound.get(name)) is not None:
                return self.resolved(bound, closed=closed)
            return DYN if closed else kind
        if not parameters:
            return kind
        return (name, tuple(self.resolved(part, closed=closed) for part in parameters))

    def _bind(self, name: str, kind: Type) -> None:
        self._trail.append((name, self._bound.get(name)))
        self._bound[name] = kind

    def _list(self, left: tuple[Type, ...], right: tuple[Type, ...]) -> bool:
        return len(left) == len(right) and all(map(self._fits, left, right))

    def _fits(self, left: Type, right: Type) -> bool:
        if is_parameter(right):
            valid, bound = self._stands(left, right)
            if valid or bound:
                return valid
        if is_parameter(left):
            return self._stands(right, left)[0]
        if any(is_dyn(kind) or kind == ERROR for kind in (left, right)):
            return True
        if left[0] == "null_type":
            return _nullable(right)
        if right[0] == "null_type":
            return _nullable(left)
        if left[0] == "type":
            return right[0] == "type"
        return left[0] == right[0] and self._list(left[1], right[1])

    def _stands(self, kind: Type, parameter: Type) -> tuple[bool, bool]:
        """Return whether a parameter may stand for a type, and whether it stood for something before."""
        if kind == parameter:
            return True, True
        name = parameter[0]
        before = self._bound.get(name)
        if before is not None:
            if kind == before:
                return True, True
            if not self._fits(kind, before):
                return False, True
            general = most_general(kind, before)
            if self._outside(parameter, general):
                self._bind(name, general)
            return True, True
        if self._outside(parameter, kind):
            self._bind(name, kind)
            return True, False
        return False, False

    def _outside(self, parameter: Type, kind: Type) -> bool:
        """Return whether a parameter is no part of a type."""
        if kind == parameter:
            return False
        if is_parameter(kind):
            bound = self._bound.get(kind[0])
            return bound is None or self._outside(parameter, bound)
        return kind[0] not in _GENERIC or all(self._outside(parameter, part) for part in kind[1])


def _nullable(kind: Type) -> bool:
    return kind[0] == "null_type" or kind[0] in _OPAQUE or kind[0] in _WRITTEN or is_object(kind)


def most_general(left: Type, right: Type) -> Type:
    """Return the less specific of two types that fit each other."""
    return left if _less_specific(left, right) else right


def _less_specific(left: Type, right: Type) -> bool:
    if is_dyn(left) or is_parameter(left):
        return True
    if is_dyn(right) or is_parameter(right):
        return False
    if left[0] == "type" or left[0] not in _GENERIC:
        return left[0] == right[0]
    return left[0] == right[0] and len(left[1]) == len(right[1]) and all(map(_less_specific, left[1], right[1]))
