"""Outputs of nvidia-smi topo -m, made by hand and by rule: what is read and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError, ParseError
from drapolicy.topology import nvidia_smi
from drapolicy.topology.links import LinkKind
from drapolicy.topology.nvidia_smi import Matrix

PATHS = [LinkKind.NVLINK, LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE, LinkKind.SYS]
PAIR = "\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n"


@pytest.fixture(scope="module")
def bridges(root: Path) -> Matrix:
    return nvidia_smi.read(root / "tests/data/topology/bridges_2nic.txt")


def test_a_matrix_made_by_hand(bridges: Matrix) -> None:
    """Names, kinds, counts, affinities and RDMA names are where the columns say."""
    assert bridges.names == ("GPU0", "GPU1", "GPU2", "GPU3", "NIC0", "NIC1")
    assert bridges.gpus == (0, 1, 2, 3)
    assert bridges.nics == (4, 5)
    assert (bridges.kinds[0][1], bridges.counts[0][1]) == (LinkKind.NVLINK, 4)
    assert (bridges.kinds[2][5], bridges.counts[2][5]) == (LinkKind.NODE, 1)
    assert (bridges.kinds[3][3], bridges.counts[3][3]) == (LinkKind.SELF, 0)
    assert bridges.cpu_affinity == ("0-15", "0-15", "16-31", "16-31", "", "")
    assert bridges.numa_affinity == ("0", "0", "1", "1", "", "")
    assert bridges.rdma == ("", "", "", "", "mlx5_3", "mlx5_0")
    assert bridges.notes == ()


def test_its_graph(bridges: Matrix) -> None:
    """Edges carry kind, count and MB/s of the product's generation; GPUs are inside their NUMA node."""
    topology = nvidia_smi.topology(bridges, "NVIDIA A100-PCIE-40GB")
    assert topology.devices == bridges.names
    assert topology.graph.edges["GPU0", "GPU1"] == {"kind": "NV", "count": 4, "bandwidth_mb_s": 100_000}
    assert topology.graph.edges["GPU0", "NIC0"] == {"kind": "PIX", "count": 1, "bandwidth_mb_s": 24_000}
    assert topology.graph.edges["GPU3", "numa1"]["kind"] == "in"
    assert topology.graph.edges["numa1", "host"]["bandwidth_mb_s"] == 0
    assert topology.graph.edges["NIC1", "host"]["kind"] == "in"
    assert topology.graph.nodes["GPU2"] == {"kind": "gpu", "index": 2}
    assert topology.graph.nodes["NIC0"] == {"kind": "nic", "rdma": "mlx5_3"}
    assert topology == nvidia_smi.topology(bridges, "NVIDIA A100-PCIE-40GB")
    assert topology != nvidia_smi.topology(bridges, "NVIDIA A100-PCIE-40GB", nvlink_generation=5)


@pytest.mark.parametrize(("numa", "inside"), [("0-1", "host"), ("N/A", "host"), ("3", "numa3"), ("9" * 5000, "host")])
def test_a_gpu_near_several_numa_nodes_is_in_none_of_them(numa: str, inside: str) -> None:
    """A range or no NUMA affinity puts the GPU inside the host."""
    matrix = nvidia_smi.parse(f"\tGPU0\tNUMA Affinity\nGPU0\t X \t{numa}\n")
    assert set(nvidia_smi.topology(matrix).graph["GPU0"]) == {inside}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("escape codes", "\t\x1b[4mGPU0\tGPU1\x1b[0m\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n"),
        ("escape codes that lost their escape", "\t[4mGPU0\tGPU1[0m\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n"),
        ("spaces, indented", "      GPU0  GPU1\n  GPU0   X    NV4\n  GPU1  NV4    X\n"),
        ("Windows line ends", PAIR.replace("\n", "\r\n")),
        ("byte order mark", "\ufeff" + PAIR),
        ("text around", f"$ nvidia-smi topo -m\n{PAIR}\nLegend:\n\n  X = Self\n\nGPU0 and GPU1 are linked.\n"),
        ("rows out of order", "\tGPU0\tGPU1\nGPU1\tNV4\t X \nGPU0\t X \tNV4\n"),
        ("blank lines", "\tGPU0\tGPU1\n\nGPU0\t X \tNV4\n\nGPU1\tNV4\t X \n"),
        ("no line end", PAIR.rstrip("\n")),
        ("spaces that do not break", "GPU0\u00a0 GPU1\nGPU0\u00a0\u00a0X\u00a0NV4\nGPU1\u00a0NV4\u00a0X\n"),
        ("a quotation", "".join(f"> {line}" for line in PAIR.splitlines(keepends=True))),
        (
            "a comment of a script",
            "".join(f"#{line}" for line in PAIR.splitlines(keepends=True)).replace("#GPU", "# GPU"),
        ),
        ("a comment of a program", "".join(f"   * {line}" for line in PAIR.splitlines(keepends=True))),
    ],
)
def test_forms_of_one_matrix(name: str, text: str) -> None:
    """However the output was copied, the matrix is the same."""
    assert nvidia_smi.parse(text) == nvidia_smi.parse(PAIR), name


def test_facts_of_a_matrix_made_by_hand(bridges: Matrix) -> None:
    """Pairs are counted by their letters, and each GPU has the NICs on the nearest kind of path."""
    facts = nvidia_smi.facts(bridges)
    assert (facts["gpus"], facts["nics"], facts["nvlink_pairs"]) == (4, 2, 2)
    assert facts["gpu_pairs"] == {"NV4": 2, "SYS": 4}
    assert facts["nvlink_list"] == [["GPU0", "GPU1", "NV4"], ["GPU2", "GPU3", "NV4"]]
    assert facts["nearest_nic"]["GPU0"] == ["NIC0"]


def test_a_title_of_numa_alone() -> None:
    """Pages shorten the title of the NUMA nodes."""
    assert nvidia_smi.parse("\tGPU0\tCPU Affinity\tNUMA\nGPU0\t X \t0-7\t1\n").numa_affinity == ("1",)


def test_long_lists_are_left_out_of_the_facts() -> None:
    """Above 16 NVLink pairs only their number is told."""
    names = [f"GPU{d}" for d in range(7)]
    rows = [[" X " if a == b else "NV1" for b in names] for a in names]
    text = "\n".join(
        "\t".join(cells) for cells in [["", *names], *([n, *row] for n, row in zip(names, rows, strict=True))]
    )
    facts = nvidia_smi.facts(nvidia_smi.parse(text))
    assert (facts["nvlink_pairs"], facts["nvlink_list"]) == (21, None)


def test_prose_about_rocm_beside_a_matrix() -> None:
    """Only rocm-smi's own output is taken for it, not a page that speaks of XGMI."""
    around = f"Unlike XGMI, a connection between two GPUs may be NVLink:\n{PAIR}"
    assert nvidia_smi.parse(around) == nvidia_smi.parse(PAIR)


def test_a_long_file_of_headers_takes_no_time() -> None:
    """100,000 lines that could each be a header are refused at once, not after looking at each pair."""
    with pytest.raises(ParseError):
        nvidia_smi.parse("GPU0\n" * 100_000)


def test_more_columns_than_any_machine_are_refused_at_once() -> None:
    """Comparing the names of 100,000 columns with each other would take minutes."""
    columns = [f"n{d}" for d in range(100_000)]
    for text in ("\tGPU0\t" + "\t".join(columns) + "\nGPU0\t X \n", f"||GPU0|{'|'.join(columns)}|\n|GPU0|X|\n"):
        with pytest.raises(ParseError, match=r"header: line 1: has 100,00\d columns; at most 2,048 are read"):
            nvidia_smi.parse(text)


def test_soc_is_sys() -> None:
    """The K80 era's letters for a path between sockets mean SYS."""
    old = nvidia_smi.parse("\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tSOC\t0-7\nGPU1\tSOC\t X \t0-7\n")
    assert old.kinds[0][1] is LinkKind.SYS
    assert nvidia_smi.facts(old)["gpu_pairs"] == {"SOC": 1}
    assert "\tSOC\t" in nvidia_smi.text(old)


def test_affinities_in_doubt_are_left_out_and_noted() -> None:
    """Fewer affinities than titles are not put under a title that tabs or places do not name."""
    text = "     GPU0  CPU Affinity  NUMA Affinity  GPU NUMA ID\nGPU0  X   0-7    0\n"
    matrix = nvidia_smi.parse(text)
    assert (matrix.cpu_affinity, matrix.numa_affinity) == (("",), ("",))
    assert matrix.notes == ("row GPU0: 2 affinities under 3 titles, left out as they may be any",)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("empty", "", ["is empty; give the output of nvidia-smi topo -m as it was printed"]),
        ("p2p", PAIR.replace("NV4", "OK "), ["line 1: is a matrix of topo -p2p"]),
        ("prose in Markdown", "| GPU0 | GPU1 |\n|---|---|\n| busy | free |\n", ["has no line that names GPUs above"]),
        ("XML", "<system/>", ["is XML"]),
        ("JSON", '{"GPU0": 1}', ["is JSON"]),
        ("rocm-smi", "== Weight between two GPUs ==\n GPU0 GPU1\nGPU0 0 15\nGPU1 15 0\n", ["rocm-smi"]),
        ("header cut off", "GPU0\t X \tNV4\nGPU1\tNV4\t X \n", ["not the line above them that names the columns"]),
        ("prose", "GPU0 is fast.\n", ["has no line that names GPUs above"]),
        ("row too short", PAIR.replace("\tNV4\n", "\n"), ["row GPU0: line 2: has 1 cells for 2 devices"]),
        ("row too long", PAIR.replace("\tNV4\n", "\tNV4\tSYS\n"), ["row GPU0: line 2, column 14: 'SYS' is under no column"]),
        ("empty cell", PAIR.replace(" X \tNV4", " X \t"), ["row GPU0: line 2: has 1 cells for 2 devices"]),
        ("row missing", PAIR.replace("GPU1\tNV4\t X \n", ""), ["row GPU1: line 2: is missing"]),
        ("row twice", PAIR + "GPU1\tNV4\t X \n", ["row GPU1: line 4: is given twice"]),
        ("row of no column", PAIR.replace("GPU1\tNV4\t", "GPU2\tNV4\t"), ["row GPU1: line 3: is missing", "row GPU2: line 3, column 1: no column"]),
        ("column twice", PAIR.replace("GPU1\n", "GPU0\n"), ["header: line 1, column 7: GPU0 is named twice", "row GPU1"]),
        ("header cut", PAIR.replace("GPU1\n", "GP\n"), ["header: line 1, column 7: 'GP' is neither", "row GPU1: line 3, column 1: no column"]),
        ("unknown letters", PAIR.replace("NV4\n", "XYZ\n"), ["row GPU0, column GPU1: line 2, column 10: 'XYZ' is not a kind of path; known: NV#, X, PIX, PXB, PHB, NODE, SYS, SOC"]),
        ("explained letters", PAIR.replace("NV4", "C2C") + "\nLegend:\n  C2C = chip to chip\n", ["the legend calls it 'chip to chip'", "line 3"]),
        ("no links", PAIR.replace("NV4", "NV0"), ["line 2, column 10: 'NV0'", "line 3"]),
        ("X off the diagonal", PAIR.replace("NV4\n", " X\n"), ["row GPU0, column GPU1: line 2, column 11: is X, which only a device and itself may have"]),
        ("diagonal", PAIR.replace(" X \tNV4", "NV4\tNV4"), ["row GPU0, column GPU0: line 2, column 6: is NV4, not X"]),
        ("asymmetric", PAIR.replace("NV4\n", "NV2\n"), ["row GPU1, column GPU0: line 3, column 6: is NV4, but line 2 says NV2 for the same pair"]),
        ("letters of two drivers", "\tGPU0\tGPU1\tGPU2\nGPU0\t X \tSOC\tSYS\nGPU1\tSOC\t X \tSYS\nGPU2\tSYS\tSYS\t X \n", ["line 1: says SOC and SYS"]),
        ("two machines", PAIR + "\n" + PAIR, ["header: line 5: a second matrix starts here"]),
        ("junk between rows", PAIR.replace("GPU1\tNV4", "----\nGPU1\tNV4"), ["line 3: '----' is not a row of the matrix"]),
        ("affinity cut", "\tGPU0\tCPU Affinity\nGPU0\t X \t0-7,16-\n", ["row GPU0, cpu affinity: line 2, column 10: '0-7,16-' is not a list"]),
        ("numbers of GPUs", PAIR.replace("GPU1", "GPU01"), ["header: line 1, column 7: 'GPU01' is neither"]),
        ("RDMA name", "\tGPU0\tNIC0\nGPU0\t X \tPIX\nNIC0\tPIX\t X \n\nNIC Legend:\n\n  NIC0: ml\x00x5\n", ["line 7: 'ml\\x00x5' is not the name of an RDMA device"]),
        ("NIC legend", "\tGPU0\tNIC0\nGPU0\t X \tPIX\nNIC0\tPIX\t X \n\nNIC Legend:\n\n  NIC1: mlx5_0\n", ["line 7: NIC1 is not in the matrix", "NIC0 is missing"]),
    ],
)  # fmt: skip
def test_refusals(name: str, text: str, expected: list[str]) -> None:
    """Each fault is told with line and column, all of them together."""
    with pytest.raises(ParseError) as caught:
        nvidia_smi.parse(text, "topo.txt")
    found = [str(fault) for fault in caught.value.faults]
    assert len(found) == len(expected), found
    for message, part in zip(found, expected, strict=True):
        assert message.startswith("topo.txt: ")
        assert part in message


def test_faults_of_different_kinds_come_together() -> None:
    """A ragged row does not hide unknown letters or a contradiction."""
    text = "\tGPU0\tGPU1\tGPU2\nGPU0\t X \tNV1\tFOO\nGPU1\tNV2\t X \tSYS\nGPU2\tSYS\tSYS\n"
    with pytest.raises(ParseError) as caught:
        nvidia_smi.parse(text)
    assert [fault.path for fault in caught.value.faults] == ["line 2, column 14", "line 3, column 6", "line 4"]


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused with the file's name."""
    file = tmp_path / "topo.bin"
    file.write_bytes(b"\tGPU0\n\xff\xfe")
    with pytest.raises(ParseError, match="byte 6: is not UTF-8 text"):
        nvidia_smi.read(file)


def test_unknown_generation() -> None:
    """Generations outside the table are refused with those in it."""
    with pytest.raises(InputError, match=r"nvlink_generation: 9 is unknown; use one of \[1, 2, 3, 4, 5\]"):
        nvidia_smi.topology(nvidia_smi.parse(PAIR), nvlink_generation=9)


def test_a_host_named_as_a_device_is_refused() -> None:
    """Two vertices of one name would be one vertex."""
    with pytest.raises(InputError, match="host GPU1: GPU1 is already the name of a device"):
        nvidia_smi.topology(nvidia_smi.parse(PAIR), host="GPU1")


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    """Any symmetric matrix of GPUs and NICs, whose GPUs have all affinities or none."""
    gpus, nics = draw(st.integers(1, 6)), draw(st.integers(0, 4))
    legend = draw(st.booleans())
    size = gpus + nics
    kinds = [[LinkKind.SELF] * size for _ in range(size)]
    counts = [[0] * size for _ in range(size)]
    for b in range(size):
        for a in range(b):
            kinds[a][b] = kinds[b][a] = draw(st.sampled_from(PATHS))
            counts[a][b] = counts[b][a] = draw(st.integers(1, 18)) if kinds[a][b] is LinkKind.NVLINK else 1
    order = draw(st.permutations(range(nics)))
    names = [f"GPU{d}" for d in range(gpus)] + [f"NIC{n}" if legend else f"mlx5_{n}" for n in order]
    cpus = draw(st.sampled_from(["0-31", "0-15,32-47", "0,2,4,6", "7"]))
    numas = [draw(st.sampled_from(["0", "1", "0-1", "0,2"])) for _ in range(gpus)]
    blank = ("",) * nics
    return Matrix(
        names=tuple(names),
        kinds=tuple(map(tuple, kinds)),
        counts=tuple(map(tuple, counts)),
        cpu_affinity=(cpus,) * gpus + blank,
        numa_affinity=(*numas, *blank),
        gpu_numa_id=("",) * size,
        rdma=("",) * gpus + tuple(f"mlx5_{n}" for n in order),
        soc=draw(st.booleans()) and any(LinkKind.SYS in row for row in kinds),
    )


def printed(matrix: Matrix, gap: str, titles: list[str], ansi: bool, pad: bool) -> str:
    """Print a matrix as nvidia-smi does: tabs or spaces, underlined header, affinities in any order."""
    texts = {"CPU Affinity": matrix.cpu_affinity, "NUMA Affinity": matrix.numa_affinity, "GPU NUMA ID": ("N/A",) * 99}
    header = gap.join([*matrix.names, *titles])
    lines = [gap + (f"\x1b[4m{header}\x1b[0m" if ansi else header)]
    for d, name in enumerate(matrix.names):
        row = [name]
        for e in range(len(matrix.names)):
            row.append(matrix.letters(d, e).center(3))
        if d in matrix.gpus:
            padding = {"NUMA Affinity": "\t"} if pad and gap == "\t" else {}
            row += [texts[title][d] + padding.get(title, "") for title in titles]
        elif gap == "\t" and pad:
            row += [""] * len(titles)
        lines.append(gap.join(row))
    lines += ["", "Legend:", "", "  X    = Self", "  NV#  = a bonded set of # links", ""]
    if any(name.startswith("NIC") for name in matrix.names):
        lines += ["NIC Legend:", "", *(f"  {matrix.names[d]}: {matrix.rdma[d]}" for d in matrix.nics)]
    return "\n".join(lines)


@given(
    matrices(),
    st.sampled_from(["\t", "    "]),
    st.permutations(["CPU Affinity", "NUMA Affinity", "GPU NUMA ID"]),
    st.booleans(),
    st.booleans(),
)
def test_a_printed_matrix_is_read_back(matrix: Matrix, gap: str, titles: list[str], ansi: bool, pad: bool) -> None:
    """Any matrix, printed in any of the ways of nvidia-smi, is read back unchanged."""
    assert nvidia_smi.parse(printed(matrix, gap, titles, ansi, pad)) == matrix


@given(matrices())
def test_a_matrix_is_written_back(matrix: Matrix) -> None:
    """Written in nvidia-smi's letters, any matrix is read back unchanged."""
    text = nvidia_smi.text(matrix)
    assert nvidia_smi.recognises(text)
    assert nvidia_smi.parse(text) == matrix


@given(matrices(), st.sampled_from(["\t", "    "]), st.data())
def test_a_cut_matrix_is_refused(matrix: Matrix, gap: str, data: st.DataObject) -> None:
    """Cutting the output anywhere inside the matrix is found."""
    text = printed(matrix, gap, [], ansi=False, pad=False)
    end = text.index("\n\nLegend")
    with pytest.raises(ParseError):
        nvidia_smi.parse(text[: data.draw(st.integers(0, end - 3))])


@given(matrices(), st.sampled_from(["\t", " "]), st.data())
def test_a_changed_text_is_read_or_refused(matrix: Matrix, gap: str, data: st.DataObject) -> None:
    """Whatever is put in place of a part of the output, the answer is a symmetric matrix or a ParseError."""
    text = printed(matrix, gap, ["CPU Affinity", "NUMA Affinity"], ansi=False, pad=False)
    start = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.sampled_from(["", "GPU0", "\t", "\n", "|", "NV", "X", " 7 ", "=", "NIC0: a", "\x00", "é"]))
    changed = text[:start] + junk + text[start + data.draw(st.integers(0, 9)) :]
    try:
        found = nvidia_smi.parse(changed)
    except ParseError:
        return
    assert found.kinds == tuple(zip(*found.kinds, strict=True))
    assert len(found.kinds) == len(found.rdma) == len(found.names)
