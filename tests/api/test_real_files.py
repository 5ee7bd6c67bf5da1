"""Files written by others, kept beside the checkout: each loads and comes back, or is refused for its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from drapolicy import api
from drapolicy.errors import InputError

# resource.k8s.io v1beta1, v1beta2 and the alpha DeviceTaintRule: to be converted
NOT_YET = {
    "ROCm_k8s-gpu-dra-driver": ["helm-charts-k8s__templates__deviceclass.yaml"],
    "google_dranet": ["examples__demo_gke_multinetwork__resourceclaim.yaml"],
    "issue_excerpts": ["kueue-5149_imex_channel_rct_v1beta1.yaml"],
    "kubernetes-sigs_dra-driver-nvidia-gpu": [
        "demo__specs__quickstart__gpu-test8.yaml",
        "demo__specs__quickstart__v1beta1__gpu-test-mps.yaml",
        "demo__specs__quickstart__v1beta1__gpu-test1.yaml",
        "demo__specs__quickstart__v1beta1__imex-test1.yaml",
    ],
    "kubernetes-sigs_dra-example-driver": [
        "demo__examples__device-taints-tolerations__device-taint-configurable-pod-eviction-time__2-device-taint-rule.yaml"
    ],
    "kubernetes-sigs_kwok": [
        "site__content__en__docs__examples__dra__L19.yaml",
        "site__content__en__docs__examples__dra__L87.yaml",
    ],
    "kubernetes_api_testdata/v1.33.0": [
        "resource.k8s.io.v1alpha3.DeviceTaintRule.yaml",
        "resource.k8s.io.v1beta1.DeviceClass.yaml",
        "resource.k8s.io.v1beta1.ResourceClaim.yaml",
        "resource.k8s.io.v1beta1.ResourceClaimTemplate.yaml",
        "resource.k8s.io.v1beta1.ResourceSlice.yaml",
        "resource.k8s.io.v1beta2.DeviceClass.yaml",
        "resource.k8s.io.v1beta2.ResourceClaim.yaml",
        "resource.k8s.io.v1beta2.ResourceClaimTemplate.yaml",
        "resource.k8s.io.v1beta2.ResourceSlice.yaml",
    ],
    "kubernetes_api_testdata/v1.34.0": [
        "resource.k8s.io.v1beta1.ResourceClaim.yaml",
        "resource.k8s.io.v1beta1.ResourceSlice.yaml",
        "resource.k8s.io.v1beta2.ResourceClaim.yaml",
        "resource.k8s.io.v1beta2.ResourceSlice.yaml",
    ],
    "kubernetes_api_testdata/v1.36.0": [
        "resource.k8s.io.v1beta1.ResourceSlice.after_roundtrip.yaml",
        "resource.k8s.io.v1beta1.ResourceSlice.yaml",
    ],
    "kubernetes_api_testdata/v1.37.2": [
        "resource.k8s.io.v1alpha3.DeviceTaintRule.yaml",
        "resource.k8s.io.v1beta1.DeviceClass.yaml",
        "resource.k8s.io.v1beta1.ResourceClaim.yaml",
        "resource.k8s.io.v1beta1.ResourceClaimTemplate.yaml",
        "resource.k8s.io.v1beta2.DeviceTaintRule.yaml",
        "resource.k8s.io.v1beta2.ResourceClaim.yaml",
        "resource.k8s.io.v1beta2.ResourceClaimTemplate.yaml",
        "resource.k8s.io.v1beta2.ResourceSlice.yaml",
    ],
    "kubernetes_enhancements": [
        "keps__sig-auth__5018-dra-adminaccess__README__L160.yaml",
        "keps__sig-node__4381-dra-structured-parameters__README__L316.yaml",
        "keps__sig-node__4381-dra-structured-parameters__README__L356.yaml",
        "keps__sig-scheduling__4816-dra-prioritized-list__README__L716.yaml",
        "keps__sig-scheduling__4816-dra-prioritized-list__README__L732.yaml",
        "keps__sig-scheduling__5004-dra-extended-resource__README__L142.yaml",
    ],
    "kubernetes_website": ["deviceclass.yaml"],
    "run-ai_fake-gpu-operator": ["test__e2e__mock__fixtures__manifests__nvidia-smi-resourceclaim-pod.yaml"],
}
# v1alpha1, v1alpha2, and v1alpha3 of what has a v1beta1
OBSOLETE = {
    "issue_excerpts": ["k8s-126346_v1alpha2_toplevel_slice_OBSOLETE.yaml"],
    "kubernetes-sigs_dra-driver-nvidia-gpu": [
        "demo__specs__mig+mps__sharing-demo-claims-1.yaml",
        "demo__specs__mig+mps__sharing-demo-claims.yaml",
        "demo__specs__quickstart__v1beta1__gpu-test-vfiopci.yaml",
    ],
    "kubernetes-sigs_wg-device-management": [
        "dra-evolution__testdata__classes.yaml",
        "dra-evolution__testdata__pod-one-container-one-gpu.yaml",
        "dra-evolution__testdata__pod-one-container-shared-split-allocation-gpus.yaml",
        "dra-evolution__testdata__pod-one-container-two-gpus-0.yaml",
        "dra-evolution__testdata__pod-one-container-two-gpus-1.yaml",
        "dra-evolution__testdata__pod-one-container-two-gpus-2.yaml",
        "dra-evolution__testdata__pod-two-containers-two-gpus-1.yaml",
        "dra-evolution__testdata__pod-two-containers-two-gpus-2.yaml",
        "dra-evolution__testdata__two-pods-one-gpu-1.yaml",
        "k8srm-prototype__README__L53.yaml",
    ],
    "kubernetes_api_testdata/v1.33.0": ["resource.k8s.io.v1alpha3.ResourceClaimTemplate.yaml"],
}
# Go templates, by the fault or by what their actions do to the syntax
TEMPLATE = {
    "kubernetes_scheduler_perf": [
        "dra__templates__deviceclass-extended-resource.yaml",
        "dra__templates__node-with-dra-test-driver.yaml",
        "dra__templates__pod-in-podgroup-with-claim-ref.yaml",
        "dra__templates__pod-in-podgroup-with-claim-template.yaml",
        "dra__templates__pod-with-extended-resource-scoring.yaml",
        "dra__templates__resourceclaim-partitionable.yaml",
        "dra__templates__resourceclaimtemplate.yaml",
        "dra__templates__resourceslice-basic-devices.yaml",
        "dra__templates__resourceslice-compatibilitygroups-devices.yaml",
        "dra__templates__resourceslice-consumablecapacity.yaml",
        "dra__templates__resourceslice-partitionable-backtracking-devices.yaml",
        "dra__templates__resourceslice-partitionable-countersets.yaml",
        "dra__templates__resourceslice-partitionable-devices.yaml",
        "dra__templates__resourceslice-podgroup.yaml",
        "podgroup__basicscheduling__templates__basic-pod.yaml",
        "podgroup__gangscheduling__templates__podgroup.yaml",
        "podgroup__tas__templates__node.yaml",
        "workload_preemption__templates__podgroup.yaml",
    ],
}
# Broken, with the path of one fault: unknown fields, documents that are no objects, values cut out by an editor.
BROKEN = {
    "GoogleCloudPlatform_container-engine-accelerators": {
        "gpudirect-rdma__nccl-test-a4x-max-jobset.yaml": "spec.replicatedJobs[0].template.spec.parallelism",
        "gpudirect-rdma__nccl-test-managed-rdma.yaml": "spec.containers[0].resources",
    },
    "intel_intel-resource-drivers-for-kubernetes": {
        "deployments__gpu__examples__pod-inline-aligned-gpus.yaml": "apiVersion",
        "doc__gaudi__USAGE__L303.yaml": "spec.devices.requests[0].deviceClassName",
    },
    "kubernetes-sigs_dra-driver-nvidia-gpu": {
        "site__content__docs__guides__gpu-allocation__view-resources__L59.yaml": "spec.devices[0]"
    },
    "kubernetes-sigs_dranet": {"site__content__docs__user__mpi-operator__L45.yaml": "spec.spec.config"},
    "kubernetes_api_testdata/v1.36.0": {
        "resource.k8s.io.v1.ResourceSlice.yaml": "spec.devices[0].nodeAllocatableResourceMappings"
    },
    "kubernetes_enhancements": {
        "keps__sig-scheduling__4815-dra-partitionable-devices__README__L194.yaml": "spec.spec",
        "keps__sig-scheduling__5491-dra-list-types-for-attributes__README__L372.yaml": "spec.requests",
        "keps__sig-scheduling__5517-dra-node-allocatable-resources__README__L1962.yaml": 'spec.devices[0].attributes["dra.example.com/type"]',
        "keps__sig-scheduling__5941-dra-shared-consumable-capacity__README__L183.yaml": 'spec.sharedCounters[0].counters["bandwidth"].requestPolicy',
    },
    "kubernetes_scheduler_perf": {
        "dra__compatibilitygroups__performance-config.yaml": "",
        "dra__devicetaints__performance-config.yaml": "",
        "dra__extendedresource__performance-config.yaml": "",
        "dra__extendedresource__scoring__performance-config.yaml": "",
        "dra__listattributes__performance-config.yaml": "",
        "dra__partitionabledevices__performance-config.yaml": "",
        "dra__performance-config.yaml": "",
        "dra__prioritizedlist__performance-config.yaml": "",
        "dra__templates__another-resourceclaimtemplate.yaml": "spec.spec.controller",
        "dra__workloadresourceclaims__performance-config.yaml": "",
        "podgroup__tas__performance-config.yaml": "",
    },
    "volcano-sh_volcano": {"docs__user-guide__how_to_use_dra_quota__L198.yaml": "spec.shareable"},
}

# Readable, but refused by the API server's rules: excerpts with parts left out, and the API's own test data.
INVALID = {
    "ai-on-gke_website/site__content__docs__tutorials__dynamic-resource-allocation__gpu-nic-cpu-alignment__index__L165.yaml": "metadata.name",
    "issue_excerpts/dra-driver-cpu-114_list_pcieroot_slices.yaml": "spec.pool.name",
    "kubernetes_api_testdata/v1.34.0/resource.k8s.io.v1.ResourceClaimTemplate.yaml": "metadata.name",
    "kubernetes_api_testdata/v1.34.0/resource.k8s.io.v1.ResourceSlice.yaml": "metadata.namespace",
    "kubernetes_api_testdata/v1.37.2/resource.k8s.io.v1.DeviceClass.yaml": "spec.extendedResourceName",
    "kubernetes_api_testdata/v1.37.2/resource.k8s.io.v1.ResourceClaimTemplate.yaml": "spec.metadata.name",
    "kubernetes_api_testdata/v1.37.2/resource.k8s.io.v1.ResourceSlice.yaml": "metadata.namespace",
    "kubernetes_enhancements/keps__sig-scheduling__4815-dra-partitionable-devices__README__L681.yaml": "spec",
    "kubernetes_enhancements/keps__sig-scheduling__5963-device-compatibility-groups__README__L315.yaml": "spec",
    "kubernetes_enhancements/keps__sig-scheduling__5963-device-compatibility-groups__README__L418.yaml": "spec",
    "kubernetes_enhancements/keps__sig-scheduling__6080-dra-derived-attributes__README__L168.yaml": "spec.devices.constraints[0].matchAttribute",
}

REASONS = {"not supported yet": NOT_YET, "is obsolete": OBSOLETE, "template": TEMPLATE}


def listed(table: dict[str, list[str]] | dict[str, dict[str, str]]) -> set[str]:
    """Return the paths of a table."""
    return {f"{folder}/{name}" for folder, names in table.items() for name in names}


REFUSED = {path: reason for reason, table in REASONS.items() for path in listed(table)}
BROKEN_PATHS = {f"{folder}/{name}": path for folder, names in BROKEN.items() for name, path in names.items()}


def files(real: Path) -> dict[str, Path]:
    """Return every readable file, by its path in the folder."""
    return {
        path.relative_to(real).as_posix(): path for path in sorted(real.rglob("*")) if path.suffix in {".yaml", ".json"}
    }


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    """The folder of real inputs."""
    return shared / "real"


def test_the_tables_name_files_that_exist(real: Path) -> None:
    """A row without a file tests nothing."""
    assert set(REFUSED) | set(BROKEN_PATHS) | set(INVALID) <= set(files(real))


def test_every_other_file_loads_and_comes_back(real: Path) -> None:
    """What is read, defaults and generated pods and claims included, is read again from what is written."""
    good = {name: path for name, path in files(real).items() if name not in REFUSED and name not in BROKEN_PATHS}
    assert len(good) > 200
    for name, path in good.items():
        valid = name not in INVALID
        objects = api.load(path, validate=valid)
        for form in ("yaml", "json"):
            back = api.loads(api.dump(objects, form), validate=valid)
            assert list(back) == list(objects), (name, form)


@pytest.mark.parametrize("reason", REASONS)
def test_old_versions_and_templates_are_refused_for_what_they_are(real: Path, reason: str) -> None:
    """The fault says which it is, so that the user knows what to do."""
    for name in listed(REASONS[reason]):
        with pytest.raises(InputError) as caught:
            api.load(real / name, validate=False)
        assert any(reason in fault.message for fault in caught.value.faults), name


def test_broken_files_are_refused_at_the_broken_field(real: Path) -> None:
    """One fault of each is known."""
    for name, field in BROKEN_PATHS.items():
        with pytest.raises(InputError) as caught:
            api.load(real / name, validate=False)
        assert field in [fault.path for fault in caught.value.faults], name


def test_invalid_files_are_refused_at_the_invalid_field(real: Path) -> None:
    """Validation lists the faults of what can be read; one of each is known."""
    for name, field in INVALID.items():
        with pytest.raises(InputError) as caught:
            api.load(real / name)
        assert field in [fault.path for fault in caught.value.faults], name


def test_every_field_of_the_api_is_read(real: Path) -> None:
    """The API's own test data fills every field once; nothing of it is lost on the way through the structs."""
    found = sorted((real / "kubernetes_api_testdata" / "v1.37.2").glob("resource.k8s.io.v1.*"))
    filled = [path for path in found if path.suffix in {".yaml", ".json"}]
    assert filled
    for path in filled:
        (made,) = api.load(path, validate=False, defaults=False)
        written = yaml.safe_load(path.read_text())
        assert normal(api.to_builtins(made)) == normal(written), path.name


def normal(value: object) -> object:
    """Return a plain value with times as text, as the reader keeps them, and without what says no more than nothing."""
    if isinstance(value, dict):
        return {key: normal(inner) for key, inner in value.items() if inner not in (0, "", None, {}, [])}
    if isinstance(value, list):
        return [normal(inner) for inner in value]
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def test_the_aws_pair_holds_its_devices(real: Path) -> None:
    """The slices of a p4d node: eight GPUs, and seven network devices of which four have RDMA."""
    folder = real / "kubernetes-sigs_dranet"
    names = (
        "examples__aws_eks_examples__gpu-efa__resourceslice-gpu.yaml",
        "examples__aws_eks_examples__gpu-efa__resourceslice-dranet.yaml",
    )
    gpu, net = api.load(*(folder / name for name in names), validate=False).slices
    assert len(gpu.spec.devices) == 8
    assert len(net.spec.devices) == 7
    rdma = [device for device in net.spec.devices if device.attributes["dra.net/rdma"].bool_value]
    assert len(rdma) == 4
