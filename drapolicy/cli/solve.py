"""A policy's solver behind the JSON-lines protocol, one node at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from drapolicy.api.core import Node
from drapolicy.api.resource import ResourceClaim
from drapolicy.cli.jsonl import Case, Decide, first_fit
from drapolicy.errors import UnsupportedFeatureError
from drapolicy.inventory.pools import Gatherer
from drapolicy.inventory.reach import NodeSelectionError
from drapolicy.policies import FirstFit, Rule
from drapolicy.policies import policy as policy_of
from drapolicy.policies.objective import as_objective
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Abort, Outcome
from drapolicy.problem.rooms import room_of
from drapolicy.problem.site import Site


def decide_by(policy: str, seed: int = 0) -> Decide:
    """Return how a policy answers for one node: by its solver, with its objective.

    Raises
    ------
    UnknownReferenceError
        For a name that is not in the table.
    UnsupportedFeatureError
        For a policy without a solver.
    """
    rule = policy_of(policy)
    if not isinstance(rule, Rule):
        message = f"policy {policy}: has no solver for one node; use another with --jsonl"
        raise UnsupportedFeatureError(message)
    if rule.solver == FirstFit():
        return first_fit
    objective = as_objective(rule.objective)

    def decide(case: Case, node: Node, claims: Sequence[ResourceClaim], timeout_s: float | None) -> Outcome:
        try:
            pools = Gatherer(case.slices, case.release)(node)
        except NodeSelectionError as error:
            return Abort(f"gather pool information: {error}")
        local = _Limited(case, Site(0, node, pools, None), claims, timeout_s)
        return rule.solver.solve(local, objective, np.random.default_rng(seed)).outcome

    return decide


class _Limited(LocalProblem):
    """One node's part of a line, whose searches end together at the line's time limit."""

    def __init__(self, case: Case, site: Site, claims: Sequence[ResourceClaim], timeout_s: float | None) -> None:
        super().__init__(site, claims, case.allocated, room_of(site.node), classes=case.classes, release=case.release)
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s

    @property
    def timeout_s(self) -> float | None:
        """What is left of the line's time, in seconds."""
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 1e-9)
