"""The parts of core/v1 objects that device allocation and node choice need, as frozen structs.

Node, Pod and Namespace hold many more fields than these. Structs of this module therefore let unknown fields pass;
the document an object was read from stays in ``source``, so that writing it back loses nothing.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

from msgspec import Struct, field

from drapolicy.api.meta import Int32, Int64, KubeStruct, ObjectMeta
from drapolicy.api.quantity import Quantity

CORE_VERSION = "v1"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class PartialStruct(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    """Base of structs that model a part of a Kubernetes type; the rest passes unread."""


class PartialObject(PartialStruct):
    """Base of objects that keep the document they were read from.

    Attributes
    ----------
    source
        The document as plain values, or None for an object built in Python; no part of the object itself, so two
        objects that differ in nothing else are equal.
    """

    source: Any = field(default=None, name="__source__")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__struct_fields__ if name != "source")

    __hash__ = None  # type: ignore[assignment]


# --- node selection ------------------------------------------------------------------------------------------


class NodeSelectorRequirement(KubeStruct):
    """One requirement on a label or field of a node: In, NotIn, Exists, DoesNotExist, Gt, Lt."""

    key: str = ""
    operator: str = ""
    values: list[str] = []


class NodeSelectorTerm(KubeStruct):
    """Requirements that all must hold; an empty term matches no node."""

    match_expressions: list[NodeSelectorRequirement] = []
    match_fields: list[NodeSelectorRequirement] = []


class NodeSelector(KubeStruct):
    """Terms of which one must hold."""

    node_selector_terms: list[NodeSelectorTerm] = []


# --- Node ----------------------------------------------------------------------------------------------------


class Taint(PartialStruct):
    """A reason not to run pods on a node."""

    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: str | None = None


class NodeSpec(PartialStruct):
    """Schedulability of a node."""

    unschedulable: bool = False
    taints: list[Taint] = []


class NodeStatus(PartialStruct):
    """Resources and features of a node."""

    capacity: dict[str, Quantity] = {}
    allocatable: dict[str, Quantity] = {}
    declared_features: list[str] = []


class Node(PartialObject, tag_field="kind", tag="Node"):
    """A node (cluster scoped)."""

    api_version: str = CORE_VERSION
    metadata: ObjectMeta = ObjectMeta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


# --- Pod -----------------------------------------------------------------------------------------------------


class ResourceClaimUse(PartialStruct):
    """A container's use of one claim of its pod, or of one request of it."""

    name: str = ""
    request: str = ""


class ResourceRequirements(PartialStruct):
    """Requests and limits of a container or pod."""

    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    claims: list[ResourceClaimUse] = []


class Container(PartialStruct):
    """What a container needs."""

    name: str = ""
    image: str = ""
    resources: ResourceRequirements = ResourceRequirements()
    restart_policy: str | None = None
    ports: list[dict[str, Any]] = []


class PodResourceClaim(PartialStruct):
    """A claim of a pod: an existing one by name, or one to be made from a template."""

    name: str = ""
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None


class Toleration(PartialStruct):
    """Which node taints a pod puts up with."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: Int64 | None = None


class PreferredSchedulingTerm(PartialStruct):
    """A node selector term worth ``weight`` points."""

    weight: Int32 = 0
    preference: NodeSelectorTerm = NodeSelectorTerm()


class NodeAffinity(PartialStruct):
    """Nodes that a pod requires and prefers."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: list[PreferredSchedulingTerm] = []


class Affinity(PartialStruct):
    """Affinity of a pod; affinity to other pods is kept unread."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: dict[str, Any] | None = None
    pod_anti_affinity: dict[str, Any] | None = None


class PodSchedulingGroup(PartialStruct):
    """The pod group that a pod is scheduled with."""

    pod_group_name: str | None = None


class PodSpec(PartialStruct):
    """What scheduling needs to know of a pod."""

    node_name: str = ""
    node_selector: dict[str, str] = {}
    affinity: Affinity | None = None
    tolerations: list[Toleration] = []
    containers: list[Container] = []
    init_containers: list[Container] = []
    overhead: dict[str, Quantity] = {}
    resources: ResourceRequirements | None = None
    resource_claims: list[PodResourceClaim] = []
    topology_spread_constraints: list[dict[str, Any]] = []
    volumes: list[dict[str, Any]] = []
    scheduling_gates: list[dict[str, Any]] = []
    scheduling_group: PodSchedulingGroup | None = None
    scheduler_name: str = ""
    priority: Int32 | None = None
    priority_class_name: str = ""
    host_network: bool = False


class PodResourceClaimStatus(PartialStruct):
    """Name of the claim that was made for an entry of ``spec.resourceClaims``."""

    name: str = ""
    resource_claim_name: str | None = None


class NodeAllocatableMappedResources(PartialStruct):
    """A node resource that the devices of a claim stand for (alpha)."""

    name: str = ""
    quantity: Quantity | None = None


class NodeAllocatableOverheadResources(PartialStruct):
    """A node resource that the devices of a claim cost besides (alpha)."""

    name: str = ""
    per_pod: Quantity | None = None
    per_container: Quantity | None = None


class NodeAllocatableResourceClaimStatus(PartialStruct):
    """What the devices of one claim ask of the pod's node (alpha); ``resources`` in 1.36, the others in 1.37."""

    resource_claim_name: str = ""
    containers: list[str] = []
    resources: dict[str, Quantity] = {}
    mapping: list[NodeAllocatableMappedResources] = []
    overhead: list[NodeAllocatableOverheadResources] = []


class PodStatus(PartialStruct):
    """Phase and claims of a pod."""

    phase: str = ""
    resource_claim_statuses: list[PodResourceClaimStatus] = []
    node_allocatable_resource_claim_statuses: list[NodeAllocatableResourceClaimStatus] = []


class Pod(PartialObject, tag_field="kind", tag="Pod"):
    """A pod (namespaced)."""

    api_version: str = CORE_VERSION
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Namespace(PartialObject, tag_field="kind", tag="Namespace"):
    """A namespace; its labels decide about admin access."""

    api_version: str = CORE_VERSION
    metadata: ObjectMeta = ObjectMeta()


# --- controllers whose pod templates become pods -------------------------------------------------------------


class PodTemplateSpec(PartialStruct):
    """Labels and specification of the pods that a controller makes."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
