"""``drapolicy convert``."""

from __future__ import annotations

import json

import yaml

GROUP = "resource.k8s.io"
RULE = """\
apiVersion: resource.k8s.io/v1alpha3
kind: DeviceTaintRule
metadata: {name: old}
spec: {deviceSelector: {deviceClassName: gpu}, taint: {key: a, effect: NoSchedule}}
"""
OTHERS = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: c, image: x, novelty: null}]}
---
apiVersion: example.com/v1
kind: ResourceClaim
items: 1
"""


def test_there_and_back_nothing_changes(run, fleet, claims, tmp_path):
    """What v1beta1 says otherwise comes back as it was, document for document, without defaults."""
    other = tmp_path / "others.yaml"
    other.write_text(OTHERS)
    written = [*yaml.safe_load_all(fleet.read_text()), *yaml.safe_load_all(OTHERS)]
    old = run("convert", "--to", "v1beta1", fleet, other)
    assert (old.code, old.err) == (0, "")
    beta = tmp_path / "beta.yaml"
    beta.write_text(old.out)
    documents = list(yaml.safe_load_all(old.out))
    assert [document["apiVersion"] for document in documents] == [*[f"{GROUP}/v1beta1"] * 2, "v1", "example.com/v1"]
    assert documents[1]["spec"]["devices"][0] == {"name": "gpu-0", "basic": {}}
    new = run("convert", "--to", "v1", beta)
    back = list(yaml.safe_load_all(new.out))
    assert back[0].pop("spec") == {}  # every object is written with one
    assert back == written


def test_lists_stay_lists(run, tmp_path):
    """A list of one kind becomes a list, its items with version and kind, those of other groups among them."""
    given = tmp_path / "list.json"
    items = [{"metadata": {"name": "a"}, "spec": {}}, {"metadata": {"name": "b"}, "spec": {}}]
    for kind, version in (("DeviceClassList", f"{GROUP}/v1beta2"), ("PodList", "v1")):
        given.write_text(json.dumps({"apiVersion": version, "kind": kind, "items": items}))
        ran = run("convert", "--to", "v1", "-o", "json", given)
        made = json.loads(ran.out)
        assert (made["apiVersion"], made["kind"]) == ("v1", "List")
        expected = {"apiVersion": f"{GROUP}/v1" if GROUP in version else "v1", "kind": kind.removesuffix("List")}
        assert made["items"] == [{**expected, **item} for item in items]


def test_json_of_several_documents_is_one_list(run, fleet):
    """JSON has no documents, so they go into a list as kubectl writes it."""
    made = json.loads(run("convert", "--to", "v1beta2", "-o", "json", fleet).out)
    assert [item["apiVersion"] for item in made["items"]] == [f"{GROUP}/v1beta2"] * 2


def test_names_of_several_files_may_repeat(run, fleet, tmp_path):
    """Converting a folder of examples is not reading one cluster."""
    (tmp_path / "again.yaml").write_text(fleet.read_text())
    assert run("convert", "--to", "v1beta1", tmp_path).code == 0


def test_what_a_version_cannot_hold_is_refused_in_one_go(run, fleet, tmp_path):
    """All objects are named with their places and nothing is printed."""
    rule = tmp_path / "rule.yaml"
    rule.write_text(RULE)
    ran = run("convert", "--to", "v1alpha3", fleet)
    assert (ran.code, ran.out) == (2, "")
    assert [line.split(": ")[-2:][0] for line in ran.err.splitlines()] == ["apiVersion"] * 2
    assert run("convert", "--k8s", "1.34", "--to", "v1alpha3", rule).code == 0
    ran = run("convert", "--k8s", "1.34", "--to", "v1", rule)
    assert (ran.code, ran.out) == (2, "")
    assert f"{rule} (document 1): DeviceTaintRule old: spec.deviceSelector.deviceClassName: " in ran.err
    assert run("convert", "--to", "v2", fleet).code == 2


def test_unknown_fields_are_refused_or_left_out_with_a_note(run, tmp_path):
    """A field that the release does not have is lost in every version of the group."""
    path = tmp_path / "class.yaml"
    path.write_text(f"apiVersion: {GROUP}/v1\nkind: DeviceClass\nmetadata: {{name: a}}\nspec: {{novelty: 1}}\n")
    ran = run("convert", "--to", "v1beta1", path)
    assert (ran.code, ran.out) == (2, "")
    ran = run("convert", "--to", "v1beta1", "--lenient", path)
    assert ran.code == 0
    assert ran.err.startswith(f"note: {path} (document 1): DeviceClass a: spec.novelty: unknown field")
    assert yaml.safe_load(ran.out)["spec"] == {}
