"""``drapolicy evaluate fgd``: tables in the artefact's columns, a line a policy, and faults before anything is played."""

from __future__ import annotations

import csv
import json

import pytest

PODS = """name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec
p-0,1000,10,1,500,
p-1,1000,10,1,1000,T4
p-2,1000,10,0,0,
"""
NODES = "sn,cpu_milli,memory_mib,gpu,model\nn-0,8000,1000,2,T4\nn-1,8000,1000,1,A10\n"


@pytest.fixture
def words(tmp_path):
    """The command for a small trace, in this process."""
    (tmp_path / "mine.csv").write_text(PODS)
    (tmp_path / "nodes.csv").write_text(NODES)
    lists = ["--pods", tmp_path / "mine.csv", "--nodes", tmp_path / "nodes.csv"]
    return ["evaluate", "fgd", *lists, "--jobs", "1", "-o", tmp_path / "out"]


def test_tables_and_a_line_a_policy(run, words, tmp_path):
    """The six policies of the paper by default; without a stream the orders are said to be ours."""
    ran = run(*words, "--seeds", "1-2,5")
    assert (ran.code, ran.err) == (0, "")
    names = ["01-Random", "02-DotProd", "03-GpuClustering", "04-GpuPacking", "05-BestFit", "06-FGD"]
    assert [line.split()[0] for line in ran.out.splitlines()[:6]] == names
    assert "draws of drapolicy" in ran.out
    with (tmp_path / "out" / "allocation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["sc_policy"], row["seed"]) for row in rows] == [(name, seed) for name in names for seed in "125"]
    assert {(row["workload"], row["tune"], row["total_gpus"]) for row in rows} == {("mine", "1.3", "3")}
    assert list(rows[0])[5:] == [str(x) for x in range(131)]
    assert len((tmp_path / "out" / "fragmentation.csv").read_text().splitlines()) == 19


def test_a_stream_and_policies_by_either_name(run, words, tmp_path):
    """Seeds are the stream's by default; policies may be called as the paper's tables call them."""
    order = {"arrivals": [0, 1, 2, 0], "node_rank": [1, 0], "requested_gpu_milli": 2000}
    stream = {
        "nodes_sorted": ["n-0", "n-1"],
        "pods_sorted": ["p-0", "p-1", "p-2"],
        "ratio": 0.7,
        "total_gpu_milli": 3000,
        "seeds": {"9": order},
    }
    (tmp_path / "stream.json").write_text(json.dumps(stream))
    ran = run(*words, "--stream", tmp_path / "stream.json", "--policies", "FGD", "05-BestFit", "fgd:rounded=false")
    assert (ran.code, ran.err) == (0, "")
    assert "draws of drapolicy" not in ran.out
    with (tmp_path / "out" / "allocation.csv").open() as table:
        rows = [(row["sc_policy"], row["tune"], row["seed"]) for row in csv.DictReader(table)]
    assert rows == [("06-FGD", "0.7", "9"), ("05-BestFit", "0.7", "9"), ("fgd:rounded=false", "0.7", "9")]


@pytest.mark.parametrize(
    ("more", "words_of_error"),
    [
        (["--seeds", "5-3"], "'5-3' is no seed and no range"),
        (["--seeds", "1-99999999"], "is no seed and no range"),
        (["--seeds", "1,1"], "seed 1 is given twice"),
        (["--policies", "nobody"], "policy 'nobody': unknown"),
        (["--stream", "none.json"], "none.json: no such file"),
    ],
)
def test_wrong_options_are_told_before_anything_is_played(run, words, tmp_path, more, words_of_error):
    """Code 2, a message, and no file."""
    ran = run(*words, *more)
    assert ran.code == 2
    assert words_of_error in ran.err
    assert not (tmp_path / "out").exists()


def test_faults_of_lists_come_by_line(run, words, tmp_path):
    """All of them together."""
    (tmp_path / "mine.csv").write_text(PODS.replace("p-1,1000", "p-1,none").replace("p-2,", "P_2,"))
    ran = run(*words)
    assert ran.code == 2
    assert "line 3: cpu_milli" in ran.err
    assert "line 4: name" in ran.err
