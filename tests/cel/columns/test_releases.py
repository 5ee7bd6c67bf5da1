"""Columns say in every release what the evaluator says of each device, lists, URLs and whole devices included."""

from __future__ import annotations

from random import Random

import pytest

from drapolicy import cel
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.resource import Device, DeviceAttribute, ResourcePool, ResourceSlice, ResourceSliceSpec
from drapolicy.cel import CompileError
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.selecting import select, table_of
from drapolicy.release import MINORS, Release, release
from drapolicy.testing.selectors import DRIVER, random_device, random_expression

LISTS = {"DRAListTypeAttributes": True}
RELEASES = [*map(release, MINORS), release("1.36", gates=LISTS)]


def fleet_of(devices: list[Device], kubernetes: Release) -> Fleet:
    """Return a fleet of one pool."""
    pool = ResourcePool(name="p", generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver=DRIVER, pool=pool, node_name="n", devices=devices)
    return build(Objects(slices=(ResourceSlice(metadata=ObjectMeta(name="s"), spec=spec),)), kubernetes)


def one_by_one(text: str, devices: list[Device], kubernetes: Release) -> list[bool | str]:
    """Return the outcome on each device by itself."""
    program = cel.compile(text, kubernetes)
    found: list[bool | str] = []
    for device in devices:
        try:
            found.append(program.evaluate(cel.device_view(DRIVER, device)))
        except cel.EvaluationError as error:
            found.append(error.message)
    return found


@pytest.mark.parametrize("kubernetes", RELEASES, ids=lambda kubernetes: kubernetes.minor)
@pytest.mark.parametrize("seed", range(3))
def test_columns_agree_with_the_evaluator(kubernetes: Release, seed: int) -> None:
    """Values and errors, word for word, on every device."""
    rng = Random(f"{kubernetes.minor}/{seed}")
    devices = [random_device(rng, kubernetes, number) for number in range(40)]
    table = table_of(fleet_of(devices, kubernetes))
    compared = 0
    while compared < 80:
        text = random_expression(rng, kubernetes)
        if ".map(k" in text:
            # The order of names, which is random upstream, is that of the table here.
            continue
        try:
            wanted = one_by_one(text, devices, kubernetes)
        except CompileError:
            continue
        found = select(table, text)
        told = [found.error(d) or bool(found.matches[d]) for d in range(len(devices))]
        assert told == wanted, text
        compared += 1


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('device.attributes["gpu.example.com"].texts.exists(t, t == "a")', "compiled"),
        ('"a" in device.attributes["gpu.example.com"].texts', "compiled"),
        ('device.attributes["gpu.example.com"].counts.includes(1)', "compiled"),
        ('device.attributes["gpu.example.com"].?count.orValue(0) > 9007199254740992', "compiled"),
        ('cel.bind(d, device, d.driver == "gpu.example.com")', "by signature"),
    ],
)
def test_lists_are_columns_like_any_other(text: str, path: str) -> None:
    """Only what needs the device as a whole runs once per distinct device, and ints are exact beyond 2^53."""
    counts = (2**53, 2**53 + 1)
    devices = [
        Device(
            name=f"d{index}",
            attributes={
                "count": DeviceAttribute(int_value=count),
                "counts": DeviceAttribute(int_values=[1, count]),
                "texts": DeviceAttribute(string_values=["a", "b"]),
            },
        )
        for index, count in enumerate(counts)
    ]
    found = select(fleet_of(devices, release()), text)
    assert found.path == path
    assert found.matches.tolist() == one_by_one(text, devices, release())


def test_the_fleets_release_decides() -> None:
    """1.36 reads lists only with the gate, 1.37 always."""
    devices = [Device(name="d", attributes={"a": DeviceAttribute(int_values=[1])})]
    outcomes = {
        name: select(fleet_of(devices, kubernetes), "true").error(0)
        for name, kubernetes in (("off", release("1.36")), ("on", RELEASES[-1]), ("new", release("1.37")))
    }
    assert outcomes == {"off": "attribute a: unsupported attribute value", "on": None, "new": None}
