"""Parameters of policies: from Python or as text, checked against the function that makes the policy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from drapolicy.errors import InputError
from drapolicy.policies.objectives.mix import Mix, TypicalPod, read_mix, write_mix


def split(text: str) -> tuple[str, dict[str, str]]:
    """Return name and parameters of ``name`` or ``name:key=value,key=value``.

    Raises
    ------
    InputError
        For a parameter without ``=``, or one that is given twice.

    Examples
    --------
    >>> split("fgd:rounded=false,best_fit=100")
    ('fgd', {'rounded': 'false', 'best_fit': '100'})
    """
    name, colon, rest = text.partition(":")
    given: dict[str, str] = {}
    for part in rest.split(",") if colon else ():
        key, equals, value = part.partition("=")
        if not equals or not key:
            message = f"policy {name}: {part!r} is no parameter; write {name}:key=value,key=value"
            raise InputError(message)
        if key in given:
            message = f"policy {name}: parameter {key} is given twice; give it once"
            raise InputError(message)
        given[key] = value
    return name, given


def apart(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each policy of texts that may hold several, with commas between them as between parameters.

    Examples
    --------
    >>> apart(["random,fgd:rounded=false,best_fit=100,packing"])
    ('random', 'fgd:rounded=false,best_fit=100', 'packing')
    """
    found: list[str] = []
    for text in texts:
        for number, part in enumerate(text.split(",")):
            # A part that gives a value and names no policy goes on with the one before.
            if number and "=" in part and ":" not in part.partition("=")[0]:
                found[-1] += f",{part}"
            else:
                found.append(part)
    return tuple(found)


def parameters(make: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the keywords of a function that makes a policy, by name."""
    kinds = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return {name: found for name, found in inspect.signature(make).parameters.items() if found.kind in kinds}


def checked(name: str, make: Callable[..., Any], given: Mapping[str, object]) -> dict[str, Any]:
    """Return parameters as the function wants them.

    Parameters
    ----------
    name
        Of the policy, for errors.
    make
        Function whose annotations say what each parameter is.
    given
        By name; texts are read as what the parameter is.

    Raises
    ------
    InputError
        For an unknown parameter or a value of another kind; the message says what there is.
    """
    known = parameters(make)
    hints = get_type_hints(make)
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            message = f"policy {name}: parameter {key!r} is unknown; {has}"
            raise InputError(message)
        found[key] = _value(f"policy {name}: {key}", value, hints.get(key, str))
    return found


def _value(where: str, value: object, kind: Any) -> object:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            message = f"{where}: {value!r} is unknown; use one of {', '.join(map(str, get_args(kind)))}"
            raise InputError(message)
        return value
    if kind == Mix:
        return _mix(where, value)
    options = get_args(kind) or (kind,)
    if NoneType in options and (value is None or value == "none"):
        return None
    if bool in options:
        if isinstance(value, bool) or value in {"true", "false"}:
            return value is True or value == "true"
        message = f"{where}: {value!r} is neither true nor false"
        raise InputError(message)
    if int in options:
        digits = isinstance(value, str) and value.removeprefix("-").isdecimal() and value.isascii()
        if digits or (isinstance(value, int) and not isinstance(value, bool)):
            return int(value)  # type: ignore[call-overload]
        message = f"{where}: {value!r} is no integer"
        raise InputError(message)
    if not isinstance(value, str):
        message = f"{where}: {value!r} is no text"
        raise InputError(message)
    return value


def _mix(where: str, value: object) -> Mix:
    if isinstance(value, str):
        return read_mix(value)
    if isinstance(value, tuple | list) and value and all(isinstance(pod, TypicalPod) for pod in value):
        return tuple(value)
    message = f"{where}: {value!r} is no mix; give typical pods, or a text such as 500x1*3+1000x8"
    raise InputError(message)


def written(name: str, make: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """Return a policy's name with the parameters that are not as they are by default, as :func:`split` reads it."""
    known = parameters(make)
    other = [f"{key}={_text(given[key])}" for key in known if key in given and given[key] != known[key].default]
    return f"{name}:{','.join(other)}" if other else name


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return write_mix(value) if isinstance(value, tuple) else str(value)


def described(make: Callable[..., Any]) -> dict[str, tuple[str, str]]:
    """Return of each parameter its kind and its default as texts, by name."""
    hints = get_type_hints(make)
    found = {}
    for name, parameter in parameters(make).items():
        kind = hints.get(name, str)
        choices = get_args(kind) if get_origin(kind) is Literal else ()
        options = [_kind(one) for one in (get_args(kind) or (kind,))] if kind != Mix else ["mix"]
        told = " | ".join(map(str, choices)) or " | ".join(options)
        default = "" if parameter.default is inspect.Parameter.empty else _text(parameter.default)
        found[name] = told, default
    return found


def _kind(kind: object) -> str:
    return {int: "integer", bool: "true | false", NoneType: "none", str: "text"}.get(kind, str(kind))  # type: ignore[call-overload,no-any-return]
