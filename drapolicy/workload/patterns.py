"""Pods of a cluster, made patterns that can be copied: what they ask for, without who and where they were."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import structs

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.api.core import Pod, PodResourceClaim, PodSpec
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimStatus,
    ResourceClaimTemplate,
    ResourceClaimTemplateSpec,
)
from drapolicy.workload.workload import COMMUNICATION

_VOLUMES = ("persistentVolumeClaim", "ephemeral")  # all that a scheduler looks at; names of the others are random


class Patterns:
    """Gathers pods; those that ask for the same share a pattern.

    Parameters
    ----------
    inputs
        Where claims and templates are, the latest last.
    """

    def __init__(self, inputs: Iterable[Objects]) -> None:
        self._claims: dict[str, ResourceClaim] = {}
        self._templates: dict[str, ResourceClaimTemplate] = {}
        for objects in inputs:
            self._claims |= {_key(claim.metadata): claim for claim in objects.claims}
            self._templates |= {_key(template.metadata): template for template in objects.templates}
        self._names: dict[bytes, str] = {}
        self._pods: dict[str, Pod] = {}
        self._made: list[ResourceClaimTemplate] = []
        self._common: dict[str, ResourceClaim] = {}
        self._used: set[str] = set()

    def unused(self) -> int:
        """Return how many claims were made for no pod, and are named by none of those that were looked at."""
        own = {
            key for key, claim in self._claims.items() if any(o.kind == "Pod" for o in claim.metadata.owner_references)
        }
        return len(self._claims.keys() - self._used - own)

    def missing(self, pod: Pod) -> list[tuple[str, str]]:
        """Return path and message for each entry of a pod whose claim nothing tells."""
        space = pod.metadata.namespace or "default"
        made = (status.resource_claim_name for status in pod.status.resource_claim_statuses)
        named = (entry.resource_claim_name for entry in pod.spec.resource_claims)
        self._used.update(f"{space}/{name}" for name in (*made, *named))
        return [
            (f"spec.resourceClaims[{at}]", _untold(_made_claim(pod, entry) or entry.resource_claim_name, entry))
            for at, entry in enumerate(pod.spec.resource_claims)
            if not _needs_none(pod, entry) and self._claim_spec(pod, entry) is None
        ]

    def name_of(self, pod: Pod) -> str:
        """Return ``namespace/name`` of the pattern of a pod of which nothing is missing; one is made if needed."""
        space = pod.metadata.namespace or "default"
        entries = [entry for entry in pod.spec.resource_claims if not _needs_none(pod, entry)]
        own: dict[str, ResourceClaimSpec] = {}
        for entry in entries:
            spec = self._claim_spec(pod, entry)
            assert spec is not None
            if entry.resource_claim_name is None:
                own[entry.name] = spec
            else:
                claim = self._claims[f"{space}/{entry.resource_claim_name}"]
                self._common[_key(claim.metadata)] = _bare_claim(claim)
        bare = _bare_pod(pod.spec, entries)
        notes = {key: text for key, text in pod.metadata.annotations.items() if key == COMMUNICATION}
        specs = {name: api.to_builtins(_template("x", space, spec)) for name, spec in own.items()}
        kind = msgspec.json.encode([space, notes, api.to_builtins(Pod(spec=bare)), specs], order="deterministic")
        if kind not in self._names:
            self._names[kind] = self._add(pod.metadata.name, space, bare, own, notes)
        return self._names[kind]

    def objects(self) -> Objects:
        """Return the patterns' pods, and claims as they would be made for them."""
        made = Objects(
            templates=tuple(self._made), pods=tuple(self._pods.values()), claims=tuple(self._common.values())
        )
        return api.loads(api.dump(made, "json"), "history", strict=False)

    def _add(
        self, name: str, space: str, bare: PodSpec, own: dict[str, ResourceClaimSpec], notes: dict[str, str]
    ) -> str:
        """Add the pattern of a pod; its claims come from templates that are called after it."""
        number, unique = 2, name
        while f"{space}/{unique}" in self._pods:
            unique, number = f"{name[:240]}-{number}", number + 1
        template_of = {entry: f"{unique[:180]}-{entry}" for entry in own}
        self._made += [_template(template_of[entry], space, spec) for entry, spec in own.items()]
        entries = [
            structs.replace(entry, resource_claim_template_name=template_of[entry.name]) if entry.name in own else entry
            for entry in bare.resource_claims
        ]
        meta = ObjectMeta(name=unique, namespace=space, annotations=notes)
        self._pods[f"{space}/{unique}"] = Pod(metadata=meta, spec=structs.replace(bare, resource_claims=entries))
        return f"{space}/{unique}"

    def _claim_spec(self, pod: Pod, entry: PodResourceClaim) -> ResourceClaimSpec | None:
        """Return what an entry asks for: as its claim says, or else the template that the claim was made from."""
        space = pod.metadata.namespace or "default"
        claim = self._claims.get(f"{space}/{entry.resource_claim_name or _made_claim(pod, entry)}")
        if claim is not None:
            return claim.spec
        template = self._templates.get(f"{space}/{entry.resource_claim_template_name}")
        return None if template is None else template.spec.spec


def _key(meta: ObjectMeta) -> str:
    return f"{meta.namespace or 'default'}/{meta.name}"


def _made_claim(pod: Pod, entry: PodResourceClaim) -> str | None:
    """Return the name of the claim that was made for an entry."""
    made = {status.name: status.resource_claim_name for status in pod.status.resource_claim_statuses}
    return made.get(entry.name)


def _needs_none(pod: Pod, entry: PodResourceClaim) -> bool:
    """Return whether the controller found that an entry needs no claim."""
    return any(s.name == entry.name and s.resource_claim_name is None for s in pod.status.resource_claim_statuses)


def _untold(claim: str | None, entry: PodResourceClaim) -> str:
    if entry.resource_claim_name is not None:
        return f"claim {claim!r} is in no file; get resourceclaims at the same times as pods"
    wanted = f"template {entry.resource_claim_template_name!r}"
    if claim is None:
        return f"{wanted} is in no file; get resourceclaimtemplates too"
    return f"neither claim {claim!r} nor {wanted} is in a file; get resourceclaimtemplates too: claims end with pods"


def _bare_claim(claim: ResourceClaim) -> ResourceClaim:
    meta = ObjectMeta(name=claim.metadata.name, namespace=claim.metadata.namespace)
    return structs.replace(claim, metadata=meta, status=ResourceClaimStatus())


def _bare_pod(spec: PodSpec, entries: list[PodResourceClaim]) -> PodSpec:
    """Return a specification without what tells copies apart: node, images, volumes that nobody schedules by."""
    plain = [
        structs.replace(entry, resource_claim_template_name=None if entry.resource_claim_name else "")
        for entry in entries
    ]
    return structs.replace(
        spec,
        node_name="",
        containers=[structs.replace(container, image="") for container in spec.containers],
        init_containers=[structs.replace(container, image="") for container in spec.init_containers],
        volumes=[volume for volume in spec.volumes if any(key in volume for key in _VOLUMES)],
        resource_claims=plain,
    )


def _template(name: str, space: str, spec: ResourceClaimSpec) -> ResourceClaimTemplate:
    meta = ObjectMeta(name=name, namespace=space)
    return ResourceClaimTemplate(metadata=meta, spec=ResourceClaimTemplateSpec(spec=spec))
