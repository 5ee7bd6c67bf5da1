"""Tables of all sets: for any content they answer what the solver answers, and name the devices that it takes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from drapolicy.api.resource import ResourceClaim
from drapolicy.inventory import Fleet, build
from drapolicy.policies import Exact, FirstFit, Objective, Solver, Term, inside, objective
from drapolicy.policies.engine.contents import Content, Contents, masks
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.table import StateReadError, Table
from drapolicy.policies.objectives import chances_lost, links_lost, still_placeable
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits
from drapolicy.problem.rooms import room_of
from drapolicy.problem.site import Site
from drapolicy.problem.sites import Sites
from drapolicy.testing.simple import claim, device, first_of, objects, request, row
from drapolicy.workload import fleet as made_fleet

_BOX = [device(f"gpu-{slot}", model="AB"[slot % 2], numa=slot // 4, root=f"root-{slot // 2}") for slot in range(8)]
EIGHT = build(objects({"node-0": _BOX}))
MIG = made_fleet("a100-mig")
NO_SHARES = Contents(Layout(EIGHT, troubled=False))

_MODEL = 'device.attributes["gpu.example"].model == "A"'
CLAIMS = {
    "three": claim("c", request(3)),
    "matched pair": claim("c", request(2), match="gpu.example/root"),
    "four of a model": claim("c", request(4, _MODEL)),
    "alternatives": claim("c", first_of((6, ""), (3, _MODEL), (1, ""))),
    "too many": claim("c", request(9)),
}
AIMS = {
    "none": Objective(),
    "bandwidth": Objective().then(inside, links_lost, still_placeable),
    "packing": Objective().then(chances_lost, still_placeable),
}


@cache
def site_of(fleet: Fleet) -> Site:
    return Sites(fleet)[0]


def local(fleet: Fleet, wanted: ResourceClaim, taken: tuple[int, ...]) -> LocalProblem:
    site = site_of(fleet)
    allocated = AllocatedState()
    for position in taken:
        allocated.take(site.devices[position].id)
    return LocalProblem(site, (wanted,), allocated, room_of(site.node), classes=fleet.classes, release=fleet.release)


def compare(
    fleet: Fleet, wanted: ResourceClaim, aim: Objective, solver: Solver, contents: list[tuple[int, ...]]
) -> int:
    empty = local(fleet, wanted, ())
    table = Table.of(empty, NO_SHARES, aim, solver)
    assert table is not None
    told: list[Content] = [(sum(1 << p for p in content), ()) for content in contents]
    fitting = 0
    assert table.knows(told).all()
    for content, said, got in zip(contents, told, table.answers(told), strict=True):
        node = local(fleet, wanted, content)
        expected = solver.solve(node, aim, np.random.default_rng(0))
        assert (got.fits, got.rank, got.score, got.status) == (
            expected.fits,
            expected.rank,
            expected.score,
            expected.status,
        )
        chosen = table.chosen(said)
        assert (chosen is not None) is expected.fits
        if chosen is not None:
            assert isinstance(expected.outcome, Fits)
            assert chosen[1] == tuple(node.indices(expected.outcome.results).tolist())
        fitting += expected.fits
    return fitting


@pytest.mark.parametrize("wanted", CLAIMS)
@pytest.mark.parametrize(
    ("solver", "aim"),
    # Without an objective the exact solver claims nothing.
    [*((FirstFit(), aim) for aim in AIMS), *((Exact(), aim) for aim in AIMS if aim != "none")],
)
def test_a_table_answers_as_the_solver(solver: Solver, aim: str, wanted: str) -> None:
    """Rank, score, proof and devices are the solver's, whatever is taken."""
    rng = np.random.default_rng(1)
    contents = [
        tuple(np.flatnonzero(rng.random(8) < share).tolist()) for share in (0, 0.2, 0.4, 0.6, 1) for _ in range(4)
    ]
    fitting = compare(EIGHT, CLAIMS[wanted], AIMS[aim], solver, contents)
    assert (fitting == 0) is (wanted == "too many")


def test_shared_counters_are_counted() -> None:
    """On a node of MIG partitions a table sees which ones what is taken leaves room for."""
    size = len(site_of(MIG).devices)
    rng = np.random.default_rng(2)
    wanted = claim("c", request(1, cls=next(name for name in MIG.classes if "mig" in name)))
    contents: list[tuple[int, ...]] = []
    for _ in range(10):
        held: list[int] = []
        for position in rng.permutation(size).tolist()[:30]:
            if local(MIG, wanted, tuple(held)).placeable()[position]:
                held.append(position)
        contents.append(tuple(sorted(held)))
    assert compare(MIG, wanted, Objective(), FirstFit(), contents)


@objective(sense="min", unit="devices", bounds=(0, 99))
def nosy(node: LocalProblem, left: np.ndarray) -> int:
    """Looks at the state beside what it is given."""
    return int(node.free.sum()) - left.size


def test_terms_that_read_the_state_are_left_to_the_solver() -> None:
    """What depends on more than the sets cannot be had for several contents at once."""
    assert isinstance(nosy, Term)
    table = Table.of(local(EIGHT, CLAIMS["three"], ()), NO_SHARES, Objective().then(nosy), Exact())
    assert table is not None
    with pytest.raises(StateReadError):
        table.answers([(0, ()), (1, ())])


@pytest.mark.parametrize(
    ("fleet", "wanted", "solver"),
    [
        (EIGHT, claim("c", request(1), request(1, name="more")), Exact()),
        (EIGHT, claim("c", request(4)), Exact(max_steps=10)),
        (build(row(nodes=1, devices=40)), claim("c", request(8)), Exact()),
    ],
    ids=["two requests", "few steps", "too many sets"],
)
def test_what_a_table_is_not_for(fleet: Fleet, wanted: ResourceClaim, solver: Solver) -> None:
    """Several requests, a solver that may give up, and more sets than can be listed are the solver's."""
    assert Table.of(local(fleet, wanted, ()), NO_SHARES, Objective().then(inside), solver) is None


def test_bits_become_masks() -> None:
    """Devices beyond 64 are bits like all others."""
    got = masks([0, 5, 1 << 70], 71)
    assert [np.flatnonzero(row).tolist() for row in got] == [[], [0, 2], [70]]
