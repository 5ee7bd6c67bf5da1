"""Captures of AMD's KFD: links and hives, graphs, folders and archives, and every fault with its place."""

from __future__ import annotations

import copy
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from drapolicy.errors import InputError, ParseError
from drapolicy.topology import kfd, kfd_sysfs
from drapolicy.topology.graph import Topology
from drapolicy.topology.read import load


def node(cores: int = 0, simds: int = 0, **more: int) -> dict[str, Any]:
    return {"properties": {"cpu_cores_count": cores, "simd_count": simds, **more}, "io_links": {}, "p2p_links": {}}


def link(nodes: dict[str, Any], ends: tuple[int, int], kind: int, weight: int, **more: Any) -> None:
    """Add a link in both directions; ``mb_s`` of one link and of all, ``part`` where it is."""
    least, most = more.get("mb_s", (0, 0))
    for a, b in (ends, ends[::-1]):
        links = nodes[str(a)][f"{more.get('part', 'io')}_links"]
        links[str(len(links))] = {
            "type": kind,
            "node_from": a,
            "node_to": b,
            "weight": weight,
            "min_bandwidth": least,
            "max_bandwidth": most,
        }


def machine() -> dict[str, Any]:
    """Two sockets; two GPUs of one hive on the first, one GPU on the second."""
    nodes = {
        "0": node(cores=64),
        "1": node(cores=64),
        "2": node(
            simds=416, location_id=0x6300, domain=0, hive_id=2**63 + 1, unique_id=2**60 + 1, gfx_target_version=90010
        ),
        "3": node(simds=416, location_id=0x4308, domain=1, hive_id=2**63 + 1, unique_id=2, gfx_target_version=90010),
        "10": node(simds=416, location_id=0xE300, unique_id=3, gfx_target_version=90010),
    }
    link(nodes, (0, 1), 1, 32)
    link(nodes, (0, 2), 2, 20, mb_s=(312, 32_000))
    link(nodes, (0, 3), 2, 20, mb_s=(312, 32_000))
    link(nodes, (1, 10), 2, 20)
    link(nodes, (2, 3), 11, 15, mb_s=(50_000, 100_000))
    link(nodes, (2, 10), 2, 72, part="p2p")
    link(nodes, (3, 10), 2, 72, part="p2p")
    link(nodes, (1, 2), 2, 52, part="p2p")
    for parts in nodes.values():
        parts["properties"] |= {f"{part}_links_count": len(parts[f"{part}_links"]) for part in ("io", "p2p")}
    return nodes


def read(nodes: dict[str, Any]) -> kfd.Capture:
    return kfd.parse(json.dumps(nodes, indent=1), "kfd.json")


def graph_of(nodes: dict[str, Any], product: str = "") -> Topology:
    return kfd.topology(read(nodes), product)


def faults(nodes: dict[str, Any]) -> list[str]:
    with pytest.raises(ParseError) as caught:
        read(nodes)
    return [str(fault) for fault in caught.value.faults]


def test_links_are_counted_in_each_direction() -> None:
    """GPU to GPU, by kind; hives are what shares a number that is not 0."""
    capture = read(machine())
    assert len(capture.between_gpus("xgmi")) == 2
    assert len(capture.between_gpus("pcie")) == 4
    assert capture.hives == ((2, 3),)
    assert capture.notes == ()
    assert kfd.facts(capture) == {"kind": "kfd-capture"}


def test_vertices() -> None:
    """GPUs are numbered in the order of the nodes, 10 after 3; addresses come from location and domain."""
    assert dict(graph_of(machine()).graph.nodes(data=True)) == {
        "GPU0": {"kind": "gpu", "index": 0, "pci": "0000:63:00.0", "uuid": "GPU-1000000000000001"},
        "GPU1": {"kind": "gpu", "index": 1, "pci": "0001:43:01.0", "uuid": "GPU-0000000000000002"},
        "GPU2": {"kind": "gpu", "index": 2, "pci": "0000:e3:00.0", "uuid": "GPU-0000000000000003"},
        "host": {"kind": "host"},
        "numa0": {"kind": "numa"},
        "numa1": {"kind": "numa"},
    }


def test_edges() -> None:
    """What is told counts, of PCIe three quarters; what is not told has the rate of the architecture."""
    topology = graph_of(machine())
    edges = {
        (a, b): (data["kind"], data["count"], data["bandwidth_mb_s"]) for a, b, data in topology.graph.edges(data=True)
    }
    assert edges == {
        ("GPU0", "GPU1"): ("XGMI", 2, 100_000),
        ("GPU0", "GPU2"): ("SYS", 1, 10_000),
        ("GPU1", "GPU2"): ("SYS", 1, 10_000),
        ("GPU0", "numa0"): ("PCIE", 1, 24_000),
        ("GPU1", "numa0"): ("PCIE", 1, 24_000),
        ("GPU2", "numa1"): ("PCIE", 1, 24_000),
        ("numa0", "numa1"): ("SOCKET", 1, 16_000),
        ("host", "numa0"): ("in", 1, 0),
        ("host", "numa1"): ("in", 1, 0),
    }
    assert topology.graph.graph["assumed"] == ("GPU2",)


@pytest.mark.parametrize(
    ("gfx", "product", "mb_s"),
    [
        (90006, "", 46_000),
        (90008, "", 46_000),
        (90010, "", 50_000),
        (90402, "", 64_000),
        (90500, "", 76_800),
        (90010, "AMD Instinct MI300X", 64_000),
    ],
)
def test_xgmi_without_a_bandwidth(gfx: int, product: str, mb_s: int) -> None:
    """The architecture says how fast a link is, unless the product is given."""
    nodes = machine()
    for number in ("2", "3", "10"):
        nodes[number]["properties"]["gfx_target_version"] = gfx
    for number in ("2", "3"):
        nodes[number]["io_links"]["1"] |= {"min_bandwidth": 0, "max_bandwidth": 0}
    assert graph_of(nodes, product).graph.edges["GPU0", "GPU1"]["bandwidth_mb_s"] == mb_s


@pytest.mark.parametrize(("weight", "mb_s"), [(15, 50_000), (30, 25_000), (41, 50_000)])
def test_xgmi_over_several_steps(weight: int, mb_s: int) -> None:
    """A way over two GPUs has twice the weight and half of a link; 41 is one step between parts of GPUs."""
    nodes = machine()
    for number in ("2", "3"):
        nodes[number]["io_links"]["1"] |= {"min_bandwidth": 0, "max_bandwidth": 0, "weight": weight}
    assert graph_of(nodes).graph.edges["GPU0", "GPU1"]["bandwidth_mb_s"] == mb_s


def test_ways_inside_a_socket_are_node() -> None:
    """PCIe between GPUs of one NUMA node."""
    nodes = machine()
    for number in ("2", "3"):
        nodes[number]["io_links"]["1"]["type"] = 2
    assert graph_of(nodes).graph.edges["GPU0", "GPU1"]["kind"] == "NODE"


def test_parts_of_a_gpu_have_no_address_of_their_own() -> None:
    """The number of a part stands in the function; the parts share the address and the number of the GPU."""
    nodes = {"0": node(cores=8)} | {
        str(part + 1): node(simds=80, location_id=0x0A00 + part, unique_id=7, gfx_target_version=90402)
        for part in range(2)
    }
    link(nodes, (1, 2), 11, 13, mb_s=(819_200, 819_200))
    topology = graph_of(nodes)
    assert topology.graph.nodes["GPU1"] == {"kind": "gpu", "index": 1}
    assert topology.graph.edges["GPU0", "GPU1"]["bandwidth_mb_s"] == 819_200


def test_functions_of_different_gpus_are_addresses() -> None:
    """Virtual functions that are GPUs of their own."""
    nodes = {"0": node(cores=8)} | {str(n): node(simds=80, location_id=0x0A00 + n, unique_id=n) for n in (1, 2)}
    graph = graph_of(nodes).graph
    assert [graph.nodes[name]["pci"] for name in ("GPU0", "GPU1")] == ["0000:0a:00.1", "0000:0a:00.2"]


def test_xgmi_to_the_cpu_and_apus() -> None:
    """xGMI leads to a vertex of the CPU, the GPU stays in its NUMA node; an APU is in its own."""
    nodes = {"0": node(cores=8), "1": node(simds=80, location_id=256), "2": node(cores=8, simds=80, location_id=512)}
    link(nodes, (0, 1), 11, 13, mb_s=(36_000, 72_000))
    graph = graph_of(nodes).graph
    assert graph.edges["GPU0", "cpu0"] == {"kind": "XGMI", "count": 2, "bandwidth_mb_s": 72_000}
    assert graph.edges["GPU0", "numa0"]["kind"] == "in"
    assert graph.edges["GPU1", "numa2"]["kind"] == "in"


def test_sockets_of_intel() -> None:
    """QPI is told apart from AMD's; distances may differ by direction; memory without CPUs is a NUMA node."""
    nodes = {"0": node(cores=8), "1": node()}
    link(nodes, (0, 1), 5, 21)
    nodes["1"]["io_links"]["0"]["weight"] = 31
    assert graph_of(nodes).graph.edges["numa0", "numa1"] == {"kind": "SOCKET", "count": 1, "bandwidth_mb_s": 10_000}


def test_a_way_that_only_one_end_tells_is_noted() -> None:
    """Over PCIe a GPU may reach what cannot reach it."""
    nodes = machine()
    del nodes["0"]["io_links"]["1"]
    nodes["0"]["properties"]["io_links_count"] = 2
    capture = read(nodes)
    assert capture.notes == ('["2"].io_links["0"]: leads from node 2 to 0, and nothing back',)
    assert kfd.topology(capture).graph.edges["GPU0", "numa0"]["kind"] == "PCIE"


def test_a_name_that_is_taken_is_refused() -> None:
    """The host cannot be named as a GPU is."""
    with pytest.raises(InputError, match="host GPU0"):
        kfd.topology(read(machine()), host="GPU0")


def changed(path: str, value: Any) -> dict[str, Any]:
    """The machine with one value replaced; None removes it."""
    nodes = copy.deepcopy(machine())
    at: Any = nodes
    *above, last = path.split("/")
    for part in above:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return nodes


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("x", {}, "is no number of a node"),
        ("00", {}, "is no number of a node"),
        ("2/properties", None, "has no properties"),
        ("2/fans", {}, "is no field here"),
        ("2/properties/simd_count", None, "has no simd_count"),
        ("2/properties/simd_count", "many", "is 'many', not a whole number from 0"),
        ("2/properties/simd_count", True, "not a whole number"),
        ("2/properties/unique_id", 2**64, "not a whole number"),
        ("2/properties/location_id", -1, "not a whole number"),
        ("2/properties/io_links_count", 3, "3 is told, but 2 are there; give the whole capture"),
        ("2/properties/location_id", 0xE300, "is that of node 2 too"),
        ("2/io_links", [], "is a list, not a mapping"),
        ("2/io_links/1", 5, "is 5, not a mapping"),
        ("2/io_links/1/type", None, "has no type"),
        (
            "2/io_links/1/type",
            9,
            "9 is no type of a link here; known: 1 (hypertransport), 2 (pcie), 5 (qpi), 11 (xgmi)",
        ),
        ("2/io_links/1/node_from", 3, "3 is not the node that has the link, 2"),
        ("2/io_links/1/node_to", 7, "7 is no node; give the whole capture"),
        ("2/io_links/1/node_to", 2, "2 is the node itself"),
        ("2/io_links/1/node_to", 0, "0 has a link in"),
        ("2/io_links/1/weight", 30, "weight is 30, but"),
        ("2/io_links/1/max_bandwidth", 50_000, "max_bandwidth is 50000, but"),
        ("2/io_links/1/type", 2, "type is pcie, but"),
    ],
)
def test_faults_name_line_column_and_field(path: str, value: Any, expected: str) -> None:
    """One thing wrong is named, with the place of it or of the nearest field."""
    nodes = changed(path, value)
    found = faults(nodes)
    (mine,) = [fault for fault in found if expected in fault]
    line = int(mine.split("line ")[1].split(",")[0])
    text = json.dumps(nodes, indent=1).split("\n")[line - 1]
    assert any(part in text for part in path.split("/")[-3:])
    assert mine.startswith("kfd.json: ")


def test_a_link_of_a_hive_without_its_way_back_is_refused() -> None:
    """xGMI is told by both ends."""
    nodes = changed("2/io_links/1", None)
    nodes["2"]["properties"]["io_links_count"] = 1
    assert any("leads from 3 to 2, and nothing back" in fault for fault in faults(nodes))


@pytest.mark.parametrize("text", ['{"0": {"properties": {"simd_count": 0,', "[]", "{}", "null", '{"0": 1, "0": 2}'])
def test_what_is_no_capture_is_refused(text: str) -> None:
    """Cut JSON, other values, doubled keys."""
    with pytest.raises(ParseError):
        kfd.parse(text, "kfd.json")


def files_of(nodes: dict[str, Any]) -> dict[str, str]:
    """The capture as the kernel's files."""
    files = {}
    for number, parts in nodes.items():
        files[f"nodes/{number}/gpu_id"] = "0\n"
        files[f"nodes/{number}/caches/0/properties"] = "level 1\nsibling_map 1,1,1\n"
        files[f"nodes/{number}/properties"] = "".join(f"{key} {value}\n" for key, value in parts["properties"].items())
        for part in ("io_links", "p2p_links"):
            for place, fields in parts[part].items():
                text = "".join(f"{key} {value}\n" for key, value in fields.items())
                files[f"nodes/{number}/{part}/{place}/properties"] = text
    return files


def folder(top: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


def archive(path: Path, files: dict[str, str], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(f"topology/{name}")
            member.size = len(text)
            made.addfile(member, io.BytesIO(text.encode()))
    return path


def test_folders_and_archives_are_read_as_json_is(tmp_path: Path) -> None:
    """The whole folder, nodes alone, and archives give the same as the packed capture."""
    whole = read(machine())
    top = folder(tmp_path / "topology", files_of(machine()))
    assert kfd.is_folder(top)
    read_from_folder = kfd.read(top)
    assert set(read_from_folder.nodes) == set(whole.nodes)
    assert set(read_from_folder.links) == set(whole.links)
    assert kfd.read(top / "nodes") == read_from_folder
    assert load(top).record == read_from_folder
    for mode in ("w", "w:gz", "w:xz"):
        assert kfd.read(archive(tmp_path / "t.tar", files_of(machine()), mode)).nodes == whole.nodes
    assert kfd.topology(read_from_folder).graph.edges == kfd.topology(whole).graph.edges


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("nodes/2/properties", "cpu_cores_count 0\nsimd_count\n", "nodes/2/properties: line 2, column 1"),
        ("nodes/2/properties", "cpu_cores_count 0\nsimd_count 4\nsimd_count 5\n", "is there twice, again in line 3"),
        ("nodes/2/properties", "cpu_cores_count 0\n", "nodes/2/properties: line 1, column 1: has no simd_count"),
        (
            "nodes/2/io_links/1/properties",
            "type 11\nnode_from 2\nnode_to 7\nweight 15\n",
            "line 3, column 1: 7 is no node",
        ),
        ("nodes/2/io_links/1/properties", "type 11\nnode_from 2\n", "line 1, column 1: has no node_to, weight"),
    ],
)
def test_faults_of_a_folder_name_the_file_and_line(tmp_path: Path, file: str, text: str, expected: str) -> None:
    """Each field stands on a line of a file."""
    files = files_of(machine()) | {file: text}
    with pytest.raises(ParseError) as caught:
        kfd.read(folder(tmp_path, files))
    assert any(expected in str(fault) for fault in caught.value.faults)


def test_archives_of_strangers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines, too many or too long files, links in the file system and broken archives are refused or passed by."""
    files = files_of(machine())
    with pytest.raises(ParseError, match="is there twice"):
        kfd.read(archive(tmp_path / "two.tar", files | {f"other/{name}": text for name, text in files.items()}))
    with pytest.raises(ParseError, match="has no files nodes"):
        kfd.read(archive(tmp_path / "none.tar", {"readme": "x"}))
    whole = archive(tmp_path / "cut.tar", files).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ParseError, match="is a broken archive"):
        kfd.read(tmp_path / "cut.tar")
    with pytest.raises(ParseError, match="longer than 65,536 bytes"):
        kfd.read(archive(tmp_path / "long.tar", files | {"nodes/2/properties": "x" * 70_000}))
    monkeypatch.setattr(kfd_sysfs, "MOST_ARCHIVE_BYTES", 100_000)
    with pytest.raises(ParseError, match="holds more than 100,000 bytes"):
        kfd.read(archive(tmp_path / "big.tar", {"zeros": "0" * 200_000}))
    monkeypatch.setattr(kfd_sysfs, "MOST_FILES", 3)
    with pytest.raises(ParseError, match="holds more than 3 files"):
        kfd.read(archive(tmp_path / "many.tar", files))


def test_the_capture_of_mi210(shared: Path) -> None:
    """Eight GPUs in two hives: 24 ways over xGMI and 32 over PCIe, each direction once."""
    capture = kfd.read(shared / "topology/ROCm_k8s-device-plugin/kfd_topology_mi210_xgmi_pcie.json")
    assert len(capture.between_gpus("xgmi")) == 24
    assert len(capture.between_gpus("pcie")) == 32
    assert [len(hive) for hive in capture.hives] == [4, 4]
    topology = kfd.topology(capture)
    assert len(topology.of_kind("gpu")) == 8
    assert topology.direct_links(["GPU0", "GPU3", "GPU4"]).tolist() == [
        [0, 50_000, 10_000],
        [50_000, 0, 10_000],
        [10_000, 10_000, 0],
    ]
