"""The checker: results are taken again one by one in their order, by the rules and without a search (K8s I6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from drapolicy.api.core import Node
from drapolicy.api.objects import Objects
from drapolicy.api.resource import AllocationResult, ResourceClaim
from drapolicy.errors import VerificationError
from drapolicy.release import Release
from drapolicy.verify import amounts, shape
from drapolicy.verify.books import Books
from drapolicy.verify.choices import choose
from drapolicy.verify.pools import Published, Sight
from drapolicy.verify.taking import ClaimInHand, Taking
from drapolicy.verify.wishes import label, refused, wishes

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
    """Raise for the first rule of Kubernetes that a placement breaks; parameters as for :func:`violations`.

    Raises
    ------
    VerificationError
        If the placement is not valid; carries the number of the rule.
    CompileError
        If a selector that decides is beyond what drapolicy can evaluate, so that there is no verdict.
    """
    held = objects.claims if existing is None else existing
    Verifier(objects, release).verify(node, claims, results, held)


def violations(
    objects: Objects,
    node: Node,
    claims: Sequence[ResourceClaim],
    results: Sequence[AllocationResult],
    release: Release,
    *,
    existing: Sequence[ResourceClaim] | None = None,
) -> list[VerificationError]:
    """List the rules of Kubernetes that a placement breaks, the first one first; see :class:`Verifier`.

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

    Examples
    --------
    >>> from drapolicy.release import release
    >>> violations(Objects(), Node(), [ResourceClaim()], [AllocationResult()], release())
    []
    >>> [str(error) for error in violations(Objects(), Node(), [ResourceClaim()], [], release())]
    ['S55: 0 allocations for 1 claims; one each is needed']
    """
    held = objects.claims if existing is None else existing
    return list(Verifier(objects, release).violations(node, claims, results, held))


class Verifier:
    """Checks placements in one cluster; holds an index of its slices, so that many checks share it.

    Any valid assignment passes, not only the one that kube-scheduler finds (K8s I6). Not checked: whether an earlier
    alternative of ``firstAvailable`` would have fitted too (a preference, whose proof is a search of its own), and
    errors that kube-scheduler meets on devices it looks at but does not take (S39, S56).

    Parameters
    ----------
    objects
        Slices, classes, taint rules and namespaces of the cluster.
    release
        Kubernetes release with its gates.

    Notes
    -----
    Shares no code with the allocator: reads API objects and evaluates selectors one device at a time.
    """

    def __init__(self, objects: Objects, release: Release) -> None:
        self._release = release
        self._classes = {item.metadata.name: item for item in objects.classes}
        self._namespaces = {item.metadata.name: item for item in objects.namespaces}
        self._published = Published(objects.slices)
        self._rules = objects.taint_rules if release.heeds_taint_rules else ()

    def verify(
        self,
        node: Node,
        claims: Sequence[ResourceClaim],
        results: Sequence[AllocationResult],
        existing: Iterable[ResourceClaim],
    ) -> None:
        """Raise for the first rule that a placement breaks, as the function :func:`verify` does.

        Raises
        ------
        VerificationError
            If the placement is not valid.
        """
        for error in self.violations(node, claims, results, existing):
            raise error

    def violations(
        self,
        node: Node,
        claims: Sequence[ResourceClaim],
        results: Sequence[AllocationResult],
        existing: Iterable[ResourceClaim],
    ) -> Iterator[VerificationError]:
        """List the rules that a placement breaks; parameters as for the function :func:`violations`.

        Yields
        ------
        VerificationError
            One broken rule each; the message names claim, request, device and value.
        """
        if len(claims) != len(results):
            yield VerificationError("S55", f"{len(results)} allocations for {len(claims)} claims; one each is needed")
            return
        asked = [
            wish
            for claim in claims
            for request in claim.spec.devices.requests
            for wish in wishes(request, self._release)
        ]
        # Pools that share a name can matter for each other (S45).
        everything = any(wish.everything for wish in asked) or self._release.behaviour.counters == "pool name"
        wanted = {(item.driver, item.pool) for result in results for item in result.devices.results}
        sight = Sight(self._published, node, self._release, None if everything else sorted(wanted))
        own = {(claim.metadata.namespace, claim.metadata.name) for claim in claims}
        others = (claim for claim in existing if (claim.metadata.namespace, claim.metadata.name) not in own)
        books = Books(others, sight.pools, self._release)
        taking = Taking(sight, books, self._classes, self._rules, self._release)
        for claim in claims:
            yield from refused(claim, self._classes, self._release)
            yield from _updating(claim, sight, self._release)
        for number, (claim, result) in enumerate(zip(claims, results, strict=True)):
            yield from self._claim(taking.start(number, claim), claim, result, taking)

    def _claim(
        self, hand: ClaimInHand, claim: ResourceClaim, result: AllocationResult, taking: Taking
    ) -> Iterator[VerificationError]:
        items = result.devices.results
        chosen, faults = choose(claim, items, self._release)
        yield from faults
        if len(items) > MAX_RESULTS:
            yield VerificationError("S36", f"{hand.name}: has {len(items)} results, {MAX_RESULTS} are allowed")
        if faults:
            return
        by_name = {wish.name: wish for choice in chosen for wish in (choice.wish, choice.first)}
        for item in items:
            yield from taking.take(hand, by_name[item.request], item)
        for choice in chosen:
            yield from amounts.number(taking, hand.name, choice, items)
        yield from shape.admission(claim, result, self._namespaces)
        yield from shape.config(claim, result, [choice.wish for choice in chosen], self._classes, self._release)
        if len(hand.taken) == len(items):
            seen = [seen for _, seen in hand.taken]
            yield from shape.node_selector(claim, result, seen, taking.sight.node, self._release)


def _updating(claim: ResourceClaim, sight: Sight, release: Release) -> Iterator[VerificationError]:
    for request in claim.spec.devices.requests:
        for wish in wishes(request, release):
            if wish.everything:
                for pool in sight.pools.values():
                    if pool.trouble:
                        text = f"asks for all devices, but pool {'/'.join(pool.id)} is {pool.trouble}"
                        yield VerificationError("S25", f"{label(claim)}, request {wish.name}: {text}")
