"""What the JSON-lines protocol answers, line by line."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from drapolicy.cli.jsonl import Options, run
from drapolicy.errors import UnsupportedFeatureError
from drapolicy.problem.outcome import NoFit
from drapolicy.release import release

CLASSES = [{"metadata": {"name": "any"}}]
ON = {"ConsumableCapacity": True, "PartitionableDevices": True}
REPLACED = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def slices(*names: str, node: str = "n1") -> list[dict[str, Any]]:
    devices = [
        {"name": name, "allowMultipleAllocations": True, "capacity": {"mem": {"value": "4Gi"}}} for name in names
    ]
    pool = {"name": node, "generation": 1, "resourceSliceCount": 1}
    return [{"metadata": {"name": node}, "spec": {"driver": "x", "pool": pool, "nodeName": node, "devices": devices}}]


def claim(count: int = 1, **spec: Any) -> dict[str, Any]:
    exactly = {"deviceClassName": "any", "allocationMode": "ExactCount", "count": count, **spec}
    return {"metadata": {"name": "c"}, "spec": {"devices": {"requests": [{"name": "r", "exactly": exactly}]}}}


def problem(**changes: Any) -> dict[str, Any]:
    node = {"metadata": {"name": "n1"}}
    return {
        "features": ON,
        "classes": CLASSES,
        "slices": slices("a"),
        "claims": [claim()],
        "node": node,
        **changes,
    }


def ask(*lines: dict[str, Any] | str, **options: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    run(io.StringIO(text), out, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def without_node(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in problem(**changes).items() if key != "node"}


def test_a_fit_tells_one_result_per_claim() -> None:
    """With the name of the line, the variant and the steps taken; share ids are replaced."""
    (answer,) = ask(problem(name="one"))
    device = {"request": "r", "driver": "x", "pool": "n1", "device": "a"}
    device |= {"shareID": REPLACED, "consumedCapacity": {"mem": "4Gi"}}
    selector = {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}
    assert answer == {
        "name": "one",
        "variant": "incubating",
        "fit": True,
        "results": [{"devices": {"results": [device]}, "nodeSelector": selector}],
        "allocateOne": 4,
    }


def test_share_ids_can_be_kept() -> None:
    """As made."""
    (answer,) = ask(problem(), options=Options(keep_share_ids=True))
    assert answer["results"][0]["devices"]["results"][0]["shareID"] != REPLACED


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"claims": [claim(2)]}, None),
        ({"claims": [claim(33)]}, "fatal"),
        ({"slices": slices("a", "a")}, "node"),
        ({"features": {"ListTypeAttributes": True}, "variant": "incubating"}, "new"),
        ({"features": {"NoSuchFeature": True}}, "input"),
        ({"variant": "stable"}, "new"),
        ({"variant": "future"}, "input"),
        ({"unknown": 1}, "input"),
        ({"slices": [{"spec": {"unknown": 1}}]}, "input"),
        ({"slices": [{"spec": {"devices": "none"}}]}, "input"),
        ({"slices": [{"spec": {"devices": [{"capacity": {"mem": {"value": "4 GB"}}}]}}]}, "input"),
        ({"slices": [{"kind": "ResourceClaim"}]}, "input"),
        ({"claims": [claim(-1)]}, "input"),
        ({"claims": 5}, "input"),
        ({"allocated": 5}, "input"),
        ({"allocated": {"unknown": []}}, "input"),
        ({"allocated": {"devices": [{"driver": 1}]}}, "input"),
        ({"features": []}, "input"),
        ({"node": "n1"}, "input"),
        ({"timeoutMs": "1s"}, "input"),
        ({"nodes": [], "repeat": "x"}, "input"),
    ],
)
def test_what_does_not_fit_has_a_kind(changes: dict[str, Any], kind: str | None) -> None:
    """No fit has none; faults of the line are told, and never end the run."""
    answer, following = ask(problem(**changes), problem())
    assert answer["fit"] is False
    assert answer.get("errorKind") == kind
    assert bool(answer.get("error")) is (kind is not None)
    assert following["fit"] is True


def test_features_of_a_line_win_over_the_releases() -> None:
    """Without any named, the release's default gates hold."""
    bare = {key: value for key, value in problem().items() if key != "features"}
    shared = [ask(line)[0]["results"][0]["devices"]["results"][0] for line in (bare, problem(features={}))]
    assert ["shareID" in device for device in shared] == [True, False]
    with pytest.raises(UnsupportedFeatureError):
        ask(problem(), kubernetes=release("1.30"))


def test_a_forced_variant_decides() -> None:
    """The stable one takes a distinct attribute for an unknown constraint, and goes by sequences, not sets."""
    plain = problem(features={}, slices=slices("a", "b"), claims=[claim(3)])
    steps = [answer["allocateOne"] for answer in ask(plain, {**plain, "variant": "incubating"})]
    assert steps == [5, 4]


def test_fields_that_a_release_lacks_are_refused() -> None:
    """As upstream's program of that release does, which does not know them."""
    derived = [{"name": "x/a", "expression": "1"}]
    line = problem(claims=[claim(derivedAttributes=derived)])
    (answer,) = ask(line, kubernetes=release("1.36"))
    assert (answer["errorKind"], answer["error"]) == (
        "input",
        (
            "claims[0].spec.devices.requests[0].exactly.derivedAttributes: "
            "unknown field 'derivedAttributes' in Kubernetes 1.36; remove it or use 1.37"
        ),
    )


def test_nulls_are_absent_fields_except_in_opaque_parameters() -> None:
    """As Kubernetes reads JSON."""
    parameters = {"a": None}
    wish = claim()
    wish["metadata"]["creationTimestamp"] = None
    wish["spec"]["devices"]["constraints"] = None
    wish["spec"]["devices"]["config"] = [{"requests": None, "opaque": {"driver": "x", "parameters": parameters}}]
    (answer,) = ask(problem(claims=[wish], variant=None))
    assert answer["results"][0]["devices"]["config"] == [
        {"source": "FromClaim", "opaque": {"driver": "x", "parameters": parameters}}
    ]


def test_what_is_allocated_comes_as_devices_shares_or_claims() -> None:
    """Whole devices, shares with what they consume, and claims as the scheduler reads them."""
    device = {"driver": "x", "pool": "n1", "device": "a"}
    share = {**device, "request": "r", "shareID": "s", "consumedCapacity": {"mem": "1Gi"}}
    held = {"metadata": {"name": "h"}, "status": {"allocation": {"devices": {"results": [share]}}}}
    by_hand = {
        "sharedDevices": [{**device, "shareID": "s"}],
        "consumedCapacity": [{**device, "capacity": {"mem": "1Gi"}}],
    }
    taken: list[dict[str, Any]] = [{}, {"devices": [device]}, by_hand, {"claims": [held]}]
    assert [answer["fit"] for answer in ask(*(problem(allocated=told) for told in taken))] == [
        True,
        False,
        False,
        False,
    ]
    small = [claim(capacity={"requests": {"mem": "3Gi"}})]
    given = ask(*(problem(allocated=told, claims=small) for told in taken))
    assert [answer["fit"] for answer in given] == [True, False, True, True]


def test_loop_mode_scans_nodes() -> None:
    """Outcome per node, fits, nodes scanned, steps over all scans; a scan stops after enough fits."""
    nodes = [{"metadata": {"name": name}} for name in ("n0", "n1", "n2")]
    line = without_node(slices=slices("a") + slices("b", node="n2"))
    (answer,) = ask({**line, "nodes": nodes})
    assert [entry["fit"] for entry in answer["nodes"]] == [False, True, True]
    assert (answer["fit"], answer["fits"], answer["scanned"], answer["allocateOne"]) == (True, 2, 3, 9)
    assert answer["timing"]
    (answer,) = ask({**line, "nodes": nodes, "stopAfter": 1, "repeat": 3}, options=Options(node_outcomes=False))
    assert (answer["fits"], answer["scanned"], answer["allocateOne"]) == (1, 2, 15)
    assert "nodes" not in answer


def test_reuse_takes_what_is_absent_from_the_line_before() -> None:
    """Classes, slices, nodes and what is allocated; never without asking for it."""
    again = {"features": ON, "claims": [claim()], "reuse": True}
    taken = {"devices": [{"driver": "x", "pool": "n1", "device": "a"}]}
    first, second, third, fourth = ask(
        {**without_node(), "nodes": [{"metadata": {"name": "n1"}}]},
        again,
        {**again, "allocated": taken},
        {**again, "reuse": False},
    )
    assert [first["fits"], second["fits"], third["fits"]] == [1, 1, 0]
    assert fourth["errorKind"] == "fatal"


def test_a_time_limit_is_kept() -> None:
    """Told as its own kind."""
    hard = problem(slices=slices(*(f"d{i:02}" for i in range(40))), claims=[claim(16)], timeoutMs=30)
    for i, device in enumerate(hard["slices"][0]["spec"]["devices"]):
        device["attributes"] = {"k": {"int": i % 15}}
    hard["claims"][0]["spec"]["devices"]["constraints"] = [{"distinctAttribute": "x/k"}]
    (answer,) = ask(hard)
    assert answer["errorKind"] == "timeout"
    assert answer["error"] == "filter operation aborted: context deadline exceeded"


def test_a_policy_decides_instead_of_first_fit() -> None:
    """It gets the case, node, claims and time limit in seconds."""
    seen: list[Any] = []

    def refuse(*arguments: Any) -> NoFit:
        seen.append(arguments[3])
        return NoFit()

    (answer,) = ask(problem(timeoutMs=1500), policy=refuse)
    assert answer["fit"] is False
    assert seen == [1.5]
