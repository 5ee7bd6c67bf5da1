"""Proofs that nothing fits: true, said in words, and there for the cases that are hard by search."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from drapolicy.api.resource import DeviceConstraint, ResourceClaim
from drapolicy.problem.formulation import Formulation, first, infeasible
from drapolicy.problem.local import LocalProblem
from drapolicy.testing.simple import DRIVER, claim, device, first_of, objects, request

Drawn = Callable[[int, str], LocalProblem]
Made = Callable[..., Formulation]
GROUP = f"{DRIVER}/group"


@pytest.mark.parametrize("seed", range(0, 1_500, 300))
def test_no_proof_is_wrong_and_few_are_missing(drawn: Drawn, seed: int) -> None:
    """What is proved has no assignment; and counting proves nine of ten problems that have none."""
    proved = without = 0
    for number in range(seed, seed + 300):
        made = drawn(number, "tiny").formulation
        if isinstance(made, Formulation):
            nothing = first(made).assignment is None
            proof = infeasible(made)
            assert nothing or proof is None
            without += nothing
            proved += proof is not None
    assert proved >= 0.9 * without > 0


def each(count: int, match: str = "") -> ResourceClaim:
    """Return a claim of so many requests for one device."""
    wanted = [msgspec.structs.replace(request(1), name=f"r{number}") for number in range(count)]
    return claim("c", *wanted, match=match)


def distinct(wanted: ResourceClaim) -> ResourceClaim:
    """Return a claim whose devices have different groups."""
    devices = msgspec.structs.replace(wanted.spec.devices, constraints=[DeviceConstraint(distinct_attribute=GROUP)])
    return msgspec.structs.replace(wanted, spec=msgspec.structs.replace(wanted.spec, devices=devices))


@pytest.mark.parametrize(
    ("wanted", "proof"),
    [
        (claim("c", request(17)), "claim 0, request 0: needs 17 devices, only 16 suit"),
        (each(17), f"claim 0, requests {', '.join(map(str, range(17)))}: need 17 devices, only 16 suit"),
        (claim("c", request(6), match=GROUP), "request 0: needs 6 devices with a value in common, at most 5 have one"),
        (each(6, GROUP), "need 6 devices, only 5 suit; and so in one other case"),
        (distinct(claim("c", request(5))), "claim 0, request 0: need 5 different values, there are 4"),
        (claim("c", first_of((17, ""), (18, ""))), "claim 0, request 0[0]: needs 17 devices, only 16 suit"),
        (claim("c", request(20, "false")), "needs 20 devices, only 0 suit"),
    ],
)
def test_a_proof_says_what_does_not_suffice(made: Made, wanted: ResourceClaim, proof: str) -> None:
    """Sixteen devices in groups of 5, 5, 5 and 1."""
    fleet = objects({"node-0": [device(f"d{number:02}", group=number // 5) for number in range(16)]})
    assert proof in (infeasible(made(fleet, wanted)) or "")


@pytest.mark.parametrize("wanted", [claim("c", request(16)), each(5, GROUP), distinct(each(4)), each(0)])
def test_what_fits_has_no_proof(made: Made, wanted: ResourceClaim) -> None:
    """One device less fits."""
    fleet = objects({"node-0": [device(f"d{number:02}", group=number // 5) for number in range(16)]})
    assert infeasible(made(fleet, wanted)) is None
