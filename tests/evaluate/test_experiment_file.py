"""Experiments from files: what they may say, and every fault at once, with its line."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from drapolicy.errors import InputError, ParseError
from drapolicy.evaluate import Experiment, Local
from drapolicy.evaluate.experiment_file import MAX_BYTES, read_experiment
from drapolicy.policies import COMPARED

FLEET = """\
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: n1-gpus}
spec:
  driver: gpu.example.com
  nodeName: n1
  pool: {name: n1, generation: 1, resourceSliceCount: 1}
  devices: [{name: gpu-0}, {name: gpu-1}, {name: gpu-2}]
"""
CLAIM = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: c, namespace: default}
spec: {devices: {requests: [{name: gpus, exactly: {deviceClassName: gpu}}]}}
"""
SCENARIO = "scenarios: [{fleet: fleet.yaml, workload: [claims.yaml], name: mine}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a fleet and claims, which experiments name by paths of their own."""
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "claims.yaml").write_text(CLAIM)
    return tmp_path


def read(folder: Path, text: str, name: str = "e.yaml") -> Experiment:
    (folder / name).write_text(text, encoding="utf-8")
    return read_experiment(folder / name)


def test_every_dataset_may_be_named(folder: Path) -> None:
    """Those that `drapolicy evaluate` does not play by itself too."""
    found = read(folder, "scenarios: [philly-day, {embedded: acme-day, name: other}]\n")
    assert [scenario.name for scenario in found.scenarios] == ["philly-day", "other"]


def test_incidents_are_read_beside_the_file(folder: Path) -> None:
    """For every kind of scenario; what is wrong with them is told with the scenario."""
    (folder / "some.csv").write_text("time_s,what,name\n1,drain,node-00\n")
    found = read(folder, "scenarios:\n- {embedded: mig-a100, incidents: some.csv}\n- bridged-a100\n")
    assert [len(scenario.incidents) for scenario in found.scenarios] == [1, 0]
    with pytest.raises(InputError, match="incidents.csv"):
        read(folder, "scenarios:\n- {embedded: mig-a100, incidents: incidents.csv}\n")


def test_a_whole_experiment(folder: Path) -> None:
    """Every field, with paths beside the file; the release decides how files are read."""
    found = read(
        folder,
        "name: all of it\nkubernetes: {release: 1.36, gates: {DRAListTypeAttributes: true}}\n"
        "policies: [packing, 'random', {policy: random, name: dice, draws: 3}]\n"
        "scenarios:\n- {fleet: [fleet.yaml], workload: claims.yaml, name: mine, queue: fifo}\n- mig-a100\n"
        "seeds: 3-5\nmetric: placed\ncheck: true\n",
    )
    assert [policy.name for policy in found.policies] == ["kube-scheduler", "packing", "random", "dice"]  # type: ignore[union-attr]
    assert [(s.name, s.queue.name) for s in found.scenarios] == [("mine", "fifo"), ("mig-a100", "kubernetes")]
    assert (found.seeds, found.metric, found.check, found.name) == ((3, 4, 5), "placed", True, "all of it")
    assert found.draws == {"dice": 3}
    release = found.scenarios[0].fleet.release
    assert (release.minor, "DRAListTypeAttributes" in release.gates) == ("1.36", True)


def test_what_is_left_out_has_a_default(folder: Path) -> None:
    """Scenarios alone are an experiment: ten seeds, the policies of the table, the file's name."""
    found = read(folder, SCENARIO)
    assert [policy.name for policy in found.policies] == list(COMPARED)  # type: ignore[union-attr]
    assert (found.seeds, found.name, found.check) == (tuple(range(10)), "e", False)


@pytest.mark.parametrize(
    ("text", "seeds"), [("4", (0, 1, 2, 3)), ("2-2", (2,)), ("[7, 0, 7]", (7, 0)), ("'1 - 3'", (1, 2, 3))]
)
def test_seeds(folder: Path, text: str, seeds: tuple[int, ...]) -> None:
    """A number, a range with both ends, or a list."""
    assert read(folder, f"{SCENARIO}seeds: {text}\n").seeds == seeds


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("seeds: 3\n", [("line 1", "scenarios")]),
        ("[]\n", [("line 1", ""), ("line 1", "scenarios")]),
        ("scenarios: []\n", [("line 1", "scenarios")]),
        ("scenarios: [[mig-a100]]\n", [("line 1", "scenarios[0]")]),
        ("scenarios: [nope]\n", [("line 1", "scenarios[0]")]),
        ("scenarios: [{name: x}]\n", [("line 1", "scenarios[0]")]),
        ("scenarios: [{fleet: fleet.yaml}]\n", [("line 1", "scenarios[0].workload")]),
        ("scenarios: [{embedded: mig-a100, workload: x}]\n", [("line 1", "scenarios[0].workload")]),
        (
            "scenarios:\n- fleet: fleet.yaml\n  workload: claims.yaml\n  queue: lifo\n",
            [("line 4", "scenarios[0].queue")],
        ),
        (f"{SCENARIO}seeds: 0\n", [("line 2", "seeds")]),
        (f"{SCENARIO}seeds: -1\n", [("line 2", "seeds")]),
        (f"{SCENARIO}seeds: 9999999999999\n", [("line 2", "seeds")]),
        (f"{SCENARIO}seeds: [1, 0.5, {{}}]\n", [("line 2", "seeds[1]"), ("line 2", "seeds[2]")]),
        (f"{SCENARIO}policies: packing\n", [("line 2", "policies")]),
        (f"{SCENARIO}policies: [nope, {{name: x}}]\n", [("line 2", "policies[0]"), ("line 2", "policies[1].policy")]),
        (f"{SCENARIO}policies: [{{policy: random, draws: -1}}]\n", [("line 2", "policies[0].draws")]),
        (f"{SCENARIO}check: maybe\n", [("line 2", "check")]),
        (f"{SCENARIO}metric: speed\n", [("line 2", "metric")]),
        (f"{SCENARIO}name: 3\n", [("line 2", "name")]),
        (f"{SCENARIO}kubernetes: 1.20\n", [("line 2", "kubernetes")]),
        (f"{SCENARIO}kubernetes: {{gates: {{Nope: true}}}}\n", [("line 2", "kubernetes")]),
        (f"{SCENARIO}policies: [packing, fgd, packing]\n", [("line 2", "policies[2]")]),
        (f"{SCENARIO}policies:\n- {{policy: random, name: fgd}}\n- fgd\n", [("line 4", "policies[1]")]),
        ("scenarios: [mig-a100, {embedded: mig-a100, queue: fifo}]\n", [("line 1", "scenarios[1]")]),
        ("scenarios: [{folder: nowhere}]\n", [("line 1", "scenarios[0]")]),
        (f"{SCENARIO}policies: [null, 3]\n", [("line 2", "policies[0]"), ("line 2", "policies[1]")]),
        (f"{SCENARIO}seeds: 51-42\n", [("line 2", "seeds")]),
        (f"{SCENARIO}seeds: [9223372036854775808]\n", [("line 2", "seeds[0]")]),
        (f"{SCENARIO}colour: red\n", [("line 2", "colour")]),
        (f"{SCENARIO}name: a\nname: b\n", [("line 3", "name")]),
        (f"{SCENARIO}---\nname: b\n", [("", "")]),
        ("", [("", "")]),
        ("scenarios: [\n", [("line 2", "")]),
        ("a: !!python/object/apply:os.system [id]\n", [("line 1", "a"), ("line 1", "scenarios")]),
    ],
)
def test_faults_have_line_and_path(folder: Path, text: str, faults: list[tuple[str, str]]) -> None:
    """One or several things wrong with a file, each where it is."""
    with pytest.raises(InputError) as caught:
        read(folder, text)
    assert [(fault.object, fault.path) for fault in caught.value.faults] == faults
    assert {fault.file for fault in caught.value.faults} == {str(folder / "e.yaml")}


def test_faults_of_all_files_come_together(folder: Path) -> None:
    """Those of the experiment, of its fleets and of its workloads, in one error."""
    (folder / "fleet.yaml").write_text(FLEET.replace("driver: gpu.example.com", "driver: NO"))
    with pytest.raises(InputError) as caught:
        read(folder, f"{SCENARIO}seeds: x\npolicies: [nope]\n")
    files = {Path(fault.file).name for fault in caught.value.faults}
    assert files == {"e.yaml", "fleet.yaml"}
    assert len(caught.value.faults) >= 3


def test_all_that_is_wrong_with_a_scenario_comes_together(folder: Path) -> None:
    """One part that cannot be read keeps none of the others from being looked at; faults are in order of lines."""
    text = """\
    seeds: x
    scenarios:
    - fleet: gone.yaml
      workload: missing.yaml
      topology: [a, b]
      queue: lifo
      incidents: 3
    name: 3
    """
    with pytest.raises(InputError) as caught:
        read(folder, dedent(text))
    assert [(fault.object, fault.path) for fault in caught.value.faults[:5]] == [
        ("line 1", "seeds"),
        ("line 5", "scenarios[0].topology"),
        ("line 6", "scenarios[0].queue"),
        ("line 7", "scenarios[0].incidents"),
        ("line 8", "name"),
    ]
    assert [Path(fault.file).name for fault in caught.value.faults[5:]] == ["gone.yaml", "missing.yaml"]


def test_names_that_are_unknown_have_others_beside_them(folder: Path) -> None:
    """Those that are spelt alike, and all that are known."""
    with pytest.raises(InputError) as caught:
        read(folder, "scenarios: [mig-a10]\npolicies: [paking]\nmetric: slowdwn\nseed: 3\n")
    told = [fault.message for fault in caught.value.faults]
    assert [text.partition("did you mean ")[2].partition("?")[0] for text in told] == [
        "mig-a100 or bridged-a100",
        "packing or ilp-packing",
        "slowdown",
        "seeds",
    ]


def test_a_bomb_of_aliases_is_not_unfolded(folder: Path) -> None:
    """A few lines that would be billions of values are a fault, at once."""
    bomb = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(InputError):
        read(folder, f"a: &a [x]\n{bomb}policies: *i\n{SCENARIO}")


def test_other_files_are_no_experiments(folder: Path) -> None:
    """By name, or too long."""
    with pytest.raises(ParseError, match="no experiment by its name"):
        read(folder, SCENARIO, "e.txt")
    with pytest.raises(ParseError, match="too long for an experiment"):
        read(folder, SCENARIO + "#" * MAX_BYTES)


PYTHON = """\
from pathlib import Path

from drapolicy.evaluate import Experiment, of_files
from helper_of_experiment import Chosen

here = Path(__file__).parent
scenario, _ = of_files([here / "fleet.yaml"], [here / "claims.yaml"], name="mine")
experiment = Experiment([scenario], [Chosen()], seeds=2)
"""
HELPER = """\
from dataclasses import replace

from drapolicy.policies import POLICIES


class Chosen:
    name = "chosen"

    def place(self, problem, rng):
        return replace(POLICIES["first-fit"].place(problem, rng), policy="chosen")
"""


@pytest.fixture
def python(folder: Path) -> Path:
    """An experiment in Python, with a policy from a module beside it."""
    (folder / "helper_of_experiment.py").write_text(HELPER)
    (folder / "mine.py").write_text(PYTHON)
    yield folder / "mine.py"
    sys.modules.pop("helper_of_experiment", None)


def test_python_experiments_are_kept_by_their_code(python: Path, tmp_path: Path) -> None:
    """Policies of one's own are played by other processes, kept, and played again when their code has changed."""
    found = read_experiment(python)
    assert (found.name, len(found)) == ("mine", 4)
    played: list[bool] = []
    for text, kept in ((HELPER, [False] * 4), (HELPER, [True] * 4), (HELPER + "# other\n", [True, True, False, False])):
        sys.modules.pop("helper_of_experiment", None)
        (python.parent / "helper_of_experiment.py").write_text(text)
        played.clear()
        read_experiment(python).run(tmp_path / "out", executor=Local(2), progress=lambda step: played.append(step.kept))
        assert sorted(played) == sorted(kept)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "has no experiment"),
        ("experiment = 1\n", "has no experiment"),
        ("x = 3\n1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(0)\n", "line 2: SystemExit: 0"),
        ("def\n", "SyntaxError"),
    ],
)
def test_python_files_without_an_experiment(folder: Path, text: str, message: str) -> None:
    """What a file lacks, or where running it failed."""
    with pytest.raises(ParseError, match=message):
        read(folder, text, "e.py")
