"""Heat maps of bandwidths: exact, small, and readable without colour."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import drapolicy as dp
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology import Topology, generate
from drapolicy.topology.measures import pairwise


def cells(chart: Any) -> list[dict[str, Any]]:
    spec = chart.to_dict(validate=False)
    # Altair moves data that all layers share up.
    return list(spec["layer"][0].get("data", spec.get("data"))["values"])


@pytest.mark.parametrize(("kind", "options"), [("dgx-1-v100", {}), ("dgx-2", {}), ("gb200-nvl72", {"racks": 2})])
def test_rectangles_say_what_is_measured(kind: str, options: dict[str, int]) -> None:
    """Each pair lies in the one rectangle of its row that says its bandwidth."""
    graph = generate(kind, **options)
    names = graph.of_kind("gpu")
    table = pairwise(graph, names)
    found = np.full(table.shape, -1.0)
    for row in cells(dp.topology.draw_bandwidths(graph)):
        if row["band"] == "itself":
            value = 0.0
        else:
            value = 0.0 if row["bandwidth"] == "no path" else float(row["bandwidth"].split()[0].replace(",", "")) * 1000
        assert (found[row["y"], row["x"] : row["x2"]] == -1).all()
        found[row["y"], row["x"] : row["x2"]] = value
    assert (found == table).all()


def test_few_devices_have_numbers_in_their_cells() -> None:
    """Eight GPUs are read without the legend: 56 numbers."""
    texts = [row["text"] for row in cells(dp.topology.draw_bandwidths(generate("dgx-1-v100"))) if row["text"]]
    assert len(texts) == 56
    assert {"50", "25"} <= set(texts)


def test_a_large_domain_is_few_rectangles() -> None:
    """Equal neighbours share a rectangle: 576 devices need a hundredth of their 331,776 cells."""
    assert len(cells(dp.topology.draw_bandwidths(generate("gb200-nvl72", racks=8)))) < 3_400


def test_many_values_share_shades_by_range() -> None:
    """A legend of dozens of values cannot be read: it has at most nine ranges, and tooltips the values."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from((f"GPU{i}" for i in range(8)), kind="gpu")
    for n, (a, b) in enumerate((i, j) for i in range(8) for j in range(i)):
        graph.add_edge(f"GPU{a}", f"GPU{b}", kind="NV", count=1, bandwidth_mb_s=1_000 * (n + 1))
    found = cells(dp.topology.draw_bandwidths(Topology(graph)))
    assert len({row["band"] for row in found} - {"itself", "no path"}) <= 9
    assert len({row["bandwidth"] for row in found} - {"itself"}) == 28


def test_names_choose_rows_and_their_order() -> None:
    """Any vertices can be compared, in any order."""
    found = cells(dp.topology.draw_bandwidths(generate("dgx-1-v100"), ["NIC0", "GPU0"]))
    assert {row["from"] for row in found} == {"NIC0", "GPU0"}
    assert [row["from"] for row in found if row["band"] == "itself"] == ["NIC0", "GPU0"]


def test_pairs_without_a_path_are_told() -> None:
    """Nothing between two cards is no bandwidth of zero shades: it is said."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(("GPU0", "GPU1"), kind="gpu")
    assert {row["band"] for row in cells(dp.topology.draw_bandwidths(Topology(graph)))} == {"itself", "no path"}


def test_nothing_and_strangers_are_refused() -> None:
    """Errors say what is missing."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_node("host", kind="host")
    with pytest.raises(InputError, match="no devices"):
        dp.topology.draw_bandwidths(Topology(graph))
    with pytest.raises(UnknownReferenceError, match="GPU9"):
        dp.topology.draw_bandwidths(Topology(graph), ["GPU9"])
