"""Collecting the faults of one object, and the fields that have no effect in a release."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from drapolicy.api.kinds import called, label
from drapolicy.api.names import shown
from drapolicy.api.validation.rules import RULES
from drapolicy.errors import Fault
from drapolicy.release import Release
from drapolicy.release.gates import GATES, MINORS

_INT64 = range(-(2**63), 2**63)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?(?:Z|[+-]([0-9]{2}):([0-9]{2}))"
)
# Without one of these the place where it stood is empty, which no release lets pass.
_NEEDED = frozenset(
    {"ints", "bools", "strings", "versions", "firstAvailable", "distinctAttribute", "perDeviceNodeSelection"}
)


class Report:
    """The faults of one object, in the order they are found.

    Attributes
    ----------
    faults
        What was found so far.
    notes
        Fields that the API server would drop on create, or that have no effect (K8s S18).
    rules
        Limits and rules of the release.
    release
        The release whose API server is asked.
    """

    def __init__(self, obj: Any, release: Release) -> None:
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self.rules = RULES[release.minor]
        self.release = release
        self._label = label(type(obj).__name__, obj.metadata.namespace, called(obj.metadata))

    def add(self, path: str, message: str) -> None:
        """Note a fault at a field path."""
        self.faults.append(Fault("", -1, self._label, path, message))

    def required(self, path: str, what: str) -> None:
        """Note that a field is missing; ``what`` says what to set."""
        self.add(path, f"is required; {what}")

    def gated(self, path: str, field: str, is_set: object, *gates: str) -> None:
        """Note a field in use that is dropped without one of its feature gates (K8s S18)."""
        if not is_set or field in self.rules.kept:
            return
        for gate in gates:
            if gate not in self.release.gates:
                self.note(f"{path}.{field}", _without(field, gate, self.release.minor))
                return

    def note(self, path: str, message: str) -> None:
        """Note what is worth knowing of a field and no fault."""
        self.notes.append(Fault("", -1, self._label, path, message))

    def name(self, path: str, value: str, check: Callable[[str], str | None], what: str = "set it") -> None:
        """Check the format of a required name with a function of :mod:`drapolicy.api.names`."""
        if not value:
            self.required(path, what)
        elif message := check(value):
            self.add(path, message)

    def at_most(self, path: str, items: Collection[object], limit: int) -> bool:
        """Check the number of entries; False if there are too many, whose entries then need no look."""
        if len(items) <= limit:
            return True
        self.add(path, f"has {len(items)} entries; use at most {limit}")
        return False

    def unique(self, path: str, keys: Iterable[Hashable], field: str = "") -> None:
        """Check that no key of a list comes twice; ``field`` is the field of the entry that holds it."""
        first: dict[Hashable, int] = {}
        for index, key in enumerate(keys):
            if first.setdefault(key, index) != index:
                self.add(f"{path}[{index}]{field}", f"{shown(key)} repeats entry {first[key]}; use each only once")

    def one_of(self, path: str, value: str, allowed: Collection[str]) -> None:
        """Check a required word of a fixed set."""
        if not value:
            self.required(path, f"use one of {', '.join(allowed)}")
        elif value not in allowed:
            self.add(path, f"{shown(value)} is unknown; use one of {', '.join(allowed)}")

    def only_true(self, path: str, value: bool | None) -> None:
        """Check a flag that may only be unset or true."""
        if value is False:
            self.add(path, "is false; set it to true or leave it out")

    def int64(self, path: str, value: int, least: int = -(2**63)) -> None:
        """Check that a number is at least ``least`` and fits 64 bits."""
        if value < least:
            self.add(path, f"{value} is too small; use {least} or more")
        elif value not in _INT64:
            self.add(path, f"{value} does not fit 64 bits; use a number below 2^63")

    def time(self, path: str, value: str | None) -> None:
        """Check a time: RFC 3339, as Go reads it."""
        if value is None:
            return
        match = _TIME.fullmatch(value)
        try:
            if match and int(match[2] or 0) <= 24 and int(match[3] or 0) < 60:
                datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S")
                return
        except ValueError:
            pass
        self.add(path, f"{shown(value)} is no time; write it like 2026-01-31T12:00:00Z")

    def max_bytes(self, path: str, value: str, limit: int) -> None:
        """Check the length of a text in bytes."""
        size = len(value.encode(errors="surrogatepass"))
        if size > limit:
            self.add(path, f"{shown(value)} has {size} bytes; use at most {limit}")


@cache
def _without(field: str, gate: str, minor: str) -> str:
    """Say what becomes of a field without its gate."""
    row = GATES[gate]
    if row[MINORS.index(minor)] is not None:
        then = ", and refuses the object without it" if field in _NEEDED else ""
        return f"needs the feature gate {gate}, which is off; the API server drops it on create{then}"
    first = next(known for known, entry in zip(MINORS, row, strict=True) if entry is not None)
    return f"is unknown to Kubernetes {minor}; {first} brought it with the feature gate {gate}"
