"""A play that is watched: each placement by the independent checker, the books after each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec.structs

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import AllocationResult, ResourceClaim, ResourceClaimStatus, ResourceSlice
from drapolicy.errors import VerificationError
from drapolicy.problem.ask import Ask
from drapolicy.problem.state import State
from drapolicy.simulate.conservation import Conservation
from drapolicy.verify import Verifier


class Checking:
    """Checks what happens to a state.

    Parameters
    ----------
    state
        At the start.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._conservation = Conservation(state)
        self._verifier: tuple[int, Verifier] | None = None

    def placement(self, ask: Ask, node: str, results: Sequence[AllocationResult]) -> None:
        """Verify a placement that is about to be carried out.

        Raises
        ------
        VerificationError
            Names the rule that it breaks.
        """
        state = self._state
        n = state.fleet.nodes.index[node]
        if n in state.conditions.away:
            raise VerificationError("conservation", f"{ask.name}: is placed on node {node}, which is away")
        taken = [claim_holding(key, allocation) for key, allocation in state.held.items()]
        self._now().verify(state.fleet.nodes[n], ask.unmet(state.held), results, taken)

    def books(self) -> None:
        """Check that nothing is held twice or lost.

        Raises
        ------
        VerificationError
            Names the device, the claim or the node.
        """
        self._conservation.check()

    def _now(self) -> Verifier:
        """Return the checker of the fleet's objects as they are now."""
        conditions, fleet = self._state.conditions, self._state.fleet
        if self._verifier is None or self._verifier[0] != conditions.version:
            objects = fleet.objects
            if conditions.any:
                rules = (*objects.taint_rules, *conditions.rules.values())
                objects = replace(objects, slices=tuple(self._published()), taint_rules=rules)
            self._verifier = conditions.version, Verifier(objects, fleet.release)
        return self._verifier[1]

    def _published(self) -> Iterator[ResourceSlice]:
        failed = {tuple(device) for device in self._state.conditions.failed}
        for published in self._state.fleet.objects.slices:
            spec = published.spec
            kept = [d for d in spec.devices if (spec.driver, spec.pool.name, d.name) not in failed]
            yield msgspec.structs.replace(published, spec=msgspec.structs.replace(spec, devices=kept))


def claim_holding(key: str, allocation: AllocationResult) -> ResourceClaim:
    """Return a claim that holds an allocation, as the checker wants it."""
    namespace, _, name = key.partition("/")
    return ResourceClaim(
        metadata=ObjectMeta(namespace=namespace, name=name), status=ResourceClaimStatus(allocation=allocation)
    )
