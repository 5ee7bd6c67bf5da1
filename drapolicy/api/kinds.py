"""Which kinds are read, which are refused and which are passed over, decided by ``apiVersion`` and ``kind``.

The kind alone says little: Kueue, Volcano and others have kinds of the same names in their own groups.
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import Enum
from typing import Any, Final

from drapolicy.api.core import CORE_VERSION, Namespace, Node, Pod
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.pool_status import ResourcePoolStatusRequest
from drapolicy.api.resource import (
    API_GROUP,
    API_VERSION,
    DeviceClass,
    DeviceTaintRule,
    ResourceClaim,
    ResourceClaimTemplate,
    ResourceSlice,
)
from drapolicy.api.versions.served import SERVED, VERSIONS, is_served, not_served
from drapolicy.api.workloads import WORKLOAD_TYPES
from drapolicy.release import NEWEST

RESOURCE_TYPES: Final[dict[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        ResourceSlice,
        DeviceClass,
        ResourceClaim,
        ResourceClaimTemplate,
        DeviceTaintRule,
        ResourcePoolStatusRequest,
    )
}
CORE_TYPES: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in (Node, Pod, Namespace)}
TYPES: Final[dict[tuple[str, str], type[Any]]] = {
    **{(f"{API_GROUP}/{version}", name): RESOURCE_TYPES[name] for name in SERVED for version in SERVED[name]},
    **{(CORE_VERSION, name): kind for name, kind in CORE_TYPES.items()},
}
WORKLOAD_KINDS: Final = frozenset((kind().api_version, name) for name, kind in WORKLOAD_TYPES.items())
CLUSTER_SCOPED: Final = frozenset(
    {"ResourceSlice", "DeviceClass", "DeviceTaintRule", "ResourcePoolStatusRequest", "Node", "Namespace"}
)
DEFAULT_NAMESPACE: Final = "default"

_IN_LOWER_CASE: Final = {kind.lower(): kind for kind in SERVED}
_OBSOLETE_VERSIONS = {"v1alpha1", "v1alpha2"}


class Verdict(Enum):
    """What becomes of a document."""

    READ = "read"
    WORKLOAD = "workload"
    SKIPPED = "skipped"
    LIST = "list"
    REFUSED = "refused"


def verdict(api_version: str, kind: str, minor: str = NEWEST) -> tuple[Verdict, str]:
    """Return what becomes of a document of this kind in a release, and the fault's message if it is refused.

    Examples
    --------
    >>> verdict("example.com/v1", "ResourceClaim")[0].name
    'SKIPPED'
    >>> verdict("resource.k8s.io/v1alpha3", "ResourceClaim")[1]
    'resource.k8s.io/v1alpha3 ResourceClaim is obsolete; rewrite it for resource.k8s.io/v1'
    """
    if list_item_kind(api_version, kind) is not None:
        return Verdict.LIST, ""
    group, _, version = api_version.partition("/")
    if group == API_GROUP:
        return _verdict_on_resource(api_version, version, kind, minor)
    if (api_version, kind) in TYPES:
        return Verdict.READ, ""
    return (Verdict.WORKLOAD if (api_version, kind) in WORKLOAD_KINDS else Verdict.SKIPPED), ""


def _verdict_on_resource(api_version: str, version: str, kind: str, minor: str) -> tuple[Verdict, str]:
    """Judge the kinds and versions of ``resource.k8s.io`` (K8s S1)."""
    if version in _OBSOLETE_VERSIONS or (version == "v1alpha3" and version not in SERVED.get(kind, {version})):
        return Verdict.REFUSED, f"{api_version} {kind} is obsolete; rewrite it for {API_VERSION}"
    if version not in VERSIONS:
        return Verdict.REFUSED, f"{api_version!r} is not a version of {API_GROUP}; use {API_VERSION}"
    if kind not in SERVED:
        meant = get_close_matches(kind.lower(), _IN_LOWER_CASE, n=1, cutoff=0.9)
        if meant:
            return Verdict.REFUSED, f"{api_version} has no kind {kind!r}; write {_IN_LOWER_CASE[meant[0]]}"
        return Verdict.SKIPPED, ""
    if is_served(kind, version, minor):
        return Verdict.READ, ""
    return Verdict.REFUSED, not_served(kind, version, minor)


def list_item_kind(api_version: str, kind: str) -> str | None:
    """Return the kind that a list gives to its items: empty for ``v1 List``, None if it is no list of known kinds."""
    if (api_version, kind) == (CORE_VERSION, "List"):
        return ""
    if not kind.endswith("List"):
        return None
    item = kind.removesuffix("List")
    group, _, version = api_version.partition("/")
    known = (
        (api_version, item) in TYPES
        or (api_version, item) in WORKLOAD_KINDS
        or (group == API_GROUP and bool(version) and item in RESOURCE_TYPES)
    )
    return item if known else None


def label(kind: str, namespace: str, name: str) -> str:
    """Return how faults name an object: ``Kind name`` or ``Kind namespace/name``.

    Examples
    --------
    >>> label("ResourceClaim", "", "train"), label("Node", "", "n1")
    ('ResourceClaim default/train', 'Node n1')
    """
    if not name or not kind:
        return kind
    if kind in CLUSTER_SCOPED:
        return f"{kind} {name}"
    return f"{kind} {namespace or DEFAULT_NAMESPACE}/{name}"


def called(meta: ObjectMeta) -> str:
    """Return the name of an object, or the beginning of one that the API server would complete.

    Examples
    --------
    >>> called(ObjectMeta(generate_name="train-"))
    'train-*'
    """
    return meta.name or (f"{meta.generate_name}*" if meta.generate_name else "")


def name_of_plain(value: dict[str, Any]) -> str:
    """Return the name of an object, or the beginning of one that the API server would complete."""
    meta = value.get("metadata")
    if not isinstance(meta, dict):
        return ""
    name, begin = meta.get("name"), meta.get("generateName")
    if isinstance(name, str) and name:
        return name
    return f"{begin}*" if isinstance(begin, str) and begin else ""


def label_of_plain(kind: Any, value: dict[str, Any]) -> str:
    """Return how faults name the object of a plain value."""
    meta = value.get("metadata")
    namespace = meta.get("namespace") if isinstance(meta, dict) else ""
    kind, namespace = (text if isinstance(text, str) else "" for text in (kind, namespace))
    return label(kind, namespace, name_of_plain(value))
