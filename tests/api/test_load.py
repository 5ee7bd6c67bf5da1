"""Reading whole inputs: every fault with its place, nothing half loaded."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from drapolicy import api
from drapolicy.errors import Fault, InputError
from drapolicy.release import MINORS, release

DATA = Path(__file__).parents[1] / "data"
CLASS = "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata:\n  name: {}\n"

# file: document, object, path, part of the message
BAD = {
    "alias_bomb.yaml": (0, "", "", "aliases expand"),
    "alias_of_itself.yaml": (0, "", "", "line 6: anchor 'spec' contains itself"),
    "beyond_64_bits.json": (0, "ResourceSlice s", 'spec.devices[0].attributes["index"].int', "does not fit 64 bits"),
    "deep.yaml": (0, "", "", "nested deeper than 200 levels"),
    "empty.json": (0, "", "", "holds no JSON"),
    "field_of_another_release.yaml": (
        0,
        "ResourceSlice s",
        "spec.devices[0].basic.nodeAllocatableResourceMappings",
        "in Kubernetes 1.37; remove it or use 1.36",
    ),
    "field_of_basic.yaml": (0, "ResourceSlice s", "spec.devices[0].capacity", "v1beta1 has it in basic"),
    "field_unknown.yaml": (0, "DeviceClass gpu.example.com", "spec.selector", "did you mean selectors?"),
    "half_a_character.json": (0, "", "", "stands alone and is no character"),
    "key_is_null.yaml": (0, "", "", "line 5: null cannot be a key"),
    "key_twice.json": (0, "DeviceClass b.example.com", "metadata.name", "is given twice; keep one"),
    "key_twice.yaml": (0, "DeviceClass gpu.example.com", 'metadata.labels["tier"]', "is given twice; keep one"),
    "list_on_top.yaml": (0, "", "", "must be an object with apiVersion and kind, not a list"),
    "merge_overrules.yaml": (0, "DeviceClass gpu.example.com", 'metadata.labels["tier"]', "is given twice; keep one"),
    "name_is_boolean.yaml": (0, "DeviceClass", "metadata.name", "must be text, not false; quote it"),
    "name_is_number.yaml": (0, "DeviceClass", "metadata.name", "must be text, not 16; quote it"),
    "name_twice.yaml": (1, "DeviceClass gpu.example.com", "metadata.name", "is given twice, first in"),
    "nan.json": (0, "DeviceClass gpu.example.com", "metadata.generation", "NaN is no JSON number"),
    "nan.yaml": (0, "DeviceClass gpu.example.com", "metadata.generation", ".nan is no number"),
    "no_api_version.yaml": (0, "DeviceClass gpu.example.com", "apiVersion", "is missing"),
    "no_kind.yaml": (0, "", "kind", "is missing"),
    "not_a_list.yaml": (0, "DeviceClass gpu.example.com", "spec.selectors", "must be a list"),
    "not_utf8.yaml": (0, "", "", "line 5 is not UTF-8 (byte 0xe9)"),
    "number_as_text.json": (0, "ResourceSlice s", "spec.pool.generation", 'must be a whole number, not "1"'),
    "quantity.json": (0, "ResourceSlice s", 'spec.devices[0].capacity["memory"].value', "quantity '80GiB'"),
    "quantity_in_basic.json": (
        0,
        "ResourceSlice s",
        'spec.devices[0].basic.capacity["memory"].value',
        "quantity '80GiB'",
    ),
    "tab.yaml": (0, "", "", "line 4: not YAML"),
    "tag.yaml": (0, "", "", "is not read; drop it"),
    "template.yaml": (0, "DeviceClass gpu-{{ .Index }}", "metadata.name", "render the template first"),
    "template_with_blocks.yaml": (0, "", "", "must be rendered first; line 1: not YAML"),
    "text_after_separator.yaml": (1, "", "", "only a comment may follow ---"),
    "trailing_text.json": (1, "", "", "not JSON: expecting value at 'and more'"),
    "truncated.json": (0, "", "", "ends too early"),
    "truncated.yaml": (0, "", "", "check that it is complete"),
    "truncated.yaml.gz": (-1, "", "", "broken gzip"),
    "version_not_served.yaml": (0, "DeviceTaintRule broken", "apiVersion", "write it in v1, v1beta2 or v1alpha3"),
    "version_obsolete.yaml": (0, "DeviceClass gpu.example.com", "apiVersion", "is obsolete"),
    "version_unknown.yaml": (0, "DeviceClass gpu.example.com", "apiVersion", "is not a version of resource.k8s.io"),
    "whole_number_with_point.json": (0, "ResourceSlice s", "spec.pool.generation", "must be a whole number, not 1.0"),
}


def faults_of(call: Callable[[], object]) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        call()
    return caught.value.faults


def test_every_bad_file_has_its_row() -> None:
    """A bad file without an expected fault tests nothing."""
    assert {path.name for path in (DATA / "bad").iterdir()} == set(BAD)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gives_its_one_fault(name: str) -> None:
    """The fault names file, document, object and field, and says what is wrong."""
    path = DATA / "bad" / name
    (fault,) = faults_of(lambda: api.load(path))
    document, thing, field, message = BAD[name]
    assert (fault.file, fault.document, fault.object, fault.path) == (str(path), document, thing, field)
    assert message in fault.message


def test_all_faults_come_together_in_the_order_of_the_input() -> None:
    """One error carries the faults of all files, also of one that does not exist."""
    sources = [DATA / "bad" / "version_not_served.yaml", "no/such/file.yaml", DATA / "bad" / "tab.yaml"]
    faults = faults_of(lambda: api.load(*sources, DATA / "good"))
    assert [fault.file for fault in faults] == [str(source) for source in sources]


def test_all_faults_of_one_object_come_together() -> None:
    """Reading goes on after the first fault of an object."""
    text = CLASS.format("n") + "  labels: {a: 1}\nspec:\n  selectors: {}\n  config: [3]\n  other: x\n"
    assert [fault.path for fault in faults_of(lambda: api.loads(text))] == [
        "metadata.name",
        'metadata.labels["a"]',
        "spec.selectors",
        "spec.config[0]",
        "spec.other",
    ]


def test_the_message_of_an_error_lists_the_faults() -> None:
    """Each fault is a line of file, object, path and what to do."""
    with pytest.raises(InputError) as caught:
        api.loads(CLASS.format("yes"), name="classes.yaml")
    assert str(caught.value) == (
        "classes.yaml (document 1): DeviceClass: metadata.name: "
        "must be text, not true; quote it (YAML reads plain y, yes, on as true)"
    )


def test_a_million_digits_are_refused_at_once() -> None:
    """Neither format turns a number of a million digits into an integer."""
    digits = "1" * 10**6
    head = '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "s", "generation": '
    for text in (CLASS.format("a") + f"  generation: {digits}\n", f"{head}{digits}}}}}"):
        (fault,) = faults_of(lambda text=text: api.loads(text))
        assert fault.path == "metadata.generation"
        assert "a number of 1000000 characters" in fault.message


def test_unknown_fields_pass_on_demand() -> None:
    """Without strictness an unknown field is named beside the objects."""
    objects = api.loads(CLASS.format("a") + "  nam: b\nspec:\n  suitableNodes: {}\n", strict=False)
    assert [fault.path for fault in objects.ignored_fields] == ["metadata.nam", "spec.suitableNodes"]
    assert objects.classes[0].metadata.name == "a"


def test_nulls_are_unset() -> None:
    """A null keeps the zero value of its field, as Kubernetes' decoder does."""
    text = """
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: s, creationTimestamp: null, labels: null}
spec:
  driver: null
  pool: {name: p, generation: null, resourceSliceCount: 1}
  allNodes: null
  sharedCounters: null
  devices: [{name: a, attributes: {x: {int: null, string: t}}, capacity: {m: {value: null}, k: {}}}, null]
"""
    (made,) = api.loads(text, validate=False, defaults=False).slices
    device, empty = made.spec.devices
    assert (made.spec.driver, made.spec.pool.generation, made.spec.all_nodes, made.spec.shared_counters) == (
        "",
        0,
        None,
        [],
    )
    assert (device.attributes["x"].int_value, device.attributes["x"].string_value) == (None, "t")
    assert (device.capacity["m"].value, device.capacity["k"].value) == (api.Quantity("0"), api.Quantity("0"))
    assert empty.name == ""


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ('"81920Mi"', "80Gi"),
        ('" 80Gi "', "80Gi"),
        ("85899345920", "80Gi"),
        ("8.589934592e10", "80Gi"),
        ("0.5", "500m"),
        ("0.00001", "10u"),
    ],
)
def test_quantities_may_be_numbers(written: str, amount: str) -> None:
    """A number is read as its text, in YAML and in JSON."""
    head = '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "s"}, "spec": '
    text = head + '{"devices": [{"name": "a", "capacity": {"m": {"value": ' + written + "}}}]}}"
    for form in (text, f"# as YAML\n{text}"):
        (made,) = api.loads(form, validate=False).slices
        assert made.spec.devices[0].capacity["m"].value == api.Quantity(amount)


def test_other_kinds_are_counted_and_never_mistaken() -> None:
    """Kinds of the same name in other groups are passed over, as are kinds that are not modelled."""
    kinds = [
        ("example.com/v1", "ResourceClaim"),
        ("example.com/v1", "ResourceClaim"),
        ("kueue.x-k8s.io/v1beta2", "Workload"),
        ("resource.k8s.io/v1beta1", "PodSchedulingContext"),
        ("batch/v1", "CronJob"),
        ("v1", "Service"),
        ("example.com/v1", "ResourceClaimList"),
    ]
    text = "---\n".join(f"apiVersion: {version}\nkind: {kind}\nanything: [1]\n" for version, kind in kinds)
    objects = api.loads(text)
    assert len(objects) == 0
    assert objects.skipped == {
        "example.com/v1/ResourceClaim": 2,
        "kueue.x-k8s.io/v1beta2/Workload": 1,
        "resource.k8s.io/v1beta1/PodSchedulingContext": 1,
        "batch/v1/CronJob": 1,
        "v1/Service": 1,
        "example.com/v1/ResourceClaimList": 1,
    }


def test_lists_give_version_and_kind_to_their_items() -> None:
    """A typed list from the API server has bare items; ``kubectl get -o yaml`` has complete ones in a v1 List."""
    typed = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClassList",
        "metadata": {"resourceVersion": "1"},
        "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}],
    }
    nested = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [typed, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}],
    }
    objects = api.loads(json.dumps(nested))
    assert [item.metadata.name for item in objects] == ["n", "a", "b"]
    assert api.loads('{"apiVersion": "v1", "kind": "PodList", "items": null}') == api.Objects()


@pytest.mark.parametrize(
    ("item", "thing", "path"),
    [
        ({"metadata": {"name": "a"}, "speck": {}}, "ResourceClaim default/a", "speck"),
        ({"speck": {}}, "ResourceClaim items[1]", "speck"),
        (3, "", "items[1]"),
    ],
)
def test_faults_of_items_name_the_item(item: object, thing: str, path: str) -> None:
    """An item without a name is named by its place in the list."""
    text = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimList",
        "items": [{"metadata": {"name": "b"}}, item],
    }
    (fault,) = faults_of(lambda: api.loads(json.dumps(text), validate=False))
    assert (fault.object, fault.path) == (thing, path)


def test_two_objects_of_one_name_are_refused_over_all_files(tmp_path: Path) -> None:
    """The fault names both places; another namespace or kind is another name."""
    claim = "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: a, namespace: %s}\n"
    (tmp_path / "a.yaml").write_text(CLASS.format("a") + "---\n" + claim % "x")
    (tmp_path / "b.yaml").write_text(claim % "z" + "---\n" + claim % "x")
    (fault,) = faults_of(lambda: api.load(tmp_path, validate=False))
    assert (fault.file, fault.document, fault.object) == (str(tmp_path / "b.yaml"), 1, "ResourceClaim x/a")
    assert str(tmp_path / "a.yaml") + " (document 2)" in fault.message


def test_no_namespace_is_the_default_namespace() -> None:
    """kubectl puts a namespaced object without namespace into ``default``."""
    claim = "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: a%s}\n"
    (fault,) = faults_of(lambda: api.loads(claim % "" + "---\n" + claim % ", namespace: default", validate=False))
    assert fault.object == "ResourceClaim default/a"


@pytest.mark.parametrize(("version", "kind"), [("v1", "Node"), ("v1", "Pod"), ("apps/v1", "Deployment")])
def test_objects_need_a_name(version: str, kind: str) -> None:
    """Also kinds of which only a part is read must have a name."""
    (fault,) = faults_of(lambda: api.loads(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{labels: {{a: b}}}}\n"))
    assert (fault.object, fault.path) == (kind, "metadata.name")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}, "metadata": {"name": "b"}}', "metadata"),
        ('{"apiVersion": "v1", "kind": "Pod", "kind": "Node", "metadata": {"name": "a"}}', "kind"),
        ('{"apiVersion": "v1", "kind": "List", "items": [], "items": []}', "items"),
        ('{"apiVersion": "v1", "kind": "List", "items": [], "metadata": {"a": 1, "a": 1}}', "metadata.a"),
        (
            '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}, "spec": {"x": {"y": 1, "y": 2}}}',
            "spec.x.y",
        ),
    ],
)
def test_keys_given_twice_are_refused_everywhere(text: str, path: str) -> None:
    """At the top, in a list, and in fields that are not modelled."""
    for form in (text, f"# as YAML\n{text}"):
        (fault,) = faults_of(lambda form=form: api.loads(form))
        assert (fault.path, fault.message) == (path, "is given twice; keep one")


def test_objects_to_be_named_by_the_server_may_share_their_beginning() -> None:
    """Objects with ``generateName`` have no name yet that could be taken."""
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {containers: [{name: c}]}\n"
    assert len(api.loads(f"{pod}---\n{pod}", validate=False).pods) == 2


def test_braces_in_comments_and_annotations_make_no_template() -> None:
    """An annotation may hold a template's text, and a comment may mention one."""
    text = CLASS.format("a") + "  annotations: {note: 'use {{ .Name }}'}\n# {{ not this }}\n"
    assert api.loads(text).classes[0].metadata.annotations == {"note": "use {{ .Name }}"}


def test_streams_yield_file_by_file_and_raise_at_the_end(tmp_path: Path) -> None:
    """Objects without fault are yielded, each file's skipped kinds with it; the error comes after the last file."""
    (tmp_path / "1.yaml").write_text(CLASS.format("a") + "---\napiVersion: v1\nkind: Service\n")
    (tmp_path / "2.yaml").write_text(CLASS.format("a"))
    (tmp_path / "3.yaml").write_text(CLASS.format("b") + "---\n" + CLASS.format("no"))
    seen: list[tuple[list[str], dict[str, int]]] = []

    def run() -> None:
        for objects in api.stream(tmp_path):
            names = [item.metadata.name for item in objects]
            seen.append((names, dict(objects.skipped)))

    faults = faults_of(run)
    assert seen == [(["a"], {"v1/Service": 1}), ([], {}), (["b"], {})]
    assert [Path(fault.file).name for fault in faults] == ["2.yaml", "3.yaml"]


def test_a_file_of_flow_yaml_is_no_json() -> None:
    """A text that begins with a brace but is no JSON is read as YAML, unless its name says JSON."""
    text = "{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: a}}"
    assert len(api.loads(text).classes) == 1
    assert len(faults_of(lambda: api.loads(text, name="a.json"))) == 1


def test_defaults_and_validation_can_be_left_out() -> None:
    """Reading alone keeps what was written."""
    text = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: A_}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: c}}]}}
"""
    (claim,) = api.loads(text, defaults=False, validate=False).claims
    assert claim.spec.devices.requests[0].exactly.count == 0
    assert faults_of(lambda: api.loads(text))[0].object == "ResourceClaim default/A_"
    (claim,) = api.loads(text.replace("A_", "a")).claims
    assert claim.spec.devices.requests[0].exactly.count == 1


def test_streams_of_bytes_are_named(tmp_path: Path) -> None:
    """A stream goes by its name where it has one."""
    assert faults_of(lambda: api.load(io.BytesIO(b"a: b: c")))[0].file == "<stream>"
    path = tmp_path / "x.yaml"
    path.write_text("a: b: c")
    with path.open("rb") as stream:
        assert faults_of(lambda: api.load(stream))[0].file == str(path)


@pytest.mark.parametrize("minor", MINORS)
def test_versions_of_an_object_mean_the_same(minor: str) -> None:
    """A claim in three versions asks for the same, and everything in Python is of the newest."""
    objects = api.load(DATA / "good" / "versions.yaml", release=release(minor))
    assert {str(claim.spec) for claim in objects.claims} == {str(objects.claims[0].spec)}
    assert len(objects.claims) == 3
    assert {made.api_version for made in objects} == {"resource.k8s.io/v1"}
    assert objects.slices[0].spec.all_nodes is None
    assert [len(device.attributes) for device in objects.slices[0].spec.devices] == [2, 0]
