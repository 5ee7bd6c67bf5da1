"""Outputs of xpu-smi topology -m, made by hand after Intel's pages: what is read and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError, ParseError
from drapolicy.topology import xpu_smi
from drapolicy.topology.read import load_text

TEXT = """$ xpu-smi topology -m

         GPU 0/0|GPU 0/1|GPU 1/0|GPU 1/1|GPU 2/0|NIC0   |CPU Affinity
GPU 0/0 |S      |MDF    |XL*    |XL16   |SYS    |PIX    |0-23,48-71
GPU 0/1 |MDF    |S      |XL8    |XL*    |SYS    |PXB    |0-23,48-71
GPU 1/0 |XL*    |XL8    |S      |MDF    |NODE   |SYS    |24-47,72-95
GPU 1/1 |XL16   |XL*    |MDF    |S      |NODE   |SYS    |24-47,72-95
GPU 2/0 |SYS    |SYS    |NODE   |NODE   |S      |PHB    |24-47,72-95
NIC0    |PIX    |PXB    |SYS    |SYS    |PHB    |S      |
"""
LONE = " GPU 0/0|GPU 1/0|CPU Affinity\nGPU 0/0 |S      |XL*    |0-7\nGPU 1/0 |XL*    |S      |0-7\n"


def test_what_the_matrix_says() -> None:
    """Tiles, NICs, letters and CPUs are where the columns say."""
    matrix = load_text(TEXT).record
    assert matrix.names == ("GPU 0/0", "GPU 0/1", "GPU 1/0", "GPU 1/1", "GPU 2/0", "NIC0")
    assert matrix.letters[0] == ("S", "MDF", "XL*", "XL16", "SYS", "PIX")
    assert matrix.cpu_affinity == ("0-23,48-71",) * 2 + ("24-47,72-95",) * 3 + ("",)


def test_lanes_of_the_way_over_a_neighbour() -> None:
    """XL* has the lanes of the widest Xe Link between the two cards."""
    matrix = xpu_smi.parse(TEXT)
    assert [matrix.lanes(0, e) for e in range(6)] == [0, 0, 16, 16, 0, 0]


def test_its_graph() -> None:
    """Four lanes are one Xe Link; the way over a neighbour counts half; PCIe paths are as nvidia-smi's."""
    graph = xpu_smi.topology(xpu_smi.parse(TEXT)).graph
    assert graph.edges["GPU 0/0", "GPU 1/1"] == {"kind": "XE", "count": 4, "bandwidth_mb_s": 106_000}
    assert graph.edges["GPU 0/1", "GPU 1/0"] == {"kind": "XE", "count": 2, "bandwidth_mb_s": 53_000}
    assert graph.edges["GPU 0/0", "GPU 1/0"] == {"kind": "XE", "count": 4, "bandwidth_mb_s": 53_000}
    assert graph.edges["GPU 0/0", "GPU 0/1"] == {"kind": "C2C", "count": 1, "bandwidth_mb_s": 212_000}
    assert graph.edges["GPU 0/0", "NIC0"] == {"kind": "PIX", "count": 1, "bandwidth_mb_s": 24_000}
    assert graph.nodes["GPU 0/0"] == {"kind": "gpu"}
    assert graph.nodes["GPU 2/0"] == {"kind": "gpu", "index": 2}
    assert graph.nodes["NIC0"] == {"kind": "nic"}
    with pytest.raises(InputError, match="host NIC0: is already the name of a device"):
        xpu_smi.topology(xpu_smi.parse(TEXT), host="NIC0")


def test_it_is_marked_experimental() -> None:
    """Facts, notes and graph say that no capture stands behind the reader."""
    matrix = xpu_smi.parse(TEXT)
    assert xpu_smi.facts(matrix) == {
        "kind": "xpu-smi",
        "experimental": True,
        "columns": list(matrix.names),
        "gpus": 3,
        "tiles": 5,
        "nics": 1,
        "tile_pairs": {"MDF": 2, "XL*": 2, "XL16": 1, "XL8": 1, "SYS": 2, "NODE": 2},
        "tile_nic": {"PIX": 1, "PXB": 1, "SYS": 2, "PHB": 1},
    }
    graph = xpu_smi.topology(matrix).graph.graph
    assert graph["experimental"] is True
    assert graph["notes"] == (
        "xpu-smi topology -m: experimental, read after the vendor's documentation, not after captures",
    )


def test_a_way_over_no_link_is_noted() -> None:
    """XL* between cards that no Xe Link joins gives no edge, and a sentence that says so."""
    graph = xpu_smi.topology(xpu_smi.parse(LONE)).graph
    assert not graph.has_edge("GPU 0/0", "GPU 1/0")
    assert "GPU 0/0 - GPU 1/0: no edge, as no Xe Link joins their cards" in graph.graph["notes"]


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        "\n".join("    " + line for line in TEXT.splitlines()),
        TEXT + "\nThat is all.\n",
        TEXT.replace("PHB    |S      |", "PHB    |S"),
    ],
)
def test_forms_of_one_matrix(text: str) -> None:
    """However the output was copied, it says the same."""
    assert load_text(text).record == xpu_smi.parse(TEXT)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("XL16   |SYS", "YL16   |SYS", ["matrix, row GPU 0/0, column GPU 1/1: line 4, column 34: 'YL16' is not one of MDF, XL#"]),
        ("GPU 1/1 |XL16", "GPU 1/1 |XL8 ", ["matrix, row GPU 1/1, column GPU 0/0: line 7, column 10: is XL8, but line 4 says XL16"]),
        ("GPU 0/0 |S  ", "GPU 0/0 |MDF", ["row GPU 0/0, column GPU 0/0: line 4, column 10: 'MDF' is not S"]),
        ("|PXB    |0-23", "|0-23", ["matrix, row GPU 0/1: line 5: has 5 cells for 6 devices"]),
        ("|PXB    |0-23", "|PXB    |SYS |0-23", ["matrix, row GPU 0/1: line 5: has 7 cells for 6 devices"]),
        ("GPU 1/1 |XL16", "GPU 1/0 |XL16", ["row GPU 1/0: line 7: is given twice, first in line 6", "row GPU 1/1: line 9: is missing"]),
        ("NIC0    |PIX", "NIC1    |PIX", ["row NIC1: line 9, column 1: no column is named so", "row NIC0"]),
        ("GPU 1/1|GPU 2/0", "GPU 1/1|GPU 1/1", ["line 3: GPU 1/1 is named twice", "row GPU 2/0"]),
        ("0-23,48-71\nGPU 0/1", "0-23,\nGPU 0/1", ["row GPU 0/0: line 4: has 7 cells for 6 devices"]),
        ("$ xpu", TEXT + "$ xpu", ["matrix: line 12: a second matrix starts here"]),
    ],
)  # fmt: skip
def test_refusals(old: str, new: str, expected: list[str]) -> None:
    """Each fault is told with line and column, all of them together."""
    assert old in TEXT
    with pytest.raises(ParseError) as caught:
        xpu_smi.parse(TEXT.replace(old, new, 1), "topo.txt")
    found = [str(fault) for fault in caught.value.faults]
    assert len(found) == len(expected), found
    for message, part in zip(found, expected, strict=True):
        assert message.startswith("topo.txt: ")
        assert part in message


def test_text_without_a_matrix() -> None:
    """What has no tiles is refused with what to give."""
    with pytest.raises(ParseError, match="has no line that names tiles, such as GPU 0/0; give the output of xpu-smi"):
        xpu_smi.parse("GPU0 X\n")


@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 12),
    st.sampled_from(["", "|", "GPU 0/0", "\n", "S", "XL4", "·", "\x00", " "]),
)
def test_a_changed_text_is_read_or_refused(start: int, cut: int, junk: str) -> None:
    """Whatever is put in place of a part of the output, the answer is a symmetric matrix or a ParseError."""
    try:
        matrix = xpu_smi.parse(TEXT[:start] + junk + TEXT[start + cut :])
    except ParseError:
        return
    assert matrix.letters == tuple(zip(*matrix.letters, strict=True))
    assert len(matrix.letters) == len(matrix.names) == len(matrix.cpu_affinity)
