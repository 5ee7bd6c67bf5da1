"""A state as Kubernetes objects: what is allocated and bound, to be saved, read again, or started from."""

from __future__ import annotations

from msgspec.structs import replace

from drapolicy.api import Objects
from drapolicy.api.resource import (
    AllocationResult,
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimStatus,
)
from drapolicy.errors import InputError
from drapolicy.problem.ask import claim_key
from drapolicy.problem.state import State


def saved(state: State, standing: Objects = Objects()) -> Objects:  # noqa: B008 - it is immutable
    """Return the claims that hold devices and the pods that are bound, as a scenario takes them at its start.

    Conditions of nodes and devices are no part of it; they are incidents.

    Parameters
    ----------
    state
        The state.
    standing
        What was allocated and bound from the start.

    Raises
    ------
    InputError
        When a claim holds devices that neither an ask that runs nor ``standing`` has.

    Examples
    --------
    >>> from drapolicy.inventory import build
    >>> from drapolicy.testing.simple import row
    >>> saved(State(build(row(nodes=1, devices=1)))).claims
    ()
    """
    known = {claim_key(claim): claim for claim in standing.claims}
    users: dict[str, list[str]] = {}
    pods = [pod for pod in standing.pods if pod.spec.node_name]
    for name, running in state.running.items():
        ask = running.ask
        for claim in ask.claims:
            known[claim_key(claim)] = claim
            if ask.pod is not None:
                users.setdefault(claim_key(claim), []).append(name)
        if ask.pod is not None:
            pods.append(replace(ask.pod, spec=replace(ask.pod.spec, node_name=state.fleet.nodes.names[running.node])))
    unknown = min(state.held.keys() - known.keys(), default=None)
    if unknown is not None:
        message = f"saved: claim {unknown} holds devices, and no ask that runs has it; give what stood from the start"
        raise InputError(message)
    claims = [_holding(known[key], allocation, users.get(key, [])) for key, allocation in state.held.items()]
    return Objects(claims=tuple(claims), pods=tuple(pods))


def _holding(claim: ResourceClaim, allocation: AllocationResult, users: list[str]) -> ResourceClaim:
    reserved = {user.name: user for user in claim.status.reserved_for}
    for user in users:
        name = user.partition("/")[2]
        reserved.setdefault(name, ResourceClaimConsumerReference(resource="pods", name=name, uid=name))
    return replace(claim, status=ResourceClaimStatus(allocation=allocation, reserved_for=list(reserved.values())))
