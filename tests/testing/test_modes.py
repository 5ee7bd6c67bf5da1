"""Modes: which problems are made for which gates."""

from __future__ import annotations

from random import Random

import pytest

from drapolicy.errors import InputError
from drapolicy.release import release
from drapolicy.release.gates import FEATURES
from drapolicy.testing.modes import MODES, Mode, modes


def test_modes_of_a_release() -> None:
    """By default all of them; a variant picks one."""
    assert [mode.name for mode in modes("1.36")] == ["1.36-incubating", "1.36-experimental"]
    assert modes("1.37", "experimental") == [Mode("1.37", "experimental")]
    assert modes("1.34") == [Mode("1.34")]


@pytest.mark.parametrize(("minor", "variant"), [("1.33", ""), ("1.37", "stable"), ("1.35", "incubating")])
def test_unknown_modes_are_refused(minor: str, variant: str) -> None:
    """The message names those that there are."""
    with pytest.raises(InputError, match=r"there is no mode 1\..*; known are 1\.37-incubating, "):
        modes(minor, variant)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_problems_are_solved_with_gates_that_the_variant_handles(mode: Mode) -> None:
    """Every gate or default gates; what is stored may be older than the gates."""
    every = frozenset(FEATURES[mode.minor])
    default = release(mode.minor).features
    pairs = [mode.releases(Random(seed)) for seed in range(200)]
    solved = {with_.features for _, with_ in pairs}
    if mode.variant == "experimental":
        assert solved == {every}
    elif mode.variant == "incubating":
        assert solved == {default}
        assert {made.features for made, _ in pairs} == {every, default}
    else:
        assert solved == {every, default, every - {"ConsumableCapacity"}}
    for features in solved:
        assert not mode.variant or not release(mode.minor).with_features(features).unhandled(mode.variant)
