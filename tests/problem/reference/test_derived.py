"""Attributes that a request derives from its devices (K8s S53)."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.problem.outcome import Abort, NoFit
from drapolicy.release import release

NAME = "gpu.x/group"


def derived(expression: str, name: str = NAME) -> list[dict[str, Any]]:
    return [{"name": name, "expression": expression}]


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [
        {"name": chr(ord("a") + place), "attributes": {"group": {"int": number}}}
        for place, number in enumerate(numbers)
    ]


@pytest.mark.parametrize(
    ("kind", "expression", "want"),
    [
        ("matchAttribute", 'device.attributes["gpu.x"].group % 2', ["a", "c"]),
        ("matchAttribute", 'string(device.attributes["gpu.x"].group / 2)', ["b", "c"]),
        ("distinctAttribute", 'device.attributes["gpu.x"].group > 2', ["a", "c"]),
        ("matchAttribute", '[int(device.attributes["gpu.x"].group), 9]', ["a", "b"]),
        ("distinctAttribute", '[int(device.attributes["gpu.x"].group), 9]', None),
        ("matchAttribute", "[]", None),
    ],
)
def test_constraints_see_the_derived_value(kit: Any, kind: str, expression: str, want: list[str] | None) -> None:
    """It stands in for the published attribute of its name; an empty list is refused (S53)."""
    claim = kit.claim(kit.request(count=2, derivedAttributes=derived(expression)), constraints=[{kind: NAME}])
    outcome = kit.allocate([kit.slice(numbered(1, 2, 3))], claim, kubernetes=kit.everything())
    assert outcome == NoFit() if want is None else kit.names(outcome) == [want]


def test_it_stands_in_for_its_own_request_only(kit: Any) -> None:
    """The other request is compared by what its device publishes, also in an alternative."""
    own = kit.request("x", derivedAttributes=derived("3"))
    for wish in (own, kit.first("x", own)):
        claim = kit.claim(wish, kit.request("y"), constraints=[{"matchAttribute": NAME}])
        outcome = kit.allocate([kit.slice(numbered(1, 2, 3))], claim, kubernetes=kit.everything())
        assert kit.names(outcome) == [["a", "c"]]


def test_selectors_do_not_see_it(kit: Any) -> None:
    """Nor is it evaluated unless a constraint asks for it."""
    chosen = [{"cel": {"expression": 'device.attributes["gpu.x"].group == 2'}}]
    claim = kit.claim(kit.request(selectors=chosen, derivedAttributes=derived("1 / 0 == 1")))
    assert kit.names(kit.allocate([kit.slice(numbered(1, 2))], claim, kubernetes=kit.everything())) == [["b"]]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            'device.attributes["gpu.x"].absent',
            "evaluate derived attribute gpu.x/group on device gpu.x/p/a failed: no such key: absent",
        ),
        ("1.5", "compile derived attribute gpu.x/group failed: must evaluate to "),
        ("dyn(1.5)", "evaluate derived attribute gpu.x/group on device gpu.x/p/a failed: unsupported CEL return type"),
        (
            'dyn(device.attributes["other"])',
            "evaluate derived attribute gpu.x/group on device gpu.x/p/a failed: unsupported CEL return type: map[string]",
        ),
    ],
)
def test_what_cannot_be_derived_ends_the_attempt(kit: Any, expression: str, text: str) -> None:
    """With upstream's text, which has no advice here (S53)."""
    claim = kit.claim(kit.request(derivedAttributes=derived(expression)), constraints=[{"matchAttribute": NAME}])
    outcome = kit.allocate([kit.slice(numbered(1))], claim, kubernetes=kit.everything())
    assert isinstance(outcome, Abort)
    assert outcome.text.startswith(text)


def test_an_attempt_that_goes_on_after_an_assignment_passes_over_what_cannot_be_derived(kit: Any) -> None:
    """Upstream would have stopped at the first; nothing stays taken that was refused."""
    slices = [kit.slice(numbered(4, 0, 2))]
    claim = kit.claim(
        kit.request(derivedAttributes=derived('4 / device.attributes["gpu.x"].group')),
        constraints=[{"matchAttribute": NAME}],
    )
    seen: list[str] = []

    def visit(solution: Any) -> bool:
        seen.append(solution.taken[0][0].device.id.device)
        return False

    allocator = kit.allocator(slices, kubernetes=kit.everything())
    assert allocator.allocate(kit.node, [claim], visit=visit) == NoFit()
    assert seen == ["a", "c"]


@pytest.mark.parametrize(("minor", "aborts"), [("1.36", False), ("1.37", True)])
def test_without_the_gate_such_a_request_ends_the_attempt(kit: Any, minor: str, aborts: bool) -> None:
    """Earlier releases do not see derived attributes."""
    claim = kit.claim(kit.request(derivedAttributes=derived("3")), constraints=[{"matchAttribute": NAME}])
    outcome = kit.allocate([kit.slice(numbered(1))], claim, kubernetes=release(minor))
    text = "claim ns/c, request r: cannot handle request with derived attributes, the feature is disabled"
    assert outcome == Abort(text) if aborts else kit.names(outcome) == [["a"]]
