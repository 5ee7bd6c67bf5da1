"""Rules of request policies: how shares of a capacity may be asked for (A.3, S42)."""

from __future__ import annotations

from typing import Final

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import CapacityRequestPolicyRange, DeviceCapacity
from drapolicy.api.validation.report import Report

FRACTIONS: Final = "DRAFractionalCapacityRange"
_WHOLE: Final = 10**9
_MILLI: Final = 10**6
_MAX: Final = 2**63 - 1


def check_request_policy(report: Report, path: str, capacity: DeviceCapacity, *, shareable: bool) -> None:
    """Check the policy of one capacity; only shareable devices may have one."""
    policy = capacity.request_policy
    if policy is None:
        return
    report.gated(path, "requestPolicy", policy, "DRAConsumableCapacity")
    path = f"{path}.requestPolicy"
    if not shareable:
        report.add(path, "is only allowed on devices with allowMultipleAllocations: true; set that or remove it")
    elif policy.valid_values and policy.valid_range is not None:
        report.add(path, "sets validValues and validRange; keep one of them")
    elif policy.default is None:
        if policy.valid_values or policy.valid_range is not None:
            report.required(f"{path}.default", "set the amount that requests without one consume")
    elif policy.valid_values:
        _check_values(report, f"{path}.validValues", capacity.value, policy.default, policy.valid_values)
    elif policy.valid_range is not None:
        _check_range(report, path, capacity.value, policy.default, policy.valid_range)


def _check_values(report: Report, path: str, value: Quantity, default: Quantity, options: list[Quantity]) -> None:
    if not report.at_most(path, options, report.rules.valid_values):
        return
    fractions = FRACTIONS in report.release.gates
    for index, option in enumerate(options):
        before = options[index - 1]
        if index and before >= option:
            report.add(f"{path}[{index}]", f"{option} is not above {before}; list each value once, ascending")
        elif index and not fractions and before.value() == option.value():
            report.add(f"{path}[{index}]", f"{option} is {before} once both are rounded up; list whole numbers")
        if option > value:
            report.add(f"{path}[{index}]", f"{option} exceeds the capacity {value}; lower or remove it")
    if default not in options:
        report.add(path, f"lacks the default {default}; add it or choose another default")


def _check_range(
    report: Report, path: str, value: Quantity, default: Quantity, bounds: CapacityRequestPolicyRange
) -> None:
    low, high, step = bounds.min, bounds.max, bounds.step
    place = f"{path}.validRange"
    if low is None:
        report.required(f"{place}.min", "set the smallest amount")
        return
    if low > value:
        report.add(f"{place}.min", f"{low} exceeds the capacity {value}; lower it")
    if default < low:
        report.add(f"{path}.default", f"{default} is below min {low}; raise it")
    if high is not None:
        if low > high:
            report.add(f"{place}.max", f"{high} is below min {low}; raise it")
        if high > value:
            report.add(f"{place}.max", f"{high} exceeds the capacity {value}; lower it")
        if default > high:
            report.add(f"{path}.default", f"{default} is above max {high}; lower it")
    named = [(f"{path}.default", default), (f"{place}.min", low), (f"{place}.max", high), (f"{place}.step", step)]
    amounts = [(name, amount) for name, amount in named if amount is not None]
    fractional = FRACTIONS in report.release.gates and any(amount.nano % _WHOLE for _, amount in amounts)
    if fractional:
        # Steps are then counted in milli units, which must hold every amount exactly.
        unsafe = [(name, amount) for name, amount in amounts if not _whole_milli(amount)]
        for name, amount in unsafe:
            report.add(name, f"{amount} is not a whole number of milli units within 64 bits; round it to 1m")
        if unsafe:
            return
    if step is None:
        return
    # Before Kubernetes 1.37 a negative step was let pass, and one of 0 made the API server fail.
    if step.nano <= 0 and (report.rules.positive_step or not step.nano):
        report.add(f"{place}.step", f"{step} is not positive; use more than 0 or leave it out")
        return
    if low + step > value:
        report.add(f"{place}.step", f"{step} from min {low} leads beyond the capacity {value}; lower it")
    if not fractional and report.rules.positive_step:
        wide = [(name, amount) for name, amount in amounts if not 0 <= amount.nano <= _MAX * _WHOLE]
        for name, amount in wide:
            report.add(name, f"{amount} is outside 0 to 2^63-1; choose an amount inside")
        if wide:
            return
    count = Quantity.milli_value if fractional else Quantity.value
    ends = [(f"{path}.default", default)]
    if high is not None:
        ends.append((f"{place}.max", high))
    for name, amount in ends:
        if (count(amount) - count(low)) % count(step):
            report.add(name, f"{amount} is not a number of steps {step} from min {low}; change it or the step")


def _whole_milli(amount: Quantity) -> bool:
    return amount.nano % _MILLI == 0 and abs(amount.nano // _MILLI) <= _MAX
