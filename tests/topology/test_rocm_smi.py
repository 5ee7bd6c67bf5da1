"""Outputs of rocm-smi --showtopo, made by hand and by rule: what is read and what is refused."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError, ParseError
from drapolicy.topology import rocm_smi
from drapolicy.topology.amd_links import AmdLinks
from drapolicy.topology.read import load_text

SPACER = "=" * 28
TITLES = ("Weight", "Hops", "Link Type")


def printed(told: dict[str, list[list[str]]], numa: list[str]) -> str:
    """Print tables as rocm-smi does."""
    lines = [f"{SPACER} ROCm System Management Interface {SPACER}", ""]
    for title, rows in told.items():
        lines.append(f"{SPACER} {title} between two GPUs {SPACER}")
        lines.append("       " + "".join(f"GPU{d}".ljust(13) for d in range(len(rows))).rstrip())
        lines += [f"GPU{d}".ljust(7) + "".join(cell.ljust(13) for cell in row) for d, row in enumerate(rows)]
        lines.append("")
    for d, node in enumerate(numa):
        lines += [f"GPU[{d}]\t\t: (Topology) Numa Node: {node}", f"GPU[{d}]\t\t: (Topology) Numa Affinity: {node}"]
    return "\n".join([*lines, f"{SPACER} End of ROCm SMI Log {SPACER}", ""])


def square(size: int, cells: dict[tuple[int, int], str]) -> list[list[str]]:
    return [["0" if d == e else cells[min(d, e), max(d, e)] for e in range(size)] for d in range(size)]


RING = {
    "Weight": square(4, {(0, 1): "15", (0, 2): "30", (0, 3): "72", (1, 2): "15", (1, 3): "40", (2, 3): "0"}),
    "Hops": square(4, {(0, 1): "1", (0, 2): "1", (0, 3): "3", (1, 2): "1", (1, 3): "2", (2, 3): "0"}),
    "Link Type": square(
        4, {(0, 1): "XGMI", (0, 2): "XGMI", (0, 3): "PCIE", (1, 2): "XGMI", (1, 3): "PCIE", (2, 3): "XXXX"}
    ),
}
TEXT = printed(RING, ["0", "0", "1", "4294967295"])
PAIR = printed(
    {title: [["0", word], [word, "0"]] for title, word in zip(TITLES, ("15", "1", "XGMI"), strict=True)}, ["0", "1"]
)


def test_what_the_tables_say() -> None:
    """Weight, hops, type and NUMA node of each pair are where the columns say."""
    links = rocm_smi.parse(TEXT)
    assert links.names == ("GPU0", "GPU1", "GPU2", "GPU3")
    assert (links.links[0, 2].kind, links.links[0, 2].weight, links.links[0, 2].hops) == ("XGMI", 30, 1)
    assert links.numa == ("0", "0", "1", "4294967295")
    assert links.index == (0, 1, 2, 3)


def test_its_facts() -> None:
    """Both directions of each pair are counted, as text."""
    assert rocm_smi.facts(rocm_smi.parse(TEXT)) == {
        "kind": "rocm-smi",
        "gpus": 4,
        "Weight": {"15": 4, "30": 2, "72": 2, "40": 2, "0": 2},
        "Hops": {"1": 6, "3": 2, "2": 2, "0": 2},
        "Link Type": {"XGMI": 6, "PCIE": 4, "XXXX": 2},
        "numa": ["0", "0", "1", "4294967295"],
    }


def test_hops_are_no_count_of_links() -> None:
    """One hop is one hive, however many links are between: no edge has more than one link, weight tells the way."""
    edges = rocm_smi.topology(rocm_smi.parse(TEXT), "AMD Instinct MI250X").graph.edges
    assert edges["GPU0", "GPU1"] == {"kind": "XGMI", "count": 1, "bandwidth_mb_s": 50_000}
    assert edges["GPU0", "GPU2"] == {"kind": "XGMI", "count": 1, "bandwidth_mb_s": 25_000}


def test_paths_over_sockets() -> None:
    """Two hops over PCIe are inside a socket, three are between sockets."""
    edges = rocm_smi.topology(rocm_smi.parse(TEXT), "AMD Instinct MI250X").graph.edges
    assert edges["GPU1", "GPU3"] == {"kind": "NODE", "count": 1, "bandwidth_mb_s": 12_000}
    assert edges["GPU0", "GPU3"] == {"kind": "SYS", "count": 1, "bandwidth_mb_s": 10_000}


def test_links_that_the_tool_does_not_know_are_noted() -> None:
    """XXXX gives no edge, and a sentence that says so in the graph."""
    graph = rocm_smi.topology(rocm_smi.parse(TEXT)).graph
    assert not graph.has_edge("GPU2", "GPU3")
    assert graph.graph["notes"] == ("GPU2 - GPU3: no edge, as the tool does not know the link (XXXX)",)


def test_where_gpus_are() -> None:
    """GPUs are inside their NUMA node; one whose node is not known is inside the host."""
    graph = rocm_smi.topology(rocm_smi.parse(TEXT), "MI250X").graph
    assert graph.edges["GPU2", "numa1"]["kind"] == "in"
    assert graph.edges["GPU3", "host"]["kind"] == "in"
    assert graph.nodes["GPU1"] == {"kind": "gpu", "index": 1, "product": "MI250X"}
    with pytest.raises(InputError, match="host GPU1: is already the name of a device"):
        rocm_smi.topology(rocm_smi.parse(TEXT), host="GPU1")


def test_prose_is_no_table() -> None:
    """A sentence that speaks of the tables is not taken for one."""
    assert not rocm_smi.recognises("The Link Type between two GPUs is XGMI.\n")
    assert rocm_smi.parse("See Hops between two GPUs in AMD's guide.\n" + PAIR) == rocm_smi.parse(PAIR)


def test_link_types_alone_are_enough() -> None:
    """The output of --showtopotype is read; ways over PCIe then count as between sockets, and a note says so."""
    links = rocm_smi.parse(printed({"Link Type": RING["Link Type"]}, []))
    assert rocm_smi.facts(links) | {"Link Type": 0} == {
        "kind": "rocm-smi", "gpus": 4, "Weight": {}, "Hops": {}, "Link Type": 0, "numa": []
    }  # fmt: skip
    graph = rocm_smi.topology(links).graph
    assert graph.edges["GPU1", "GPU3"]["kind"] == "SYS"
    assert "GPU1 - GPU3: taken as between sockets, as hops are not told" in graph.graph["notes"]


@pytest.mark.parametrize(
    "text",
    [
        PAIR.replace("\n", "\r\n"),
        "\ufeff" + PAIR,
        "WARNING: low power\n" + PAIR,
        PAIR.replace("GPU[0]\t\t:", "GPU 0          :").replace("GPU[1]\t\t:", "GPU 1          :"),
        PAIR.replace("\nGPU1   15", "\n\nGPU1   15"),
        PAIR.replace("=", ""),
        PAIR.replace("=", "-"),
        "\n".join("    " + line for line in PAIR.splitlines()),
    ],
)
def test_forms_of_one_output(text: str) -> None:
    """However the output was copied, it says the same."""
    assert rocm_smi.recognises(text)
    assert rocm_smi.parse(text) == rocm_smi.parse(PAIR)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PAIR.replace("GPU0   0            XGMI         \n", "GPU0   0\n"), ["Link Type, row GPU0: line 15: has 1 cells for 2 devices"]),
        (PAIR.replace("XGMI         0", "PCIE         0"), ["Link Type, row GPU1, column GPU0: line 16, column 8: is PCIE, but line 15 says XGMI"]),
        (PAIR.replace("GPU0   0            15", "GPU0   0            x5"), ["Weight, row GPU0, column GPU1: line 5, column 21: 'x5' is not a number"]),
        (PAIR.replace("GPU1   1            0", "GPU1   1            7"), ["Hops, row GPU1, column GPU1: line 11, column 21: '7' is not 0"]),
        (PAIR.replace("XGMI", "NVLK"), ["'NVLK' is not one of XGMI, PCIE, XXXX", "'NVLK'"]),
        (PAIR.replace("GPU1   XGMI         0", ""), ["Link Type, row GPU1: line 15: is missing after this line"]),
        (PAIR.replace("GPU1   XGMI         0", "GPU0   XGMI         0"), ["line 16: is given twice, first in line 15", "row GPU1: line 16: is missing"]),
        (PAIR.replace("GPU1   XGMI         0", "GPU7   XGMI         0"), ["row GPU7: line 16, column 1: no column", "row GPU1"]),
        (PAIR.replace("       GPU0         GPU1\nGPU0   0            XGMI", "       GPU0         GPU0\nGPU0   0            XGMI"), ["GPU0 is named twice", "row GPU1: line 16, column 1: no column", "is of GPU0, not of GPU0, GPU1"]),
        (PAIR + PAIR, ["Weight: line 25: is given twice, first in line 3", "Hops", "Link Type", ]),
        (PAIR.replace("Link Type between", "Links between"), ["has no table 'Link Type'"]),
        (PAIR[: PAIR.index("XGMI")], ["Link Type, row GPU0: line 15: has 1 cells", "row GPU1"]),
        (PAIR[: PAIR.index(" Link Type") + 30], ["Link Type: line 13: has no line that names its columns", "is of no devices"]),
        (PAIR.replace("Numa Node: 0", "Numa Node: zero"), ["Numa Node, GPU0: line 18, column 33: 'zero' is not a number"]),
        (PAIR.replace("GPU[1]\t\t: (Topology) Numa Node: 1\n", ""), ["Numa Node, GPU1: line 20: is missing; give the whole output"]),
        (PAIR.replace("Weight between two", "Weight betw"), ["line 5: 'GPU0   0            15' is a row of no table", "line 6"]),
        (PAIR.replace("GPU[1]\t\t: (Topology) Numa Node", "GPU[5]\t\t: (Topology) Numa Node"), ["Numa Node: line 20: GPU5 is in no table"]),
    ],
)  # fmt: skip
def test_refusals(text: str, expected: list[str]) -> None:
    """Each fault is told with line and column, all of them together."""
    with pytest.raises(ParseError) as caught:
        rocm_smi.parse(text, "topo.txt")
    found = [str(fault) for fault in caught.value.faults]
    assert len(found) == len(expected), found
    for message, part in zip(found, expected, strict=True):
        assert message.startswith("topo.txt: ")
        assert part in message


def as_json(links: AmdLinks) -> str:
    """Print what a text says as rocm-smi does with --json: each pair once."""
    system = {}
    for title, of in (("Weight", "weight"), ("Hops", "hops"), ("Link type", "kind")):
        for (d, e), link in links.links.items():
            system[f"(Topology) {title} between DRM devices {d} and {e}"] = str(getattr(link, of))
    cards = {
        f"card{d}": {"(Topology) Numa Node": numa, "(Topology) Numa Affinity": numa}
        for d, numa in enumerate(links.numa)
    }
    return json.dumps({**cards, "system": system})


def test_json_says_the_same() -> None:
    """The output with --json is read to the same record."""
    links = rocm_smi.parse(TEXT)
    assert load_text(as_json(links)).record == links


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"XGMI": "NVL"}, r"system\.\(Topology\) Link type between DRM devices 0 and 1: 'NVL' is not one of XGMI, PCIE, XXXX"),
        ({"Hops between DRM devices 0 and 1": "Other"}, r"system\.\(Topology\) Other: is nothing between two DRM devices"),
        ({"Hops between DRM devices 0 and 1": "Other between DRM devices 0 and 1"}, "Hops between devices 0 and 1 is missing"),
        ({'"(Topology) Numa Node": "1"': '"x": "1"'}, r"card2: has no \(Topology\) Numa Node"),
        ({'"(Topology) Numa Node": "1"': '"(Topology) Numa Node": []'}, r"card2\.\(Topology\) Numa Node: \[\] is not a number"),
        ({"system": "systems"}, "has no object 'system'"),
        ({"devices 0 and 1": "devices 1 and 1"}, "for two devices"),
        ({"Weight between DRM devices 0 and 2": "Weight between DRM devices 1 and 0"}, "is 30, but 15 the other way"),
        ({"}": ""}, "line 1: not JSON"),
    ],
)  # fmt: skip
def test_json_that_is_refused(changes: dict[str, str], expected: str) -> None:
    """Faults of the JSON name its field."""
    text = as_json(rocm_smi.parse(TEXT))
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(ParseError, match=expected):
        rocm_smi.parse(text, "topo.json")


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, list[list[str]]], list[str]]:
    """Any symmetric tables, with all NUMA nodes or none."""
    size = draw(st.integers(1, 6))
    words = {
        "Weight": ["0", "15", "30", "40", "52"],
        "Hops": ["0", "1", "2", "3"],
        "Link Type": ["XGMI", "PCIE", "XXXX"],
    }
    told = {
        title: square(size, {pair: draw(st.sampled_from(some)) for pair in combinations(range(size), 2)})
        for title, some in words.items()
    }
    return told, [draw(st.sampled_from(["0", "1", "-1"])) for _ in range(size)] if draw(st.booleans()) else []


@given(tables())
def test_what_is_printed_is_read_back(case: tuple[dict[str, list[list[str]]], list[str]]) -> None:
    """Whatever rocm-smi prints, each pair has its cells, in text and in JSON."""
    told, numa = case
    links = rocm_smi.parse(printed(told, numa))
    for (d, e), link in links.links.items():
        cells = tuple(told[title][d][e] for title in TITLES)
        assert (str(link.weight), str(link.hops), link.kind) == cells
    assert [node for node in links.numa if node] == numa
    if len(links.names) > 1 and numa:
        assert rocm_smi.parse(as_json(links)) == links
    assert set(rocm_smi.topology(links).devices) == set(links.names)


@given(tables(), st.data())
def test_a_changed_text_is_read_or_refused(
    case: tuple[dict[str, list[list[str]]], list[str]], data: st.DataObject
) -> None:
    """Whatever is put in place of a part of the output, the answer is a graph or a ParseError."""
    text = printed(*case)
    start = data.draw(st.integers(0, len(text)))
    junk = data.draw(
        st.sampled_from(["", "GPU0", "\t", "\n", "|", "XGMI", "0", " 7 ", "=", "GPU[0]\t: a", "\x00", "é"])
    )
    try:
        links = load_text(text[:start] + junk + text[start + data.draw(st.integers(0, 9)) :]).record
    except ParseError:
        return
    assert len(links.links) == len(links.names) * (len(links.names) - 1) // 2
