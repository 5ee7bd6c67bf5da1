"""Object metadata and status conditions of Kubernetes (``meta/v1``), as frozen structs."""

from __future__ import annotations

from typing import Annotated, Any, dataclass_transform

from msgspec import Meta, Struct, field

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
# Objects that nothing can be changed in hold no cycles, so searches for these need not look at them.
class KubeStruct(
    Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, forbid_unknown_fields=True, kw_only=True
):
    """Base of all API structs: camelCase in JSON, unset fields left out, unknown fields refused."""


class OwnerReference(KubeStruct):
    """The object that owns another one."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(KubeStruct):
    """Name, labels and bookkeeping of an object; times are RFC 3339 text as the API server writes it."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    self_link: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: Int64 = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: Int64 | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[OwnerReference] = []
    finalizers: list[str] = []
    managed_fields: list[dict[str, Any]] = []


class Condition(KubeStruct):
    """One condition of a status (``metav1.Condition``)."""

    type: str = ""
    status: str = ""
    observed_generation: Int64 = 0
    last_transition_time: str | None = None
    reason: str = ""
    message: str = ""
