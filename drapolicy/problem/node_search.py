"""What one node can allocate to some claims: the reference's search, and the same as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import AllocationResult, DeviceClass, ResourceClaim
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.formulation import Assignment, Formulation, formulate
from drapolicy.problem.outcome import Abort, Fits, Outcome
from drapolicy.problem.reference import Allocator
from drapolicy.problem.site import Site
from drapolicy.problem.solution import Solution
from drapolicy.release import Release


class NodeSearch:
    """One node and the claims that it shall serve, in a state that does not change.

    Parameters
    ----------
    site
        The node.
    claims
        Claims to allocate, in order.
    allocated
        What is allocated.
    classes
        Device classes by name.
    release
        Kubernetes release that the reference follows.
    """

    def __init__(
        self,
        site: Site,
        claims: Sequence[ResourceClaim],
        allocated: AllocatedState,
        classes: Mapping[str, DeviceClass],
        release: Release,
    ) -> None:
        self.claims = tuple(claims)
        self._site = site
        self._allocated = allocated
        self._classes = classes
        self._release = release
        self._allocator = Allocator(release, allocated, classes, (), pools=lambda _node: site.pools)

    @property
    def timeout_s(self) -> float | None:
        """Time that the next search may take, in seconds; None, no limit: results should not depend on a clock."""
        return None

    def first(self, max_steps: int | None = None) -> tuple[Outcome, Solution | None]:
        """Return what the reference decides, just as the release's scheduler would, and its solution if it fits.

        Parameters
        ----------
        max_steps
            Limit of the search.
        """
        found = self._allocator.find(self._site.node, self.claims, max_steps=max_steps, timeout_s=self.timeout_s)
        if not isinstance(found, Solution):
            return found, None
        outcome = self.written(found)
        return outcome, found if isinstance(outcome, Fits) else None

    def search(
        self,
        order: Sequence[int] | None = None,
        visit: Callable[[Solution], bool] | None = None,
        max_steps: int | None = None,
    ) -> Outcome:
        """Return what the reference finds with the devices tried in an order of one's own.

        Parameters
        ----------
        order
            Permutation of the device indices; None for upstream's order.
        visit
            Called with each complete assignment; True accepts it, False searches on.
        max_steps
            Limit of the search.
        """
        return self._allocator.allocate(
            self._site.node, self.claims, order=order, visit=visit, max_steps=max_steps, timeout_s=self.timeout_s
        )

    @cached_property
    def formulation(self) -> Formulation | Abort:
        """What may be assigned, as arrays; or why the attempt ends before any device is looked at."""
        return formulate(self._site.pools, self.claims, self._allocated, self._classes, self._release)

    def seat(self, assignment: Assignment) -> Solution | None:
        """Return the solution that an assignment of :attr:`formulation` is, each device taken by the reference.

        Parameters
        ----------
        assignment
            A complete assignment; None is returned where the reference refuses one of its devices.
        """
        chosen: list[list[tuple[int, Sequence[int]]]] = [[] for _ in self.claims]
        if isinstance(self.formulation, Abort):
            return None
        for r, devices in assignment:
            row = self.formulation.rows[r]
            chosen[row.claim].append((row.alternative, devices))
        return self.taking(chosen)

    def taking(self, chosen: Sequence[Sequence[tuple[int, Sequence[int]]]]) -> Solution | None:
        """Return the solution in which given devices are taken, by the reference; None where it refuses one.

        Parameters
        ----------
        chosen
            For each claim and request the alternative, 0 without alternatives, and the devices, ascending.
        """
        return self._allocator.seat(self._site.node, self.claims, chosen)

    def written(self, solution: Solution) -> Outcome:
        """Return a solution as Kubernetes would write it."""
        return self._allocator.results(self._site.node, self.claims, solution)

    def indices(self, results: Sequence[AllocationResult]) -> NDArray[np.intp]:
        """Return the distinct devices of some results; ascending indices."""
        at = {device.id: device.index for device in self._site.devices}
        found = {at[r.driver, r.pool, r.device] for result in results for r in result.devices.results}  # type: ignore[index]
        return np.array(sorted(found), np.intp)
