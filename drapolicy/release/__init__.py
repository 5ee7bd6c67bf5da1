"""One Kubernetes minor release as a value: gates, allocator features and behaviour.

A :class:`Release` is made once at load and carried by ``Fleet``; it is never global.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.release.behaviour import BEHAVIOURS, Behaviour
from drapolicy.release.gates import FEATURES, GATES, MINORS, NEEDS, NEWEST, VARIANTS, Gate

__all__ = ["MINORS", "NEWEST", "Behaviour", "Gate", "Release", "release"]


@dataclass(frozen=True)
class Release:
    """One Kubernetes minor release with its feature gates.

    Attributes
    ----------
    minor
        For example ``"1.37"``.
    gates
        Names of the gates that are on.
    forced
        Variant of upstream's allocator to follow; by default the one that the features select.
    """

    minor: str
    gates: frozenset[str]
    forced: str = ""

    @cached_property
    def features(self) -> frozenset[str]:
        """Names of the allocator features that the gates turn on: fields of upstream's ``Features`` struct."""
        return frozenset(name for name, gates in FEATURES[self.minor].items() if self.gates.issuperset(gates))

    @cached_property
    def behaviour(self) -> Behaviour:
        """What the release, by the variant of its allocator, decides otherwise than others, gates aside."""
        return BEHAVIOURS[self.minor][self.variant]

    @property
    def binds(self) -> bool:
        """Binding conditions of devices count; up to 1.34 that takes two allocator features."""
        return "DeviceBindingAndStatus" in self.features or {"DeviceBinding", "DeviceStatus"} <= self.features

    @property
    def heeds_taint_rules(self) -> bool:
        """DeviceTaintRules taint devices; before they had a gate of their own that took the one of taints (K8s S49)."""
        own = "DRADeviceTaintRules"
        has_own = GATES[own][MINORS.index(self.minor)] is not None
        return (own if has_own else "DRADeviceTaints") in self.gates

    @property
    def variant(self) -> str:
        """Upstream's copy of the allocator that decides: stable, incubating or experimental."""
        return self.forced or next(name for name, handled in VARIANTS[self.minor].items() if self.features <= handled)

    def unhandled(self, variant: str) -> frozenset[str]:
        """Return the features that are on and that a variant of upstream's allocator cannot handle.

        Raises
        ------
        InputError
            For an unknown variant.
        """
        variants = VARIANTS[self.minor]
        if variant not in variants:
            message = f"unknown variant {variant!r}; known are {', '.join(variants)}"
            raise InputError(message)
        return self.features - variants[variant]

    def at_least(self, minor: str) -> bool:
        """Return whether this release is ``minor`` or a later one."""
        return MINORS.index(self.minor) >= MINORS.index(minor)

    def with_features(self, features: Iterable[str]) -> Release:
        """Return the release with exactly these allocator features on, whatever the gates' rules say.

        Raises
        ------
        InputError
            For a feature that the release's allocator does not have.

        Examples
        --------
        >>> sorted(release("1.36").with_features(["AdminAccess", "ListTypeAttributes"]).features)
        ['AdminAccess', 'ListTypeAttributes']
        """
        known = FEATURES[self.minor]
        wanted = frozenset(features)
        unknown = wanted - known.keys()
        if unknown:
            message = f"unknown feature {', '.join(sorted(unknown))}; Kubernetes {self.minor} has {', '.join(known)}"
            raise InputError(message)
        of_features = {gate for gates in known.values() for gate in gates}
        on = {gate for name in wanted for gate in known[name]}
        return replace(self, gates=(self.gates - of_features) | on)

    def with_variant(self, variant: str) -> Release:
        """Return the release with a variant of upstream's allocator that its features need not select.

        Raises
        ------
        InputError
            For an unknown variant, or one that lacks a feature that is on.
        """
        lacking = self.unhandled(variant)
        if lacking:
            message = f"variant {variant} cannot handle {', '.join(sorted(lacking))}; leave the variant out"
            raise InputError(message)
        return replace(self, forced=variant)


def release(minor: str = NEWEST, *, gates: Mapping[str, bool] | None = None) -> Release:
    """Return one Kubernetes release, with some gates switched if asked.

    Parameters
    ----------
    minor
        ``"1.34"`` to ``"1.37"``.
    gates
        Gates to turn on or off, by name; the others have the release's default.

    Raises
    ------
    UnsupportedFeatureError
        For another release.
    InputError
        For gates that the release does not have, does not let change, or does not let be on without another; the
        message names them all.

    Examples
    --------
    >>> "ConsumableCapacity" in release("1.37").features, "ConsumableCapacity" in release("1.35").features
    (True, False)
    >>> "ListTypeAttributes" in release("1.36", gates={"DRAListTypeAttributes": True}).features
    True
    """
    if minor not in MINORS:
        message = f"Kubernetes {minor}: not supported; use {', '.join(MINORS[:-1])} or {NEWEST}"
        raise UnsupportedFeatureError(message, [f"Kubernetes {minor}"])
    column = MINORS.index(minor)
    known = {name: gate for name, row in GATES.items() if (gate := row[column]) is not None}
    asked = gates or {}
    faults = [
        f"feature gate {name} is unknown; known are {', '.join(sorted(known))}" for name in asked if name not in known
    ]
    faults += [
        f"feature gate {name} is locked to {str(gate.on).lower()}; leave it out"
        for name, gate in known.items()
        if gate.locked and asked.get(name, gate.on) != gate.on
    ]
    on = frozenset(name for name, gate in known.items() if asked.get(name, gate.on))
    faults += [
        f"feature gate {name} needs {needed}; turn it on too"
        for name in sorted(on)
        for needed in NEEDS.get(name, ())
        if needed not in on
    ]
    if faults:
        message = f"Kubernetes {minor}: {'; '.join(faults)}"
        raise InputError(message)
    return Release(minor, on)
