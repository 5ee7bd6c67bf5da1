"""Functions as releases up to Kubernetes 1.36 have them, where 1.37 decides otherwise (K8s S57, S61)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from drapolicy.cel import lists, strings
from drapolicy.cel.dispatch import Function, Library, Overloads
from drapolicy.cel.environment import MAX_INCLUDED, Environment
from drapolicy.cel.errors import EvaluationError, FinalError
from drapolicy.cel.formats import NamedFormat, faults
from drapolicy.cel.functions import FUNCTIONS
from drapolicy.cel.standard import MAX_LIST
from drapolicy.cel.strings import COST_EXCEEDED
from drapolicy.cel.values import Optional

_SEARCHES, _RANGES, _DURATIONS, _INCLUDES, _NAMES = Library(), Library(), Library(), Library(), Library()


@_RANGES.overload("lists.range", "int")
def make_range(size: int) -> list[int]:
    """Return the numbers from 0 up to a size, none for a negative one."""
    if size > 10 * MAX_LIST:
        # Upstream makes it, to find it too dear then.
        raise FinalError(COST_EXCEEDED)
    return list(range(size))


@_SEARCHES.overload("indexOf", "string", "string", "int")
def index_of(text: str, part: str, offset: int) -> int:
    """Return where a part first is at or after an offset, or -1; nothing is wherever it is looked for."""
    return strings.index_of_from(text, part, offset) if part else offset


@_SEARCHES.overload("lastIndexOf", "string", "string", "int")
def last_index_of(text: str, part: str, offset: int) -> int:
    """Return where a part last is at or before an offset, or -1; nothing is wherever it is looked for."""
    return strings.last_index_of_from(text, part, offset) if part else offset


@_DURATIONS.overload("duration", "int")
def duration_of_int(_: int) -> None:
    """Fail: the overload is declared, but ints do not convert."""
    raise EvaluationError("type conversion error from 'int' to 'google.protobuf.Duration'")


@_INCLUDES.overload("includes", "dyn", "dyn")
def includes(target: Any, wanted: Any) -> bool:
    """Return whether a short list holds a value, or another value is it."""
    values = target if type(target) is list else [target]
    if lists.includes(values[:MAX_INCLUDED], wanted):
        return True
    if len(values) > MAX_INCLUDED:
        raise EvaluationError(f"'includes' function cannot be applied to lists longer than {MAX_INCLUDED} values")
    return False


@_NAMES.overload("validate", "NamedFormat", "string")
def validate(wanted: NamedFormat, text: str) -> Optional:
    """Return what is wrong with a text, in the words of 1.34."""
    return faults(wanted, text, "characters")


@cache
def functions_of(environment: Environment) -> Mapping[str, Function]:
    """Return the functions of an environment by name."""
    engine = environment.engine
    functions = dict(FUNCTIONS)
    if not engine.bounded_ranges:
        functions.update(_RANGES.functions)
    if not engine.bounded_searches:
        for name, searches in _SEARCHES.functions.items():
            functions[name] = Overloads.joined(searches, FUNCTIONS[name])
    if engine.durations_of_int:
        functions["duration"] = Overloads.joined(FUNCTIONS["duration"], _DURATIONS.functions["duration"])
    if environment.includes == "short":
        functions.update(_INCLUDES.functions)
    if not environment.names_in_bytes:
        functions.update(_NAMES.functions)
    return functions
