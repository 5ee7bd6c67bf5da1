"""Asks: what a pod wants, from its spec, its status and the claims that there are."""

from __future__ import annotations

import pytest

from drapolicy import api
from drapolicy.problem.ask import Ask, asks

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}, namespace: default}}
spec: {{devices: {{requests: [{{name: r, exactly: {{deviceClassName: any}}}}]}}}}
status: {status}
---
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default}}
spec: {{containers: [{{name: main, image: x}}], nodeName: {node}, resourceClaims: {claims}}}
status: {{phase: {phase}, resourceClaimStatuses: {statuses}}}
---
"""
HELD = "{allocation: {devices: {results: [{request: r, driver: d, pool: p, device: x}]}}}"


def claim(name: str, status: str = "{}") -> str:
    return CLAIM.format(name=name, status=status)


def pod(name: str, claims: str = "[]", *, node: str = '""', phase: str = "Pending", statuses: str = "[]") -> str:
    return POD.format(name=name, claims=claims, node=node, phase=phase, statuses=statuses)


def found(text: str) -> list[tuple[str, list[str], str]]:
    return [(a.name, [c.metadata.name for c in a.claims], a.blocked) for a in asks(api.loads(text))]


def test_one_ask_a_pod_then_one_a_lone_claim() -> None:
    """Claims come in the order of the pod's spec; a claim used by any pod is not alone; allocated ones do not ask."""
    text = (
        claim("a")
        + claim("b")
        + claim("lone")
        + claim("held", HELD)
        + pod("p", "[{name: one, resourceClaimName: b}, {name: two, resourceClaimName: a}]")
        + pod("plain")
    )
    assert found(text) == [
        ("default/p", ["b", "a"], ""),
        ("default/plain", [], ""),
        ("default/lone", ["lone"], ""),
    ]


@pytest.mark.parametrize("options", [{"node": "here"}, {"phase": "Succeeded"}, {"phase": "Failed"}])
def test_pods_that_are_bound_or_done_do_not_ask(options: dict[str, str]) -> None:
    """Their claims are theirs all the same."""
    assert found(claim("a") + pod("p", "[{name: one, resourceClaimName: a}]", **options)) == []


def test_pods_that_are_being_deleted_do_not_ask() -> None:
    """The scheduler skips them; their claims are theirs all the same."""
    going = pod("p", "[{name: one, resourceClaimName: a}]").replace(
        "{name: p,", '{name: p, deletionTimestamp: "2026-01-01T00:00:00Z",'
    )
    assert found(claim("a") + going) == []


@pytest.mark.parametrize(
    ("text", "blocked"),
    [
        (pod("p", "[{name: one, resourceClaimName: gone}]"), 'resourceclaim "gone" not found'),
        (
            claim("a").replace("{name: a,", '{name: a, deletionTimestamp: "2026-01-01T00:00:00Z",')
            + pod("p", "[{name: one, resourceClaimName: a}]"),
            'resourceclaim "a" is being deleted',
        ),
    ],
)
def test_pods_that_cannot_be_queued_say_why(text: str, blocked: str) -> None:
    """A claim that is missing or being deleted blocks the pod (K8s S63)."""
    assert [ask[2] for ask in found(text)] == [blocked]


def test_names_are_unique() -> None:
    """A lone claim that is called as a pod is told apart."""
    assert found(claim("same") + pod("same")) == [
        ("default/same", [], ""),
        ("default/same (claim)", ["same"], ""),
    ]


def test_one_claim_twice_is_asked_for_once() -> None:
    """A pod may name one claim under two names."""
    text = claim("a") + pod("p", "[{name: one, resourceClaimName: a}, {name: two, resourceClaimName: a}]")
    assert found(text) == [("default/p", ["a"], "")]


def test_entries_that_need_no_claim_are_left_out() -> None:
    """The controller may find that a template makes no claim, and says so in the status."""
    text = pod("p", "[{name: one, resourceClaimTemplateName: t}]", statuses="[{name: one}]")
    assert found(text) == [("default/p", [], "")]


def test_unmet_are_the_claims_without_an_allocation() -> None:
    """In order."""
    claims = api.loads(claim("a") + claim("b") + claim("c")).claims
    assert [c.metadata.name for c in Ask("n", tuple(claims), None, b"").unmet({"default/b": None})] == ["a", "c"]


@pytest.mark.parametrize(
    ("owner", "own"),
    [
        ("{name: p, uid: u, controller: true}", True),
        ("{name: other, uid: u, controller: true}", True),
        ("{name: p, uid: v, controller: true}", False),
        ("{name: p, uid: u}", False),
        ("{name: p, uid: '', controller: true}", True),
        ("{name: other, uid: '', controller: true}", False),
    ],
)
def test_claims_of_templates_must_be_made_for_the_pod(owner: str, own: bool) -> None:
    """A claim that the pod's status names by mistake keeps it from being scheduled, with upstream's text."""
    reference = owner.replace("{", "{apiVersion: v1, kind: Pod, ")
    given = claim("a").replace("{name: a,", f"{{name: a, ownerReferences: [{reference}],") + pod(
        "p",
        "[{name: one, resourceClaimTemplateName: t}]",
        statuses="[{name: one, resourceClaimName: a}]",
    ).replace("{name: p,", "{name: p, uid: u,")
    text = "ResourceClaim default/a was not created for Pod default/p (Pod is not owner)"
    assert found(given) == [("default/p", ["a"] if own else [], "" if own else text)]
