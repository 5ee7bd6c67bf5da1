"""Orders of arrival: recorded ones must be of the lists, ours depend on the seed alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drapolicy.errors import InputError
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace, drawn, read_stream

TRACE = Trace(
    "made",
    (PodRow("p-0", 1, 1, 1, 500, ()), PodRow("p-1", 1, 1, 2, 1000, ()), PodRow("p-2", 1, 1, 0, 0, ())),
    (NodeRow("n-0", 1, 1, 4, "T4"), NodeRow("n-1", 1, 1, 2, "T4")),
)


def stream(**changes: Any) -> dict[str, Any]:
    order = {"arrivals": [2, 0, 1, 1], "node_rank": [1, 0], "requested_gpu_milli": 4500}
    order |= {key.removeprefix("order_"): value for key, value in changes.items() if key.startswith("order_")}
    found = {
        "nodes_sorted": ["n-0", "n-1"],
        "pods_sorted": ["p-0", "p-1", "p-2"],
        "ratio": 1.3,
        "total_gpu_milli": 6000,
        "seeds": {"42": order},
    }
    return found | {key: value for key, value in changes.items() if not key.startswith("order_")}


def read(tmp_path: Path, value: Any) -> Any:
    path = tmp_path / "stream.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read_stream(path, TRACE)


def test_a_stream_is_read(tmp_path: Path) -> None:
    """Arrivals are positions in the list of pods; nodes come in order of rank."""
    found = read(tmp_path, stream())
    assert (found.ratio, dict(found.orders)) == (1.3, {42: Order((2, 0, 1, 1), (1, 0))})
    assert [node.name for node in found.orders[42].nodes(TRACE)] == ["n-1", "n-0"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{", "not JSON"),
        ("[]", "is no object"),
        ("", "0 values"),
        (stream(nodes_sorted=["n-0"]), "nodes_sorted: 1 names, the list has 2"),
        (stream(pods_sorted=["p-0", "p-2", "p-1"]), "pods_sorted[1]: 'p-2', the list has 'p-1'"),
        (stream(total_gpu_milli=1), "total_gpu_milli: 1, the lists make it 6000"),
        (stream(ratio=True), "ratio: True is no number"),
        (stream(ratio="1.3"), "ratio: '1.3' is no number"),
        (stream(seeds={}), "seeds: {} is no object"),
        (stream(seeds={"x": {}}), "seeds.x: 'x' is no seed"),
        (stream(seeds={"042": {}}), "seeds.042: '042' is no seed"),
        ('{"ratio": 1, "ratio": 2, "seeds": {"1": {}, "1": {}}}', "ratio: is given twice; keep one"),
        ('{"ratio": 1, "ratio": 2, "seeds": {"1": {}, "1": {}}}', "seeds.1: is given twice; keep one"),
        (stream(seeds={"42": 1}), "seeds.42: 1 is no object"),
        (stream(order_arrivals=[]), "seeds.42.arrivals: [] is no list of positions"),
        (stream(order_arrivals=[0, 3]), "seeds.42.arrivals[1]: 3 is no position; use 0 to 2"),
        (stream(order_arrivals=[0, True]), "seeds.42.arrivals[1]: True is no position"),
        (stream(order_node_rank=[0, 0]), "node_rank: does not give each of 2 nodes a rank of its own"),
        (stream(order_requested_gpu_milli=1), "requested_gpu_milli: 1, the lists make it 4500"),
    ],
)
def test_what_is_not_of_the_lists_is_refused(tmp_path: Path, value: Any, words: str) -> None:
    """The message says where and what it should be."""
    with pytest.raises(InputError) as failed:
        read(tmp_path, value)
    assert words in str(failed.value)


def test_our_order_holds_every_pod_and_fills_the_fleet() -> None:
    """Each pod comes once, then others like them until the ratio would be exceeded; seeds differ, each is the same."""
    order = drawn(TRACE, 1, ratio=3.0)
    asked = [TRACE.pods[at].asked_milli for at in order.arrivals]
    assert sorted(order.arrivals[:3]) == [0, 1, 2]
    assert 18_000 - 2_000 <= sum(asked) <= 18_000
    assert sorted(order.ranks) == [0, 1]
    assert order == drawn(TRACE, 1, ratio=3.0) != drawn(TRACE, 2, ratio=3.0)


def test_pods_without_gpus_fill_nothing() -> None:
    """A list that never fills the fleet is refused instead of drawn from for ever."""
    with pytest.raises(InputError, match="no pod asks for a GPU"):
        drawn(Trace("made", (TRACE.pods[2],), TRACE.nodes), 0)
