"""Fragmentation by counters: cards of four slices and three engines, by hand."""

from __future__ import annotations

import pytest

from drapolicy.api import Objects
from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.evaluate.counters import course
from drapolicy.evaluate.occupancy import Occupancy
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.problem.events import Leave
from drapolicy.simulate import Incident, Scenario, play
from drapolicy.testing import simple
from drapolicy.testing.partitions import card_slices
from drapolicy.workload import Arrival, Workload

S = 10**9


def scenario(*profiles: str, nodes: int = 1, engines: int = 3, incidents: tuple[Incident, ...] = ()) -> Scenario:
    """Claims for partitions that come a second apart and stay, on cards of four slices."""
    names = [f"node-{n}" for n in range(nodes)]
    fleet = Objects(
        nodes=tuple(Node(metadata=ObjectMeta(name=name)) for name in names),
        slices=tuple(made for name in names for made in card_slices(name, engines)),
        classes=simple.row(nodes=0, devices=0).classes,
    )
    claims = tuple(
        simple.claim(f"c{n}", simple.request(1, f"device.attributes['{simple.DRIVER}'].profile == '{profile}'"))
        for n, profile in enumerate(profiles)
    )
    arrivals = tuple(Arrival(n * S, None, f"test/c{n}") for n in range(len(profiles)))
    return Scenario("s", build(fleet), Workload(Objects(claims=claims), arrivals), incidents=incidents)


def courses(found: Scenario) -> list[float]:
    occupancy = Occupancy(found, found.workload.arrivals[-1].time_ns)
    play(found, POLICIES["first-fit"], 0, watch=occupancy.watch, quality=False)
    return [round(value, 2) for value in course(found, occupancy)]


@pytest.mark.parametrize(
    ("profiles", "nodes", "engines", "first", "last"),
    [
        # Two slices and one engine of three are left: for a second partition of two slices engines are missing.
        (("2g", "2g"), 1, 3, 100.0, 100.0),
        # With four engines it fits; then nothing is free.
        (("2g", "2g"), 1, 4, 0.0, 0.0),
        # A partition of one slice fits, and all that is left is of use to one. Then a slice without an engine is left.
        (("2g", "1g"), 1, 3, 0.0, 100.0),
        # Two slices and a third of the engines, 7/3 of counters, are of no use; on the other card all five are.
        (("2g", "4g"), 2, 3, 31.82, 31.82),
        # What the second card has is of use to both; after the second claim, to partitions of one slice.
        (("4g", "1g"), 2, 4, 0.0, 0.0),
    ],
)
def test_cards_by_hand(profiles: tuple[str, ...], nodes: int, engines: int, first: float, last: float) -> None:
    """What is left of counters after the first claim, and after the last."""
    found = courses(scenario(*profiles, nodes=nodes, engines=engines))
    assert (found[0], found[-1]) == (first, last)


def test_cards_of_nodes_that_are_away_are_not_free() -> None:
    """As on one node alone."""
    found = courses(scenario("2g", "2g", nodes=2, incidents=(Incident(S // 2, Leave("node-1")),)))
    assert (found[0], found[80]) == (31.82, 100.0)


def test_nothing_is_told_without_partitions() -> None:
    """Of fleets of whole devices, and of workloads that ask for no partition."""
    whole = simple.row(nodes=1, devices=2)
    claims = Objects(claims=(simple.claim("c", simple.request()),))
    assert courses(Scenario("s", build(whole), Workload(claims, (Arrival(S, None, "test/c"),)))) == []
    assert courses(scenario("8g", "8g")) == []
