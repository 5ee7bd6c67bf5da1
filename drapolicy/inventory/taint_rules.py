"""Slices as the scheduler sees them: with the taints of all DeviceTaintRules (K8s S49)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec.structs

from drapolicy.api.resource import Device, DeviceTaintRule, ResourceSlice


def with_taint_rules(slices: Iterable[ResourceSlice], rules: Sequence[DeviceTaintRule]) -> tuple[ResourceSlice, ...]:
    """Return the slices, each device with the taints of the rules that select it appended.

    Parameters
    ----------
    slices
        Slices as their drivers published them.
    rules
        Rules in the order in which their taints are appended.

    Returns
    -------
    tuple of ResourceSlice
        In the same order. A slice that no rule touches is the very same object.

    Notes
    -----
    A rule without a selector selects nothing; an empty selector selects every device. Source: Kubernetes
    ``resourceslice/tracker`` (K8s S49).
    """
    return tuple(_patched(published, rules) for published in slices)


def _patched(published: ResourceSlice, rules: Sequence[DeviceTaintRule]) -> ResourceSlice:
    spec = published.spec
    fitting = [rule for rule in rules if _selects_pool(rule, spec.driver, spec.pool.name)]
    devices = [_tainted(device, fitting) for device in spec.devices]
    if all(new is old for new, old in zip(devices, spec.devices, strict=True)):
        return published
    return msgspec.structs.replace(published, spec=msgspec.structs.replace(spec, devices=devices))


def _selects_pool(rule: DeviceTaintRule, driver: str, pool: str) -> bool:
    selector = rule.spec.device_selector
    return selector is not None and selector.driver in {None, driver} and selector.pool in {None, pool}


def _tainted(device: Device, rules: Sequence[DeviceTaintRule]) -> Device:
    taints = [
        rule.spec.taint
        for rule in rules
        if rule.spec.device_selector is not None and rule.spec.device_selector.device in {None, device.name}
    ]
    return msgspec.structs.replace(device, taints=[*device.taints, *taints]) if taints else device
