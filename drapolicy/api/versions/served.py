"""Which Kubernetes release serves which kind of ``resource.k8s.io`` in which version: one table (K8s S1).

Served means that an API server of that release can be told to; all but ``v1`` are off unless ``--runtime-config`` names
them. Source: Kubernetes ``pkg/registry/resource/rest`` of v1.34.4, v1.35.4, v1.36.3 and v1.37.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drapolicy.release import MINORS

GROUP: Final = "resource.k8s.io"
VERSIONS: Final = ("v1", "v1beta2", "v1beta1", "v1alpha3")

_ALL: Final[tuple[str, ...]] = MINORS
_FROM_1_36: Final = ("1.36", "1.37")
_FROM_1_37: Final = ("1.37",)
_STABLE: Final[dict[str, tuple[str, ...]]] = {"v1": _ALL, "v1beta2": _ALL, "v1beta1": _ALL}

# Versions of a kind from the newest to the oldest.
SERVED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "ResourceSlice": _STABLE,
    "DeviceClass": _STABLE,
    "ResourceClaim": _STABLE,
    "ResourceClaimTemplate": _STABLE,
    "DeviceTaintRule": {"v1": _FROM_1_37, "v1beta2": _FROM_1_36, "v1alpha3": _ALL},
    "ResourcePoolStatusRequest": {"v1alpha3": _FROM_1_36},
}


def newest(kind: str) -> str:
    """Return the version that objects of a kind have in Python: the newest of any release."""
    return next(iter(SERVED[kind]))


def is_served(kind: str, version: str, minor: str) -> bool:
    """Return whether a release serves a kind in a version."""
    return minor in SERVED[kind].get(version, ())


def not_served(kind: str, version: str, minor: str) -> str:
    """Return what to do about a kind and version that a release does not serve.

    Examples
    --------
    >>> not_served("DeviceTaintRule", "v1", "1.36")
    'Kubernetes 1.36 serves no DeviceTaintRule in resource.k8s.io/v1; write it in v1beta2 or v1alpha3, or use 1.37'
    >>> not_served("ResourcePoolStatusRequest", "v1alpha3", "1.34")
    'Kubernetes 1.34 serves no ResourcePoolStatusRequest in resource.k8s.io/v1alpha3; drop it, or use 1.36 or 1.37'
    """
    others = [name for name in SERVED[kind] if is_served(kind, name, minor)]
    fixes = [f"write it in {_either(others)}" if others else "drop it"]
    releases = SERVED[kind].get(version, ())
    if releases:
        fixes.append(f"use {_either(releases)}")
    return f"Kubernetes {minor} serves no {kind} in {GROUP}/{version}; {', or '.join(fixes)}"


def _either(names: Sequence[str]) -> str:
    """Return names as a choice."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
