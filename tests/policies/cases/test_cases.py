"""Cases in the formats of other allocators: shipped ones where they are there, small ones of our own, and broken ones."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from drapolicy.errors import DrapolicyError, InputError
from drapolicy.policies.cases import FORMATS, Report, format_of, run_cases

GO: dict[str, Any] = {
    "source": "here",
    "topologies": {
        "four": {
            "gpus": 4,
            "links": [
                [0, 1, "P2PLinkSameCPU"],
                [2, 3, "P2PLinkSameBoard"],
                [3, 2, "P2PLinkSameBoard"],
                [0, 2, "P2PLinkCrossCPU"],
                [1, 3, "EighteenNVLINKLinks"],
            ],
        }
    },
    "cases": [
        {"name": "best pair", "topology": "four", "policy": "bestEffort", "size": 2, "expect": [1, 3]},
        {"topology": "four", "policy": "simple", "available": [3, 2, 0], "size": 2, "expect": [2, 3]},
        {"topology": "four", "size": 3, "available": [0, 1], "expect": []},
        {"topology": "four", "size": 0, "expect": None},
        {
            "topology": "four",
            "policy": "simple",
            "sequence": [{"size": 3, "expect": [0, 1, 2]}, {"size": 2, "expect": []}, {"size": 1, "expect": [3]}],
        },
        {"topology": "four", "size": 2, "set_score": 1800},
    ],
    "generated": {
        "pair_scores": {"drawn": [[0, 130, 30], [130, 0, 30], [30, 30, 0]]},
        "cases": [
            {
                "topology": "drawn",
                "size": 2,
                "required": None,
                "available": [0, 1, 2],
                "result": [0, 1],
                "set_score": 130,
            },
            {
                "topology": "drawn",
                "size": 2,
                "available": [0, 1, 2],
                "required": [2],
                "result": [1, 2],
                "set_score": 30,
            },
        ],
    },
}
AMD: dict[str, Any] = {
    "machines": {
        "two": {
            "devices": [
                {"Id": "a", "NodeId": 4, "NumaNode": 0, "DevId": "0"},
                {"Id": "b", "NodeId": 5, "NumaNode": 0, "DevId": 1},
                {"Id": "c", "NodeId": 6, "NumaNode": 1},
            ],
            "pair_weights": [{"A": 4, "B": 5, "W": 40}, {"B": 4, "A": 6, "W": 80}, {"A": 5, "B": 6, "W": 90}],
            "cases": [
                {
                    "available": ["a", "b", "c"],
                    "required": ["c"],
                    "size": 2,
                    "result": ["a", "c"],
                    "weight": 80,
                    "error": "",
                },
                {"available": ["a"], "size": 2, "result": [], "weight": 0, "error": "available devices count less"},
            ],
        }
    },
    "cases": {
        "two": [
            {"name": "any", "size": 1},
            {"size": 2, "expectedIds": ["a", "b"]},
            {"size": 2, "filtered": ["b"], "expectedIds": ["c", "a"]},
        ]
    },
}
INTEL: dict[str, Any] = {
    "cases": [
        {
            "policy": "none",
            "available": ["card1-0", "card1-1", "card0-0"],
            "size": 2,
            "expect_sorted": ["card0-0", "card1-0"],
        },
        {"policy": "packed", "available": ["card10-0", "card2-0"], "size": 1, "expect": ["card10-0"]},
        {"policy": "balanced", "available": ["card0-0"], "size": 2, "expect": None},
    ]
}
MAPA: dict[str, Any] = {
    "topologies": {
        "ring": {
            "gpus": 4,
            "links": [
                [1, 2, 50, "DoubleNVLink"],
                [2, 3, 25, "SingleNVLink"],
                [3, 4, 12.5, "PCIe"],
                [1, 3, 25, "SingleNVLink"],
                [1, 4, 10, "PCIe"],
                [2, 4, 10, "PCIe"],
            ],
        }
    },
    "socket_size": {"ring": 2},
    "ideal": {
        "ring": {
            "2": {"best_ring": 100, "first_set": [1, 2], "artefact_ideal": 100},
            "3": {"best_ring": 100, "first_set": [1, 2, 3], "artefact_ideal": 90},
            "4": {"best_ring": 97.5},
        }
    },
}
FGD: dict[str, Any] = {
    "typicals": [[1000, 500, 1, "", 0.5], [1000, 1000, 2, "A|B", 0.25]],
    "frag": [
        {"cpu": 500, "gpus": [200, 1000], "typical": "typicals", "frag": 900.0},
        {"cpu": 1000, "gpus": [200, 1000, 1000], "model": "B", "typical": "typicals", "frag": 150.0},
        {"cpu": 1000, "gpus": [200, 1000, 1000], "model": "C", "typical": [[1000, 1000, 2, "A|B", 1.0]], "frag": 2200},
    ],
    "frag_milli_lack_gpu": [{"gpus": [300, 1000], "gpu_milli": 400, "expect": 300}],
    "packing_score": [
        {"gpus": [300, 1000], "pod": [0, 300, 1], "expect": 97},
        {"gpus": [300, 1000], "pod": [0, 1000, 1], "expect": 49},
        {"gpus": [1000, 1000], "pod": [0, 300, 1], "expect": 31},
    ],
}
FILES = {
    "go-gpuallocator": (GO, 10),
    "amd-device-plugin": (AMD, 5),
    "intel-device-plugin": (INTEL, 3),
    "mapa": (MAPA, 3),
    "fgd-units": (FGD, 7),
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_told_and_played(name: str) -> None:
    """Cases checked by hand, with whatever may be left out left out."""
    data, count = FILES[name]
    assert format_of(data) == name
    report = run_cases(data)
    assert [row for row in report.rows if not row.agrees] == []
    assert (report.format, len(report.rows), report.agree, report.disagree) == (name, count, count, 0)


@pytest.mark.parametrize("name", ["go-gpuallocator", "amd-device-plugin", "intel-device-plugin", "mapa", "fgd-units"])
def test_real_answers_are_reproduced(shared: Path, name: str) -> None:
    """All cases of the file agree; what is wrong in MAPA's own table is named."""
    report = run_cases(json.loads((shared / "peers" / f"{name}.json").read_text(encoding="utf-8")))
    assert [row for row in report.rows if not row.agrees] == []
    assert len(report.rows) > 4
    assert len(report.wrong) == (6 if name == "mapa" else 0)


def changed(data: dict[str, Any], *path: Any, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(data)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return made


@pytest.mark.parametrize(
    ("data", "expected", "got"),
    [
        (changed(GO, "cases", 0, "expect", value=[0, 1]), "0 1", "1 3"),
        (changed(GO, "cases", 5, "set_score", value=1810), "score 1810", "1 3 (score 1800)"),
        (changed(GO, "generated", "cases", 0, "result", value=[0, 2]), "0 2 (score 130)", "0 1"),
        (changed(GO, "cases", 4, "sequence", 1, "expect", value=[3]), "3", "none"),
        (changed(GO, "cases", 1, "set_score", value=60), "2 3", "2 3"),
        (changed(AMD, "machines", "two", "cases", 0, "result", value=["b", "c"]), "b c (weight 80)", "a c (weight 80)"),
        (changed(AMD, "machines", "two", "cases", 0, "weight", value=70), "a c (weight 70)", "a c (weight 80)"),
        (changed(AMD, "cases", "two", 1, "expectedIds", value=["b", "c"]), "b c (weight 90)", "a b (weight 40)"),
        (changed(AMD, "machines", "two", "cases", 1, "error", value=""), "none (weight 0)", "none (weight 0)"),
        (changed(INTEL, "cases", 1, "expect", value=["card2-0"]), "card2-0", "card10-0"),
        (changed(MAPA, "ideal", "ring", "4", "best_ring", value=98), "ring 98 GB/s", "ring 97.5 GB/s through 1 2 3 4"),
        (changed(FGD, "frag", 0, "frag", value=900.02), "900.02 milli", "900.00 milli"),
        (changed(FGD, "packing_score", 0, "expect", value=96), "96 points", "97 points"),
        (changed(FGD, "frag_milli_lack_gpu", 0, "expect", value=301), "301 milli", "300 milli"),
    ],
)
def test_a_wrong_answer_disagrees(data: dict[str, Any], expected: str, got: str) -> None:
    """Every format tells a wrong answer, with what was expected and what was given."""
    rows = [row for row in run_cases(data).rows if not row.agrees]
    if expected == got:
        assert rows == []
        return
    assert [(row.expected, row.got) for row in rows] == [(expected, got)]


def test_ties_are_free_only_where_a_weight_is_stated() -> None:
    """Another set of the same score agrees with a note in generated cases, and not in upstream's own."""
    (row,) = [row for row in run_cases(GO).rows if row.note]
    assert (row.agrees, row.expected, row.got, row.note) == (True, "1 2", "0 2", "another set of the same score")
    plain = changed(GO, "generated", "cases", 1, "set_score", value=None)
    assert [row.expected for row in run_cases(plain).rows if not row.agrees] == ["1 2"]


@pytest.mark.parametrize(("result", "agree"), [([0, 4, -1], 1), ([1, 2, -1], 0)])
def test_places_that_upstream_leaves_empty_are_completed(result: list[int], agree: int) -> None:
    """Five GPUs in sets of three: the parting is 1 2 3 and the short 0 4, which scores more; the reference fills it."""
    scores = [[10 * (a != b) for b in range(5)] for a in range(5)]
    for a, b, score in ((0, 4, 1840), (1, 2, 100), (1, 3, 100), (2, 3, 100)):
        scores[a][b] = scores[b][a] = score
    case = {"topology": "five", "size": 3, "result": result, "set_score": 1840}
    report = run_cases({"pair_scores": {"five": scores}, "cases": [case]})
    assert report.agree == agree
    assert report.rows[0].got == "0 1 4"
    assert "upstream leaves places empty" in report.rows[0].note


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            changed(GO, "cases", 0, "topology", value="x"),
            "cases[0]: topology: 'x' is not in the file; it has four, drawn",
        ),
        (changed(GO, "cases", 0, "size", value="2"), "cases[0].size: expected `int"),
        (changed(GO, "cases", 0, "size", value=None), "cases[0]: neither size nor sequence is given"),
        (changed(GO, "cases", 0, "policy", value="best"), "policy: 'best' is unknown; use one of bestEffort"),
        (changed(GO, "cases", 0, "available", value=[0, 9]), "cases[0]: available: 9 is no GPU of four, which has 4"),
        (
            changed(GO, "topologies", "four", "links", 0, 2, value="Ether"),
            "topologies.four.links[0]: link 'Ether' is unk",
        ),
        (
            changed(GO, "topologies", "four", "links", 0, 1, value=7),
            "topologies.four.links[0]: 0 and 7 are no two of 4",
        ),
        (
            changed(GO, "generated", "pair_scores", "drawn", 0, 1, value=75),
            "pair_scores.drawn[0][1]: 75 is no sum of a",
        ),
        (changed(GO, "generated", "pair_scores", "drawn", 0, value=[0]), "pair_scores.drawn: rows of other lengths"),
        (changed(AMD, "machines", "two", "pair_weights", 0, "W", value=45), "a and b weigh 45, which no link"),
        (changed(AMD, "machines", "two", "pair_weights", value=[]), "a and b weigh 0, which no link"),
        (changed(AMD, "machines", "two", "devices", 1, "NodeId", value=4), "an Id or NodeId is given twice"),
        (changed(AMD, "cases", "two", 1, "expectedIds", value=["z"]), "cases.two[1]: expected: 'z' is no device"),
        (changed(AMD, "cases", value={"other": [{"size": 1}]}), "machine 'other' is not in the file; it has two"),
        (changed(INTEL, "cases", 0, "available", value=["a-0", "a-0"]), "cases[0]: available: a device is given twice"),
        (changed(INTEL, "cases", 0, "policy", value="p"), "policy intel-device-plugin: policy: 'p' is unknown"),
        (changed(MAPA, "ideal", value={"x": {}}), "ideal.x: is not among the topologies: ring"),
        (changed(MAPA, "ideal", "ring", "4", value={}), "ideal.ring.4: neither best_ring nor artefact_ideal is given"),
        (changed(MAPA, "ideal", "ring", "k", value={"best_ring": 1}), "ideal.ring.k: 'k' is no number of GPUs"),
        (changed(MAPA, "topologies", "ring", "links", 0, 3, value="x"), "50 GB/s of 'x' is no link; use one of PCIe"),
        (changed(FGD, "frag", 0, "typical", value="none"), "frag[0]: typical: 'none' is not in the file"),
        (changed(FGD, "frag", 0, "gpus", value=[1001]), "frag[0]: GPUs [1001], CPU 500: use 0 to 1000 milli"),
        (changed(FGD, "packing_score", 0, "pod", value=[0, 0, 1]), "packing_score[0]: pod: 1 GPUs of 0 milli"),
    ],
)
def test_faults_are_named_with_their_place(data: dict[str, Any], message: str) -> None:
    """Whatever cannot be read is refused, with where it is and what is wrong."""
    with pytest.raises(InputError) as caught:
        run_cases(data)
    assert message in str(caught.value)


def broken(value: Any, draw: random.Random) -> Any:
    """One value somewhere in a file replaced or left out."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        if draw.random() < 0.1:
            return {other: inner for other, inner in value.items() if other != key}
        return {**value, key: broken(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.9:
        place = draw.randrange(len(value))
        return [*value[:place], broken(value[place], draw), *value[place + 1 :]]
    return draw.choice(
        [None, -1, 0, 3, 10**30, 1.5, "", "x", "a-b-c", [], {}, [1], ["a"], True, float("nan"), "\ud800"]
    )


@pytest.mark.parametrize("name", FORMATS)
def test_broken_files_never_crash(name: str) -> None:
    """Files with one to three values broken are played or refused, nothing else."""
    draw = random.Random(11)
    outcomes = set()
    for _ in range(250):
        data: Any = FILES[name][0]
        for _ in range(draw.randint(1, 3)):
            data = broken(data, draw)
        told = ""
        try:
            outcomes.add(type(run_cases(data)))
        except DrapolicyError as error:
            outcomes.add(type(error))
            told = str(error)
        assert told or Report in outcomes
    assert outcomes == {InputError, Report}
