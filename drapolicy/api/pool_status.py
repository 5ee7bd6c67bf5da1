"""``ResourcePoolStatusRequest``: what an administrator asks about pools, and what Kubernetes answers (alpha).

It exists in ``resource.k8s.io/v1alpha3`` alone, from Kubernetes 1.36 on.
"""

from __future__ import annotations

from drapolicy.api.meta import Condition, Int32, Int64, KubeStruct, ObjectMeta
from drapolicy.api.quantity import Quantity


class ResourcePoolStatusRequestSpec(KubeStruct):
    """Whose pools are asked about, at most how many, and which attribute tells partitions apart."""

    driver: str = ""
    pool_name: str | None = None
    limit: Int32 | None = None
    default_partition_type_attribute: str | None = None


class PartitionTypeStatus(KubeStruct):
    """How many devices of one partition type a pool has, and how many could still be allocated."""

    attribute: str = ""
    type: str = ""
    total: Int32 | None = None
    allocatable: Int32 | None = None


class ShareableCapacityStatus(KubeStruct):
    """One capacity of all devices of a pool that can be shared, added up."""

    name: str = ""
    total: Quantity | None = None
    consumed: Quantity | None = None
    available: Quantity | None = None


class ShareableSummaryStatus(KubeStruct):
    """Devices of a pool that can be shared: untouched ones, used ones, and what is left of them."""

    fully_available_devices: Int32 | None = None
    partially_available_devices: Int32 | None = None
    capacity: list[ShareableCapacityStatus] = []


class PoolStatus(KubeStruct):
    """One pool: how many devices there are, are allocated, free or unusable; or why that cannot be told."""

    driver: str = ""
    pool_name: str = ""
    generation: Int64 = 0
    resource_slice_count: Int32 | None = None
    total_devices: Int32 | None = None
    allocated_devices: Int32 | None = None
    available_devices: Int32 | None = None
    unavailable_devices: Int32 | None = None
    node_name: str | None = None
    validation_error: str | None = None
    partition_summary: list[PartitionTypeStatus] = []
    shareable_summary: ShareableSummaryStatus | None = None


class ResourcePoolStatusRequestStatus(KubeStruct):
    """The answer: how many pools match, those that were looked at, and whether all went well."""

    pool_count: Int32 | None = None
    pools: list[PoolStatus] = []
    conditions: list[Condition] = []


class ResourcePoolStatusRequest(KubeStruct, tag_field="kind", tag="ResourcePoolStatusRequest"):
    """A question about the pools of a driver (cluster scoped); answered once."""

    api_version: str = "resource.k8s.io/v1alpha3"
    metadata: ObjectMeta = ObjectMeta()
    spec: ResourcePoolStatusRequestSpec = ResourcePoolStatusRequestSpec()
    status: ResourcePoolStatusRequestStatus | None = None
