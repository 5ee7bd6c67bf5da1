"""Claims made ready for the search: gates, classes, the devices that All means, limits (K8s S29-S32)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from drapolicy.api.resource import (
    DeviceClass,
    DeviceConstraint,
    DeviceRequest,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
)
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.inventory.pools import Pool
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.reference.constraints import Constraint, DistinctAttribute, MatchAttribute, MatchLists
from drapolicy.problem.reference.eligibility import Eligibility
from drapolicy.problem.reference.plan import AbortError, Plan, claim_name
from drapolicy.release import Release

MAX_RESULTS = 32


class Preparation:
    """Turns claims into plans for one node.

    Parameters
    ----------
    release
        Kubernetes release with its gates.
    classes
        Device classes by name.
    pools
        Pools of the node, in order.
    eligibility
        Answers about requests and devices.
    allocated
        What is taken.
    """

    def __init__(
        self,
        release: Release,
        classes: Mapping[str, DeviceClass],
        pools: Sequence[Pool],
        eligibility: Eligibility,
        allocated: AllocatedState,
    ) -> None:
        self._release = release
        self._behaviour = release.behaviour
        self._classes = classes
        self._pools = pools
        self._eligibility = eligibility
        self._allocated = allocated

    def plans(self, claims: Sequence[ResourceClaim]) -> list[list[list[Plan]]]:
        """Return the plans per claim, request and alternative.

        Raises
        ------
        AbortError
            When the claims cannot be handled on any node; checks run in upstream's order.
        InputError
            For a negative count, which the API server refuses and upstream does not survive.
        """
        return [self._claim(position, claim) for position, claim in enumerate(claims)]

    def _claim(self, position: int, claim: ResourceClaim) -> list[list[Plan]]:
        least = 0
        plans: list[list[Plan]] = []
        for request_position, request in enumerate(claim.spec.devices.requests):
            self._check_gates(claim, request)
            alternatives = self._alternatives(position, request_position, claim, request)
            fewest = min(plan.count for plan in alternatives)
            if fewest > MAX_RESULTS - least:
                message = (
                    f"claim {claim_name(claim)}, request {request.name}: adding {fewest} devices exceeds"
                    f" the claim limit of {MAX_RESULTS}, with {least} already accounted for"
                )
                raise AbortError(message)
            least += fewest
            plans.append(alternatives)
        constraints = [self._constraint(claim, i, entry) for i, entry in enumerate(claim.spec.devices.constraints)]
        for request, alternatives in zip(claim.spec.devices.requests, plans, strict=True):
            for plan in alternatives:
                names = {request.name}
                if request.first_available:
                    names.add(f"{request.name}/{request.first_available[plan.alternative].name}")
                plan.constraints = tuple(
                    made
                    for made, entry in zip(constraints, claim.spec.devices.constraints, strict=True)
                    if not entry.requests or names.intersection(entry.requests)
                )
        return plans

    def _check_gates(self, claim: ResourceClaim, request: DeviceRequest) -> None:
        where = f"claim {claim_name(claim)}, request {request.name}"
        if request.first_available and "PrioritizedList" not in self._release.features:
            message = f"{where}: has subrequests, but the DRAPrioritizedList feature is disabled"
            raise AbortError(message)
        if "ConsumableCapacity" in self._release.features or not self._behaviour.complete:
            return
        disabled = "has capacity requests, but the DRAConsumableCapacity feature is disabled"
        if request.exactly is not None and request.exactly.capacity is not None:
            message = f"{where}: {disabled}"
            raise AbortError(message)
        for alternative in request.first_available:
            if alternative.capacity is not None:
                if self._behaviour.blames_alternative:
                    where = f"claim {claim_name(claim)}, subrequest {alternative.name}"
                message = f"{where}: {disabled}"
                raise AbortError(message)

    def _alternatives(
        self, claim_position: int, position: int, claim: ResourceClaim, request: DeviceRequest
    ) -> list[Plan]:
        if not request.first_available:
            spec = request.exactly if request.exactly is not None else ExactDeviceRequest()
            return [self._plan((claim_position, position, 0), claim, request.name, spec)]
        plans: list[Plan] = []
        for i, alternative in enumerate(request.first_available):
            like = plans[0] if i == 1 and not self._behaviour.matches_each_alternative else None
            plans.append(self._plan((claim_position, position, i), claim, alternative.name, alternative, like=like))
        return plans

    def _plan(
        self,
        position: tuple[int, int, int],
        claim: ResourceClaim,
        name: str,
        spec: ExactDeviceRequest | DeviceSubRequest,
        *,
        like: Plan | None = None,
    ) -> Plan:
        where = f"claim {claim_name(claim)}, request {name}"
        if not self._behaviour.alpha_fields:
            spec = replace(spec, derived_attributes=[])
        if spec.derived_attributes and "DerivedAttributes" not in self._release.features:
            message = f"{where}: cannot handle request with derived attributes, the feature is disabled"
            raise AbortError(message)
        for i, selector in enumerate(spec.selectors):
            if selector.cel is None:
                message = f"{where}, selector #{i}: CEL expression empty (unsupported selector type?)"
                raise AbortError(message)
        if (
            isinstance(spec, ExactDeviceRequest)
            and spec.admin_access is not None
            and "AdminAccess" not in self._release.features
        ):
            message = f"{where}: admin access is requested, but the feature is disabled"
            raise AbortError(message)
        class_name = spec.device_class_name
        if not class_name:
            message = f"{where}: missing device class name (unsupported request type?)"
            raise AbortError(message)
        if class_name not in self._classes:
            message = (
                f"{where}: could not retrieve device class {class_name}: "
                f'deviceclass.resource.k8s.io "{class_name}" not found'
            )
            raise AbortError(message)
        plan = Plan(
            position,
            claim,
            name,
            spec,
            self._classes[class_name],
            fractional="FractionalCapacityRange" in self._release.features,
        )
        if spec.allocation_mode == "ExactCount":
            if spec.count < 0:
                message = f"{where}: count {spec.count} is negative; ask for at least 1"
                raise InputError(message)
            plan.count = spec.count
        elif spec.allocation_mode == "All":
            plan.all_devices = self._all(plan, plan if like is None or like.all_devices is None else like)
            plan.count = len(plan.all_devices)
        else:
            message = f"{where}: unsupported count mode {spec.allocation_mode}"
            raise AbortError(message)
        return plan

    def _all(self, plan: Plan, chooser: Plan) -> list[PoolDevice]:
        """Return the devices that mode All needs, busy and tainted ones included (K8s S30).

        A device too small for the request, however idle, is left out; before 1.37 also one that is too full. The
        selectors are those of ``chooser``.
        """
        found: list[PoolDevice] = []
        for pool in self._pools:
            if pool.incomplete or pool.invalid:
                state = "being updated" if pool.incomplete else "invalid"
                message = f"{plan.where}: asks for all devices, but resource pool {pool.id} is currently {state}"
                raise AbortError(message)
            found += [
                device
                for device in pool.devices
                if self._eligibility.selectable(chooser, device) and self._big_enough(plan, device)
            ]
        return found

    def _big_enough(self, plan: Plan, device: PoolDevice) -> bool:
        if "ConsumableCapacity" not in self._release.features:
            return True
        charge = self._eligibility.charge(plan, device)
        if charge.problem and self._behaviour.capacity_errors_abort:
            message = f"{plan.where}: checking capacity for device {device.id.device}: {charge.problem}"
            raise AbortError(message)
        used = {} if self._behaviour.all_ignores_use else self._allocated.consumed(device.id)
        return charge.usable and all(
            amount + used.get(name, 0) <= whole
            for amount, (name, whole) in zip(charge.amounts, device.capacity, strict=True)
        )

    def _constraint(self, claim: ResourceClaim, position: int, entry: DeviceConstraint) -> Constraint:
        lists = "ListTypeAttributes" in self._release.features
        if entry.match_attribute is not None:
            if lists:
                return MatchLists(entry.match_attribute, restores=self._behaviour.restores_common_values)
            return MatchAttribute(entry.match_attribute)
        if entry.distinct_attribute is not None and self._behaviour.complete:
            return DistinctAttribute(
                entry.distinct_attribute,
                lists=lists,
                compares=self._behaviour.compares_distinct,
                remembers_all=self._behaviour.remembers_all_distinct,
            )
        message = f"claim {claim_name(claim)}, constraint #{position}: empty constraint (unsupported constraint type?)"
        raise AbortError(message)
