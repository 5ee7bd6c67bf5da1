"""Tests of finding slices and devices by name."""

from __future__ import annotations

import pytest

from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import Device, ResourcePool, ResourceSlice, ResourceSliceSpec
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.directory import Directory
from drapolicy.inventory.pool_device import DeviceId, PoolId


def _slice(
    node: str, pool: str, *names: str, driver: str = "d.example", part: int = 0, parts: int = 1
) -> ResourceSlice:
    return ResourceSlice(
        metadata=ObjectMeta(name=f"{node}-{driver}-{pool}-{part}"),
        spec=ResourceSliceSpec(
            driver=driver,
            node_name=node,
            pool=ResourcePool(name=pool, generation=1, resource_slice_count=parts),
            devices=[Device(name=name) for name in names],
        ),
    )


@pytest.fixture
def fleet() -> Fleet:
    """Two nodes: one with a pool of its own name in two slices, one with pools of other names and drivers."""
    slices = (
        _slice("a", "a", "x", "y", part=0, parts=2),
        _slice("a", "a", "z", "x", part=1, parts=2),
        _slice("b", "pool", "x"),
        _slice("b", "b", "x", driver="e.example"),
        _slice("b", "b", "y"),
    )
    return build(Objects(slices=slices))


def test_every_device_is_found_where_it_stands(fleet: Fleet) -> None:
    """Each name leads to all rows that publish it, and to no other."""
    directory = Directory(fleet)
    found: dict[DeviceId, list[int]] = {}
    for d in range(len(fleet.devices)):
        row = int(fleet.devices.slice[d])
        name = DeviceId(fleet.slices.driver[row] or "", fleet.slices.pool[row] or "", fleet.devices[d].name)
        found.setdefault(name, []).append(d)
    for _ in range(2):
        assert {name: list(directory.rows_of(name)) for name in found} == found


def test_slices_of_a_pool_stand_together(fleet: Fleet) -> None:
    """A pool's slices are found whatever the pool is called."""
    directory = Directory(fleet)
    for row in range(len(fleet.slices)):
        pool = PoolId(fleet.slices.driver[row] or "", fleet.slices.pool[row] or "")
        rows = directory.slices_of(pool)
        assert row in rows
        assert {(fleet.slices.driver[r], fleet.slices.pool[r]) for r in rows} == {tuple(pool)}
    assert len(directory.slices_of(PoolId("d.example", "a"))) == 2


@pytest.mark.parametrize(
    "name", [("d.example", "a", "w"), ("d.example", "c", "x"), ("f.example", "a", "x"), ("", "", ""), ("", "a", "x")]
)
def test_what_nobody_publishes_is_nowhere(fleet: Fleet, name: tuple[str, str, str]) -> None:
    """Names that no slice publishes have no rows, asked first or later."""
    directory = Directory(fleet)
    assert directory.rows_of(DeviceId(*name)) == ()
    assert directory.rows_of(DeviceId("d.example", "a", "x"))
    assert directory.rows_of(DeviceId(*name)) == ()
