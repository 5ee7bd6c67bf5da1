"""Claims of pods from templates, and workloads whose pods are already there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drapolicy import api
from drapolicy.api.expand import MAX_PODS
from drapolicy.errors import InputError

DATA = Path(__file__).parents[1] / "data"
SPEC = {"containers": [{"name": "c"}], "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one"}]}


def obj(version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "team", **more.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}


def template(name: str = "one", **meta: Any) -> dict[str, Any]:
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}
    spec = {"metadata": meta, "spec": {"devices": {"requests": [request]}}}
    return obj("resource.k8s.io/v1", "ResourceClaimTemplate", name, spec=spec)


def pod(name: str = "p", **more: Any) -> dict[str, Any]:
    return obj("v1", "Pod", name, **{"spec": SPEC, **more})


def owner(version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"ownerReferences": [{"apiVersion": version, "kind": kind, "name": name, "controller": True}], **more}


def load(*objects: dict[str, Any], **options: Any) -> api.Objects:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return api.loads(text, **{"validate": False, **options})


def statuses(made: api.Pod) -> list[tuple[str, str | None]]:
    return [(entry.name, entry.resource_claim_name) for entry in made.status.resource_claim_statuses]


def test_a_pod_gets_the_claim_that_the_controller_would_make() -> None:
    """Name, owner, annotation, labels and specification of the claim are those of the resourceclaim controller."""
    objects = load(template(labels={"a": "b"}, annotations={"c": "d"}), pod(metadata={"uid": "u1"}))
    (claim,) = objects.claims
    assert claim.metadata.name.startswith("p-gpu-")
    assert len(claim.metadata.name) == len("p-gpu-") + 5
    assert claim.metadata.generate_name == "p-gpu-"
    assert claim.metadata.namespace == "team"
    assert claim.metadata.labels == {"a": "b"}
    assert claim.metadata.annotations == {"c": "d", "resource.kubernetes.io/pod-claim-name": "gpu"}
    (reference,) = claim.metadata.owner_references
    assert (reference.api_version, reference.kind, reference.name, reference.uid) == ("v1", "Pod", "p", "u1")
    assert reference.controller is True
    assert claim.spec == objects.templates[0].spec.spec
    assert statuses(objects.pods[0]) == [("gpu", claim.metadata.name)]


def test_loading_twice_gives_the_same_names() -> None:
    """Letters in place of random ones depend on the input alone."""
    first, second = (api.load(DATA / "good" / "workloads.yaml") for _ in range(2))
    assert first == second
    assert [pod.metadata.name for pod in first.pods][:2] == ["db-0", "db-1"]
    assert len(first.pods) == 5
    assert len({claim.metadata.name for claim in first.claims}) == 2


def test_what_was_expanded_expands_no_further() -> None:
    """The result of a load can be written and loaded again."""
    objects = api.load(DATA / "good" / "workloads.yaml")
    again = api.loads(api.dump(objects))
    assert list(again) == list(objects)


def test_objects_without_a_name_get_one() -> None:
    """The API server completes ``generateName``; two pods of one beginning get two names, and claims of their own."""
    nameless = pod()
    nameless["metadata"] = {"generateName": "p-", "namespace": "team"}
    objects = load(template(), nameless, nameless)
    names = [made.metadata.name for made in objects.pods]
    assert len(set(names)) == 2
    assert all(name.startswith("p-") and len(name) == len("p-") + 5 for name in names)
    assert [claim.metadata.owner_references[0].name for claim in objects.claims] == names
    assert load(nameless, expand=False).pods[0].metadata.name == ""


def test_an_unknown_template_leaves_the_entry_alone() -> None:
    """Such a pod is not scheduled (K8s S63); that is found where pods are scheduled."""
    other_namespace = template()
    other_namespace["metadata"]["namespace"] = "else"
    objects = load(other_namespace, pod())
    assert (objects.claims, statuses(objects.pods[0])) == ((), [])


def test_no_namespace_is_the_default_namespace() -> None:
    """A pod of ``default`` finds a template that names no namespace."""
    bare = template()
    del bare["metadata"]["namespace"]
    objects = load(bare, pod(metadata={"namespace": "default"}))
    assert len(objects.claims) == 1


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pods_that_have_ended_get_no_claims(phase: str) -> None:
    """The controller makes none for them."""
    assert load(template(), pod(status={"phase": phase})).claims == ()
    assert load(template(), pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})).claims == ()


def test_claims_that_are_there_are_used() -> None:
    """A claim named by the pod's status, or made for the pod before, is not made again."""
    given = {"resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": "mine"}]}
    assert load(template(), pod(status=given)).claims == ()
    meta = owner("v1", "Pod", "p", annotations={"resource.kubernetes.io/pod-claim-name": "gpu"})
    objects = load(template(), pod(), obj("resource.k8s.io/v1", "ResourceClaim", "p-gpu-xyz", metadata=meta))
    assert statuses(objects.pods[0]) == [("gpu", "p-gpu-xyz")]
    assert len(objects.claims) == 1


def test_long_names_of_claims_are_cut_in_proportion() -> None:
    """Both the pod's and the entry's name keep their share of 57 characters."""
    spec = {**SPEC, "resourceClaims": [{"name": "e" * 20, "resourceClaimTemplateName": "one"}]}
    (claim,) = load(template(), pod("p" * 60, spec=spec)).claims
    # 60 + 1 + 20 + 1 = 82 characters; 60 * 57 // 82 = 41 and 20 * 57 // 82 = 13 remain.
    assert claim.metadata.name[:-5] == "p" * 41 + "-" + "e" * 13


def test_names_that_are_taken_are_avoided() -> None:
    """A made claim never gets the name of one in the input."""
    (claim,) = load(template(), pod()).claims
    taken = obj("resource.k8s.io/v1", "ResourceClaim", claim.metadata.name)
    objects = load(template(), taken, pod())
    assert len({item.metadata.name for item in objects.claims}) == 2


def workload(kind: str, name: str, version: str = "apps/v1", **more: Any) -> dict[str, Any]:
    return obj(version, kind, name, spec={"replicas": 2, "template": {"spec": SPEC}}, **more)


@pytest.mark.parametrize(
    ("objects", "names"),
    [
        ([workload("StatefulSet", "s"), pod("s-0", metadata=owner("apps/v1", "StatefulSet", "s"))], ["s-0"]),
        ([workload("StatefulSet", "s"), pod("s-0")], ["s-1", "s-0"]),
        (
            [
                workload("Deployment", "d"),
                workload("ReplicaSet", "d-abc", metadata=owner("apps/v1", "Deployment", "d")),
                pod("d-abc-1", metadata=owner("apps/v1", "ReplicaSet", "d-abc")),
            ],
            ["d-abc-1"],
        ),
        (
            [
                workload("Deployment", "d"),
                pod("d-abc-1", metadata=owner("apps/v1", "ReplicaSet", "d-abc", labels={"pod-template-hash": "abc"})),
            ],
            ["d-abc-1"],
        ),
        (
            [
                obj("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "l", spec={"replicas": 3}),
                pod("l-0", metadata={"labels": {"leaderworkerset.sigs.k8s.io/name": "l"}}),
            ],
            ["l-0"],
        ),
    ],
)
def test_pods_that_are_there_are_not_made_again(objects: list[dict[str, Any]], names: list[str]) -> None:
    """``kubectl get all`` prints workloads, their parts and their pods; each pod counts once."""
    assert [made.metadata.name for made in load(*objects).pods] == names


def test_pods_stand_where_their_workload_stood() -> None:
    """The order is that of the input."""
    made = load(pod("a"), workload("StatefulSet", "s"), pod("b")).pods
    assert [item.metadata.name for item in made] == ["a", "s-0", "s-1", "b"]


def test_without_expansion_workloads_are_skipped() -> None:
    """Then pods keep their entries unresolved."""
    objects = load(template(), pod(), workload("StatefulSet", "s"), expand=False)
    assert (len(objects.pods), len(objects.claims), dict(objects.skipped)) == (1, 0, {"apps/v1/StatefulSet": 1})


def test_a_crowd_of_pods_is_refused() -> None:
    """A slip in the number of replicas does not fill the memory."""
    crowd = workload("StatefulSet", "s")
    crowd["spec"]["replicas"] = MAX_PODS + 1
    with pytest.raises(InputError, match="StatefulSet team/s: spec: the workloads up to this one make 1000001 pods"):
        load(crowd)
