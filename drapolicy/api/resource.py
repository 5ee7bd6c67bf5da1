"""Objects of ``resource.k8s.io/v1`` as frozen structs, with every field of Kubernetes 1.34 to 1.37.

Which release has which field is in :mod:`drapolicy.api.versions.fields`, how older API versions are written in
:mod:`drapolicy.api.versions`; the fields are those of ``k8s.io/api`` v0.34.13, v0.35.10, v0.36.6 and v0.37.2. Limits,
formats and defaults are in :mod:`drapolicy.api.validation` and :mod:`drapolicy.api.defaults`; a struct holds whatever
was decoded. Lists and dicts inside must not be changed.
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from drapolicy.api.core import NodeSelector
from drapolicy.api.meta import Condition, Int64, KubeStruct, ObjectMeta
from drapolicy.api.quantity import Quantity

API_GROUP = "resource.k8s.io"
API_VERSION = "resource.k8s.io/v1"

# --- ResourceSlice -------------------------------------------------------------------------------------------


class DeviceAttribute(
    KubeStruct,
    rename={
        "int_value": "int",
        "bool_value": "bool",
        "string_value": "string",
        "version_value": "version",
        "int_values": "ints",
        "bool_values": "bools",
        "string_values": "strings",
        "version_values": "versions",
    },
):
    """One attribute value; exactly one field is set (list forms: gate DRAListTypeAttributes)."""

    int_value: Int64 | None = None
    bool_value: bool | None = None
    string_value: str | None = None
    version_value: str | None = None
    int_values: list[Int64] = []
    bool_values: list[bool] = []
    string_values: list[str] = []
    version_values: list[str] = []


class CapacityRequestPolicyRange(KubeStruct):
    """Amounts from ``min`` to ``max`` in steps."""

    min: Quantity | None = None
    max: Quantity | None = None
    step: Quantity | None = None


class CapacityRequestPolicy(KubeStruct):
    """How a request for a share of a capacity is rounded: valid values or a valid range, and a default."""

    default: Quantity | None = None
    valid_values: list[Quantity] = []
    valid_range: CapacityRequestPolicyRange | None = None


class DeviceCapacity(KubeStruct):
    """Amount of one capacity of a device and how shares of it may be asked for."""

    value: Quantity
    request_policy: CapacityRequestPolicy | None = None


class Counter(KubeStruct):
    """Amount of one counter."""

    value: Quantity


class CounterSet(KubeStruct):
    """Counters that several devices of a pool draw from."""

    name: str = ""
    counters: dict[str, Counter] = {}


class DeviceCounterConsumption(KubeStruct):
    """What a device draws from one counter set while it is allocated."""

    counter_set: str = ""
    counters: dict[str, Counter] = {}
    compatibility_groups: list[str] = []


class DeviceTaint(KubeStruct):
    """A reason not to use a device; effects ``None``, ``NoSchedule``, ``NoExecute``."""

    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: str | None = None


class NodeAllocatableMapping(KubeStruct):
    """How a device turns into a node resource (alpha)."""

    capacity_key: str | None = None
    capacity_multiplier: Quantity | None = None
    device_multiplier: Quantity | None = None


class NodeAllocatableOverhead(KubeStruct):
    """Node resources that a device costs per pod and container (alpha)."""

    per_pod: Quantity | None = None
    per_container: Quantity | None = None


class NodeAllocatableResource(KubeStruct):
    """One node resource that a device needs (alpha)."""

    mapping: NodeAllocatableMapping | None = None
    overhead: NodeAllocatableOverhead | None = None


class NodeAllocatableResourceMapping(KubeStruct):
    """How a device turns into a node resource, as Kubernetes 1.36 had it (alpha)."""

    capacity_key: str | None = None
    allocation_multiplier: Quantity | None = None


class Device(KubeStruct):
    """One device as its driver advertises it."""

    name: str = ""
    attributes: dict[str, DeviceAttribute] = {}
    capacity: dict[str, DeviceCapacity] = {}
    consumes_counters: list[DeviceCounterConsumption] = []
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    all_nodes: bool | None = None
    taints: list[DeviceTaint] = []
    binds_to_node: bool | None = None
    binding_conditions: list[str] = []
    binding_failure_conditions: list[str] = []
    allow_multiple_allocations: bool | None = None
    node_allocatable_resources: dict[str, NodeAllocatableResource] = {}
    node_allocatable_resource_mappings: dict[str, NodeAllocatableResourceMapping] = {}


class ResourcePool(KubeStruct):
    """Pool that a slice belongs to: name, generation, number of slices at that generation."""

    name: str = ""
    generation: Int64 = 0
    resource_slice_count: Int64 = 0


class ResourceSliceSpec(KubeStruct):
    """Devices or counter sets of one pool, and the nodes that can reach them."""

    driver: str = ""
    pool: ResourcePool = ResourcePool()
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    all_nodes: bool | None = None
    devices: list[Device] = []
    per_device_node_selection: bool | None = None
    shared_counters: list[CounterSet] = []
    partition_type_attribute: str | None = None
    skip_node_operations: list[str] = []


class ResourceSlice(KubeStruct, tag_field="kind", tag="ResourceSlice"):
    """A part of a pool of devices, published by a driver (cluster scoped)."""

    api_version: str = API_VERSION
    metadata: ObjectMeta = ObjectMeta()
    spec: ResourceSliceSpec = ResourceSliceSpec()


# --- DeviceTaintRule -----------------------------------------------------------------------------------------


class DeviceTaintSelector(KubeStruct):
    """Devices that a rule taints; unset fields match everything. Class and selectors ended with Kubernetes 1.34."""

    driver: str | None = None
    pool: str | None = None
    device: str | None = None
    device_class_name: str | None = None
    selectors: list[DeviceSelector] = []


class DeviceTaintRuleSpec(KubeStruct):
    """One taint and the devices it goes to; without a selector it goes to none."""

    device_selector: DeviceTaintSelector | None = None
    taint: DeviceTaint = DeviceTaint()


class DeviceTaintRuleStatus(KubeStruct):
    """Progress of the eviction that a rule asks for."""

    conditions: list[Condition] = []


class DeviceTaintRule(KubeStruct, tag_field="kind", tag="DeviceTaintRule"):
    """An administrator's taint on devices (cluster scoped)."""

    api_version: str = API_VERSION
    metadata: ObjectMeta = ObjectMeta()
    spec: DeviceTaintRuleSpec = DeviceTaintRuleSpec()
    status: DeviceTaintRuleStatus = DeviceTaintRuleStatus()


# --- ResourceClaim -------------------------------------------------------------------------------------------


class CELDeviceSelector(KubeStruct):
    """A CEL expression over ``device``."""

    expression: str = ""


class DeviceSelector(KubeStruct):
    """A condition on devices; only CEL exists."""

    cel: CELDeviceSelector | None = None


class OpaqueDeviceConfiguration(KubeStruct):
    """Parameters that only the driver understands."""

    driver: str = ""
    parameters: Any = None


class DeviceClassConfiguration(KubeStruct):
    """Configuration that a class adds to every allocation."""

    opaque: OpaqueDeviceConfiguration | None = None


class DeviceClassSpec(KubeStruct):
    """Selectors that all must match, and configuration."""

    selectors: list[DeviceSelector] = []
    config: list[DeviceClassConfiguration] = []
    extended_resource_name: str | None = None


class DeviceClass(KubeStruct, tag_field="kind", tag="DeviceClass"):
    """A kind of device that claims ask for by name (cluster scoped)."""

    api_version: str = API_VERSION
    metadata: ObjectMeta = ObjectMeta()
    spec: DeviceClassSpec = DeviceClassSpec()


class DeviceToleration(KubeStruct):
    """Which taints a request puts up with; empty fields match everything."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: Int64 | None = None


class CapacityRequirements(KubeStruct):
    """Amounts of capacity that a request needs of each device; keys are compared literally."""

    requests: dict[str, Quantity] = {}


class DeviceDerivedAttribute(KubeStruct):
    """An attribute that a CEL expression computes for constraints (alpha)."""

    name: str = ""
    expression: str = ""


class DeviceSubRequest(KubeStruct):
    """One alternative of a prioritized list."""

    name: str = ""
    device_class_name: str = ""
    selectors: list[DeviceSelector] = []
    allocation_mode: str = ""
    count: Int64 = 0
    tolerations: list[DeviceToleration] = []
    capacity: CapacityRequirements | None = None
    derived_attributes: list[DeviceDerivedAttribute] = []


class ExactDeviceRequest(KubeStruct):
    """Devices of one class: a number of them, or all."""

    device_class_name: str = ""
    selectors: list[DeviceSelector] = []
    allocation_mode: str = ""
    count: Int64 = 0
    admin_access: bool | None = None
    tolerations: list[DeviceToleration] = []
    capacity: CapacityRequirements | None = None
    derived_attributes: list[DeviceDerivedAttribute] = []


class DeviceRequest(KubeStruct):
    """One request of a claim: ``exactly``, or the first of several alternatives that is available."""

    name: str = ""
    exactly: ExactDeviceRequest | None = None
    first_available: list[DeviceSubRequest] = []


class DeviceConstraint(KubeStruct):
    """A condition that the chosen devices must meet together; no requests named means all."""

    requests: list[str] = []
    match_attribute: str | None = None
    distinct_attribute: str | None = None


class DeviceClaimConfiguration(KubeStruct):
    """Configuration of a claim for some or all of its requests."""

    requests: list[str] = []
    opaque: OpaqueDeviceConfiguration | None = None


class DeviceClaim(KubeStruct):
    """What a claim asks for."""

    requests: list[DeviceRequest] = []
    constraints: list[DeviceConstraint] = []
    config: list[DeviceClaimConfiguration] = []


class ResourceClaimSpec(KubeStruct):
    """Specification of a claim; immutable in the API server."""

    devices: DeviceClaim = DeviceClaim()


class DeviceRequestAllocationResult(KubeStruct):
    """One device given to one request."""

    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    admin_access: bool | None = None
    tolerations: list[DeviceToleration] = []
    binding_conditions: list[str] = []
    binding_failure_conditions: list[str] = []
    share_id: str | None = field(default=None, name="shareID")
    consumed_capacity: dict[str, Quantity] = {}
    skip_node_operations: list[str] = []


class DeviceAllocationConfiguration(KubeStruct):
    """Configuration that goes with an allocation; ``source`` is ``FromClass`` or ``FromClaim``."""

    source: str = ""
    requests: list[str] = []
    opaque: OpaqueDeviceConfiguration | None = None


class DeviceAllocationResult(KubeStruct):
    """Devices and configuration of an allocated claim."""

    results: list[DeviceRequestAllocationResult] = []
    config: list[DeviceAllocationConfiguration] = []


class AllocationResult(KubeStruct):
    """What Kubernetes writes into ``status.allocation``."""

    devices: DeviceAllocationResult = DeviceAllocationResult()
    node_selector: NodeSelector | None = None
    allocation_timestamp: str | None = None


class ResourceClaimConsumerReference(KubeStruct):
    """A pod or pod group that may use the claim."""

    api_group: str = ""
    resource: str = ""
    name: str = ""
    uid: str = ""


class NetworkDeviceData(KubeStruct):
    """Network facts that a driver reports for a device."""

    interface_name: str = ""
    ips: list[str] = []
    hardware_address: str = ""


class AllocatedDeviceStatus(KubeStruct):
    """What a driver reports for an allocated device."""

    driver: str = ""
    pool: str = ""
    device: str = ""
    share_id: str | None = field(default=None, name="shareID")
    conditions: list[Condition] = []
    data: Any = None
    network_data: NetworkDeviceData | None = None


class ResourceClaimStatus(KubeStruct):
    """Allocation, users and device reports of a claim."""

    allocation: AllocationResult | None = None
    reserved_for: list[ResourceClaimConsumerReference] = []
    devices: list[AllocatedDeviceStatus] = []


class ResourceClaim(KubeStruct, tag_field="kind", tag="ResourceClaim"):
    """A request for devices (namespaced)."""

    api_version: str = API_VERSION
    metadata: ObjectMeta = ObjectMeta()
    spec: ResourceClaimSpec = ResourceClaimSpec()
    status: ResourceClaimStatus = ResourceClaimStatus()


class ResourceClaimTemplateSpec(KubeStruct):
    """Labels, annotations and specification of the claims made from a template."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ResourceClaimSpec = ResourceClaimSpec()


class ResourceClaimTemplate(KubeStruct, tag_field="kind", tag="ResourceClaimTemplate"):
    """What the claims of each pod of a workload are made from (namespaced)."""

    api_version: str = API_VERSION
    metadata: ObjectMeta = ObjectMeta()
    spec: ResourceClaimTemplateSpec = ResourceClaimTemplateSpec()
