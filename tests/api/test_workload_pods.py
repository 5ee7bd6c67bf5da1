"""Pods of workloads, named as their controllers name them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from drapolicy import api
from drapolicy.api.workload_pods import suffix

LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "command": ["run"]}]}}


def pods(
    version: str, kind: str, spec: dict[str, Any], name: str = "web", *more: dict[str, Any]
) -> tuple[api.Pod, ...]:
    """Return the pods of one workload in the namespace ``team``, with ``more`` objects in the input."""
    workload = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "team"}, "spec": spec}
    return api.loads(json_list(workload, *more), validate=False).pods


def json_list(*objects: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def names(made: tuple[api.Pod, ...]) -> list[str]:
    return [pod.metadata.name for pod in made]


def test_stateful_pods_are_numbered() -> None:
    """A StatefulSet numbers its pods from 0, or from where it is told to begin."""
    assert names(pods("apps/v1", "StatefulSet", {"replicas": 3, "template": TEMPLATE})) == ["web-0", "web-1", "web-2"]
    spec = {"replicas": 2, "ordinals": {"start": 5}, "template": TEMPLATE}
    assert names(pods("apps/v1", "StatefulSet", spec)) == ["web-5", "web-6"]


@pytest.mark.parametrize(
    ("version", "kind", "spec", "patterns"),
    [
        ("apps/v1", "Deployment", {"replicas": 2}, ["web-L{10}-L{5}"] * 2),
        ("apps/v1", "Deployment", {}, ["web-L{10}-L{5}"]),
        ("apps/v1", "Deployment", {"replicas": 0}, []),
        ("apps/v1", "ReplicaSet", {"replicas": 2}, ["web-L{5}"] * 2),
        ("batch/v1", "Job", {}, ["web-L{5}"]),
        ("batch/v1", "Job", {"parallelism": 3}, ["web-L{5}"] * 3),
        ("batch/v1", "Job", {"parallelism": 3, "completions": 2}, ["web-L{5}"] * 2),
        ("batch/v1", "Job", {"parallelism": 2, "completions": 9}, ["web-L{5}"] * 2),
        ("batch/v1", "Job", {"parallelism": 0}, []),
        ("batch/v1", "Job", {"suspend": True}, []),
        (
            "batch/v1",
            "Job",
            {"parallelism": 2, "completions": 2, "completionMode": "Indexed"},
            ["web-0-L{5}", "web-1-L{5}"],
        ),
    ],
)
def test_the_other_controllers_end_names_with_letters(
    version: str, kind: str, spec: dict[str, Any], patterns: list[str]
) -> None:
    """Number and form of the names are the controller's, the letters at the end stand for random ones."""
    found = names(pods(version, kind, {**spec, "template": TEMPLATE}))
    assert len(found) == len(patterns) == len(set(found))
    for name, pattern in zip(found, patterns, strict=True):
        assert re.fullmatch(pattern.replace("L", LETTERS), name)


def test_a_job_set_makes_jobs_of_pods() -> None:
    """A pod is named by JobSet, replicated job, job and index; jobs of a set are indexed unless they say otherwise."""
    spec = {
        "replicatedJobs": [
            {"name": "driver", "template": {"spec": {"template": TEMPLATE}}},
            {
                "name": "workers",
                "replicas": 2,
                "template": {"spec": {"parallelism": 2, "completions": 2, "template": TEMPLATE}},
            },
        ]
    }
    made = pods("jobset.x-k8s.io/v1alpha2", "JobSet", spec)
    assert [name[:-6] for name in names(made)] == [
        "web-driver-0-0",
        "web-workers-0-0",
        "web-workers-0-1",
        "web-workers-1-0",
        "web-workers-1-1",
    ]
    assert made[3].metadata.labels["jobset.sigs.k8s.io/job-index"] == "1"
    assert pods("jobset.x-k8s.io/v1alpha2", "JobSet", {**spec, "suspend": True}) == ()


def test_a_leader_worker_set_makes_groups() -> None:
    """Each group is a leader and its workers, ``size`` pods in all; the leader may have a template of its own."""
    leader = {"spec": {"containers": [{"name": "leader"}]}}
    parts = {"size": 3, "leaderTemplate": leader, "workerTemplate": TEMPLATE}
    made = pods("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {"replicas": 2, "leaderWorkerTemplate": parts})
    assert names(made) == ["web-0", "web-0-1", "web-0-2", "web-1", "web-1-1", "web-1-2"]
    assert [pod.spec.containers[0].name for pod in made] == ["leader", "c", "c"] * 2
    del parts["leaderTemplate"]
    made = pods("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {"leaderWorkerTemplate": parts})
    assert [pod.spec.containers[0].name for pod in made] == ["c", "c", "c"]


def test_daemons_run_on_the_nodes_that_admit_them() -> None:
    """A node is left out for its labels or a taint; the pods are bound to their nodes by name."""

    def node(name: str, labels: dict[str, str], *taints: dict[str, str], **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": list(taints), **spec},
        }

    gpu = {"pool": "gpu", "size": "8"}
    nodes = [
        node("a", gpu),
        node("b", {}),
        node("c", gpu, {"key": "team", "value": "x", "effect": "NoSchedule"}),
        node("d", gpu, {"key": "team", "value": "other", "effect": "NoExecute"}),
        node("e", gpu, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, unschedulable=True),
        node("f", {"pool": "gpu", "size": "4"}),
        node("g", gpu, {"key": "team", "value": "other", "effect": "PreferNoSchedule"}),
    ]
    term = {"matchExpressions": [{"key": "size", "operator": "Gt", "values": ["4"]}]}
    template = {
        "spec": {
            "containers": [{"name": "c"}],
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "team", "value": "x"}],
            "affinity": {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
            },
        }
    }
    made = pods("apps/v1", "DaemonSet", {"template": template}, "web", *nodes)
    bound = []
    for pod in made:
        affinity = pod.spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution
        (requirement,) = affinity.node_selector_terms[0].match_fields
        bound += requirement.values
    assert bound == ["a", "c", "e", "g"]
    assert len(set(names(made))) == 4


def test_pods_carry_owner_labels_and_unmodelled_fields() -> None:
    """A pod has its template's labels, its controller as owner, and the fields of the template that are not modelled."""
    (pod,) = pods("apps/v1", "StatefulSet", {"template": TEMPLATE})
    (owner,) = pod.metadata.owner_references
    assert (owner.kind, owner.name, owner.controller) == ("StatefulSet", "web", True)
    assert pod.metadata.labels == {
        "app": "x",
        "statefulset.kubernetes.io/pod-name": "web-0",
        "apps.kubernetes.io/pod-index": "0",
    }
    assert pod.metadata.namespace == "team"
    assert api.to_builtins(pod)["spec"]["containers"] == [{"name": "c", "command": ["run"]}]


def test_long_names_are_cut_as_the_server_cuts_them() -> None:
    """A generated name has at most 63 characters, five of them letters; an index survives the cut."""
    long = "a" * 60
    (name,) = names(pods("apps/v1", "ReplicaSet", {"template": TEMPLATE}, long))
    assert (len(name), name[:58]) == (63, "a" * 58)
    spec = {"completions": 1, "completionMode": "Indexed", "template": TEMPLATE}
    (name,) = names(pods("batch/v1", "Job", spec, long))
    assert (len(name), name[:58]) == (63, "a" * 55 + "-0-")


def test_letters_never_meet_within_a_workload() -> None:
    """The letters of 10,000 pods of one workload differ, and are the same in every run."""
    made = [suffix("team/web", number) for number in range(10_000)]
    assert len(set(made)) == 10_000
    assert made[:3] == [suffix("team/web", number) for number in range(3)]
    assert all(re.fullmatch(LETTERS + "{5}", letters) for letters in made)
