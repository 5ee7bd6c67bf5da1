"""What becomes of a document, by version and kind."""

from __future__ import annotations

import pytest

from drapolicy.api.kinds import Verdict, label, list_item_kind, verdict
from drapolicy.release import MINORS


@pytest.mark.parametrize(
    ("api_version", "kind", "expected", "message"),
    [
        ("resource.k8s.io/v1", "ResourceSlice", Verdict.READ, ""),
        ("resource.k8s.io/v1", "DeviceTaintRule", Verdict.READ, ""),
        ("v1", "Pod", Verdict.READ, ""),
        ("apps/v1", "Deployment", Verdict.WORKLOAD, ""),
        ("jobset.x-k8s.io/v1alpha2", "JobSet", Verdict.WORKLOAD, ""),
        ("v1", "List", Verdict.LIST, ""),
        ("v1", "NodeList", Verdict.LIST, ""),
        ("resource.k8s.io/v1beta1", "ResourceClaimList", Verdict.LIST, ""),
        ("resource.k8s.io/v1", "ResourcePoolStatusRequest", Verdict.REFUSED, "write it in v1alpha3"),
        ("resource.k8s.io/v1alpha3", "ResourcePoolStatusRequest", Verdict.READ, ""),
        ("resource.k8s.io/v1alpha3", "ResourcePoolStatusRequestList", Verdict.LIST, ""),
        ("resource.k8s.io/v1beta1", "PodSchedulingContext", Verdict.SKIPPED, ""),
        ("resource.k8s.io/v1beta1", "resourceclaim", Verdict.REFUSED, "write ResourceClaim"),
        ("resource.k8s.io/v1", "DeviceClasses", Verdict.REFUSED, "write DeviceClass"),
        ("example.com/v1", "ResourceSlice", Verdict.SKIPPED, ""),
        ("example.com/v1", "Pod", Verdict.SKIPPED, ""),
        ("example.com/v1", "List", Verdict.SKIPPED, ""),
        ("extensions/v1beta1", "Deployment", Verdict.SKIPPED, ""),
        ("batch/v1", "CronJob", Verdict.SKIPPED, ""),
        ("v2", "Pod", Verdict.SKIPPED, ""),
        ("resource.k8s.io/v1beta1", "ResourceClaim", Verdict.READ, ""),
        ("resource.k8s.io/v1beta2", "DeviceTaintRule", Verdict.READ, ""),
        ("resource.k8s.io/v1alpha3", "DeviceTaintRule", Verdict.READ, ""),
        ("resource.k8s.io/v1beta1", "DeviceTaintRule", Verdict.REFUSED, "write it in v1, v1beta2 or v1alpha3"),
        ("resource.k8s.io/v1alpha3", "ResourceClaim", Verdict.REFUSED, "obsolete"),
        ("resource.k8s.io/v1alpha3", "ResourceSlice", Verdict.REFUSED, "obsolete"),
        ("resource.k8s.io/v1alpha2", "ResourceClass", Verdict.REFUSED, "obsolete"),
        ("resource.k8s.io/v1alpha1", "ResourceClaimTemplate", Verdict.REFUSED, "obsolete"),
        ("resource.k8s.io/v3", "ResourceClaim", Verdict.REFUSED, "is not a version of"),
        ("resource.k8s.io", "ResourceClaim", Verdict.REFUSED, "is not a version of"),
        ("resource.k8s.io/", "ResourceClaim", Verdict.REFUSED, "is not a version of"),
        ("resource.k8s.io/v1/x", "ResourceClaim", Verdict.REFUSED, "is not a version of"),
    ],
)
def test_verdicts(api_version: str, kind: str, expected: Verdict, message: str) -> None:
    """Group and version decide; other groups are never mistaken, old versions are refused by name."""
    found, text = verdict(api_version, kind)
    assert found is expected
    assert message in text
    assert bool(text) == (expected is Verdict.REFUSED)


@pytest.mark.parametrize(
    ("version", "kind", "minors"),
    [
        ("v1", "ResourceSlice", ["1.34", "1.35", "1.36", "1.37"]),
        ("v1beta2", "DeviceClass", ["1.34", "1.35", "1.36", "1.37"]),
        ("v1beta1", "ResourceClaimTemplate", ["1.34", "1.35", "1.36", "1.37"]),
        ("v1", "DeviceTaintRule", ["1.37"]),
        ("v1beta2", "DeviceTaintRule", ["1.36", "1.37"]),
        ("v1alpha3", "DeviceTaintRule", ["1.34", "1.35", "1.36", "1.37"]),
        ("v1alpha3", "ResourcePoolStatusRequest", ["1.36", "1.37"]),
        ("v1alpha3", "ResourceClaim", []),
        ("v1beta1", "DeviceTaintRule", []),
    ],
)
def test_releases_serve_some_versions_of_a_kind(version: str, kind: str, minors: list[str]) -> None:
    """Others are refused."""
    found = [minor for minor in MINORS if verdict(f"resource.k8s.io/{version}", kind, minor)[0] is Verdict.READ]
    assert found == minors


@pytest.mark.parametrize(
    ("api_version", "kind", "item"),
    [
        ("v1", "List", ""),
        ("v1", "PodList", "Pod"),
        ("apps/v1", "DeploymentList", "Deployment"),
        ("resource.k8s.io/v1alpha3", "ResourceSliceList", "ResourceSlice"),
        ("resource.k8s.io/v1", "Pod", None),
        ("v1", "ServiceList", None),
    ],
)
def test_lists_know_the_kind_of_their_items(api_version: str, kind: str, item: str | None) -> None:
    """A typed list is the item's kind and ``List``."""
    assert list_item_kind(api_version, kind) == item


def test_labels_name_namespaced_objects_with_their_namespace() -> None:
    """Faults show the namespace that kubectl would use."""
    assert label("ResourceClaim", "team", "a") == "ResourceClaim team/a"
    assert label("ResourceClaim", "", "a") == "ResourceClaim default/a"
    assert label("ResourceSlice", "ignored", "a") == "ResourceSlice a"
    assert label("Pod", "team", "") == "Pod"
