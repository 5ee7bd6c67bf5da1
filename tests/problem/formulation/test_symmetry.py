"""Cut GPUs stand in for each other, and what they draw is added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest

from drapolicy.api.resource import DeviceRequest
from drapolicy.problem.formulation import Formulation, first, infeasible
from drapolicy.problem.formulation.symmetry import Symmetry
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, objects, request
from drapolicy.workload import fleet

GPU = "gpu.nvidia.com"
PROFILES = ("1g.5gb", "2g.10gb", "3g.20gb", "4g.20gb")


def cut(*wanted: tuple[int, str]) -> LocalProblem:
    """Return the problem of a node of four GPUs with partitions, and requests for so many of a profile."""
    requests = [_request(count, profile, f"r{number}") for number, (count, profile) in enumerate(wanted)]
    ask = ask_with(None, claim("c", *requests))
    return Problem(State(fleet("a100-mig")), (ask,)).local(0, ask)


def _request(count: int, profile: str, name: str) -> DeviceRequest:
    if profile == "gpu":
        return request(count, name=name, cls="gpu.nvidia.com")
    return request(count, f"device.attributes['{GPU}'].profile == '{profile}'", name=name, cls="mig.nvidia.com")


def of(local: LocalProblem) -> Formulation:
    made = local.formulation
    assert isinstance(made, Formulation)
    return made


def test_gpus_are_blocks_of_one_kind() -> None:
    """Each with its partitions and counters; the kind is that of the first."""
    blocks = Symmetry(of(cut((1, "gpu"), (1, "1g.5gb")))).blocks
    assert [block.kind for block in blocks] == [0, 0, 0, 0]
    assert len({len(block.devices) for block in blocks}) == 1


def test_devices_that_a_constraint_tells_apart_are_no_twins(made: Callable[..., Formulation]) -> None:
    """Pairs of one group are twins, devices of several groups are not."""
    node = objects({"node-0": [device(f"d{d}", group=d // 2) for d in range(6)]})
    bound = Symmetry(made(node, claim("c", request(2), match=f"{DRIVER}/group")))
    free = Symmetry(made(node, claim("c", request(2))))
    assert sorted(map(len, bound._twins.values())) == [2, 2, 2]
    assert list(map(len, free._twins.values())) == [6]


@pytest.mark.parametrize("seed", range(12))
def test_mixtures_of_partitions_are_decided_in_few_steps(seed: int) -> None:
    """Where there is an assignment it is valid, where there is none that is known for certain."""
    rng = Random(seed)
    for _ in range(8):
        wanted = [(rng.randint(1, 5), rng.choice(PROFILES)) for _ in range(rng.randint(1, 4))]
        local = cut(*wanted)
        found = first(of(local), 2_000)
        assert found.complete
        if found.assignment is not None:
            assert local.seat(found.assignment) is not None
            assert infeasible(of(local)) is None


@pytest.mark.parametrize(
    ("wanted", "proof"),
    [
        ([(5, "gpu")], "needs 5 devices, only 4 suit"),
        ([(8, "3g.20gb"), (1, "gpu")], "draw at least"),
        ([(4, "gpu"), (1, "1g.5gb")], "draw at least"),
        ([(3, "gpu"), (2, "3g.20gb")], None),
    ],
)
def test_what_all_gpus_have_together_may_not_suffice(wanted: Sequence[tuple[int, str]], proof: str | None) -> None:
    """No counter of one GPU is overdrawn for certain, those of all together are."""
    found = infeasible(of(cut(*wanted)))
    assert (found is None) if proof is None else proof in (found or "")
