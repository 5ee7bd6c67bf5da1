"""Pods with claims of their own, as workloads are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drapolicy.api import Quantity
from drapolicy.api.core import Container, Pod, PodResourceClaim, PodSpec, ResourceRequirements
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    DeviceClaim,
    DeviceConstraint,
    DeviceRequest,
    ResourceClaimSpec,
    ResourceClaimTemplate,
    ResourceClaimTemplateSpec,
)

_NOTHING: Mapping[str, str] = {}


def pod_and_template(
    name: str,
    requests: Sequence[DeviceRequest],
    *,
    cpu: str | int,
    memory: str,
    namespace: str = "default",
    same: str = "",
    annotations: Mapping[str, str] = _NOTHING,
) -> tuple[Pod, ResourceClaimTemplate | None]:
    """Return a pod and the template of its claim; without requests the pod has none.

    Parameters
    ----------
    name, namespace, annotations
        Of the pod; the template is called as the pod.
    requests
        What the claim asks for.
    cpu, memory
        What the pod takes of the node besides; amounts of nothing are left out.
    same
        Attribute that all devices must share; none by default.
    """
    amounts = {"cpu": Quantity(cpu), "memory": Quantity(memory)}
    resources = ResourceRequirements(requests={key: amount for key, amount in amounts.items() if amount > Quantity(0)})
    template, uses = None, []
    if requests:
        constraints = [DeviceConstraint(match_attribute=same)] if same else []
        claim = ResourceClaimSpec(devices=DeviceClaim(requests=list(requests), constraints=constraints))
        meta = ObjectMeta(name=name, namespace=namespace)
        template = ResourceClaimTemplate(metadata=meta, spec=ResourceClaimTemplateSpec(spec=claim))
        uses = [PodResourceClaim(name="devices", resource_claim_template_name=name)]
    container = Container(name="main", image="registry.example/main:1", resources=resources)
    meta = ObjectMeta(name=name, namespace=namespace, annotations=dict(annotations))
    return Pod(metadata=meta, spec=PodSpec(containers=[container], resource_claims=uses)), template
