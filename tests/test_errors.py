"""Errors: one family, and messages that say where."""

from __future__ import annotations

import pickle

import pytest

from drapolicy import errors
from drapolicy.errors import (
    DrapolicyError,
    Fault,
    InputError,
    ParseError,
    UnknownReferenceError,
    UnsupportedFeatureError,
    VerificationError,
)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("a.yaml", 1, "Pod x/y", "spec.a", "is wrong"), "a.yaml (document 2): Pod x/y: spec.a: is wrong"),
        (Fault("a.yaml", -1, "", "", "is empty"), "a.yaml: is empty"),
        (Fault("", -1, "Pod x/y", "", "is wrong"), "Pod x/y: is wrong"),
        (Fault("", 3, "", "spec", "is wrong"), "spec: is wrong"),
        (Fault("-", 0, "", "", "is wrong"), "- (document 1): is wrong"),
    ],
)
def test_faults_say_where(fault: Fault, text: str) -> None:
    """File, document, object and path come before the message; what is not known is left out."""
    assert str(fault) == text


def test_input_errors_carry_every_fault() -> None:
    """The message has a line for each fault, in the order of the input."""
    faults = [Fault("b", -1, "", "", "one"), Fault("a", -1, "", "", "two")]
    error = InputError("two faults", faults)
    assert (error.faults, str(error)) == (tuple(faults), "two faults\nb: one\na: two")
    assert str(InputError(faults=faults[:1])) == "b: one"
    assert (str(InputError("alone")), InputError("alone").faults) == ("alone", ())


def test_one_base_catches_all() -> None:
    """Everything raised on purpose is a DrapolicyError; wrong input is a ValueError too."""
    raised = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(raised) >= 8
    assert all(issubclass(kind, DrapolicyError) for kind in raised)
    for kind in (InputError, ParseError, UnknownReferenceError):
        assert issubclass(kind, ValueError)


@pytest.mark.parametrize(
    "error",
    [
        InputError("m", [Fault("a", 0, "", "", "x")]),
        ParseError(faults=[Fault("a", 0, "", "", "x")]),
        UnknownReferenceError("m"),
        UnsupportedFeatureError("m", ["b", "a"]),
        VerificationError("S45", "counter overdrawn"),
        errors.SolverError("m"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_come_back_from_another_process(error: DrapolicyError) -> None:
    """A worker's error is the same error here: text and parts."""
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


def test_parts_are_attributes() -> None:
    """Rule and missing features can be asked for."""
    broken = VerificationError("S45", "counter overdrawn")
    assert (broken.rule, str(broken)) == ("S45", "S45: counter overdrawn")
    assert UnsupportedFeatureError("m", ["b", "a"]).missing == ("a", "b")
