"""The program that draws the artefact's orders of arrival as Go does."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from drapolicy.workload import dataset_folder
from drapolicy.workload.openb import read_stream, read_trace

pytestmark = [
    pytest.mark.go,
    pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed"),
]


def drawn(root: Path, pods: Path, nodes: Path, *seeds: int) -> str:
    """What the program prints."""
    command = ["go", "run", str(root / "tools" / "openb_orders.go"), str(pods), str(nodes), *map(str, seeds)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("trace", ["default", "gpuspec33"])
def test_orders_are_the_artefacts(root: Path, shared: Path, trace: str) -> None:
    """Arrivals, ranks and sums of published runs, and names in the same order."""
    folder = shared / "traces" / "fgd"
    pods, nodes = folder / f"openb_pod_list_{trace}.csv", folder / "openb_node_list_gpu_node.csv"
    ours = json.loads(drawn(root, pods, nodes, 42, 51))
    theirs = json.loads((folder / f"stream_{trace}.json").read_text(encoding="utf-8"))
    theirs["seeds"] = {seed: theirs["seeds"][seed] for seed in ("42", "51")}
    assert ours == theirs


def test_what_it_prints_is_read_as_a_stream(root: Path, tmp_path: Path) -> None:
    """A stream for any lists: names and sums are theirs, every pod comes, every node has a rank."""
    lists = []
    for name in ("pods", "nodes"):
        text = gzip.decompress((dataset_folder() / "openb-twin" / f"{name}.csv.gz").read_bytes())
        lists.append(tmp_path / f"{name}.csv")
        lists[-1].write_bytes(text)
    (tmp_path / "stream.json").write_text(drawn(root, *lists, 7), encoding="utf-8")
    trace = read_trace(*lists)
    stream = read_stream(tmp_path / "stream.json", trace)
    order = stream.orders[7]
    assert stream.ratio == 1.3
    assert set(order.arrivals) == set(range(len(trace.pods)))
    asked = sum(trace.pods[at].asked_milli for at in order.arrivals)
    assert 1.29 * trace.gpu_milli < asked < 1.31 * trace.gpu_milli
