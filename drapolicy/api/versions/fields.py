"""Fields that a release does not have: one table, and documents walked along it only where a field may stand.

Source: ``k8s.io/api/resource`` v0.34.13, v0.35.10, v0.36.6 and v0.37.2; every version of the group has the same fields
in one release, but that the selector of a taint rule lost two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import inspect

from drapolicy.api import pool_status, resource
from drapolicy.api.convert import type_info, without_none
from drapolicy.api.kinds import RESOURCE_TYPES
from drapolicy.api.values import join, key_path
from drapolicy.release import Release

_1_34: Final = ("1.34",)
_FROM_1_35: Final = ("1.35", "1.36", "1.37")
_1_36: Final = ("1.36",)
_FROM_1_36: Final = ("1.36", "1.37")
_FROM_1_37: Final = ("1.37",)

# Struct and field to the releases that have it; fields that are not here are in all of MINORS.
FIELDS: Final[dict[type[Any], dict[str, tuple[str, ...]]]] = {
    resource.ResourceSliceSpec: {"partitionTypeAttribute": _FROM_1_37, "skipNodeOperations": _FROM_1_37},
    resource.Device: {"nodeAllocatableResourceMappings": _1_36, "nodeAllocatableResources": _FROM_1_37},
    resource.DeviceAttribute: {
        "ints": _FROM_1_36,
        "bools": _FROM_1_36,
        "strings": _FROM_1_36,
        "versions": _FROM_1_36,
    },
    resource.DeviceCounterConsumption: {"compatibilityGroups": _FROM_1_37},
    resource.ExactDeviceRequest: {"derivedAttributes": _FROM_1_37},
    resource.DeviceSubRequest: {"derivedAttributes": _FROM_1_37},
    resource.DeviceRequestAllocationResult: {"skipNodeOperations": _FROM_1_37},
    resource.DeviceTaintRule: {"status": _FROM_1_35},
    resource.DeviceTaintSelector: {"deviceClassName": _1_34, "selectors": _1_34},
    pool_status.ResourcePoolStatusRequestSpec: {"defaultPartitionTypeAttribute": _FROM_1_37},
    pool_status.PoolStatus: {"partitionSummary": _FROM_1_37, "shareableSummary": _FROM_1_37},
}


def absent_fields(doc: Any, kind: str, release: Release) -> list[tuple[str, str]]:
    """Return path and message of each field of a document that a release's API does not have.

    Parameters
    ----------
    doc
        An object of the group in the shape of ``v1``, as plain values.
    kind
        Its kind; of kinds of other groups nothing is known.
    release
        Kubernetes release; its gates do not matter.

    Examples
    --------
    >>> from drapolicy.release import release
    >>> slice_ = {"spec": {"driver": "gpu.example.com", "skipNodeOperations": ["*"]}}
    >>> absent_fields(slice_, "ResourceSlice", release("1.36"))
    [('spec.skipNodeOperations', "unknown field 'skipNodeOperations' in Kubernetes 1.36; remove it or use 1.37")]
    """
    return [(path, message) for _, _, path, message in _found(doc, kind, release)]


def take_absent_fields(doc: Any, kind: str, release: Release, version: str) -> list[tuple[str, str]]:
    """Take the fields out of a document of a version that a release's API does not have; return as `absent_fields`."""
    found = list(_found(doc, kind, release, version))
    for holder, key, _, _ in found:
        holder.pop(key, None)  # what an anchor of YAML repeats is one mapping
    return [(path, message) for _, _, path, message in found]


def may_hold_absent(data: bytes, kind: str, release: Release) -> bool:
    """Return whether a JSON text of objects of a kind may hold a field that the release does not have."""
    # A letter of a key may be written as an escape.
    return any(name in data for name in _names(kind, release.minor)) or (
        b"\\u00" in data and _ESCAPED_LETTER.search(data) is not None
    )


_ESCAPED_LETTER = re.compile(rb"\\u00(?:[46][1-9a-fA-F]|[57][0-9aA])")
_Hit: TypeAlias = tuple[dict[str, Any], str, str, str]


@dataclass(frozen=True)
class _Struct:
    """A struct of which fields are absent, or hold something of which fields are."""

    absent: Mapping[str, str]
    inner: Mapping[str, _Plan]


@dataclass(frozen=True)
class _Each:
    """A list or map whose every value has the plan."""

    inner: _Plan


_Plan: TypeAlias = "_Struct | _Each"


def _found(doc: Any, kind: str, release: Release, version: str = "v1") -> Iterator[_Hit]:
    plan = _plan(kind, release.minor, version)
    return iter(()) if plan is None else _walk(doc, plan, "")


def _walk(value: Any, plan: _Plan, path: str) -> Iterator[_Hit]:
    """Yield mapping, key, path and message of each absent field; what has another shape holds none."""
    if isinstance(plan, _Struct):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in plan.absent:
                    yield value, key, join(path, key), plan.absent[key]
                elif key in plan.inner:
                    yield from _walk(inner, plan.inner[key], join(path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _walk(inner, plan.inner, f"{path}[{position}]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, plan.inner, key_path(path, key))


@lru_cache(maxsize=256)
def _plan(kind: str, minor: str, version: str = "v1") -> _Plan | None:
    """Return where absent fields of an object may stand; None if the release has all of them."""
    return _plan_of(type_info(RESOURCE_TYPES[kind]), minor, version) if kind in RESOURCE_TYPES else None


def _plan_of(kind: inspect.Type, minor: str, version: str) -> _Plan | None:
    kind = without_none(kind)
    if isinstance(kind, inspect.StructType):
        rows = FIELDS.get(kind.cls, {})
        absent = {key: _message(key, minor, having) for key, having in rows.items() if minor not in having}
        plans = {field.encode_name: _plan_of(field.type, minor, version) for field in kind.fields}
        inner = {key: plan for key, plan in plans.items() if plan is not None and key not in absent}
        plan = _Struct(absent, inner) if absent or inner else None
        return _in_v1beta1(kind.cls, plan) if plan and version == "v1beta1" else plan
    if isinstance(kind, inspect.ListType | inspect.DictType):
        held = _plan_of(kind.item_type if isinstance(kind, inspect.ListType) else kind.value_type, minor, version)
        return None if held is None else _Each(held)
    return None


def _in_v1beta1(struct: type[Any], plan: _Struct) -> _Struct:
    """Return the plan of a struct as ``v1beta1`` writes it: devices with ``basic``, requests without ``exactly``."""
    if struct is resource.Device:
        return _Struct({}, {"basic": plan})
    exactly = plan.inner.get("exactly") if struct is resource.DeviceRequest else None
    if not isinstance(exactly, _Struct):
        return plan
    rest = {key: inner for key, inner in plan.inner.items() if key != "exactly"}
    return _Struct({**plan.absent, **exactly.absent}, {**rest, **exactly.inner})


def _message(key: str, minor: str, having: tuple[str, ...]) -> str:
    return f"unknown field {key!r} in Kubernetes {minor}; remove it or use {' or '.join(having)}"


@lru_cache(maxsize=256)
def _names(kind: str, minor: str) -> tuple[bytes, ...]:
    """Return the names of all absent fields of a kind as JSON writes them."""

    def names(plan: _Plan | None) -> Iterator[str]:
        if isinstance(plan, _Struct):
            yield from plan.absent
            for inner in plan.inner.values():
                yield from names(inner)
        elif plan is not None:
            yield from names(plan.inner)

    return tuple(f'"{name}"'.encode() for name in sorted({*names(_plan(kind, minor))}))
