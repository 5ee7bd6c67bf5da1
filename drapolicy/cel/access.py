"""Fields and elements of values, and whether they are there (K8s S59)."""

from __future__ import annotations

from typing import Any

from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.go_texts import number_text
from drapolicy.cel.values import EMPTY, NONE, DefaultMap, Optional, Uint, go_name, key, type_name

_MISSING = object()

# Types of the names of fields and elements.
QUALIFIERS = frozenset({str, int, Uint, float, bool})


def element(container: Any, name: Any, *, defaults: bool = True) -> Any:
    """Return a field of a map or an element of a list; of an optional one, as optional.

    Parameters
    ----------
    container, name
        A value, and the field or index.
    defaults
        Whether a map that is optional keeps its default for missing keys.

    Raises
    ------
    EvaluationError
        When there is none, with upstream's ``no such key`` or ``index out of bounds``.
    """
    if type(name) not in QUALIFIERS:
        raise EvaluationError(f"invalid qualifier type: {go_name(name)}")
    kind = type(container)
    if kind is DefaultMap:
        return container.get(key(name), EMPTY)
    if kind is Optional:
        return optional_element(container, name, defaults=defaults)
    found = _find(container, name)
    if found is not _MISSING:
        return found
    if kind is list:
        raise EvaluationError(f"index out of bounds: {number_text(name)}")
    raise EvaluationError(f"no such key: {number_text(name)}")


def optional_element(container: Any, name: Any, *, defaults: bool = True) -> Optional:
    """Return a field or element as optional, empty when there is none; see :func:`element`."""
    if type(name) not in QUALIFIERS:
        raise EvaluationError(f"invalid qualifier type: {go_name(name)}")
    if type(container) is Optional:
        if not container.present:
            return NONE
        container = container.value
    else:
        defaults = True
    if type(container) is DefaultMap and defaults:
        return Optional(present=True, value=container.get(key(name), EMPTY))
    found = _find(container, name)
    return NONE if found is _MISSING else Optional(present=True, value=found)


def has_element(container: Any, name: Any, *, defaults: bool = True) -> bool:
    """Return whether a field is there; see :func:`element`."""
    return optional_element(container, name, defaults=defaults).present


def _find(container: Any, name: Any) -> Any:
    if isinstance(container, dict):
        return container.get(key(name), _MISSING)
    if type(container) is list:
        index = _index(name)
        return container[index] if 0 <= index < len(container) else _MISSING
    return _MISSING


def _index(name: Any) -> int:
    if type(name) is int or type(name) is Uint:
        return int(name)
    if type(name) is float:
        if name.is_integer():
            return int(name)
        raise EvaluationError(f"unsupported index value {number_text(name)} in list")
    raise EvaluationError(f"unsupported index type '{type_name(name)}' in list")
