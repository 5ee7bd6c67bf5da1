"""Charts of rows: shown without a network, each row drawn, faults named."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy import view
from drapolicy.errors import InputError
from drapolicy.policies import POLICIES, Engine
from drapolicy.simulate import churn
from drapolicy.workload import claims, fleet

ROWS = [{"nodes": 10**k, "time [s]": k * way, "by": f"way {way}"} for k in (1, 2, 3) for way in (1, 2)]


def svg(chart: Any) -> str:
    """Return what a notebook shows."""
    return str(chart._repr_mimebundle_()["image/svg+xml"])


@pytest.mark.parametrize("log", ["", "x", "xy"])
def test_lines_are_drawn_for_each_value(log: str) -> None:
    """Titles of axes are names of columns, the legend has each value of the third one, nothing is loaded."""
    shown = svg(view.lines(ROWS, "nodes", "time [s]", "by", title="Growth", log=log))
    assert all(text in shown for text in ("Growth", "nodes", "time [s]", "way 1", "way 2"))
    assert "<script" not in shown
    assert shown.count("http") == shown.count("http://www.w3.org/")


def test_tiles_keep_the_order_of_the_rows() -> None:
    """Columns and lanes stand as they first occur; tiles hold the text that was asked for."""
    rows = [
        {"a": a, "b": b, "n": a_at * b_at, "t": a + b} for a_at, a in enumerate("zy") for b_at, b in enumerate("xw")
    ]
    chart = view.tiles(rows, "a", "b", "n", text="t").to_dict()
    encoding = chart["layer"][0]["encoding"]
    data = chart["layer"][0].get("data") or chart["data"]
    assert (encoding["x"]["sort"], encoding["y"]["sort"]) == (["z", "y"], ["x", "w"])
    assert [row["text"] for row in data["values"]] == ["zx", "zw", "yx", "yw"]
    assert [row["part"] for row in data["values"]] == [0, 0, 0, 1]


def test_hostile_names_are_text() -> None:
    """A name cannot close the script that a saved chart stands in."""
    shown = view.lines([{"x": 1, "y": 1, "by": "</script><b>"}], "x", "y", "by").to_json()
    assert "</script>" not in shown


@pytest.mark.parametrize(
    ("rows", "said"), [([], "chart: no rows"), ([{"x": 1, "y": 1}], "chart: row 0 has no column 'by'; it has x, y")]
)
def test_faulty_rows_are_named(rows: list[dict[str, int]], said: str) -> None:
    """An empty table, or a row without one of its columns, is refused by position and name."""
    with pytest.raises(InputError, match=said):
        view.lines(rows, "x", "y", "by")


def test_a_ranking_shows_what_the_engine_knows() -> None:
    """Nodes alike have one view and content; the node in use comes first, a full one has no place."""
    here = fleet("aws-p4d", 3)
    engine = Engine(here, POLICIES["packing"])
    for _ in churn(here, claims({"gpu": (4, "gpu.nvidia.com")}), engine, steps=4, stay=1000):
        pass
    chart = view.ranking(engine, title="Ranking").to_dict()
    values = (chart["layer"][0].get("data") or chart["data"])["values"]
    table = {lane: [row["text"] for row in values if row["y"] == lane] for lane in ("view", "content", "place")}
    assert table["view"] == ["0", "0", "0"]
    assert len(set(table["content"])) == 3
    assert table["place"] == ["–", "1", "2"]


def test_an_engine_without_a_ranking_has_no_picture() -> None:
    """Before the first decision there is nothing to show, and the message says so."""
    with pytest.raises(InputError, match="ranked nothing yet"):
        view.ranking(Engine(fleet("aws-p4d"), POLICIES["first-fit"]))
