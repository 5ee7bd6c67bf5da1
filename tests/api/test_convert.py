"""Plain values to structs: every fault is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from drapolicy.api.convert import clean, convert, number_text
from drapolicy.api.core import Pod
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceCapacity, ResourceClaim, ResourceSlice
from drapolicy.api.values import Doubled, Exponential


def reports(value: Any, kind: type[Any] = ResourceSlice) -> list[tuple[str, str]]:
    """Return paths and messages of everything that is wrong with a value."""
    found: list[tuple[str, str]] = []
    note = lambda path, message: found.append((path, message))  # noqa: E731
    cleaned = clean(value, kind, note, note)
    if not found:
        convert(cleaned, kind)
    return found


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ({"metadata": 3}, "metadata", "must be an object, not 3"),
        (
            {"metadata": {"name": True}},
            "metadata.name",
            "must be text, not true; quote it (YAML reads plain y, yes, on as true)",
        ),
        ({"metadata": {"name": 1.5}}, "metadata.name", "must be text, not 1.5; quote it"),
        ({"metadata": {"name": {}}}, "metadata.name", "must be text, not an object; write text"),
        ({"metadata": {"labels": {"a/b": 1}}}, 'metadata.labels["a/b"]', "must be text, not 1; quote it"),
        ({"metadata": {"labels": []}}, "metadata.labels", "must be an object, not a list"),
        ({"metadata": {"finalizers": ["a", 1]}}, "metadata.finalizers[1]", "must be text, not 1; quote it"),
        ({"metadata": {"generation": "1"}}, "metadata.generation", 'must be a whole number, not "1"'),
        ({"metadata": {"generation": True}}, "metadata.generation", "must be a whole number, not true"),
        (
            {"metadata": {"generation": 2**63}},
            "metadata.generation",
            "9223372036854775808 does not fit 64 bits; use -9223372036854775808 to 9223372036854775807",
        ),
        ({"spec": {"allNodes": "true"}}, "spec.allNodes", 'must be true or false, not "true"'),
        ({"spec": {"devices": {}}}, "spec.devices", "must be a list, not an object"),
        ({"spec": {"device": []}}, "spec.device", "unknown field 'device'; did you mean devices?"),
        ({"spec": {"Driver": "x"}}, "spec.Driver", "unknown field 'Driver'; did you mean driver?"),
        ({"foo": {"a": 1}}, "foo", "unknown field 'foo'; remove it or fix its name and place"),
    ],
)
def test_one_wrong_value_gives_one_fault(value: Any, path: str, message: str) -> None:
    """The message shows the value and says what to write instead."""
    assert reports(value) == [(path, message)]


@pytest.mark.parametrize(
    "spec",
    [
        {"devices": [{"name": "g", "capacity": {"m": None}}]},
        {"devices": [{"name": "g", "consumesCounters": [{"counterSet": "c", "counters": {"m": None}}]}]},
        {"sharedCounters": [{"name": "c", "counters": {"m": None}}]},
        {"devices": [None]},
    ],
)
def test_null_in_a_map_or_list_is_the_empty_object(spec: dict[str, Any]) -> None:
    """Kubernetes takes null for the zero value; fields that an object needs are then zero too."""
    assert reports({"spec": spec}) == []


def test_fields_of_32_bits_are_checked() -> None:
    """A priority is an int32 in Kubernetes."""
    ((path, message),) = reports({"spec": {"priority": 2**31}}, Pod)
    assert path == "spec.priority"
    assert message == "2147483648 does not fit 32 bits; use -2147483648 to 2147483647"


def test_unmodelled_fields_of_partial_kinds_pass() -> None:
    """A pod has many fields more; a key given twice is a fault even there."""
    assert reports({"spec": {"restartPolicy": "Never", "containers": [{"command": [1]}]}}, Pod) == []
    doubled = Doubled({"runAsUser": 1})
    doubled.keys_twice = ("runAsUser",)
    assert reports({"spec": {"securityContext": doubled}}, Pod) == [
        ("spec.securityContext.runAsUser", "is given twice; keep one")
    ]


def test_parameters_are_left_alone() -> None:
    """What a driver understands is neither checked nor cleaned."""
    parameters = {"a": None, "b": [1, None], "c": "{{ .x }}"}
    value = {"spec": {"devices": {"config": [{"opaque": {"driver": "d", "parameters": parameters}}]}}}
    assert reports(value, ResourceClaim) == []
    assert convert(value, ResourceClaim).spec.devices.config[0].opaque.parameters == parameters


def test_many_braces_are_no_trouble() -> None:
    """Looking for a template's action takes time in proportion to the text."""
    assert reports({"spec": {"driver": "{{" * 500_000}}) == []
    ((_, message),) = reports({"spec": {"driver": "a{{ .b }}c"}})
    assert message == '"{{ .b }}" is a template\'s action; render the template first'


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5, "5"),
        (1.5, "1.5"),
        (0.00001, "0.00001"),
        (1e-7, "1e-07"),
        (1.5e16, "15000000000000000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (Decimal("1.10"), "1.10"),
        (Exponential("1e3"), "1e3"),
    ],
)
def test_numbers_become_the_text_that_kubernetes_parses(number: Any, text: str) -> None:
    """A quantity given as a number is parsed from the number's JSON form."""
    assert number_text(number) == text
    assert convert({"value": number}, DeviceCapacity).value == Quantity(text)
