"""What was read: the objects by kind, in the order of the input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from drapolicy.api.core import Namespace, Node, Pod
from drapolicy.api.kinds import label
from drapolicy.api.pool_status import ResourcePoolStatusRequest
from drapolicy.api.resource import DeviceClass, DeviceTaintRule, ResourceClaim, ResourceClaimTemplate, ResourceSlice
from drapolicy.api.versions.rewriting import as_written
from drapolicy.errors import Fault


class Origin(NamedTuple):
    """Where an object was read.

    Attributes
    ----------
    file, document
        As in `drapolicy.errors.Fault`.
    version
        Version of ``resource.k8s.io`` that it was written in; empty for other groups.
    """

    file: str
    document: int
    version: str


_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_NOWHERE: Final[Mapping[tuple[str, str, str], Origin]] = MappingProxyType({})
_FIELD_OF: Final[dict[type[Any], str]] = {
    ResourceSlice: "slices",
    DeviceClass: "classes",
    ResourceClaim: "claims",
    ResourceClaimTemplate: "templates",
    DeviceTaintRule: "taint_rules",
    ResourcePoolStatusRequest: "pool_status_requests",
    Node: "nodes",
    Pod: "pods",
    Namespace: "namespaces",
}


@dataclass(frozen=True)
class Objects:
    """Objects of an input, each kind in the order of the input.

    Attributes
    ----------
    slices, classes, claims, templates, taint_rules, pool_status_requests, nodes, pods, namespaces
        The objects.
    skipped
        How many documents of other kinds were passed over, by ``apiVersion/kind``.
    ignored_fields
        Unknown fields that were let pass because reading was not strict, and fields that the API server would drop on
        create because a feature gate is off, or that have no effect; the latter two stay in the objects (K8s S18).
    origins
        Where each object was read, by kind, namespace and name; no part of equality.

    Examples
    --------
    >>> both = Objects.of([Node()]).merged(Objects.of([Pod()]))
    >>> len(both), len(both.nodes), len(both.pods)
    (2, 1, 1)
    """

    slices: tuple[ResourceSlice, ...] = ()
    classes: tuple[DeviceClass, ...] = ()
    claims: tuple[ResourceClaim, ...] = ()
    templates: tuple[ResourceClaimTemplate, ...] = ()
    taint_rules: tuple[DeviceTaintRule, ...] = ()
    pool_status_requests: tuple[ResourcePoolStatusRequest, ...] = ()
    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    ignored_fields: tuple[Fault, ...] = ()
    origins: Mapping[tuple[str, str, str], Origin] = field(default_factory=lambda: _NOWHERE, compare=False, repr=False)

    def __reduce__(self) -> tuple[type[Objects], tuple[Any, ...]]:
        # A read-only view of a mapping cannot be pickled; other processes get a copy.
        values = [getattr(self, item.name) for item in fields(self)]
        return Objects, tuple(dict(value) if isinstance(value, Mapping) else value for value in values)

    @classmethod
    def of(
        cls,
        objects: Iterable[Any],
        skipped: Mapping[str, int] = _NOTHING,
        ignored_fields: Iterable[Fault] = (),
        origins: Mapping[tuple[str, str, str], Origin] | None = None,
    ) -> Objects:
        """Sort objects by kind.

        Raises
        ------
        TypeError
            If an object is of no kind that is read.
        """
        sorted_by_kind: dict[str, list[Any]] = {name: [] for name in _FIELD_OF.values()}
        for item in objects:
            if type(item) not in _FIELD_OF:
                message = f"{type(item).__name__} is no kind of object that is kept; use one of drapolicy.api"
                raise TypeError(message)
            sorted_by_kind[_FIELD_OF[type(item)]].append(item)
        return cls(
            **{name: tuple(items) for name, items in sorted_by_kind.items()},
            skipped=MappingProxyType(dict(skipped)),
            ignored_fields=tuple(ignored_fields),
            origins=_NOWHERE if origins is None else MappingProxyType(origins),
        )

    def located(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return faults of objects with the files, documents and fields that the objects came from, in that order."""
        places = {label(*key): place for key, place in self.origins.items()}
        found = []
        for fault in faults:
            file, document, version = places.get(fault.object, Origin(fault.file, fault.document, ""))
            path = as_written(fault.path, version)
            found.append(replace(fault, file=file, document=document, path=path))
        return found

    def merged(self, *others: Objects) -> Objects:
        """Return these objects followed, kind by kind, by those of ``others``; names are not compared."""
        parts = (self, *others)
        skipped: dict[str, int] = {}
        for part in parts:
            for kind, count in part.skipped.items():
                skipped[kind] = skipped.get(kind, 0) + count
        joined = {
            entry.name: tuple(item for part in parts for item in getattr(part, entry.name))
            for entry in fields(self)
            if entry.name not in {"skipped", "origins"}
        }
        origins = {key: place for part in parts for key, place in part.origins.items()}
        return Objects(**joined, skipped=MappingProxyType(skipped), origins=MappingProxyType(origins))

    def __iter__(self) -> Iterator[Any]:
        """Iterate over all objects: namespaces and nodes first, then what refers to them, slices, claims and pods."""
        for kind in (
            self.namespaces,
            self.nodes,
            self.classes,
            self.taint_rules,
            self.pool_status_requests,
            self.slices,
            self.templates,
            self.claims,
            self.pods,
        ):
            yield from kind

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in _FIELD_OF.values())

    def __bool__(self) -> bool:
        return True
