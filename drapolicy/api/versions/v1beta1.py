"""``resource.k8s.io/v1beta1``, which differs from ``v1`` in shape alone.

A device has all but its name in ``basic``; a request has the fields of ``exactly`` itself; an empty ``nodeName`` and a
false ``allNodes`` of a slice are unset. Source: Kubernetes ``pkg/apis/resource/v1beta1/conversion.go``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection
from typing import Any, Final

from msgspec.structs import fields

from drapolicy.api.convert import Report, unknown_message
from drapolicy.api.resource import Device, ExactDeviceRequest
from drapolicy.api.values import TWICE, Doubled, Unreadable, join, shown

_BASIC: Final = frozenset(field.encode_name for field in fields(Device)) - {"name"}
_EXACTLY: Final = frozenset(field.encode_name for field in fields(ExactDeviceRequest))
# Fields of a request that, when they hold this, say no more than when they are absent.
_ZERO: Final[dict[str, Any]] = {"deviceClassName": "", "allocationMode": "", "count": 0}
_REQUESTS: Final = {
    "ResourceClaim": ("spec", "devices", "requests"),
    "ResourceClaimTemplate": ("spec", "spec", "devices", "requests"),
}

_IN_DEVICE = re.compile(r"^(spec\.devices\[\d+\])\.(?!name\b)")
_IN_EXACTLY = re.compile(r"^((?:spec\.){1,2}devices\.requests\[\d+\])\.exactly(?![^.])")

_Change = Callable[[dict[str, Any], str], dict[str, Any]]
"""Takes a mapping and its path, and returns another one."""


def as_written(path: str) -> str:
    """Return where a field of ``v1`` stands in ``v1beta1``.

    Examples
    --------
    >>> as_written("spec.devices[3].capacity"), as_written("spec.devices.requests[0].exactly.count")
    ('spec.devices[3].basic.capacity', 'spec.devices.requests[0].count')
    """
    return _IN_EXACTLY.sub(r"\1", _IN_DEVICE.sub(r"\1.basic.", path))


def to_v1(doc: dict[str, Any], unknown: Report, wrong: Report) -> dict[str, Any]:
    """Return a document with the shape of ``v1``; values of a wrong shape stay where they are.

    Parameters
    ----------
    doc
        An object with its kind, as plain values; it is not changed.
    unknown, wrong
        Called with path and message for each unknown field, and each other fault, of what is taken apart.
    """

    def known(
        value: dict[str, Any], path: str, names: Collection[str], misplaced: Callable[[str], str]
    ) -> dict[str, Any]:
        if isinstance(value, Doubled):
            for key in value.keys_twice:
                wrong(join(path, key), TWICE)
        for key in value:
            if key not in names:
                unknown(join(path, key), misplaced(key) or unknown_message(key, list(names)))
        return {key: inner for key, inner in value.items() if key in names and inner is not None}

    def device(value: dict[str, Any], path: str) -> dict[str, Any]:
        outside = known(value, path, ("name", "basic"), _in_basic)
        basic = outside.pop("basic", {})
        if isinstance(basic, dict):
            return outside | known(basic, f"{path}.basic", _BASIC, _nowhere)
        wrong(f"{path}.basic", basic.message if isinstance(basic, Unreadable) else _no_object(basic))
        return outside

    def request(value: dict[str, Any], path: str) -> dict[str, Any]:
        found = known(value, path, {"name", "firstAvailable", *_EXACTLY}, _in_request)
        exactly = {key: inner for key, inner in found.items() if key in _EXACTLY}
        made = {key: inner for key, inner in found.items() if key not in _EXACTLY}
        return made | {"exactly": exactly} if _asks(exactly) else made

    if doc["kind"] == "ResourceSlice":
        return _changed(_changed(doc, ("spec",), _node_to_v1), ("spec", "devices"), device)
    return _changed(doc, _REQUESTS[doc["kind"]], request) if doc["kind"] in _REQUESTS else doc


def from_v1(doc: dict[str, Any], refuse: Report) -> dict[str, Any]:
    """Return a document of ``v1`` with the shape of ``v1beta1``.

    Parameters
    ----------
    doc
        An object with its kind, as plain values without nulls; it is not changed.
    refuse
        Called with path and message for each field that ``v1beta1`` cannot hold.
    """

    def spec(value: dict[str, Any], path: str) -> dict[str, Any]:
        for key, unset in (("nodeName", ""), ("allNodes", False)):
            if key in value and value[key] == unset:
                refuse(f"{path}.{key}", f"{shown(unset)} is unset in v1beta1; leave the field out")
        return value

    if doc["kind"] == "ResourceSlice":
        return _changed(_changed(doc, ("spec",), spec), ("spec", "devices"), _device_from_v1)
    return _changed(doc, _REQUESTS[doc["kind"]], _request_from_v1) if doc["kind"] in _REQUESTS else doc


def _node_to_v1(spec: dict[str, Any], _: str) -> dict[str, Any]:
    made = copy.copy(spec)
    if made.get("nodeName") == "":
        del made["nodeName"]
    if made.get("allNodes") is False:
        del made["allNodes"]
    return made


def _device_from_v1(device: dict[str, Any], _: str) -> dict[str, Any]:
    basic = {key: inner for key, inner in device.items() if key != "name"}
    return {key: inner for key, inner in device.items() if key == "name"} | {"basic": basic}


def _request_from_v1(request: dict[str, Any], _: str) -> dict[str, Any]:
    made = dict(request)
    if "exactly" not in made:
        return made
    exactly: dict[str, Any] = made.pop("exactly")
    # Only a list, though empty, still says that there is an ``exactly``.
    return made | exactly if _asks(exactly) else made | exactly | {"selectors": []}


def _asks(exactly: dict[str, Any]) -> bool:
    """Return whether any field of a request is set, so that in ``v1`` it has an ``exactly``."""
    return any(
        key not in _ZERO or type(value) is not type(_ZERO[key]) or value != _ZERO[key] for key, value in exactly.items()
    )


def _changed(value: dict[str, Any], keys: tuple[str, ...], change: _Change, path: str = "") -> dict[str, Any]:
    """Return a mapping in which the mapping at ``keys``, or each mapping in the list there, is changed."""
    key, *rest = keys
    inner: Any = value.get(key)
    place = join(path, key)
    if isinstance(inner, dict):
        inner = _changed(inner, tuple(rest), change, place) if rest else change(inner, place)
    elif isinstance(inner, list) and not rest:
        inner = [change(item, f"{place}[{i}]") if isinstance(item, dict) else item for i, item in enumerate(inner)]
    else:
        return value
    made: dict[str, Any] = copy.copy(value)  # of its own class, which remembers keys given twice
    made[key] = inner
    return made


def _no_object(value: Any) -> str:
    return f"must be an object, not {shown(value)}"


def _nowhere(_: str) -> str:
    return ""


def _in_basic(key: str) -> str:
    return f"unknown field {key!r}; v1beta1 has it in basic" if key in _BASIC else ""


def _in_request(key: str) -> str:
    return f"unknown field {key!r}; v1beta1 has its fields in the request itself" if key == "exactly" else ""
