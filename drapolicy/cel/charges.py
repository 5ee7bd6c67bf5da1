"""What a call costs when it runs: cel-go's and Kubernetes' charges from its operands and its result."""

from __future__ import annotations

import math
from collections.abc import Sized
from typing import Any

from drapolicy.cel.call_estimates import ATOMS, COMPARES, NOMINAL, PARSES, SELF_COMPARED, SETS, TRANSFORMS, WALKS
from drapolicy.cel.cost import LIST_BASE, PATTERN, TRAVERSAL
from drapolicy.cel.environment import Engine, Environment
from drapolicy.cel.errors import EvaluationError, FinalError
from drapolicy.cel.formats import NamedFormat
from drapolicy.cel.network import CIDR, IP
from drapolicy.cel.values import MAPS, Optional, go_name, no_lister, type_name, unkey

_SIZED: tuple[type[Sized], ...] = (str, bytes, list, dict)
# Unlike the estimate, the charge looks at no sizes of these either.
_ATOMS = ATOMS | {"kubernetes.URL", "kubernetes.NamedFormat"}
_OUTPUT = frozenset({"slice", "lists.range", "reverse"})


def size(value: Any) -> int:
    """Return a value's size in characters, elements or bytes; 1 for what has none, errors included."""
    if isinstance(value, _SIZED):
        return len(value)
    if isinstance(value, IP):
        return 16 if value.address.version == 6 else 4
    if isinstance(value, CIDR):
        return math.ceil(value.bits / 8)
    return 1


def charge(function: str, overload: str, args: list[Any], result: Any, environment: Environment) -> int:
    """Return what a call costs.

    Parameters
    ----------
    function
        Its name.
    overload
        Its overload if the type checker left only one, else empty.
    args, result
        Values, or the errors in their places.
    environment
        What the expression is made of.

    Raises
    ------
    FinalError
        Where upstream's own accounting trips over a value.
    """
    # Where an overload has a charge of its own it is known by that overload alone.
    if overload:
        found = _of_overload(function, args, result, environment.engine)
        if found is not None:
            return found
    if function == "includes" and environment.includes == "short":
        return 1
    found = _of_kubernetes(function, overload, args, result)
    return _standard(overload, args, environment.engine) if found is None else found


def _traversed(amount: float, factor: float = TRAVERSAL) -> int:
    return math.ceil(float(amount) * factor)


def _allocated(factor: float, amount: int) -> int:
    return int(float(amount) * factor) + 1 + LIST_BASE


def _of_overload(function: str, args: list[Any], result: Any, engine: Engine) -> int | None:
    if function in SELF_COMPARED:
        return _self_compared(args[-1])
    if function in _OUTPUT:
        return _allocated(1, size(result))
    if function == "flatten":
        depth = 1.0
        if len(args) == 2:
            if type(args[1]) is not int:
                found = "*types.Err" if isinstance(args[1], EvaluationError) else go_name(args[1])
                raise FinalError(f"internal error: interface conversion: ref.Val is {found}, not types.Int")
            depth = float(args[1])
            if depth < 0 and engine.positive_factors:
                depth = 1.0
        return _allocated(depth, size(args[0]))
    if function in SETS:
        return 1 + int(float(size(args[0]) * size(args[1])) * SETS[function])
    return None


def _self_compared(values: Any) -> int:
    """Return the charge for comparing the elements of a list with each other.

    Upstream does not ask first whether the operand is a list, or an error; what then happens ends the evaluation.
    """
    if type(values) is not list:
        raise no_lister(values)
    text = bool(values) and type(values[0]) in {str, bytes}
    return _allocated(2 + TRAVERSAL if text else 2, len(values) ** 2)


def _of_kubernetes(function: str, overload: str, args: list[Any], result: Any) -> int | None:
    if function in NOMINAL or (function == "ip" and overload == "ip(net.CIDR)"):
        return 1
    if function in WALKS:
        return _walked(args[0])
    if function in PARSES or function in TRANSFORMS or function == "ip":
        return _traversed(size(args[0]))
    match function:
        case "replace" | "split" | "ip.isCanonical":
            return _traversed(float(size(args[0])) * 2)
        case "join":
            return _traversed(float(size(result)) * 2)
        case "find" | "findAll":
            return _traversed(1.0 + size(args[0])) * _traversed(size(args[1]), PATTERN)
        case "containsIP" | "containsCIDR":
            network = size(args[0])
            cost = _traversed(network + network)
            if function == "containsCIDR":
                cost += _traversed(network) + 1
            return cost + (_traversed(size(args[1])) if overload.endswith(",string)") else 0)
        case "validate" if isinstance(args[0], NamedFormat):
            return _traversed(1.0 + size(args[1])) * _traversed(args[0].size, PATTERN)
        case "_==_" if not isinstance(args[0], EvaluationError) and type_name(args[0]) in _ATOMS:
            return 1
    return None


def _walked(value: Any) -> int:
    """Return the charge for walking over everything in a value."""
    kind = type(value)
    if kind is str:
        return int(float(len(value.encode())) * TRAVERSAL)
    if kind is bytes:
        return int(float(len(value)) * TRAVERSAL)
    if kind is list:
        return sum(map(_walked, value))
    if kind in MAPS:
        return sum(_walked(unkey(entry)) + _walked(part) for entry, part in value.items())
    return 1


def _standard(overload: str, args: list[Any], engine: Engine) -> int:
    match overload:
        case "starts_with_string" | "ends_with_string":
            return _traversed(size(args[int(engine.charges_affixes)]))
        case "matches" if not engine.charges_global_matches:
            return 1
        case "string_to_bytes" | "bytes_to_string" | "strings.quote(string)" | "format(string,list(dyn))":
            return _traversed(size(args[0]))
        case "in_list":
            return _operand(args[1])
        case "add_string" | "add_bytes":
            return _traversed(_operand(args[0]) + _operand(args[1]))
        case "matches" | "matches_string":
            return _traversed(1.0 + size(args[0])) * _traversed(size(args[1]), PATTERN)
        case "contains_string":
            return _traversed(size(args[0])) * _traversed(size(args[1]))
    if overload in COMPARES:
        return _traversed(min(_operand(args[0]), _operand(args[1])))
    return 1


def _operand(value: Any) -> int:
    """Return a size as the standard charges know it: through optionals."""
    while type(value) is Optional and value.present:
        value = value.value
    return 1 if type(value) is Optional else size(value)
