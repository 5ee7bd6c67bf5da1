"""What a pod uses that the baseline leaves out is named."""

from __future__ import annotations

import pytest

from drapolicy.api.core import (
    Affinity,
    Container,
    Node,
    NodeAffinity,
    Pod,
    PodSchedulingGroup,
    PodSpec,
    ResourceRequirements,
)
from drapolicy.api.meta import ObjectMeta, OwnerReference
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceClass, DeviceClassSpec
from drapolicy.policies.kube import UNMODELLED, Surroundings, unmodelled

VOLUMES = "VolumeBinding, VolumeZone, VolumeRestrictions, NodeVolumeLimits: volumes that bind to nodes"

DEFAULTS = "PodTopologySpread (defaults): default topology spread of pods of a Service, ReplicaSet or StatefulSet"


def pod(source: object = None, **spec: object) -> Pod:
    return Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(**spec), source=source)  # type: ignore[arg-type]


def owned(api_version: str, kind: str, controller: bool = True) -> Pod:
    owner = OwnerReference(api_version=api_version, kind=kind, name="x", controller=controller)
    return Pod(metadata=ObjectMeta(owner_references=[owner]))


def ports(**port: int) -> list[Container]:
    return [Container(ports=[port])]


USES = {
    "pod affinity": (pod(affinity=Affinity(pod_affinity={})), "InterPodAffinity: pod affinity and anti-affinity"),
    "anti-affinity": (pod(affinity=Affinity(pod_anti_affinity={})), "InterPodAffinity: pod affinity and anti-affinity"),
    "spread": (pod(topology_spread_constraints=[{"maxSkew": 1}]), "PodTopologySpread: topology spread constraints"),
    "replica set": (
        owned("apps/v1", "ReplicaSet"),
        f"{DEFAULTS} (ReplicaSet x)",
    ),
    "claimed volume": (pod(volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]), f"{VOLUMES} (d)"),
    "two volumes": (pod(volumes=[{"name": "d", "ephemeral": {}}, {"name": "e", "csi": {}}]), f"{VOLUMES} (d, e)"),
    "unknown volume": (pod(volumes=[{"name": "d", "holographic": {}}]), f"{VOLUMES} (d)"),
    "host port": (pod(containers=ports(containerPort=1, hostPort=80)), "NodePorts: host ports (80)"),
    "host network": (pod(containers=ports(containerPort=80), host_network=True), "NodePorts: host ports (80)"),
    "gate": (
        pod(scheduling_gates=[{"name": "g"}]),
        "SchedulingGates: scheduling gates; the pod is placed as if it had none (g)",
    ),
    "group": (
        pod(scheduling_group=PodSchedulingGroup(pod_group_name="g")),
        "GangScheduling: pod groups; the pod is placed alone (g)",
    ),
    "priority": (pod(priority=5), "DefaultPreemption: preemption of other pods for node resources (priority 5)"),
    "priority class": (
        pod(priority_class_name="high"),
        "DefaultPreemption: preemption of other pods for node resources (high)",
    ),
    "other scheduler": (pod(scheduler_name="mine"), "scheduler: a scheduler other than default-scheduler (mine)"),
    "declared feature": (
        pod(source={"spec": {"hostUsers": False}}, host_network=True),
        "NodeDeclaredFeatures: features that nodes declare (hostUsers)",
    ),
    "mount option": (
        pod(source={"spec": {"containers": [{"volumeMounts": [{"bindMountOptions": ["noexec"]}]}]}}),
        "NodeDeclaredFeatures: features that nodes declare (bindMountOptions)",
    ),
    "restart rule": (
        pod(source={"spec": {"initContainers": [{"restartPolicyRules": [{"action": "RestartAllContainers"}]}]}}),
        "NodeDeclaredFeatures: features that nodes declare (restartPolicyRules)",
    ),
}


@pytest.mark.parametrize(("using", "sentence"), USES.values(), ids=USES)
def test_named(using: Pod, sentence: str) -> None:
    """Each use is named in one sentence that starts with the plugin."""
    assert unmodelled(using) == (sentence,)


FREE = {
    "bare": pod(),
    "node affinity": pod(affinity=Affinity(node_affinity=NodeAffinity())),
    "job": owned("batch/v1", "Job"),
    "other group": owned("example.com/v1", "ReplicaSet"),
    "owner but no controller": owned("apps/v1", "ReplicaSet", controller=False),
    "harmless volumes": pod(volumes=[{"name": "a", "configMap": {}}, {"name": "b", "emptyDir": {}}, {"name": "c"}]),
    "container port": pod(containers=ports(containerPort=80)),
    "no priority": pod(priority=0),
    "negative priority": pod(priority=-1),
    "default scheduler": pod(scheduler_name="default-scheduler"),
    "odd document": pod(source={"spec": {"containers": [{"restartPolicyRules": "x", "volumeMounts": [None]}, 3]}}),
    "empty document": pod(source={"spec": None}),
    "user namespaces without host network": pod(source={"spec": {"hostUsers": False}}),
}


@pytest.mark.parametrize("plain", FREE.values(), ids=FREE)
def test_nothing_to_name(plain: Pod) -> None:
    """What leaves the choice of the node alone is not named."""
    assert unmodelled(plain) == ()


def test_images_count_where_nodes_have_them() -> None:
    """Image locality is named only for images that some node reports, with the tag that Kubernetes would add."""
    node = Node(source={"status": {"images": [{"names": ["r:5000/train:latest", "r:5000/train@sha256:0"]}, {}]}})
    using = pod(containers=[Container(image="r:5000/train"), Container(image="other")])
    around = Surroundings.of([Node(), node], [])
    assert unmodelled(using, around) == ("ImageLocality: images already on nodes (r:5000/train:latest)",)
    assert unmodelled(using) == ()


def test_extended_resources_count_where_a_class_backs_them() -> None:
    """An extended resource is named if a class gives it its name, or by the name that every class has."""
    named = DeviceClass(
        metadata=ObjectMeta(name="a100"), spec=DeviceClassSpec(extended_resource_name="example.com/gpu")
    )
    around = Surroundings.of([], [named, DeviceClass(metadata=ObjectMeta(name="nic"))])
    wishes = {
        "example.com/gpu": "1",
        "deviceclass.resource.kubernetes.io/nic": "2",
        "example.com/other": "1",
        "cpu": "1",
    }
    limits = {name: Quantity(amount) for name, amount in wishes.items()}
    using = pod(containers=[Container(resources=ResourceRequirements(limits=limits))])
    (sentence,) = unmodelled(using, around)
    assert sentence.startswith("DynamicResources: extended resources that a device class backs; no claim is made")
    assert sentence.endswith("(deviceclass.resource.kubernetes.io/nic, example.com/gpu)")
    assert unmodelled(using) == ()


def test_every_use_of_a_pod_is_named() -> None:
    """Several uses give several sentences."""
    using = pod(priority=1, scheduling_gates=[{"name": "g"}], volumes=[{"name": "d", "csi": {}}])
    assert [sentence.partition(":")[0] for sentence in unmodelled(using)] == [
        VOLUMES.partition(":")[0],
        "SchedulingGates",
        "DefaultPreemption",
    ]


def test_every_entry_of_the_list_can_be_named() -> None:
    """The list for the documentation holds what pods can be told, and no more."""
    told = {sentence.partition(":")[0] for using, _ in USES.values() for sentence in unmodelled(using)}
    assert told | {"DynamicResources", "ImageLocality"} == set(UNMODELLED)
