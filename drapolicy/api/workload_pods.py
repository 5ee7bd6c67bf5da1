"""Pods of workloads, named as the controllers name them.

Names are exact where the controller leaves nothing to chance: StatefulSet and LeaderWorkerSet. The other controllers
end a name with five random letters; here these are drawn from the same alphabet but fixed by the workload's name and
the pod's number, and no two pods of a workload share them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from msgspec import structs

from drapolicy.api.core import (
    Affinity,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    Pod,
    PodSpec,
    PodTemplateSpec,
)
from drapolicy.api.meta import ObjectMeta, OwnerReference
from drapolicy.api.node_match import daemon_tolerates, selects
from drapolicy.api.workloads import (
    DaemonSet,
    Deployment,
    Job,
    JobSet,
    JobSpec,
    LeaderWorkerSet,
    ReplicaSet,
    StatefulSet,
    Workload,
)

_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH: Final = 5
_LONGEST_BASE: Final = 58


def pods_of(workload: Workload, nodes: Sequence[Node]) -> Iterator[Pod]:
    """Yield the pods that a workload runs at a time, in the order of their numbers.

    Parameters
    ----------
    workload
        The workload; a suspended Job or JobSet has no pods, and a Job has as many as run side by side.
    nodes
        Nodes of the cluster; a DaemonSet has a pod for each of them that its node selector, required node affinity
        and tolerations admit.
    """
    make: Callable[..., Iterator[Pod]] = _MAKERS[type(workload)]
    return make(workload, nodes)


def count_of(workload: Workload, nodes: Sequence[Node]) -> int:
    """Return how many pods `pods_of` yields at most, without making them."""
    if isinstance(workload, DaemonSet):
        return len(nodes)
    if isinstance(workload, Job):
        return _job_count(workload.spec)
    if isinstance(workload, JobSet):
        return sum(_or_one(job.replicas) * _job_count(job.template.spec) for job in workload.spec.replicated_jobs)
    if isinstance(workload, LeaderWorkerSet):
        return _or_one(workload.spec.replicas) * _or_one(workload.spec.leader_worker_template.size)
    return _or_one(workload.spec.replicas)


def suffix(key: str, number: int = 0, length: int = _SUFFIX_LENGTH) -> str:
    """Return letters in place of random ones, different for different numbers of one key.

    Examples
    --------
    >>> suffix("default/web") == suffix("default/web"), suffix("default/web") == suffix("default/web", 1)
    (True, False)
    """
    size = len(_ALPHABET) ** length
    start = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "big")
    # The step shares no factor with the alphabet's 27, so numbers below 27^length never meet.
    rest = (start + number * 8_869_121) % size
    letters = []
    for _ in range(length):
        rest, letter = divmod(rest, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)


def generated_name(begin: str, key: str, number: int = 0) -> str:
    """Return the name that the API server would complete from ``generateName``, cut to 63 characters as there."""
    return begin[:_LONGEST_BASE] + suffix(key, number)


def _or_one(count: int | None) -> int:
    return 1 if count is None else max(count, 0)


def _job_count(spec: JobSpec) -> int:
    """Return how many pods of a job run side by side."""
    if spec.suspend:
        return 0
    count = _or_one(spec.parallelism)
    return count if spec.completions is None else min(count, max(spec.completions, 0))


def _pod(
    template: PodTemplateSpec,
    owner: tuple[str, str, str],
    namespace: str,
    name: str,
    source: Any,
    *,
    generate_name: str = "",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    spec: PodSpec | None = None,
) -> Pod:
    """Return one pod of a template; ``source`` is the template's document, for its fields that are not modelled."""
    api_version, kind, owner_name = owner
    return Pod(
        metadata=ObjectMeta(
            name=name,
            generate_name=generate_name,
            namespace=namespace,
            labels={**template.metadata.labels, **(labels or {})},
            annotations={**template.metadata.annotations, **(annotations or {})},
            owner_references=[
                OwnerReference(
                    api_version=api_version, kind=kind, name=owner_name, controller=True, block_owner_deletion=True
                )
            ],
        ),
        spec=spec or template.spec,
        source={"spec": _inside(source, "spec")},
    )


def _inside(source: Any, *path: str) -> Any:
    """Return a part of a document, or an empty object where it has none."""
    for key in path:
        source = source.get(key) if isinstance(source, dict) else None
    return source if source is not None else {}


def _replicas(workload: Deployment | ReplicaSet, _: Sequence[Node]) -> Iterator[Pod]:
    meta, labels = workload.metadata, {}
    set_name = meta.name
    if isinstance(workload, Deployment):
        template_hash = suffix(f"{meta.namespace}/{meta.name}", length=10)
        set_name = f"{meta.name}-{template_hash}"
        labels = {"pod-template-hash": template_hash}
    begin = f"{set_name}-"
    for number in range(_or_one(workload.spec.replicas)):
        yield _pod(
            workload.spec.template,
            ("apps/v1", "ReplicaSet", set_name),
            meta.namespace,
            generated_name(begin, f"{meta.namespace}/{set_name}", number),
            _inside(workload.source, "spec", "template"),
            generate_name=begin,
            labels=labels,
        )


def _stateful(workload: StatefulSet, _: Sequence[Node]) -> Iterator[Pod]:
    meta, start = workload.metadata, workload.spec.ordinals.start
    for number in range(start, start + _or_one(workload.spec.replicas)):
        name = f"{meta.name}-{number}"
        yield _pod(
            workload.spec.template,
            ("apps/v1", "StatefulSet", meta.name),
            meta.namespace,
            name,
            _inside(workload.source, "spec", "template"),
            labels={"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(number)},
        )


def _daemons(workload: DaemonSet, nodes: Sequence[Node]) -> Iterator[Pod]:
    meta, template = workload.metadata, workload.spec.template
    begin = f"{meta.name}-"
    for number, node in enumerate(nodes):
        if not selects(template.spec, node) or not daemon_tolerates(template.spec, node):
            continue
        yield _pod(
            template,
            ("apps/v1", "DaemonSet", meta.name),
            meta.namespace,
            generated_name(begin, f"{meta.namespace}/{meta.name}", number),
            _inside(workload.source, "spec", "template"),
            generate_name=begin,
            spec=_bound_to(template.spec, node.metadata.name),
        )


def _bound_to(spec: PodSpec, node: str) -> PodSpec:
    """Return the specification of a daemon's pod: its required node affinity names its node and nothing else."""
    only = NodeSelectorRequirement(key="metadata.name", operator="In", values=[node])
    affinity = spec.affinity or Affinity()
    node_affinity = structs.replace(
        affinity.node_affinity or NodeAffinity(),
        required_during_scheduling_ignored_during_execution=NodeSelector(
            node_selector_terms=[NodeSelectorTerm(match_fields=[only])]
        ),
    )
    return structs.replace(spec, affinity=structs.replace(affinity, node_affinity=node_affinity))


def _job(workload: Job, _: Sequence[Node]) -> Iterator[Pod]:
    meta = workload.metadata
    source = _inside(workload.source, "spec", "template")
    return _job_pods(
        workload.spec, meta.namespace, meta.name, source, indexed=workload.spec.completion_mode == "Indexed"
    )


def _job_pods(
    spec: JobSpec, namespace: str, job: str, source: Any, *, indexed: bool, labels: dict[str, str] | None = None
) -> Iterator[Pod]:
    key = f"{namespace}/{job}"
    own = {"batch.kubernetes.io/job-name": job, "job-name": job, **(labels or {})}
    for number in range(_job_count(spec)):
        begin, index = f"{job}-", {}
        if indexed:
            end = f"-{number}-"
            begin = job + end if len(job + end) <= _LONGEST_BASE else (job + end)[: _LONGEST_BASE - len(end)] + end
            index = {"batch.kubernetes.io/job-completion-index": str(number)}
        yield _pod(
            spec.template,
            ("batch/v1", "Job", job),
            namespace,
            generated_name(begin, key, number),
            source,
            generate_name=begin,
            labels={**own, **index},
            annotations=index,
        )


def _job_set(workload: JobSet, _: Sequence[Node]) -> Iterator[Pod]:
    meta = workload.metadata
    if workload.spec.suspend:
        return
    for position, job in enumerate(workload.spec.replicated_jobs):
        sources = _inside(workload.source, "spec").get("replicatedJobs")
        source = _inside(sources[position] if sources else {}, "template", "spec", "template")
        for index in range(_or_one(job.replicas)):
            labels = {
                "jobset.sigs.k8s.io/jobset-name": meta.name,
                "jobset.sigs.k8s.io/replicatedjob-name": job.name,
                "jobset.sigs.k8s.io/replicatedjob-replicas": str(_or_one(job.replicas)),
                "jobset.sigs.k8s.io/job-index": str(index),
            }
            indexed = job.template.spec.completion_mode in {"", "Indexed"}
            name = f"{meta.name}-{job.name}-{index}"
            yield from _job_pods(job.template.spec, meta.namespace, name, source, indexed=indexed, labels=labels)


def _leader_worker_set(workload: LeaderWorkerSet, _: Sequence[Node]) -> Iterator[Pod]:
    meta, parts = workload.metadata, workload.spec.leader_worker_template
    source = _inside(workload.source, "spec", "leaderWorkerTemplate")
    size = _or_one(parts.size)
    for group in range(_or_one(workload.spec.replicas)):
        for number in range(size):
            leads = number == 0 and parts.leader_template is not None
            leader = f"{meta.name}-{group}"
            yield _pod(
                parts.leader_template if leads and parts.leader_template is not None else parts.worker_template,
                ("apps/v1", "StatefulSet", meta.name if number == 0 else leader),
                meta.namespace,
                leader if number == 0 else f"{leader}-{number}",
                _inside(source, "leaderTemplate" if leads else "workerTemplate"),
                labels={
                    "leaderworkerset.sigs.k8s.io/name": meta.name,
                    "leaderworkerset.sigs.k8s.io/group-index": str(group),
                    "leaderworkerset.sigs.k8s.io/worker-index": str(number),
                },
                annotations={"leaderworkerset.sigs.k8s.io/size": str(size)},
            )


_MAKERS: Final[dict[type[Any], Callable[..., Iterator[Pod]]]] = {
    Deployment: _replicas,
    ReplicaSet: _replicas,
    DaemonSet: _daemons,
    StatefulSet: _stateful,
    Job: _job,
    JobSet: _job_set,
    LeaderWorkerSet: _leader_worker_set,
}
