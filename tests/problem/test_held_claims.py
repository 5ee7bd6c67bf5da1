"""Allocations of claims, packed and not."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationConfiguration,
    DeviceAllocationResult,
    DeviceRequestAllocationResult,
    DeviceToleration,
)
from drapolicy.problem.held_claims import HeldClaims

NAMES = st.sampled_from(["", "a", "node-1", "node-2"])
RESULTS = st.builds(
    DeviceRequestAllocationResult,
    request=NAMES,
    driver=NAMES,
    pool=NAMES,
    device=NAMES,
    admin_access=st.sampled_from([None, None, False, True]),
    tolerations=st.sampled_from([[], [DeviceToleration(key="k", operator="Exists")]]),
    share_id=st.sampled_from([None, None, "share"]),
    consumed_capacity=st.sampled_from([{}, {}, {"memory": Quantity("1000m")}, {"memory": Quantity(1)}]),
)


def _selector(key: str, operator: str, values: list[str], *, fields: bool = True) -> NodeSelector:
    here = [NodeSelectorRequirement(key=key, operator=operator, values=values)]
    term = NodeSelectorTerm(match_fields=here) if fields else NodeSelectorTerm(match_expressions=here)
    return NodeSelector(node_selector_terms=[term])


SELECTORS = st.sampled_from(
    [
        None,
        NodeSelector(),
        _selector("metadata.name", "In", ["node-1"]),
        _selector("metadata.name", "In", ["node-2"]),
        _selector("metadata.name", "In", ["node-1", "node-2"]),
        _selector("metadata.name", "NotIn", ["node-1"]),
        _selector("metadata.name", "In", []),
        _selector("metadata.name", "In", ["node-1"], fields=False),
    ]
)
ALLOCATIONS = st.builds(
    lambda results, selector, config, stamp: AllocationResult(
        devices=DeviceAllocationResult(results=results, config=config),
        node_selector=selector,
        allocation_timestamp=stamp,
    ),
    st.lists(RESULTS, max_size=3),
    SELECTORS,
    st.sampled_from([[], [DeviceAllocationConfiguration(source="FromClaim")]]),
    st.sampled_from([None, "2026-01-01T00:00:00Z"]),
)


@given(allocations=st.lists(ALLOCATIONS, max_size=6))
def test_what_is_packed_comes_back_equal(allocations: list[AllocationResult]) -> None:
    """Whatever an allocation says, spelling of amounts included, and in the order in which claims came."""
    held = HeldClaims()
    for number, allocation in enumerate(allocations):
        held.pack(f"ns/{number}", allocation)
    # Equal amounts may be spelled otherwise: bytes tell them apart.
    assert [_told(each) for each in held.values()] == [_told(each) for each in allocations]
    assert list(held) == [f"ns/{number}" for number in range(len(allocations))]
    for number, allocation in enumerate(allocations):
        assert _told(held.release(f"ns/{number}")) == _told(allocation)
    assert not held


def test_equal_devices_of_many_nodes_are_kept_once() -> None:
    """Pools and nodes differ; what is kept beside them is one object."""
    held = HeldClaims()
    for n in range(5):
        entry = DeviceRequestAllocationResult(request="r", driver="d", pool=f"pool-{n}", device="gpu-0")
        allocation = AllocationResult(
            devices=DeviceAllocationResult(results=[entry]),
            node_selector=_selector("metadata.name", "In", [f"node-{n}"]),
        )
        held.pack(str(n), allocation)
    kept = [each for each in held._held.values() if not isinstance(each, AllocationResult)]
    assert len(kept) == 5
    assert len({id(each.frame) for each in kept}) == len({id(each.results[0]) for each in kept}) == 1


def _told(allocation: AllocationResult) -> str:
    return repr(msgspec.to_builtins(allocation, enc_hook=lambda value: repr(value.__reduce__())))
