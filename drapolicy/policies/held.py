"""Claims of an ask that hold devices already: where they can be used, and what they mean for scores (K8s S67, S68)."""

from __future__ import annotations

from collections.abc import Sequence

from drapolicy.api.core import Node, NodeSelector
from drapolicy.api.node_selection import Selector
from drapolicy.api.resource import AllocationResult, ResourceClaim
from drapolicy.policies.kube import MAX_ALTERNATIVES
from drapolicy.problem.ask import Ask
from drapolicy.problem.state import State

OPTIONAL_OPERATIONS = "DRAOptionalNodeOperations"


class Held:
    """What the claims of an ask hold already, and which of them hold nothing yet.

    Parameters
    ----------
    ask
        The ask.
    state
        Says which of its claims have an allocation.

    Attributes
    ----------
    needed
        Claims without allocation, in order.
    missing
        Whether each claim of the ask is without allocation.
    claims
        The other claims with what they hold.
    selectors
        Each must match a node that is to use them.
    optional
        Whether such a node must be able to do without operations for some device.
    rank
        What their prioritized lists add to the rank of every node.
    unscored
        Why nodes cannot be scored, if so.
    """

    claims: Sequence[tuple[ResourceClaim, AllocationResult]] = ()
    selectors: Sequence[NodeSelector] = ()
    optional, rank, unscored = False, 0, ""
    _read: Sequence[Selector] = ()

    def __init__(self, ask: Ask, state: State) -> None:
        self.needed = ask.claims
        if state.held.clear_of(ask.keys):
            self.missing = (True,) * len(ask.claims)
        else:
            self._hold(ask, state)

    def _hold(self, ask: Ask, state: State) -> None:
        self.missing = tuple(key not in state.held for key in ask.keys)
        pairs = list(zip(ask.keys, ask.claims, strict=True))
        self.needed = tuple(claim for key, claim in pairs if key not in state.held)
        self.claims = [(claim, state.held[key]) for key, claim in pairs if key in state.held]
        self.selectors = [a.node_selector for _, a in self.claims if a.node_selector is not None]
        self._read = [Selector(selector) for selector in self.selectors]
        self.optional = any(item.skip_node_operations for _, a in self.claims for item in a.devices.results)
        if self.needed:
            self.rank = sum(_rank(claim, allocation) for claim, allocation in self.claims)
            # Claims and allocations of this cycle are paired by position (K8s Q43).
            if state.fleet.release.behaviour.scored_claims == "new":
                self.unscored = f"number of allocations {len(self.needed)} is smaller than number of claims"

    def available(self, node: Node) -> bool:
        """Return whether a node can use all claims that hold an allocation."""
        if not all(selector.matches(node) for selector in self._read):
            return False
        return not self.optional or OPTIONAL_OPERATIONS in node.status.declared_features


def _rank(claim: ResourceClaim, allocation: AllocationResult) -> int:
    names = {result.request for result in allocation.devices.results}
    return sum(
        MAX_ALTERNATIVES - i
        for request in claim.spec.devices.requests
        for i, alternative in enumerate(request.first_available)
        if f"{request.name}/{alternative.name}" in names
    )
