"""Slices as the scheduler sees them: with the taints of all DeviceTaintRules (K8s S49)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec.structs

from drapolicy.api.resource import Device, DeviceTaint, DeviceTaintRule, DeviceTaintSelector, ResourceSlice
from drapolicy.errors import UnsupportedFeatureError
from drapolicy.release import Behaviour, Release
from drapolicy.release import release as default_release

_Chosen: TypeAlias = tuple[DeviceTaint, DeviceTaintSelector]


def with_taint_rules(
    slices: Iterable[ResourceSlice], rules: Sequence[DeviceTaintRule], release: Release | None = None
) -> tuple[ResourceSlice, ...]:
    """Return the slices, each device with the taints of the rules that select it appended.

    Parameters
    ----------
    slices
        Slices as their drivers published them.
    rules
        Rules in the order in which their taints are appended.
    release
        Kubernetes release; 1.37 with its default gates if left out. Whether its gates heed rules at all is up to the
        caller (:attr:`drapolicy.release.Release.heeds_taint_rules`).

    Returns
    -------
    tuple of ResourceSlice
        In the same order. A slice that no rule touches is the very same object.

    Raises
    ------
    UnsupportedFeatureError
        For a rule that selects by class or CEL, as Kubernetes 1.34 had them.

    Notes
    -----
    A rule without a selector selects nothing, and up to 1.36 everything; an empty selector selects every device.
    Source: Kubernetes ``resourceslice/tracker`` (K8s S49).
    """
    if not rules:
        return tuple(slices)
    behaviour = (release or default_release()).behaviour
    selecting = [(rule, _selector(rule, behaviour)) for rule in rules]
    chosen = [(rule.spec.taint, selector) for rule, selector in selecting if selector is not None]
    return tuple(_patched(published, chosen) for published in slices)


def _selector(rule: DeviceTaintRule, behaviour: Behaviour) -> DeviceTaintSelector | None:
    """Return which devices a rule selects; None if it selects none."""
    selector = rule.spec.device_selector
    if selector is None:
        return None if behaviour.bare_rules_taint_nothing else DeviceTaintSelector()
    if selector.device_class_name is not None or selector.selectors:
        message = (
            f"DeviceTaintRule {rule.metadata.name}: selecting by deviceClassName or selectors is not supported; "
            "name driver, pool or device"
        )
        raise UnsupportedFeatureError(message, ["DeviceTaintRule selectors"])
    return selector


def _patched(published: ResourceSlice, chosen: Sequence[_Chosen]) -> ResourceSlice:
    spec = published.spec
    fitting = [
        (taint, selector)
        for taint, selector in chosen
        if selector.driver in {None, spec.driver} and selector.pool in {None, spec.pool.name}
    ]
    devices = [_tainted(device, fitting) for device in spec.devices]
    if all(new is old for new, old in zip(devices, spec.devices, strict=True)):
        return published
    return msgspec.structs.replace(published, spec=msgspec.structs.replace(spec, devices=devices))


def _tainted(device: Device, chosen: Sequence[_Chosen]) -> Device:
    taints = [taint for taint, selector in chosen if selector.device in {None, device.name}]
    return msgspec.structs.replace(device, taints=[*device.taints, *taints]) if taints else device
