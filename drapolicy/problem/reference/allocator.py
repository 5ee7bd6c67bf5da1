"""The reference allocator: what Kubernetes answers for one pod on one node."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from drapolicy.api.core import Node
from drapolicy.api.resource import DeviceClass, ResourceClaim, ResourceSlice
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.inventory.pools import Gatherer, Pool
from drapolicy.inventory.reach import NodeSelectionError
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit, Outcome, TimedOut
from drapolicy.problem.reference.board import Board
from drapolicy.problem.reference.counters import CounterLedger, Openings
from drapolicy.problem.reference.eligibility import Eligibility
from drapolicy.problem.reference.groups import GroupLedger, GroupOpenings
from drapolicy.problem.reference.plan import AbortError
from drapolicy.problem.reference.prepare import MAX_RESULTS, Preparation
from drapolicy.problem.reference.search import ExpiredError, Rules, Search
from drapolicy.problem.result import NodeSelectorError, allocation_results
from drapolicy.problem.solution import Solution, Taken
from drapolicy.release import Release

INVALID_POOLS = "invalid resource pools were encountered"
_SHARE_SEED = 0


class Allocator:
    """Decides as Kubernetes' allocator does: first fit, depth first, exhaustive.

    Parameters
    ----------
    release
        Kubernetes release with its gates.
    allocated
        What is taken; may change between calls.
    classes
        Device classes by name.
    slices
        All slices of the cluster, with the taints of DeviceTaintRules; unused when ``pools`` is given.
    pools
        Gives the pools of a node. They depend on slices, release and node alone, so a caller may keep them.
    share_ids
        Gives a fresh share id at each call. By default version-4 UUIDs from a fixed seed, skipping those in use on
        the device.

    Attributes
    ----------
    steps
        Steps of all searches so far; equal to the calls of upstream's recursive step.

    Notes
    -----
    Source: Kubernetes ``structured/internal`` v0.34.13, v0.35.10, v0.36.6 and v0.37.2 (K8s S19-S55). Worst case
    exponential in the number of requested devices (Q22).

    What is an order's or a leak's doing in upstream's own search, not a rule for what may be allocated, is left out
    where a caller brings an order or looks at several assignments: what a refused device leaves behind (S38), the
    alternative that is lost (Q21), and sequences of devices instead of sets (S34).
    """

    def __init__(
        self,
        release: Release,
        allocated: AllocatedState,
        classes: Mapping[str, DeviceClass],
        slices: Sequence[ResourceSlice],
        *,
        pools: Callable[[Node], tuple[Pool, ...]] | None = None,
        share_ids: Callable[[], str] | None = None,
    ) -> None:
        self.steps = 0
        self._release = release
        self._allocated = allocated
        self._classes = classes
        self._pools = pools if pools is not None else Gatherer(slices, release)
        self._share_ids = share_ids
        behaviour = release.behaviour
        self._rolls_back = behaviour.rolls_back
        self._skips_unusable = behaviour.skips_unusable_pools
        self._eligibility = Eligibility(release)
        self._openings = Openings(allocated, behaviour)
        self._groups = GroupOpenings(allocated)
        sets = behaviour.sets
        self._rules = Rules(_behind if sets else _from_the_beginning, behaviour.keeps_alternative)
        self._own_rules = Rules(_behind if sets else _behind_or_again, keeps_alternative=True)

    def allocate(
        self,
        node: Node,
        claims: Sequence[ResourceClaim],
        *,
        order: Sequence[int] | None = None,
        visit: Callable[[Solution], bool] | None = None,
        max_steps: int | None = None,
        timeout_s: float | None = None,
    ) -> Outcome:
        """Allocate the claims of one pod on one node; see :meth:`find`."""
        found = self.find(node, claims, order=order, visit=visit, max_steps=max_steps, timeout_s=timeout_s)
        return self.results(node, claims, found) if isinstance(found, Solution) else found

    def find(
        self,
        node: Node,
        claims: Sequence[ResourceClaim],
        *,
        order: Sequence[int] | None = None,
        visit: Callable[[Solution], bool] | None = None,
        max_steps: int | None = None,
        timeout_s: float | None = None,
    ) -> Solution | NoFit | NodeError | Abort | TimedOut:
        """Find devices for the claims of one pod on one node.

        Parameters
        ----------
        claims
            Unallocated claims in the order of the pod's spec.
        order
            Order in which requests for some devices try the node's devices: a permutation of ``PoolDevice.index``.
            None is upstream's order.
        visit
            Called with each complete assignment; returns True to accept it and stop. From the first call on, what
            upstream would abort for counts as a device that does not match, because upstream would have stopped.
        max_steps, timeout_s
            Limits of this search: steps and seconds; None for none.

        Returns
        -------
        Solution, NoFit, NodeError, Abort or TimedOut
            ``NoFit`` also when ``visit`` accepted none of the assignments.

        Raises
        ------
        InputError
            For claims that the API server refuses and upstream does not survive, or an ``order`` that is none.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            pools = self._pools(node)
        except NodeSelectionError as error:
            return Abort(f"gather pool information: {error}")
        devices = [device for pool in pools for device in pool.devices]
        search: Search | None = None
        own = order is not None or visit is not None
        try:
            plans = Preparation(self._release, self._classes, pools, self._eligibility, self._allocated).plans(claims)
            board = self._board(pools, len(claims), rolls_back=own or self._rolls_back)
            within, beyond = (devices, "") if self._skips_unusable else reached(pools)
            search = Search(
                plans,
                board,
                within if order is None else _ordered(devices, order),
                self._own_rules if own else self._rules,
                beyond=beyond,
                visit=visit,
                max_steps=max_steps,
                deadline=deadline,
            )
            solution = search.run()
        except AbortError as error:
            return Abort(str(error))
        except ExpiredError as error:
            return TimedOut(str(error))
        finally:
            if search is not None:
                self.steps += search.steps
        if solution is None:
            if self._skips_unusable and not search.visited and any(pool.invalid for pool in pools):
                return NodeError(INVALID_POOLS)
            return NoFit()
        return solution

    def _board(self, pools: Sequence[Pool], claims: int, *, rolls_back: bool) -> Board:
        by_id = {pool.id: pool for pool in pools}
        return Board(
            [device for pool in pools for device in pool.devices],
            claims,
            release=self._release,
            allocated=self._allocated,
            eligibility=self._eligibility,
            rolls_back=rolls_back,
            counters=CounterLedger(self._openings, by_id),
            groups=GroupLedger(self._groups, by_id),
        )

    def seat(
        self, node: Node, claims: Sequence[ResourceClaim], chosen: Sequence[Sequence[tuple[int, Sequence[int]]]]
    ) -> Solution | None:
        """Return the solution in which each request gets just these devices; None where one of them is refused.

        Parameters
        ----------
        claims
            Unallocated claims in the order of the pod's spec.
        chosen
            Per claim and request, the position of the alternative and its devices by ``PoolDevice.index``, in the
            order of taking.
        """
        pools = self._pools(node)
        devices = [device for pool in pools for device in pool.devices]
        board = self._board(pools, len(claims), rolls_back=True)
        try:
            plans = Preparation(self._release, self._classes, pools, self._eligibility, self._allocated).plans(claims)
            for of_claim, wanted in zip(plans, chosen, strict=True):
                for alternatives, (alternative, own) in zip(of_claim, wanted, strict=True):
                    plan = alternatives[alternative]
                    every = plan.all_devices
                    if len(own) != plan.count or (
                        every is not None and (not every or {*own} != {d.index for d in every})
                    ):
                        return None
                    for device in (devices[d] for d in own):
                        if every is None and not board.candidate(plan, device):
                            return None
                        if board.take(plan, device, must=every is not None) is None:
                            return None
        except AbortError:
            return None
        if any(len(moves) > MAX_RESULTS for moves in board.moves):
            return None
        return Solution(board.taken(), tuple(tuple(a for a, _ in wanted) for wanted in chosen))

    def results(self, node: Node, claims: Sequence[ResourceClaim], solution: Solution) -> Fits | Abort:
        """Return an assignment as Kubernetes writes it; it ends the attempt where no node selector can be made."""
        rng: random.Random | None = None

        def share_id(taken: Taken) -> str:
            nonlocal rng
            if self._share_ids is not None:
                return self._share_ids()
            rng = rng or random.Random(_SHARE_SEED)
            made = _uuid(rng)
            while self._allocated.has_share(taken.device.id, made):
                made = _uuid(rng)
            return made

        try:
            found = allocation_results(
                claims,
                solution,
                node_name=node.metadata.name,
                classes=self._classes,
                release=self._release,
                share_id=share_id,
            )
        except NodeSelectorError as error:
            return Abort(str(error))
        return Fits(found)


def reached(pools: Sequence[Pool]) -> tuple[Sequence[PoolDevice], str]:
    """Return the devices before the first invalid pool, and why the attempt ends there; empty where there is none."""
    before: list[PoolDevice] = []
    for pool in pools:
        if pool.invalid:
            return before, f"pool {pool.id.pool} is invalid: {pool.invalid}"
        before += pool.devices
    return before, ""


def _behind(position: int, device: PoolDevice) -> int:
    del device
    return position + 1


def _behind_or_again(position: int, device: PoolDevice) -> int:
    return position if device.shareable else position + 1


def _from_the_beginning(position: int, device: PoolDevice) -> int:
    del position, device
    return 0


def _ordered(devices: Sequence[PoolDevice], order: Sequence[int] | None) -> Sequence[PoolDevice]:
    if order is None:
        return devices
    if sorted(order) != list(range(len(devices))):
        message = f"order: must name each of the node's {len(devices)} devices once, got {list(order)}"
        raise InputError(message)
    return [devices[index] for index in order]


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
