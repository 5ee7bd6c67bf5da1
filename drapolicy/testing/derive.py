"""Random derived attributes: named by a constraint, computed by an expression of any shape, failing ones included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

from msgspec.structs import replace

from drapolicy.api.resource import (
    DeviceConstraint,
    DeviceDerivedAttribute,
    DeviceRequest,
    DeviceSubRequest,
    ExactDeviceRequest,
)
from drapolicy.testing.devices import PCIE_ROOT

_Asking = TypeVar("_Asking", ExactDeviceRequest, DeviceSubRequest)

NAMES = ("derived/group", "derived/side", "derived.example.com/group")

# @ stands for the attributes of the driver, $ for its capacities.
EXPRESSIONS = (
    "@.?index.orValue(0) / 2",
    "@.?index.orValue(0) % 2 == 0",
    'has(@.model) ? @.model : "none"',
    "@.numa",
    "@.index % 2",
    "@.version",
    "@.?healthy.orValue(false)",
    "device.driver",
    'device.driver.split(".")[0]',
    'semver("1.2.0")',
    "[0, 1]",
    "[@.?index.orValue(0), @.?index.orValue(0) + 1]",
    '["x", "y"].filter(x, x == "y")',
    "[true]",
    '[semver("1.0.0"), semver("2.0.0")]',
    "@.?links.orValue([])",
    "[].filter(x, x == 1)",
    '"memory" in $ && $.memory.isGreaterThan(quantity("40Gi"))',
    '$.memory.compareTo(quantity("64Gi"))',
    f'device.attributes["{PCIE_ROOT.partition("/")[0]}"].?pcieRoot.orValue("")',
    f'device.attributes["{PCIE_ROOT.partition("/")[0]}"].pcieRoot',
    "dyn(@)",
    "dyn($.memory)",
    'dyn([dyn(1), dyn("a")])',
    "[dyn(@)]",
    "dyn(1.5)",
    "10 / @.?index.orValue(0)",
)


def derive(
    rng: Random, requests: Sequence[DeviceRequest], constraints: Sequence[DeviceConstraint], drivers: Sequence[str]
) -> tuple[list[DeviceRequest], list[DeviceConstraint]]:
    """Return the requests with derived attributes, each under a name that a constraint for the request asks for.

    A constraint is added where there is none, or asks for another name; names of real attributes are shadowed.
    """
    made = list(constraints) or [DeviceConstraint(match_attribute="derived/group")]
    for index, constraint in enumerate(made):
        if rng.random() < 0.6:
            name = rng.choice((*NAMES, f"{rng.choice(drivers)}/numa", PCIE_ROOT))
            kind = "match_attribute" if constraint.match_attribute else "distinct_attribute"
            made[index] = replace(constraint, **{kind: name})
    return [_with(rng, request, made, rng.choice(drivers)) for request in requests], made


def _with(rng: Random, request: DeviceRequest, constraints: Sequence[DeviceConstraint], driver: str) -> DeviceRequest:
    if request.exactly is not None:
        names = _asked(constraints, request.name)
        return replace(request, exactly=_deriving(rng, request.exactly, names, driver))
    subs = [
        _deriving(rng, sub, _asked(constraints, request.name, f"{request.name}/{sub.name}"), driver)
        for sub in request.first_available
    ]
    return replace(request, first_available=subs)


def _asked(constraints: Sequence[DeviceConstraint], *targets: str) -> Iterator[str]:
    """Yield the attributes that constraints compare for a request, each once."""
    yield from dict.fromkeys(
        constraint.match_attribute or constraint.distinct_attribute or ""
        for constraint in constraints
        if not constraint.requests or not set(targets).isdisjoint(constraint.requests)
    )


def _deriving(rng: Random, asking: _Asking, names: Iterator[str], driver: str) -> _Asking:
    own = [
        DeviceDerivedAttribute(name=name, expression=expression(rng, driver)) for name in names if rng.random() < 0.8
    ]
    return replace(asking, derived_attributes=own)


def expression(rng: Random, driver: str) -> str:
    """Return an expression over the devices of a driver, most of which have the attributes that it reads."""
    text = rng.choice(EXPRESSIONS).replace("@", f'device.attributes["{driver}"]')
    return text.replace("$", f'device.capacity["{driver}"]')
