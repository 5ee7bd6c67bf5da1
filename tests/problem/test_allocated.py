"""What is taken."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationResult,
    DeviceRequestAllocationResult,
    ResourceClaim,
    ResourceClaimStatus,
)
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.allocated import AllocatedState
from drapolicy.release import Release, release

RELEASE = release("1.37")
D0 = DeviceId("gpu.x", "p", "d0")


def held(
    device: str = "d0", *, share: str | None = None, admin: bool | None = None, **consumed: str
) -> DeviceRequestAllocationResult:
    return DeviceRequestAllocationResult(
        request="r",
        driver="gpu.x",
        pool="p",
        device=device,
        share_id=share,
        admin_access=admin,
        consumed_capacity={name: Quantity(text) for name, text in consumed.items()},
    )


def allocation(*results: DeviceRequestAllocationResult) -> AllocationResult:
    return AllocationResult(devices=DeviceAllocationResult(results=list(results)))


def state(*results: DeviceRequestAllocationResult, kubernetes: Release = RELEASE) -> AllocatedState:
    claim = ResourceClaim(status=ResourceClaimStatus(allocation=allocation(*results)))
    return AllocatedState.from_claims([claim, ResourceClaim()], kubernetes)


def test_a_device_is_taken_as_a_whole() -> None:
    """It is held, and it is no share."""
    taken = state(held())
    assert (taken.holds(D0), taken.shared(D0), taken.allocated(D0)) == (True, False, True)


def test_admin_access_takes_nothing() -> None:
    """Others do not see it (S20)."""
    assert not state(held(admin=True)).allocated(D0)


def test_shares_add_up_what_they_consume() -> None:
    """Two shares of one device; the device is not held as a whole."""
    taken = state(held(share="a", mem="1Gi"), held(share="b", mem="512Mi", cores="2"))
    assert (taken.holds(D0), taken.shared(D0)) == (False, True)
    assert taken.consumed(D0) == {"mem": Quantity("1536Mi").nano, "cores": Quantity("2").nano}
    assert taken.has_share(D0, "a")
    assert not taken.has_share(D0, "c")


def test_a_share_of_nothing_is_still_a_share() -> None:
    """A shareable device without capacities has consumers without amounts."""
    taken = state(held(share="a"))
    assert taken.shared(D0)
    assert taken.consumed(D0) == {}


def test_without_consumable_capacity_a_share_takes_the_whole_device() -> None:
    """As the scheduler falls back (S20)."""
    taken = state(
        held(share="a", mem="1Gi"), kubernetes=RELEASE.with_features(RELEASE.features - {"ConsumableCapacity"})
    )
    assert (taken.holds(D0), taken.shared(D0)) == (True, False)


RESULTS = st.builds(
    held,
    st.sampled_from(["d0", "d1"]),
    share=st.sampled_from([None, "a", "b"]),
    admin=st.sampled_from([None, True]),
    mem=st.sampled_from(["1", "500m", "0"]),
)
ALLOCATIONS = st.lists(st.lists(RESULTS, max_size=3).map(lambda results: allocation(*results)), max_size=5)


@given(before=ALLOCATIONS, after=ALLOCATIONS, order=st.randoms(use_true_random=False))
def test_remove_undoes_add_in_any_order(
    before: list[AllocationResult], after: list[AllocationResult], order: Random
) -> None:
    """The state is the same as if the removed allocations had never been."""
    taken, expected = AllocatedState(), AllocatedState()
    for entry in before:
        taken.add(entry)
        expected.add(entry)
    for entry in after:
        taken.add(entry)
    order.shuffle(after)
    for entry in after:
        version = taken.version
        taken.remove(entry)
        assert taken.version > version
    assert taken == expected


@pytest.mark.parametrize("result", [held(), held(share="b"), held("d1", share="a")])
def test_what_is_not_held_cannot_be_given_back(result: DeviceRequestAllocationResult) -> None:
    """The state is unchanged then, also where part of the allocation is held."""
    taken, expected = state(held(share="a", mem="1")), state(held(share="a", mem="1"))
    with pytest.raises(InputError, match="it is not allocated"):
        taken.remove(allocation(held(share="a", mem="1"), result))
    assert taken == expected
