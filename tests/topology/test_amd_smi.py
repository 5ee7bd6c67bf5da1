"""Outputs of amd-smi topology, made by hand after AMD's pages: what is read and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology import amd_smi, rocm_smi
from drapolicy.topology.read import load_text

ADDRESSES = ("0000:0c:00.0", "0000:22:00.0", "0001:38:00.0")
KINDS = {(0, 1): "XGMI", (0, 2): "PCIE", (1, 2): "XGMI"}
TABLES = {
    "ACCESS": ("ENABLED", {(0, 1): "ENABLED", (0, 2): "DISABLED", (1, 2): "DISABLED"}),
    "WEIGHT": ("0", {(0, 1): "15", (0, 2): "52", (1, 2): "15"}),
    "HOPS": ("0", {(0, 1): "1", (0, 2): "3", (1, 2): "1"}),
    "LINK TYPE": ("SELF", KINDS),
    "NUMA BW": ("N/A", {(0, 1): "50000-100000", (0, 2): "N/A", (1, 2): "0-0"}),
    "CACHE COHERANCY": ("SELF", dict.fromkeys(KINDS, "N/A")),
    "BI-DIRECTIONAL": ("SELF", dict.fromkeys(KINDS, "T")),
}
FIELDS = {
    "ACCESS": "link_status",
    "WEIGHT": "weight",
    "HOPS": "num_hops",
    "LINK TYPE": "link_type",
    "NUMA BW": "bandwidth",
}


def printed(*titles: str) -> str:
    """Print tables as amd-smi does."""
    lines = []
    for title in titles or TABLES:
        itself, cells = TABLES[title]
        lines += [f"{title} TABLE:", " " * 13 + " ".join(ADDRESSES)]
        for d, address in enumerate(ADDRESSES):
            row = [itself if d == e else cells[min(d, e), max(d, e)] for e in range(len(ADDRESSES))]
            lines.append(f"{address} " + "".join(cell.ljust(13) for cell in row).rstrip())
    return "\n".join([*lines, "", "", "Legend:", "  SELF = Current GPU", "  N/A = Not supported", ""])


def as_json() -> list[dict[str, Any]]:
    """What amd-smi gives with --json."""
    gpus = []
    for d, address in enumerate(ADDRESSES):
        links = []
        for e, other in enumerate(ADDRESSES):
            link: dict[str, Any] = {"gpu": e, "bdf": other}
            for title, field in FIELDS.items():
                itself, cells = TABLES[title]
                text = itself if d == e else cells[min(d, e), max(d, e)]
                link[field] = int(text) if text.isdigit() else text
            links.append(link)
        gpus.append({"gpu": d, "bdf": address, "links": links})
    return gpus


def test_the_graph_of_the_tables() -> None:
    """Told bandwidths are taken, and the number of links is that of all over that of one; the rest is by product."""
    graph = load_text(printed()).topology("AMD Instinct MI250X").graph
    assert graph.nodes["0001:38:00.0"] == {"kind": "gpu", "pci": "0001:38:00.0", "product": "AMD Instinct MI250X"}
    assert graph.edges[ADDRESSES[:2]] == {"kind": "XGMI", "count": 2, "bandwidth_mb_s": 100_000}
    assert graph.edges[ADDRESSES[0], ADDRESSES[2]] == {"kind": "SYS", "count": 1, "bandwidth_mb_s": 10_000}


def test_a_disabled_xgmi_link_is_failed() -> None:
    """A link that the tool calls disabled stays in the picture and carries nothing."""
    graph = amd_smi.topology(amd_smi.parse(printed()), "MI300X").graph
    assert graph.edges[ADDRESSES[1:]] == {"kind": "XGMI", "count": 1, "bandwidth_mb_s": 64_000, "failed": True}


def test_it_is_marked_experimental() -> None:
    """Facts, notes and graph say that no capture stands behind the reader."""
    links = amd_smi.parse(printed())
    assert amd_smi.facts(links) == {
        "kind": "amd-smi",
        "experimental": True,
        "gpus": 3,
        "Weight": {"15": 4, "52": 2},
        "Hops": {"1": 4, "3": 2},
        "Link Type": {"XGMI": 4, "PCIE": 2},
    }
    graph = amd_smi.topology(links).graph.graph
    assert graph["experimental"] is True
    assert graph["notes"] == (
        "amd-smi topology: experimental, read after the vendor's documentation, not after captures",
    )


def test_json_numbers_the_gpus() -> None:
    """The JSON says the same, and GPUs have their numbers."""
    reading = load_text(json.dumps(as_json()))
    text = amd_smi.parse(printed())
    assert reading.record.names == ("GPU0", "GPU1", "GPU2")
    assert reading.record.index == (0, 1, 2)
    assert reading.record.pci == text.pci == ADDRESSES
    assert reading.record.links == text.links
    assert reading.topology().graph.nodes["GPU2"] == {"kind": "gpu", "index": 2, "pci": "0001:38:00.0"}


def test_parts_of_the_output() -> None:
    """Types alone are enough: what was not asked for is not told."""
    links = amd_smi.parse(printed("LINK TYPE"))
    assert (links.links[0, 1].kind, links.links[0, 1].weight, links.links[0, 1].disabled) == ("XGMI", None, False)
    gpus = as_json()
    for gpu in gpus:
        for link in gpu["links"]:
            del link["weight"], link["num_hops"], link["bandwidth"], link["link_status"]
    assert amd_smi.parse(json.dumps(gpus)).links == links.links


def test_the_tools_of_amd_are_told_apart() -> None:
    """Neither reads the other's output."""
    assert not rocm_smi.recognises(printed())
    assert not amd_smi.recognises("=== Weight between two GPUs ===\n GPU0\nGPU0 0\n")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("XGMI", "NVL", "LINK TYPE, row 0000:0c:00.0, column 0000:22:00.0: line 18, column 27: 'NVL' is not one of XGMI, PCIE"),
        ("LINK TYPE TABLE", "LINKS", "has no table 'LINK TYPE'"),
        ("WEIGHT TABLE", "WEIGHTS", "line 8: '0000:0c:00.0 0            15           5' is a row of no table"),
        ("50000-100000", "fast", "'fast' is not MB/s from-to or N/A"),
        ("SELF         XGMI", "XGMI         XGMI", "'XGMI' is not SELF"),
        ("0001:38:00.0 DISABLED     DISABLED     ENABLED", "", "ACCESS, row 0001:38:00.0: line 4: is missing after this line"),
    ],
)  # fmt: skip
def test_refusals(old: str, new: str, expected: str) -> None:
    """Faults are told with line and column."""
    assert old in printed()
    with pytest.raises(ParseError) as caught:
        amd_smi.parse(printed().replace(old, new, 1), "topo.txt")
    assert expected in str(caught.value.faults[0])


def wrong_type(gpus: list[dict[str, Any]]) -> None:
    gpus[0]["links"][1]["link_type"] = "NVL"


def no_type(gpus: list[dict[str, Any]]) -> None:
    del gpus[0]["links"][1]["link_type"]


def contradiction(gpus: list[dict[str, Any]]) -> None:
    gpus[1]["links"][0]["weight"] = 30


def no_address(gpus: list[dict[str, Any]]) -> None:
    gpus[2]["bdf"] = "38:00.0"


def no_number(gpus: list[dict[str, Any]]) -> None:
    gpus[2]["gpu"] = True


def link_missing(gpus: list[dict[str, Any]]) -> None:
    gpus[1]["links"].pop()


def gpu_twice(gpus: list[dict[str, Any]]) -> None:
    gpus[1] = gpus[0]


def link_is_text(gpus: list[dict[str, Any]]) -> None:
    gpus[1]["links"][0] = "bdf"


def before_6_1_1(gpus: list[dict[str, Any]]) -> None:
    gpus[0] = {"gpu": 0, "link_type": {"gpu_0": "SELF"}, "bdf": ""}


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (wrong_type, r"\[0\]\.links\[1\]\.link_type: 'NVL' is not one of XGMI, PCIE"),
        (no_type, r"\[0\]\.links\[1\]\.link_type: is missing"),
        (contradiction, r"\[1\]\.links\[0\]: does not say what \[0\] says of the same pair"),
        (no_address, r"\[2\]\.bdf: '38:00\.0' is not a PCI address"),
        (no_number, r"\[2\]\.gpu: True is not the number of a GPU"),
        (link_missing, r"\[1\]\.links: does not name each GPU of the list once"),
        (gpu_twice, r"\[0\]\.links: does not name each GPU of the list once"),
        (link_is_text, r"\[1\]\.links\[0\]\.gpu: None is not the number"),
        (
            before_6_1_1,
            "is not a list of GPUs with 'links'; give the output of amd-smi topology --json since ROCm 6.1.1",
        ),
    ],
)
def test_json_that_is_refused(spoil: Any, expected: str) -> None:
    """Faults of the JSON name its field."""
    gpus = as_json()
    spoil(gpus)
    with pytest.raises(ParseError, match=expected):
        amd_smi.parse(json.dumps(gpus), "topo.json")
