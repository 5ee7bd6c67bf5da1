"""Any version to v1 and back: nothing is lost, or it is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from drapolicy import api
from drapolicy.api.resource import DeviceTaintRule
from drapolicy.api.versions.served import SERVED
from drapolicy.errors import InputError
from drapolicy.release import MINORS, release
from drapolicy.testing.generate import problem

RULE = """
apiVersion: resource.k8s.io/v1alpha3
kind: DeviceTaintRule
metadata: {name: broken}
spec:
  deviceSelector:
    driver: gpu.example.com
    deviceClassName: gpu.example.com
    selectors: [{cel: {expression: "true"}}]
  taint: {key: example.com/broken, effect: NoSchedule}
"""


def rule_of_1_34() -> DeviceTaintRule:
    (rule,) = api.loads(RULE, release=release("1.34")).taint_rules
    return rule


@pytest.mark.parametrize("version", ["v1", "v1beta2", "v1beta1"])
@pytest.mark.parametrize("seed", range(20))
def test_random_problems_come_back_from_every_version(seed: int, version: str) -> None:
    """Slices, classes and claims, allocated ones among them, mean the same in every version."""
    objects = problem(seed).objects
    things = [*objects.classes, *objects.slices, *objects.claims]
    assert list(api.loads(api.dump(things, version=version), validate=False)) == things


@pytest.mark.parametrize("version", ["v1", "v1beta2", "v1alpha3"])
def test_taint_rules_come_back_from_every_version(version: str) -> None:
    """They have versions of their own."""
    rules = [rule for seed in range(20) for rule in problem(seed).objects.taint_rules]
    assert rules
    for rule in rules:
        assert api.loads(api.dump(rule, version=version)).taint_rules == (rule,)


@pytest.mark.parametrize("minor", MINORS)
def test_one_file_may_mix_versions(minor: str) -> None:
    """A v1 List and the documents beside it have a version each; the same object twice is still refused."""
    (claim,) = problem(1, size="tiny").claims[:1]
    docs = []
    for version in SERVED["ResourceClaim"]:
        doc = api.to_builtins(claim, version)
        doc["metadata"]["name"] = version
        docs.append(doc)
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": docs})
    typed = {"apiVersion": "resource.k8s.io/v1beta1", "kind": "ResourceClaimList"}
    bare = {key: inner for key, inner in docs[2].items() if key not in {"apiVersion", "kind"}}
    bare["metadata"]["name"] = "bare"
    text += "---\n" + yaml.safe_dump({**typed, "items": [bare]})
    found = api.loads(text, release=release(minor)).claims
    assert [made.metadata.name for made in found] == ["v1", "v1beta2", "v1beta1", "bare"]
    assert len({str(made.spec) for made in found}) == 1
    assert {made.api_version for made in found} == {"resource.k8s.io/v1"}
    with pytest.raises(InputError, match="is given twice"):
        api.loads(api.dump(claim) + "---\n" + api.dump(claim, version="v1beta1"))


def test_a_rule_by_class_or_selector_stays_in_its_version() -> None:
    """Kubernetes 1.34 had them; written back they are in v1alpha3, the only version that holds them."""
    rule = rule_of_1_34()
    assert rule.spec.device_selector is not None
    assert rule.spec.device_selector.device_class_name == "gpu.example.com"
    assert api.to_builtins(rule) == yaml.safe_load(RULE)
    assert api.to_builtins(rule, "v1alpha3") == yaml.safe_load(RULE)


@pytest.mark.parametrize("version", ["v1", "v1beta2"])
def test_a_rule_by_class_or_selector_is_refused_elsewhere(version: str) -> None:
    """Both fields are named, with what to do instead."""
    with pytest.raises(InputError) as caught:
        api.dump([rule_of_1_34()], version=version)
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [
        ("DeviceTaintRule broken", "spec.deviceSelector.deviceClassName"),
        ("DeviceTaintRule broken", "spec.deviceSelector.selectors"),
    ]
    assert "name driver, pool or device, or write resource.k8s.io/v1alpha3" in caught.value.faults[0].message


def test_a_version_without_the_kind_is_refused() -> None:
    """Every object of an output is named at once."""
    things = [DeviceTaintRule(metadata=api.ObjectMeta(name=name)) for name in "ab"]
    with pytest.raises(InputError) as caught:
        api.dump([*things, api.ResourcePoolStatusRequest()], version="v1beta1")
    assert [fault.object for fault in caught.value.faults] == [
        "DeviceTaintRule a",
        "DeviceTaintRule b",
        "ResourcePoolStatusRequest",
    ]
    assert caught.value.faults[0].message == (
        "resource.k8s.io/v1beta1 has no DeviceTaintRule; write it in v1, v1beta2, v1alpha3"
    )


@pytest.mark.parametrize("thing", [api.DeviceClass(), api.Node(), api.resource.DeviceClaim()])
def test_unknown_versions_are_refused(thing: Any) -> None:
    """Whatever is written."""
    with pytest.raises(InputError, match=r"'v2' is not a version of resource.k8s.io; use v1, v1beta2"):
        api.to_builtins(thing, "v2")


def test_other_groups_are_written_as_they_are() -> None:
    """Nodes have no version of resource.k8s.io."""
    node = api.Node(metadata=api.ObjectMeta(name="n"))
    assert api.dump(node, version="v1beta1") == api.dump(node)


def test_pool_status_requests_are_read() -> None:
    """They exist in v1alpha3 alone, in Python too."""
    text = """
apiVersion: resource.k8s.io/v1alpha3
kind: ResourcePoolStatusRequest
metadata: {name: ask}
spec: {driver: gpu.example.com, limit: 3}
status:
  poolCount: 1
  pools: [{driver: gpu.example.com, poolName: p, generation: 2, totalDevices: 8, availableDevices: 0}]
"""
    objects = api.loads(text)
    (ask,) = objects.pool_status_requests
    assert ask.status is not None
    assert (ask.spec.limit, ask.status.pools[0].available_devices) == (3, 0)
    assert api.to_builtins(ask) == yaml.safe_load(text)
    with pytest.raises(InputError, match=r"1\.35 serves no ResourcePoolStatusRequest"):
        api.loads(text, release=release("1.35"))
