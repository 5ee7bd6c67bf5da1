"""Slices as the scheduler sees them: with the taints of all DeviceTaintRules (K8s S49)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec.structs

from drapolicy import cel
from drapolicy.api.resource import Device, DeviceClass, DeviceTaint, DeviceTaintRule, DeviceTaintSelector, ResourceSlice
from drapolicy.release import Release
from drapolicy.release import release as default_release

_NO_CLASSES: Final[Mapping[str, DeviceClass]] = MappingProxyType({})


class _Rule(NamedTuple):
    """A taint, which devices get it, and the selectors that must all choose them besides."""

    taint: DeviceTaint
    selector: DeviceTaintSelector
    programs: tuple[cel.Program, ...]


def with_taint_rules(
    slices: Iterable[ResourceSlice],
    rules: Sequence[DeviceTaintRule],
    release: Release | None = None,
    classes: Mapping[str, DeviceClass] = _NO_CLASSES,
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
    classes
        Device classes by name, which rules of Kubernetes 1.34 may name.

    Returns
    -------
    tuple of ResourceSlice
        In the same order. A slice that no rule touches is the very same object.

    Raises
    ------
    CompileError
        For a rule with a selector that does not compile.

    Notes
    -----
    A rule without a selector selects nothing, and up to 1.36 everything; an empty selector selects every device. A
    rule of an unknown class, or with a selector that fails on a device, does not select it. Source: Kubernetes
    ``resourceslice/tracker`` (K8s S49).
    """
    if not rules:
        return tuple(slices)
    chosen = [made for rule in rules if (made := _rule(rule, release or default_release(), classes)) is not None]
    return tuple(_patched(published, chosen) for published in slices)


def _rule(rule: DeviceTaintRule, release: Release, classes: Mapping[str, DeviceClass]) -> _Rule | None:
    """Return a rule ready to apply; None if it selects no device."""
    selector = rule.spec.device_selector
    if selector is None:
        nothing = release.behaviour.bare_rules_taint_nothing
        return None if nothing else _Rule(rule.spec.taint, DeviceTaintSelector(), ())
    selectors = selector.selectors
    if selector.device_class_name is not None:
        named = classes.get(selector.device_class_name)
        if named is None:
            return None
        selectors = [*named.spec.selectors, *selectors]
    programs = tuple(cel.compile(item.cel.expression, release) for item in selectors if item.cel is not None)
    return _Rule(rule.spec.taint, selector, programs)


def _patched(published: ResourceSlice, chosen: Sequence[_Rule]) -> ResourceSlice:
    spec = published.spec
    fitting = [
        rule
        for rule in chosen
        if rule.selector.driver in {None, spec.driver} and rule.selector.pool in {None, spec.pool.name}
    ]
    devices = [_tainted(device, fitting, spec.driver) for device in spec.devices]
    if all(new is old for new, old in zip(devices, spec.devices, strict=True)):
        return published
    return msgspec.structs.replace(published, spec=msgspec.structs.replace(spec, devices=devices))


def _tainted(device: Device, chosen: Sequence[_Rule], driver: str) -> Device:
    taints = [
        rule.taint
        for rule in chosen
        if rule.selector.device in {None, device.name} and _matches(rule.programs, device, driver)
    ]
    return msgspec.structs.replace(device, taints=[*device.taints, *taints]) if taints else device


def _matches(programs: Sequence[cel.Program], device: Device, driver: str) -> bool:
    if not programs:
        return True
    view = cel.device_view(driver, device)
    try:
        return all(program.evaluate(view) for program in programs)
    except cel.EvaluationError:
        return False
