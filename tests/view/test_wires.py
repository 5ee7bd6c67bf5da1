"""Links between devices: every label readable, every link told."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

import drapolicy as dp
from drapolicy.problem.sites import Sites
from drapolicy.view import facts, layout
from drapolicy.view.wires import Wire, curve, gutters, routed

GPU = "gpu.nvidia.com"
Box = tuple[float, float, float, float]


def meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def boxes(svg: str) -> tuple[list[Box], list[Box]]:
    """Return where labels of links and where devices are; letters are as wide as DejaVu Sans draws them."""
    labels, devices = [], []
    for e in ET.fromstring(svg).iter():
        if e.tag.endswith("}text") and (e.text or "").endswith("MB/s") and e.get("stroke"):
            x, y, half = float(e.attrib["x"]), float(e.attrib["y"]), 0.29 * 10.5 * len(e.text or "")
            labels.append((x - half, y - 9, x + half, y + 2))
        if e.tag.endswith("}rect") and e.get("width") == f"{layout.BOX[0]}":
            x, y = float(e.attrib["x"]), float(e.attrib["y"])
            devices.append((x, y, x + layout.BOX[0], y + layout.BOX[1]))
    return labels, devices


@pytest.mark.parametrize("policy", ["bandwidth", "random", "first-fit"])
@pytest.mark.parametrize(
    ("model", "wants", "claims", "labels"),
    [
        ("a100-pcie-bridged", {"gpu": (3, GPU)}, 1, 3),
        ("a100-pcie-bridged", {"gpu": (4, GPU)}, 1, 6),
        ("a100-pcie-bridged", {"gpu": (2, GPU)}, 4, 4),
        ("a100-bridged-4", {"gpu": (4, GPU)}, 1, 6),
        ("aws-p4d", {"gpu": (1, GPU), "nic": (1, "rdma.dra.net")}, 4, 4),
        ("dgx-h100", {"gpu": (2, GPU), "nic": (1, "rdma.dra.net")}, 2, 6),
        ("dgx-h100", {"gpu": (8, GPU)}, 1, 0),
    ],
)
def test_labels_lie_apart(model: str, wants: dict[str, tuple[int, str]], claims: int, labels: int, policy: str) -> None:
    """No label covers another, or a device, whatever was chosen."""
    fleet = dp.workload.fleet(model, 1)
    wanted = dp.workload.claims(wants, claims)
    svg = dp.view.placement(fleet, dp.place_all(fleet, wanted, policy), wanted=wanted).svg
    found, devices = boxes(svg)
    assert len(found) == labels
    assert not [pair for pair in combinations(found, 2) if meet(*pair)]
    assert not [(label, device) for label in found for device in devices if meet(label, device)]


def test_many_links_are_told_in_a_line() -> None:
    """Where labels have no room, a line counts the links of each kind."""
    fleet = dp.workload.fleet("a100-pcie-bridged", 1)
    wanted = dp.workload.claims({"gpu": (8, GPU)})
    svg = dp.view.placement(fleet, dp.place(fleet, wanted, "bandwidth"), wanted=wanted).svg
    assert "links: 4 × NV12 300,000 MB/s, 8 × NODE 12,000 MB/s, 16 × SYS 10,000 MB/s" in svg


def test_links_inside_a_folded_group_have_no_labels() -> None:
    """A group of many devices takes several lines; between them there is no room for a label."""
    site = Sites(dp.workload.fleet("dgx-h100", 1))[0]
    group = facts.Group("one root", plain=list(site.devices))
    rows, hidden = layout.rows([group], (), 20, 740)
    assert (rows[0][0].lines, hidden) == (2, 0)
    wires = routed([[facts.Link(0, 1, 10, "")]], rows)
    assert [wire.lane for wire in wires] == [-1]


def test_rows_without_links_take_no_room_for_them() -> None:
    """The gutter of a row is that of the wires below it."""
    wires = [Wire(0, facts.Link(0, 1, 10, ""), row=1, left=0, right=98, flat=True, lane=0)]
    assert gutters(wires, 3) == [0, 28, 0]


@pytest.mark.parametrize("right", [50.0, 400.0, 700.0])
def test_the_label_of_a_sloping_link_is_on_it(right: float) -> None:
    """Between rows a label stands where its curve passes."""
    wire = Wire(0, facts.Link(0, 1, 10, ""), row=0, left=50, right=right, flat=False, lane=1)
    path, (x, y) = curve(wire, {0: (5, 0, 90, 42), 1: (right - 45, 142, 90, 42)}, 50)
    assert path.startswith("M50 42C50 92")
    assert 50 <= x <= right
    assert y == 50 + wire.baseline


def test_devices_that_must_be_shown_have_room() -> None:
    """Of many devices, the free ones behind the first are counted instead."""
    site = Sites(dp.workload.fleet("dgx-h100", 1))[0]
    many = [facts.Group(str(n), plain=list(site.devices)) for n in range(5)]
    assert layout.rows(many, (), 20, 740)[1] == 5 * 16 - 72
    assert layout.rows(many, {site.devices[15].id}, 20, 740)[1] == 5 * 16 - 72 - 1


@pytest.mark.parametrize(
    ("model", "labels"),
    [
        (
            "a100-pcie-bridged",
            ["pci0000:10 · NUMA 0", "pci0000:90 · NUMA 1", "pci0000:20 · NUMA 0", "pci0000:a0 · NUMA 1"],
        ),
        ("a100-bridged-4", ["pci0000:01", "pci0000:41", "pci0000:81", "pci0000:c1"]),
    ],
)
def test_the_numa_node_of_a_root_is_told_where_it_is_known(model: str, labels: list[str]) -> None:
    """A network card publishes it, or a link stays inside the NUMA node of one that does; else nothing is claimed."""
    site = Sites(dp.workload.fleet(model, 1))[0]
    assert [group.label for group in facts.groups(site)] == labels
