"""Objects of Kubernetes: what they hold, how they are read, completed, checked and written.

==========================  ==========================================================================
`load`, `loads`, `stream`   files, folders and streams, or a text, to `Objects`; big inputs file by file
`dump`, `to_builtins`       objects to YAML or JSON, or to plain values
`rewrite`                   files with their objects in another API version
`absent_fields`             fields of a document that a release does not have
`apply_defaults`            unset fields filled in as the API server does
`validate`                  what the API server would refuse in an object
`Quantity`                  exact amounts
``resource``, ``core``      the objects of ``resource.k8s.io``, and the parts of ``v1`` that are needed
==========================  ==========================================================================
"""

from __future__ import annotations

from drapolicy.api.core import Namespace, Node, Pod
from drapolicy.api.defaults import apply_defaults
from drapolicy.api.encode import dump, to_builtins
from drapolicy.api.load import load, loads, rewrite, stream
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.pool_status import ResourcePoolStatusRequest
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    API_GROUP,
    API_VERSION,
    DeviceClass,
    DeviceTaintRule,
    ResourceClaim,
    ResourceClaimTemplate,
    ResourceSlice,
)
from drapolicy.api.validation import validate
from drapolicy.api.versions.fields import absent_fields

__all__ = [
    "API_GROUP",
    "API_VERSION",
    "DeviceClass",
    "DeviceTaintRule",
    "Namespace",
    "Node",
    "ObjectMeta",
    "Objects",
    "Pod",
    "Quantity",
    "ResourceClaim",
    "ResourceClaimTemplate",
    "ResourcePoolStatusRequest",
    "ResourceSlice",
    "absent_fields",
    "apply_defaults",
    "dump",
    "load",
    "loads",
    "rewrite",
    "stream",
    "to_builtins",
    "validate",
]
