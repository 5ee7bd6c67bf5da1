"""Writing: objects as plain values, YAML or JSON, the way Kubernetes writes them."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

import msgspec
import yaml
from msgspec import inspect

from drapolicy.api.convert import type_info, without_none
from drapolicy.api.core import PartialObject
from drapolicy.api.kinds import label
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import ResourceSlice
from drapolicy.api.versions.rewriting import check_version, from_v1
from drapolicy.api.versions.served import SERVED
from drapolicy.api.yaml_scalars import resolve
from drapolicy.errors import Fault, InputError

_SOURCE: Final = "__source__"
_FIRST: Final = ("apiVersion", "kind", "metadata")
_BASE: Final[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_LIKE_A_NUMBER = re.compile(r"[-+]?[.0-9][-+.,:_0-9a-fA-FxXoOtTzZ ]*|[-+]?\.(?:inf|nan)", re.IGNORECASE)
_MARKS = {"=", "<<", "-", "~", ""}


def to_builtins(thing: Any, version: str | None = None) -> dict[str, Any]:
    """Return an object as plain values: ``apiVersion`` and ``kind`` first, unset fields left out.

    What a Node, Pod or Namespace was read with but is not modelled comes back from its ``source``; what is modelled
    comes from the object.

    Parameters
    ----------
    thing
        An object of `drapolicy.api`, or one of its parts.
    version
        Version of ``resource.k8s.io`` to write an object of that group in, such as ``v1beta1``; the newest that can
        hold it if left out. Parts are written as in ``v1``.

    Raises
    ------
    InputError
        For an unknown version, and for an object that the version cannot hold, with every field.

    Examples
    --------
    >>> from drapolicy.api.resource import DeviceClass
    >>> to_builtins(DeviceClass())
    {'apiVersion': 'resource.k8s.io/v1', 'kind': 'DeviceClass', 'metadata': {}, 'spec': {}}
    >>> to_builtins(DeviceClass(), "v1beta1")["apiVersion"]
    'resource.k8s.io/v1beta1'
    """
    faults: list[Fault] = []
    made = _plain_values(thing, version, faults)
    if faults:
        raise InputError(faults=faults)
    return made


def _plain_values(thing: Any, version: str | None, faults: list[Fault]) -> dict[str, Any]:
    """Return an object as plain values, and note what its version cannot hold."""
    if version is not None:
        check_version(version)
    made: dict[str, Any] = msgspec.to_builtins(thing, enc_hook=_plain, builtin_types=(Decimal,))
    made.pop(_SOURCE, None)
    if not hasattr(thing, "api_version") or not hasattr(thing, "metadata"):
        return made
    if isinstance(thing, PartialObject):
        made = _overlaid(made, thing.source, type_info(type(thing)))
    made["apiVersion"] = thing.api_version
    made.setdefault("metadata", {})
    if "spec" in thing.__struct_fields__:
        made.setdefault("spec", {})
    if isinstance(thing, ResourceSlice):
        # The API server writes generation 0, which is read like an absent one.
        pool = {"name": thing.spec.pool.name, "generation": thing.spec.pool.generation}
        made["spec"]["pool"] = pool | made["spec"].get("pool", {})
    if type(thing).__name__ in SERVED:
        thing_label = label(made["kind"], thing.metadata.namespace, thing.metadata.name)
        made = from_v1(made, version, lambda path, message: faults.append(Fault("", -1, thing_label, path, message)))
    head = {key: made[key] for key in _FIRST}
    return head | {key: value for key, value in made.items() if key not in _FIRST}


def dump(things: Any, format: str = "yaml", *, version: str | None = None) -> str:  # noqa: A002
    """Return one object, or several, as text that `drapolicy.api.loads` and kubectl read back.

    Parameters
    ----------
    things
        An object, `Objects` or an iterable of objects.
    format
        ``yaml``: a document for each object; ``json``: the object, or a ``v1 List`` of several.
    version
        Version of ``resource.k8s.io``, as in `to_builtins`; objects of other groups are written as they are.

    Raises
    ------
    ValueError
        If the format is another one, or a number in opaque parameters is not finite.
    InputError
        For an unknown version, and with every field of every object that the version cannot hold.
    """
    one = isinstance(things, msgspec.Struct)
    faults: list[Fault] = []
    plain = [_plain_values(thing, version, faults) for thing in ([things] if one else things)]
    if faults:
        raise InputError(faults=faults)
    return write([list_of(plain)] if format == "json" and not one else plain, format)


def list_of(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the ``v1 List`` of documents."""
    return {"apiVersion": "v1", "kind": "List", "items": items, "metadata": {}}


def write(documents: list[dict[str, Any]], format: str) -> str:  # noqa: A002
    """Return documents of plain values as text; as ``json`` there may be but one.

    Raises
    ------
    ValueError
        As `dump` does.
    """
    if format == "json":
        (made,) = documents
        encoded = msgspec.json.Encoder(decimal_format="number").encode(_finite(made))
        return msgspec.json.format(encoded, indent=4).decode() + "\n"
    if format != "yaml":
        message = f"format must be 'yaml' or 'json', not {format!r}"
        raise ValueError(message)
    return "---\n".join(
        yaml.dump(
            _finite(item), Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=2**30
        )
        for item in documents
    )


def _plain(value: Any) -> Any:
    """Turn what is no plain value into one."""
    if isinstance(value, Quantity):
        return str(value)
    if isinstance(value, float):
        return float(value)
    message = f"{type(value).__name__} cannot be written"
    raise NotImplementedError(message)


def _finite(value: Any) -> Any:
    """Return the value with plain floats, unless one of them is no number of JSON."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            message = f"{value} is no number of JSON; write a finite number"
            raise ValueError(message)
        return float(value)
    return value


# --- fields that are not modelled ----------------------------------------------------------------------------


def _overlaid(made: Any, source: Any, kind: inspect.Type) -> Any:
    """Return ``made`` with the fields of ``source`` that ``kind`` does not model, in the order of the source."""
    kind = without_none(kind)
    if isinstance(kind, inspect.StructType) and isinstance(made, dict) and isinstance(source, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        modelled = {*fields, kind.tag_field}
        result: dict[str, Any] = {}
        for key in [*source, *(key for key in made if key not in source)]:
            if key in modelled:
                if key in made and key in fields:
                    result[key] = _overlaid(made[key], source.get(key), fields[key])
                elif key in made:
                    result[key] = made[key]
                elif isinstance(fields.get(key), inspect.StructType):
                    rest = _overlaid({}, source[key], fields[key])
                    if rest:
                        result[key] = rest
            elif key in source:
                result[key] = source[key]
        return result
    if isinstance(kind, inspect.ListType) and isinstance(made, list) and isinstance(source, list):
        return [_overlaid(item, _partner(item, i, made, source), kind.item_type) for i, item in enumerate(made)]
    return made


def unread(thing: PartialObject) -> Any:
    """Return what an object's source says beyond the object; as its source it is written back just as well."""
    return _unread(thing.source, type_info(type(thing)))


def _unread(source: Any, kind: inspect.Type) -> Any:
    kind = without_none(kind)
    if isinstance(kind, inspect.StructType) and isinstance(source, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        rest = {key: _unread(value, fields[key]) if key in fields else value for key, value in source.items()}
        rest.pop(kind.tag_field, None)
        return {key: value for key, value in rest.items() if key not in fields or value}
    if isinstance(kind, inspect.ListType) and isinstance(source, list):
        rests = [_unread(item, kind.item_type) for item in source]
        # Elements of lists find their sources by name.
        return [_named(item, rest) for item, rest in zip(source, rests, strict=True)] if any(rests) else None
    return None


def _named(item: Any, rest: Any) -> Any:
    return {"name": item["name"], **(rest or {})} if isinstance(item, dict) and "name" in item else rest


def _partner(item: Any, position: int, made: list[Any], source: list[Any]) -> Any:
    """Return the element of the source that an element was read from: of the same name, or at the same place."""
    if isinstance(item, dict) and "name" in item:
        named = [other for other in source if isinstance(other, dict) and other.get("name") == item["name"]]
        return named[0] if len(named) == 1 else None
    return source[position] if len(made) == len(source) else None


# --- YAML ----------------------------------------------------------------------------------------------------


class _Dumper(_BASE):  # type: ignore[misc]  # libyaml's emitter where there is one
    """Writes text so that no reader of YAML 1.1 or 1.2 takes it for anything else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: Any, text: str) -> Any:
    """Write text plain, as a block of lines, or quoted where it could be misread."""
    style = None
    if "\n" in text and _fits_block(text):
        style = "|"
    elif not text.isprintable() or _misread(text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _misread(text: str) -> bool:
    """Return whether some reader of YAML would not read this plain scalar as this text."""
    if text in _MARKS or (_LIKE_A_NUMBER.fullmatch(text) and text.count(".") < 2):
        return True
    return bool(resolve(text) != text)


def _fits_block(text: str) -> bool:
    """Return whether a literal block gives the text back: printable lines without blanks at their ends."""
    lines = text.split("\n")
    return (
        bool(lines[0])
        and not lines[0][0].isspace()
        and all(line.isprintable() and line == line.rstrip() for line in lines)
        and not text.endswith("\n\n")
    )


def _float(dumper: Any, number: float) -> Any:
    """Write a float; a whole one with all its digits, since readers would round them."""
    if number.is_integer() and abs(number) < 2**63:
        return dumper.represent_int(int(number))
    return dumper.represent_float(number)


def _decimal(dumper: Any, number: Decimal) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:float", str(number))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _float)
_Dumper.add_representer(Decimal, _decimal)
