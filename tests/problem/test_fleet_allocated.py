"""What is taken of a fleet, in a column."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import AllocationResult, DeviceAllocationResult, DeviceRequestAllocationResult
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.inventory.directory import Directory
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.fleet_allocated import FREE, FleetAllocated
from drapolicy.testing.simple import DRIVER, row

FLEET = build(row(nodes=2, devices=2))
# The last is published by nobody, as a device that was removed while a claim held it.
NAMES = [(pool, device) for pool in ("node-1", "node-2") for device in ("device-1", "device-2")] + [("node-9", "old")]

ENTRIES = st.builds(
    lambda name, share, admin, amount: DeviceRequestAllocationResult(
        request="r",
        driver=DRIVER,
        pool=name[0],
        device=name[1],
        share_id=share,
        admin_access=admin,
        consumed_capacity={} if amount is None else {"memory": Quantity(amount)},
    ),
    st.sampled_from(NAMES),
    st.sampled_from([None, None, "a", "b"]),
    st.sampled_from([None, None, None, True]),
    st.sampled_from([None, "1", "500m"]),
)
ALLOCATIONS = st.lists(ENTRIES, min_size=1, max_size=3).map(
    lambda entries: AllocationResult(devices=DeviceAllocationResult(results=entries))
)


def _fleet_state() -> FleetAllocated:
    return FleetAllocated(FLEET, Directory(FLEET))


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 5), ALLOCATIONS), max_size=20))
def test_a_column_says_what_names_say(steps: list[tuple[bool, int, AllocationResult]]) -> None:
    """After any allocations and returns, refused ones too, all answers are those of the state that keeps names."""
    column, names = _fleet_state(), AllocatedState()
    held: list[AllocationResult] = []
    for give_back, at, allocation in steps:
        given_back = held.pop(at % len(held)) if give_back and held else allocation
        for state in (column, names):
            if not give_back:
                state.add(allocation)
                continue
            try:
                state.remove(given_back)
            except InputError:
                assert given_back is allocation
        if not give_back:
            held.append(allocation)
        for name in NAMES:
            device = DeviceId(DRIVER, *name)
            assert column.use(device) == names.use(device)
            assert column.allocated(device) == names.allocated(device)
            assert column.has_share(device, "a") == names.has_share(device, "a")
    assert column == names


@given(allocations=st.lists(ALLOCATIONS, max_size=6))
def test_codes_say_what_is_taken(allocations: list[AllocationResult]) -> None:
    """A device's code leads to what is taken of it; all codes are 0 again when everything was given back."""
    state = _fleet_state()
    for allocation in allocations:
        state.add(allocation)
    for d, device in enumerate(FLEET.devices):
        pool = FLEET.slices.pool[int(FLEET.devices.slice[d])] or ""
        assert state.uses[state.codes[d]] == state.use(DeviceId(DRIVER, pool, device.name))
    for allocation in reversed(allocations):
        state.remove(allocation)
    assert (state.codes == FREE).all()
