"""What makes a pool contradict itself, in upstream's words (K8s S25)."""

from __future__ import annotations

from collections.abc import Sequence

from drapolicy.api.resource import DeviceCounterConsumption, ResourceSlice


def duplicate_device(slices: Sequence[ResourceSlice]) -> str:
    """Return which name several devices have; empty when none."""
    names: set[str] = set()
    for owner in slices:
        for device in owner.spec.devices:
            if device.name in names:
                return f"duplicate device name {device.name}"
            names.add(device.name)
    return ""


def collect_counters(slices: Sequence[ResourceSlice], into: dict[tuple[str, str], int]) -> str:
    """Add the counters of a pool to ``into``; return which name several counter sets have, empty when none."""
    names: set[str] = set()
    for owner in slices:
        for counter_set in owner.spec.shared_counters:
            if counter_set.name in names:
                return f"duplicate counter set name {counter_set.name}"
            names.add(counter_set.name)
            into.update(
                {(counter_set.name, name): counter.value.nano for name, counter in counter_set.counters.items()}
            )
    return ""


def undefined_counter(counter_slices: Sequence[ResourceSlice], slices: Sequence[ResourceSlice]) -> str:
    """Return which counter the devices of ``slices`` draw though no slice defines it; empty when none."""
    defined = {known.name: known.counters for owner in counter_slices for known in owner.spec.shared_counters}
    drawn: list[DeviceCounterConsumption] = [
        drawn for owner in slices for device in owner.spec.devices for drawn in device.consumes_counters
    ]
    for entry in drawn:
        if entry.counter_set not in defined:
            return f"counter set {entry.counter_set} not found"
        for name in entry.counters:
            if name not in defined[entry.counter_set]:
                return f"counter {name} not found in counter set {entry.counter_set}"
    return ""
