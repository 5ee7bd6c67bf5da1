"""The openb trace as DRA: nodes publish their GPUs as devices that are shared by the thousandth, pods bring claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import (
    Container,
    Node,
    NodeStatus,
    Pod,
    PodResourceClaim,
    PodResourceClaimStatus,
    PodSpec,
    PodStatus,
    ResourceRequirements,
)
from drapolicy.api.meta import ObjectMeta, OwnerReference
from drapolicy.api.resource import (
    CapacityRequirements,
    CELDeviceSelector,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceClaim,
    DeviceClass,
    DeviceClassSpec,
    DeviceRequest,
    DeviceSelector,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import Fleet, build
from drapolicy.policies.objectives.mix import Mix, TypicalPod
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.openb.orders import Order
from drapolicy.workload.openb.tables import WHOLE, NodeRow, PodRow, Trace
from drapolicy.workload.table import NS
from drapolicy.workload.workload import Workload

DRIVER = "gpu.openb"
"""Driver of the GPUs, and name of the class that stands for all of them."""

CAPACITY = "milli"
"""What of a GPU is shared: 1,000 of it."""

# The trace has no limit of pods on a node.
_PODS = Quantity(1_000_000)


def fleet_of(nodes: Sequence[NodeRow]) -> Fleet:
    """Return the fleet of some nodes, in their order: where nodes are equally good, the first is taken.

    Each node publishes its GPUs as devices that any number of claims may share (``allowMultipleAllocations``), with
    the capacity :data:`CAPACITY` and the attribute ``productName``.
    """
    selector = DeviceSelector(cel=CELDeviceSelector(expression=f"device.driver == '{DRIVER}'"))
    return build(
        Objects(
            nodes=tuple(map(_node, nodes)),
            slices=tuple(_slice(node) for node in nodes if node.gpus),
            classes=(DeviceClass(metadata=ObjectMeta(name=DRIVER), spec=DeviceClassSpec(selectors=[selector])),),
        )
    )


def _node(node: NodeRow) -> Node:
    room = {"cpu": Quantity(f"{node.cpu_milli}m"), "memory": Quantity(f"{node.memory_mib}Mi"), "pods": _PODS}
    return Node(metadata=ObjectMeta(name=node.name), status=NodeStatus(capacity=room, allocatable=room))


def _slice(node: NodeRow) -> ResourceSlice:
    whole = DeviceCapacity(value=Quantity(WHOLE))
    devices = [
        Device(
            name=f"gpu-{d}",
            attributes={"productName": DeviceAttribute(string_value=node.model)},
            allow_multiple_allocations=True,
            capacity={CAPACITY: whole},
        )
        for d in range(node.gpus)
    ]
    spec = ResourceSliceSpec(
        driver=DRIVER,
        node_name=node.name,
        pool=ResourcePool(name=node.name, generation=1, resource_slice_count=1),
        devices=devices,
    )
    return ResourceSlice(metadata=ObjectMeta(name=node.name), spec=spec)


def workload_of(trace: Trace, order: Order) -> Workload:
    """Return pods that arrive in an order, a second after each other, and stay.

    A pod with GPUs has a claim for so many devices with so much of each one's capacity; models that it accepts are a
    CEL selector. CPU and memory are requests of the pod. A pod that comes twice is copied.
    """
    pods, claims = [], []
    # Pods that are alike share what they specify, which is read once then.
    alike: dict[tuple[object, ...], tuple[PodSpec, ResourceClaimSpec]] = {}
    for row in trace.pods:
        key = (row.cpu_milli, row.memory_mib, row.gpus, row.gpu_milli, row.models)
        spec, wish = alike.get(key) or alike.setdefault(key, (_pod_spec(row), _claim_spec(row)))
        own = [_claim(row, wish)] if row.gpus else []
        pods.append(_pod(row, spec, own))
        claims += own
    return Workload(Objects(pods=tuple(pods), claims=tuple(claims)), arrivals_of(trace, order), trace.name)


def arrivals_of(trace: Trace, order: Order) -> tuple[Arrival, ...]:
    """Return the arrivals of :func:`workload_of`."""
    return tuple(Arrival(at * NS, None, trace.pods[row].name) for at, row in enumerate(order.arrivals))


def _pod_spec(row: PodRow) -> PodSpec:
    amounts = {"cpu": Quantity(f"{row.cpu_milli}m"), "memory": Quantity(f"{row.memory_mib}Mi")}
    spec = PodSpec(containers=[Container(name="main", resources=ResourceRequirements(requests=amounts))])
    if row.gpus:
        spec.resource_claims.append(PodResourceClaim(name="gpus", resource_claim_template_name="gpus"))
    return spec


def _pod(row: PodRow, spec: PodSpec, claims: Sequence[ResourceClaim]) -> Pod:
    meta = ObjectMeta(name=row.name, namespace="default")
    made = [PodResourceClaimStatus(name="gpus", resource_claim_name=claim.metadata.name) for claim in claims]
    return Pod(metadata=meta, spec=spec, status=PodStatus(resource_claim_statuses=made))


def _claim_spec(row: PodRow) -> ResourceClaimSpec:
    selectors = []
    if row.models:
        wanted = f"device.attributes['{DRIVER}'].productName in {json.dumps(sorted(set(row.models)))}"
        selectors.append(DeviceSelector(cel=CELDeviceSelector(expression=wanted)))
    exactly = ExactDeviceRequest(
        device_class_name=DRIVER,
        allocation_mode="ExactCount",
        count=row.gpus,
        selectors=selectors,
        capacity=CapacityRequirements(requests={CAPACITY: Quantity(row.gpu_milli)}),
    )
    return ResourceClaimSpec(devices=DeviceClaim(requests=[DeviceRequest(name="gpus", exactly=exactly)]))


def _claim(row: PodRow, spec: ResourceClaimSpec) -> ResourceClaim:
    owner = OwnerReference(api_version="v1", kind="Pod", name=row.name, uid="", controller=True)
    meta = ObjectMeta(name=f"{row.name}-gpus", namespace="default", owner_references=[owner])
    return ResourceClaim(metadata=meta, spec=spec)


def typical_pods(pods: Sequence[PodRow], percent: int = 95) -> Mix:
    """Return the kinds of pods that together are so many percent of all, the most frequent first: FGD's workload.

    Kinds differ in CPU, GPUs and models; memory does not matter. Of equally frequent ones those with more CPU come
    first, then those with more of a GPU, with more GPUs, and the later models.

    Source: hkust-adsl/kubernetes-scheduler-simulator, pkg/utils/frag.go.
    """
    counts = Counter((pod.cpu_milli, pod.gpu_milli, pod.gpus, "|".join(pod.models)) for pod in pods)
    mix: list[TypicalPod] = []
    seen = 0
    for count, (cpu, milli, gpus, models) in sorted(((n, kind) for kind, n in counts.items()), reverse=True):
        if 100 * seen >= percent * len(pods):
            break
        mix.append(TypicalPod(cpu, milli, gpus, count, tuple(filter(None, models.split("|")))))
        seen += count
    return tuple(mix)
