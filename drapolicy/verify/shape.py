"""What a result says besides its devices: copies, admin access, configuration, node selector (K8s S10, S17, S55)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from drapolicy.api.core import Namespace, Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationConfiguration,
    DeviceClass,
    DeviceRequestAllocationResult,
    ResourceClaim,
)
from drapolicy.errors import VerificationError
from drapolicy.release import Release
from drapolicy.verify.pools import Seen
from drapolicy.verify.wishes import Wish, label

ADMIN_LABEL = "resource.kubernetes.io/admin-access"
MAX_CONFIG = 64


def copies(
    where: str, wish: Wish, seen: Seen, result: DeviceRequestAllocationResult, release: Release
) -> Iterator[VerificationError]:
    """List what one result does not copy as it should from its request and its device (S55)."""
    device = seen.device
    binding = release.binds
    behaviour = release.behaviour
    expected: tuple[tuple[str, object, object], ...] = (
        ("adminAccess", bool(result.admin_access), wish.admin),
        ("tolerations", result.tolerations, wish.tolerations if behaviour.copies_tolerations else []),
        ("bindingConditions", result.binding_conditions, device.binding_conditions if binding else []),
        (
            "bindingFailureConditions",
            result.binding_failure_conditions,
            device.binding_failure_conditions if binding else [],
        ),
        (
            "skipNodeOperations",
            result.skip_node_operations,
            seen.slice.spec.skip_node_operations if behaviour.heeds_node_operations else [],
        ),
    )
    for name, has, should in expected:
        if has != should:
            yield VerificationError("S55", f"{where}: {name} is {has!r}, should be {should!r}")


def admission(
    claim: ResourceClaim, result: AllocationResult, namespaces: Mapping[str, Namespace]
) -> Iterator[VerificationError]:
    """List results with admin access in a namespace that does not allow it (S17).

    A namespace that is not among the objects is not judged: its claim came from an API server, which asked already.
    """
    namespace = namespaces.get(claim.metadata.namespace or "default")
    if namespace is None or namespace.metadata.labels.get(ADMIN_LABEL) == "true":
        return
    for item in result.devices.results:
        if item.admin_access:
            text = f"{label(claim)}, request {item.request}: has admin access, but namespace"
            yield VerificationError("S17", f"{text} {namespace.metadata.name} has no label {ADMIN_LABEL}: 'true'")


def config(
    claim: ResourceClaim,
    result: AllocationResult,
    chosen: Sequence[Wish],
    classes: Mapping[str, DeviceClass],
    release: Release,
) -> Iterator[VerificationError]:
    """List how the configuration of an allocation differs from what its class and claim give (S55), and its limit."""
    has = result.devices.config
    if len(has) > MAX_CONFIG:
        yield VerificationError("S10", f"{label(claim)}: has {len(has)} configurations, {MAX_CONFIG} are allowed")
    should = _configuration(claim, chosen, classes, release)
    for number in range(max(len(has), len(should))):
        left = has[number] if number < len(has) else None
        right = should[number] if number < len(should) else None
        if left != right:
            yield VerificationError("S55", f"{label(claim)}: config[{number}] is {left!r}, should be {right!r}")
            return


def node_selector(
    claim: ResourceClaim, result: AllocationResult, devices: Sequence[Seen], node: Node, release: Release
) -> Iterator[VerificationError]:
    """Say whether the node selector of an allocation is what its devices make it (S55); order does not count."""
    should = _selector(devices, node, release)
    has = result.node_selector
    if _plain(has) != _plain(should):
        yield VerificationError("S55", f"{label(claim)}: nodeSelector is {has!r}, should be {should!r}")


def _configuration(
    claim: ResourceClaim, chosen: Sequence[Wish], classes: Mapping[str, DeviceClass], release: Release
) -> list[DeviceAllocationConfiguration]:
    named: dict[str, list[str]] = {}
    for wish in chosen:
        named.setdefault(wish.asked.device_class_name, []).append(wish.name)
    found = [
        DeviceAllocationConfiguration(source="FromClass", requests=names, opaque=given.opaque)
        for name, names in named.items()
        if name in classes
        for given in classes[name].spec.config
    ]
    for given in claim.spec.devices.config:
        about = sum(wish.request in given.requests or wish.name in given.requests for wish in chosen)
        times = min(about, 1) if release.behaviour.lists_config_once else about
        configuration = DeviceAllocationConfiguration(source="FromClaim", requests=given.requests, opaque=given.opaque)
        found += [configuration] * (times if given.requests else 1)
    if not release.behaviour.clears_requests:
        return found
    return [
        DeviceAllocationConfiguration(source=item.source, opaque=item.opaque)
        if all(wish.request in item.requests or wish.name in item.requests for wish in chosen)
        else item
        for item in found
    ]


def _selector(devices: Sequence[Seen], node: Node, release: Release) -> NodeSelector | None:
    expressions: list[NodeSelectorRequirement] = []
    fields: list[NodeSelectorRequirement] = []
    for seen in devices:
        from_ = seen.device if seen.slice.spec.per_device_node_selection else seen.slice.spec
        if from_.node_name is not None or (seen.device.binds_to_node and release.behaviour.complete):
            here = NodeSelectorRequirement(key="metadata.name", operator="In", values=[node.metadata.name])
            return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_fields=[here])])
        if from_.node_selector is not None:
            for term in from_.node_selector.node_selector_terms:
                expressions += term.match_expressions
                fields += term.match_fields
    if not expressions and not fields:
        return None
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=expressions, match_fields=fields)])


def _plain(selector: NodeSelector | None) -> object:
    if selector is None:
        return None

    def unordered(needs: list[NodeSelectorRequirement]) -> frozenset[object]:
        return frozenset((need.key, need.operator, frozenset(need.values)) for need in needs)

    terms = selector.node_selector_terms
    return [(unordered(term.match_expressions), unordered(term.match_fields)) for term in terms]
