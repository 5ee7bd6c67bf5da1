"""How much of a capacity one share takes, and whether the policy of the capacity allows it (K8s S42, S43)."""

from __future__ import annotations

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import CapacityRequestPolicyRange, DeviceCapacity

_UNIT = 10**9
_MILLI = 10**6
_MAX_INT64 = 2**63 - 1


class NotRepresentableError(ValueError):
    """The amount leaves the arithmetic of the range, on which Kubernetes gives up the pod (S42)."""


def consumed(requested: Quantity | None, capacity: DeviceCapacity, *, fractional: bool) -> Quantity:
    """Return the amount that a share takes.

    Parameters
    ----------
    requested
        Amount that the request names for this capacity, None when it names none.
    capacity
        Capacity of the device.
    fractional
        Whether ranges count in milli units where they can (feature FractionalCapacityRange).

    Raises
    ------
    NotRepresentableError
        If the rounded amount is negative or leaves int64.
    """
    amount = _rounded(requested, capacity, fractional=fractional)
    if amount.nano < 0:
        message = f"amount {amount} is negative"
        raise NotRepresentableError(message)
    return amount


def violation(amount: Quantity, capacity: DeviceCapacity, *, fractional: bool) -> str:
    """Return how the amount breaks the request policy of the capacity, empty when it does not."""
    policy = capacity.request_policy
    if policy is None:
        return ""
    default = policy.default
    if default is not None and amount.same_form(default):
        return ""
    limits = policy.valid_range
    if limits is not None:
        if limits.max is not None and amount.nano > limits.max.nano:
            return f"exceeds the maximum {limits.max}"
        if limits.step is not None:
            unit = _unit(limits, fractional=fractional)
            if unit == _MILLI and not _is_milli(amount):
                return "is finer than a thousandth"
            least = limits.min.nano if limits.min is not None else 0
            if (_units(amount.nano, unit) - _units(least, unit)) % max(_units(limits.step.nano, unit), 1):
                return f"is not the minimum plus a multiple of the step {limits.step}"
        return ""
    if policy.valid_values and all(amount.nano != valid.nano for valid in policy.valid_values):
        return f"is none of the valid values {', '.join(str(valid) for valid in policy.valid_values)}"
    return ""


def _rounded(requested: Quantity | None, capacity: DeviceCapacity, *, fractional: bool) -> Quantity:
    policy = capacity.request_policy
    if requested is None:
        return policy.default if policy is not None and policy.default is not None else capacity.value
    if policy is None:
        return requested
    if policy.valid_range is not None and policy.valid_range.min is not None:
        return _in_steps(requested, policy.valid_range.min, policy.valid_range, fractional=fractional)
    return next((valid for valid in policy.valid_values if requested.nano <= valid.nano), requested)


def _in_steps(
    requested: Quantity, least: Quantity, limits: CapacityRequestPolicyRange, *, fractional: bool
) -> Quantity:
    if requested.nano < least.nano:
        return least
    if limits.step is None:
        return requested
    unit = _unit(limits, fractional=fractional)
    if unit == _MILLI and not _is_milli(requested):
        message = f"request {requested} is not a representable milli value"
        raise NotRepresentableError(message)
    start, step = _units(least.nano, unit), max(_units(limits.step.nano, unit), 1)
    steps = -((start - _units(requested.nano, unit)) // step)
    rounded = start + steps * step
    if max(rounded, _units(requested.nano, unit)) > _MAX_INT64:
        message = f"request {requested} rounds up beyond the largest number"
        raise NotRepresentableError(message)
    return Quantity.from_nano(rounded * unit, limits.step.format)


def _unit(limits: CapacityRequestPolicyRange, *, fractional: bool) -> int:
    given = [bound for bound in (limits.min, limits.max, limits.step) if bound is not None]
    return _MILLI if fractional and all(_is_milli(bound) for bound in given) else _UNIT


def _is_milli(amount: Quantity) -> bool:
    return amount.nano % _MILLI == 0 and abs(amount.nano) // _MILLI <= _MAX_INT64


def _units(nano: int, unit: int) -> int:
    return -(-nano // unit)
