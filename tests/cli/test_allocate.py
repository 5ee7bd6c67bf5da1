"""``drapolicy allocate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from drapolicy import api
from drapolicy.cli import allocate as command
from drapolicy.errors import VerificationError

CLAIMS = Path(__file__).resolve().parents[1] / "data" / "claims"

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default, uid: {name}-uid}}
spec:
  containers: [{{name: main, image: i, resources: {{claims: [{{name: d}}]}}}}]
  resourceClaims: [{{name: d, resourceClaimName: a}}]
"""


def test_the_table_says_node_devices_and_policy(run, fleet, claims):
    """A claim that fits is shown with its node and devices, and the exit code is 0."""
    ran = run("allocate", "--fleet", fleet, "--claims", claims(2))
    assert (ran.code, ran.err) == (0, "")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["ASK", "NODE", "DEVICES", "SCORE"],
        ["default/a", "n1", "gpus:", "gpu-0,", "gpu-1", "[gpu.example.com]", "-"],
        ["1", "of", "1", "placed", "by", "kube-scheduler,", "Kubernetes", "1.37"],
    ]


def test_what_is_pending_says_why(run, fleet, claims):
    """A claim without devices is pending with Kubernetes' reason, and the exit code is 1."""
    ran = run("allocate", fleet, claims(2, 2))
    assert ran.code == 1
    assert "pending: 0/1 nodes are available: 1 cannot allocate all claims." in ran.out
    assert "1 of 2 placed" in ran.out


def test_yaml_gives_the_claims_with_their_status(run, fleet, claims):
    """YAML holds what Kubernetes would write into the status, and what stays pending goes to standard error."""
    ran = run("allocate", fleet, claims(1, 3), "-o", "yaml")
    placed, pending = yaml.safe_load_all(ran.out)
    assert ran.code == 1
    assert placed["status"] == {
        "allocation": {
            "devices": {"results": [{"request": "gpus", "driver": "gpu.example.com", "pool": "n1", "device": "gpu-0"}]},
            "nodeSelector": {
                "nodeSelectorTerms": [
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
                ]
            },
        }
    }
    assert "status" not in pending or "allocation" not in pending["status"]
    assert ran.err == "pending: default/b: 0/1 nodes are available: 1 cannot allocate all claims.\n"


def test_claims_are_reserved_for_all_their_pods(run, fleet, claims, tmp_path):
    """A claim that two pods share is reserved for both, in the order of their placement."""
    pods = tmp_path / "pods.yaml"
    pods.write_text("---\n".join(POD.format(name=name) for name in ("one", "two")))
    ran = run("allocate", fleet, claims(1), pods, "-o", "json")
    (item,) = json.loads(ran.out)["items"]
    assert item["status"]["reservedFor"] == [
        {"resource": "pods", "name": "one", "uid": "one-uid"},
        {"resource": "pods", "name": "two", "uid": "two-uid"},
    ]


TEMPLATE = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: t, namespace: default}
spec: {spec: {devices: {requests: [{name: gpus, exactly: {deviceClassName: gpu}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: default}
spec: {containers: [{name: c, image: i}], resourceClaims: [{name: g, resourceClaimTemplateName: t}]}
"""


def test_pods_without_a_uid_get_one_where_kubernetes_needs_it(run, fleet, tmp_path):
    """Claims of pods straight from a file are written as a cluster would hold them, so that they can be read again."""
    pods = tmp_path / "pods.yaml"
    pods.write_text(TEMPLATE)
    ran = run("allocate", fleet, pods, "-o", "json")
    (item,) = json.loads(ran.out)["items"]
    (user,), (owner,) = item["status"]["reservedFor"], item["metadata"]["ownerReferences"]
    assert user["uid"] == owner["uid"] == "315ca113-27c5-57af-bf89-e4289e8e60bc"
    again = tmp_path / "again.json"
    again.write_text(ran.out)
    assert run("validate", again).code == 0
    # Read again with its pod, which is reserved for already.
    assert run("allocate", fleet, pods, again, "-o", "json").out == ran.out


def test_a_pod_whose_claim_has_devices_says_so(run, fleet, claims, tmp_path):
    """The table shows the devices with the pod that got them, and names the claim with the others."""
    pods = tmp_path / "pods.yaml"
    pods.write_text("---\n".join(POD.format(name=name) for name in ("one", "two")))
    _, one, two, *_ = run("allocate", fleet, claims(1), pods).out.splitlines()
    assert "gpus: gpu-0" in one
    assert "a: allocated before" in two


def test_what_is_written_is_taken_as_allocated(run, fleet, claims, tmp_path):
    """The output of one run, read by the next, holds its devices and asks for nothing more."""
    first = run("allocate", fleet, claims(2), "-o", "yaml")
    held = tmp_path / "held.yaml"
    held.write_text(first.out)
    more = tmp_path / "more.yaml"
    more.write_text(claims(2).read_text().replace("name: a,", "name: z,"))
    assert run("allocate", fleet, held).code == 0
    ran = run("allocate", fleet, held, more)
    assert (ran.code, ran.out.count("pending")) == (1, 1)
    assert run("allocate", fleet, held, "-o", "yaml").out == first.out


@pytest.mark.parametrize("policy", ["kube-scheduler", "first-fit", "random", "packing", "bandwidth"])
def test_every_policy_keeps_the_rules(run, fleet, claims, policy):
    """Placements of every policy pass the checker."""
    ran = run("allocate", fleet, claims(1, 2), "--policy", policy, "--check", "--seed", "3")
    assert ran.code == 0
    assert ran.out.endswith("every placement was checked and keeps the rules of Kubernetes\n")


def test_a_broken_placement_is_a_bug(run, fleet, claims, monkeypatch):
    """When the checker finds a broken rule, it is named and the exit code is 70."""

    def broken(*_args, **_options):
        raise VerificationError("S37", "claim default/a: taken twice")

    monkeypatch.setattr(command, "verify_all", broken)
    ran = run("allocate", fleet, claims(1), "--check")
    assert (ran.code, ran.out) == (70, "")
    assert ran.err.startswith("drapolicy: S37: claim default/a: taken twice\n")


def test_one_file_may_serve_as_both(run, fleet, claims):
    """A file that is named twice, as fleet and as claims, is read once."""
    fleet.write_text(fleet.read_text() + "---\n" + claims(1).read_text())
    assert run("allocate", "--fleet", fleet, "--claims", fleet).code == 0


def test_standard_input_is_read(spawn, fleet, claims):
    """``-`` stands for standard input."""
    ran = spawn("allocate", "-", given=fleet.read_text() + "---\n" + claims(1).read_text())
    assert (ran.returncode, ran.stderr) == (0, "")


def test_without_claims_there_is_nothing_to_do(run, fleet):
    """A fleet alone is refused with what to add."""
    ran = run("allocate", fleet)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "drapolicy: allocate: no claims and no pods in the files; add some with --claims\n"


def test_without_a_fleet_all_is_pending(run, claims):
    """Claims without any node are pending and told that there is none."""
    ran = run("allocate", claims(1))
    assert ran.code == 1
    assert "pending: request gpus: device class gpu does not exist" in ran.out


@pytest.mark.parametrize("folder", ["kubernetes-sigs_dranet"])
def test_gpus_and_nics_of_a_real_machine_are_aligned(run, shared, folder):
    """On the slices of an AWS p4d a pod gets two GPUs and the NIC of their PCIe root, and 9 GPUs are too many."""
    real = shared / "real" / folder
    slices = [
        real / f"examples__aws_eks_examples__gpu-efa__resourceslice-{driver}.yaml" for driver in ("gpu", "dranet")
    ]
    ran = run("allocate", "--fleet", *slices, "--claims", CLAIMS, "-o", "json", "--check")
    assert ran.code == 1
    items = {item["metadata"]["name"]: item for item in json.loads(ran.out)["items"]}
    taken = [device["device"] for device in items["aligned"]["status"]["allocation"]["devices"]["results"]]
    assert taken == ["gpu-0", "gpu-1", "pci-0000-10-1b-0"]
    assert items["aligned"]["status"]["reservedFor"][0]["name"] == "trainer"
    assert "status" not in items["too-many"] or "allocation" not in items["too-many"]["status"]
    assert ran.err.splitlines() == [
        "pending: training/too-many: 0/1 nodes are available: 1 cannot allocate all claims.",
        "not modelled: InterPodAffinity: pod affinity and anti-affinity (1 pod)",
    ]


def test_links_of_a_file_change_what_bandwidth_takes(run, tmp_path):
    """With bridges (0,1) and (2,3) of ``nvidia-smi topo -m`` and GPU 0 taken, two GPUs are 2 and 3; first fit takes 1."""
    root = Path(__file__).resolve().parents[2] / "datasets" / "bridged-a100"
    whole = api.load(root / "fleet.json.gz")
    node = next(item.spec.node_name for item in whole.slices if item.spec.node_name)
    class_name = whole.classes[0].metadata.name
    path = tmp_path / "fleet.yaml"
    path.write_text(api.dump([*whole.classes, *(item for item in whole.slices if item.spec.node_name == node)]))
    wanted = tmp_path / "claims.yaml"
    wanted.write_text(
        "---\n".join(
            f"apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {{name: {name}, namespace: default}}\n"
            f"spec: {{devices: {{requests: [{{name: g, exactly: {{deviceClassName: {class_name}, count: {n}}}}}]}}}}\n"
            for name, n in (("one", 1), ("two", 2))
        )
    )
    arguments = ("allocate", path, wanted, "--topology", root / "topology.txt", "-o", "json", "--policy")

    def devices(policy: str) -> list[str]:
        items = json.loads(run(*arguments, policy).out)["items"]
        return [device["device"] for device in items[1]["status"]["allocation"]["devices"]["results"]]

    assert devices("first-fit") != devices("bandwidth")


def test_a_constraint_that_can_never_hold_is_told(run, never_aligned):
    """What waits for ever is told apart from what waits for a free device."""
    ran = run("allocate", never_aligned)
    assert ran.code == 1
    (line,) = [line for line in ran.out.splitlines() if line.startswith("note: ")]
    assert "ResourceClaim default/aligned: spec.devices.constraints[0].matchAttribute: " in line
    assert line.endswith("request gpu have pci0008:00, pci0009:00; devices for request nic have pci0000:00, pci0002:00")
    assert "can never hold" in run("allocate", never_aligned, "-o", "yaml").err
