"""The checker: results are taken again one by one in their order, by the rules and without a search (K8s I6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drapolicy.api.core import Node
from drapolicy.api.objects import Objects
from drapolicy.api.resource import AllocationResult, DeviceRequestAllocationResult, ResourceClaim
from drapolicy.errors import VerificationError
from drapolicy.release import Release
from drapolicy.verify import shape
from drapolicy.verify.books import Books
from drapolicy.verify.capacity import NotRepresentableError
from drapolicy.verify.pools import Sight
from drapolicy.verify.selectors import SelectorError
from drapolicy.verify.shares import could_hold
from drapolicy.verify.taking import ClaimInHand, Taking
from drapolicy.verify.wishes import Wish, label, refused, wishes

MAX_RESULTS = 32


def verify(
    objects: Objects,
    node: Node,
    claims: Sequence[ResourceClaim],
    results: Sequence[AllocationResult],
    release: Release,
    *,
    existing: Sequence[ResourceClaim] | None = None,
) -> None:
    """Raise for the first rule of Kubernetes that a placement breaks; see :func:`violations`.

    Raises
    ------
    VerificationError
        If the placement is not valid; carries the number of the rule.
    """
    for error in violations(objects, node, claims, results, release, existing=existing):
        raise error


def violations(
    objects: Objects,
    node: Node,
    claims: Sequence[ResourceClaim],
    results: Sequence[AllocationResult],
    release: Release,
    *,
    existing: Sequence[ResourceClaim] | None = None,
) -> Iterator[VerificationError]:
    """List the rules of Kubernetes that a placement breaks, the first one first.

    Any valid assignment passes, not only the one that kube-scheduler finds (I6). Not checked: whether an earlier
    alternative of ``firstAvailable`` would have fitted too (a preference, whose proof is a search of its own), and
    errors that kube-scheduler meets on devices it looks at but does not take (S39, S56).

    Parameters
    ----------
    objects
        Slices, classes, taint rules and namespaces of the cluster.
    node
        Node that the pod goes to.
    claims
        Claims of the pod that were unallocated, in the order of the pod; defaults are set (S16).
    results
        One allocation per claim.
    release
        Kubernetes release with its gates.
    existing
        Claims that hold devices already; by default those of ``objects``. The claims being verified do not count.

    Yields
    ------
    VerificationError
        One broken rule each; the message names claim, request, device and value.
    """
    if len(claims) != len(results):
        yield VerificationError("S55", f"{len(results)} allocations for {len(claims)} claims; one each is needed")
        return
    held = objects.claims if existing is None else existing
    checker = _Checker(objects, node, claims, results, release=release, existing=held)
    yield from checker.run()


class _Checker:
    def __init__(
        self,
        objects: Objects,
        node: Node,
        claims: Sequence[ResourceClaim],
        results: Sequence[AllocationResult],
        *,
        release: Release,
        existing: Sequence[ResourceClaim],
    ) -> None:
        self.node = node
        self.claims = claims
        self.results = results
        self.features = release.features
        self.classes = {item.metadata.name: item for item in objects.classes}
        self.namespaces = {item.metadata.name: item for item in objects.namespaces}
        everything = any(
            wish.everything for claim in claims for request in claim.spec.devices.requests for wish in wishes(request)
        )
        wanted = frozenset((item.driver, item.pool) for result in results for item in result.devices.results)
        self.sight = Sight(objects.slices, node, self.features, None if everything else wanted)
        own = {(claim.metadata.namespace, claim.metadata.name) for claim in claims}
        others = (claim for claim in existing if (claim.metadata.namespace, claim.metadata.name) not in own)
        books = Books(others, sharing="ConsumableCapacity" in self.features)
        rules = objects.taint_rules if "DRADeviceTaintRules" in release.gates else ()
        self.taking = Taking(self.sight, books, self.classes, rules, self.features)

    def run(self) -> Iterator[VerificationError]:
        for claim in self.claims:
            yield from refused(claim, self.classes, self.features)
            yield from self._updating(claim)
        for number, (claim, result) in enumerate(zip(self.claims, self.results, strict=True)):
            yield from self._claim(number, claim, result)

    def _updating(self, claim: ResourceClaim) -> Iterator[VerificationError]:
        for request in claim.spec.devices.requests:
            for wish in wishes(request):
                if wish.everything:
                    for pool in self.sight.pools.values():
                        if pool.trouble:
                            text = f"asks for all devices, but pool {'/'.join(pool.id)} is {pool.trouble}"
                            yield VerificationError("S25", f"{label(claim)}, request {wish.name}: {text}")

    def _claim(self, number: int, claim: ResourceClaim, result: AllocationResult) -> Iterator[VerificationError]:
        items = result.devices.results
        chosen, faults = self._choose(claim, items)
        yield from faults
        if len(items) > MAX_RESULTS:
            yield VerificationError("S36", f"{label(claim)}: has {len(items)} results, {MAX_RESULTS} are allowed")
        if any(fault.rule in {"S40", "S55"} for fault in faults):
            return
        by_name = {wish.name: wish for wish in chosen}
        hand = ClaimInHand.start(number, claim)
        for item in items:
            yield from self.taking.take(hand, by_name[item.request], item)
        for wish in chosen:
            yield from self._amount(claim, wish, [item for item in items if item.request == wish.name])
        yield from shape.admission(claim, result, self.namespaces)
        yield from shape.config(claim, result, chosen, self.classes)
        if len(hand.taken) == len(items):
            yield from shape.node_selector(claim, result, [seen for _, seen in hand.taken], self.node)

    def _choose(
        self, claim: ResourceClaim, items: Sequence[DeviceRequestAllocationResult]
    ) -> tuple[list[Wish], list[VerificationError]]:
        """Find which alternative of each request the results stand for (S40), and whether they keep the order (S55)."""
        faults = []
        chosen = []
        place: dict[str, int] = {}
        known = set()
        for number, request in enumerate(claim.spec.devices.requests):
            every = wishes(request)
            known.add(request.name)
            place.update((wish.name, number) for wish in every)
            used = {wish.name: wish for wish in reversed(every) if any(item.request == wish.name for item in items)}
            where = f"{label(claim)}, request {request.name}"
            if len(used) > 1:
                names = ", ".join(sorted(used))
                faults.append(
                    VerificationError("S40", f"{where}: results stand for more than one alternative: {names}")
                )
            elif not used and request.first_available and all(wish.everything or wish.asked.count for wish in every):
                faults.append(VerificationError("S40", f"{where}: no alternative has results"))
            chosen += [*used.values(), *every][:1]
        last = 0
        for item in items:
            where = f"{label(claim)}, request {item.request}"
            if item.request not in place:
                rule, parent = "S55", item.request.partition("/")[0]
                if parent in known:
                    rule = "S40"
                faults.append(VerificationError(rule, f"{where}: the claim has no such request or alternative"))
            elif place[item.request] < last:
                faults.append(VerificationError("S55", f"{where}: results are not in the order of the requests"))
            else:
                last = place[item.request]
        return chosen, faults

    def _amount(
        self, claim: ResourceClaim, wish: Wish, items: Sequence[DeviceRequestAllocationResult]
    ) -> Iterator[VerificationError]:
        """Check the number of devices of a request, and that all are there where all are asked for (S30)."""
        where = f"{label(claim)}, request {wish.name}"
        has = [(item.driver, item.pool, item.device) for item in items]
        if not wish.everything:
            if len(has) != wish.asked.count:
                yield VerificationError("S30", f"{where}: has {len(has)} devices, should have {wish.asked.count}")
            return
        should = set()
        for pool in self.sight.pools.values():
            for seen in pool.devices.values():
                place = f"{where}, device {'/'.join(seen.id)}"
                try:
                    if not self.taking.mismatch(wish, seen) and could_hold(wish, seen, self.features):
                        should.add(seen.id)
                except SelectorError as error:
                    yield VerificationError("S39", f"{place}: {error}")
                except NotRepresentableError as error:
                    yield VerificationError("S42", f"{place}: {error}")
        if not should:
            yield VerificationError("S30", f"{where}: asks for all devices, but none matches")
        for device in sorted(should.difference(has)):
            yield VerificationError("S30", f"{where}: asks for all devices, but {'/'.join(device)} is missing")
