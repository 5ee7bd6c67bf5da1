"""Allocation results as Kubernetes writes them: devices, configuration and node selector (K8s S55)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationConfiguration,
    DeviceAllocationResult,
    DeviceClass,
    DeviceRequestAllocationResult,
    ResourceClaim,
)
from drapolicy.errors import InputError
from drapolicy.problem.solution import Solution, Taken
from drapolicy.release import Behaviour, Release


class NodeSelectorError(InputError):
    """A slice's node selector cannot be carried over into an allocation; the message is upstream's."""


def allocation_results(
    claims: Sequence[ResourceClaim],
    solution: Solution,
    *,
    node_name: str,
    classes: Mapping[str, DeviceClass],
    release: Release,
    share_id: Callable[[Taken], str],
) -> tuple[AllocationResult, ...]:
    """Return one allocation per claim.

    Parameters
    ----------
    claims
        The claims that were solved together.
    solution
        Their devices.
    node_name
        Node on which the pod is to run.
    classes
        Device classes by name.
    release
        Kubernetes release with its gates.
    share_id
        Gives each share its id.

    Raises
    ------
    NodeSelectorError
        When a slice's node selector has several terms.
    """
    return tuple(
        AllocationResult(
            devices=DeviceAllocationResult(
                results=[_device(claim, entry, release, share_id) for entry in taken],
                config=_config(claim, alternatives, classes, release.behaviour),
            ),
            node_selector=_node_selector(claim, taken, node_name, binds=release.behaviour.complete),
        )
        for claim, taken, alternatives in zip(claims, solution.taken, solution.alternatives, strict=True)
    )


def _device(
    claim: ResourceClaim, taken: Taken, release: Release, share_id: Callable[[Taken], str]
) -> DeviceRequestAllocationResult:
    request = claim.spec.devices.requests[taken.request]
    chosen = request.first_available[taken.alternative] if request.first_available else request.exactly
    binding, behaviour = release.binds, release.behaviour
    api = taken.device.api
    return DeviceRequestAllocationResult(
        request=_request_name(claim, taken.request, taken.alternative),
        driver=taken.device.id.driver,
        pool=taken.device.id.pool,
        device=taken.device.id.device,
        admin_access=True if request.exactly is not None and request.exactly.admin_access else None,
        tolerations=chosen.tolerations if chosen is not None and behaviour.copies_tolerations else [],
        binding_conditions=api.binding_conditions if binding else [],
        binding_failure_conditions=api.binding_failure_conditions if binding else [],
        share_id=None if taken.share is None else share_id(taken),
        consumed_capacity=taken.share or {},
        skip_node_operations=taken.device.slice.spec.skip_node_operations if behaviour.heeds_node_operations else [],
    )


def _request_name(claim: ResourceClaim, position: int, alternative: int) -> str:
    request = claim.spec.devices.requests[position]
    if request.first_available:
        return f"{request.name}/{request.first_available[alternative].name}"
    return request.name


def _config(
    claim: ResourceClaim, alternatives: Sequence[int], classes: Mapping[str, DeviceClass], behaviour: Behaviour
) -> list[DeviceAllocationConfiguration]:
    """Return the configuration of the classes, each class once, then that of the claim."""
    requests_of: dict[str, list[str]] = {}
    for position, (request, alternative) in enumerate(zip(claim.spec.devices.requests, alternatives, strict=True)):
        chosen = request.first_available[alternative] if request.first_available else request.exactly
        if chosen is not None:
            requests_of.setdefault(chosen.device_class_name, []).append(_request_name(claim, position, alternative))
    found = [
        ("FromClass", requests, entry.opaque)
        for name, requests in requests_of.items()
        for entry in classes[name].spec.config
    ]
    names = [
        {request.name, _request_name(claim, position, alternative)}
        for position, (request, alternative) in enumerate(zip(claim.spec.devices.requests, alternatives, strict=True))
    ]
    for entry in claim.spec.devices.config:
        named = sum(bool(own.intersection(entry.requests)) for own in names) if entry.requests else 1
        times = min(named, 1) if behaviour.lists_config_once else named
        found += [("FromClaim", entry.requests, entry.opaque)] * times
    # What goes to every request names none: "empty means all".
    return [
        DeviceAllocationConfiguration(
            source=source,
            requests=[]
            if behaviour.clears_requests and all(own.intersection(requests) for own in names)
            else list(requests),
            opaque=opaque,
        )
        for source, requests, opaque in found
    ]


def _node_selector(claim: ResourceClaim, taken: Iterable[Taken], node_name: str, *, binds: bool) -> NodeSelector | None:
    """Return the nodes from which all devices can be reached; None for all nodes.

    Parameters
    ----------
    binds
        Devices that bind to their node keep the claim there.
    """
    fields: list[NodeSelectorRequirement] = []
    labels: list[NodeSelectorRequirement] = []
    for entry in taken:
        api, spec = entry.device.api, entry.device.slice.spec
        place = api if spec.per_device_node_selection else spec
        if place.node_name is not None or (binds and api.binds_to_node):
            here = NodeSelectorRequirement(key="metadata.name", operator="In", values=[node_name])
            return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_fields=[here])])
        terms = place.node_selector.node_selector_terms if place.node_selector is not None else []
        if len(terms) > 1:
            message = (
                f"create NodeSelector for claim {claim.metadata.name}: "
                f"unsupported ResourceSlice.NodeSelector with {len(terms)} terms"
            )
            raise NodeSelectorError(message)
        for term in terms:
            _add_new(term.match_fields, fields)
            _add_new(term.match_expressions, labels)
    if not fields and not labels:
        return None
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=labels, match_fields=fields)])


def _add_new(requirements: Iterable[NodeSelectorRequirement], known: list[NodeSelectorRequirement]) -> None:
    for requirement in requirements:
        if not any(_same(requirement, other) for other in known):
            known.append(requirement)


def _same(one: NodeSelectorRequirement, other: NodeSelectorRequirement) -> bool:
    return (one.key, one.operator, set(one.values)) == (other.key, other.operator, set(other.values))
