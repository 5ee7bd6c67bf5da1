"""Constraints that no node of a fleet can satisfy, whatever is free: why a claim waits that will wait for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from drapolicy.api.kinds import label
from drapolicy.api.resource import (
    DeviceClaim,
    DeviceConstraint,
    DeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimTemplate,
)
from drapolicy.errors import Fault
from drapolicy.inventory import Fleet
from drapolicy.problem.ask import kind_of
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits, TimedOut
from drapolicy.problem.state import State

MAX_STEPS = 20_000
"""Limit of each search; a node that reaches it counts as one where the constraint may hold."""

_SHOWN = 6

_Values: TypeAlias = dict[str, set[tuple[str, str]]]
"""Type and text of the values that each request finds."""


def never_hold(fleet: Fleet, wanted: Iterable[ResourceClaim | ResourceClaimTemplate]) -> list[Fault]:
    """Find the constraints that no node can satisfy, even while all its devices are free.

    Each ``matchAttribute`` is tried by itself, with the requests that it names and without the other constraints:
    the reference finds devices for them on some nodes, and on none of these once the constraint is added.

    Parameters
    ----------
    fleet
        The fleet.
    wanted
        Claims and templates; of several that ask for the same the first one counts.

    Returns
    -------
    list of Fault
        With the values of the attribute among the devices that class and selectors of each request, or of each of
        its alternatives, accept on these nodes. No fault of the input: Kubernetes accepts such a claim, and it waits
        for ever.

    Notes
    -----
    Time is that of two scheduling cycles for each constraint, but for those that hold on an early node.
    """
    kinds: dict[bytes, ResourceClaim | ResourceClaimTemplate] = {}
    for item in filter(asks_to_match, wanted):
        kinds.setdefault(kind_of([_as_claim(item)], None), item)
    if not kinds:
        return []
    state = State(fleet)
    return [fault for item in kinds.values() for fault in _of_item(state, item)]


def asks_to_match(item: ResourceClaim | ResourceClaimTemplate) -> bool:
    """Tell whether a template, or a claim that waits, has a constraint that :func:`never_hold` would try."""
    waits = not isinstance(item, ResourceClaim) or item.status.allocation is None
    return waits and any(constraint.match_attribute for constraint in _spec(item).devices.constraints)


def _spec(item: ResourceClaim | ResourceClaimTemplate) -> ResourceClaimSpec:
    return item.spec if isinstance(item, ResourceClaim) else item.spec.spec


def _as_claim(item: ResourceClaim | ResourceClaimTemplate) -> ResourceClaim:
    return ResourceClaim(metadata=item.metadata, spec=_spec(item))


def _of_item(state: State, item: ResourceClaim | ResourceClaimTemplate) -> Iterator[Fault]:
    claim = _as_claim(item)
    name = label(type(item).__name__, claim.metadata.namespace, claim.metadata.name)
    for position, constraint in enumerate(claim.spec.devices.constraints):
        attribute = constraint.match_attribute
        tried = _tried(state, claim, constraint, attribute) if attribute else None
        if tried:
            nodes, values = tried
            where = "the one node that has" if nodes == 1 else f"any of the {nodes:,} nodes that have"
            said = "; ".join(f"devices for request {request} have {held}" for request, held in values)
            message = f"{attribute} can never hold on {where} devices for its requests, even with all free: {said}"
            yield Fault("", -1, name, f"spec.devices.constraints[{position}].matchAttribute", message)


def _tried(
    state: State, claim: ResourceClaim, constraint: DeviceConstraint, attribute: str
) -> tuple[int, list[tuple[str, str]]] | None:
    """Return on how many nodes the constraint alone is in the way, and the values there; None if it can hold."""
    named = {name.partition("/")[0] for name in constraint.requests}
    requests = [request for request in claim.spec.devices.requests if not named or request.name in named]
    bare, bound = _claim(claim, requests, []), _claim(claim, requests, [constraint])
    values: _Values = {}
    nodes = 0
    for n in range(len(state.fleet.nodes)):
        local = _local(state, n, bare)
        if not isinstance(local.first(MAX_STEPS)[0], Fits):
            continue
        if isinstance(_local(state, n, bound).first(MAX_STEPS)[0], Fits | TimedOut):
            return None
        nodes += 1
        _note(values, local, attribute)
    return (nodes, _texts(values)) if nodes else None


def _claim(claim: ResourceClaim, requests: list[DeviceRequest], constraints: list[DeviceConstraint]) -> ResourceClaim:
    return replace(claim, spec=replace(claim.spec, devices=DeviceClaim(requests=requests, constraints=constraints)))


def _local(state: State, n: int, claim: ResourceClaim) -> LocalProblem:
    fleet = state.fleet
    return LocalProblem(
        state.site(n), (claim,), state.allocated, state.rooms[n], classes=fleet.classes, release=fleet.release
    )


def _note(values: _Values, local: LocalProblem, attribute: str) -> None:
    for wish, accepted in zip(local.wishes, local.eligible, strict=True):
        request = local.claims[0].spec.devices.requests[wish.request]
        alternatives = request.first_available
        name = f"{request.name}/{alternatives[wish.alternative].name}" if alternatives else request.name
        held = values.setdefault(name, set())
        for device, accepts in zip(local.devices, accepted.tolist(), strict=True):
            value = device.attribute(attribute) if accepts else None
            if value is not None and value.scalar is not None:
                held.add((value.scalar[0], str(value.scalar[1])))
            elif value is not None:
                held.add(("list", f"[{', '.join(sorted(str(scalar) for _, scalar in value.values))}]"))


def _texts(values: _Values) -> list[tuple[str, str]]:
    """Return the values as text, with their types where these differ: the string 1 is not the integer."""
    typed = len({kind for held in values.values() for kind, _ in held}) > 1
    return [
        (name, _listed(sorted(f"{text} ({kind})" if typed else text for kind, text in held)))
        for name, held in values.items()
    ]


def _listed(values: Sequence[str]) -> str:
    if len(values) > _SHOWN:
        return f"{', '.join(values[:_SHOWN])} and {len(values) - _SHOWN:,} more"
    return ", ".join(values) or "none"
