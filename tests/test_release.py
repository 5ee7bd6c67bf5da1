"""One Kubernetes release as a value: gates and the features that they turn on."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.release import SUPPORTED_FEATURES, release


def test_default_gates_turn_on_what_is_supported() -> None:
    """1.37 with its default gates needs exactly the features whose rules are implemented."""
    assert release().features == SUPPORTED_FEATURES
    assert (release().minor, release() == release("1.37")) == ("1.37", True)


@pytest.mark.parametrize(
    ("gate", "feature"),
    [
        ("DRAAdminAccess", "AdminAccess"),
        ("DRAPrioritizedList", "PrioritizedList"),
        ("DRAPartitionableDevices", "PartitionableDevices"),
        ("DRADeviceTaints", "DeviceTaints"),
        ("DRAConsumableCapacity", "ConsumableCapacity"),
        ("DRAFractionalCapacityRange", "FractionalCapacityRange"),
        ("DRADeviceBindingConditions", "DeviceBindingAndStatus"),
        ("DRAResourceClaimDeviceStatus", "DeviceBindingAndStatus"),
    ],
)
def test_a_gate_that_is_off_turns_off_its_feature(gate: str, feature: str) -> None:
    """Features that need several gates need all of them."""
    assert release(gates={gate: False}).features == SUPPORTED_FEATURES - {feature}


@pytest.mark.parametrize(
    ("gate", "feature"),
    [
        ("DRAListTypeAttributes", "ListTypeAttributes"),
        ("DRADerivedAttributes", "DerivedAttributes"),
        ("DRADeviceCompatibilityGroups", "CompatibilityGroups"),
        ("DRAOptionalNodeOperations", "OptionalNodeOperations"),
    ],
)
def test_alpha_gates_are_refused_by_name(gate: str, feature: str) -> None:
    """A gate whose rules are not implemented cannot be turned on."""
    with pytest.raises(UnsupportedFeatureError, match=f"the rules of {feature} are not implemented") as caught:
        release(gates={gate: True})
    assert caught.value.missing == (feature,)


def test_unknown_gates_and_releases_are_refused() -> None:
    """The message names what there is."""
    with pytest.raises(InputError, match="feature gate DRA is unknown; known are DRAAdminAccess, "):
        release(gates={"DRA": True})
    for minor in ("1.36", "1.38", "", "v1.37"):
        with pytest.raises(UnsupportedFeatureError, match=f"Kubernetes {minor}: not supported; use 1.37"):
            release(minor)
