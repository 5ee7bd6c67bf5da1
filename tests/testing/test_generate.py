"""Random problems: the same everywhere, valid, and of every kind."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys

import pytest

from drapolicy.api import dump, loads
from drapolicy.errors import InputError
from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import FEATURES
from drapolicy.testing.generate import SIZES, Case, problem

SEEDS = range(150)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [problem(seed) for seed in SEEDS]


def digest(seed: int) -> str:
    return hashlib.sha256(dump(problem(seed).objects, "json").encode()).hexdigest()


def test_a_seed_means_the_same_in_any_process() -> None:
    """Neither the process nor its hash seed changes a problem."""
    code = (
        "import hashlib; from drapolicy.api import dump; from drapolicy.testing.generate import problem;"
        "print(hashlib.sha256(dump(problem(11).objects, 'json').encode()).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert answers == {digest(11)}


def test_seeds_differ() -> None:
    """Different seeds and sizes give different problems."""
    made = [dump(problem(seed, size=size).objects, "json") for seed in range(20) for size in SIZES]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("size", SIZES)
def test_problems_are_valid(size: str) -> None:
    """The reader, which checks every rule of the API, takes each problem and gives it back unchanged."""
    for seed in range(40):
        objects = problem(seed, size=size).objects
        assert loads(dump(objects, "json")) == objects


def every(minor: str) -> Release:
    """The release with every gate of the allocator on."""
    return release(minor).with_features(FEATURES[minor])


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("gates", ["default", "every"])
def test_problems_are_valid_in_their_release(minor: str, gates: str) -> None:
    """Each release's reader takes the problems made for it, with default gates and with every gate on."""
    kubernetes = every(minor) if gates == "every" else release(minor)
    for seed in range(40):
        objects = problem(seed, release=kubernetes).objects
        assert loads(dump(objects, "json"), release=kubernetes) == objects


ALPHA = {
    "1.36": ('"ints":', '"bools":', '"strings":', '"versions":'),
    "1.37": ("derivedAttributes", "compatibilityGroups", "skipNodeOperations", "DRAOptionalNodeOperations"),
}


@pytest.mark.parametrize("minor", MINORS)
def test_alpha_fields_occur_where_the_release_has_them(minor: str) -> None:
    """With every gate on each of them occurs; with default gates none does."""
    on, off = (
        "".join(dump(problem(seed, release=kubernetes).objects, "json") for seed in range(60))
        for kubernetes in (every(minor), release(minor))
    )
    for since, fields in ALPHA.items():
        for field in fields:
            assert (field in on) == release(minor).at_least(since), field
            assert field not in off, field


@pytest.mark.parametrize(
    ("feature", "fields"),
    [
        ("AdminAccess", ["adminAccess"]),
        ("PrioritizedList", ["firstAvailable"]),
        ("PartitionableDevices", ["consumesCounters", "sharedCounters", "perDeviceNodeSelection"]),
        ("ConsumableCapacity", ["allowMultipleAllocations", "distinctAttribute", "requestPolicy", "shareID"]),
        ("DeviceTaints", ['"taints"', "tolerations"]),
        ("DeviceBindingAndStatus", ["bindingConditions", "bindsToNode"]),
    ],
)
def test_what_a_gate_turns_off_does_not_occur(feature: str, fields: list[str]) -> None:
    """A feature that is off leaves nothing of its own in a problem; taint rules have a gate of their own."""
    with_it = every("1.37")
    without = with_it.with_features(with_it.features - {feature})
    on, off = (
        "".join(
            dump(dataclasses.replace(case.objects, taint_rules=()), "json")
            for case in (problem(seed, release=kubernetes) for seed in range(60))
        )
        for kubernetes in (with_it, without)
    )
    for field in fields:
        assert field in on, field
        assert field not in off, field


def test_counters_are_where_the_release_has_them() -> None:
    """Up to 1.34 in the slice of the devices that draw on them, from 1.35 on in a slice without devices."""
    for minor, beside in (("1.34", False), ("1.35", True)):
        slices = [item.spec for seed in range(60) for item in problem(seed, release=every(minor)).objects.slices]
        assert {bool(spec.devices) for spec in slices if spec.shared_counters} == {not beside}


def test_a_case_is_consistent(cases: list[Case]) -> None:
    """Claims to place have no allocation, those that hold devices have one, and all are among the objects."""
    for case in cases:
        assert case.node in case.objects.nodes
        assert case.objects.claims == (*case.existing, *case.claims)
        assert 1 <= len(case.claims) <= 4
        assert all(claim.status.allocation is None for claim in case.claims)
        assert all(claim.status.allocation is not None for claim in case.existing)
        assert case.release == release("1.37")


def test_every_part_of_the_api_occurs(cases: list[Case]) -> None:
    """What policies and the checker must cope with occurs within a few seeds."""
    text = "\n".join(dump(case.objects, "json") for case in cases)
    for field in (
        *("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection", "sharedCounters", "consumesCounters"),
        *("allowMultipleAllocations", "validRange", "validValues", "bindingConditions", "bindsToNode", "taints"),
        *("deviceSelector", "tolerations", "firstAvailable", "adminAccess", "matchAttribute", "distinctAttribute"),
        *("shareID", "consumedCapacity", "opaque", '"All"', '"version":', '"bool":', "NoExecute"),
    ):
        assert field in text, field


def test_unknown_sizes_are_refused() -> None:
    """The message names the sizes that there are."""
    with pytest.raises(InputError, match="use one of tiny, small, large"):
        problem(0, size="huge")
