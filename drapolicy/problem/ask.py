"""What a pod asks for: its claims in the order of its spec, and its room on the node."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import Pod
from drapolicy.api.resource import ResourceClaim
from drapolicy.problem.amounts import cut
from drapolicy.problem.pod_requests import PodAsk, pod_ask
from drapolicy.problem.resources import PODS


def claim_key(claim: ResourceClaim) -> str:
    """Return ``namespace/name`` of a claim."""
    return f"{claim.metadata.namespace}/{claim.metadata.name}"


@dataclass(frozen=True)
class Ask:
    """One pod's unmet wishes, or one claim that no pod uses. Made by :func:`ask_of` and :func:`asks`.

    Attributes
    ----------
    name
        ``namespace/name`` of the pod, or of the claim when there is no pod; a lone claim that is called as a pod is
        told apart by ``(claim)`` behind it.
    claims
        Claims in the order of ``pod.spec.resourceClaims`` (K8s S21); those that State holds an allocation for
        restrict the node, the others are to be allocated.
    pod
        The pod; None for a claim on its own, which then needs devices but no room.
    kind
        Digest of all that a score may depend on: the specifications of claims and pod, without names. Two asks of
        one kind get the same answer from a node in the same state.
    blocked
        Why the pod cannot be queued at all (K8s S63); empty when it can.
    """

    name: str
    claims: tuple[ResourceClaim, ...]
    pod: Pod | None
    kind: bytes
    blocked: str = ""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """``namespace/name`` of each claim, in order."""
        return tuple(map(claim_key, self.claims))

    def unmet(self, held: Mapping[str, object]) -> tuple[ResourceClaim, ...]:
        """Return the claims that have no allocation yet, in order."""
        for key in self.keys:
            if key in held:
                return tuple([claim for key, claim in zip(self.keys, self.claims, strict=True) if key not in held])
        return self.claims

    @cached_property
    def wishes(self) -> bytes:
        """Digest of the claims' specifications alone: what a node's devices answer to."""
        return _digest([_wishes(self.claims)])

    @cached_property
    def place(self) -> bytes:
        """Digest of what the pod's specification says of nodes, whatever room it needs there."""
        if self.pod is None:
            return b""
        spec = self.pod.spec
        return _digest([_built(part) for part in (spec.node_name, spec.node_selector, spec.affinity, spec.tolerations)])

    @cached_property
    def room(self) -> PodAsk | None:
        """What the pod asks of a node besides devices; None without a pod."""
        return None if self.pod is None else pod_ask(self.pod)

    @cached_property
    def needs(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Resources that the pod needs some of, ``pods`` first, and how much of each; nothing without a pod.

        Amounts are cut off at what columns tell apart; ndarray of shape (R,), int64.
        """
        needs = {} if self.room is None else {PODS: 1, **{name: a for name, a in self.room.requests.items() if a > 0}}
        return tuple(needs), np.array(list(map(cut, needs.values())), np.int64)

    def renamed(self, name: str, claims: tuple[ResourceClaim, ...], pod: Pod | None) -> Ask:
        """Return the same ask under another name.

        Parameters
        ----------
        name
            As in the class.
        claims, pod
            Equal to this ask's in everything but names.
        """
        made, put = object.__new__(Ask), object.__setattr__
        put(made, "name", name)
        put(made, "claims", claims)
        put(made, "pod", pod)
        put(made, "kind", self.kind)
        put(made, "blocked", self.blocked)
        put(made, "keys", tuple([claim_key(claim) for claim in claims]))
        # What does not depend on names takes longer to make than many a decision.
        put(made, "wishes", self.wishes)
        put(made, "place", self.place)
        put(made, "room", self.room)
        put(made, "needs", self.needs)
        return made


def kind_of(claims: Sequence[ResourceClaim], pod: Pod | None) -> bytes:
    """Return the digest that :attr:`Ask.kind` holds."""
    spec = None if pod is None else _built(pod.spec)
    return _digest([spec, _wishes(claims)])


def _wishes(claims: Sequence[ResourceClaim]) -> list[tuple[str, object]]:
    return [(claim.metadata.namespace, _built(claim.spec)) for claim in claims]


def _built(spec: object) -> object:
    # Amounts are told apart by spelling too, because S43 does: 1 and 1000m are not of one kind.
    return msgspec.to_builtins(spec, enc_hook=_form)


def _digest(parts: list[object]) -> bytes:
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).digest()


def _form(value: object) -> str:
    return repr(value.__reduce__()[1]) if isinstance(value, Quantity) else str(value)


def ask_for_claim(claim: ResourceClaim) -> Ask:
    """Return the ask of a claim on its own."""
    return Ask(name=claim_key(claim), claims=(claim,), pod=None, kind=kind_of([claim], None))


def asks(objects: Objects) -> tuple[Ask, ...]:
    """Return the asks of an input: one per pod that is not bound yet, then one per claim that no pod uses.

    Pods that are done or being deleted ask for nothing, nor do claims that are allocated or being deleted.

    Parameters
    ----------
    objects
        Pods and claims; claims of templates were made when the objects were read.

    Examples
    --------
    >>> from drapolicy import api
    >>> text = '''
    ... apiVersion: resource.k8s.io/v1
    ... kind: ResourceClaim
    ... metadata: {name: two, namespace: default}
    ... spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu, count: 2}}]}}
    ... '''
    >>> [ask.name for ask in asks(api.loads(text))]
    ['default/two']
    """
    claims = {claim_key(claim): claim for claim in objects.claims}
    used: set[str] = set()
    found = []
    for pod in objects.pods:
        used.update(f"{pod.metadata.namespace}/{name}" for name in _claim_names(pod) if name)
        waits = not pod.spec.node_name and pod.status.phase not in {"Succeeded", "Failed"}
        if waits and pod.metadata.deletion_timestamp is None:
            found.append(ask_of(pod, claims))
    lonely = (claim for key, claim in claims.items() if key not in used and claim.status.allocation is None)
    alone = [ask_for_claim(claim) for claim in lonely if claim.metadata.deletion_timestamp is None]
    pods = {ask.name for ask in found}
    return (*found, *(replace(ask, name=f"{ask.name} (claim)") if ask.name in pods else ask for ask in alone))


def ask_of(pod: Pod, claims: Mapping[str, ResourceClaim]) -> Ask:
    """Return what one pod asks for.

    Parameters
    ----------
    pod
        The pod; its templates' claims are named in its status.
    claims
        All claims by ``namespace/name``.
    """
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    named = {entry.resource_claim_name for entry in pod.spec.resource_claims}
    wanted: list[ResourceClaim] = []
    blocked = ""
    for claim_name in _claim_names(pod):
        if claim_name is None:
            blocked = blocked or f'pod "{name}": ResourceClaim not created yet'
            continue
        claim = claims.get(f"{pod.metadata.namespace}/{claim_name}")
        if claim is None:
            blocked = blocked or f'resourceclaim "{claim_name}" not found'
        elif claim.metadata.deletion_timestamp is not None:
            blocked = blocked or f'resourceclaim "{claim_name}" is being deleted'
        elif claim_name not in named and not _made_for(claim, pod):
            blocked = blocked or f"ResourceClaim {claim_key(claim)} was not created for Pod {name} (Pod is not owner)"
        elif all(claim is not other for other in wanted):
            wanted.append(claim)
    return Ask(name=name, claims=tuple(wanted), pod=pod, kind=kind_of(wanted, pod), blocked=blocked)


def _made_for(claim: ResourceClaim, pod: Pod) -> bool:
    """Return whether a claim of a template was made for this pod; in files without uids the name must do."""
    controller = next((owner for owner in claim.metadata.owner_references if owner.controller), None)
    if controller is None:
        return False
    if pod.metadata.uid and controller.uid:
        return controller.uid == pod.metadata.uid
    return (controller.kind, controller.name) == ("Pod", pod.metadata.name)


def claims_of_entries(pod: Pod) -> dict[str, str]:
    """Return the key of the claim behind each entry of ``pod.spec.resourceClaims``, by the entry's name."""
    return {name: f"{pod.metadata.namespace}/{claim}" for name, claim in _entries(pod) if claim is not None}


def _claim_names(pod: Pod) -> Iterator[str | None]:
    """Yield the name of each claim that a pod uses; None for one that is not made yet."""
    return (claim for _, claim in _entries(pod))


def _entries(pod: Pod) -> Iterator[tuple[str, str | None]]:
    made = {status.name: status.resource_claim_name for status in pod.status.resource_claim_statuses}
    for entry in pod.spec.resource_claims:
        if entry.resource_claim_name is not None or entry.name not in made:
            yield entry.name, entry.resource_claim_name
        elif made[entry.name] is not None:  # else the controller found that this entry needs no claim
            yield entry.name, made[entry.name]


def devices_of(ask: Ask) -> int:
    """Return how many devices an ask's claims want, by the largest alternative of each request."""
    total = 0
    for claim in ask.claims:
        for request in claim.spec.devices.requests:
            counts = [choice.count for choice in request.first_available]
            total += max(counts, default=request.exactly.count if request.exactly else 0)
    return total
