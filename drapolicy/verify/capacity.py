"""How much of a capacity one share takes, and whether the policy of the capacity allows it (K8s S42, S43)."""

from __future__ import annotations

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import CapacityRequestPolicyRange, DeviceCapacity

_UNIT = 10**9
_MILLI = 10**6
_MAX_INT64 = 2**63 - 1


class NotRepresentableError(ValueError):
    """The amount leaves the arithmetic of the range, on which Kubernetes gives up the pod (S42)."""


def consumed(
    requested: Quantity | None, capacity: DeviceCapacity, *, fractional: bool, wraps: bool = False
) -> Quantity:
    """Return the amount that a share takes.

    Parameters
    ----------
    requested
        Amount that the request names for this capacity, None when it names none.
    capacity
        Capacity of the device.
    fractional
        Whether ranges count in milli units where they can (feature FractionalCapacityRange).
    wraps
        Whether amounts wrap around in 64 bits and may be negative, as up to 1.36.

    Raises
    ------
    NotRepresentableError
        If the rounded amount is negative or leaves int64.
    """
    amount = _rounded(requested, capacity, fractional=fractional, wraps=wraps)
    if amount.nano < 0 and not wraps:
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
            least = limits.min if limits.min is not None else Quantity("0")
            if _int64(_units(amount, unit) - _units(least, unit)) % max(_units(limits.step, unit), 1):
                return f"is not the minimum plus a multiple of the step {limits.step}"
        return ""
    if policy.valid_values and all(amount.nano != valid.nano for valid in policy.valid_values):
        return f"is none of the valid values {', '.join(str(valid) for valid in policy.valid_values)}"
    return ""


def _rounded(requested: Quantity | None, capacity: DeviceCapacity, *, fractional: bool, wraps: bool) -> Quantity:
    policy = capacity.request_policy
    if requested is None:
        return policy.default if policy is not None and policy.default is not None else capacity.value
    if policy is None:
        return requested
    if policy.valid_range is not None and policy.valid_range.min is not None:
        return _in_steps(requested, policy.valid_range.min, policy.valid_range, fractional=fractional, wraps=wraps)
    return next((valid for valid in policy.valid_values if requested.nano <= valid.nano), requested)


def _in_steps(
    requested: Quantity, least: Quantity, limits: CapacityRequestPolicyRange, *, fractional: bool, wraps: bool
) -> Quantity:
    if requested.nano < least.nano:
        return least
    if limits.step is None:
        return requested
    unit = _unit(limits, fractional=fractional)
    if unit == _MILLI and not _is_milli(requested):
        message = f"request {requested} is not a representable milli value"
        raise NotRepresentableError(message)
    if not wraps and requested.nano > _MAX_INT64 * unit:
        message = f"request {requested} is larger than the largest number"
        raise NotRepresentableError(message)
    start, step = _units(least, unit), max(_units(limits.step, unit), 1)
    added = _units(requested, unit) - start
    if wraps:
        added = _int64(added)
    # Go divides towards zero and then adds one for any rest.
    steps = abs(added) // step * (1 if added >= 0 else -1) + bool(added % step)
    rounded = start + steps * step
    if wraps:
        return Quantity.from_nano(_int64(rounded) * unit, "BinarySI")
    if rounded > _MAX_INT64:
        message = f"request {requested} rounds up beyond the largest number"
        raise NotRepresentableError(message)
    return Quantity.from_nano(rounded * unit, limits.step.format)


def _unit(limits: CapacityRequestPolicyRange, *, fractional: bool) -> int:
    given = [bound for bound in (limits.min, limits.max, limits.step) if bound is not None]
    return _MILLI if fractional and all(_is_milli(bound) for bound in given) else _UNIT


def _is_milli(amount: Quantity) -> bool:
    return amount.nano % _MILLI == 0 and abs(amount.nano) // _MILLI <= _MAX_INT64


def _units(amount: Quantity, unit: int) -> int:
    """Return the amount in units, rounded up; what int64 does not hold is cut as Kubernetes cuts it."""
    units = -(-amount.nano // unit)
    if abs(units) <= _MAX_INT64:
        return units
    return 0 if amount.same_form(amount) else _int64(units)


def _int64(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63
