"""From a fleet and claims to placements in one call."""

from __future__ import annotations

from typing import Any

import pytest

import drapolicy as dp
from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.policies.place import place, place_all, place_groups
from drapolicy.testing.simple import row

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}, namespace: test}}
spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: any, count: {count}}}}}]}}}}
{status}
---
"""
STATUS = """
status:
  allocation:
    devices: {results: [{request: devices, driver: gpu.example, pool: node-0, device: device-0}]}
"""


def claims(*counts: int, status: str = "") -> api.Objects:
    text = "".join(CLAIM.format(name=f"c{i}", count=count, status="") for i, count in enumerate(counts))
    return api.loads(text + (CLAIM.format(name="held", count=1, status=status) if status else ""))


def devices(placement: dp.Placement) -> list[str]:
    return [r.device for result in placement.results for r in result.devices.results]


def test_what_one_gets_the_next_do_without() -> None:
    """Asks are decided in the order of the input, each in the state that those before left."""
    found = place_all(build(row(nodes=1, devices=3)), claims(2, 2, 1), "first-fit")
    assert [(p.ask, p.node, devices(p)) for p in found] == [
        ("test/c0", "node-0", ["device-0", "device-1"]),
        ("test/c1", None, []),
        ("test/c2", "node-0", ["device-2"]),
    ]


def test_allocations_of_the_input_are_taken() -> None:
    """A claim that holds devices already is no ask, and its devices are not given away."""
    found = place_all(build(row(nodes=1, devices=2)), claims(1, status=STATUS), "first-fit")
    assert [(p.ask, devices(p)) for p in found] == [("test/c0", ["device-1"])]


def test_one_ask_is_one_placement() -> None:
    """place() is for inputs with one ask and says so otherwise."""
    fleet = build(row(nodes=1, devices=2))
    assert devices(place(fleet, claims(2))) == ["device-0", "device-1"]
    for wanted, found in (
        (claims(1, 1), "2 asks; use place_all"),
        (api.Objects(), "no claim and no pod that waits"),
    ):
        with pytest.raises(InputError, match=f"place: the input holds {found}"):
            place(fleet, wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fleet": "fleet.yaml"}, "place: the fleet is a str; give what drapolicy.load returns"),
        ({"wanted": claims(1).claims[0]}, "place: what is wanted is a ResourceClaim; give what drapolicy.load_claims"),
        ({"policy": 3}, "policy: 3 is neither a name nor a policy"),
        ({"policy": dp.Rule}, "policy: <class .*Rule'> is neither a name nor a policy"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, Any], message: str) -> None:
    """What is easily mixed up is told before anything is decided."""
    given: dict[str, Any] = {"fleet": build(row(nodes=1, devices=2)), "wanted": claims(1), "policy": "first-fit"}
    with pytest.raises(InputError, match=message):
        place(**(given | change))


def test_a_function_is_no_objective_yet() -> None:
    """The message says how it becomes one."""
    with pytest.raises(InputError, match=r"is no term; decorate the function with drapolicy\.objective"):
        dp.Rule(lambda node, chosen: 0)  # type: ignore[arg-type]


def test_terms_cannot_change_what_others_see() -> None:
    """The devices that a term is shown are not writeable."""

    @dp.objective(sense="max", unit="", bounds=(0, 9))
    def greedy(node: Any, chosen: Any, left: Any) -> int:
        assert not chosen.flags.writeable
        assert not left.flags.writeable
        return 0

    fleet = build(row(nodes=1, devices=2))
    assert place(fleet, claims(1), dp.Rule(greedy)).score == {"greedy": 0}


def test_seeds_decide_draws() -> None:
    """The same seed gives the same placement; over many seeds all devices come up."""
    fleet = build(row(nodes=1, devices=4))
    drawn = [devices(place(fleet, claims(1), "random", seed=seed)) for seed in range(40)]
    assert drawn == [devices(place(fleet, claims(1), "random", seed=seed)) for seed in range(40)]
    assert len({name for (name,) in drawn}) == 4


def test_a_gang_of_claims_is_placed_whole_or_not_at_all() -> None:
    """place_groups() decides all asks of an input together."""
    fleet = build(row(nodes=2, devices=2))
    for sizes, at_least, placed in (((1, 2, 1), 3, 3), ((2, 2, 1), 3, 0), ((2, 2, 1), 2, 2), ((2, 2, 1), 0, 2)):
        assert place_groups(fleet, claims(*sizes), at_least=at_least).placed == placed
    for wrong in (3, dp.Rule, dp.policies.groups.Patterns):
        with pytest.raises(InputError, match="is neither a name nor a policy"):
            place_groups(fleet, claims(1), wrong)  # type: ignore[arg-type]
