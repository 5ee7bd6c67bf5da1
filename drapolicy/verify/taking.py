"""One result after the other is taken, all before it being taken already: no search, only the rules (K8s S38)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drapolicy.api.resource import (
    DeviceClass,
    DeviceConstraint,
    DeviceRequestAllocationResult,
    DeviceTaintRule,
    ResourceClaim,
)
from drapolicy.errors import VerificationError
from drapolicy.release import Release
from drapolicy.verify import shape, shares
from drapolicy.verify.books import Books
from drapolicy.verify.capacity import NotRepresentableError
from drapolicy.verify.constraints import Constraint
from drapolicy.verify.pools import DeviceID, Missing, Seen, Sight
from drapolicy.verify.selectors import SelectorError, Selectors
from drapolicy.verify.taints import BLOCKING, taints, tolerates
from drapolicy.verify.wishes import Wish, label


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

    @classmethod
    def start(cls, number: int, claim: ResourceClaim) -> ClaimInHand:
        """Return the claim before its first device."""
        constraints: Iterable[DeviceConstraint] = claim.spec.devices.constraints
        return cls(number, label(claim), [Constraint(item) for item in constraints])


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
        self._books = books
        self._rules = rules
        self._release = release
        self._selectors = Selectors(classes)

    def mismatch(self, wish: Wish, seen: Seen) -> str:
        """Return why the device cannot be selected for the request (S39), empty if it can.

        Raises
        ------
        SelectorError
            If a selector has no answer for this device.
        """
        if seen.device.binding_conditions and not self._release.binds:
            return "has binding conditions, but gate DRADeviceBindingConditions is off"
        reason = self._selectors.mismatch(wish, seen)
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
        shareable = shares.shareable(seen, self._release)
        if shareable and any(other is wish and before.id == identity for other, before in claim.taken):
            yield VerificationError("S34", f"{where}: the request has a share of it already")
        claim.taken.append((wish, seen))
        holder = self._books.holder(identity, claim.number, admin=wish.admin)
        if holder:
            yield VerificationError("S37", f"{where}: is in use by {holder}")
        try:
            reason = self.mismatch(wish, seen)
        except SelectorError as error:
            reason = str(error)
        if reason:
            yield VerificationError("S39", f"{where}: {reason}")
        yield from self._counters(where, seen, shareable=shareable)
        yield from self._taints(where, wish, seen)
        for index, constraint in enumerate(claim.constraints):
            reason = constraint.add(wish.request, wish.name, identity[0], seen.device)
            if reason:
                yield VerificationError(constraint.rule, f"{where}, constraint #{index}: {reason}")
        amounts = {}
        for found in shares.hold(where, wish, seen, self._books, self._release):
            if isinstance(found, VerificationError):
                yield found
            else:
                amounts[found[0]] = found[1]
        if shareable:
            yield from shares.share(where, seen, result, amounts, self._books)
        else:
            self._books.mark(identity, claim.number, f"{claim.name}, request {wish.name}")
            if result.share_id is not None or result.consumed_capacity:
                yield VerificationError("S44", f"{where}: has a shareID or consumedCapacity, but is not shareable")
        yield from shape.copies(where, wish, seen, result, self._release)

    def amount(self, claim: ClaimInHand, wish: Wish, has: Sequence[DeviceID]) -> Iterator[VerificationError]:
        """Check the number of devices of a request, and that all are there where all are asked for (S30)."""
        where = f"{claim.name}, request {wish.name}"
        if not wish.everything:
            if len(has) != wish.asked.count:
                yield VerificationError("S30", f"{where}: has {len(has)} devices, should have {wish.asked.count}")
            return
        should = set()
        for pool in self.sight.pools.values():
            for seen in pool.devices.values():
                place = f"{where}, device {'/'.join(seen.id)}"
                try:
                    if not self.mismatch(wish, seen) and shares.could_hold(wish, seen, self._release):
                        should.add(seen.id)
                except SelectorError as error:
                    yield VerificationError("S39", f"{place}: {error}")
                except NotRepresentableError as error:
                    yield VerificationError("S42", f"{place}: {error}")
        if not should:
            yield VerificationError("S30", f"{where}: asks for all devices, but none matches")
        for device in sorted(should.difference(has)):
            yield VerificationError("S30", f"{where}: asks for all devices, but {'/'.join(device)} is missing")

    def _counters(self, where: str, seen: Seen, *, shareable: bool) -> Iterator[VerificationError]:
        if not seen.device.consumes_counters:
            return
        if "PartitionableDevices" not in self._release.features:
            yield VerificationError("S45", f"{where}: draws from counters, but gate DRAPartitionableDevices is off")
            return
        # All shares of a device draw from its counters once.
        if not (shareable and self._books.has_shares(seen.id)):
            reason = self._books.draw(self.sight.pools[seen.id[:2]], seen.device)
            if reason:
                yield VerificationError("S45", f"{where}: {reason}")

    def _taints(self, where: str, wish: Wish, seen: Seen) -> Iterator[VerificationError]:
        """Name a taint of a rule by S49, one beside other tolerations by S48, one without any tolerations by S47."""
        if "DeviceTaints" not in self._release.features:
            return
        for rule, taint in taints(seen, self._rules):
            if taint.effect not in BLOCKING or any(tolerates(item, taint) for item in wish.tolerations):
                continue
            text = f"taint {taint.key}={taint.value}:{taint.effect}"
            if rule:
                yield VerificationError("S49", f"{where}: {text} of rule {rule} is not tolerated")
            elif wish.tolerations:
                yield VerificationError("S48", f"{where}: {text} is not covered by the tolerations of the request")
            else:
                yield VerificationError("S47", f"{where}: {text} prevents allocation, the request tolerates nothing")
