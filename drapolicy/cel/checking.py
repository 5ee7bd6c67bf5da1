"""All expressions of an input compiled before anything runs (K8s S29, S53, S56)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from drapolicy.api.kinds import called, label
from drapolicy.api.objects import Objects
from drapolicy.api.resource import (
    DeviceClaim,
    DeviceClass,
    DeviceDerivedAttribute,
    DeviceSelector,
    DeviceTaintRule,
    ResourceClaim,
    ResourceClaimTemplate,
)
from drapolicy.cel.cost import LIMIT
from drapolicy.cel.derived import CLAIM_LIMIT
from drapolicy.cel.environment import Environment, environment
from drapolicy.cel.errors import CompileError
from drapolicy.cel.program import compile_in
from drapolicy.errors import Fault
from drapolicy.release import Release
from drapolicy.release import release as kubernetes

# K: pkg/apis/resource/validation, of expressions whose estimated cost exceeds the limit, alone or together.
TOO_COMPLEX = "Forbidden: too complex, exceeds cost limit"
TOO_COMPLEX_TOGETHER = (
    "Forbidden: too complex, total cost of derived attribute CEL expressions in the claim exceeds cost limit"
)

Holder: TypeAlias = DeviceClass | ResourceClaim | ResourceClaimTemplate | DeviceTaintRule
"""A kind of object with expressions; taint rules have them up to Kubernetes 1.34."""


def check(objects: Objects, release: Release | None = None) -> list[Fault]:
    """Return a fault for each expression of an object that does not compile or may cost too much.

    Expressions are those of objects that are being created: the API server then accepts only what the release before
    understands as well, and what gates turn on. What is stored already may use more (:func:`drapolicy.cel.compile`).

    Parameters
    ----------
    objects
        Everything loaded.
    release
        Kubernetes release with its gates; None for 1.37.

    Returns
    -------
    list of Fault
        In the order of the objects; paths such as ``spec.devices.requests[0].exactly.selectors[1].cel.expression``.
    """
    release = release or kubernetes()
    things: Iterable[Holder] = (*objects.classes, *objects.claims, *objects.templates, *objects.taint_rules)
    return [fault for thing in things for fault in faults_of(thing, release)]


class _Found(NamedTuple):
    """An expression in an object, and where it is."""

    path: str
    expression: str
    derived: bool = False


def faults_of(thing: Holder, release: Release) -> list[Fault]:
    """Return a fault for each expression of one object that does not compile or may cost too much."""
    kind, meta = type(thing).__name__, thing.metadata
    devices = ""
    if isinstance(thing, DeviceClass):
        found = list(_selectors(thing.spec.selectors, "spec.selectors"))
    elif isinstance(thing, DeviceTaintRule):
        selector = thing.spec.device_selector
        found = list(_selectors(selector.selectors, "spec.deviceSelector.selectors")) if selector else []
    else:
        devices = "spec.devices" if isinstance(thing, ResourceClaim) else "spec.spec.devices"
        claim = thing.spec.devices if isinstance(thing, ResourceClaim) else thing.spec.spec.devices
        derives = "DerivedAttributes" in release.features
        found = [part for part in _claimed(claim, devices) if derives or not part.derived]
    return [
        Fault("", -1, label(kind, meta.namespace, called(meta)), path, reason)
        for path, reason in _judged(found, environment(release, stored=False), devices)
    ]


def _judged(found: Sequence[_Found], made_of: Environment, devices: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the reason of each fault."""
    together = 0
    for path, expression, derived in found:
        try:
            most = compile_in(expression, made_of, derived).estimated_cost.max
        except CompileError as error:
            yield path, f"CEL compile error: {error}"
            continue
        if most > LIMIT:
            yield path, TOO_COMPLEX
        # Upstream adds up in 64 bits.
        together = (together + most * derived) % 2**64
    if together > CLAIM_LIMIT:
        yield devices, TOO_COMPLEX_TOGETHER


def _selectors(selectors: Iterable[DeviceSelector], path: str) -> Iterator[_Found]:
    for index, selector in enumerate(selectors):
        if selector.cel is not None:
            yield _Found(f"{path}[{index}].cel.expression", selector.cel.expression)


def _derived(attributes: Iterable[DeviceDerivedAttribute], path: str) -> Iterator[_Found]:
    for index, attribute in enumerate(attributes):
        if attribute.expression:
            yield _Found(f"{path}[{index}].expression", attribute.expression, derived=True)


def _claimed(claim: DeviceClaim, path: str) -> Iterator[_Found]:
    for index, request in enumerate(claim.requests):
        at = f"{path}.requests[{index}]"
        if request.exactly is not None:
            yield from _selectors(request.exactly.selectors, f"{at}.exactly.selectors")
            yield from _derived(request.exactly.derived_attributes, f"{at}.exactly.derivedAttributes")
        for position, alternative in enumerate(request.first_available):
            yield from _selectors(alternative.selectors, f"{at}.firstAvailable[{position}].selectors")
            yield from _derived(alternative.derived_attributes, f"{at}.firstAvailable[{position}].derivedAttributes")
