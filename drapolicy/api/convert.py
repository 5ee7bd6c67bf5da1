"""Plain values to typed objects, with every fault named; the structs are the one definition of the types."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from drapolicy.api.quantity import Quantity
from drapolicy.api.values import TWICE, Doubled, Exponential, Unreadable, broken, join, key_path, shown

T = TypeVar("T")
Report = Callable[[str, str], None]
"""Takes the path of a field and a message."""

_TYPE_INFO: dict[type[Any], inspect.Type] = {}


def hook(kind: type[Any], value: Any) -> Any:
    """Make the value of a field that is of none of msgspec's own types: a quantity."""
    if kind is not Quantity:
        message = f"{kind.__name__} has no reader"
        raise NotImplementedError(message)
    if isinstance(value, str):
        return quantity(value)
    if isinstance(value, Quantity):
        return value
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return quantity(number_text(value))
    message = "must be a quantity, such as 80Gi or 500m"
    raise ValueError(message)


@lru_cache(maxsize=65536)
def quantity(text: str) -> Quantity:
    """Return the quantity of a text; quantities never change, so equal texts share one."""
    return Quantity(text.strip())


def number_text(number: float | Decimal) -> str:
    """Return a number as JSON hands it to Kubernetes: a float has an exponent below 10^-6 and from 10^21 on."""
    if isinstance(number, Exponential):
        return number.text
    text = str(number)
    if isinstance(number, float) and "e" in text and 1e-6 <= abs(number) < 1e21:
        return format(Decimal(text), "f")
    return text


def convert(value: Any, kind: type[T]) -> T:
    """Return the object of type ``kind`` that the plain ``value`` describes.

    Raises
    ------
    msgspec.ValidationError
        If a field is unknown, null where none is allowed, or of the wrong type; `clean` names them all.
    """
    return msgspec.convert(value, kind, dec_hook=hook)


def clean(value: Any, kind: type[Any], unknown: Report, wrong: Report) -> Any:
    """Return ``value`` without nulls and unknown fields, and report everything about it that the type does not allow.

    Null means unset, as Kubernetes' JSON decoder takes it: the field keeps its zero value.

    Parameters
    ----------
    value
        A plain value.
    kind
        The struct that it should become.
    unknown, wrong
        Called with path and message for each unknown field and each other fault.
    """
    return _Cleaner(unknown, wrong).visit(value, type_info(kind), "")


def type_info(kind: type[Any]) -> inspect.Type:
    """Return what msgspec knows of a type; working it out anew takes longer than reading a small object."""
    if kind not in _TYPE_INFO:
        _TYPE_INFO[kind] = inspect.type_info(kind)
    return _TYPE_INFO[kind]


def without_none(kind: inspect.Type) -> inspect.Type:
    """Return the type of a field that is set: no API type has another union than that with None."""
    if isinstance(kind, inspect.UnionType):
        return next(option for option in kind.types if not isinstance(option, inspect.NoneType))
    return kind


class _Cleaner:
    """Walks a value along the type that it should have."""

    def __init__(self, unknown: Report, wrong: Report) -> None:
        self._unknown = unknown
        self._wrong = wrong
        self._in_annotations = False

    def visit(self, value: Any, kind: inspect.Type, path: str) -> Any:
        """Return the cleaned value; after a fault anything of the right shape will do."""
        kind = without_none(kind)
        if isinstance(value, Unreadable):
            self._wrong(path, value.message)
            return _zero(kind)
        if isinstance(kind, inspect.AnyType):
            self._broken(value, path)
            return value
        if value is None:
            return _zero(kind)
        if isinstance(kind, inspect.StructType):
            return self._struct(value, kind, path)
        if isinstance(kind, inspect.DictType):
            return self._dict(value, kind, path)
        if isinstance(kind, inspect.ListType):
            if not isinstance(value, list):
                self._wrong(path, f"must be a list, not {shown(value)}")
                return []
            return [self.visit(inner, kind.item_type, f"{path}[{i}]") for i, inner in enumerate(value)]
        return self._scalar(value, kind, path)

    def _struct(self, value: Any, kind: inspect.StructType, path: str) -> Any:
        if not isinstance(value, dict):
            self._wrong(path, f"must be an object, not {shown(value)}")
            return {}
        if isinstance(value, Doubled):
            for key in value.keys_twice:
                self._wrong(join(path, key), TWICE)
        fields = {field.encode_name: field for field in kind.fields}
        result: dict[str, Any] = {}
        for key, inner in value.items():
            field = fields.get(key)
            if field is not None and key not in {"__source__", kind.tag_field}:
                if inner is not None:
                    result[key] = self.visit(inner, field.type, join(path, key))
            elif key == kind.tag_field:
                result[key] = inner
            elif kind.forbid_unknown_fields:
                self._unknown(join(path, key), unknown_message(key, list(fields)))
            else:
                self._broken(inner, join(path, key))
        for name, field in fields.items():
            if field.required and name not in result:
                result[name] = _zero(field.type)
        return result

    def _dict(self, value: Any, kind: inspect.DictType, path: str) -> Any:
        if not isinstance(value, dict):
            self._wrong(path, f"must be an object, not {shown(value)}")
            return {}
        if isinstance(value, Doubled):
            for key in value.keys_twice:
                self._wrong(key_path(path, key), TWICE)
        self._in_annotations = path.endswith(".annotations")
        result = {key: self.visit(inner, kind.value_type, key_path(path, key)) for key, inner in value.items()}
        self._in_annotations = False
        return result

    def _scalar(self, value: Any, kind: inspect.Type, path: str) -> Any:
        if isinstance(kind, inspect.StrType):
            if isinstance(value, str):
                self._template(value, path)
                return value
            hint = "quote it" if isinstance(value, (bool, int, float, Decimal)) else "write text"
            self._wrong(path, f"must be text, not {shown(value)}; {hint}{_was_a_word(value)}")
            return ""
        if isinstance(kind, inspect.BoolType):
            if isinstance(value, bool):
                return value
            self._wrong(path, f"must be true or false, not {shown(value)}")
            return False
        if isinstance(kind, inspect.IntType):
            return self._int(value, kind, path)
        if isinstance(kind, inspect.CustomType):
            try:
                return hook(kind.cls, value)
            except ValueError as error:
                self._wrong(path, str(error))
                return Quantity("0")
        return value

    def _int(self, value: Any, kind: inspect.IntType, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            text = f"{value} (with a fraction or exponent)" if isinstance(value, (float, Decimal)) else shown(value)
            self._wrong(path, f"must be a whole number, not {text}")
            return 0
        if kind.ge is not None and kind.le is not None and not kind.ge <= value <= kind.le:
            bits = int(kind.le + 1).bit_length()
            self._wrong(path, f"{shown(value)} does not fit {bits} bits; use {int(kind.ge)} to {int(kind.le)}")
            return 0
        return value

    def _broken(self, value: Any, path: str) -> None:
        """Report what is wrong with a value that has no type."""
        for where, message in broken(value, path):
            self._wrong(where, message)

    def _template(self, text: str, path: str) -> None:
        begin = text.find("{{")
        end = text.find("}}", begin)
        if 0 <= begin < end and not self._in_annotations:
            self._wrong(path, f"{shown(text[begin : end + 2])} is a template's action; render the template first")


def _zero(kind: inspect.Type) -> Any:
    """Return the zero value of a type, plain."""
    if isinstance(kind, inspect.UnionType):
        return None
    if isinstance(kind, inspect.CustomType):
        return Quantity("0")
    for option, value in ((inspect.StrType, ""), (inspect.IntType, 0), (inspect.BoolType, False)):
        if isinstance(kind, option):
            return value
    if isinstance(kind, inspect.StructType):
        return {field.encode_name: _zero(field.type) for field in kind.fields if field.required}
    return [] if isinstance(kind, inspect.ListType) else {}


def _was_a_word(value: Any) -> str:
    """Explain a boolean that YAML made of a word."""
    if not isinstance(value, bool):
        return ""
    words = "y, yes, on" if value else "n, no, off"
    return f" (YAML reads plain {words} as {shown(value)})"


def unknown_message(key: str, known: list[str]) -> str:
    """Say that a field is unknown, and which one was meant if one differs in case or by a letter or two."""
    from difflib import get_close_matches

    lower = {name.lower(): name for name in known if name != "__source__"}
    close = get_close_matches(key.lower(), lower, n=1, cutoff=0.8)
    meant = f"; did you mean {lower[close[0]]}?" if close else "; remove it or fix its name and place"
    return f"unknown field {key!r}{meant}"
