"""What an attempt to allocate a pod's claims on one node came to (K8s I5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from drapolicy.api.resource import AllocationResult


@dataclass(frozen=True)
class Fits:
    """Every claim got its devices.

    Attributes
    ----------
    results
        One allocation per claim, in the order of the claims.
    """

    results: tuple[AllocationResult, ...]


@dataclass(frozen=True)
class NoFit:
    """No assignment of this node's devices satisfies all claims."""


@dataclass(frozen=True)
class NodeError:
    """The node is unsuitable for a reason that says nothing about others; ``text`` is upstream's."""

    text: str


@dataclass(frozen=True)
class Abort:
    """The attempt to schedule the pod ends here, on whatever node; ``text`` is upstream's."""

    text: str


@dataclass(frozen=True)
class TimedOut:
    """The search was stopped before it came to an end: nothing is known."""

    text: str


Outcome: TypeAlias = Fits | NoFit | NodeError | Abort | TimedOut
