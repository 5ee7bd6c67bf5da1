"""Workloads: the parts of controllers' objects that decide how many pods there are, and of what kind."""

from __future__ import annotations

from typing import Any, Final, get_args

from drapolicy.api.core import PartialObject, PartialStruct, PodTemplateSpec
from drapolicy.api.meta import Int32, ObjectMeta


class ReplicasSpec(PartialStruct):
    """Specification of Deployment, ReplicaSet and DaemonSet."""

    replicas: Int32 | None = None
    template: PodTemplateSpec = PodTemplateSpec()


class Deployment(PartialObject, tag_field="kind", tag="Deployment"):
    """Pods alike, replaced in rolling updates."""

    api_version: str = "apps/v1"
    metadata: ObjectMeta = ObjectMeta()
    spec: ReplicasSpec = ReplicasSpec()


class ReplicaSet(PartialObject, tag_field="kind", tag="ReplicaSet"):
    """Pods alike."""

    api_version: str = "apps/v1"
    metadata: ObjectMeta = ObjectMeta()
    spec: ReplicasSpec = ReplicasSpec()


class DaemonSet(PartialObject, tag_field="kind", tag="DaemonSet"):
    """One pod on each node."""

    api_version: str = "apps/v1"
    metadata: ObjectMeta = ObjectMeta()
    spec: ReplicasSpec = ReplicasSpec()


class StatefulSetOrdinals(PartialStruct):
    """Where the numbers of a StatefulSet's pods begin."""

    start: Int32 = 0


class StatefulSetSpec(PartialStruct):
    """Specification of a StatefulSet."""

    replicas: Int32 | None = None
    ordinals: StatefulSetOrdinals = StatefulSetOrdinals()
    template: PodTemplateSpec = PodTemplateSpec()


class StatefulSet(PartialObject, tag_field="kind", tag="StatefulSet"):
    """Numbered pods."""

    api_version: str = "apps/v1"
    metadata: ObjectMeta = ObjectMeta()
    spec: StatefulSetSpec = StatefulSetSpec()


class JobSpec(PartialStruct):
    """Specification of a Job."""

    parallelism: Int32 | None = None
    completions: Int32 | None = None
    completion_mode: str = ""
    suspend: bool = False
    template: PodTemplateSpec = PodTemplateSpec()


class Job(PartialObject, tag_field="kind", tag="Job"):
    """Pods that run to completion."""

    api_version: str = "batch/v1"
    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()


class JobTemplateSpec(PartialStruct):
    """What the jobs of a JobSet are made from."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()


class ReplicatedJob(PartialStruct):
    """One kind of job of a JobSet."""

    name: str = ""
    replicas: Int32 | None = None
    template: JobTemplateSpec = JobTemplateSpec()


class JobSetSpec(PartialStruct):
    """Specification of a JobSet."""

    replicated_jobs: list[ReplicatedJob] = []
    suspend: bool = False


class JobSet(PartialObject, tag_field="kind", tag="JobSet"):
    """Jobs that belong together."""

    api_version: str = "jobset.x-k8s.io/v1alpha2"
    metadata: ObjectMeta = ObjectMeta()
    spec: JobSetSpec = JobSetSpec()


class LeaderWorkerTemplate(PartialStruct):
    """Pods of one group of a LeaderWorkerSet: ``size`` of them, the leader included."""

    leader_template: PodTemplateSpec | None = None
    worker_template: PodTemplateSpec = PodTemplateSpec()
    size: Int32 | None = None


class LeaderWorkerSetSpec(PartialStruct):
    """Specification of a LeaderWorkerSet."""

    replicas: Int32 | None = None
    leader_worker_template: LeaderWorkerTemplate = LeaderWorkerTemplate()


class LeaderWorkerSet(PartialObject, tag_field="kind", tag="LeaderWorkerSet"):
    """Groups of pods, each of a leader and its workers."""

    api_version: str = "leaderworkerset.x-k8s.io/v1"
    metadata: ObjectMeta = ObjectMeta()
    spec: LeaderWorkerSetSpec = LeaderWorkerSetSpec()


Workload = Deployment | ReplicaSet | DaemonSet | StatefulSet | Job | JobSet | LeaderWorkerSet

WORKLOAD_TYPES: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in get_args(Workload)}
