"""One text after the other becomes objects; what is wrong is noted with its place and never stops the reading."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec

from drapolicy.api.convert import clean, convert
from drapolicy.api.defaults import apply_defaults
from drapolicy.api.documents import documents
from drapolicy.api.fast_json import read_list
from drapolicy.api.kinds import (
    CLUSTER_SCOPED,
    DEFAULT_NAMESPACE,
    RESOURCE_TYPES,
    TYPES,
    Verdict,
    called,
    label,
    label_of_plain,
    list_item_kind,
    name_of_plain,
    verdict,
)
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Origin
from drapolicy.api.validation import examine
from drapolicy.api.values import TWICE, Doubled, ReadFault, broken, holds_action, shown
from drapolicy.api.versions.fields import take_absent_fields
from drapolicy.api.versions.rewriting import as_written, to_v1, version_of
from drapolicy.api.workloads import WORKLOAD_TYPES
from drapolicy.errors import Fault, InputError
from drapolicy.release import Release


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Keep the collector from walking, again and again, millions of new objects that hold no cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Reader:
    """Reads texts one by one and gathers faults and the names seen."""

    def __init__(
        self,
        release: Release,
        *,
        strict: bool,
        defaults: bool,
        validate: bool,
        keep_workloads: bool = False,
        keep_others: bool = False,
    ) -> None:
        self.release = release
        self.strict = strict
        self.defaults = defaults
        self.validate = validate
        self.keep_workloads = keep_workloads
        self.keep_others = keep_others  # what is no object of resource.k8s.io stays a plain value
        self.places: dict[tuple[str, str, str], Origin] = {}
        self.faults: list[Fault] = []
        self.ignored: list[Fault] = []
        self.skipped: dict[str, int] = {}

    def raise_faults(self) -> None:
        """Raise one error for everything that was wrong."""
        if self.faults:
            raise InputError(faults=self.faults)

    def read(self, name: str, data: bytes | ReadFault) -> list[Any]:
        """Return the objects and workloads of one text that have no fault."""
        with without_garbage_collection():
            return [made for _, found in self.documents(name, data) for made in found]

    def documents(self, name: str, data: bytes | ReadFault) -> Iterator[tuple[Place, list[Any]]]:
        """Yield each document of a text with its objects that have no fault."""
        if isinstance(data, ReadFault):
            self.faults.append(Fault(name, -1, "", "", data.message))
            return
        listed = read_list(data, self.release)
        if listed is not None:
            place = Place(self, name, 0)
            place.is_list = True
            yield place, [made for made in (place.finish(item, "", "v1") for item in listed) if made is not None]
            return
        for number, value in enumerate(documents(name, data)):
            place = Place(self, name, number)
            try:
                if isinstance(value, ReadFault):
                    place.fault("", "", value.message)
                else:
                    yield place, place.document(value)
            except RecursionError:
                place.fault("", "", "nested too deeply; no object of Kubernetes is")


class Place:
    """One document of one text, on its way to objects.

    Attributes
    ----------
    is_list
        Whether it was found to be a list.
    """

    def __init__(self, reader: Reader, file: str, number: int) -> None:
        self._reader = reader
        self._file = file
        self._number = number
        self.is_list = False

    def fault(self, thing: str, path: str, message: str) -> None:
        """Note a fault."""
        self._reader.faults.append(Fault(self._file, self._number, thing, path, message))

    def document(self, value: Any, implied: tuple[str, str] = ("", ""), inside: str = "") -> list[Any]:
        """Return the objects of a plain value; items of typed lists take version and kind from their list."""
        if not isinstance(value, dict):
            self.fault("", inside, f"must be an object with apiVersion and kind, not {shown(value)}")
            return []
        api_version = value.get("apiVersion") or implied[0]
        kind = value.get("kind") or implied[1]
        thing = label_of_plain(kind, value)
        if inside and not name_of_plain(value):
            thing = f"{thing} {inside}".strip()
        if self._has_no_type(thing, api_version, kind, cut=isinstance(value.get("items"), list)):
            return []
        what, message = verdict(api_version, kind, self._reader.release.minor)
        if what is Verdict.REFUSED:
            self.fault(thing, "apiVersion", message)
            return []
        is_other = what is not Verdict.LIST and not (what is Verdict.READ and version_of(api_version))
        if self._reader.keep_others and is_other:
            self._broken(value, thing)
            return [{**value, "apiVersion": api_version, "kind": kind}]
        if what is Verdict.SKIPPED or (what is Verdict.WORKLOAD and not self._reader.keep_workloads):
            self._broken(value, thing)
            key = f"{api_version}/{kind}"
            self._reader.skipped[key] = self._reader.skipped.get(key, 0) + 1
            return []
        if isinstance(value, Doubled):
            for key in value.keys_twice:
                self.fault(thing, key, TWICE)
            return []
        if what is Verdict.LIST:
            return self._list(value, api_version, kind, inside)
        struct = TYPES.get((api_version, kind)) or WORKLOAD_TYPES[kind]
        made = self._object({**value, "apiVersion": api_version, "kind": kind}, struct, thing)
        return [] if made is None else [made]

    def _broken(self, value: Any, thing: str, path: str = "") -> None:
        """Note all inside a value that no type allows."""
        for where, message in broken(value, path):
            self.fault(thing, where, message)

    def _has_no_type(self, thing: str, api_version: Any, kind: Any, *, cut: bool) -> bool:
        """Note a fault if version or kind are missing or cannot be either; ``cut``: a list may have lost its end."""
        before = len(self._reader.faults)
        for path, found, what in (
            ("apiVersion", api_version, "a version such as resource.k8s.io/v1"),
            ("kind", kind, "a kind such as ResourceClaim"),
        ):
            if not found:
                # kubectl writes the kind of a list after its items, so a file that was cut short loses it.
                hint = "check that the file is complete" if cut else f"write {what}"
                self.fault(thing, path, f"is missing; {hint}")
            elif not isinstance(found, str):
                self.fault(thing, path, f"must be {what}, not {shown(found)}")
            elif "{{" in found:
                self.fault(thing, path, "is a template ({{ ... }}) and must be rendered first")
        return len(self._reader.faults) > before

    def _list(self, value: dict[str, Any], api_version: str, kind: str, inside: str) -> list[Any]:
        """Return the objects of a list."""
        self.is_list = True
        items = value.get("items")
        if items is not None and not isinstance(items, list):
            self.fault(kind, "items", f"must be a list, not {shown(items)}")
            return []
        unknown = sorted(set(value) - {"apiVersion", "kind", "metadata", "items"})
        for key in unknown:
            self._unknown(kind, key, f"unknown field {key!r}; remove it or fix its name and place")
        self._broken(value.get("metadata"), kind, "metadata")
        item_kind = list_item_kind(api_version, kind)
        implied = (api_version, item_kind) if item_kind else ("", "")
        prefix = f"{inside}." if inside else ""
        return [
            made for i, item in enumerate(items or []) for made in self.document(item, implied, f"{prefix}items[{i}]")
        ]

    def _object(self, value: dict[str, Any], kind: type[Any], thing: str) -> Any:
        """Return the finished object of a plain value, or None if it has a fault."""
        before = len(self._reader.faults)
        version = version_of(value["apiVersion"])

        def unknown(path: str, message: str) -> None:
            self._unknown(thing, as_written(path, version), message)

        def wrong(path: str, message: str) -> None:
            self.fault(thing, as_written(path, version), message)

        if version:
            for path, message in take_absent_fields(value, value["kind"], self._reader.release, version):
                self._unknown(thing, path, message)
            value = to_v1(
                value,
                lambda path, message: self._unknown(thing, path, message),
                lambda path, message: self.fault(thing, path, message),
            )
        made: Any = None
        if not holds_action(value) and next(broken(value), None) is None:
            try:
                made = convert(value, kind)
            except (msgspec.ValidationError, RecursionError):
                made = None
        if made is None:
            cleaned = clean(value, kind, unknown, wrong)
            if len(self._reader.faults) == before:
                made = convert(cleaned, kind)
        if len(self._reader.faults) > before:
            return None
        if "source" in kind.__struct_fields__:
            made = msgspec.structs.replace(made, source=value)
        return self.finish(made, thing, version)

    def finish(self, made: Any, thing: str, version: str) -> Any:
        """Return the object with defaults, or None if validation or another object of its name speaks against it.

        ``version`` is the one that the object was written in, which names the fields of its faults.
        """
        kind, meta = type(made).__name__, made.metadata
        before = len(self._reader.faults)
        if called(meta):
            self._keep_place(kind, meta, version)
        complete = apply_defaults(made)
        if kind not in CLUSTER_SCOPED and not meta.namespace:
            complete = msgspec.structs.replace(
                complete, metadata=msgspec.structs.replace(complete.metadata, namespace=DEFAULT_NAMESPACE)
            )
        if self._reader.validate:
            if kind not in RESOURCE_TYPES and not meta.name and not meta.generate_name:
                self.fault(thing or kind, "metadata.name", "is required; set name or generateName")
            thing = thing or label(kind, meta.namespace, meta.name)
            report = examine(complete, self._reader.release)
            self._reader.faults += self._placed(report.faults, thing, version)
            self._reader.ignored += self._placed(report.notes, thing, version)
        if len(self._reader.faults) > before:
            return None
        return complete if self._reader.defaults else made

    def _placed(self, faults: Iterable[Fault], thing: str, version: str) -> list[Fault]:
        """Return faults with their place in the input and the fields' names in the version they were written in."""
        return [
            replace(fault, file=self._file, document=self._number, object=thing, path=as_written(fault.path, version))
            for fault in faults
        ]

    def _keep_place(self, kind: str, meta: ObjectMeta, version: str) -> None:
        """Keep the place of an object, and note a fault if one of its kind and name came before."""
        key = (kind, "" if kind in CLUSTER_SCOPED else meta.namespace or DEFAULT_NAMESPACE, called(meta))
        before = self._reader.places.get(key)
        if before is None:
            self._reader.places[key] = Origin(self._file, self._number, version)
        elif meta.name:
            message = f"{shown(meta.name)} is given twice, first in {before.file} (document {before.document + 1})"
            self.fault(label(*key), "metadata.name", f"{message}; rename or drop one")
        else:
            # Of several names that begin alike nobody can tell which is meant.
            self._reader.places[key] = Origin("", -1, "")

    def _unknown(self, thing: str, path: str, message: str) -> None:
        """Note an unknown field, as a fault or as one let pass."""
        found = Fault(self._file, self._number, thing, path, message)
        (self._reader.faults if self._reader.strict else self._reader.ignored).append(found)
