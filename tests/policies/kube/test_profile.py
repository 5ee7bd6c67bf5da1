"""The stock profile and what may be changed in it."""

from __future__ import annotations

import pickle

import pytest

from drapolicy.policies.kube import DEFAULT_PROFILE, Profile


def test_default_profile_is_that_of_1_37() -> None:
    """Weights are those of Kubernetes 1.37 with default gates, and the percentage is adaptive."""
    assert DEFAULT_PROFILE.weights == (
        ("TaintToleration", 3),
        ("NodeAffinity", 2),
        ("NodeResourcesFit", 1),
        ("DynamicResources", 2),
        ("NodeResourcesBalancedAllocation", 1),
    )
    assert DEFAULT_PROFILE.percentage_of_nodes_to_score == 0


def test_profile_travels() -> None:
    """A profile can be a key and can go to another process."""
    assert pickle.loads(pickle.dumps(DEFAULT_PROFILE)) == Profile()
    assert len({Profile(), DEFAULT_PROFILE}) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": (("ImageLocality", 1),)}, "score plugin 'ImageLocality' is unknown"),
        ({"weights": (("NodeAffinity", 0),)}, "score plugin NodeAffinity: weight 0 is below 1"),
        ({"weights": (("NodeAffinity", 2**31),)}, "weight 2147483648 is above 2147483647"),
        ({"weights": (("NodeAffinity", 1), ("NodeAffinity", 2))}, "two weights"),
        ({"percentage_of_nodes_to_score": 101}, "101 is outside 0 to 100"),
        ({"percentage_of_nodes_to_score": -1}, "-1 is outside 0 to 100"),
        ({"ties": "first"}, "ties: 'first' is unknown"),
    ],
)
def test_bad_profiles_are_refused(given: dict[str, object], message: str) -> None:
    """What kube-scheduler would refuse is refused, naming the value."""
    with pytest.raises(ValueError, match=message):
        Profile(**given)  # type: ignore[arg-type]
