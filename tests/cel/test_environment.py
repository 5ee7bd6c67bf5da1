"""What each release has and lacks, for objects that are stored and for new ones."""

from __future__ import annotations

import pytest

from drapolicy import cel
from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.cel.environment import environment
from drapolicy.cel.program import compile_in
from drapolicy.release import MINORS, Release, release

LISTS = {"DRAListTypeAttributes": True}
SHARED = {"DRAConsumableCapacity": True}
RELEASES = {
    "1.34": release("1.34"),
    "1.34 shared": release("1.34", gates=SHARED),
    "1.35": release("1.35"),
    "1.36": release("1.36"),
    "1.36 lists": release("1.36", gates=LISTS),
    "1.37": release("1.37"),
    "1.37 lists": release("1.37", gates=LISTS),
}
ATTRIBUTE = 'device.attributes["x"].a'


def accepted(text: str, *, stored: bool) -> set[str]:
    """Return the releases that accept an expression."""
    names = set()
    for name, kubernetes in RELEASES.items():
        try:
            compile_in(text, environment(kubernetes, stored=stored))
        except cel.CompileError:
            continue
        names.add(name)
    return names


@pytest.mark.parametrize(
    ("text", "stored", "new"),
    [
        (f"{ATTRIBUTE} == 1", set(RELEASES), set(RELEASES)),
        (f"{ATTRIBUTE}.includes(1)", {"1.36", "1.36 lists", "1.37", "1.37 lists"}, {"1.36 lists", "1.37 lists"}),
        (f"{ATTRIBUTE}.exists(e, e == 1)", {"1.36 lists", "1.37", "1.37 lists"}, {"1.36 lists", "1.37 lists"}),
        ("[1].distinct().size() == 1", set(RELEASES), set(RELEASES) - {"1.34", "1.34 shared"}),
        ("[1].sortBy(x, x).size() == 1", set(RELEASES), set(RELEASES) - {"1.34", "1.34 shared"}),
        (
            "device.allowMultipleAllocations",
            set(RELEASES),
            {"1.34 shared", "1.36", "1.36 lists", "1.37", "1.37 lists"},
        ),
        ("dyn(true)", {"1.36 lists", "1.37", "1.37 lists"}, {"1.36 lists", "1.37 lists"}),
        ("device.attributes.`x`.size() == 0", {"1.37", "1.37 lists"}, {"1.37", "1.37 lists"}),
    ],
)
def test_what_releases_accept(text: str, stored: set[str], new: set[str]) -> None:
    """New objects may use what the release before has, and what gates turn on; stored ones may use everything."""
    assert accepted(text, stored=True) == stored
    assert accepted(text, stored=False) == new


def outcome(text: str, kubernetes: Release, view: cel.DeviceView) -> bool | str:
    try:
        return cel.compile(text, kubernetes).evaluate(view)
    except (cel.EvaluationError, cel.CompileError) as error:
        return str(error)


NO_DURATION = "type conversion error from 'int' to 'google.protobuf.Duration'"


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("lists.range(-1).size() == 0", True, "lists.range: size must be non-negative, got -1"),
        ("dyn(1).orValue(2) == 1", True, "no such overload"),
        ("[[1]].flatten(-100) == []", "operation cancelled: actual cost limit exceeded", "level must be non-negative"),
        ('"abc".lastIndexOf("", -3) == -3', True, "index out of range: -3"),
        ('cel.bind(o, optional.of(device.attributes), o["no"].hasValue())', False, True),
        ("duration(dyn(size(device.driver))) == duration('1s')", NO_DURATION, "no such overload: duration(int)"),
        ('[1].all(device, ["x"].all(y, .device.driver == y))', "type 'int' does not support field selection", True),
    ],
)
def test_behaviour_that_changed_with_1_37(text: str, old: bool | str, new: bool | str) -> None:
    """Up to 1.36 cel-go 0.26 evaluates."""
    view = cel.device_view("x", Device(name="d"))
    for minor in MINORS:
        found, wanted = outcome(text, release(minor), view), new if minor == "1.37" else old
        if isinstance(wanted, str):
            assert isinstance(found, str)
            assert wanted in found
        else:
            assert found is wanted, minor


def test_attributes_with_lists_have_no_value_where_the_gate_is_off() -> None:
    """In 1.36 the gate decides, in 1.37 lists are always read."""
    view = cel.device_view("x", Device(name="d", attributes={"a": DeviceAttribute(int_values=[1])}))
    assert outcome("true", release("1.36"), view) == "attribute a: unsupported attribute value"
    assert outcome("true", release("1.36", gates=LISTS), view) is True
    assert outcome("1 in device.attributes['x'].a", release("1.37"), view) is True


def test_includes_of_1_36_takes_short_lists() -> None:
    """48 elements are looked at; a match among them is found even so."""
    view = cel.device_view("x", Device(name="d"))
    text = "lists.range({}).includes({})"
    assert outcome(text.format(48, 47), release("1.36"), view) is True
    assert outcome(text.format(60, 47), release("1.36"), view) is True
    fault = "'includes' function cannot be applied to lists longer than 48 values"
    assert outcome(text.format(49, 48), release("1.36"), view) == fault
    assert outcome(text.format(60, 59), release("1.37"), view) is True


def test_startswith_costs_by_its_argument_from_1_37_on() -> None:
    """Up to 1.36 the whole text counts."""
    view = cel.device_view("x", Device(name="d", attributes={"a": DeviceAttribute(string_value="y" * 60)}))
    text = f'{ATTRIBUTE}.startsWith("y")'
    assert cel.compile(text, release("1.36")).actual_cost(view) - cel.compile(text).actual_cost(view) == 5
