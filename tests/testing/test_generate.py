"""Random problems: the same everywhere, valid, and of every kind."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from drapolicy.api import dump, loads
from drapolicy.errors import InputError
from drapolicy.release import release
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
