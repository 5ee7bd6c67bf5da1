"""Objects of Kubernetes: what they hold, how they are read, checked, completed and written.

``load`` reads files, folders and streams, ``stream`` big ones file by file, ``loads`` a text; they give `Objects`.
``dump`` writes YAML or JSON, ``to_builtins`` plain values.
"""

from __future__ import annotations

from drapolicy.api.core import Namespace, Node, Pod
from drapolicy.api.encode import dump, to_builtins
from drapolicy.api.load import load, loads, stream
from drapolicy.api.meta import LabelSelector, ObjectMeta
from drapolicy.api.objects import Objects
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

__all__ = [
    "API_GROUP",
    "API_VERSION",
    "DeviceClass",
    "DeviceTaintRule",
    "LabelSelector",
    "Namespace",
    "Node",
    "ObjectMeta",
    "Objects",
    "Pod",
    "Quantity",
    "ResourceClaim",
    "ResourceClaimTemplate",
    "ResourceSlice",
    "dump",
    "load",
    "loads",
    "stream",
    "to_builtins",
]
