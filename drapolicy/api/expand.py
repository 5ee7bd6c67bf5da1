"""Workloads become pods and claim templates claims, as the controllers of Kubernetes make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import structs

from drapolicy.api.core import Node, Pod, PodResourceClaim, PodResourceClaimStatus
from drapolicy.api.kinds import DEFAULT_NAMESPACE, label
from drapolicy.api.meta import ObjectMeta, OwnerReference
from drapolicy.api.resource import ResourceClaim, ResourceClaimTemplate
from drapolicy.api.workload_pods import count_of, generated_name, pods_of
from drapolicy.api.workloads import WORKLOAD_TYPES, Workload
from drapolicy.errors import Fault, InputError

MAX_PODS: Final = 1_000_000
POD_CLAIM_ANNOTATION: Final = "resource.kubernetes.io/pod-claim-name"

_LONGEST_CLAIM_BASE = 57
_LABELS_OF_OWNERS = (
    ("JobSet", "jobset.sigs.k8s.io/jobset-name"),
    ("LeaderWorkerSet", "leaderworkerset.sigs.k8s.io/name"),
)


def expand(objects: Iterable[Any]) -> list[Any]:
    """Return the objects with pods in place of workloads, and the claims of pods that claim templates call for.

    An object with ``generateName`` alone gets a name, as the API server gives one; its letters, like all that stand
    for random ones, depend on the input alone.

    A workload that owns another object of the input (its ReplicaSet, Job or pods) makes no pods, for those are there;
    so the output of ``kubectl get all`` counts each pod once.

    A claim is made for each entry of a pod that names a template of the input, unless the pod's status or the claims
    name one already or the pod has ended; it is called ``<pod>-<entry>-`` and five letters (K8s S13). An entry that
    names an unknown template or claim stays as it is: its pod is not scheduled (K8s S63).

    Raises
    ------
    InputError
        If a workload asks for more pods than `MAX_PODS`.
    """
    given = _named(objects)
    nodes = [item for item in given if isinstance(item, Node)]
    owners = _owners(given)
    names = {(_namespace(item.metadata), item.metadata.name) for item in given if isinstance(item, Pod)}
    workload_types = tuple(WORKLOAD_TYPES.values())
    result: list[Any] = []
    made = 0
    for item in given:
        if not isinstance(item, workload_types):
            result.append(item)
            continue
        if (type(item).__name__, _namespace(item.metadata), item.metadata.name) in owners:
            continue
        made += count_of(item, nodes)
        _refuse_crowd(item, made)
        result += [pod for pod in pods_of(item, nodes) if (_namespace(pod.metadata), pod.metadata.name) not in names]
    return _with_claims(result)


def _named(objects: Iterable[Any]) -> list[Any]:
    """Return the objects, those without a name with one made from ``generateName``."""
    given = list(objects)
    taken = {(type(item), _namespace(item.metadata), item.metadata.name) for item in given}
    counts: dict[tuple[type[Any], str, str], int] = {}
    for position, item in enumerate(given):
        meta = item.metadata
        if meta.name or not meta.generate_name:
            continue
        key = (type(item), _namespace(meta), meta.generate_name)
        while True:
            counts[key] = number = counts.get(key, -1) + 1
            name = generated_name(meta.generate_name, f"{key[1]}/{meta.generate_name}", number)
            if (*key[:2], name) not in taken:
                break
        given[position] = structs.replace(item, metadata=structs.replace(meta, name=name))
    return given


def _namespace(meta: ObjectMeta) -> str:
    return meta.namespace or DEFAULT_NAMESPACE


def _refuse_crowd(workload: Workload, made: int) -> None:
    """Refuse to fill the memory with pods."""
    if made > MAX_PODS:
        meta = workload.metadata
        thing = label(type(workload).__name__, meta.namespace, meta.name)
        message = f"the workloads up to this one make {made} pods, more than {MAX_PODS}; lower their replicas"
        raise InputError(faults=[Fault("", -1, thing, "spec", message)])


def _owners(objects: Iterable[Any]) -> set[tuple[str, str, str]]:
    """Return kind, namespace and name of everything that objects of the input say they are controlled by."""
    owners = set()
    for item in objects:
        meta, namespace = item.metadata, _namespace(item.metadata)
        for reference in meta.owner_references:
            if not reference.controller:
                continue
            owners.add((reference.kind, namespace, reference.name))
            tail = "-" + meta.labels.get("pod-template-hash", "?")
            if reference.kind == "ReplicaSet" and reference.name.endswith(tail):
                owners.add(("Deployment", namespace, reference.name.removesuffix(tail)))
        if isinstance(item, Pod):
            owners |= {(kind, namespace, meta.labels[key]) for kind, key in _LABELS_OF_OWNERS if key in meta.labels}
    return owners


# --- claims of pods ------------------------------------------------------------------------------------------


def _with_claims(objects: list[Any]) -> list[Any]:
    """Return the objects with the claims that pods get from templates at the end, and their names in the pods."""
    templates = {
        (_namespace(item.metadata), item.metadata.name): item
        for item in objects
        if isinstance(item, ResourceClaimTemplate)
    }
    claims = [item for item in objects if isinstance(item, ResourceClaim)]
    taken = {(_namespace(claim.metadata), claim.metadata.name) for claim in claims}
    owned = {key: claim.metadata.name for claim in claims for key in _owner_keys(claim)}
    result: list[Any] = []
    made: list[ResourceClaim] = []
    for item in objects:
        pod = item
        if isinstance(item, Pod) and not _ended(item):
            statuses = list(item.status.resource_claim_statuses)
            known = {status.name for status in statuses}
            namespace = _namespace(item.metadata)
            for entry in item.spec.resource_claims:
                if entry.resource_claim_template_name is None or entry.name in known:
                    continue
                name = owned.get((namespace, item.metadata.name, entry.name))
                template = templates.get((namespace, entry.resource_claim_template_name))
                if name is None and template is not None:
                    claim = _claim(item, entry, template, taken)
                    made.append(claim)
                    name = claim.metadata.name
                if name is not None:
                    statuses.append(PodResourceClaimStatus(name=entry.name, resource_claim_name=name))
            if len(statuses) > len(known):
                status = structs.replace(item.status, resource_claim_statuses=statuses)
                pod = structs.replace(item, status=status)
        result.append(pod)
    return result + made


def _ended(pod: Pod) -> bool:
    """Return whether the controller makes no claims for a pod any more."""
    return pod.metadata.deletion_timestamp is not None or pod.status.phase in {"Succeeded", "Failed"}


def _owner_keys(claim: ResourceClaim) -> list[tuple[str, str, str]]:
    """Return namespace, pod and entry that a claim was made for; empty for a claim made by hand."""
    entry = claim.metadata.annotations.get(POD_CLAIM_ANNOTATION)
    if entry is None:
        return []
    return [
        (_namespace(claim.metadata), reference.name, entry)
        for reference in claim.metadata.owner_references
        if reference.controller and reference.kind == "Pod" and reference.api_version == "v1"
    ]


def _claim(
    pod: Pod, entry: PodResourceClaim, template: ResourceClaimTemplate, taken: set[tuple[str, str]]
) -> ResourceClaim:
    """Return the claim for one entry of a pod, as the resourceclaim controller makes it."""
    meta = pod.metadata
    begin = f"{meta.name}-{entry.name}-"
    if len(begin) > _LONGEST_CLAIM_BASE:
        # Both parts are cut in proportion, so that the entry's name is never lost entirely.
        kept = [part[: len(part) * _LONGEST_CLAIM_BASE // len(begin)] for part in (meta.name, entry.name)]
        begin = "-".join(kept)
    number = 0
    while (key := (_namespace(meta), generated_name(begin, f"{meta.name}/{entry.name}", number))) in taken:
        number += 1
    taken.add(key)
    return ResourceClaim(
        metadata=ObjectMeta(
            name=key[1],
            generate_name=begin,
            namespace=_namespace(meta),
            labels=dict(template.spec.metadata.labels),
            annotations={**template.spec.metadata.annotations, POD_CLAIM_ANNOTATION: entry.name},
            owner_references=[
                OwnerReference(api_version="v1", kind="Pod", name=meta.name, uid=meta.uid, controller=True)
            ],
        ),
        spec=template.spec.spec,
    )
