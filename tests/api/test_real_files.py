"""Files written by others, kept beside the checkout: each loads and comes back, or is refused for its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from drapolicy import api
from drapolicy.api.versions.served import SERVED
from drapolicy.errors import InputError
from drapolicy.release import MINORS, release

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
    "kubernetes_enhancements": {
        "keps__sig-scheduling__4815-dra-partitionable-devices__README__L194.yaml": "spec.spec",
        "keps__sig-scheduling__4816-dra-prioritized-list__README__L732.yaml": "spec.devices.constraints[0].matchAttribute",
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

# Readable in some releases alone: the field at which each of MINORS refuses it, empty where it does not.
LIST_ATTRIBUTE = 'spec.devices[0].attributes["resource.kubernetes.io/pcieRoot"].strings'
LISTS = (LIST_ATTRIBUTE, LIST_ATTRIBUTE, "", "")
FILLED_LIST = 'spec.devices[0].attributes["attributesKey"].bools'
FILLED_BASIC_LIST = 'spec.devices[0].basic.attributes["attributesKey"].bools'
MAPPINGS = "nodeAllocatableResourceMappings"
SINCE_1_36 = ("apiVersion", "apiVersion", "", "")
SINCE_1_37 = ("apiVersion", "apiVersion", "apiVersion", "")
BY_RELEASE = {
    "issue_excerpts": {"dra-driver-cpu-114_list_pcieroot_slices.yaml": LISTS},
    "kubernetes-sigs_dra-driver-cpu": {"docs__user__device-attributes__L83.yaml": LISTS},
    "kubernetes-sigs_dra-example-driver": {
        "demo__examples__device-taints-tolerations__device-taint-configurable-pod-eviction-time__2-device-taint-rule.yaml": SINCE_1_36
    },
    "kubernetes_api_testdata/v1.33.0": {
        "resource.k8s.io.v1alpha3.DeviceTaintRule.yaml": ("", *3 * ("spec.deviceSelector.deviceClassName",))
    },
    "kubernetes_api_testdata/v1.36.0": {
        "resource.k8s.io.v1.ResourceSlice.yaml": (FILLED_LIST, FILLED_LIST, "", f"spec.devices[0].{MAPPINGS}"),
        "resource.k8s.io.v1alpha3.ResourcePoolStatusRequest.yaml": SINCE_1_36,
        "resource.k8s.io.v1beta1.ResourceSlice.after_roundtrip.yaml": (FILLED_BASIC_LIST, FILLED_BASIC_LIST, "", ""),
        "resource.k8s.io.v1beta1.ResourceSlice.yaml": (
            FILLED_BASIC_LIST,
            FILLED_BASIC_LIST,
            "",
            f"spec.devices[0].basic.{MAPPINGS}",
        ),
    },
    "kubernetes_api_testdata/v1.37.2": {
        "resource.k8s.io.v1.ResourceClaimTemplate.yaml": (
            *3 * ("spec.spec.devices.requests[0].exactly.derivedAttributes",),
            "",
        ),
        "resource.k8s.io.v1.ResourceSlice.yaml": (*3 * ("spec.skipNodeOperations",), ""),
        "resource.k8s.io.v1alpha3.DeviceTaintRule.yaml": ("status", "", "", ""),
        "resource.k8s.io.v1alpha3.ResourcePoolStatusRequest.yaml": (
            "apiVersion",
            "apiVersion",
            "spec.defaultPartitionTypeAttribute",
            "",
        ),
        "resource.k8s.io.v1beta1.ResourceClaim.yaml": (*3 * ("spec.devices.requests[0].derivedAttributes",), ""),
        "resource.k8s.io.v1beta1.ResourceClaimTemplate.yaml": (
            *3 * ("spec.spec.devices.requests[0].derivedAttributes",),
            "",
        ),
        "resource.k8s.io.v1beta2.DeviceTaintRule.yaml": SINCE_1_36,
        "resource.k8s.io.v1beta2.ResourceClaim.yaml": (
            *3 * ("status.allocation.devices.results[0].skipNodeOperations",),
            "",
        ),
        "resource.k8s.io.v1beta2.ResourceClaimTemplate.yaml": (
            *3 * ("spec.spec.devices.requests[0].firstAvailable[0].derivedAttributes",),
            "",
        ),
        "resource.k8s.io.v1beta2.ResourceSlice.yaml": (*3 * ("spec.partitionTypeAttribute",), ""),
    },
    "kubernetes_e2e_dra": {"devicetaintrule.yaml": SINCE_1_37},
    "kubernetes_enhancements": {
        "keps__sig-node__5677-dra-resource-availability-visibility__README__L551.yaml": (
            "apiVersion",
            "apiVersion",
            "status.pools[2].partitionSummary",
            "",
        ),
        "keps__sig-scheduling__5491-dra-list-types-for-attributes__README__L310.yaml": LISTS,
        "keps__sig-scheduling__6080-dra-derived-attributes__README__L168.yaml": (
            *3 * ("spec.devices.requests[0].exactly.derivedAttributes",),
            "",
        ),
    },
    "kubernetes_scheduler_perf": {"dra__templates__devicetaintrule.yaml": SINCE_1_37},
}
# Readable, but refused by the API server's rules: excerpts with parts left out, and below the API's own test data.
INVALID = {
    "ai-on-gke_website/site__content__docs__tutorials__dynamic-resource-allocation__gpu-nic-cpu-alignment__index__L165.yaml": "metadata.name",
    "issue_excerpts/dra-driver-cpu-114_list_pcieroot_slices.yaml": "spec.pool.name",
    "kubernetes_enhancements/keps__sig-auth__5018-dra-adminaccess__README__L160.yaml": "spec.devices.requests[0].name",
    "kubernetes_enhancements/keps__sig-node__5677-dra-resource-availability-visibility__README__L551.yaml": "spec.driver",
    "kubernetes_enhancements/keps__sig-scheduling__4815-dra-partitionable-devices__README__L681.yaml": "spec",
    "kubernetes_enhancements/keps__sig-scheduling__5963-device-compatibility-groups__README__L315.yaml": "spec",
    "kubernetes_enhancements/keps__sig-scheduling__5963-device-compatibility-groups__README__L418.yaml": "spec",
    "kubernetes_enhancements/keps__sig-scheduling__6080-dra-derived-attributes__README__L168.yaml": "spec.devices.constraints[0].matchAttribute",
}
# Valid but in one release: counter sets and the devices that consume them were in one slice in 1.34.
INVALID_IN = {
    ("derived_dgxa100_mig/nvidia-00-dgxa100-mig.yaml", "1.34"): "spec.devices[0].consumesCounters[0].counterSet"
}
# Some of what is wrong with objects whose every field is filled with a word.
FILLED = {
    "DeviceClass": "metadata.namespace",
    "ResourceClaim": "metadata.name",
    "ResourceClaimTemplate": "spec.metadata.name",
    "ResourceSlice": "metadata.namespace",
    "DeviceTaintRule": "spec.taint.effect",
    "ResourcePoolStatusRequest": "metadata.name",
}

REASONS = {"is obsolete": OBSOLETE, "template": TEMPLATE}


def listed(table: dict[str, list[str]]) -> set[str]:
    """Return the paths of a table."""
    return {f"{folder}/{name}" for folder, names in table.items() for name in names}


REFUSED = {path: reason for reason, table in REASONS.items() for path in listed(table)}
BROKEN_PATHS = {f"{folder}/{name}": path for folder, names in BROKEN.items() for name, path in names.items()}
READ_IN = {f"{folder}/{name}": paths for folder, names in BY_RELEASE.items() for name, paths in names.items()}


def unreadable(name: str, minor: str) -> str | None:
    """Return a field at which a release refuses to read a file, empty for the whole file; None if it reads it."""
    if name in BROKEN_PATHS:
        return BROKEN_PATHS[name]
    return READ_IN[name][MINORS.index(minor)] or None if name in READ_IN else None


def refused(name: str, minor: str) -> str | None:
    """Return a field at which a release refuses a file, its validation included; None if it does not."""
    unread = unreadable(name, minor)
    return unread if unread is not None else INVALID_IN.get((name, minor), INVALID.get(name, FILLED.get(kind(name))))


def kind(name: str) -> str:
    """Return the kind of a file of the API's own test data; empty for others."""
    _, _, filled = name.partition("/resource.k8s.io.")
    return filled.split(".")[1] if filled and name.startswith("kubernetes_api_testdata/") else ""


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
    rows = set(REFUSED) | set(BROKEN_PATHS) | set(READ_IN) | set(INVALID) | {name for name, _ in INVALID_IN}
    assert rows <= set(files(real))


def test_every_other_file_loads_and_comes_back(real: Path) -> None:
    """What is read, defaults and generated pods and claims included, is read again from what is written."""
    good = {
        name: path for name, path in files(real).items() if name not in REFUSED and unreadable(name, "1.37") is None
    }
    assert len(good) > 230
    for name, path in good.items():
        valid = refused(name, "1.37") is None
        objects = api.load(path, validate=valid)
        for form in ("yaml", "json"):
            back = api.loads(api.dump(objects, form), validate=valid)
            assert list(back) == list(objects), (name, form)


@pytest.mark.parametrize("version", ["v1beta2", "v1beta1"])
def test_every_file_comes_back_from_older_versions(real: Path, version: str) -> None:
    """But for kinds that the version has not."""
    good = {
        name: path for name, path in files(real).items() if name not in REFUSED and unreadable(name, "1.37") is None
    }
    for name, path in good.items():
        found = api.load(path, validate=False)
        kept = [made for made in found if version in SERVED.get(type(made).__name__, {version})]
        back = api.loads(api.dump(kept, version=version), validate=False)
        assert list(back) == kept, name


@pytest.mark.parametrize("minor", MINORS)
def test_every_release_gives_its_verdict(real: Path, minor: str) -> None:
    """A release refuses versions and fields that it does not have, and what its validation refuses."""
    for name, path in files(real).items():
        if name in REFUSED:
            continue
        field = refused(name, minor)
        if field is None:
            api.load(path, release=release(minor))
            continue
        with pytest.raises(InputError) as caught:
            api.load(path, release=release(minor))
        assert field in [fault.path for fault in caught.value.faults], name


@pytest.mark.parametrize("reason", REASONS)
def test_old_versions_and_templates_are_refused_for_what_they_are(real: Path, reason: str) -> None:
    """The fault says which it is, so that the user knows what to do."""
    for name in listed(REASONS[reason]):
        with pytest.raises(InputError) as caught:
            api.load(real / name, validate=False)
        assert any(reason in fault.message for fault in caught.value.faults), name


def filled_objects(real: Path) -> dict[str, Path]:
    """Return the API's own test data: every field of every version of a release filled once."""
    return {name: path for name, path in files(real).items() if kind(name) and name not in REFUSED}


def test_filled_objects_survive_every_conversion(real: Path) -> None:
    """Nothing of any field is lost on the way through the structs, nor through any version that holds it."""
    filled = filled_objects(real)
    assert len(filled) == 31
    refusing = []
    for name, path in filled.items():
        written = yaml.safe_load(path.read_text())
        chosen = release(next(minor for minor in reversed(MINORS) if unreadable(name, minor) is None))
        (made,) = api.load(path, validate=False, defaults=False, release=chosen)
        assert normal(api.to_builtins(made, written["apiVersion"].partition("/")[2])) == normal(written), name
        for version in SERVED[written["kind"]]:
            try:
                doc = api.to_builtins(made, version)
            except InputError:
                refusing.append((name, version))
                continue
            if chosen.minor in SERVED[written["kind"]][version]:
                text = api.dump(made, version=version)
                assert yaml.safe_load(text) == doc
                assert list(api.loads(text, validate=False, defaults=False, release=chosen)) == [made], (name, version)
    rule = "kubernetes_api_testdata/v1.33.0/resource.k8s.io.v1alpha3.DeviceTaintRule.yaml"
    assert refusing == [(rule, "v1"), (rule, "v1beta2")]


def test_a_later_release_drops_what_upstream_drops(real: Path) -> None:
    """The API's own record of what 1.37 keeps of a slice of 1.36."""
    folder = real / "kubernetes_api_testdata" / "v1.36.0"
    objects = api.load(
        folder / "resource.k8s.io.v1beta1.ResourceSlice.yaml", strict=False, validate=False, defaults=False
    )
    kept = yaml.safe_load((folder / "resource.k8s.io.v1beta1.ResourceSlice.after_roundtrip.yaml").read_text())
    assert normal(api.to_builtins(objects.slices[0], "v1beta1")) == normal(kept)


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
