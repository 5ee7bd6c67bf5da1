"""Lists of pods and nodes: what is read, and what is wrong with them by line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from drapolicy.errors import InputError
from drapolicy.workload.openb import NodeRow, PodRow, read_trace

PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"
NODES = "sn,cpu_milli,memory_mib,gpu,model\nn-0,96000,393216,8,G2\n"


@pytest.fixture
def read(tmp_path: Path):
    """Reads a trace of two texts."""

    def go(pods: str = PODS + "p-0,1,2,0,0,,LS\n", nodes: str = NODES):
        (tmp_path / "pods.csv").write_text(pods)
        (tmp_path / "nodes.csv").write_text(nodes)
        return read_trace(tmp_path / "pods.csv", tmp_path / "nodes.csv")

    return go


def test_rows_are_read_in_order_of_names(read) -> None:
    """Columns that are not needed are not looked at; models are joined by bars."""
    trace = read(PODS + "p-1,1000,2,1,460,V100M16|T4,LS\np-0,500,3,8,1000,,BE\n", NODES + "m-9,1,2,0,\n")
    assert trace.name == "pods"
    assert trace.pods == (PodRow("p-0", 500, 3, 8, 1000, ()), PodRow("p-1", 1000, 2, 1, 460, ("V100M16", "T4")))
    assert [pod.asked_milli for pod in trace.pods] == [8000, 460]
    assert trace.nodes == (NodeRow("m-9", 1, 2, 0, ""), NodeRow("n-0", 96000, 393216, 8, "G2"))
    assert trace.gpu_milli == 8000


def test_lists_without_models_and_pods_without_gpus(read) -> None:
    """The column of models may be missing; what pods without GPUs say of GPUs means nothing."""
    trace = read("name,cpu_milli,memory_mib,num_gpu,gpu_milli\np-0,1,2,0,1000\n")
    assert trace.pods == (PodRow("p-0", 1, 2, 0, 0, ()),)


@pytest.mark.parametrize(("text", "models"), [("|T4||A10|", ("T4", "A10")), (" T4 | A10 ", ("T4", "A10")), ("|", ())])
def test_nothing_between_bars_is_no_model(read, text: str, models: tuple[str, ...]) -> None:
    """A model more or less than there are bars is not what a list means."""
    assert read(PODS + f"p-0,1,2,1,500,{text},\n").pods[0].models == models


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\n\n") + b"\r\n\n",
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b"1000", b"1000.0"),
        gzip.compress,
    ],
    ids=["carriage returns", "byte order mark", "blank lines", "no last line end", "decimals", "gzip"],
)
def test_how_a_list_is_written_does_not_matter(tmp_path: Path, spoiled) -> None:
    """The same rows come of it."""
    pods = (PODS + "p-0,500,0,8,1000,,\np-1,1000,2,1,460,V100M16|T4,LS\n").encode()
    (tmp_path / "pods.csv").write_bytes(pods)
    (tmp_path / "nodes.csv").write_text(NODES)
    (tmp_path / "other.csv").write_bytes(spoiled(pods))
    (tmp_path / "others.csv").write_bytes(spoiled(NODES.encode()))
    plain = read_trace(tmp_path / "pods.csv", tmp_path / "nodes.csv")
    other = read_trace(tmp_path / "other.csv", tmp_path / "others.csv")
    assert (other.pods, other.nodes) == (plain.pods, plain.nodes)


def test_gzip_is_read(tmp_path: Path) -> None:
    """Endings are left out of the trace's name."""
    (tmp_path / "mine.csv.gz").write_bytes(gzip.compress((PODS + "p-0,1,2,0,0,,\n").encode()))
    (tmp_path / "nodes.csv").write_text(NODES)
    assert read_trace(tmp_path / "mine.csv.gz", tmp_path / "nodes.csv").name == "mine"


@pytest.mark.parametrize(
    ("pods", "nodes", "words"),
    [
        (PODS + "p-0,-1,2,0,0,,\n", NODES, ["line 2", "cpu_milli", "'-1' is not a whole number"]),
        (PODS + "p-0,1,2,3,0,,\n", NODES, ["line 2", "gpu_milli", "0 of each of 3 GPUs"]),
        (PODS + "p-0,1,2,33,1000,,\n", NODES, ["num_gpu", "from 0 to 32"]),
        (PODS + "p-0,1,2,1,1001,,\n", NODES, ["gpu_milli", "from 0 to 1,000"]),
        (PODS + 'p-0,1,2,1,500,"T4"" in x",\n', NODES, ["gpu_spec", "is no model"]),
        (PODS + "p-0,1,2,0,0,,\np-0,1,2,0,0,,\n", NODES, ["line 3", "'p-0' is in line 2 already"]),
        (PODS + "P_0,1,2,0,0,,\n", NODES, ["line 2", "name", "not a DNS label"]),
        (PODS + "p-0,1,2\n", NODES, ["line 2", "has 3 cells under 7 columns"]),
        (PODS, NODES, ["has no rows"]),
        ("name,cpu_milli,num_gpu\np-0,1,1\n", NODES, ["line 1", "memory_mib, gpu_milli"]),
        (PODS + "p-0,1,2,0,0,,\n", "sn,cpu_milli,memory_mib,gpu,model\nn-0,1,1,0,\n", ["no node has a GPU"]),
        (PODS + "p-0,1,2,0,0,,\n", "sn,cpu_milli,memory_mib,gpu,model\nn-0,1,1,2,\n", ["line 2", "model"]),
    ],
)
def test_faults_name_line_column_and_fix(read, pods: str, nodes: str, words: list[str]) -> None:
    """What is wrong, where, and what to give instead."""
    with pytest.raises(InputError) as failed:
        read(pods, nodes)
    assert all(word in str(failed.value) for word in words), str(failed.value)


def test_faults_of_both_files_come_together(read) -> None:
    """Nobody has to run the command once for each fault."""
    with pytest.raises(InputError) as failed:
        read(PODS + "p-0,x,2,0,0,,\np-1,1,y,0,0,,\n", "sn,cpu_milli,memory_mib,gpu,model\nn-0,1,1,999,T4\n")
    assert [(fault.object, fault.path) for fault in failed.value.faults] == [
        ("line 2", "cpu_milli"),
        ("line 3", "memory_mib"),
        ("line 2", "gpu"),
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path is in the message."""
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        read_trace(tmp_path / "none.csv", tmp_path / "none.csv")
