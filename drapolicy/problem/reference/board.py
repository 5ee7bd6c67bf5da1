"""What a search has taken so far, and the checks before it takes one device more (K8s S37, S38)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.reference.counters import CounterLedger, drawn_for_shares
from drapolicy.problem.reference.eligibility import Eligibility, tolerated
from drapolicy.problem.reference.groups import GroupLedger
from drapolicy.problem.reference.plan import AbortError, Plan
from drapolicy.problem.solution import Taken
from drapolicy.release import Release


class Move(NamedTuple):
    """One device taken, and what is needed to give it back."""

    plan: Plan
    device: PoolDevice
    drew_counters: bool
    consumed: tuple[int, ...] | None


class Board:
    """Devices taken by one search; every move can be undone, the last one first.

    Parameters
    ----------
    devices
        Devices of the node.
    claims
        Number of claims.
    release
        Kubernetes release with its gates.
    allocated
        What was taken before.
    eligibility, counters, groups
        Answers about requests and devices, the pools' counters, and their compatibility groups.
    rolls_back
        What is refused or given back leaves nothing behind (``Behaviour.rolls_back``).

    Attributes
    ----------
    moves
        Moves per claim, in the order of taking.
    """

    def __init__(
        self,
        devices: Sequence[PoolDevice],
        claims: int,
        *,
        release: Release,
        allocated: AllocatedState,
        eligibility: Eligibility,
        counters: CounterLedger,
        groups: GroupLedger,
        rolls_back: bool = True,
    ) -> None:
        self.moves: list[list[Move]] = [[] for _ in range(claims)]
        self._allocated = allocated
        self._eligibility = eligibility
        self._counters = counters
        self._rolls_back = rolls_back
        self._draws_once = release.behaviour.shares_draw_once
        self._drawn = drawn_for_shares(allocated, release.behaviour)
        self._groups = groups if "CompatibilityGroups" in release.features else None
        self._consumable = "ConsumableCapacity" in release.features
        self._partitionable = "PartitionableDevices" in release.features
        self._heeds_taints = "DeviceTaints" in release.features
        self._busy = {device.index for device in devices if allocated.holds(device.id)}
        self._marks: dict[int, int] = {}
        self._free: dict[int, list[int]] = {}
        self._shares: dict[int, int] = {}

    def in_use(self, plan: Plan, device: PoolDevice) -> bool:
        """Return whether the device is taken as far as the request is concerned.

        Admin access sees only what the same claim took in this search; others see every whole device taken.
        """
        marks = self._marks.get(device.index, 0)
        if plan.admin:
            return bool(marks >> plan.claim & 1)
        return marks != 0 or device.index in self._busy

    def candidate(self, plan: Plan, device: PoolDevice) -> bool:
        """Return whether a request of some devices can consider this one: free, selectable and big enough.

        Raises
        ------
        AbortError
            When the attempt to schedule the pod must end.
        """
        if self.in_use(plan, device) or not self._eligibility.selectable(plan, device):
            return False
        if not self._consumable:
            return True
        charge = self._eligibility.charge(plan, device)
        if charge.problem:
            message = f"{plan.where}: checking capacity for device {device.id}: {charge.problem}"
            raise AbortError(message)
        return charge.usable and self._has_room(device, charge.amounts)

    def take(self, plan: Plan, device: PoolDevice, *, must: bool) -> Move | None:
        """Take a device that was found to be a candidate, or return None and change nothing.

        Parameters
        ----------
        must
            Exactly this device is needed: it was not looked at by :meth:`candidate`, and a constraint that refuses
            it ends the attempt.

        Raises
        ------
        AbortError
            When ``must`` is set and a constraint refuses the device, or an attribute cannot be derived.
        """
        if must and self.in_use(plan, device):
            return None
        if device.unserved:
            return None
        shared = self._consumable and device.shareable
        draws = False
        if device.counters:
            if not self._partitionable:
                return None
            if not (shared and self._draws_once and (self._shares.get(device.index, 0) or self._drawn(device.id))):
                if not self._draw(device):
                    return None
                draws = True
        elif not self._partitionable and device.api.consumes_counters:
            return None
        if self._heeds_taints and device.harmful and not tolerated(plan, device):
            self._refuse(device, draws=draws)
            return None
        try:
            allowed = not plan.constraints or self._enter_constraints(plan, device)
        except AbortError:
            self._refuse(device, draws=draws)
            raise
        if not allowed:
            self._refuse(device, draws=draws)
            if must:
                message = (
                    f"{plan.where}: cannot add device {device.id} because a claim constraint would not be satisfied"
                )
                raise AbortError(message)
            return None
        consumed: tuple[int, ...] | None = None
        if self._consumable and (must or shared):
            amounts = self._eligibility.charge(plan, device).amounts
            if must and not self._has_room(device, amounts):
                if self._rolls_back:
                    self._leave_constraints(plan, len(plan.constraints))
                self._refuse(device, draws=draws)
                return None
            if shared:
                consumed = amounts
        return self._record(Move(plan, device, draws, consumed))

    def _record(self, move: Move) -> Move:
        index = move.device.index
        if move.consumed is None:
            self._marks[index] = self._marks.get(index, 0) | 1 << move.plan.claim
        else:
            self._shares[index] = self._shares.get(index, 0) + 1
            free = self._room(move.device)
            for position, amount in enumerate(move.consumed):
                free[position] -= amount
        self.moves[move.plan.claim].append(move)
        return move

    def undo(self, move: Move) -> None:
        """Give back the device taken last."""
        plan, device = move.plan, move.device
        self.moves[plan.claim].pop()
        if move.consumed is None:
            self._marks[device.index] &= ~(1 << plan.claim)
        else:
            self._shares[device.index] -= 1
            free = self._room(device)
            for position, amount in enumerate(move.consumed):
                free[position] += amount
            if not self._rolls_back:
                # Upstream reads off what is consumed whether a share is held: a device without capacities stays in
                # use for good, and one with shares of nothing is unused.
                self._shares[device.index] = int(not free or free != self._opening_room(device))
        self._leave_constraints(plan, len(plan.constraints))
        if move.drew_counters and (self._rolls_back or move.consumed is None):
            self._give_back_counters(device)

    def taken(self) -> tuple[tuple[Taken, ...], ...]:
        """Return the devices taken, per claim."""
        return tuple(tuple(self._entry(move) for move in moves) for moves in self.moves)

    def _entry(self, move: Move) -> Taken:
        plan, device = move.plan, move.device
        share = None
        if move.consumed is not None:
            quantities = self._eligibility.charge(plan, device).quantities
            share = dict(zip(device.api.capacity, quantities, strict=True))
        return Taken(plan.claim, plan.request, plan.alternative, device, share)

    def _room(self, device: PoolDevice) -> list[int]:
        """Return what is left of each capacity of the device, in nano units; changed by the moves."""
        free = self._free.get(device.index)
        if free is None:
            free = self._free[device.index] = self._opening_room(device)
        return free

    def _opening_room(self, device: PoolDevice) -> list[int]:
        held = self._allocated.consumed(device.id)
        return [amount - held.get(name, 0) for name, amount in device.capacity]

    def _has_room(self, device: PoolDevice, amounts: tuple[int, ...]) -> bool:
        for amount, left in zip(amounts, self._room(device), strict=True):  # noqa: SIM110 - the innermost loop
            if amount > left:
                return False
        return True

    def _enter_constraints(self, plan: Plan, device: PoolDevice) -> bool:
        """Put the device under the constraints, or return False and change nothing."""
        for entered, constraint in enumerate(plan.constraints):
            try:
                allowed = constraint.add(self._eligibility.attribute(plan, device, constraint.name), plan.request)
            except AbortError:
                self._leave_constraints(plan, entered)
                raise
            if not allowed:
                self._leave_constraints(plan, entered)
                return False
        return True

    @staticmethod
    def _leave_constraints(plan: Plan, count: int) -> None:
        for constraint in plan.constraints[:count]:
            constraint.remove(plan.request)

    def _draw(self, device: PoolDevice) -> bool:
        if self._groups is not None and not self._groups.join(device):
            return False
        drawn = self._counters.reserve(device)
        if not drawn and self._groups is not None:
            self._groups.leave(device)
        return drawn

    def _refuse(self, device: PoolDevice, *, draws: bool) -> None:
        if draws and self._rolls_back:
            self._give_back_counters(device)

    def _give_back_counters(self, device: PoolDevice) -> None:
        self._counters.release(device)
        if self._groups is not None:
            self._groups.leave(device)
