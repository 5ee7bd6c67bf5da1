"""What changes the state of a cluster: named events, each of which can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from drapolicy.api.resource import AllocationResult, DeviceTaintRule
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.ask import Ask


@dataclass(frozen=True)
class Start:
    """An ask gets its node and devices (Kubernetes: Reserve and PreBind).

    Attributes
    ----------
    ask
        The ask.
    node
        Name of the node.
    results
        One allocation for each of its claims that had none, in order.
    """

    ask: Ask
    node: str
    results: tuple[AllocationResult, ...]


@dataclass(frozen=True)
class Finish:
    """A pod is done: it leaves its node, and claims that nobody else uses are deallocated (K8s S76)."""

    name: str


@dataclass(frozen=True)
class Leave:
    """A node is gone from the cluster; nothing new is placed there. What ran there is somebody else's to finish."""

    node: str


@dataclass(frozen=True)
class Join:
    """A node that had left is back."""

    node: str


@dataclass(frozen=True)
class Cordon:
    """A node takes no more pods, but for those that tolerate ``node.kubernetes.io/unschedulable``."""

    node: str


@dataclass(frozen=True)
class Uncordon:
    """A node takes pods again."""

    node: str


@dataclass(frozen=True)
class Fail:
    """A device breaks: its driver withdraws it from its slice. Who holds it keeps it."""

    device: DeviceId


@dataclass(frozen=True)
class Repair:
    """A device that had failed is published again."""

    device: DeviceId


@dataclass(frozen=True)
class Taint:
    """A DeviceTaintRule is made, after those of the fleet (K8s S49); rules are told apart by their names."""

    rule: DeviceTaintRule


@dataclass(frozen=True)
class Untaint:
    """A DeviceTaintRule that a :class:`Taint` made is deleted."""

    name: str


Change: TypeAlias = Leave | Join | Cordon | Uncordon | Fail | Repair | Taint | Untaint
"""What comes over nodes and devices, whoever uses them."""

Event: TypeAlias = Start | Finish | Change
