"""Topologies of NCCL and RCCL: facts, graphs, and every fault with its line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy.errors import InputError, ParseError
from drapolicy.topology import nccl_xml
from drapolicy.topology.graph import Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.rates import GA10X_NVLINK

AMPERE = """\
<!-- two hosts' worth of comments
     before the document -->
<system version="1">
  <cpu numaid="3" affinity="000000ff,ffff0000" arch="x86_64" vendor="AuthenticAMD" familyid="23" modelid="49">
    <pci busid="0000:01:00.0" class="0x060400" link_speed="16.0 GT/s PCIe" link_width="16">
      <pci busid="0000:07:00.0" class="0x030200" link_speed="16.0 GT/s PCIe" link_width="8">
        <gpu dev="1" sm="80" rank="1" gdr="1">
          <nvlink target="0000:0F:00.0" count="4" tclass="0x030200"/>
          <nvlink target="0000:c4:00.0" count="2" tclass="0x068000"/>
          <nvlink target="0000:c5:00.0" count="2" tclass="0x068000"/>
        </gpu>
      </pci>
      <pci busid="0000:0c:00.0" class="0x020700" link_speed="8 GT/s" link_width="4">
        <nic>
          <net name="mlx5_0" dev="0" speed="200000" port="1" guid="0x1" maxconn="131072" gdr="1"/>
        </nic>
      </pci>
    </pci>
  </cpu>
  <cpu numaid="1" arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="85">
    <pci busid="0000:0f:00.0" class="0x030200" link_speed="" link_width="0">
      <gpu dev="0" sm="80" rank="0">
        <nvlink target="0000:07:00.0" count="4" tclass="0x030200"/>
        <nvlink target="fffffff:ffff:ff" count="4" tclass="0x068000"/>
      </gpu>
    </pci>
    <nic>
      <net name="eth0" dev="1" speed="-1" port="0"/>
    </nic>
  </cpu>
</system>
"""


def graph_of(text: str) -> Topology:
    return nccl_xml.topology(nccl_xml.parse(text))


def system(*inside: str, cpu: str = 'numaid="0"') -> str:
    """A document with one CPU."""
    return f'<system version="1">\n<cpu {cpu}>\n' + "\n".join(inside) + "\n</cpu>\n</system>"


def gpu(address: str, dev: int, *links: str, attributes: str = 'sm="80"') -> str:
    inside = "".join(links)
    return f'<pci busid="{address}" class="0x030200"><gpu dev="{dev}" {attributes}>{inside}</gpu></pci>'


def faults(text: str) -> list[str]:
    with pytest.raises(ParseError) as caught:
        nccl_xml.parse(text, "topo.xml")
    found = [str(fault) for fault in caught.value.faults]
    assert all(fault.startswith("topo.xml: ") for fault in found)
    return [fault.removeprefix("topo.xml: ") for fault in found]


def test_facts_count_elements_and_classes() -> None:
    """NUMA numbers keep the order of the document; GPUs are counted by class and by element."""
    assert nccl_xml.facts(nccl_xml.parse(AMPERE)) == {
        "kind": "nccl-xml",
        "version": "1",
        "arch": ["x86_64"],
        "cpus": 2,
        "numa": ["3", "1"],
        "pci": 4,
        "gpu_pci": 2,
        "gpus_per_numa": {"1": 1, "3": 1},
        "nic_pci": 1,
        "gpu_elements": 2,
        "sm": ["80"],
        "gcn": [],
        "nics": 2,
        "nets": 2,
        "nvlinks": 5,
        "xgmi": 0,
        "c2c": 0,
    }


def test_vertices_have_the_vendors_names() -> None:
    """GPUs come first, by number; NICs have their names, switches their addresses."""
    graph = graph_of(AMPERE).graph
    assert dict(graph.nodes(data=True)) == {
        "GPU0": {"kind": "gpu", "index": 0, "pci": "0000:0f:00.0"},
        "GPU1": {"kind": "gpu", "index": 1, "pci": "0000:07:00.0"},
        "mlx5_0": {"kind": "nic", "pci": "0000:0c:00.0", "rdma": "mlx5_0", "speed_mb_s": 25_000},
        "0000:01:00.0": {"kind": "switch", "layer": "pcie", "pci": "0000:01:00.0"},
        "host": {"kind": "host"},
        "numa3": {"kind": "numa"},
        "numa1": {"kind": "numa"},
        "eth0": {"kind": "nic"},
        "nvswitch": {"kind": "switch", "layer": "nvswitch"},
        "0000:c4:00.0": {"kind": "switch", "layer": "nvswitch", "pci": "0000:c4:00.0"},
        "0000:c5:00.0": {"kind": "switch", "layer": "nvswitch", "pci": "0000:c5:00.0"},
    }


@pytest.mark.parametrize(
    ("a", "b", "data"),
    [
        ("GPU1", "0000:01:00.0", {"kind": "PCIE", "count": 1, "bandwidth_mb_s": 12_000, "generation": 4, "lanes": 8}),
        ("mlx5_0", "0000:01:00.0", {"kind": "PCIE", "count": 1, "bandwidth_mb_s": 3_000, "generation": 3, "lanes": 4}),
        ("0000:01:00.0", "numa3", {"kind": "PCIE", "count": 1, "bandwidth_mb_s": 24_000, "generation": 4, "lanes": 16}),
        ("GPU0", "numa1", {"kind": "PCIE", "count": 1, "bandwidth_mb_s": 12_000}),
        ("GPU0", "GPU1", {"kind": "NV", "count": 4, "bandwidth_mb_s": 100_000, "generation": 3}),
        ("GPU0", "nvswitch", {"kind": "NV", "count": 4, "bandwidth_mb_s": 100_000, "generation": 3}),
        ("GPU1", "0000:c4:00.0", {"kind": "NV", "count": 2, "bandwidth_mb_s": 50_000, "generation": 3}),
        ("numa1", "numa3", {"kind": "SOCKET", "count": 1, "bandwidth_mb_s": 10_000}),
        ("eth0", "numa1", {"kind": "in", "count": 1, "bandwidth_mb_s": 0}),
        ("numa3", "host", {"kind": "in", "count": 1, "bandwidth_mb_s": 0}),
    ],
)
def test_edges_have_kind_count_and_speed(a: str, b: str, data: dict[str, object]) -> None:
    """PCIe is as fast as its speed and width, NVLink as its generation, sockets as the slower CPU."""
    assert graph_of(AMPERE).graph.edges[a, b] == data


def test_a_pcie_link_that_is_not_told_is_marked() -> None:
    """An empty speed and a width of 0 are no fault; the graph says that NCCL's default was taken."""
    assert graph_of(AMPERE).graph.graph["assumed"] == ("GPU0",)


def test_a_static_file_has_gpus_by_class_and_address() -> None:
    """Without <gpu> elements, classes tell GPUs (display, accelerator) and NICs."""
    text = system(
        '<pci busid="ffff:ff:01.0" class="0x060400" link_speed="8 GT/s" link_width="16">',
        '<pci busid="0000:10:1c.0" class="0x030200"/><pci busid="0000:10:1d.0" class="0x120000"/>',
        '<pci busid="0000:10:1b.0" class="0x020000"/><pci busid="0000:11:00.0" class="0x010802"/></pci>',
    )
    record = nccl_xml.parse(text)
    topology = nccl_xml.topology(record)
    assert topology.of_kind("gpu") == ("0000:10:1c.0", "0000:10:1d.0")
    assert topology.of_kind("nic") == ("0000:10:1b.0",)
    assert record.notes == ("line 5, column 45: <pci> 0000:11:00.0 of class 0x010802 is neither GPU, NIC nor switch",)


def test_devices_without_class_are_told_by_the_caller() -> None:
    """Nothing is guessed: such a device is noted and left out, until its kind is given."""
    record = nccl_xml.parse(system('<pci busid="0000:00:16.0"/>', '<pci busid="0000:00:15.0"/>'))
    assert record.notes[0] == "line 3, column 1: <pci> 0000:00:16.0 has no class, and may be a GPU or a NIC"
    assert nccl_xml.topology(record).devices == ()
    told = nccl_xml.topology(record, kinds={"0000:00:16.0": "gpu", "0000:00:15.0": "nic"})
    assert (told.of_kind("gpu"), told.of_kind("nic")) == (("0000:00:16.0",), ("0000:00:15.0",))


@pytest.mark.parametrize(
    ("gcn", "each_mb_s"),
    [
        ("906", 46_000),
        ("908", 46_000),
        ("910", 50_000),
        ("gfx90a:sramecc+:xnack-", 50_000),
        ("940", 64_000),
        ("gfx942", 64_000),
        ("gfx950", 76_800),
    ],
)
def test_xgmi_is_as_fast_as_the_architecture_says(gcn: str, each_mb_s: int) -> None:
    """RCCL writes numbers and, later, names; counts multiply."""
    a, b = "0000:03:00.0", "0000:26:00.0"
    link = '<xgmi target="{}" count="2" tclass="0x038000"/>'
    arch = f'sm="120" gcn="{gcn}" arch="38911"'
    text = system(gpu(a, 0, link.format(b), attributes=arch), gpu(b, 1, link.format(a), attributes=arch))
    edge = graph_of(text.replace('version="1"', 'version="2"')).graph.edges["GPU0", "GPU1"]
    assert edge == {"kind": LinkKind.XGMI.value, "count": 2, "bandwidth_mb_s": 2 * each_mb_s}


@pytest.mark.parametrize(
    ("sm", "each_mb_s"),
    [
        ("60", 20_000),
        ("70", 25_000),
        ("80", 25_000),
        ("86", GA10X_NVLINK.bandwidth_mb_s),
        ("90", 25_000),
        ("100", 50_000),
        ("120", 50_000),
    ],
)
def test_nvlink_is_as_fast_as_the_compute_capability_says(sm: str, each_mb_s: int) -> None:
    """A generation of NVLink goes with compute capabilities."""
    link = '<nvlink target="fffffff:ffff:ff" count="3" tclass="0x068000"/>'
    graph = graph_of(system(gpu("0000:07:00.0", 0, link, attributes=f'sm="{sm}"'))).graph
    assert graph.edges["GPU0", "nvswitch"]["bandwidth_mb_s"] == 3 * each_mb_s


def test_the_product_decides_where_the_architecture_is_not_told() -> None:
    """A static file with links that somebody added has no sm."""
    link = '<nvlink target="fffffff:ffff:ff" count="1" tclass="0x068000"/>'
    record = nccl_xml.parse(system(gpu("0000:07:00.0", 0, link, attributes="")))
    edge = nccl_xml.topology(record, "NVIDIA B200").graph.edges["GPU0", "nvswitch"]
    assert (edge["bandwidth_mb_s"], edge["generation"]) == (50_000, 5)


def test_coherent_links_lead_to_the_cpu_beside_pcie() -> None:
    """C2C has its own speed in the file; the PCIe link to the NUMA node stays."""
    graph = graph_of(
        system(gpu("0009:01:00.0", 0, '<c2c bw="44712" count="10"/>'), cpu='numaid="0" arch="arm64"')
    ).graph
    assert graph.edges["GPU0", "cpu0"] == {"kind": "C2C", "count": 10, "bandwidth_mb_s": 447_120}
    assert graph.edges["GPU0", "numa0"]["kind"] == "PCIE"
    assert graph.edges["cpu0", "numa0"]["kind"] == "in"


def test_nvlinks_of_power_lead_to_the_cpu() -> None:
    """The bridge's class tells that a CPU is at the other end; its bridges count together."""
    links = [f'<nvlink target="000{n}:00:00.0" count="1" tclass="0x068001"/>' for n in (4, 5, 6)]
    graph = graph_of(system(gpu("0004:04:00.0", 0, *links, attributes='sm="70"'), cpu='numaid="0" arch="ppc64"')).graph
    assert graph.edges["GPU0", "cpu0"]["count"] == 3


@pytest.mark.parametrize(
    ("cpu", "mb_s"),
    [
        ('arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="79"', 6_000),
        ('arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="85"', 10_000),
        ('arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="143"', 22_000),
        ('arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="207"', 40_000),
        ('arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="173"', 40_000),
        ('arch="x86_64" vendor="AuthenticAMD" familyid="143" modelid="49"', 16_000),
        ('arch="x86_64" vendor="AuthenticAMD" familyid="175" modelid="1"', 24_000),
        ('arch="x86_64" vendor="AuthenticAMD" familyid="26" modelid="2"', 32_000),
        ('arch="ppc64"', 32_000),
        ('arch="arm64"', 6_000),
        ('arch="x86_64"', None),
        ("", None),
    ],
)
def test_sockets_are_as_fast_as_their_cpus(cpu: str, mb_s: int | None) -> None:
    """The make decides as in NCCL; where it is not told, there is no link."""
    text = f'<system version="1"><cpu numaid="0" {cpu}/><cpu numaid="1" {cpu}/></system>'
    edge = graph_of(text).graph.get_edge_data("numa0", "numa1")
    assert (edge and edge["bandwidth_mb_s"]) == mb_s


def test_ports_of_one_nic() -> None:
    """Ports with one name are one vertex with both speeds; ports with names of their own are a vertex each."""
    net = '<net name="{}" dev="0" speed="100000" port="{}"/>'
    card = '<pci busid="0000:e1:00.0" class="0x020700"><nic>' + net.format("mlx5_0", 1) + "{}</nic></pci>"
    one = graph_of(system(card.format(net.format("mlx5_0", 2)))).graph
    assert one.nodes["mlx5_0"] == {"kind": "nic", "pci": "0000:e1:00.0", "rdma": "mlx5_0", "speed_mb_s": 25_000}
    two = graph_of(system(card.format(net.format("mlx5_1", 2)))).graph
    assert two.nodes["mlx5_0"] == {"kind": "nic", "rdma": "mlx5_0", "speed_mb_s": 12_500}
    assert two.nodes["mlx5_1"] == {"kind": "nic", "rdma": "mlx5_1", "speed_mb_s": 12_500}


def test_a_speed_beyond_any_port_is_left_out() -> None:
    """RCCL has written 200 Gbit/s in kbit/s."""
    record = nccl_xml.parse(system('<nic><net name="cxi0" speed="200000000" port="1"/></nic>'))
    assert record.notes == (
        "line 3, column 6: <net> cxi0: a speed of 200000000 Mbit/s is beyond any port, and left out",
    )
    assert nccl_xml.topology(record).graph.nodes["cxi0"] == {"kind": "nic", "rdma": "cxi0"}


def test_switches_may_share_an_address() -> None:
    """Partitions of a switch show the address of the chip; they stay apart, and devices have the first right to a name."""
    switch = '<pci busid="0000:c5:00.0" class="0x060400"><pci busid="0000:{}:00.0" class="{}"/></pci>'
    graph = graph_of(system(switch.format("cf", "0x030200"), switch.format("c5", "0x020000"))).graph
    assert graph.nodes["0000:c5:00.0"]["kind"] == "nic"
    assert [name for name, data in graph.nodes(data=True) if data["kind"] == "switch"] == [
        "0000:c5:00.0 (2)",
        "0000:c5:00.0 (3)",
    ]
    assert graph.has_edge("0000:cf:00.0", "0000:c5:00.0 (2)")
    assert graph.has_edge("0000:c5:00.0", "0000:c5:00.0 (3)")


def test_linked_halves_of_a_switch() -> None:
    """<pcilink> joins two switches that are one chip."""
    half = '<pci busid="0000:{}:00.0" class="0x060400"><pcilink target="0000:{}:00.0"/></pci>'
    graph = graph_of(system(half.format("10", "20"), half.format("20", "10"))).graph
    assert graph.edges["0000:10:00.0", "0000:20:00.0"]["kind"] == "PCIE"


def test_hosts_of_a_domain_have_names_of_their_own() -> None:
    """Fused files tell hosts apart by hash; the NVSwitch is shared, sockets are not."""
    cpu = '<cpu host_hash="{}" numaid="0" arch="arm64">{}</cpu>'
    link = '<nvlink target="fffffff:ffff:ff" count="18" tclass="0x068000"/>'
    card = gpu("0008:01:00.0", 0, link, attributes='sm="100"')
    topology = graph_of(f'<system version="1">{cpu.format("0xA1", card)}{cpu.format("0xb2", card)}</system>')
    assert topology.of_kind("host") == ("0xa1", "0xb2")
    assert topology.of_kind("gpu") == ("0xa1/GPU0", "0xb2/GPU0")
    assert set(topology.graph["nvswitch"]) == {"0xa1/GPU0", "0xb2/GPU0"}
    assert not topology.graph.has_edge("0xa1/numa0", "0xb2/numa0")


def test_a_host_without_numa_nodes() -> None:
    """A virtual machine's number is -1; its devices hang on the host."""
    graph = graph_of(system(gpu("0000:07:00.0", 0, '<c2c bw="1" count="1"/>'), cpu='numaid="-1"')).graph
    assert set(graph) == {"GPU0", "host", "cpu0"}
    assert graph.edges["GPU0", "host"]["kind"] == "PCIE"


def test_links_to_what_is_not_in_the_file_are_noted() -> None:
    """A container that sees some GPUs dumps links to all."""
    record = nccl_xml.parse(
        system(gpu("0000:07:00.0", 0, '<nvlink target="0000:0f:00.0" count="4" tclass="0x030200"/>'))
    )
    assert record.notes == ("line 3, column 65: <nvlink> leads to 0000:0f:00.0, which is not in the file",)
    graph = nccl_xml.topology(record).graph
    assert list(graph["GPU0"]) == ["numa0"]
    assert graph.graph["notes"] == record.notes


def test_long_domains_are_shortened() -> None:
    """NVIDIA's tools write eight digits; domains that need them keep them."""
    graph = graph_of(system(gpu("00000000:07:00.0", 0), gpu("00010000:07:00.0", 1))).graph
    assert (graph.nodes["GPU0"]["pci"], graph.nodes["GPU1"]["pci"]) == ("0000:07:00.0", "00010000:07:00.0")


NVLINK = '<nvlink target="{}" count="{}" tclass="0x030200"/>'


def test_a_gpu_linked_to_itself_has_no_edge() -> None:
    """Virtual machines are not told where NVLink leads: it is counted and noted, and not drawn."""
    record = nccl_xml.parse(system(gpu("0000:07:00.0", 0, NVLINK.format("0000:07:00.0", 12))))
    assert nccl_xml.facts(record)["nvlinks"] == 1
    assert record.notes == (
        "line 3, column 65: <nvlink> leads from 0000:07:00.0 to itself: where it leads is not told, and it is left out",
    )
    assert set(nccl_xml.topology(record).graph["GPU0"]) == {"numa0"}


def test_a_comment_ruled_with_dashes_is_passed_over() -> None:
    """Models of RCCL begin with a comment that XML does not allow; lines stay what they are in the file."""
    ruled = "<!----------\n - Copyright -- somebody\n ---------->\n"
    text = system(gpu("0000:07:00.0", 0))
    assert nccl_xml.parse(ruled + text) == nccl_xml.parse(text)
    assert faults(ruled + text.replace("0000:07:00.0", "7")) == [
        "<pci> busid: line 6, column 1: '7' is not an address; write it like 0000:10:1c.0"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<graphs version="1"/>', "<graphs>: line 1, column 1: is a graph file of NCCL, not a topology; give the file"),
        ("<topology/>", "<topology>: line 1, column 1: is a document of <topology>, not a topology"),
        ('<system version="1"><cpu', "line 1, column 21: ends inside <system>"),
        ('<system version="3"><cpu numaid="0"/></system>', "version: line 1, column 1: '3' is not read; known: 1, 2"),
        ("<system><cpu numaid='0'/></system>", "<system> version: line 1, column 1: '' is not read"),
        ('<system version="1"/>', "<system>: line 1, column 1: has no <cpu>"),
        ('<system version="1"><cpu/></system>', "<cpu> numaid: line 1, column 21: is missing; give an integer from -1"),
        (system(cpu='numaid="one"'), "<cpu> numaid: line 2, column 1: 'one' is not an integer from -1 to 4095"),
        (system(cpu='numaid="9999999999999"'), "'9999999999999' is not an integer"),
        (system(cpu='numaid="0" affinity="0-15"'), "<cpu> affinity: line 2, column 1: '0-15' is not a mask"),
        (system(cpu='numaid="0" host_hash="me"'), "host_hash: line 2, column 1: 'me' is not a hexadecimal number"),
        (system(cpu='numaid="0" familyid="x"'), "familyid: line 2, column 1: 'x' is not an integer"),
        (
            system(cpu='numaid="0"').replace("</cpu>", "</cpu><cpu numaid='0'/>"),
            "0 of this host is given twice, first in line 2",
        ),
        (system("<rack/>"), "<rack>: line 3, column 1: is not known inside <cpu>; known there: nic, pci"),
        (system("<gpu dev='0'/>"), "<gpu>: line 3, column 1: is not known inside <cpu>"),
        (system(gpu("0000:07:00.0", 0, "<net name='a'/>")), "<net>: line 3, column 65: is not known inside <gpu>"),
        (
            system("<nic><net name='a'><b/></net></nic>"),
            "<b>: line 3, column 20: is not known inside <net>; nothing is",
        ),
        (system("stray"), "<cpu>: line 2, column 1: holds the text 'stray'; remove it"),
        (system("<pci/>"), "<pci> busid: line 3, column 1: is missing; write it like 0000:10:1c.0"),
        (system('<pci busid="07:00.0"/>'), "busid: line 3, column 1: '07:00.0' is not an address; write it like"),
        (system('<pci busid="0000:07:00.0" class="3D"/>'), "class: line 3, column 1: '3D' is not a PCI class"),
        (
            system('<pci busid="0000:07:00.0" link_speed="12 GT/s"/>'),
            "'12 GT/s' is not a speed of PCIe; known: 2.5, 5, 8",
        ),
        (system('<pci busid="0000:07:00.0" link_speed="fast"/>'), "'fast' is not a speed of PCIe"),
        (system('<pci busid="0000:07:00.0" link_width="3"/>'), "3 is not a width of PCIe; known: 1, 2, 4, 8"),
        (system('<pci busid="0000:07:00.0" link_width="x8"/>'), "link_width: line 3, column 1: 'x8' is not an integer"),
        (
            system(gpu("0000:07:00.0", 0), gpu("0000:07:00.0", 1)),
            "busid: line 4, column 1: 0000:07:00.0 of this host is given twice",
        ),
        (
            system(gpu("0000:07:00.0", 0), gpu("0000:0f:00.0", 0)),
            "<gpu> dev: line 4, column 44: 0 of this host is given twice",
        ),
        (system('<pci busid="0000:07:00.0"><gpu dev="0"/><gpu dev="1"/></pci>'), "1 is a second GPU at 0000:07:00.0"),
        (
            system('<pci busid="0000:07:00.0"><gpu dev="0"/><pci busid="0000:08:00.0"/></pci>'),
            "is a gpu, and has <pci> inside",
        ),
        (system('<pci busid="0000:07:00.0"><gpu dev="0"/><nic/></pci>'), "is a GPU and a NIC"),
        (system(gpu("0000:07:00.0", 0, attributes='sm="8.0"')), "<gpu> sm: line 3, column 44: '8.0' is not a compute"),
        (
            system(gpu("0000:07:00.0", 0, '<nvlink target="0000:c4:00.0" count="0" tclass="0x068000"/>')),
            "count: line 3, column 65: '0' is not an integer from 1",
        ),
        (
            system(gpu("0000:07:00.0", 0, '<nvlink target="0000:c4:00.0" tclass="0x068000"/>')),
            "count: line 3, column 65: is missing",
        ),
        (
            system(gpu("0000:07:00.0", 0, '<nvlink target="0000:c4:00.0" count="1"/>')),
            "tclass: line 3, column 65: is missing",
        ),
        (
            system(gpu("0000:07:00.0", 0, '<nvlink target="a" count="1" tclass="0x020000"/>')),
            "0x020000 is nothing that nvlink leads to",
        ),
        (
            system(gpu("0000:07:00.0", 0, '<xgmi target="a" count="1" tclass="0x068000"/>')),
            "0x068000 is nothing that xgmi leads to",
        ),
        (system(gpu("0000:07:00.0", 0, '<c2c count="1"/>')), "<c2c> bw: line 3, column 65: is missing"),
        (
            system(gpu("0000:07:00.0", 0, '<xgmi target="0000:07:00.0" count="1" tclass="0x038000"/>')),
            "0000:07:00.0 is linked to itself",
        ),
        (
            system(
                '<pci busid="0000:07:00.0" class="0x030200"></pci>'.replace(
                    "</", 2 * '<gpu dev="0" sm="80" rank="0"/>' + "</"
                )
            ),
            "<gpu> dev: line 3, column 75: 0 of rank 0 is given twice",
        ),
        (
            "<system version='1'>" + "".join(f"<cpu numaid='{numa}'/>" for numa in range(257)) + "</system>",
            "<system>: line 1, column 1: has too many <cpu>; at most 256 of a host and 1024 hosts are read",
        ),
        (system(gpu("0000:07:00.0", 0, 2 * NVLINK.format("0000:0f:00.0", 1))), "0000:0f:00.0 is given twice"),
        (
            system(gpu("0000:07:00.0", 0, NVLINK.format("0000:0f:00.0", 1)), gpu("0000:0f:00.0", 1)),
            "line 3, column 65: 0000:07:00.0 leads to 0000:0f:00.0, which has no such link back",
        ),
        (
            system(
                gpu("0000:07:00.0", 0, NVLINK.format("0000:0f:00.0", 4)),
                gpu("0000:0f:00.0", 1, NVLINK.format("0000:07:00.0", 3)),
            ),
            "links from",
        ),
        (
            system(
                gpu("0000:07:00.0", 0, NVLINK.format("0000:0c:00.0", 1)), '<pci busid="0000:0c:00.0" class="0x020000"/>'
            ),
            "0000:0c:00.0 is no GPU",
        ),
        (system("<nic><net/></nic>"), "<net> name: line 3, column 6: is missing"),
        (system("<nic><net name='a b'/></nic>"), "<net> name: line 3, column 6: 'a b' is not a name"),
        (
            system("<nic><net name='m0'/></nic>", "<nic><net name='m0' port='2'/></nic>"),
            "<net> name: line 4, column 6: m0 is in another <nic> too",
        ),
        (system("<nic><net name='m0' port='1'/><net name='m0' port='1'/></nic>"), "port 1 of m0 is given twice"),
        (system("<nic><net name='m0' speed='fast'/></nic>"), "<net> speed: line 3, column 6: 'fast' is not an integer"),
        ('<!DOCTYPE system [<!ENTITY n "0">]><system version="1"><cpu numaid="&n;"/></system>', "declares entity 'n'"),
    ],
)
def test_faults_name_line_column_and_fix(text: str, expected: str) -> None:
    """One thing wrong is one fault."""
    (fault,) = faults(text)
    assert expected in fault


def test_all_faults_are_reported_in_the_order_of_the_document() -> None:
    """Nothing hides behind the first fault."""
    text = system(
        '<pci busid="x" link_width="3"><blob/></pci>',
        gpu("0000:07:00.0", 0, NVLINK.format("0000:0f:00.0", "many")),
        cpu='numaid="zero"',
    )
    assert [fault.split(":")[1].strip() for fault in faults(text.replace('"1"', '"7"', 1))] == [
        "line 1, column 1",
        "line 2, column 1",
        "line 3, column 1",
        "line 3, column 1",
        "line 3, column 31",
        "line 4, column 65",
    ]


def test_a_name_that_is_taken_is_refused() -> None:
    """A NIC cannot be named as the host is."""
    record = nccl_xml.parse(system("<nic><net name='numa0'/></nic>"))
    with pytest.raises(InputError, match="two vertices are named 'numa0'"):
        nccl_xml.topology(record)


def test_modules_of_two_dies(shared: Path) -> None:
    """Four MI250: four links inside a module, one or two between modules."""
    topology = nccl_xml.topology(nccl_xml.read(shared / "topology/ROCm_rccl/topo_8p1h_1.xml"))
    counts = [data["count"] for *_, data in topology.graph.edges(data=True) if data["kind"] == "XGMI"]
    assert sorted(counts) == [1] * 6 + [2] * 2 + [4] * 4
