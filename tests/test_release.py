"""One Kubernetes release as a value: gates, the features that they turn on, and behaviour."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.release import MINORS, release
from drapolicy.release.behaviour import BEHAVIOURS
from drapolicy.release.gates import FEATURES, GATES, NEEDS, VARIANTS

DEFAULTS = {
    "1.34": {"AdminAccess", "PrioritizedList", "DeviceStatus"},
    "1.35": {"AdminAccess", "PrioritizedList"},
    "1.36": {
        "AdminAccess",
        "PrioritizedList",
        "PartitionableDevices",
        "DeviceTaints",
        "DeviceBindingAndStatus",
        "ConsumableCapacity",
    },
    "1.37": {
        "AdminAccess",
        "PrioritizedList",
        "PartitionableDevices",
        "DeviceTaints",
        "DeviceBindingAndStatus",
        "ConsumableCapacity",
        "FractionalCapacityRange",
    },
}
VARIANT = {"1.34": "experimental", "1.35": "incubating", "1.36": "incubating", "1.37": "incubating"}


@pytest.mark.parametrize("minor", MINORS)
def test_default_gates_select_upstreams_allocator(minor: str) -> None:
    """Features and variant are those of a scheduler that was started without arguments (S19)."""
    assert (release(minor).features, release(minor).variant) == (DEFAULTS[minor], VARIANT[minor])


def test_the_newest_release_is_the_default() -> None:
    """Whoever names none gets 1.37."""
    assert (release().minor, release() == release("1.37")) == ("1.37", True)


@pytest.mark.parametrize(
    ("gate", "feature"),
    [
        ("DRAPartitionableDevices", "PartitionableDevices"),
        ("DRADeviceBindingConditions", "DeviceBindingAndStatus"),
        ("DRAFractionalCapacityRange", "FractionalCapacityRange"),
    ],
)
def test_a_gate_that_is_off_turns_off_its_feature(gate: str, feature: str) -> None:
    """The other features stay as they are."""
    assert release(gates={gate: False}).features == DEFAULTS["1.37"] - {feature}


@pytest.mark.parametrize(
    ("gate", "feature"),
    [
        ("DRAListTypeAttributes", "ListTypeAttributes"),
        ("DRADerivedAttributes", "DerivedAttributes"),
        ("DRADeviceCompatibilityGroups", "CompatibilityGroups"),
        ("DRAOptionalNodeOperations", "OptionalNodeOperations"),
    ],
)
def test_an_alpha_gate_turns_on_its_feature(gate: str, feature: str) -> None:
    """And with it the experimental variant, the only one that handles it."""
    alpha = release(gates={gate: True})
    assert (alpha.features, alpha.variant) == (DEFAULTS["1.37"] | {feature}, "experimental")


@pytest.mark.parametrize(
    ("minor", "gates", "message"),
    [
        ("1.37", {"DRA": True}, "feature gate DRA is unknown; known are DRAAdminAccess, "),
        ("1.34", {"DRADeviceTaintRules": True}, "feature gate DRADeviceTaintRules is unknown"),
        ("1.37", {"DRAAdminAccess": False}, "feature gate DRAAdminAccess is locked to true; leave it out"),
        ("1.37", {"DRADeviceTaints": False}, "DRADeviceTaintRules needs DRADeviceTaints; turn it on too"),
        ("1.37", {"DRAConsumableCapacity": False}, "DRAFractionalCapacityRange needs DRAConsumableCapacity"),
    ],
)
def test_gates_that_kubernetes_refuses_are_refused(minor: str, gates: dict[str, bool], message: str) -> None:
    """Unknown ones, locked ones, and those that need another."""
    with pytest.raises(InputError, match=f"Kubernetes {minor}: .*{message}"):
        release(minor, gates=gates)


def test_all_faults_of_gates_are_named_at_once() -> None:
    """One run is enough to fix them."""
    with pytest.raises(InputError, match="DRA is unknown.*; feature gate DRAAdminAccess is locked"):
        release(gates={"DRA": True, "DRAAdminAccess": False})


def test_unknown_releases_are_refused() -> None:
    """The message names what there is."""
    for minor in ("1.33", "1.38", "", "v1.37"):
        with pytest.raises(
            UnsupportedFeatureError, match=f"Kubernetes {minor}: not supported; use 1.34, 1.35, 1.36 or 1.37"
        ):
            release(minor)


@pytest.mark.parametrize("minor", MINORS)
def test_any_features_can_be_on(minor: str) -> None:
    """The allocator of a release runs with any of its features, whatever the gates' defaults."""
    for feature in FEATURES[minor]:
        assert release(minor).with_features([feature]).features == {feature}
    assert release(minor).with_features([]).features == frozenset()
    assert release(minor).with_features(FEATURES[minor]).variant == "experimental"


def test_features_of_other_releases_are_refused() -> None:
    """The message names those of this one."""
    with pytest.raises(InputError, match=r"unknown feature DerivedAttributes; Kubernetes 1\.36 has AdminAccess, "):
        release("1.36").with_features(["DerivedAttributes"])


def test_binding_conditions_took_two_features_in_1_34() -> None:
    """One of them alone does nothing."""
    both = release("1.34").with_features(["DeviceBinding", "DeviceStatus"])
    assert (both.binds, release("1.34").with_features(["DeviceBinding"]).binds, release().binds) == (True, False, True)


def test_variants_handle_what_the_smaller_ones_do() -> None:
    """The experimental one handles everything; what a variant lacks can be asked for."""
    for minor, variants in VARIANTS.items():
        assert variants["stable"] <= variants["incubating"] <= variants["experimental"] == frozenset(FEATURES[minor])
    assert release("1.36").unhandled("stable") == {"DeviceBindingAndStatus", "ConsumableCapacity"}
    with pytest.raises(InputError, match="unknown variant 'fast'; known are stable, incubating, experimental"):
        release().unhandled("fast")


def test_a_variant_can_be_forced_with_its_own_behaviour() -> None:
    """It must handle the features that are on; otherwise the features choose it (S19)."""
    stable = release("1.37").with_features([])
    assert [stable.variant, stable.behaviour.sets, stable.behaviour.complete] == ["stable", False, False]
    forced = stable.with_variant("experimental")
    assert [forced.variant, forced.behaviour.sets, forced.behaviour.complete] == ["experimental", True, True]
    assert forced.with_features(["AdminAccess"]).variant == "experimental"
    with pytest.raises(InputError, match="variant stable cannot handle ConsumableCapacity, DeviceBinding"):
        release().with_variant("stable")


def test_the_tables_have_a_column_for_each_release() -> None:
    """Every gate that another needs exists, in every release that has the other."""
    assert BEHAVIOURS.keys() == set(MINORS)
    assert all(BEHAVIOURS[minor].keys() == VARIANTS[minor].keys() for minor in MINORS)
    for name, row in GATES.items():
        assert len(row) == len(MINORS)
        for needed in NEEDS.get(name, ()):
            assert all(other is not None for gate, other in zip(row, GATES[needed], strict=True) if gate is not None)


@pytest.mark.parametrize(
    ("minor", "gates", "heeds"),
    [
        ("1.34", {}, False),
        ("1.34", {"DRADeviceTaints": True}, True),
        ("1.35", {"DRADeviceTaints": True}, False),
        ("1.35", {"DRADeviceTaints": True, "DRADeviceTaintRules": True}, True),
        ("1.36", {}, False),
        ("1.37", {}, True),
    ],
)
def test_taint_rules_have_a_gate_of_their_own_since_1_35(minor: str, gates: dict[str, bool], heeds: bool) -> None:
    """Before, the gate of taints turned them on."""
    assert release(minor, gates=gates).heeds_taint_rules is heeds
