"""Workloads: patterns, copies with names of their own, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.workload import COMMUNICATION, Arrival, Workload, communication_percent, read

TEXT = """
apiVersion: v1
kind: Pod
metadata: {name: train, namespace: default, annotations: {drapolicy/communication-percent: "25"}}
spec:
  containers: [{name: main, image: x}]
  resourceClaims:
  - {name: own, resourceClaimTemplateName: two}
  - {name: common, resourceClaimName: common}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: two, namespace: default}
spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: any, count: 2}}]}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: common, namespace: default}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: any}}]}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: lone, namespace: other}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: any}}]}}
"""


def test_copies_have_names_and_claims_of_their_own() -> None:
    """A copy's pod and the claims made for it are numbered; a claim that pods name is the same for all."""
    workload = Workload(api.loads(TEXT), (Arrival(0, None, "train"),))
    one, two = (workload.ask(workload.arrivals[0], number) for number in (0, 1))
    assert (one.name, two.name) == ("default/train-0", "default/train-1")
    assert one.pod is not None
    assert one.pod.metadata.name == "train-0"
    names = [[claim.metadata.name for claim in ask.claims] for ask in (one, two)]
    assert names[0][1] == names[1][1] == "common"
    assert names[0][0] != names[1][0]
    assert one.kind == two.kind
    assert one.claims[0].spec.devices.requests[0].exactly is not None


def test_lone_claims_are_copied() -> None:
    """A claim that no pod uses arrives as an ask of its own."""
    workload = Workload(api.loads(TEXT), (Arrival(0, None, "other/lone"),))
    copy = workload.ask(workload.arrivals[0], 7)
    assert (copy.name, copy.pod, copy.claims[0].metadata.name) == ("other/lone-7", None, "lone-7")


def test_patterns_go_by_name() -> None:
    """With its namespace, and without it in ``default``."""
    assert sorted(Workload(api.loads(TEXT), ()).patterns) == ["default/train", "other/lone", "train"]


def test_unknown_pods_are_all_named() -> None:
    """Each name in the arrivals that nothing defines is a fault, with the names that there are."""
    with pytest.raises(InputError) as caught:
        Workload(api.loads(TEXT), (Arrival(0, None, "x"), Arrival(1, None, "lone"), Arrival(2, None, "x")))
    assert [str(fault) for fault in caught.value.faults] == [
        f"arrivals: pod: {name!r} is no waiting pod or lone claim of the workload; known are default/train, other/lone, train"
        for name in ("lone", "x")
    ]


@pytest.mark.parametrize("text", ["101", "-1", "ten", "1.5", "", "\u0661"])
def test_shares_of_communication_are_whole_percents(text: str) -> None:
    """A wrong annotation is refused when the workload is made, not when the pod starts."""
    wrong = TEXT.replace('"25"', f'"{text}"')
    with pytest.raises(InputError, match="is not a whole number from 0 to 100") as caught:
        Workload(api.loads(wrong), ())
    assert caught.value.faults[0].path == f"metadata.annotations[{COMMUNICATION!r}]"


def test_shares_of_communication_are_read() -> None:
    """The annotation, or 0."""
    pod = api.loads(TEXT).pods[0]
    assert (communication_percent(pod), communication_percent(None)) == (25, 0)


def test_read_takes_objects_and_one_table(tmp_path: Path) -> None:
    """A folder of objects with one CSV file; without one everything arrives at once and stays."""
    (tmp_path / "pods.yaml").write_text(TEXT, encoding="utf-8")
    everything = read(tmp_path, name="w")
    assert everything.arrivals == (Arrival(0, None, "default/train"), Arrival(0, None, "other/lone"))
    (tmp_path / "arrivals.csv").write_text("time_s,duration_s,pod\n3,4,train\n", encoding="utf-8")
    one = read(tmp_path)
    assert (one.name, one.arrivals) == (tmp_path.stem, (Arrival(3 * 10**9, 4 * 10**9, "train"),))
    assert one.digest != everything.digest
    assert read(tmp_path).digest == one.digest
    (tmp_path / "more.csv").write_text("time_s,duration_s,pod\n", encoding="utf-8")
    with pytest.raises(InputError, match="workload: 2 files of arrivals .*; give one"):
        read(tmp_path)


def test_faults_of_objects_and_arrivals_come_together(tmp_path: Path) -> None:
    """What is wrong with a pod hides no line of the table; a line that names an unknown pod is told by number."""
    pods, table = tmp_path / "pods.yaml", tmp_path / "arrivals.csv"
    pods.write_text(TEXT, encoding="utf-8")
    table.write_text("time_s,duration_s,pod\n3,4,train\n-1,4,train\n5,6,nobody\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert [(fault.file, fault.object, fault.path) for fault in caught.value.faults] == [
        (str(table), "line 3", "time_s"),
        (str(table), "line 4", "pod"),
    ]
    assert "'nobody' is no waiting pod or lone claim of the workload; known are default/train, " in str(caught.value)
    pods.write_text(TEXT.replace("count: 2", "count: -2"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert [fault.file for fault in caught.value.faults] == [str(pods), str(table)]
    assert caught.value.faults[1].object == "line 3"
