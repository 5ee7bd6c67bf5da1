"""Attributes that the devices of a claim must share or must not share (K8s S50-S52)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from drapolicy.api.resource import DeviceAttribute, DeviceConstraint
from drapolicy.release import Release
from drapolicy.verify.pools import DeviceID, Seen
from drapolicy.verify.wishes import Wish

# Finds an attribute of a device as a request sees it; None where the device has none of that name.
Lookup = Callable[[Wish, Seen, str], DeviceAttribute | None]

_SCALARS = ("int_value", "bool_value", "string_value", "version_value")
_LISTS = ("int_values", "bool_values", "string_values", "version_values")


class Entry(NamedTuple):
    """What one device has under the attribute of a constraint.

    Attributes
    ----------
    request
        Request that took the device, without alternative.
    device
        The device.
    values
        Types and values; empty where the attribute cannot be compared.
    listed
        Whether the attribute is a list.
    """

    request: str
    device: DeviceID
    values: frozenset[tuple[str, object]]
    listed: bool


@dataclass
class Constraint:
    """One constraint of a claim and the devices taken so far.

    Attributes
    ----------
    constraint
        As the claim states it.
    release
        Kubernetes release with its gates.
    lookup
        Where attributes come from.
    entries
        Devices that the constraint is about, in the order of taking.
    """

    constraint: DeviceConstraint
    release: Release
    lookup: Lookup
    entries: list[Entry] = field(default_factory=list)

    def add(self, wish: Wish, seen: Seen) -> tuple[str, str]:
        """Take one more device.

        Returns
        -------
        tuple of str
            Number of the rule that is broken and why; both empty when none is.

        Raises
        ------
        SelectorError
            If a derived attribute has no value for this device (S53).
        """
        named = self.constraint.requests
        if named and wish.request not in named and wish.name not in named:
            return "", ""
        matches = self.constraint.match_attribute is not None
        rule = "S50" if matches else "S51"
        attribute = self.constraint.match_attribute or self.constraint.distinct_attribute or ""
        found = self.lookup(wish, seen, attribute)
        if found is None:
            return rule, f"attribute {attribute} is missing"
        entry = self._entry(wish, seen, found)
        refusal = self._match(entry) if matches else self._distinct(entry)
        if entry.listed or any(other.listed for other in self.entries):
            rule = "S52"
        if refusal:
            return rule, f"attribute {attribute} is {_words(found)}, {refusal}"
        self.entries.append(entry)
        return "", ""

    def _entry(self, wish: Wish, seen: Seen, found: DeviceAttribute) -> Entry:
        listed = [(name, value) for name in _LISTS for value in getattr(found, name)]
        scalar = [(f"{name}s", value) for name in _SCALARS if (value := getattr(found, name)) is not None]
        values = frozenset((listed or scalar)[: None if listed else 1])
        if listed and "ListTypeAttributes" not in self.release.features:
            values = frozenset()  # Lists are compared by nothing while the gate is off (S52).
        return Entry(wish.request, seen.id, values, listed=bool(listed) or not scalar)

    def _match(self, entry: Entry) -> str:
        if not self._comparable(entry):
            return "which cannot be compared"
        if not self.entries:
            return ""
        common = frozenset.intersection(*(other.values for other in self.entries))
        return "" if common & entry.values else "which has no value in common with all devices before it"

    def _distinct(self, entry: Entry) -> str:
        others = self._remembered(entry)
        if not self._comparable(entry) and (others or "ListTypeAttributes" in self.release.features):
            return "which cannot be compared"
        return next((f"as on device {other.device[2]}" for other in others if other.values & entry.values), "")

    def _comparable(self, entry: Entry) -> bool:
        # Without the gate a list passes as the first one only.
        return bool(entry.values) or ("ListTypeAttributes" not in self.release.features and not self.entries)

    def _remembered(self, entry: Entry) -> list[Entry]:
        behaviour = self.release.behaviour
        others = self.entries
        if not behaviour.remembers_all_distinct:
            # The last device of each other request; whether one of the same request is forgotten depends on the search.
            last = {other.request: other for other in self.entries}
            others = [other for request, other in last.items() if request != entry.request]
        if not behaviour.compares_distinct:
            others = [other for other in others if other.device == entry.device]
        return others


def _words(found: DeviceAttribute) -> str:
    given = (getattr(found, name) for name in (*_LISTS, *_SCALARS))
    return next((repr(value) for value in given if value not in (None, [])), "empty")
