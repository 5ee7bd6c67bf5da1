"""Devices of a fleet as a sequence: as they were published, in order, and no further."""

from __future__ import annotations

import pytest

from drapolicy.inventory import build
from drapolicy.workload import fleet_objects

OBJECTS = fleet_objects("a100-mig", 1)
DEVICES = build(OBJECTS).devices


def test_devices_are_those_of_the_slices() -> None:
    """Iterating ends with the last device; each is what its slice publishes."""
    assert list(DEVICES) == [device for each in OBJECTS.slices for device in each.spec.devices]


def test_places_count_from_both_ends() -> None:
    """A negative place counts from the end."""
    assert DEVICES[-1] == DEVICES[len(DEVICES) - 1]


@pytest.mark.parametrize("place", [len(DEVICES), -len(DEVICES) - 1])
def test_places_outside_are_refused(place: int) -> None:
    """There is no device before the first or behind the last."""
    with pytest.raises(IndexError):
        DEVICES[place]
