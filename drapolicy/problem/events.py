"""What changes the state of a cluster: named events, each of which can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from drapolicy.api.resource import AllocationResult
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


Event: TypeAlias = Start | Finish
