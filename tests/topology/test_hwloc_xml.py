"""XML of hwloc made by hand: what is read of each version, and what is refused with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology import hwloc_xml
from drapolicy.topology.hwloc import Machine

OLD = """<?xml version="1.0"?>
<!DOCTYPE topology SYSTEM "hwloc.dtd">
<topology>
  <object type="Machine" os_index="0">
    <distances nbobjs="2" relative_depth="1" latency_base="10.000000">
      <latency value="1.000000"/><latency value="2.100000"/>
      <latency value="2.000000"/><latency value="1.000000"/>
    </distances>
    <object type="NUMANode" os_index="4">
      <object type="Socket" os_index="0"/>
      <object type="Bridge" os_index="0" bridge_type="0-1" depth="0" bridge_pci="0000:[00-05]">
        <object type="PCIDev" pci_busid="0000:05:00.0" pci_type="0300 [1002:67df] [1002:0b37] c7" pci_link_speed="8.0"/>
      </object>
    </object>
    <object type="NUMANode" os_index="7">
      <object type="Socket" os_index="1"/>
    </object>
  </object>
</topology>
"""


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "tests/data/topology/hwloc_switch.xml").read_text()


@pytest.fixture(scope="module")
def machine(text: str) -> Machine:
    return hwloc_xml.parse(text, "node.xml")


def faults(text: str) -> list[str]:
    """All that is wrong with a document."""
    with pytest.raises(ParseError) as caught:
        hwloc_xml.parse(text, "node.xml")
    return [str(fault) for fault in caught.value.faults]


def test_facts(machine: Machine) -> None:
    """Objects, OS devices, GPU names and matrices are counted as the file writes them."""
    assert hwloc_xml.facts(machine) == {
        "kind": "hwloc-xml",
        "version": "2.0",
        "objects": {"Bridge": 8, "Core": 2, "NUMANode": 2, "OSDev": 9, "PCIDev": 6, "PU": 2, "Package": 2},
        "osdev": {"0": 1, "1": 3, "2": 2, "3": 1, "5": 2},
        "gpu_names": ["cuda0", "cuda1", "nvml0", "nvml1"],
        "distances": [["NUMALatency", "2"], ["NVLinkBandwidth", "2"]],
    }


def test_devices(machine: Machine) -> None:
    """3D controllers are GPUs; network and InfiniBand controllers are NICs; a management display is neither."""
    assert [machine.items[i].pci for i in machine.gpus] == ["0000:19:00.0", "0000:81:00.0"]
    assert [machine.items[i].pci for i in machine.nics] == ["0000:1a:00.0", "0000:c1:00.0"]
    assert machine.items[machine.gpus[0]].pci_id == "10de:20b0"
    assert machine.items[machine.gpus[0]].speed_mb_s == 31_508
    assert machine.host == "node-a"


def test_matrices(machine: Machine) -> None:
    """Members are found by the operating system's number or by hwloc's own, whichever the matrix says."""
    latency, links = machine.distances
    assert [machine.items[i].os_index for i in latency.members] == [0, 1]
    assert latency.values == ((10, 20), (21, 10))
    assert [machine.items[i].name for i in links.members] == ["nvml0", "nvml1"]
    assert links.values == ((1_000_000, 100_000), (100_000, 1_000_000))


def test_version_1() -> None:
    """Files tell no version, sockets are packages, and a matrix means the objects of a depth below the one it stands in."""
    machine = hwloc_xml.parse(OLD)
    assert hwloc_xml.facts(machine)["version"] is None
    assert hwloc_xml.facts(machine)["objects"] == {"Bridge": 1, "NUMANode": 2, "PCIDev": 1, "Package": 2}
    (latency,) = machine.distances
    assert (latency.name, latency.values) == ("NUMALatency", ((10, 21), (20, 10)))
    graph = hwloc_xml.topology(machine).graph
    assert set(graph["numa4"]) == {"host", "cpu0", "pci0000:00", "numa7"}
    assert set(graph["numa7"]) == {"host", "cpu1", "numa4"}
    assert graph.edges["0000:05:00.0", "pci0000:00"]["bandwidth_mb_s"] == 6_000


def test_version_3() -> None:
    """OS devices have sets of bits for a type, and matrices over several types of objects name each."""
    machine = hwloc_xml.parse(
        """<topology version="3.0"><object type="Machine" gp_index="1">
        <object type="Package" os_index="0" gp_index="7"><object type="NUMANode" os_index="0"/>
        <object type="PCIDev" pci_busid="0000:05:00.0" pci_type="0c06 [15b3:6746] [003c:0049] b0 00">
        <object type="OSDev" name="eth2" osdev_type="16"/><object type="OSDev" name="mlx4_0" osdev_type="48"/></object>
        <object type="PCIDev" pci_busid="0000:06:00.0" pci_type="0302 [10de:15f9] [10de:116b] a1 00">
        <object type="OSDev" name="nvml3" gp_index="9" osdev_type="12"/></object></object></object>
        <distances2hetero nbobjs="2" kind="25" name="NVLinkBandwidth">
        <indexes length="8">OSDev:9 </indexes><indexes length="8">Package:7 </indexes>
        <u64values length="4">0 20 </u64values><u64values length="4">20 0 </u64values></distances2hetero></topology>"""
    )
    assert hwloc_xml.facts(machine)["osdev"] == {"12": 1, "16": 1, "48": 1}
    assert [item.network for item in machine.items if item.kind == "OSDev"] == ["net", "rdma", ""]
    assert [machine.items[i].kind for i in machine.distances[0].members] == ["OSDev", "Package"]


def test_addresses_of_what_is_no_vertex(text: str, machine: Machine) -> None:
    """A disk controller may share the address of a GPU, as in captures that were put together: no vertex is in doubt."""
    double = hwloc_xml.parse(text.replace("0000:16:00.4", "0000:19:00.0"))
    assert hwloc_xml.facts(double) == hwloc_xml.facts(machine)
    assert hwloc_xml.topology(double).graph.nodes == hwloc_xml.topology(machine).graph.nodes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'type="Core" os_index="0" gp_index="4"',
            'type="Kernel" gp_index="4"',
            r"line 13, column 7: 'Kernel' is not a",
        ),
        ('type="NUMANode" os_index="0"', 'type="NUMANode"', r"<object> os_index: line 12, column 7: is missing"),
        ('type="NUMANode" os_index="1"', 'type="NUMANode" os_index="0"', "line 43.*is given before, at line 12"),
        ('gp_index="31"', 'gp_index="3"', "gp_index: line 43.*is given before, at line 12"),
        ('pci_busid="0000:81:00.0"', 'pci_busid="0000:19:00.0"', "line 49.*is given before, at line 20"),
        ('pci_busid="0000:81:00.0"', 'pci_busid="0000:81:20.0"', "line 49.*'0000:81:20.0' is not an address"),
        ('pci_busid="0000:81:00.0"', "", "pci_busid: line 49.*is missing"),
        ("0302 [10de:20b0] [10de:134f] a1", "three-d", "pci_type: line 20.*'three-d' is not like"),
        ('bridge_type="0-1"', 'bridge_type="0-"', "bridge_type: line .*'0-' is neither 0-1"),
        ("<distances2 ", '<objct type="PU"/><distances2 ', "<objct>: line .*is not called <object>"),
        ("<distances2 ", '<x><object type="PU"/></x><distances2 ', "<x>: line .*or holds one"),
        ('bridge_pci="0000:[80-81]"', 'bridge_pci="80-81"', "bridge_pci: line 47.*'80-81' is not like"),
        ('"15.753846"', '"fast"', "pci_link_speed: line 29.*'fast' is not a number"),
        ('"15.753846"', '"1e99"', "pci_link_speed: line 29.*'1e99' is not a number"),
        ('os_index="1" gp_index="33"', 'os_index="-2"', "os_index: line 45.*'-2' is not a number"),
        ('name="eth0"', 'name="eth0&#10;eth1"', r"name: line 63.*is not printable text"),
        ('version="2.0"', 'version="4.0"', r"<topology> version: line 3, column 1: '4.0' is no version"),
        ('version="2.0"', 'version="two"', "'two' is no version"),
        ("</topology>", '<object type="Machine"/></topology>', "line 3.*has 2 outermost objects"),
        ('nbobjs="2" kind="5"', 'nbobjs="3" kind="5"', "nbobjs: line 68.*is '3' and 2 indexes follow"),
        ("10 20 21 10 ", "10 20 21", "u64values: line 68.*are 3, not 2 x 2"),
        ("10 20 21 10 ", "10 20 21 -1", "u64values: line 68.*'-1' is not a number"),
        ("10 20 21 10 ", f"10 20 21 {10**9}", "u64values: line 68.*is not a number below"),
        (">0 1 <", ">0 2 <", "indexes: line 68.*'2' is no object"),
        (">0 1 <", ">0 0 <", "indexes: line 68.*'0' is named twice"),
        (">16 44 <", ">16 16 <", "indexes: line 72.*'16' is named twice"),
        (
            "1000000 100000 100000 1000000",
            "1000000 100000 50000 1000000",
            "NVLinkBandwidth: line 72.*row 1, column 0 is 50000, but row 0, column 1 is 100000",
        ),
        (
            '<distances2 type="OSDev"',
            '<distances2 type="Core"',
            "indexes: line 72.*'16' is no object",
        ),
        (">16 44 <", ">16 4 <", "indexes: line 72.*'4' is no object"),
        ("</topology>", "", "line 77.*: the file is cut"),
    ],
)
def test_what_is_refused(text: str, old: str, new: str, message: str) -> None:
    """Every fault tells the element, its attribute, line and column, and the value."""
    assert old in text
    found = faults(text.replace(old, new, 1))
    assert any(re.search(message, fault) for fault in found), found
    assert all(fault.startswith("node.xml: ") for fault in found)


def test_a_link_of_what_has_none_is_refused(text: str) -> None:
    """A matrix of NVLinks cannot join cores."""
    bad = text.replace('<distances2 type="OSDev"', '<distances2 type="Core"').replace(">16 44 <", ">4 32 <")
    assert any("joins a Core, which has no such link" in fault for fault in faults(bad))


def test_all_faults_are_told_together(text: str) -> None:
    """One reading finds faults of different kinds."""
    bad = text.replace('"15.753846"', '"fast"').replace("10 20 21 10 ", "10").replace('"Core"', '"Kernel"')
    assert len(faults(bad)) == 4


def test_entities_are_refused(text: str) -> None:
    """A document that declares an entity is not read."""
    bomb = text.replace(
        '<!DOCTYPE topology SYSTEM "hwloc2.dtd">', '<!DOCTYPE topology [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    )
    assert any("entity 'a'" in fault for fault in faults(bomb))


def test_other_xml_is_not_hwloc() -> None:
    """NCCL's XML is not taken for hwloc's."""
    assert not hwloc_xml.recognises('<system version="1"><cpu numaid="0"/></system>')
    assert any("is not of hwloc" in fault for fault in faults("<system/>"))
