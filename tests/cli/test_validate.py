"""``drapolicy validate``."""

from __future__ import annotations

import json

import yaml

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n"


def test_good_files_are_counted(run, fleet, claims, tmp_path):
    """What was read and what was skipped is counted, and the exit code is 0."""
    other = tmp_path / "other.yaml"
    other.write_text(SECRET + SECRET)
    ran = run("validate", fleet, claims(1, 2), other)
    assert (ran.code, ran.err) == (0, "")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["KIND", "COUNT"],
        ["ResourceSlice", "1", "3", "devices"],
        ["DeviceClass", "1"],
        ["ResourceClaim", "2"],
        ["v1/Secret", "2", "skipped"],
        ["no", "faults"],
    ]


def test_all_faults_come_at_once_and_sorted(run, fleet, claims, tmp_path):
    """Faults of the reader and of the selectors of other files are told together; what is readable is counted."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(fleet.read_text().replace("name: n1-gpus", "name: N1"))
    cel = tmp_path / "cel.yaml"
    cel.write_text(
        "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: other}\n"
        "spec: {selectors: [{cel: {expression: nope}}]}\n"
    )
    ran = run("validate", cel, bad, claims(1))
    assert ran.code == 2
    first, second, count = ran.err.splitlines()
    assert first.startswith(f"{bad} (document 2): ResourceSlice N1: metadata.name")
    assert second.startswith(
        f"{cel} (document 1): DeviceClass other: spec.selectors[0].cel.expression: CEL compile error"
    )
    assert count == "2 faults"
    assert ["DeviceClass", "2"] in [line.split() for line in ran.out.splitlines()]


def test_json_has_faults_as_fields(run, tmp_path):
    """Programs get file, document, object, path and message apart."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: GPU}\n")
    for how, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        ran = run("validate", bad, "-o", how)
        assert (ran.code, ran.err) == (2, "")
        (fault,) = read(ran.out)["faults"]
        assert (fault["file"], fault["document"], fault["object"], fault["path"]) == (
            str(bad),
            0,
            "DeviceClass GPU",
            "metadata.name",
        )


def test_unknown_fields_are_faults_unless_lenient(run, tmp_path):
    """An unknown field is refused, or noted when it may pass."""
    path = tmp_path / "new.yaml"
    path.write_text("apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: gpu}\nspec: {novelty: 1}\n")
    assert run("validate", path).code == 2
    ran = run("validate", "--lenient", path)
    assert ran.code == 0
    assert "spec.novelty" in ran.out


def test_standard_input_may_be_bad(spawn):
    """Faults of standard input are told under its name."""
    ran = spawn("validate", "-", given="apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: GPU}\n")
    assert ran.returncode == 2
    assert ran.stderr.startswith("- (document 1): DeviceClass GPU: metadata.name")


def test_selectors_of_an_object_with_another_fault_are_compiled_too(run, tmp_path):
    """What else is wrong with a claim does not hide that its selector does not compile."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: c, namespace: ns}\n"
        "spec: {devices: {requests: [{name: a, exactly: {deviceClassName: g}}, {name: a, exactly: "
        "{deviceClassName: g, selectors: [{cel: {expression: 1 + 1}}]}}]}}\n"
    )
    ran = run("validate", bad)
    assert ran.code == 2
    assert "requests[1].name" in ran.err
    assert "requests[1].exactly.selectors[0].cel.expression: CEL compile error" in ran.err


def test_what_many_fields_have_in_common_is_noted_once(run, tmp_path):
    """Whatever the number of devices, there is one note for each kind, field and gate, with the first place."""
    devices = ", ".join(f"{{name: g{i}, taints: [{{key: a, effect: NoSchedule}}], novelty: 1}}" for i in range(64))
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(
            f"apiVersion: resource.k8s.io/v1\nkind: ResourceSlice\nmetadata: {{name: {name}}}\n"
            f"spec: {{driver: gpu.example.com, nodeName: {name}, devices: [{devices}],"
            f" pool: {{name: {name}, generation: 1, resourceSliceCount: 1}}}}\n"
        )
    ran = run("validate", "--k8s", "1.35", "--lenient", tmp_path)
    assert ran.code == 0
    notes = sorted(line for line in ran.out.splitlines() if line.startswith("note: "))
    assert len(notes) == 2
    for note, field, message in zip(notes, ("novelty", "taints"), ("unknown field", "DRADeviceTaints"), strict=True):
        assert note.startswith(f"note: {tmp_path}/a.yaml (document 1): ResourceSlice a: spec.devices[0].{field}: ")
        assert message in note
        assert note.endswith("(and in 127 more places)")


def test_what_is_wrong_with_a_template_is_told_once(run, tmp_path):
    """The claims that its pods get have the same fault, which nobody could mend in them."""
    path = tmp_path / "pods.yaml"
    path.write_text(
        "apiVersion: resource.k8s.io/v1beta1\nkind: ResourceClaimTemplate\nmetadata: {name: t}\nspec: {spec: {devices: "
        "{requests: [{name: r, deviceClassName: gpu, selectors: [{cel: {expression: 1 + 1}}]}]}}}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 3, selector: {matchLabels: {a: b}},"
        " template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}],"
        " resourceClaims: [{name: g, resourceClaimTemplateName: t}]}}}\n"
    )
    ran = run("validate", path)
    assert ran.code == 2
    fault, count = ran.err.splitlines()
    place = "spec.spec.devices.requests[0].selectors[0].cel.expression"
    assert fault.startswith(f"{path} (document 1): ResourceClaimTemplate default/t: {place}: CEL compile error")
    assert count == "1 fault"
    assert ["ResourceClaim", "3"] in [line.split() for line in ran.out.splitlines()]


def test_an_object_without_a_name_yet_is_found_by_how_it_begins(run, tmp_path):
    """Faults of its selectors have its place, and its fields as they are written."""
    path = tmp_path / "claim.yaml"
    path.write_text(
        "apiVersion: resource.k8s.io/v1beta1\nkind: ResourceClaim\nmetadata: {generateName: train-}\nspec: {devices: "
        "{requests: [{name: r, deviceClassName: gpu, selectors: [{cel: {expression: 1 + 1}}]}]}}\n"
    )
    ran = run("validate", path)
    place = "spec.devices.requests[0].selectors[0].cel.expression"
    assert ran.err.startswith(f"{path} (document 1): ResourceClaim default/train-")
    assert f": {place}: CEL compile error" in ran.err
    path.write_text("---\n".join([path.read_text()] * 2))
    assert run("validate", path).err.count("CEL compile error") == 2


def test_a_constraint_that_can_never_hold_is_noted(run, never_aligned):
    """GPUs and cards publish their root, but share none: no fault, but the claim would wait for ever."""
    ran = run("validate", never_aligned)
    assert (ran.code, ran.err) == (0, "")
    (line,) = [line for line in ran.out.splitlines() if line.startswith("note: ")]
    assert line.startswith(f"note: {never_aligned} (document 5): ResourceClaim default/aligned: ")
    assert "resource.kubernetes.io/pcieRoot can never hold on the one node" in line
    (noted,) = json.loads(run("validate", never_aligned, "-o", "json").out)["notes"]
    assert noted["path"] == "spec.devices.constraints[0].matchAttribute"
