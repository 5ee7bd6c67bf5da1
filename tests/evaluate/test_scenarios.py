"""Scenarios from a user's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.evaluate.cell import run_cell
from drapolicy.evaluate.scenarios import embedded, of_files, of_folder
from drapolicy.policies import POLICIES
from drapolicy.release import release
from drapolicy.simulate import play
from drapolicy.workload import fleet_objects, topology_text

WORK = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: c, namespace: default}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.nvidia.com}}]}}
"""
STANDING = """
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: held, namespace: default}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.nvidia.com}}]}}
status:
  allocation:
    devices: {results: [{request: gpu, driver: gpu.nvidia.com, pool: node-00, device: gpu-0}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: open, namespace: default}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.nvidia.com}}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: bound, namespace: default}
spec: {nodeName: node-00, containers: [{name: main, image: x}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a fleet of two nodes, what stands on it, its topology and a workload of one claim."""
    where = tmp_path / "mine"
    (where / "workload").mkdir(parents=True)
    fleet = api.dump(fleet_objects("a100-bridged-4", 2), "yaml") + STANDING
    (where / "fleet.yaml").write_text(fleet, encoding="utf-8")
    (where / "topology.txt").write_text(topology_text("a100-bridged-4"), encoding="utf-8")
    (where / "workload" / "claims.yaml").write_text(WORK, encoding="utf-8")
    return where


def test_a_folder_is_a_scenario(folder: Path) -> None:
    """Fleet, links, workload, and what is taken from the start: allocated claims and bound pods, no open claims."""
    scenario = of_folder(folder)
    assert (scenario.name, len(scenario.fleet.nodes), sorted(scenario.fleet.links)) == (
        "mine",
        2,
        ["node-00", "node-01"],
    )
    assert [claim.metadata.name for claim in scenario.standing.claims] == ["held"]
    assert [pod.metadata.name for pod in scenario.standing.pods] == ["bound"]
    assert [arrival.pod for arrival in scenario.workload.arrivals] == ["default/c"]
    (record,) = play(scenario, POLICIES["first-fit"], 0).records
    assert record.devices == ("gpu.nvidia.com/node-00/gpu-1",)


def test_a_folder_may_have_incidents(folder: Path) -> None:
    """They happen in the play; those that cannot are told when the folder is read."""
    (folder / "incidents.csv").write_text("time_s,what,name\n0,leave,node-00\n")
    (record,) = play(of_folder(folder), POLICIES["first-fit"], 0).records
    assert record.node == "node-01"
    (folder / "incidents.csv").write_text("time_s,what,name\n0,leave,node-00\n1,join,node-07\n")
    with pytest.raises(InputError, match="incident 2: node node-07: is not in the fleet"):
        of_folder(folder)


def test_files_can_be_named(folder: Path) -> None:
    """Without a topology file there are no links and no report; the name is the workload's."""
    scenario, report = of_files([folder / "fleet.yaml"], [folder / "workload"])
    assert (report, dict(scenario.fleet.links), scenario.name) == (None, {}, "workload")
    _, report = of_files([folder / "fleet.yaml"], [folder / "workload"], topology=folder / "topology.txt")
    assert report is not None
    assert report.without == ()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """A folder that is not there is an error that names it."""
    with pytest.raises(InputError, match="nowhere"):
        of_folder(tmp_path / "nowhere")


def test_embedded_scenarios_differ_in_their_winner() -> None:
    """Seed 0 alone shows it: bandwidth is best on bridged cards, packing better than stock on partitions."""
    slowdowns = {}
    for scenario in embedded():
        for name in ("kube-scheduler", "packing", "bandwidth"):
            slowdowns[scenario.name, name] = run_cell(scenario, POLICIES[name], 0).metrics["slowdown"] or 0
    assert slowdowns["bridged-a100", "bandwidth"] < slowdowns["bridged-a100", "packing"]
    assert slowdowns["mig-a100", "packing"] < slowdowns["mig-a100", "bandwidth"]
    assert slowdowns["mig-a100", "packing"] < slowdowns["mig-a100", "kube-scheduler"]


@pytest.mark.parametrize(("minor", "count"), [("1.34", 1), ("1.35", 2), ("1.36", 2), ("1.37", 2)])
def test_embedded_scenarios_are_those_that_the_release_would_take(minor: str, count: int) -> None:
    """In 1.34 partitions draw on counters of their own slice."""
    assert len(embedded(release(minor))) == count


def test_files_are_read_with_the_api_of_the_release(tmp_path: Path) -> None:
    """Both the fleet's and the workload's."""
    rule = "apiVersion: resource.k8s.io/v1\nkind: DeviceTaintRule\nmetadata: {name: r}\n"
    rule += "spec: {taint: {key: example.com/x, effect: NoSchedule}}\n"
    (tmp_path / "rule.yaml").write_text(rule)
    (tmp_path / "work.yaml").write_text(WORK)
    for fleet, work in (("rule.yaml", "work.yaml"), ("work.yaml", "rule.yaml")):
        with pytest.raises(InputError, match=r"1\.36 serves no DeviceTaintRule"):
            of_files([str(tmp_path / fleet)], [str(tmp_path / work)], release=release("1.36"))
