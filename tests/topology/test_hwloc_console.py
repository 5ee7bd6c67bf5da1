"""Outputs of lstopo made by hand: what is read with and without -v, and what is refused with its line."""

from __future__ import annotations

import re

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology import hwloc_console

BRIEF = """Machine (252GB total)
  Package L#0
    NUMANode L#0 (P#0 126GB)
    L3 L#0 (40MB)
      L2 L#0 (1024KB) + L1d L#0 (32KB) + L1i L#0 (32KB) + Core L#0
        PU L#0 (P#0)
        PU L#1 (P#32)
    HostBridge
      PCIBridge
        PCI 18:00.0 (3D)
          CoProc(CUDA) "cuda0"
          GPU(NVML) "nvml0"
      PCIBridge
        PCIBridge
          PCIBridge
            PCI 3b:00.0 (InfiniBand)
              Net "ib0"
              OpenFabrics "mlx5_0"
          PCIBridge
            2 x { PCI 3c:00.0-1 (Ethernet) }
      PCI 00:11.5 (SATA)
        Block(Disk) "sda"
"""

VERBOSE = """Machine (P#0 total=93GiB DMIProductName="A (B) + C" Architecture=x86_64)
  Package L#0 (P#0 total=46GiB CPUVendor=GenuineIntel CPUFamilyNumber=6 CPUModelNumber=85 CPUModel="Xeon(R) Silver")
    NUMANode L#0 (P#0 local=46GiB total=46GiB)
    Core L#0 (P#0)
      PU L#0 (P#0)
    HostBridge L#0 (buses=0000:[17-1a])
      PCIBridge L#1 (busid=0000:17:00.0 id=8086:2030 class=0604(PCIBridge) link=15.75GB/s buses=0000:[18-1a])
        PCIBridge L#2 (busid=0000:18:00.0 id=10b5:9797 class=0604(PCIBridge) link=15.75GB/s buses=0000:[19-1a])
          PCIBridge L#3 (busid=0000:19:04.0 id=10b5:9797 class=0604(PCIBridge) link=15.75GB/s buses=0000:[1a-1a])
            PCI L#0 (busid=0000:1a:00.0 id=10de:20b0 class=0302(3D) link=15.75GB/s)
              OSDev[GPU,Co-Processor](NVML) L#0 (GPUModel="Tesla V100 (32GB)" NVIDIAUUID=GPU-1) "nvml0"
  Package L#1 (P#1 total=47GiB)
    NUMANode L#1 (P#8 local=47GiB total=47GiB)
    PU L#1 (P#1)
    HostBridge L#4 (buses=0000:[80-82])
      PCI L#1 (busid=0000:82:00.0 id=8086:37d2 class=0200(Ethernet) link=0.25GB/s)
        OSDev[Network] L#1 (Address=ac:1f:6b:8a:5f:c8) "enp1"
        OSDev[OpenFabrics] L#2 (NodeGUID=0200:00ff) "irdma0"
      3 x { PCI L#2-4 (busid=82:01.7-02.1 id=8086:37cd class=0200(Ethernet)) }
depth 0:           1 Machine (type #0)
 depth 1:          2 Package (type #1)
  depth 2:         1 Core (type #3)
   depth 3:        2 PU (type #4)
Special depth -3:  2 NUMANode (type #14)
Special depth -4:  5 Bridge (type #16)
Special depth -5:  5 PCIDev (type #17)
Special depth -6:  3 OSDev (type #18)
Relative latency matrix (name NUMALatency kind 5) between 2 NUMANodes (depth -3) by logical indexes:
 index     1     0
     1    10    22
     0    21    10
Topology infos: OSName=Linux HostName=node-v Architecture=x86_64
Topology not from this system
"""


def faults(text: str) -> list[str]:
    """All that is wrong with a text."""
    with pytest.raises(ParseError) as caught:
        hwloc_console.parse(text, "node.txt")
    return [str(fault) for fault in caught.value.faults]


def test_without_v() -> None:
    """Objects on one line are inside each other, and functions on one line are beside each other."""
    machine = hwloc_console.parse(BRIEF)
    core = next(i for i, item in enumerate(machine.items) if item.kind == "Core")
    assert [machine.items[i].kind for i in machine.around(core)] == ["L1i", "L1d", "L2", "L3", "Package", "Machine"]
    assert [machine.items[i].os_index for i in machine.children[core]] == [0, 32]
    assert [machine.items[i].pci for i in machine.nics] == ["0000:3b:00.0", "0000:3c:00.0", "0000:3c:00.1"]
    assert hwloc_console.facts(machine) == {"kind": "hwloc-console", "gpus": 1}


def test_the_graph_without_v() -> None:
    """Roots and switches without an address are named by their lines."""
    built = hwloc_console.topology(hwloc_console.parse(BRIEF))
    assert built.of_kind("pcie_root", "switch") == ("root of line 8", "switch of line 14")
    assert set(built.graph["switch of line 14"]) == {"mlx5_0", "0000:3c:00.0", "0000:3c:00.1", "root of line 8"}
    assert set(built.graph["GPU0"]) == {"root of line 8"}


def test_with_v() -> None:
    """Addresses, classes, speeds, numbers and models are read; functions may go on to the next device."""
    machine = hwloc_console.parse(VERBOSE)
    gpu = machine.items[machine.gpus[0]]
    assert (gpu.pci, gpu.pci_class, gpu.pci_id, gpu.speed_mb_s) == ("0000:1a:00.0", "0302", "10de:20b0", 15_750)
    virtual = ["0000:82:01.7", "0000:82:02.0", "0000:82:02.1"]
    assert [machine.items[i].pci for i in machine.nics] == ["0000:82:00.0", *virtual]
    assert machine.infos["DMIProductName"] == "A (B) + C"
    assert machine.host == "node-v"


def test_the_graph_with_v() -> None:
    """Everything is named as in the graph of the XML."""
    graph = hwloc_console.topology(hwloc_console.parse(VERBOSE)).graph
    assert graph.nodes["GPU0"] == {
        "kind": "gpu",
        "index": 0,
        "pci": "0000:1a:00.0",
        "uuid": "GPU-1",
        "product": "Tesla V100 (32GB)",
    }
    assert graph.edges["GPU0", "0000:18:00.0"]["bandwidth_mb_s"] == 12_000
    assert graph.nodes["irdma0"] == {"kind": "nic", "rdma": "irdma0", "pci": "0000:82:00.0"}
    assert graph.edges["numa0", "numa8"] == {"kind": "SOCKET", "count": 1, "bandwidth_mb_s": 10_000, "slit": 22}
    assert set(graph["pci0000:80"]) == {"irdma0", "0000:82:01.7", "0000:82:02.0", "0000:82:02.1", "numa8"}


def test_physical_numbers() -> None:
    """A matrix may name its nodes by the operating system's numbers."""
    text = VERBOSE.replace("logical", "physical").replace(" index     1     0", " index     8     0")
    machine = hwloc_console.parse(text.replace("\n     1    10", "\n     8    10"))
    assert [machine.items[i].os_index for i in machine.distances[0].members] == [8, 0]


def test_names_without_quotes() -> None:
    """What hwloc has as Misc is called by any text; empty facts are facts."""
    machine = hwloc_console.parse("Machine (P#0 A= B=2)\n  Misc(DIMM) L#0 (P) is + Core\n  PU L#0 (P#0)\n")
    assert [item.kind for item in machine.items] == ["Machine", "Misc", "PU"]
    assert machine.infos == {"A": "", "B": "2"}


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_ends_of_lines(newline: str) -> None:
    """Any end of line will do."""
    text = BRIEF.replace("\n", newline)
    assert hwloc_console.recognises(text)
    assert len(hwloc_console.parse(text).items) == len(hwloc_console.parse(BRIEF).items)


def test_version_1() -> None:
    """Older outputs have sockets, bridges with arrows, and NUMA nodes around them."""
    machine = hwloc_console.parse(
        """Machine (P#0 total=24GB)
  NUMANode L#0 (P#0 local=12GB)
    Socket L#0 (P#0)
      PU L#0 (P#0)
    Bridge Host->PCI L#0 (P#0 buses=0000:[00-06])
      Bridge PCI->PCI (P#16 busid=0000:00:01.0 id=8086:3408 class=0604(PCI_B) buses=0000:[01-01])
        PCI 10de:06d2 (P#4096 busid=0000:01:00.0 class=0302(3D))
          GPU L#0 (Backend=NVML) "nvml0"
depth 0: 1 Machine (type #1)
 depth 1: 1 NUMANode (type #2)
  depth 2: 1 Socket (type #3)
   depth 3: 1 PU (type #6)
Special depth -3: 2 Bridge (type #9)
Special depth -4: 1 PCI Device (type #10)
Special depth -5: 1 OS Device (type #11)
"""
    )
    graph = hwloc_console.topology(machine).graph
    assert set(graph["pci0000:00"]) == {"GPU0", "numa0"}
    assert set(graph["numa0"]) == {"host", "cpu0", "pci0000:00"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PU L#1 (P#1)", "PU L#1 (P#1) (disallowed)"),
        ("PU L#0 (P#0)", "PU L#0 (P#0) (binding)"),
        ("local=46GiB total=46GiB)", "local=46GiB total=46GiB) (disallowed)"),
        ("Core L#0 (P#0)", "Core L#0 (P#0) cpuset=0x00000001,0x0"),
        ('Name="A (B) + C"', 'Name="A (B) + C" DMIBIOSVersion=.0b\r'),
    ],
)
def test_what_changes_nothing(old: str, new: str) -> None:
    """What lstopo says beside an object, or the firmware with a carriage return, leaves the graph as it is."""
    assert old in VERBOSE
    before, after = (hwloc_console.topology(hwloc_console.parse(text)) for text in (VERBOSE, VERBOSE.replace(old, new)))
    assert after.graph.nodes == before.graph.nodes
    assert after.graph.edges == before.graph.edges


def test_objects_with_physical_numbers() -> None:
    """With -p, lstopo gives the numbers of the operating system alone."""
    text = "Machine (3958MB total)\n  NUMANode P#3 (3958MB)\n  Package P#1\n    PU P#0\n"
    assert hwloc_console.recognises(text)
    assert hwloc_console.topology(hwloc_console.parse(text)).of_kind("numa", "cpu") == ("numa3", "cpu1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    Core L#0 (P#0)", "    ??? L#0 (P#0)", r"line 4, column 5: '\?\?\? L#0"),
        ("    Core L#0 (P#0)", "    Core L#0 (P#0", r"line 4, column 13: ' \(P#0' is no object"),
        ("      PU L#0 (P#0)\n", "", "PU: line 18.*ends with 1 of 2"),
        ("    Core L#0", "    Cores L#0", "Core: line 19.*ends with 0 of 1"),
        ("Special depth -5:  5 PCIDev (type #17)\n", "", "PCIDev: line 19.*ends with 5 of 0"),
        ("    NUMANode L#1 (P#8", "    NUMANode L#1 (P#0", "P#: line 13, column 5: 0 is given before, in line 3"),
        ("    NUMANode L#1 (P#8 ", "    NUMANode L#1 (", "NUMANode: line 13, column 5: has no number"),
        ("  Package L#1", "Package L#1", "line 12, column 1: stands beside the outermost object"),
        ("busid=0000:82:00.0", "busid=0000:1a:00.0", "busid: line 16.*0000:1a:00.0 is given before, in line 10"),
        ("busid=0000:82:00.0", "busid=82", "busid: line 16.*'82' is not the address of 1 PCI function"),
        ("3 x {", "4 x {", r"busid: line 19, column 13: '82:01.7-02.1' is not the address of 4"),
        ("     0    21    10\n", "", "NUMALatency: line 28, column 1: the matrix below has not 2 rows"),
        ("    21    10", "   -21    10", "NUMALatency: line 28.*has a cell that is no number"),
        (" index     1     0", " index     0     1", "NUMALatency: line 28.*are not the same"),
        (" index     1     0\n     1", " index     5     0\n     5", "NUMALatency: line 28.*are not the same"),
        (VERBOSE[VERBOSE.index("depth 0") :], "", "ends before the counts that -v gives"),
    ],
)
def test_what_is_refused(old: str, new: str, message: str) -> None:
    """Every fault tells file, line and column."""
    assert old in VERBOSE
    found = faults(VERBOSE.replace(old, new, 1))
    assert any(re.search(message, fault) for fault in found), found
    assert all(fault.startswith("node.txt: ") for fault in found)


def test_a_text_of_nothing_is_refused() -> None:
    """No objects, no machine."""
    assert "has no objects" in faults("\n\n")[0]


@pytest.mark.parametrize("line", ["x" * 20_001, " Core L#0" + " + Core L#0" * 1_000])
def test_bounds(line: str) -> None:
    """What is too long or too deep is refused where it stands."""
    assert "line 2" in faults(f"Machine (1GB)\n{line}\n")[0]


@pytest.mark.parametrize("text", ["", "machine", "Machine learning is fun\nL", "GPU0 GPU1", '<topology version="2.0">'])
def test_other_texts_are_not_taken_for_it(text: str) -> None:
    """A tree begins with its machine."""
    assert not hwloc_console.recognises(text)
