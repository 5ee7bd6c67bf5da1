"""Job logs of Helios and ACME, after their published columns: what a line becomes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload import Imported, Wanted, Workload, read_acme, read_helios

HELIOS = "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n"
SEREN = "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,queue,gpu_time\n"
KALOS = SEREN.replace("cpu_num,", "cpu_num,mem_per_pod_GB,shared_mem_per_pod,")

# Lines of our own in the columns of the READMEs.
LINES = """\
11,uA,vcOne,1,4,1,COMPLETED,2020-06-09 10:00:00,2020-06-09 10:00:05,2020-06-09 11:00:05,3600,5
12,uB,vcTwo,20,80,3,FAILED,2020-06-09 10:00:10,2020-06-09 10:00:10,2020-06-09 10:00:10,0,0
13,uB,vcTwo,0,2,1,COMPLETED,2020-06-09 10:30:00,2020-06-09 10:30:00,,,0
14,uB,vcTwo,8,32,1,CANCELLED,2020-06-09 10:40:00,,,,
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_text(text, encoding="utf-8")
    return path


def pods(workload: Workload) -> list[tuple[int, int | None, str, str, int]]:
    """Seconds of arrival and run time, pod, group and how many of it, of each arrival."""
    return [
        (a.time_ns // 10**9, None if a.duration_ns is None else a.duration_ns // 10**9, a.pod, a.group, a.at_least)
        for a in workload.arrivals
    ]


def test_lines_of_helios_become_pods(tmp_path: Path) -> None:
    """Totals are dealt over the nodes, several pods are a gang, a virtual cluster is a namespace; 0 s count as one."""
    found = read_helios(written(tmp_path, HELIOS + LINES))
    assert pods(found.workload) == [
        (0, 3600, "vcone/gpu1-cpu4", "", 0),
        (10, 1, "vctwo/gpu7-cpu26666m", "12", 3),
        (10, 1, "vctwo/gpu7-cpu26666m", "12", 3),
        (10, 1, "vctwo/gpu6-cpu26666m", "12", 3),
        (1800, None, "vctwo/gpu0-cpu2", "", 0),
    ]
    ask = found.workload.ask(found.workload.arrivals[1], 7)
    (claim,) = ask.claims
    wanted = claim.spec.devices.requests[0].exactly
    assert wanted is not None
    assert (wanted.device_class_name, wanted.count) == ("gpu.nvidia.com", 7)
    assert found.workload.ask(found.workload.arrivals[4], 8).claims == ()


def test_what_was_not_tried_is_said_first(tmp_path: Path) -> None:
    """Nobody takes the reader for one that has seen the original; what was left out is counted."""
    found = read_helios(written(tmp_path, HELIOS + LINES))
    assert not found.source.tried
    assert found.notes == (
        "not tried on the original: the reader of helios follows its description",
        "1 jobs that never started were left out",
    )


@pytest.mark.parametrize("never", ["", "None", "Unknown"])
def test_times_that_there_are_not(tmp_path: Path, never: str) -> None:
    """What sacct prints for them: a job that never started is left out, one that did not end stays."""
    lines = [
        f"1,u,v,1,1,1,CANCELLED,2020-06-09 10:00:00,{never},{never},{never},{never}",
        f"2,u,v,1,1,1,RUNNING,2020-06-09 10:00:00,2020-06-09 10:00:01,{never},{never},1.0",
    ]
    found = read_helios(written(tmp_path, HELIOS + "\n".join(lines) + "\n"))
    assert pods(found.workload) == [(0, None, "v/gpu1-cpu1", "", 0)]
    assert "1 jobs that never started were left out" in found.notes


def test_memory_of_kalos_is_of_each_pod(tmp_path: Path) -> None:
    """10^9 bytes; times with zones are one time."""
    line = "j,u1,2,16,240,1000,100.0,Other,FAILED,2023-05-17 11:00:00+00:00,2023-05-17 19:00:08+08:00,2023-05-17 11:00:18+00:00,18,10.0,1\n"
    found = read_acme(written(tmp_path, KALOS + line))
    assert pods(found.workload) == [(0, 10, "u1/gpu8-cpu120-mem953674mi", "j", 2)] * 2
    part = read_acme(written(tmp_path, KALOS + line.replace(",1000,", ",0.5,")))
    assert part.workload.arrivals[0].pod == "u1/gpu8-cpu120-mem476mi"


def test_seren_has_no_memory(tmp_path: Path) -> None:
    """The column is Kalos' alone."""
    line = "5,u1,1,8,128,Other,FAILED,2023-03-01 00:00:00+08:00,2023-03-01 00:00:01+08:00,2023-03-01 00:00:02+08:00,1,1,8\n"
    assert pods(read_acme(written(tmp_path, SEREN + line)).workload) == [(0, 1, "u1/gpu8-cpu128", "", 0)]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(jobs=2), ["vcone/gpu1-cpu4"] + ["vctwo/gpu7-cpu26666m"] * 2 + ["vctwo/gpu6-cpu26666m"]),
        (Wanted(days=1 / 86400), ["vcone/gpu1-cpu4"]),
        (
            Wanted(jobs=9, days=0.001, cpu_jobs=False),
            ["vcone/gpu1-cpu4"] + ["vctwo/gpu7-cpu26666m"] * 2 + ["vctwo/gpu6-cpu26666m"],
        ),
    ],
)
def test_a_part_of_a_trace_can_be_taken(tmp_path: Path, wanted: Wanted, names: list[str]) -> None:
    """The first jobs, the first days, those with devices; the notes tell it."""
    found = read_helios(written(tmp_path, HELIOS + LINES), wanted)
    assert [arrival.pod for arrival in found.workload.arrivals] == names
    assert "of 3 jobs were taken, as was asked" in found.notes[-1]


def test_wrong_wishes_are_refused() -> None:
    """Both at once."""
    with pytest.raises(InputError) as caught:
        Wanted(days=0, jobs=-1)
    assert len(caught.value.faults) == 2


GOOD = dict(
    zip(
        HELIOS.strip().split(","),
        [*["1", "u", "vc", "1", "1", "1", "X"], *(f"2020-01-01 00:00:{second}" for second in (10, 20, 30)), "10", "10"],
        strict=True,
    )
)
BAD = [
    ("negative GPUs", {"gpu_num": "-1"}, "gpu_num", "'-1' is not a whole number from 0 to 320,000"),
    ("part of a GPU", {"gpu_num": "0.5"}, "gpu_num", "'0.5' is not a whole number"),
    ("no nodes", {"node_num": "0"}, "node_num", "'0' is not a whole number from 1 to 10,000"),
    ("too many for a claim", {"gpu_num": "33"}, "gpu_num", "33 on 1 nodes; a claim holds at most 32 devices"),
    ("absurd CPU", {"cpu_num": "9" * 15}, "cpu_num", "is not a whole number from 0 to 1,000,000,000"),
    ("no id", {"job_id": ""}, "job_id", "is empty; give each job its id"),
    ("no submission", {"submit_time": ""}, "submit_time", "is empty; say when the job was submitted"),
    ("no date", {"start_time": "yesterday"}, "start_time", "'yesterday' is not a time like"),
    ("negative run time", {"duration": "-1"}, "duration", "'-1' is not a number of seconds from 0"),
    ("no wait", {"queue": "1e400"}, "queue", "'1e400' is not a number of seconds from 0"),
    ("an id of two lines", {"job_id": '"a\nb"'}, "job_id", "holds line ends or other control characters"),
    ("starts before", {"start_time": "2020-01-01 00:00:09"}, "start_time", "is before submit_time"),
    ("ends before", {"end_time": "2020-01-01 00:00:19"}, "end_time", "is not within ten years after start_time"),
    ("ends too late", {"end_time": "2031-01-01 00:00:00"}, "end_time", "is not within ten years after start_time"),
]


@pytest.mark.parametrize(("name", "change", "column", "told"), BAD, ids=[row[0] for row in BAD])
def test_faulty_lines_are_told(tmp_path: Path, name: str, change: dict[str, str], column: str, told: str) -> None:
    """Each with file, line, column, value and fix; a lenient reader leaves the line out and says so."""
    path = written(tmp_path, HELIOS + ",".join((GOOD | change).values()) + "\n" + LINES)
    with pytest.raises(InputError) as caught:
        read_helios(path)
    (fault,) = caught.value.faults
    assert (fault.file, fault.object, fault.path) == (str(path), "line 2", column)
    assert told in fault.message
    found = read_helios(path, Wanted(lenient=True))
    assert len(found.workload.arrivals) == 5
    assert "1 faulty rows were left out" in found.notes[1]


def test_all_faults_come_together(tmp_path: Path) -> None:
    """Faulty lines, a job given twice and a missing column in one error; and the missing column cannot be spared."""
    text = (
        HELIOS + ",".join((GOOD | {"gpu_num": "x"}).values()) + "\n" + LINES + LINES[: LINES.index("\n") + 1]
    ).replace(",node_num", ",nodes")
    with pytest.raises(InputError) as caught:
        read_helios(written(tmp_path, text))
    told = [(fault.object, fault.path) for fault in caught.value.faults]
    assert told == [("line 1", ""), ("line 2", "gpu_num"), ("line 7", "job_id")]
    with pytest.raises(InputError, match="line 1: has no column node_num"):
        read_helios(written(tmp_path, text), Wanted(lenient=True))


@pytest.mark.parametrize("read", [read_helios, read_acme])
def test_a_trace_of_another_kind_is_refused(tmp_path: Path, read: Callable[[Path], Imported]) -> None:
    """Its columns are named."""
    with pytest.raises(InputError, match="line 1: has no column job_id, gpu_num, cpu_num, node_num"):
        read(written(tmp_path, "name,cpu_milli\na,1\n"))


def test_tenants_keep_apart(tmp_path: Path) -> None:
    """Names that Kubernetes does not tell apart get namespaces of their own."""
    lines = [
        ",".join((GOOD | {"job_id": str(n), "vc": vc}).values()) for n, vc in enumerate(["vcA", "vca", "_", "vcA"])
    ]
    found = read_helios(written(tmp_path, HELIOS + "\n".join(lines) + "\n"))
    assert [arrival.pod.partition("/")[0] for arrival in found.workload.arrivals] == ["vca", "vca-2", "default", "vca"]


@given(st.integers(1, 40), st.integers(0, 300), st.integers(0, 500))
def test_nothing_of_a_job_is_lost(tmp_path_factory: pytest.TempPathFactory, nodes: int, gpus: int, cpu: int) -> None:
    """Pods take all of a job's GPUs, differ by at most one, and no more CPU than the job has."""
    line = ",".join((GOOD | {"node_num": str(nodes), "gpu_num": str(gpus), "cpu_num": str(cpu)}).values())
    path = written(tmp_path_factory.mktemp("log"), HELIOS + line + "\n")
    if gpus > 32 * nodes:
        with pytest.raises(InputError, match="a claim holds at most 32 devices"):
            read_helios(path)
        return
    workload = read_helios(path).workload
    counts = [
        sum(r.exactly.count for c in workload.ask(a, n).claims for r in c.spec.devices.requests if r.exactly)
        for n, a in enumerate(workload.arrivals)
    ]
    assert (len(counts), sum(counts)) == (nodes, gpus)
    assert max(counts) - min(counts) <= 1
    rooms = [workload.ask(arrival, 0).room for arrival in workload.arrivals]
    milli = sum(room.requests.get("cpu", 0) for room in rooms if room is not None)
    assert cpu * 1000 - nodes < milli <= cpu * 1000
