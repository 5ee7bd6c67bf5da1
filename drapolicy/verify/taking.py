"""One result after the other is taken, all before it being taken already: no search, only the rules (K8s S38)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drapolicy.api.resource import (
    DeviceClass,
    DeviceRequestAllocationResult,
    DeviceTaintRule,
    ResourceClaim,
)
from drapolicy.errors import VerificationError
from drapolicy.release import Release
from drapolicy.verify import shape, shares
from drapolicy.verify.books import Books
from drapolicy.verify.constraints import Constraint
from drapolicy.verify.expressions import Expressions, SelectorError
from drapolicy.verify.pools import Missing, Seen, Sight
from drapolicy.verify.taints import blocks, taints, tolerates
from drapolicy.verify.wishes import Wish, label

# Feature that a node declares if its kubelet can leave operations out (K8s S38).
NODE_OPERATIONS = "DRAOptionalNodeOperations"


@dataclass
class ClaimInHand:
    """One claim while its results are taken.

    Attributes
    ----------
    number, name
        Position of the claim in the pod, and its name for messages.
    constraints
        Its constraints with the values seen so far.
    taken
        Devices taken so far and the requests they went to.
    """

    number: int
    name: str
    constraints: list[Constraint]
    taken: list[tuple[Wish, Seen]] = field(default_factory=list)


class Taking:
    """Takes devices of one node and reports each rule that this breaks.

    Parameters
    ----------
    sight
        What the node sees.
    books
        What is taken; grows.
    classes
        Device classes by name.
    rules
        Taint rules that count.
    release
        Kubernetes release with its gates.
    """

    def __init__(
        self,
        sight: Sight,
        books: Books,
        classes: Mapping[str, DeviceClass],
        rules: Sequence[DeviceTaintRule],
        release: Release,
    ) -> None:
        self.sight = sight
        self.books = books
        self.release = release
        self._rules = rules
        self._expressions = Expressions(classes, release)

    def start(self, number: int, claim: ResourceClaim) -> ClaimInHand:
        """Return a claim before its first device."""
        lookup = self._expressions.attribute
        constraints = [Constraint(item, self.release, lookup) for item in claim.spec.devices.constraints]
        return ClaimInHand(number, label(claim), constraints)

    def mismatch(self, wish: Wish, seen: Seen) -> str:
        """Return why the device cannot be selected for the request (S39), empty if it can.

        Raises
        ------
        SelectorError
            If a selector has no answer for this device.
        """
        if seen.device.binding_conditions and not self.release.binds:
            return "has binding conditions, but gate DRADeviceBindingConditions is off"
        reason = self._expressions.mismatch(wish, seen)
        if not reason and not seen.reaches(self.sight.node):
            reason = f"cannot be used on node {self.sight.node.metadata.name}"
        return reason

    def take(
        self, claim: ClaimInHand, wish: Wish, result: DeviceRequestAllocationResult
    ) -> Iterator[VerificationError]:
        """Take one device and list what is wrong with that; it counts as taken all the same."""
        identity = (result.driver, result.pool, result.device)
        where = f"{claim.name}, request {wish.name}, device {'/'.join(identity)}"
        seen = self.sight.find(identity)
        if isinstance(seen, Missing):
            yield VerificationError(seen.rule, f"{where}: {seen.reason}")
            return
        shareable = shares.shareable(seen, self.release)
        if (
            shareable
            and self.release.behaviour.sets
            and any(other is wish and before.id == identity for other, before in claim.taken)
        ):
            yield VerificationError("S34", f"{where}: the request has a share of it already")
        claim.taken.append((wish, seen))
        holder = self.books.holder(identity, claim.number, admin=wish.admin)
        if holder:
            yield VerificationError("S37", f"{where}: is in use by {holder}")
        try:
            reason = self.mismatch(wish, seen)
        except SelectorError as error:
            reason = str(error)
        if reason:
            yield VerificationError("S39", f"{where}: {reason}")
        yield from self._node_operations(where, seen)
        yield from self._counters(where, seen, shareable=shareable)
        yield from self._taints(where, wish, seen)
        for index, constraint in enumerate(claim.constraints):
            try:
                rule, reason = constraint.add(wish, seen)
            except SelectorError as error:
                rule, reason = "S53", str(error)
            if rule:
                yield VerificationError(rule, f"{where}, constraint #{index}: {reason}")
        amounts = {}
        for found in shares.hold(where, wish, seen, self.books, self.release):
            if isinstance(found, VerificationError):
                yield found
            else:
                amounts[found[0]] = found[1]
        if shareable:
            yield from shares.share(where, seen, result, amounts, self.books)
        else:
            self.books.mark(identity, claim.number, f"{claim.name}, request {wish.name}")
            if result.share_id is not None or result.consumed_capacity:
                yield VerificationError("S44", f"{where}: has a shareID or consumedCapacity, but is not shareable")
        yield from shape.copies(where, wish, seen, result, self.release)

    def _node_operations(self, where: str, seen: Seen) -> Iterator[VerificationError]:
        if not seen.slice.spec.skip_node_operations or not self.release.behaviour.heeds_node_operations:
            return
        if "OptionalNodeOperations" not in self.release.features:
            yield VerificationError("S38", f"{where}: skips node operations, but gate {NODE_OPERATIONS} is off")
        elif NODE_OPERATIONS not in self.sight.node.status.declared_features:
            text = f"skips node operations, which node {self.sight.node.metadata.name} does not declare"
            yield VerificationError("S38", f"{where}: {text}")

    def _counters(self, where: str, seen: Seen, *, shareable: bool) -> Iterator[VerificationError]:
        if not seen.device.consumes_counters:
            return
        if "PartitionableDevices" not in self.release.features:
            yield VerificationError("S45", f"{where}: draws from counters, but gate DRAPartitionableDevices is off")
            return
        if shareable and self.books.draws_no_more(seen.id):
            return
        reason = self.books.join(seen) if "CompatibilityGroups" in self.release.features else ""
        if reason:
            yield VerificationError("S46", f"{where}: {reason}")
        reason = self.books.draw(seen)
        if reason:
            yield VerificationError("S45", f"{where}: {reason}")

    def _taints(self, where: str, wish: Wish, seen: Seen) -> Iterator[VerificationError]:
        """Name a taint of a rule by S49, one beside other tolerations by S48, one without any tolerations by S47."""
        if "DeviceTaints" not in self.release.features:
            return
        for rule, taint in taints(seen, self._rules, self._expressions, self.release):
            if not blocks(taint, self.release) or any(tolerates(item, taint) for item in wish.tolerations):
                continue
            text = f"taint {taint.key}={taint.value}:{taint.effect}"
            if rule:
                yield VerificationError("S49", f"{where}: {text} of rule {rule} is not tolerated")
            elif wish.tolerations:
                yield VerificationError("S48", f"{where}: {text} is not covered by the tolerations of the request")
            else:
                yield VerificationError("S47", f"{where}: {text} prevents allocation, the request tolerates nothing")
