"""A cluster's own history: pods of several files become one workload."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.workload import Imported, read_history

DAY = "2026-11-24T"


def pod(name: str, created: str, phase: str = "Running", **more: Any) -> dict[str, Any]:
    """Return a pod as a cluster tells it; ``started``, ``ended``, ``claim``, ``template``, ``group`` are optional."""
    status: dict[str, Any] = {"phase": phase}
    if "started" in more:
        status["startTime"] = DAY + more["started"]
    if "ended" in more:
        ends = more["ended"] if isinstance(more["ended"], list) else [more["ended"]]
        status["containerStatuses"] = [
            {"name": f"c{n}", "image": "x", "state": {"terminated": {"finishedAt": DAY + end, "exitCode": 0}}}
            for n, end in enumerate(ends)
        ]
    spec: dict[str, Any] = {
        "nodeName": "n1",
        "containers": [
            {"name": "c0", "image": f"registry/{name}", "resources": {"requests": {"cpu": more.get("cpu", "1")}}}
        ],
        "volumes": [{"name": f"kube-api-access-{name}", "projected": {"sources": []}}],
    }
    if "template" in more:
        spec["resourceClaims"] = [{"name": "gpu", "resourceClaimTemplateName": more["template"]}]
        status["resourceClaimStatuses"] = [{"name": "gpu", "resourceClaimName": f"{name}-gpu-abcde"}]
    if "claim" in more:
        spec["resourceClaims"] = [{"name": "gpu", "resourceClaimName": more["claim"]}]
    if "group" in more:
        spec["schedulingGroup"] = {"podGroupName": more["group"]}
    meta = {"name": name, "namespace": "team", "uid": f"uid-{name}-{created}", "creationTimestamp": DAY + created}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status}


def wish(count: int) -> dict[str, Any]:
    return {
        "devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": count}}]}
    }


def claim(name: str, count: int) -> dict[str, Any]:
    """Return a claim that is allocated and reserved."""
    results = [{"request": "gpu", "driver": "gpu.nvidia.com", "pool": "n1", "device": f"gpu-{n}"} for n in range(count)]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": "team"},
        "spec": wish(count),
        "status": {"allocation": {"devices": {"results": results}}},
    }


def template(name: str, count: int) -> dict[str, Any]:
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"spec": wish(count)},
    }


def written(folder: Path, **files: list[dict[str, Any]]) -> list[Path]:
    """Write a List for each file; names are ``at`` and the time."""
    paths = []
    for name, items in files.items():
        path = folder / (f"pods-{DAY}{name[2:4]}:{name[4:]}:00Z.json" if name.startswith("at") else f"{name}.json")
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        paths.append(path)
    return paths


def seconds(found: Imported) -> list[tuple[float, float | None, str]]:
    return [
        (a.time_ns / 10**9, None if a.duration_ns is None else a.duration_ns / 10**9, a.pod)
        for a in found.workload.arrivals
    ]


def test_lives_are_put_together_from_several_files(tmp_path: Path) -> None:
    """Ended as its containers say, gone between two files, running at the end, waiting, never started."""
    paths = written(
        tmp_path,
        at1000=[
            pod("done", "09:00:00", "Succeeded", started="09:00:10", ended=["09:10:10", "09:20:10"]),
            pod("gone", "09:30:00", started="09:30:00", cpu="2"),
            pod("never", "09:40:00", "Pending", cpu="3"),
            pod("long", "09:50:00", started="09:50:00", cpu="4"),
        ],
        at1100=[pod("long", "09:50:00", started="09:50:00", cpu="4"), pod("waits", "10:30:00", "Pending", cpu="5")],
    )
    for order in (paths, paths[::-1], [tmp_path]):
        found = read_history(*order)
        assert seconds(found) == [
            (0, 1200, "team/done"),
            (1800, 3600, "team/gone"),
            (3000, None, "team/long"),
            (5400, None, "team/waits"),
        ]
        assert found.notes == (
            "not tried on the original: the reader of history follows its description",
            "1 pods were gone from one file to the next: they end in the middle of the two",
            "1 pods that never started were left out",
            "1 pods were running at the end: they stay",
            "1 pods were waiting at the end: they come, and stay once they start",
        )
        assert found.fleet is None


def test_pods_that_ask_alike_share_a_pattern(tmp_path: Path) -> None:
    """Names, images, nodes and volumes with random names tell nothing apart; CPU and claims do."""
    items = [pod(f"p{n}", f"09:00:0{n}", started="09:01:00", template="two", cpu=str(1 + n // 3)) for n in range(4)]
    paths = written(tmp_path, at1000=[*items, *(claim(f"p{n}-gpu-abcde", 2 if n else 3) for n in range(4))])
    found = read_history(*paths)
    assert [arrival.pod for arrival in found.workload.arrivals] == ["team/p0", "team/p1", "team/p1", "team/p3"]
    ask = found.workload.ask(found.workload.arrivals[1], 5)
    assert ask.pod is not None
    assert (ask.pod.spec.node_name, ask.pod.metadata.uid, ask.pod.spec.volumes) == ("", "", [])
    (own,) = ask.claims
    assert own.status.allocation is None
    assert own.spec.devices.requests[0].exactly is not None
    assert own.spec.devices.requests[0].exactly.count == 2


def test_claims_that_are_gone_come_from_templates(tmp_path: Path) -> None:
    """The claims of a pod that is done are deleted; its template tells what they were."""
    done = pod("done", "09:00:00", "Succeeded", started="09:00:00", ended="09:01:00", template="four")
    found = read_history(*written(tmp_path, at1000=[done], templates=[template("four", 4)]))
    (own,) = found.workload.ask(found.workload.arrivals[0], 0).claims
    assert own.spec.devices.requests[0].exactly is not None
    assert own.spec.devices.requests[0].exactly.count == 4


def test_common_claims_stay_common(tmp_path: Path) -> None:
    """Pods that name one claim share it, whenever they come."""
    items = [pod(f"p{n}", f"09:00:0{n}", started="09:01:00", claim="common") for n in range(2)]
    found = read_history(*written(tmp_path, at1000=[*items, claim("common", 1)]))
    names = [found.workload.ask(a, n).claims[0].metadata.name for n, a in enumerate(found.workload.arrivals)]
    assert names == ["common", "common"]
    assert found.workload.objects.claims[0].status.allocation is None


def test_scheduling_groups_are_gangs(tmp_path: Path) -> None:
    """Pods of one group in one namespace want all that were seen of it."""
    items = [pod(f"p{n}", f"09:00:0{n}", started="09:01:00", group="g") for n in range(3)]
    found = read_history(*written(tmp_path, at1000=[*items, pod("alone", "09:00:09", started="09:01:00")]))
    assert [(a.group, a.at_least) for a in found.workload.arrivals] == [("team/g", 3)] * 3 + [("", 0)]


def test_the_same_name_twice_is_two_pods(tmp_path: Path) -> None:
    """A pod that was deleted and made again, with more CPU, is another one with a pattern of its own."""
    paths = written(
        tmp_path,
        at1000=[pod("web-0", "09:00:00", started="09:00:00")],
        at1100=[pod("web-0", "10:30:00", started="10:30:00", cpu="8")],
    )
    assert seconds(read_history(*paths)) == [(0, 5400, "team/web-0"), (5400, None, "team/web-0-2")]


def test_times_of_files_without_names(tmp_path: Path) -> None:
    """A file was written no earlier than the latest time in it."""
    first = [pod("gone", "09:00:00", started="09:00:00"), pod("late", "09:59:59", started="10:00:00", cpu="2")]
    paths = written(
        tmp_path, b=[pod("late", "09:59:59", "Succeeded", started="10:00:00", ended="11:00:00", cpu="2")], a=first
    )
    assert seconds(read_history(*paths)) == [(0, 5400, "team/gone"), (3599, 3600, "team/late")]


def listed(folder: Path, name: str, *items: dict[str, Any]) -> Path:
    path = folder / f"{name}:00:00Z.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return path


def test_queries_are_kept_apart(tmp_path: Path) -> None:
    """A pod is gone when it is not in the next file of the same query, whatever others hold; nothing is an answer."""
    a, b = (pod(name, "09:00:00", started="09:00:00", template="t") for name in "ab")
    paths = [
        listed(tmp_path, f"{query}-{DAY}{hour}", *items)
        for query, hour, items in (
            ("one", 10, [a]),
            ("two", 10, [b]),
            ("claims", 10, [claim(f"{name}-gpu-abcde", 1) for name in "ab"]),
            ("one", 11, [a]),
            ("claims", 11, []),
            ("two", 12, []),
        )
    ]
    for order in (paths, paths[::-1]):
        found = read_history(*order)
        assert sorted(duration or 0 for _, duration, _ in seconds(found)) == [0, 2 * 3600]
        assert "1 pods were running at the end: they stay" in found.notes


@pytest.mark.parametrize(
    ("deletion", "end"), [("09:30:00", "10:00:00"), ("10:10:00", "10:10:00"), ("12:00:00", "11:00:00")]
)
def test_pods_that_are_deleted_end_when_they_were_to(tmp_path: Path, deletion: str, end: str) -> None:
    """Not before they were last seen, nor after they were gone."""
    item = pod("p", "09:00:00", started="09:00:00")
    item["metadata"]["deletionTimestamp"] = DAY + deletion
    paths = written(tmp_path, at1000=[item], at1100=[pod("q", "10:30:00", cpu="2")])
    hours, minutes, _ = map(int, end.split(":"))
    assert seconds(read_history(*paths))[0] == (0, (hours - 9) * 3600 + minutes * 60, "team/p")


def test_claims_of_no_pod_are_counted(tmp_path: Path) -> None:
    """Those that were made for a pod that no file holds are not; nor what pods name."""
    made = claim("gone-gpu-x", 1)
    made["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "u"}]
    item = pod("p", "09:00:00", started="09:00:00", claim="named")
    found = read_history(*written(tmp_path, at1000=[item, made, *(claim(name, 1) for name in ("named", "x", "y"))]))
    assert found.notes[-1] == "2 claims were no pod's: they were left out"


def test_claims_of_older_versions_are_read(tmp_path: Path) -> None:
    """As those of v1."""
    old = claim("p-gpu-abcde", 1)
    old["apiVersion"] = "resource.k8s.io/v1beta1"
    (request,) = old["spec"]["devices"]["requests"]
    old["spec"]["devices"]["requests"] = [{"name": "gpu", **request["exactly"]}]
    item = pod("p", "09:00:00", started="09:00:00", template="t")
    new, old_one = (
        read_history(*written(tmp_path, at1000=[item, made])).workload.digest for made in (claim("p-gpu-abcde", 1), old)
    )
    assert new == old_one


def test_pods_of_other_ages_are_refused(tmp_path: Path) -> None:
    """A clock that was wrong would be an arrival that no command reads back."""
    item = pod("p", "09:00:00")
    item["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    with pytest.raises(
        InputError, match="Pod team/p: metadata.creationTimestamp: was created more than ten years before"
    ):
        read_history(*written(tmp_path, at1000=[item, pod("q", "09:00:00", cpu="2")]))


def test_slices_and_nodes_are_the_fleet(tmp_path: Path, root: Path) -> None:
    """Of the latest file that has them, as they are."""
    fleet = api.load(root / "datasets" / "bridged-a100" / "fleet.json.gz")
    path = tmp_path / "fleet.json"
    path.write_text(api.dump(fleet, "json"))
    found = read_history(*written(tmp_path, at1000=[pod("p", "09:00:00", started="09:00:00")]), path)
    assert found.fleet is not None
    assert len(build(found.fleet).nodes) == 12
    assert found.fleet.slices == fleet.slices


BAD: list[tuple[str, list[dict[str, Any]], str, str]] = [
    (
        "no claim",
        [pod("p", "09:00:00", started="09:00:00", claim="c")],
        "spec.resourceClaims[0]",
        "claim 'c' is in no file",
    ),
    (
        "no template",
        [pod("p", "09:00:00", "Succeeded", started="09:00:00", ended="09:00:01", template="t")],
        "spec.resourceClaims[0]",
        "neither claim 'p-gpu-abcde' nor template 't' is in a file; get resourceclaimtemplates too",
    ),
    (
        "starts before",
        [pod("p", "09:00:00", started="08:00:00")],
        "status.startTime",
        "is before metadata.creationTimestamp",
    ),
    (
        "ends before",
        [pod("p", "09:00:00", "Failed", started="09:00:02", ended="09:00:01")],
        "status.containerStatuses",
        "end before status.startTime",
    ),
    ("no time", [pod("p", "09:00:00", started="noon")], "status.startTime", "is not a time like"),
    (
        "a manifest",
        [{k: v if k != "metadata" else {"name": "p", "namespace": "team"} for k, v in pod("p", "09:00:00").items()}],
        "metadata.creationTimestamp",
        "is missing; give what the cluster says",
    ),
]


@pytest.mark.parametrize(("name", "items", "path", "told"), BAD, ids=[row[0] for row in BAD])
def test_what_is_missing_is_told(tmp_path: Path, name: str, items: list[dict[str, Any]], path: str, told: str) -> None:
    """With file, pod and field; a lenient reader leaves the pod out and says so."""
    good = pod("good", "09:30:00", started="09:30:00")
    paths = written(tmp_path, at1000=[*items, good])
    with pytest.raises(InputError) as caught:
        read_history(*paths)
    (fault,) = caught.value.faults
    assert (fault.file, fault.object, fault.path) == (str(paths[0]), "Pod team/p", path)
    assert told in fault.message
    found = read_history(*paths, lenient=True)
    assert [arrival.pod for arrival in found.workload.arrivals] == ["team/good"]
    assert "1 faulty rows were left out" in found.notes[1]


def test_all_faults_come_together(tmp_path: Path) -> None:
    """Of all files, whatever is wrong with each: files that cannot be read, and then pods."""
    broken = [tmp_path / "missing.json", tmp_path / "broken.json"]
    broken[1].write_text("{")
    with pytest.raises(InputError) as caught:
        read_history(*broken, *written(tmp_path, at1000=[pod("p", "09:00:00")]))
    assert {fault.file for fault in caught.value.faults} == {str(path) for path in broken}
    items = [
        {**row[1][0], "metadata": {**row[1][0]["metadata"], "name": f"p{n}", "uid": f"u{n}"}}
        for n, row in enumerate(BAD)
    ]
    with pytest.raises(InputError) as caught:
        read_history(*written(tmp_path, at1000=items))
    assert {fault.object for fault in caught.value.faults} == {f"Pod team/p{n}" for n in range(len(BAD))}


def test_no_pods_are_no_history(tmp_path: Path) -> None:
    """Neither no files nor files of something else."""
    with pytest.raises(InputError, match="no files; give what kubectl printed"):
        read_history()
    with pytest.raises(InputError, match="no file holds pods"):
        read_history(*written(tmp_path, at1000=[claim("c", 1)]))


MOMENTS = st.integers(0, 3599).map(lambda s: f"09:{s // 60:02d}:{s % 60:02d}")


@given(st.lists(st.tuples(MOMENTS, MOMENTS, MOMENTS, st.booleans()), min_size=1, max_size=6))
def test_every_pod_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[str, str, str, bool]]
) -> None:
    """However often it was seen; for as long as it ran if that is known."""
    pods, expected = [], []
    for number, (*moments, done) in enumerate(lives):
        created, started, ended = sorted(moments)
        more = {"ended": ended} if done else {}
        pods.append(pod(f"p{number}", created, "Succeeded" if done else "Running", started=started, **more))
        at = [int(text[3:5]) * 60 + int(text[6:]) for text in (created, started, ended)]
        expected.append((at[0], max(at[2] - at[1], 1) if done else None))
    found = read_history(*written(tmp_path_factory.mktemp("history"), at1000=pods, at1100=pods))
    begin = min(at for at, _ in expected)
    assert sorted((time, duration or -1) for time, duration, _ in seconds(found)) == sorted(
        (at - begin, duration or -1) for at, duration in expected
    )
