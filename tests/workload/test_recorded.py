"""Openb's lists with their times."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.workload import Wanted, read_openb

PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
NODES = "sn,cpu_milli,memory_mib,gpu,model\nn-0,96000,393216,2,T4\nn-1,96000,393216,0,\n"
LINES = """\
p-1,4000,1024,1,500,,LS,Running,100,200,110
p-0,4000,1024,1,1000,T4|P100,LS,Pending,50,60,
p-2,8000,2048,0,0,,BE,Failed,120,120,120
p-3,8000,2048,2,1000,,BE,Running,130,,130
"""


def written(folder: Path, pods: str, nodes: str = NODES) -> tuple[Path, Path]:
    (folder / "pods.csv").write_text(pods)
    (folder / "nodes.csv").write_text(nodes)
    return folder / "pods.csv", folder / "nodes.csv"


def test_pods_come_and_leave_as_recorded(tmp_path: Path) -> None:
    """From creation; for as long as they ran, or lived where they never ran; less than a second is one."""
    found = read_openb(*written(tmp_path, PODS + LINES))
    arrivals = [(a.time_ns // 10**9, a.duration_ns and a.duration_ns // 10**9, a.pod) for a in found.workload.arrivals]
    assert arrivals == [(0, 10, "p-0"), (50, 90, "p-1"), (70, 1, "p-2"), (80, None, "p-3")]
    assert found.fleet is not None
    assert [node.metadata.name for node in found.fleet.nodes] == ["n-0", "n-1"]
    assert len(build(found.fleet).devices) == 2
    assert found.source.tried
    assert found.notes == ()


def test_a_part_can_be_taken(tmp_path: Path) -> None:
    """Days, pods, and only those with GPUs."""
    lists = written(tmp_path, PODS + LINES)
    for wanted, names in (
        (Wanted(jobs=2), ["p-0", "p-1"]),
        (Wanted(days=75 / 86_400), ["p-0", "p-1", "p-2"]),
        (Wanted(cpu_jobs=False), ["p-0", "p-1", "p-3"]),
    ):
        found = read_openb(*lists, wanted)
        assert [arrival.pod for arrival in found.workload.arrivals] == names
        assert sorted(pod.metadata.name for pod in found.workload.objects.pods) == sorted(names)
        assert found.notes == (f"{len(names)} of 4 pods were taken",)


def test_lists_without_times(tmp_path: Path) -> None:
    """Pods come a second apart, in order of names, and stay; the notes say so."""
    found = read_openb(*written(tmp_path, "name,cpu_milli,memory_mib,num_gpu,gpu_milli\nb,1,1,1,1000\na,1,1,0,0\n"))
    assert [(a.time_ns, a.duration_ns, a.pod) for a in found.workload.arrivals] == [(0, None, "a"), (10**9, None, "b")]
    assert found.notes == ("the list of pods has no times: they come a second apart and stay",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("p,1,1,0,0,,LS,Running,,9,1", "line 2: creation_time: is empty; say when the pod came"),
        ("p,1,1,0,0,,LS,Running,-1,9,1", "line 2: creation_time: '-1' is not a number of seconds"),
        ("p,1,1,0,0,,LS,Running,5,9,4", "line 2: scheduled_time: 4 is before creation_time 5"),
        ("p,1,1,0,0,,LS,Running,5,5,6", "line 2: deletion_time: 5 is before the pod begins"),
        ("p,1,1,-1,0,,LS,Running,5,5,6", "line 2: num_gpu: '-1' is not a whole number"),
    ],
)
def test_faulty_lines_are_told(tmp_path: Path, line: str, told: str) -> None:
    """Times as well as what the other columns hold."""
    with pytest.raises(InputError) as caught:
        read_openb(*written(tmp_path, PODS + line + "\n"))
    assert told in str(caught.value)


def test_all_faults_of_both_lists_come_together(tmp_path: Path) -> None:
    """Of every column, also of times of a line that is faulty otherwise; models that no node has; names given twice."""
    lines = [
        "a,1,1,-1,1000,,LS,Running,9,3,4",
        "b,1,1,1,1000,NOPE|P100,LS,Running,-5,,",
        "c,1,1,1,1000,NOPE|T4,LS,Running,5,,",
        "c,1,1,1,1000,,LS,Running,5,,",
    ]
    pods, nodes = written(tmp_path, PODS + "\n".join(lines) + "\n", NODES)
    told = [
        ("line 2", "num_gpu"),
        ("line 2", "scheduled_time"),
        ("line 3", "gpu_spec"),
        ("line 3", "creation_time"),
        ("line 5", "name"),
    ]
    with pytest.raises(InputError) as caught:
        read_openb(pods, nodes)
    assert [(fault.object, fault.path) for fault in caught.value.faults] == told
    assert "'NOPE|P100' is on no node of the list; known are T4" in str(caught.value)
    nodes.write_text(NODES + "n-0,1,-1,1,T4\n")
    with pytest.raises(InputError) as caught:
        read_openb(pods, nodes)
    assert {(fault.file, fault.object, fault.path) for fault in caught.value.faults} == {
        *((str(nodes), "line 4", path) for path in ("sn", "memory_mib")),
        *((str(pods), *place) for place in told if place[1] != "gpu_spec"),
    }


def test_faulty_rows_can_be_left_out(tmp_path: Path) -> None:
    """Of pods as of nodes; a name that is given twice stays as it was first."""
    lines = "p,1,1,1,1000,,LS,Running,0,7,0\np,1,1,1,1000,,LS,Running,0,9,0\nq,1,1,9999,1000,,LS,Running,0,7,0\n"
    found = read_openb(*written(tmp_path, PODS + lines, NODES + "n-9,-1,1,1,T4\n"), Wanted(lenient=True))
    assert [(a.pod, a.duration_ns) for a in found.workload.arrivals] == [("p", 7 * 10**9)]
    assert found.fleet is not None
    assert [node.metadata.name for node in found.fleet.nodes] == ["n-0", "n-1"]
    assert found.notes[0].startswith("3 faulty rows were left out")


def test_times_are_there_or_not(tmp_path: Path) -> None:
    """A list with some of the columns of times is no list without times."""
    with pytest.raises(InputError, match="line 1: has no column scheduled_time, deletion_time"):
        read_openb(*written(tmp_path, "name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time\np,1,1,0,0,5\n"))


def test_a_list_may_come_by_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once."""
    pods, nodes = written(tmp_path, PODS + LINES)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(pods.read_bytes())))
    assert read_openb("-", nodes).workload.arrivals == read_openb(pods, nodes).workload.arrivals


def test_the_published_list_is_read(shared: Path) -> None:
    """All of it: 8,152 pods over 149 days, and 1,213 nodes."""
    folder = shared / "traces" / "fgd"
    found = read_openb(folder / "openb_pod_list_default.csv", folder / "openb_node_list_gpu_node.csv")
    assert found.fleet is not None
    assert (len(found.workload.arrivals), len(found.fleet.nodes)) == (8152, 1213)
    assert found.workload.arrivals[-1].time_ns == 12_901_761 * 10**9
