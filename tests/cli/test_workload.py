"""``drapolicy workload``: list, generate, import, show, fleet."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import yaml

HELIOS = "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n"
LINES = """\
1,u,va,1,4,1,X,2020-06-09 10:00:00,2020-06-09 10:00:05,2020-06-09 11:00:05,3600,5
2,u,vb,16,64,2,X,2020-06-09 10:00:10,2020-06-09 10:00:10,2020-06-09 10:10:10,600,0
3,u,vb,0,2,1,X,2020-06-11 10:30:00,2020-06-11 10:30:00,2020-06-11 10:31:00,60,0
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three jobs."""
    path = tmp_path / "cluster_log.csv"
    path.write_text(HELIOS + LINES)
    return path


def test_everything_is_listed(run):
    """What is generated, imported and built; what was never tried says so."""
    ran = run("workload", "list")
    assert ran.code == 0
    for name in ("philly-like", "openb-like", "history", "dgx-a100-mig"):
        assert f" {name} " in ran.out
    assert "April to September 2020; not tried on the original" in ran.out
    listed = json.loads(run("workload", "list", "-o", "json").out)
    assert {item["command"] for item in listed} == {"generate", "import", "evaluate", "fleet"}


def test_everything_can_be_asked_about(run):
    """Every name of the list; numbers with their sources, formats with their addresses."""
    names = [item["name"] for item in json.loads(run("workload", "list", "-o", "json").out)]
    for name in names:
        about = json.loads(run("workload", "list", name, "-o", "json").out)
        assert about["name"] == name
    numbers = json.loads(run("workload", "list", "helios-like", "-o", "json").out)["numbers"]
    assert numbers["mean_gpus"]["value"] == 3.716
    assert numbers["load"]["kind"] == "derived"
    table = run("workload", "list", "helios-like").out
    assert "6,651.681" in table
    assert "4,320,009" in table
    assert "https://github.com/msr-fiddle/philly-traces" in run("workload", "list", "philly").out
    ran = run("workload", "list", "x")
    assert ran.code == 2
    assert "workload 'x': unknown; use one of philly-like" in ran.err


def test_a_generated_workload_is_shown_and_played(run, tmp_path):
    """The folder is what the command promises, and the command that it names at the end works."""
    out = tmp_path / "w"
    words = ["workload", "generate", "acme-like", "--out", out, "--seed", "3", "--nodes", "2", "--jobs", "30"]
    ran = run(*words)
    assert (ran.code, ran.err) == (0, "")
    assert f"wrote {out / 'workload' / 'arrivals.csv'}" in ran.out
    made = json.loads(run(*words, "--replace", "-o", "json").out)
    shown = json.loads(run("workload", "show", out, "-o", "json").out)
    assert shown["pods of unknown classes"] == 0
    assert shown["next"] == f"drapolicy evaluate --fleet {out} --workload {out}"
    assert f"next: {shown['next']}" in run("workload", "show", out).out
    assert {key: shown[key] for key in ("pods", "gangs", "load %", "nodes")} == {
        key: made[key] for key in ("pods", "gangs", "load %", "nodes")
    }
    assert (
        made["next"]
        == f"drapolicy evaluate --fleet {out / 'fleet.json.gz'} --workload {out / 'workload'} --name acme-like"
    )
    played = run(
        *made["next"].split()[1:],
        "--seeds",
        "1",
        "--jobs",
        "1",
        "--policy",
        "first-fit",
        "--out",
        tmp_path / "o",
        "-o",
        "json",
    )
    assert played.code == 0


def test_folders_with_spaces_are_quoted(run, tmp_path):
    """The command at the end can be given as it stands; also that of a folder that is shown."""
    out = tmp_path / "my work"
    words = ["workload", "generate", "acme-like", "--out", out, "--nodes", "1", "--jobs", "3", "-o", "json"]
    made = json.loads(run(*words).out)["next"]
    shown = json.loads(run("workload", "show", out, "-o", "json").out)["next"]
    for number, command in enumerate((made, shown)):
        words = [*shlex.split(command)[1:], "--seeds", "1", "--jobs", "1", "--policy", "first-fit", "-o", "json"]
        assert run(*words, "--out", tmp_path / f"o{number}").code == 0


def test_pods_that_stay_have_no_load(run, tmp_path):
    """Their time is not known."""
    pods, nodes = tmp_path / "pods.csv", tmp_path / "nodes.csv"
    pods.write_text("name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,1,1,1000\nb,1,1,1,1000\n")
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\nn,8000,8000,2,T4\n")
    made = json.loads(run("workload", "import", "openb", pods, nodes, "--out", tmp_path / "w", "-o", "json").out)
    assert (made["pods that stay"], "load %" in made) == (2, False)
    ran = run("workload", "import", "openb", pods, nodes, "--out", tmp_path / "w", "--replace")
    assert ran.out.rstrip().endswith(f": drapolicy evaluate fgd --pods {pods} --nodes {nodes}")


def test_datasets_are_played_by_name(run, tmp_path):
    """With their own fleet, or with one's own; fleets too; shown with what they ask for."""
    shown = json.loads(run("workload", "show", "philly-day", "-o", "json").out)
    assert (shown["name"], shown["nodes"], shown["pods of unknown classes"]) == ("philly-day", 16, 0)
    assert shown["next"] == "drapolicy evaluate --workload philly-day"
    play = json.loads(run("workload", "list", "philly-day", "-o", "json").out)["play"]
    words = ["--policy", "first-fit", "--seeds", "1", "--jobs", "1", "--out", tmp_path / "o", "-o", "json"]
    ran = run(*play.split()[1:], *words)
    assert ran.code == 0
    assert "philly-day" in ran.out
    fleet = tmp_path / "fleet.json"
    fleet.write_text(run("workload", "fleet", "helios-v100=2").out)
    ran = run("evaluate", "--workload", "philly-day", "--fleet", fleet, "--name", "other", *words, "--fresh")
    assert ran.code == 0
    assert "other" in ran.out
    ran = run("evaluate", "--workload", "philly-day", "--fleet", "acme-day", *words, "--fresh")
    assert ran.code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--fleet", "philly-day"], "--fleet without --workload; give both, a dataset as --workload (bridged-a100"),
        (["--workload", "philly-days"], "--workload without --fleet; give both"),
        (["--workload", "philly-day", "--topology", "t.txt"], "--topology is for a fleet of your own"),
        (["--workload", "openb-twin", "--fleet", "philly-day"], "fleet and pods of openb-twin go together"),
    ],
)
def test_datasets_that_cannot_be_played(run, tmp_path, words, told):
    """With what to do instead."""
    ran = run("evaluate", *words, "--out", tmp_path / "o")
    assert ran.code == 2
    assert told in ran.err
    assert not (tmp_path / "o").exists()


def test_a_trace_is_imported(run, log, tmp_path):
    """The part that was asked for; what was assumed is told; a class that the fleet lacks is named."""
    out = tmp_path / "w"
    words = ["workload", "import", "helios", log, "--out", out, "--days", "1", "--device-class", "gpu.example.com"]
    ran = run(*words)
    assert ran.code == 0
    assert ran.err == "reading 1 file as helios\n"
    assert "note: not tried on the original" in ran.out
    assert "note: 2 of 3 jobs were taken, as was asked" in ran.out
    assert "a fleet like its own: drapolicy workload fleet helios-v100=133 > fleet.json" in ran.out
    shown = yaml.safe_load(run("workload", "show", out, "-o", "yaml").out)
    assert (shown["pods"], shown["gangs"], shown["pods in gangs"]) == (3, 1, 2)
    assert shown["devices of a pod"] == {"1": 1, "8": 2}
    fleet = tmp_path / "fleet.json"
    fleet.write_text(run("workload", "fleet", "helios-v100=2").out)
    with_fleet = json.loads(run("workload", "show", out, fleet, "-o", "json").out)
    assert with_fleet["pods of unknown classes"] == 2
    played = run("evaluate", "--fleet", fleet, "--workload", out / "workload", "--out", tmp_path / "o")
    assert played.code == 2
    assert played.err.count("'gpu.example.com' is a class of neither fleet nor workload; known are gpu.nvidia.com") == 2
    assert "pods.json (document 1): Pod va/gpu1-cpu4: deviceClassName: " in played.err
    assert not (tmp_path / "o").exists()


def test_faults_of_a_trace_are_told_and_nothing_is_written(run, log, tmp_path):
    """All lines together, code 2; with ``--lenient`` the others are taken."""
    log.write_text(log.read_text() + "4,u,v,-1,1,1,X,2020-06-09 10:00:00,,,,\n5,u,v,1,1,0,X,never,,,,\n")
    out = tmp_path / "w"
    words = ["workload", "import", "helios", log, "--out", out]
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    told = [line for line in ran.err.splitlines() if "line " in line]
    assert [line.split(": ")[-3:-1] for line in told] == [
        ["line 5", "gpu_num"],
        ["line 6", "node_num"],
        ["line 6", "submit_time"],
    ]
    assert not out.exists()
    ran = run(*words, "--lenient")
    assert ran.code == 0
    assert "note: 2 faulty rows were left out" in ran.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["generate", "x"], "workload 'x': unknown; use one of philly-like"),
        (["generate", "acme-like", "--nodes", "0"], "generate: nodes: 0 is not more than 0 and at most 100,000"),
        (["generate", "acme-like", "--days", "1", "--jobs", "1"], "generate: jobs: says for how long, as days does"),
        (["generate", "acme-like", "--nodes", "1", "--days", "0.0001"], "acme-like: nothing arrives"),
        (["generate", "openb-like", "--load", "1"], "openb-like: has the load and run times of openb"),
        (["generate", "acme-like", "--run-times", "nowhere.csv"], "nowhere.csv: no such file"),
        (["import", "x", "f"], "format 'x': unknown; use one of philly"),
        (["import", "helios", "nowhere.csv"], "nowhere.csv: no such file"),
        (["import", "philly", "a", "b"], "philly: 2 files; give cluster_job_log (JSON)"),
        (["import", "helios", "f", "--days", "0", "--jobs", "-1"], "trace: days: 0.0 is not more than 0"),
    ],
)
def test_wrong_requests_are_refused(run, tmp_path, words, told):
    """With what to do instead; nothing is written."""
    ran = run("workload", *words, "--out", tmp_path / "w")
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert list(tmp_path.iterdir()) == []


def test_folders_are_looked_at_before_anything_is_read(run, tmp_path, log):
    """Who gave a wrong folder is told at once, and not after a long file."""
    (tmp_path / "mine.txt").write_text("x")
    ran = run("workload", "import", "helios", tmp_path / "nowhere.csv", "--out", tmp_path)
    assert ran.code == 2
    assert "which no workload has; give another folder" in ran.err
    assert "nowhere.csv" not in ran.err


def test_long_files_tell_how_far_they_are(run, tmp_path, log, monkeypatch):
    """Every so many lines."""
    monkeypatch.setattr("drapolicy.workload.table.TICKS", 2)
    ran = run("workload", "import", "helios", log, "--out", tmp_path / "w")
    assert ran.err.splitlines() == ["reading 1 file as helios", "2 read", "4 read"]


def test_a_trace_without_jobs_is_refused(run, tmp_path, log):
    """With what was left out of it."""
    log.write_text(HELIOS + "1,u,v,1,1,1,X,2020-06-09 10:00:00,,,,\n")
    ran = run("workload", "import", "helios", log, "--out", tmp_path / "w")
    assert ran.code == 2
    assert "helios: nothing arrives; take more, or check the files" in ran.err
    assert "1 jobs that never started were left out" in ran.err
    assert not (tmp_path / "w").exists()


def test_other_folders_are_left_alone(run, tmp_path):
    """Also with ``--replace``."""
    (tmp_path / "mine.txt").write_text("x")
    ran = run("workload", "generate", "acme-like", "--jobs", "5", "--out", tmp_path, "--replace")
    assert ran.code == 2
    assert "holds mine.txt, which no workload has" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_fleets_are_printed(run, tmp_path):
    """Of several models, as JSON or YAML that the other commands read."""
    ran = run("workload", "fleet", "philly-2=2", "philly-8=1", "--zones", "2")
    items = json.loads(ran.out)["items"]
    assert [item["kind"] for item in items].count("Node") == 3
    path = tmp_path / "fleet.yaml"
    path.write_text(run("workload", "fleet", "a100-bridged-4=1", "-o", "yaml").out)
    assert run("validate", path).code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x=1", "y=1"], "fleet model 'y': unknown"),
        (["dgx-h100", "philly-2=-1"], "fleet: 'philly-2=-1' is not MODEL=NODES"),
        (["dgx-h100=1", "dgx-h100=2"], "fleet: dgx-h100: is given twice"),
        (["dgx-h100=999999999"], "fleet: 999,999,999 nodes dgx-h100 over 1 zones"),
    ],
)
def test_wrong_fleets_are_refused(run, words, told):
    """All faults together."""
    ran = run("workload", "fleet", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_names_from_files_cannot_steer_the_terminal(run, tmp_path, log):
    """A virtual cluster with an escape sequence in its name is a namespace without it."""
    log.write_text(HELIOS + LINES.replace("va", "\x1b[2J"))
    ran = run("workload", "import", "helios", log, "--out", tmp_path / "w")
    assert ran.code == 0
    assert "\x1b" not in ran.out + (tmp_path / "w" / "workload" / "arrivals.csv").read_text()
