"""What a policy decides for one ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from drapolicy.api.resource import AllocationResult
from drapolicy.problem.outcome import Outcome

Status = Literal["optimal", "feasible", "infeasible", "not_found", "timed_out"]


@dataclass(frozen=True, init=False)
class Placement:
    """Node and devices for one ask, or the outcome that stopped it.

    Attributes
    ----------
    ask
        Name of the ask.
    policy
        Name of the policy.
    node
        Where the pod goes; None when it stays pending.
    results
        One allocation per claim that was still to be allocated, in the order of the ask.
    status
        ``optimal`` and ``infeasible`` are proofs, ``feasible`` is an answer without one, ``not_found`` is giving up
        without a proof, ``timed_out`` is a limit of steps (G8).
    outcome
        The outcome that decided: of the chosen node, or what stopped the search, with upstream's text.
    score
        The objective's terms by name, for the chosen node.
    reasons
        Why it stays pending: text and how many nodes it was true of; empty where the pod gets a node.
    considered
        Nodes that were looked at.
    cursor
        Where the next cycle starts looking (kube-scheduler's rotation).
    path
        How the node was found: ``ranked`` (a column of answers kept from before), or each node was looked at,
        ``reference`` (searched anew) or ``cached`` (some answers were known).
    unmodelled
        What the pod uses that the node choice does not model.
    """

    ask: str
    policy: str
    node: str | None
    results: tuple[AllocationResult, ...]
    status: Status
    outcome: Outcome
    score: Mapping[str, int]
    reasons: Mapping[str, int]
    considered: int
    cursor: int
    path: str
    unmodelled: tuple[str, ...]

    # The constructor that a frozen data class gets sets each field by a call: half of what a fast decision takes.
    def __init__(  # noqa: PLR0917 - the fields
        self,
        ask: str,
        policy: str,
        node: str | None,
        results: tuple[AllocationResult, ...],
        status: Status,
        outcome: Outcome,
        score: Mapping[str, int] | None = None,
        reasons: Mapping[str, int] | None = None,
        considered: int = 0,
        cursor: int = 0,
        path: str = "reference",
        unmodelled: tuple[str, ...] = (),
    ) -> None:
        fields = self.__dict__
        fields["ask"] = ask
        fields["policy"] = policy
        fields["node"] = node
        fields["results"] = results
        fields["status"] = status
        fields["outcome"] = outcome
        fields["score"] = score or {}
        fields["reasons"] = reasons or {}
        fields["considered"] = considered
        fields["cursor"] = cursor
        fields["path"] = path
        fields["unmodelled"] = unmodelled

    @property
    def placed(self) -> bool:
        """Whether the pod got a node."""
        return self.node is not None

    @property
    def message(self) -> str:
        """What an event on the pod would say, e.g. ``0/3 nodes are available: 3 cannot allocate all claims.``."""
        if self.placed:
            return f"assigned to {self.node}"
        if not self.reasons:
            nowhere = "0/0 nodes are available: neither the input nor a slice names one, or all are away."
            return getattr(self.outcome, "text", "") or nowhere
        total = sum(self.reasons.values())
        parts = ", ".join(sorted(f"{count} {reason}" for reason, count in self.reasons.items()))
        return f"0/{total} nodes are available: {parts}."
