"""From a fleet and claims to placements in one call."""

from __future__ import annotations

import pytest

import drapolicy as dp
from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.policies.place import place, place_all
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
    for wanted, number in ((claims(1, 1), 2), (api.Objects(), 0)):
        with pytest.raises(InputError, match=f"place: the input holds {number} asks; use place_all"):
            place(fleet, wanted)


def test_seeds_decide_draws() -> None:
    """The same seed gives the same placement; over many seeds all devices come up."""
    fleet = build(row(nodes=1, devices=4))
    drawn = [devices(place(fleet, claims(1), "random", seed=seed)) for seed in range(40)]
    assert drawn == [devices(place(fleet, claims(1), "random", seed=seed)) for seed in range(40)]
    assert len({name for (name,) in drawn}) == 4
