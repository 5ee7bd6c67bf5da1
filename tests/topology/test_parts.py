"""Devices that are parts of one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.topology.attributes import NodeDevice
from drapolicy.topology.parts import is_part, units

FACTS = {
    "uuid": st.sampled_from("uvw"),
    "parentUUID": st.sampled_from("uvw"),
    "pciBusID": st.sampled_from(["0000:0a:00.0", "0000:0b:00.0"]),
    "type": st.sampled_from(["gpu", "mig"]),
}


def device(name: str, **told: str) -> NodeDevice:
    attributes = {key: DeviceAttribute(string_value=value) for key, value in told.items()}
    return "gpu.nvidia.com", "pool", Device(name=name, attributes=attributes)


def test_a_whole_comes_before_its_parts() -> None:
    """Units are in the order of their first members, the whole first, and say what the whole says."""
    items = [device("part", type="mig", parentUUID="u"), device("other"), device("whole", uuid="u")]
    found, homeless = units(items)
    assert [(unit.members, unit.whole, unit.item[2].name) for unit in found] == [
        ((1,), True, "other"),
        ((2, 0), True, "whole"),
    ]
    assert homeless == {}


def test_parts_of_what_is_not_published_are_one() -> None:
    """What they say of their parent is what the unit says."""
    items = [device(n, type="mig", uuid=n, parentUUID="u", pciBusID="0000:0a:00.0") for n in "ab"]
    (unit,), _ = units(items)
    assert (unit.members, unit.whole) == ((0, 1), False)
    said = unit.item[2].attributes
    assert (said["uuid"].string_value, said["resource.kubernetes.io/pciBusID"].string_value) == ("u", "0000:0a:00.0")


def test_parts_may_stand_alone() -> None:
    """What the caller has a place for is a unit of its own."""
    items = [device("part", type="mig", parentUUID="u"), device("whole", uuid="u")]
    found, _ = units(items, lambda item: item[2].name == "part")
    assert [unit.members for unit in found] == [(0,), (1,)]


@given(told=st.lists(st.fixed_dictionaries({}, optional=FACTS), max_size=6))
def test_every_device_is_in_one_unit_or_homeless(told: list[dict[str, str]]) -> None:
    """Nothing is lost or counted twice, no two wholes are one, and only parts are homeless."""
    items = [device(f"d{d}", **facts) for d, facts in enumerate(told)]
    found, homeless = units(items)
    assert sorted([d for unit in found for d in unit.members] + list(homeless)) == list(range(len(items)))
    parts = [is_part(driver, item) for driver, _, item in items]
    assert all(sum(not parts[d] for d in unit.members) == unit.whole for unit in found)
    assert all(parts[d] for d in homeless)
