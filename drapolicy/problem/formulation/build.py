"""The reference's own answers about requests and devices, as arrays: no rule is decided here a second time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import DeviceClass, ResourceClaim
from drapolicy.inventory.pool_device import AttributeValue, PoolDevice
from drapolicy.inventory.pools import Pool
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.formulation.model import Distinct, Formulation, Joint, Match, Row
from drapolicy.problem.outcome import Abort, NodeError, NoFit
from drapolicy.problem.reference.allocator import INVALID_POOLS, reached
from drapolicy.problem.reference.constraints import Compared, Constraint, DistinctAttribute, MatchLists
from drapolicy.problem.reference.counters import Openings, drawn_for_shares
from drapolicy.problem.reference.eligibility import Eligibility, tolerated
from drapolicy.problem.reference.groups import UNGROUPED, GroupOpenings
from drapolicy.problem.reference.plan import AbortError, Plan
from drapolicy.problem.reference.prepare import MAX_RESULTS, Preparation
from drapolicy.release import Release

_MOST = 2**62


def formulate(
    pools: Sequence[Pool],
    claims: Sequence[ResourceClaim],
    allocated: AllocatedState,
    classes: Mapping[str, DeviceClass],
    release: Release,
) -> Formulation | Abort:
    """Return what may be assigned to claims on one node, or why the attempt ends before any device is looked at.

    Parameters
    ----------
    pools
        Pools of the node, in order.
    claims
        Unallocated claims in the order of the pod's spec.
    allocated
        What is taken.
    classes
        Device classes by name.
    release
        Kubernetes release with its gates.

    Raises
    ------
    InputError
        For claims that the API server refuses and upstream does not survive.
    """
    eligibility = Eligibility(release)
    try:
        plans = Preparation(release, classes, pools, eligibility, allocated).plans(claims)
    except AbortError as error:
        return Abort(str(error))
    return _Builder(pools, plans, allocated, eligibility, release).formulation()


class _Builder:
    """Fills the arrays of one formulation."""

    def __init__(
        self,
        pools: Sequence[Pool],
        plans: Sequence[Sequence[Sequence[Plan]]],
        allocated: AllocatedState,
        eligibility: Eligibility,
        release: Release,
    ) -> None:
        self._pools = pools
        self._devices = [device for pool in pools for device in pool.devices]
        self._requests = [alternatives for requests in plans for alternatives in requests]
        self._plans = [plan for alternatives in self._requests for plan in alternatives]
        self._allocated = allocated
        self._eligibility = eligibility
        self._features = release.features
        self._behaviour = release.behaviour
        self._consumable = "ConsumableCapacity" in release.features
        self._shared = np.array([self._consumable and device.shareable for device in self._devices], np.bool_)
        self._candidates = np.zeros((len(self._plans), len(self._devices)), np.bool_)
        self._may_abort = self._too_many()
        self._gaps: list[str] = []

    def formulation(self) -> Formulation:
        for r, plan in enumerate(self._plans):
            self._consider(r, plan)
        constraints = [self._constraint(made) for made in dict.fromkeys(c for p in self._plans for c in p.constraints)]
        counters, draws = self._counters()
        joints = self._joints() if "CompatibilityGroups" in self._features else ()
        room, amounts = self._capacities()
        behaviour = self._behaviour
        numbers = iter(range(len(self._plans)))
        traceless = behaviour.rolls_back or not (
            self._candidates[:, self._shared].any() or any(device.counters for device in self._devices)
        )
        lists_all = any(plan.prioritized and plan.all_devices is not None for plan in self._plans)
        invalid = behaviour.skips_unusable_pools and any(pool.invalid for pool in self._pools)
        return Formulation(
            devices=len(self._devices),
            rows=tuple(_row(plan) for plan in self._plans),
            requests=tuple(tuple(next(numbers) for _ in alternatives) for alternatives in self._requests),
            candidates=_sealed(self._candidates),
            shared=_sealed(self._shared),
            again=not behaviour.sets,
            room=_sealed(room),
            amounts=_sealed(amounts),
            counters=_sealed(counters),
            draws=_sealed(draws),
            draws_each=not behaviour.shares_draw_once,
            joints=joints,
            matches=tuple(made for made in constraints if isinstance(made, Match)),
            distincts=tuple(made for made in constraints if isinstance(made, Distinct)),
            limit=MAX_RESULTS,
            may_abort=self._may_abort,
            gaps=tuple(dict.fromkeys(self._gaps)),
            orderly=traceless and (behaviour.keeps_alternative or not lists_all),
            refusal=NodeError(INVALID_POOLS) if invalid else NoFit(),
        )

    def _too_many(self) -> bool:
        """Return whether some choice of alternatives asks more devices of a claim than there may be."""
        most: Counter[int] = Counter()
        for alternatives in self._requests:
            most[alternatives[0].claim] += max(plan.count for plan in alternatives)
        return any(count > MAX_RESULTS for count in most.values())

    # --- one device for one row ------------------------------------------------------------------------------

    def _consider(self, r: int, plan: Plan) -> None:
        eligibility, row = self._eligibility, self._candidates[r]
        if plan.all_devices is None:
            devices: Sequence[PoolDevice] = self._devices
            if not self._behaviour.skips_unusable_pools:
                devices, beyond = reached(self._pools)
                if beyond:
                    self._may_abort = True
                    self._gaps.append("an invalid pool ends the attempt where no device before it is left to try")
        else:
            devices = plan.all_devices
            self._may_abort |= bool(plan.constraints)
        for device in devices:
            if not plan.admin and self._allocated.holds(device.id):
                continue
            try:
                if plan.all_devices is None and not eligibility.selectable(plan, device):
                    continue
                row[device.index] = self._large_enough(plan, device) and self._takeable(plan, device)
            except AbortError:
                self._may_abort = True

    def _large_enough(self, plan: Plan, device: PoolDevice) -> bool:
        if not self._consumable:
            return True
        charge = self._eligibility.charge(plan, device)
        if charge.problem:
            raise AbortError(charge.problem)
        # What mode All needs was found usable before, by the release's own rule.
        if plan.all_devices is None and not charge.usable:
            return False
        held = self._allocated.consumed(device.id)
        room = [whole - held.get(name, 0) for name, whole in device.capacity]
        return all(amount <= left for amount, left in zip(charge.amounts, room, strict=True))

    def _takeable(self, plan: Plan, device: PoolDevice) -> bool:
        if device.unserved:
            return False
        if device.api.consumes_counters and "PartitionableDevices" not in self._features:
            return False
        if "DeviceTaints" in self._features and device.harmful and not tolerated(plan, device):
            return False
        # In turn, as a constraint that refuses a device keeps the attributes of those behind it from being derived.
        return all(_alone(constraint, self._value(plan, device, constraint)) for constraint in plan.constraints)

    def _value(self, plan: Plan, device: PoolDevice, constraint: Constraint) -> AttributeValue | None:
        return self._eligibility.attribute(plan, device, constraint.name)

    # --- constraints -----------------------------------------------------------------------------------------

    def _constraint(self, constraint: Constraint) -> Match | Distinct:
        scope = np.array([constraint in plan.constraints for plan in self._plans], np.bool_)
        codes = np.full(self._candidates.shape, -1, np.int64)
        known: dict[Compared, int] = {}
        for r in np.flatnonzero(scope).tolist():
            for d in np.flatnonzero(self._candidates[r]).tolist():
                value = self._value(self._plans[r], self._devices[d], constraint)
                assert value is not None
                codes[r, d] = known.setdefault(constraint.compared(value), len(known))
        values = dict.fromkeys(value for own, _ in known for value in sorted(own, key=repr))
        table = np.array([[value in own for value in values] for own, _ in known], np.bool_)
        table = table.reshape(len(known), len(values))
        special = np.array([flag for _, flag in known], np.bool_)
        arrays = (_sealed(scope), _sealed(codes), _sealed(table), _sealed(special))
        if isinstance(constraint, DistinctAttribute):
            if not constraint.remembers_all and any(self._plans[r].count > 1 for r in np.flatnonzero(scope)):
                self._gaps.append("a distinct attribute forgets devices of a request")
            return Distinct(*arrays)
        if isinstance(constraint, MatchLists) and not constraint.restores and (table.sum(axis=1) > 1).any():
            self._gaps.append("values of a matching list are not given back")
        return Match(*arrays)

    # --- counters and capacities -----------------------------------------------------------------------------

    def _counters(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what is left of the counters and what devices draw; devices that can draw nothing are ruled out."""
        by_id = {pool.id: pool for pool in self._pools}
        openings = Openings(self._allocated, self._behaviour)
        drawn = drawn_for_shares(self._allocated, self._behaviour)
        columns: dict[tuple[Hashable, tuple[str, str]], int] = {}
        left: list[int] = []
        draws: list[dict[int, int]] = []
        sources: dict[Hashable, set[Hashable]] = {}
        for device in self._devices:
            own: dict[int, int] = {}
            draws.append(own)
            if not device.counters or (self._shared[device.index] and drawn(device.id)):
                continue
            owner = openings.owner(device)
            sources.setdefault(owner, set()).add(device.pool)
            opening = openings.of(device, by_id)
            if any(amount < 0 for amount in opening.values()):
                self._candidates[:, device.index] = False
                continue
            for key, amount in device.counters:
                if key in opening:
                    k = columns.setdefault((owner, key), len(columns))
                    left[k:] = left[k:] or [opening[key]]
                    own[k] = own.get(k, 0) + amount
        if any(len(pools) > 1 for pools in sources.values()):
            self._gaps.append("pools of one name share counters, those of the pool that is asked first")
        available = np.zeros(len(left), np.int64)
        matrix = np.zeros((len(self._devices), len(left)), np.int64)
        for k, whole in enumerate(left):
            amounts = {d: own[k] for d, own in enumerate(draws) if k in own}
            available[k], scaled = self._scaled(whole, amounts.values())
            matrix[list(amounts), k] = scaled
        self._candidates[:, (matrix > available).any(axis=1)] = False
        return available, matrix

    def _capacities(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        shares = np.flatnonzero(self._shared & self._candidates.any(axis=0)).tolist()
        width = max((len(self._devices[d].capacity) for d in shares), default=0)
        room = np.zeros((len(self._devices), width), np.int64)
        amounts = np.zeros((*self._candidates.shape, width), np.int64)
        for d in shares:
            device = self._devices[d]
            held = self._allocated.consumed(device.id)
            rows = np.flatnonzero(self._candidates[:, d]).tolist()
            charges = [self._eligibility.charge(self._plans[r], device).amounts for r in rows]
            for c, (name, whole) in enumerate(device.capacity):
                room[d, c], scaled = self._scaled(whole - held.get(name, 0), [charge[c] for charge in charges])
                amounts[rows, d, c] = scaled
        return room, amounts

    def _scaled(self, whole: int, parts: Iterable[int]) -> tuple[int, list[int]]:
        """Return an amount and parts of it in their greatest common unit; what no sum of the parts reaches is cut."""
        parts = list(parts)
        unit = math.gcd(*parts) or 1
        most = max(map(abs, parts), default=0) // unit * MAX_RESULTS * max(len(self._plans), 1)
        if any(part < 0 for part in parts):
            self._gaps.append("an amount is negative")
        if most > _MOST:
            self._gaps.append("amounts are too fine for 64 bits")
            return 0, [0] * len(parts)
        return max(-1, min(whole // unit, most)), [part // unit for part in parts]

    def _joints(self) -> tuple[Joint, ...]:
        """Return the compatibility groups by counter set; devices that fit none of those allocated are ruled out."""
        openings = GroupOpenings(self._allocated)
        drawn = drawn_for_shares(self._allocated, self._behaviour)
        by_id = {pool.id: pool for pool in self._pools}
        members: dict[tuple[Hashable, str], dict[int, frozenset[str | None]]] = {}
        opening: dict[tuple[Hashable, str], frozenset[str | None]] = {}
        for device in self._devices:
            if not device.counters or (self._shared[device.index] and drawn(device.id)):
                continue
            for counter_set, names in device.groups:
                key = (device.pool, counter_set)
                common: frozenset[str | None] = names or UNGROUPED
                own = members.setdefault(key, {})
                own[device.index] = own.get(device.index, common) & common
                held = openings.of(by_id[device.pool])
                if counter_set in held:
                    opening[key] = held[counter_set]
        return tuple(self._joint(own, opening.get(key)) for key, own in members.items())

    def _joint(self, own: Mapping[int, frozenset[str | None]], opening: frozenset[str | None] | None) -> Joint:
        names = sorted(
            {name for groups in own.values() for name in groups}, key=lambda name: (name is None, name or "")
        )
        drawing = np.zeros(len(self._devices), np.bool_)
        groups = np.zeros((len(self._devices), len(names)), np.bool_)
        for d, held in own.items():
            drawing[d] = True
            groups[d] = [name in held for name in names]
        common = np.array([opening is None or name in opening for name in names], np.bool_)
        self._candidates[:, drawing & ~(groups & common).any(axis=1)] = False
        return Joint(_sealed(drawing), _sealed(groups), _sealed(common))


def _alone(constraint: Constraint, value: AttributeValue | None) -> bool:
    """Return whether a constraint lets a device in that is the first."""
    allowed = constraint.add(value, 0)
    if allowed:
        constraint.remove(0)
    return allowed


def _row(plan: Plan) -> Row:
    every = None if plan.all_devices is None else tuple(device.index for device in plan.all_devices)
    return Row(plan.claim, plan.request, plan.alternative, plan.count, every, plan.admin)


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
