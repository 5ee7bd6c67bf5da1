"""Checks of an input's slices taken together."""

from __future__ import annotations

from functools import partial

import pytest

from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import CounterSet, Device, ResourcePool, ResourceSlice, ResourceSliceSpec
from drapolicy.inventory.checks import check, incomplete
from drapolicy.release import release


def published(name, generation=1, count=1, devices=("d",), *, pool="p", node="n", counters=()):
    spec = ResourceSliceSpec(
        driver="gpu.example.com",
        pool=ResourcePool(name=pool, generation=generation, resource_slice_count=count),
        node_name=node,
        devices=[Device(name=device) for device in devices],
        shared_counters=[CounterSet(name=counter) for counter in counters],
    )
    return ResourceSlice(metadata=ObjectMeta(name=name), spec=spec)


def found(function, *slices):
    return [(fault.object.removeprefix("ResourceSlice "), fault.path) for fault in function(Objects(slices=slices))]


@pytest.mark.parametrize(
    ("slices", "faults"),
    [
        ([published("a")], []),
        ([published("a"), published("b", pool="q")], []),
        ([published("a", count=2), published("b", count=2, devices=["e"])], []),
        ([published("a", 1), published("b", 2)], [("a", "spec.pool.generation")]),
        (
            [published("b", 1), published("a", 1, devices=["e"]), published("c", 3)],
            [("a", "spec.pool.generation"), ("b", "spec.pool.generation")],
        ),
        ([published("a", count=2), published("b", count=3, devices=["e"])], [("b", "spec.pool.resourceSliceCount")]),
        ([published("a"), published("b", devices=["e"])], [("b", "spec.pool.resourceSliceCount")]),
        (
            [published("a", count=2, devices=["x", "d"]), published("b", count=2, devices=["y", "z", "d"])],
            [("b", "spec.devices[2].name")],
        ),
        # Two nodes see one slice each, so the name is unique for both.
        ([published("a", count=2, node="n"), published("b", count=2, node="m")], []),
        (
            [published("a", count=2, devices=(), counters=["c"]), published("b", count=2, devices=(), counters=["c"])],
            [("b", "spec.sharedCounters[0].name")],
        ),
        # What is stale is one fault, not two.
        ([published("a", 1, count=2), published("b", 2, count=1)], [("a", "spec.pool.generation")]),
    ],
)
def test_pools_at_odds_with_themselves(slices, faults):
    """Each contradiction is named at the slice and field to mend, in order."""
    assert found(check, *slices) == faults
    assert sorted(found(check, *reversed(slices))) == sorted(faults)


def test_the_message_names_both_generations():
    """A stale slice is told with the generation that replaced it."""
    (fault,) = check(Objects(slices=(published("old", 4), published("new", 7))))
    assert str(fault) == (
        "ResourceSlice old: spec.pool.generation: 4 is stale: pool gpu.example.com/p is there with generation 7 too, "
        "and only the newest counts; remove this slice"
    )


@pytest.mark.parametrize(
    ("slices", "notes"),
    [
        ([published("a")], []),
        ([published("a", count=2)], [("a", "spec.pool.resourceSliceCount")]),
        ([published("a", 1), published("b", 2, count=3)], [("b", "spec.pool.resourceSliceCount")]),
        ([published("a", 1, count=9), published("b", 2, count=1)], []),
    ],
)
def test_pools_that_lack_slices(slices, notes):
    """The newest generation counts."""
    assert found(partial(incomplete, kubernetes=release()), *slices) == notes
