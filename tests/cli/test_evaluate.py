"""``drapolicy evaluate``."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from drapolicy import api
from drapolicy.cli.output import Format
from drapolicy.cli.results import best_of
from drapolicy.evaluate import LEGEND, METRICS, Experiment, Results
from drapolicy.evaluate.cell import Cell
from drapolicy.policies import COMPARED

PODS = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: pair, namespace: default}
spec: {spec: {devices: {requests: [{name: gpus, exactly: {deviceClassName: gpu, count: 2}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: train, namespace: default}
spec:
  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname}]}}
  containers: [{name: main, image: i, resources: {claims: [{name: d}]}}]
  resourceClaims: [{name: d, resourceClaimTemplateName: pair}]
"""


@pytest.fixture
def workload(tmp_path):
    """A file with one pod that wants two GPUs."""
    path = tmp_path / "pods.yaml"
    path.write_text(PODS)
    return path


@pytest.fixture
def words(fleet, workload, tmp_path):
    """A small evaluation in this process."""
    out = tmp_path / "out"
    return ["evaluate", "--fleet", fleet, "--workload", workload, "--out", out, "--seeds", "2", "--jobs", "1"]


def test_table_report_and_winner(run, words, tmp_path):
    """The table has a row a policy, the winner is named, what is not modelled is told, and the files are there."""
    ran = run(*words, "--policy", "packing", "--policy", "random", "--name", "mine")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "mine: 1 arrival, 2 seeds"
    assert [line.split()[0] for line in lines[2:5]] == ["kube-scheduler", "packing", "random"]
    assert "policy time (s)" in lines[1]
    assert "not reproducible" in ran.out
    assert LEGEND in ran.out
    assert "mine: 2 seeds are too few to name a winner; play 7 at least" in lines
    assert sum("InterPodAffinity" in line and line.endswith("(1 pod)") for line in lines) == 1
    out = tmp_path / "out"
    written = ("report.html", "report.md", "cells.csv", "comparisons.csv", "refusals.csv", "timings.csv")
    assert lines[-6:] == [f"wrote {out / name}" for name in written]
    assert sorted(path.name for path in out.iterdir()) == [
        "cells",
        "cells.csv",
        "comparisons.csv",
        "experiment.json",
        "refusals.csv",
        "report.html",
        "report.md",
        "timings.csv",
    ]
    assert "mine" in (out / "report.html").read_text()
    with (out / "cells.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 3 * 2 * len(METRICS)


def test_json_is_plain_and_complete(run, words):
    """JSON has every mean and difference, null where there is none, and the time apart from what is reproducible."""
    told = json.loads(run(*words, "--policy", "packing", "-o", "json").out)
    (scenario,) = told["scenarios"]
    assert scenario["winner"] == "kube-scheduler"
    assert [policy["name"] for policy in scenario["policies"]] == ["kube-scheduler", "packing"]
    metrics = scenario["policies"][1]["metrics"]
    assert metrics["placed"] == {
        "mean": 100.0,
        "bound": None,
        "difference": {"mean": 0.0, "low": None, "high": None, "pairs": 2},
    }
    assert scenario["policies"][0]["metrics"]["placed"]["difference"] is None
    assert list(scenario["policies"][0]["notReproducible"]) == ["seconds", "decision-p50", "decision-p99"]


def test_the_same_again_is_not_played_again(run, words, monkeypatch):
    """Finished parts are taken from the folder, unless they are to be dropped."""
    played = []
    real = Experiment.run

    def counting(self, out, *, progress, **options):
        def told(step):
            played.append(not step.kept)
            progress(step)

        return real(self, out, progress=told, **options)

    monkeypatch.setattr(Experiment, "run", counting)
    first = run(*words, "-o", "json", "--policy", "packing")
    assert played == [True] * 4
    played.clear()
    again = run(*words, "-o", "json", "--policy", "packing")
    assert played == [False] * 4
    assert again.out == first.out
    played.clear()
    run(*words, "-o", "json", "--policy", "packing", "--fresh")
    assert played == [True] * 4


def test_fresh_drops_only_what_an_evaluation_wrote(run, words, tmp_path):
    """Files of other names in the folder of parts stay."""
    run(*words, "--policy", "first-fit")
    mine = tmp_path / "out" / "cells" / "mine.json"
    mine.write_text("{}")
    run(*words, "--policy", "first-fit", "--fresh")
    assert mine.read_text() == "{}"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--metric", "nope"], "metric 'nope': unknown; use one of slowdown,"),
        (["--policy", "nope"], "policy 'nope': unknown"),
        (["--k8s", "1.33"], "Kubernetes 1.33: not supported"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_played(run, words, tmp_path, extra, message):
    """A name that does not exist is found at once, not after an hour."""
    ran = run(*words, *extra)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert not (tmp_path / "out").exists()


def test_releases_are_checked_for_the_scenarios_that_come_along(run, tmp_path):
    """They are not played as another release than the one that was asked for."""
    ran = run("evaluate", "--k8s", "1.33", "--out", tmp_path / "out")
    assert (ran.code, ran.out) == (2, "")
    assert "Kubernetes 1.33: not supported" in ran.err


def test_lines_of_arrivals_are_told_in_order(run, words, tmp_path):
    """Line 10 comes after line 2."""
    rows = tmp_path / "arrivals.csv"
    rows.write_text("time_s,duration_s,pod\n" + "x,1,train\n" * 11)
    ran = run(*words, "--workload", rows)
    assert [line.rpartition("line ")[2].partition(":")[0] for line in ran.err.splitlines()] == [
        str(n) for n in range(2, 13)
    ]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--fleet", "--fleet without --workload"),
        ("--workload", "--workload without --fleet"),
        ("--topology", "--topology and --name are for files of your own"),
    ],
)
def test_fleet_and_workload_go_together(run, fleet, option, message):
    """One without the other is refused."""
    ran = run("evaluate", option, fleet)
    assert ran.code == 2
    assert message in ran.err


def test_a_workload_without_pods_is_refused(run, fleet, tmp_path):
    """A fleet given as workload by mistake is not played."""
    ran = run("evaluate", "--fleet", fleet, "--workload", fleet, "--out", tmp_path / "out")
    assert ran.code == 2
    assert "the workload has no pods and no claims" in ran.err


BUSY = """\
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: all, namespace: default}
spec: {devices: {requests: [{name: gpus, exactly: {deviceClassName: gpu, allocationMode: All}}]}}
status: {allocation: {devices: {results: [RESULTS]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: runs, namespace: default}
spec: {nodeName: a, containers: [{name: main, image: i}], resourceClaims: [{name: d, resourceClaimName: all}]}
"""


def test_what_runs_in_the_files_of_the_workload_runs_from_the_start(run, words, fleet, workload):
    """The output of kubectl holds what waits and what runs; devices of the latter are not free."""
    published = [item for item in api.load(fleet).slices if item.spec.devices]
    results = [
        f"{{request: gpus, driver: {item.spec.driver}, pool: {item.spec.pool.name}, device: {device.name}}}"
        for item in published
        for device in item.spec.devices
    ]
    workload.write_text(PODS + BUSY.replace("RESULTS", ", ".join(results)))
    ran = run(*words, "-o", "json")
    (scenario,) = json.loads(ran.out)["scenarios"]
    assert {policy["name"]: policy["metrics"]["placed"]["mean"] for policy in scenario["policies"]} == dict.fromkeys(
        COMPARED, 0.0
    )


def test_a_workload_of_which_everything_runs_is_refused(run, words, workload):
    """There is nothing to decide, and the message tells why."""
    workload.write_text(BUSY.replace("RESULTS", "{request: gpus, driver: d, pool: p, device: x}"))
    ran = run(*words)
    assert ran.code == 2
    assert "no pods and no claims that wait; 1 pod is bound already" in ran.err


def test_a_folder_that_cannot_be_is_named(run, words, fleet):
    """When the folder for results is a file, its name is in the message."""
    words[words.index("--out") + 1] = fleet
    ran = run(*words)
    assert ran.code == 2
    assert str(fleet) in ran.err


@pytest.mark.parametrize("finished", [0, 2])
def test_an_interrupt_keeps_what_is_finished(root, tmp_path, finished):
    """Ctrl-C, which all processes of a terminal get, ends with code 130 and one line, while workers start too."""
    cells = tmp_path / "out" / "cells"
    command_line = ["evaluate", "--out", str(tmp_path / "out"), "--seeds", "50", "--jobs", "2", "--policy", "first-fit"]
    with subprocess.Popen(
        [sys.executable, "-m", "drapolicy", *command_line],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        start_new_session=True,
    ) as process:
        end = time.monotonic() + 60
        manifest = tmp_path / "out" / "experiment.json"
        while time.monotonic() < end and not (manifest.exists() and len(list(cells.glob("*.json"))) >= finished):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    kept = len(list(cells.glob("*.json")))
    assert (process.returncode, out) == (130, "")
    assert finished <= kept < 200
    told = f"drapolicy: interrupted; {kept} finished {'cell' if kept == 1 else 'cells'} kept in {cells}; the same command goes on: "
    assert [line for line in err.splitlines() if " of 200 played" not in line] == [
        f"{told}python -m drapolicy {' '.join(command_line)}"
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cells", "experiment.json"]


def cell(policy: str, seed: int, slowdown: float, placed: float = 100.0) -> Cell:
    metrics = {**dict.fromkeys(METRICS), "slowdown": slowdown, "placed": placed}
    return Cell("", "", {}, "s", policy, seed, 1, 1, metrics, [], [], {}, {}, 0.5)


def test_the_best_of_a_column_is_marked():
    """The best mean by the metric's sense; nobody where all are equal."""
    stock, other = [cell("kube-scheduler", seed, 2.0) for seed in (0, 1)], [cell("mine", seed, 1.5) for seed in (0, 1)]
    results = Results((*stock, *other))
    assert best_of(results, "s", METRICS["slowdown"]) == {"mine"}
    assert best_of(results, "s", METRICS["placed"]) == set()
    assert best_of(results, "s", METRICS["bandwidth"]) == set()


def test_markup_in_names_is_not_interpreted(capsys):
    """A scenario's name cannot steer the terminal nor the table."""
    from drapolicy.cli.output import print_table

    print_table(("[bold]A", "B"), [("[red]x[/red]", "\x1b[2J :smile:")], title="[blue]t\n")
    assert capsys.readouterr().out.splitlines() == ["[blue]t\\n", "[bold]A        B", "[red]x[/red]   \\x1b[2J :smile:"]


def test_formats_are_those_of_the_other_commands():
    """One set of formats serves all commands."""
    assert [item.value for item in Format] == ["table", "yaml", "json"]


def test_pods_that_never_start_are_told_why(run, fleet, workload, tmp_path):
    """A table that says "placed 0 %" and no more would leave the user alone."""
    asks_too_much = tmp_path / "many.yaml"
    asks_too_much.write_text(workload.read_text().replace("count: 2", "count: 30"))
    ran = run("evaluate", "--fleet", fleet, "--workload", asks_too_much, "--out", tmp_path / "o", "--seeds", "1")
    assert ran.code == 0
    (line,) = [line for line in ran.out.splitlines() if "never started" in line]
    assert line == "many: never started: cannot allocate all claims (1 pod)"


def test_the_release_that_decided_is_told(run, words, tmp_path):
    """With its gates and what they mean, in the table, for programs and in the report; 1.37 goes without saying."""
    assert "decided as" not in run(*words).out
    gates = ["--k8s", "1.35", "--feature-gates", "DRADeviceTaints=true", "--out", tmp_path / "other"]
    ran = run(*words, *gates, "-o", "json")
    notes = json.loads(ran.out)["notes"]
    assert notes[0] == "decided as Kubernetes 1.35 (DRADeviceTaints=true) does"
    assert "tries pools in random order" in notes[1]
    assert notes[0] in (tmp_path / "other" / "report.html").read_text()


def test_scenarios_that_a_release_refuses_are_told(run, tmp_path):
    """Counters of the embedded partitions stand in slices of their own, which 1.34 does not know."""
    ran = run("evaluate", "--k8s", "1.34", "--seeds", "1", "--policy", "first-fit", "--out", tmp_path)
    assert ran.code == 0
    assert "mig-a100: left out, this release refuses its objects" in ran.out
