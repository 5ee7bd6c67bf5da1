"""The twin of openb: its columns, its proportions, and none of its rows."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload.openb import read_trace
from drapolicy.workload.twin import NODE_KINDS, POD_KINDS, twin_nodes, twin_pods

Rows = list[dict[str, str]]


def rows(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text)))


def demand(pods: Rows, nodes: Rows) -> tuple[float, float, float]:
    """GPUs, CPU and memory that pods ask for, in percent of the nodes'."""
    gpus = sum(int(p["num_gpu"]) * int(p["gpu_milli"]) for p in pods) / sum(1000 * int(n["gpu"]) for n in nodes)
    room = (sum(int(p[of]) for p in pods) / sum(int(n[of]) for n in nodes) for of in ("cpu_milli", "memory_mib"))
    cpu, memory = room
    return 100 * gpus, 100 * cpu, 100 * memory


def test_the_twin_asks_for_what_openb_asks() -> None:
    """97.98 % of the GPUs, 79.8 % of the CPU, 60.2 % of the memory of 1,213 nodes with 6,212 GPUs (published list)."""
    pods, nodes = rows(twin_pods(7)), rows(twin_nodes())
    assert (len(pods), len(nodes), sum(int(n["gpu"]) for n in nodes)) == (8152, 1213, 6212)
    assert demand(pods, nodes) == pytest.approx((97.98, 79.8, 60.2), abs=3)
    assert demand(pods, nodes)[:2] == pytest.approx((97.98, 79.8), abs=0.2)


def test_seeds_decide_order_and_times_alone() -> None:
    """How many pods of each class there are is the same for every seed; who comes when is not."""
    one, two = rows(twin_pods(1)), rows(twin_pods(2))
    kinds = [[(p["num_gpu"], p["gpu_milli"], p["cpu_milli"], p["memory_mib"]) for p in pods] for pods in (one, two)]
    assert Counter(kinds[0]) == Counter(kinds[1])
    assert kinds[0] != kinds[1]
    assert [p["creation_time"] for p in one] != [p["creation_time"] for p in two]


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    """Whatever its hash seed."""
    code = "import sys; from drapolicy.workload.twin import twin_pods; sys.stdout.write(twin_pods(3, 200, wishes=30))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert made == twin_pods(3, 200, wishes=30)


@given(st.integers(0, 2**40), st.integers(1, 300), st.integers(0, 100), st.integers(1, 200))
def test_any_twin_is_read(
    tmp_path_factory: pytest.TempPathFactory, seed: int, pods: int, wishes: int, nodes: int
) -> None:
    """As many rows as asked, in order of creation, each life after its beginning; the reader of openb takes them."""
    folder = tmp_path_factory.mktemp("twin")
    (folder / "pods.csv").write_text(twin_pods(seed, pods, wishes=wishes))
    (folder / "nodes.csv").write_text(twin_nodes(nodes))
    trace = read_trace(folder / "pods.csv", folder / "nodes.csv")
    assert (len(trace.pods), len(trace.nodes)) == (pods, nodes)
    found = rows(twin_pods(seed, pods, wishes=wishes))
    created = [int(pod["creation_time"]) for pod in found]
    assert created == sorted(created)
    assert all(int(p["creation_time"]) < int(p["deletion_time"]) for p in found)
    assert all((p["scheduled_time"] == "") == (p["pod_phase"] == "Pending") for p in found)
    assert any(p["gpu_spec"] for p in found) <= (wishes > 0)


def test_wishes_name_models_that_there_are() -> None:
    """Of pods with GPUs, about as many as asked; each model is one of the nodes'."""
    found = [p for p in rows(twin_pods(5, wishes=33)) if p["num_gpu"] != "0"]
    wishing = [p["gpu_spec"] for p in found if p["gpu_spec"]]
    assert len(wishing) / len(found) == pytest.approx(0.33, abs=0.02)
    assert {model for text in wishing for model in text.split("|")} <= {kind.model for kind in NODE_KINDS}


def test_percents_add_up() -> None:
    """In the tables that the twin is made of."""
    assert [sum(percent for *_, percent in kind.rooms) for kind in POD_KINDS] == [100] * len(POD_KINDS)
    assert sum(kind.weight for kind in POD_KINDS) == pytest.approx(10_000, abs=20)


def test_rows_are_not_those_of_the_trace(shared: Path) -> None:
    """Of the published rows only counts are taken: nearly no pod has the size, times and names of one."""
    published = rows((shared / "traces" / "fgd" / "openb_pod_list_default.csv").read_text())
    pods = rows(twin_pods(7))
    for columns in (
        ("name",),
        ("creation_time", "deletion_time", "cpu_milli"),
        ("cpu_milli", "memory_mib", "creation_time"),
    ):
        theirs = {tuple(p[c] for c in columns) for p in published}
        assert sum(tuple(p[c] for c in columns) in theirs for p in pods) < 5


def test_proportions_are_those_of_the_trace(shared: Path) -> None:
    """The parts of each number and share of GPUs differ by at most a thousandth of all pods."""
    published = rows((shared / "traces" / "fgd" / "openb_pod_list_default.csv").read_text())
    count, theirs = (Counter((p["num_gpu"], p["gpu_milli"]) for p in pods) for pods in (rows(twin_pods(7)), published))
    assert max(abs(count[kind] - theirs[kind]) for kind in count | theirs) <= 8


@pytest.mark.parametrize(("pods", "wishes"), [(0, 0), (2_000_000, 0), (1, -1), (1, 101)])
def test_no_twin(pods: int, wishes: int) -> None:
    """Absurd sizes are refused."""
    with pytest.raises(InputError, match="twin: "):
        twin_pods(1, pods, wishes=wishes)
    with pytest.raises(InputError, match="twin: 0 nodes; give 1 to 1,000,000"):
        twin_nodes(0)
