"""What a claim may have of each node: the same for all asks with such a claim, whatever is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import AllocationResult, ResourceClaim
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.rows.columns import Columns
from drapolicy.policies.engine.views import UnseenError, Views
from drapolicy.policies.rows import Column
from drapolicy.policies.solvers import Exact, Solver
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.millis import WHOLE
from drapolicy.problem.outcome import NoFit
from drapolicy.problem.state import State

Flags = NDArray[np.bool_]


class Wish:
    """One request for devices on a fleet, or none.

    Attributes
    ----------
    count
        How many devices; 0 for an ask that needs none.
    takes
        Thousandths of each.
    amounts
        What is taken of each capacity, in units of the device's model; none of devices that are taken as a whole.
    shareable, shares
        Whether the devices are of those that can be shared, and whether others can have the rest of one.
    view
        What each node is of those that the ask cannot tell apart; ndarray of shape (N,), int32.
    open
        Nodes with enough devices that suit; ndarray of shape (N,), bool.
    suited
        Devices that suit on the nodes of each view; ndarray of shape (V, D), bool. None where all of a node do.
    counted
        Devices of the drivers whose devices suit, by view; as ``suited``.
    gpus
        Number of devices counted on each node; ndarray of shape (N,), int64.
    patterns
        Results as the reference wrote them, by view and by what the chosen devices are beyond attributes.
    """

    def __init__(self, columns: Columns, count: int) -> None:
        self.count = count
        self.takes, self.shareable, self.shares = 0, False, False
        self.amounts: tuple[int, ...] = ()
        self.view = np.zeros(len(columns.here), np.int32)
        self.open = np.ones(len(columns.here), np.bool_)
        self.suited: Flags | None = None
        self.counted: Flags | None = None
        self.gpus: Column = columns.here.sum(axis=1)
        self.patterns: dict[tuple[int, ...], AllocationResult] = {}

    @classmethod
    def of_none(cls, columns: Columns) -> Wish:
        """Return the wish of an ask that needs no devices: all devices count.

        Raises
        ------
        UnseenError
            When some devices draw from shared counters: then it is not known what the GPUs are.
        """
        if any(model.draws for model in columns.models):
            message = "devices that draw from shared counters"
            raise UnseenError(message)
        return cls(columns, 0)


def wish_of(
    columns: Columns, layout: Layout, views: Views, claims: Sequence[ResourceClaim], *, state: State, solver: Solver
) -> Wish:
    """Return the wish of some claims.

    Raises
    ------
    UnseenError
        When rows of amounts do not tell what the reference and the solver would choose.
    """
    candidates = layout.fleet.nodes.candidates
    if views.fails or (views.of_node[:candidates] < 0).any():
        message = "nodes or selectors that only the reference can tell"
        raise UnseenError(message)
    width = columns.here.shape[1]
    suited, counted = np.zeros((len(views), width), np.bool_), np.zeros((len(views), width), np.bool_)
    told: set[tuple[int, int, tuple[int, ...]]] = set()
    for view, n in enumerate(views.sample.tolist()):
        local = _empty(layout, state, n, claims)
        f = _plain(local)
        own = np.flatnonzero(f.candidates[0])
        suited[view, own] = True
        if not len(own):
            continue
        _check_search(solver, f.rows[0].count, len(own))
        counted[view, : local.size] = local.of_drivers
        told |= set(_taken(columns, local, f, n, own))
    wish = Wish(columns, _count(claims))
    if len(told) > 1:
        message = "devices of which different amounts are taken"
        raise UnseenError(message)
    for takes, shareable, amounts in told:
        wish.takes, wish.amounts = takes, amounts
        wish.shareable, wish.shares = bool(shareable), bool(shareable) and takes < WHOLE
    wish.view = np.maximum(views.of_node, 0)
    enough = suited.sum(axis=1) >= wish.count
    wish.open = enough[wish.view]
    here = columns.here[views.sample]
    if (suited[enough] != here[enough]).any():
        wish.suited = suited
    if (counted[enough] != here[enough]).any():
        wish.counted = counted
    wish.gpus = counted.sum(axis=1)[wish.view]
    return wish


def _count(claims: Sequence[ResourceClaim]) -> int:
    exactly = claims[0].spec.devices.requests[0].exactly
    assert exactly is not None
    return exactly.count


def _empty(layout: Layout, state: State, n: int, claims: Sequence[ResourceClaim]) -> LocalProblem:
    fleet, site = layout.fleet, state.sites[n]
    if not layout.describes(site):
        message = "devices that a node does not see as its slices publish them"
        raise UnseenError(message)
    nothing = AllocatedState(consumable="ConsumableCapacity" in fleet.release.features)
    return LocalProblem(site, claims, nothing, state.rooms[n], classes=fleet.classes, release=fleet.release)


def _plain(local: LocalProblem) -> Formulation:
    """Return a node's formulation if it is of one request without conditions between devices."""
    f = local.formulation
    if not isinstance(f, Formulation) or f.may_abort or f.gaps or not f.orderly or f.joints or f.matches or f.distincts:
        message = "claims that only the reference can tell"
        raise UnseenError(message)
    if len(f.rows) != 1 or f.rows[0].admin or f.rows[0].every is not None or not 1 <= f.rows[0].count <= f.limit:
        message = "claims of several requests, or of all devices"
        raise UnseenError(message)
    if not isinstance(f.refusal, NoFit) or f.draws[f.candidates[0]].any():
        message = "devices that draw from shared counters"
        raise UnseenError(message)
    return f


def _check_search(solver: Solver, count: int, suited: int) -> None:
    """Raise if the solver's search may come to its limit."""
    steps = sum(comb(suited, k) for k in range(count + 1))
    limit = getattr(solver, "max_steps", None)
    if limit is not None and limit < steps * (1 if isinstance(solver, Exact) else 32):
        message = "searches that may come to their limit"
        raise UnseenError(message)


def _taken(
    columns: Columns, local: LocalProblem, f: Formulation, n: int, own: NDArray[np.intp]
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield what is taken of each device that suits: thousandths, whether it can be shared, and amounts."""
    millis = local.millis
    of_drivers = np.flatnonzero(local.of_drivers)
    if (
        len(set(millis.gpu[of_drivers].tolist())) < len(of_drivers)
        or (millis.left[millis.gpu[of_drivers]] != WHOLE).any()
    ):
        message = "devices that are parts of one another"
        raise UnseenError(message)
    for d in own.tolist():
        model = columns.models[int(columns.model[n, d])]
        if bool(f.shared[d]) != model.shareable or model.draws:
            message = "devices that a matrix does not tell"
            raise UnseenError(message)
        takes, amounts = int(millis.takes[d]), tuple[int, ...]()
        if model.shareable:
            asked = local.amounts(0, d)
            if any(asked[name] % model.unit for name, _ in model.capacity):
                message = "amounts of capacity that are no whole units"
                raise UnseenError(message)
            amounts = tuple(asked[name] // model.unit for name, _ in model.capacity)
            whole = tuple(total // model.unit for _, total in model.capacity)
        else:
            whole = amounts
        if f.rows[0].count > 1 and (takes != WHOLE or amounts != whole):
            message = "several devices of which shares are taken"
            raise UnseenError(message)
        yield takes, model.shareable, amounts
