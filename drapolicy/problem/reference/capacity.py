"""What a request consumes of a device's capacities (K8s S41-S43)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity
from drapolicy.inventory.pool_device import PoolDevice

_NANO_PER_MILLI = 10**6
_NANO_PER_ONE = 10**9
_MAX_INT64 = 2**63 - 1

_NOT_REPRESENTABLE = "capacity request cannot be represented in the device's range arithmetic"
_NEGATIVE = "capacity value is negative"


class Charge(NamedTuple):
    """What one request takes of one device, whoever else holds shares of it.

    Attributes
    ----------
    usable
        False when the device lacks a capacity that is asked for, or its policy does not allow the amount.
    amounts
        Consumed amount per capacity, in the order of ``device.api.capacity``, in nano units.
    quantities
        The same amounts as Kubernetes writes them.
    problem
        Why the attempt to schedule the pod must end, in upstream's words; empty when it need not.
    """

    usable: bool
    amounts: tuple[int, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    problem: str = ""


class UnrepresentableError(Exception):
    """An amount that Kubernetes cannot compute with."""


def charge(device: PoolDevice, requests: Mapping[str, Quantity], *, fractional: bool, checked: bool = True) -> Charge:
    """Return what a request takes of a device.

    Parameters
    ----------
    requests
        Amounts asked for, by the capacity's name as the device spells it.
    fractional
        The gate DRAFractionalCapacityRange is on: steps may be fractions, down to 1m.
    checked
        An amount that leaves 64 bits or is negative ends the attempt. Otherwise it wraps around, and is written in
        binary units (``Behaviour.capacity_errors_abort``).
    """
    capacities = device.api.capacity
    if any(name not in capacities for name in requests):
        return Charge(usable=False)
    consumed: list[Quantity] = []
    for name, capacity in capacities.items():
        try:
            amount = _consumed(requests.get(name), capacity, fractional=fractional, checked=checked)
        except UnrepresentableError as error:
            return Charge(usable=False, problem=f"capacity {json.dumps(name)}: {error}")
        if checked and amount.nano < 0:
            return Charge(usable=False, problem=f"capacity {json.dumps(name)}: {_NEGATIVE}")
        consumed.append(amount)
    usable = not any(
        _violates(amount, capacity.request_policy, fractional=fractional)
        for amount, capacity in zip(consumed, capacities.values(), strict=True)
    )
    return Charge(usable, tuple(amount.nano for amount in consumed), tuple(consumed))


def _consumed(requested: Quantity | None, capacity: DeviceCapacity, *, fractional: bool, checked: bool) -> Quantity:
    policy = capacity.request_policy
    if requested is None:
        return policy.default if policy is not None and policy.default is not None else capacity.value
    if policy is None:
        return requested
    if policy.valid_range is not None and policy.valid_range.min is not None:
        return _round_up(requested, policy.valid_range, fractional=fractional, checked=checked)
    return next((value for value in policy.valid_values if requested.nano <= value.nano), requested)


def _round_up(requested: Quantity, valid: CapacityRequestPolicyRange, *, fractional: bool, checked: bool) -> Quantity:
    assert valid.min is not None
    if requested.nano < valid.min.nano:
        return valid.min
    if valid.step is None:
        return requested
    if _in_milli(valid, fractional=fractional):
        unit, wanted = _NANO_PER_MILLI, _exact_milli(requested)
        if wanted is None:
            message = f"{_NOT_REPRESENTABLE}: request {requested} is not a representable milli value"
            raise UnrepresentableError(message)
        lowest, step, limit = valid.min.milli_value(), valid.step.milli_value(), "the milli-value range"
    else:
        unit = _NANO_PER_ONE
        if checked and requested.nano > _MAX_INT64 * _NANO_PER_ONE:
            message = f"{_NOT_REPRESENTABLE}: request {requested} exceeds MaxInt64"
            raise UnrepresentableError(message)
        wanted, lowest, step, limit = _whole(requested), _whole(valid.min), _whole(valid.step), "MaxInt64"
    if step == 0:
        # Upstream divides by it; validation does not let such a step in.
        message = "runtime error: integer divide by zero"
        raise UnrepresentableError(message)
    if not checked:
        return Quantity.from_nano(_wrapped_round_up(wanted, lowest, step) * unit, "BinarySI")
    steps = -(-(wanted - lowest) // step)
    if steps > (_MAX_INT64 - lowest) // step:
        message = f"{_NOT_REPRESENTABLE}: rounding request {requested} up to the next step passes {limit}"
        raise UnrepresentableError(message)
    return Quantity.from_nano((lowest + steps * step) * unit, valid.step.format)


def _wrapped_round_up(wanted: int, lowest: int, step: int) -> int:
    """Return the amount rounded up in 64 bits, which wrap around, with division that rounds towards zero."""
    added = _int64(wanted - lowest)
    steps, rest = divmod(abs(added), abs(step))
    if (added < 0) != (step < 0):
        steps = -steps
    return _int64(lowest + _int64(step * (steps + (rest != 0))))


def _int64(value: int) -> int:
    return (value + _MAX_INT64 + 1) % 2**64 - _MAX_INT64 - 1


def _violates(amount: Quantity, policy: CapacityRequestPolicy | None, *, fractional: bool) -> bool:
    if policy is None:
        return False
    if policy.default is not None and amount.same_form(policy.default):
        return False
    if policy.valid_range is not None:
        return _outside(amount, policy.valid_range, fractional=fractional)
    return bool(policy.valid_values) and all(amount.nano != value.nano for value in policy.valid_values)


def _outside(amount: Quantity, valid: CapacityRequestPolicyRange, *, fractional: bool) -> bool:
    if valid.max is not None and amount.nano > valid.max.nano:
        return True
    if valid.step is None:
        return False
    lowest = valid.min if valid.min is not None else Quantity.from_nano(0)
    if _in_milli(valid, fractional=fractional):
        exact = _exact_milli(amount)
        return exact is None or (exact - lowest.milli_value()) % valid.step.milli_value() != 0
    step = _whole(valid.step)
    return step == 0 or _int64(_whole(amount) - _whole(lowest)) % step != 0


def _in_milli(valid: CapacityRequestPolicyRange, *, fractional: bool) -> bool:
    """Return whether steps are counted in milli units: whenever min, max and step all are whole milli units."""
    bounds = [bound for bound in (valid.min, valid.max, valid.step) if bound is not None]
    if not fractional or any(_exact_milli(bound) is None for bound in bounds):
        return False
    return valid.step is None or valid.step.nano >= _NANO_PER_MILLI


def _whole(amount: Quantity) -> int:
    """Return the amount in whole units as upstream's ``Value`` does, which beyond 64 bits is 0 or wraps around.

    Validation keeps such amounts away from ranges; a stored object may hold them all the same.
    """
    whole = amount.value()
    if -_MAX_INT64 - 1 <= whole <= _MAX_INT64:
        return whole
    held_as_int64 = amount.same_form(amount)
    return 0 if held_as_int64 else _int64(whole)


def _exact_milli(amount: Quantity) -> int | None:
    """Return the amount in milli units; None when it is none exactly or leaves 64 bits."""
    milli, rest = divmod(amount.nano, _NANO_PER_MILLI)
    return milli if rest == 0 and -_MAX_INT64 - 1 <= milli <= _MAX_INT64 else None
