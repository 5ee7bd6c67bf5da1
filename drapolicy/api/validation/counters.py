"""Rules of counter sets and of what devices consume of them (S45)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from drapolicy.api.names import dns_label, shown
from drapolicy.api.resource import CounterSet, DeviceCounterConsumption, ResourceSliceSpec
from drapolicy.api.validation.report import Report
from drapolicy.api.values import key_path


def check_counter_sets(report: Report, sets: Sequence[CounterSet]) -> None:
    """Check the counter sets that a slice publishes."""
    path = "spec.sharedCounters"
    if not report.at_most(path, sets, report.rules.counter_sets):
        return
    report.unique(path, [counter_set.name for counter_set in sets], ".name")
    for index, counter_set in enumerate(sets):
        report.name(f"{path}[{index}].name", counter_set.name, dns_label)
        _check_counters(report, f"{path}[{index}].counters", counter_set.counters, report.rules.set_counters)
    _check_total(report, path, sum(len(counter_set.counters) for counter_set in sets), report.rules.slice_counters)


def check_consumption(report: Report, path: str, consumptions: Sequence[DeviceCounterConsumption]) -> None:
    """Check what a device draws from counter sets."""
    if not report.at_most(path, consumptions, report.rules.consumptions):
        return
    report.unique(path, [consumption.counter_set for consumption in consumptions], ".counterSet")
    for index, consumption in enumerate(consumptions):
        place = f"{path}[{index}]"
        report.name(f"{place}.counterSet", consumption.counter_set, dns_label)
        _check_counters(report, f"{place}.counters", consumption.counters, report.rules.consumed_counters)
        groups = consumption.compatibility_groups
        report.gated(place, "compatibilityGroups", groups, "DRADeviceCompatibilityGroups")
        if report.at_most(f"{place}.compatibilityGroups", groups, report.rules.groups):
            report.unique(f"{place}.compatibilityGroups", groups)
            for number, group in enumerate(groups):
                report.name(f"{place}.compatibilityGroups[{number}]", group, dns_label)
    _check_total(report, path, _size(consumptions), report.rules.device_counters)


def check_totals(report: Report, spec: ResourceSliceSpec) -> None:
    """Check what only the devices of a slice together show."""
    total = sum(_size(device.consumes_counters) for device in spec.devices)
    _check_total(report, "spec.devices", total, report.rules.devices_counters)
    if report.rules.separate_counters:
        return
    own = {counter_set.name: counter_set.counters for counter_set in spec.shared_counters}
    for number, device in enumerate(spec.devices):
        for index, consumption in enumerate(device.consumes_counters):
            place = f"spec.devices[{number}].consumesCounters[{index}]"
            if consumption.counter_set not in own:
                known = ", ".join(own) or "(none defined)"
                wanted = shown(consumption.counter_set)
                report.add(f"{place}.counterSet", f"{wanted} is no counter set of this slice; use one of {known}")
                continue
            counters = own[consumption.counter_set]
            for name in consumption.counters:
                if name not in counters:
                    known = ", ".join(counters)
                    report.add(key_path(f"{place}.counters", name), f"is not in the counter set; use one of {known}")


def _size(consumptions: Iterable[DeviceCounterConsumption]) -> int:
    return sum(len(consumption.counters) for consumption in consumptions)


def _check_total(report: Report, path: str, total: int, limit: int) -> None:
    if total > limit:
        report.add(path, f"has {total} counters together; use at most {limit}")


def _check_counters(report: Report, path: str, counters: Mapping[str, object], limit: int) -> None:
    if not counters:
        report.required(path, "name at least one counter")
    elif report.at_most(path, counters, limit):
        for name in counters:
            report.name(key_path(path, name), name, dns_label)
