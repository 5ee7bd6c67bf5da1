"""What the stock scheduler looks at and this baseline does not; outputs name it for every pod that uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from drapolicy.api.core import Container, Node, Pod
from drapolicy.api.resource import DeviceClass
from drapolicy.problem.pod_requests import pod_requests

# Plugin or mechanism of the stock scheduler, and what of it is missing here.
UNMODELLED = {
    "InterPodAffinity": "pod affinity and anti-affinity",
    "PodTopologySpread": "topology spread constraints",
    "PodTopologySpread (defaults)": "default topology spread of pods of a Service, ReplicaSet or StatefulSet",
    "VolumeBinding, VolumeZone, VolumeRestrictions, NodeVolumeLimits": "volumes that bind to nodes",
    "ImageLocality": "images already on nodes",
    "NodePorts": "host ports",
    "SchedulingGates": "scheduling gates; the pod is placed as if it had none",
    "GangScheduling": "pod groups; the pod is placed alone",
    "DefaultPreemption": "preemption of other pods for node resources",
    "NodeDeclaredFeatures": "features that nodes declare",
    "DynamicResources": "extended resources that a device class backs; no claim is made for them",
    "scheduler": "a scheduler other than default-scheduler",
}

# Sources that leave the choice of the node alone; any other kind of volume is named.
_FREE_VOLUMES = frozenset(
    {
        "cephfs",
        "configMap",
        "downwardAPI",
        "emptyDir",
        "fc",
        "flexVolume",
        "flocker",
        "gitRepo",
        "glusterfs",
        "hostPath",
        "image",
        "nfs",
        "projected",
        "secret",
        "storageos",
    }
)
_SPREAD_OWNERS = frozenset({("v1", "ReplicationController"), ("apps/v1", "ReplicaSet"), ("apps/v1", "StatefulSet")})


_ANY_CLASS = "deviceclass.resource.kubernetes.io/"


class Surroundings(NamedTuple):
    """What of a cluster decides whether something that a pod uses is modelled.

    Attributes
    ----------
    images
        Images that nodes report.
    backed
        Extended resources that a device class backs (K8s S73), each also by the name that every class has.
    """

    images: frozenset[str] = frozenset()
    backed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, nodes: Iterable[Node], classes: Iterable[DeviceClass]) -> Surroundings:
        """Gather them. Only nodes read from a file know their images."""
        known = list(classes)
        named = {item.spec.extended_resource_name for item in known} - {None, ""}
        every = {_ANY_CLASS + item.metadata.name for item in known}
        return cls(frozenset(_images(nodes)), frozenset(str(name) for name in named | every))


def unmodelled(
    pod: Pod,
    around: Surroundings = Surroundings(),  # noqa: B008 - it is immutable
    requests: Mapping[str, int] | None = None,
) -> tuple[str, ...]:
    """Return a sentence for everything that a pod uses and that this baseline leaves out.

    Parameters
    ----------
    pod
        The pod.
    around
        What the pod's images and resources are compared with.
    requests
        What :func:`~drapolicy.problem.pod_requests.pod_requests` says of the pod, for a caller that knows it.

    Returns
    -------
    tuple of str
        Sentences that start with the plugin; empty if the pod is modelled in full. Services are not read, so default
        topology spread is named for pods of a ReplicaSet, ReplicationController or StatefulSet only.
    """
    return tuple(_say(plugin, what) for plugin, what in _used(pod, around, requests))


def _used(pod: Pod, around: Surroundings, requests: Mapping[str, int] | None) -> Iterable[tuple[str, str]]:
    spec = pod.spec
    containers = [*spec.init_containers, *spec.containers]
    if spec.affinity and (spec.affinity.pod_affinity is not None or spec.affinity.pod_anti_affinity is not None):
        yield "InterPodAffinity", ""
    if spec.topology_spread_constraints:
        yield "PodTopologySpread", ""
    elif owner := _spread_owner(pod):
        yield "PodTopologySpread (defaults)", owner
    if volumes := [str(volume.get("name", "?")) for volume in spec.volumes if _volume_kinds(volume) - _FREE_VOLUMES]:
        yield "VolumeBinding, VolumeZone, VolumeRestrictions, NodeVolumeLimits", ", ".join(volumes)
    if around.images and (images := sorted({_tagged(container.image) for container in containers} & around.images)):
        yield "ImageLocality", ", ".join(images)
    if ports := _host_ports(containers, host_network=spec.host_network):
        yield "NodePorts", ", ".join(map(str, ports))
    if spec.scheduling_gates:
        yield "SchedulingGates", ", ".join(str(gate.get("name", "?")) for gate in spec.scheduling_gates)
    if spec.scheduling_group:
        yield "GangScheduling", spec.scheduling_group.pod_group_name or ""
    if (spec.priority or 0) > 0 or spec.priority_class_name:
        yield "DefaultPreemption", spec.priority_class_name or f"priority {spec.priority}"
    if pod.source and (fields := sorted(_declared_feature_fields(pod))):
        yield "NodeDeclaredFeatures", ", ".join(fields)
    if around.backed:
        asked = pod_requests(pod) if requests is None else requests
        if resources := sorted(around.backed.intersection(asked)):
            yield "DynamicResources", ", ".join(resources)
    if spec.scheduler_name not in {"", "default-scheduler"}:
        yield "scheduler", spec.scheduler_name


def _say(plugin: str, what: str) -> str:
    return f"{plugin}: {UNMODELLED[plugin]}" + (f" ({what})" if what else "")


def _spread_owner(pod: Pod) -> str:
    for owner in pod.metadata.owner_references:
        if owner.controller and (owner.api_version, owner.kind) in _SPREAD_OWNERS:
            return f"{owner.kind} {owner.name}"
    return ""


def _volume_kinds(volume: dict[str, Any]) -> set[str]:
    return {key for key, value in volume.items() if key != "name" and value is not None}


def _host_ports(containers: Sequence[Container], *, host_network: bool) -> list[int]:
    # With host networking the API server makes every container port a host port.
    ports = [port for container in containers for port in container.ports]
    taken = {port.get("hostPort") or (port.get("containerPort") if host_network else 0) for port in ports}
    return sorted(port for port in taken if isinstance(port, int) and port > 0)


def _images(nodes: Iterable[Node]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        for image in _list(_part(node, "status"), "images"):
            found.update(name for name in image.get("names") or [] if isinstance(name, str))
    return found


def _tagged(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def _declared_feature_fields(pod: Pod) -> Iterable[str]:
    spec = _part(pod, "spec")
    if pod.spec.host_network and spec.get("hostUsers") is False:
        yield "hostUsers"
    containers = [*_list(spec, "initContainers"), *_list(spec, "containers")]
    rules = [rule for container in containers for rule in _list(container, "restartPolicyRules")]
    if any(rule.get("action") == "RestartAllContainers" for rule in rules):
        yield "restartPolicyRules"
    if any(mount.get("bindMountOptions") for container in containers for mount in _list(container, "volumeMounts")):
        yield "bindMountOptions"


# Fields that the structs do not model pass unread, so their types are not known here.


def _part(thing: Node | Pod, name: str) -> dict[str, Any]:
    document = thing.source if isinstance(thing.source, dict) else {}
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _list(part: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = part.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
