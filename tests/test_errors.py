"""Errors as values."""

from __future__ import annotations

import pickle

import pytest

from drapolicy.errors import Fault, InputError, UnsupportedFeatureError, VerificationError


@pytest.mark.parametrize(
    "error",
    [
        VerificationError("S37", "taken twice"),
        InputError("bad", [Fault("f.yaml", 0, "Node n", "spec", "wrong")]),
        UnsupportedFeatureError("too new", ["B", "A"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_reach_other_processes(error):
    """An error raised in a worker process arrives with its text and parts."""
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))
