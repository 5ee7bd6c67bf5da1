"""Fields that a release's API does not have are unknown to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import inspect

from drapolicy import api
from drapolicy.api.convert import type_info, without_none
from drapolicy.api.kinds import RESOURCE_TYPES
from drapolicy.api.versions.fields import FIELDS, absent_fields
from drapolicy.errors import InputError
from drapolicy.release import MINORS, release

ATTRIBUTE = 'spec.devices[0].attributes["a"]'
# kind, path and what stands there, and the releases that have it
FOUND = [
    ("ResourceSlice", "spec.partitionTypeAttribute", "x/y", ["1.37"]),
    ("ResourceSlice", "spec.skipNodeOperations", ["*"], ["1.37"]),
    ("ResourceSlice", "spec.devices[0].nodeAllocatableResources", {"cpu": {}}, ["1.37"]),
    ("ResourceSlice", "spec.devices[0].nodeAllocatableResourceMappings", {"cpu": {}}, ["1.36"]),
    ("ResourceSlice", f"{ATTRIBUTE}.ints", [1], ["1.36", "1.37"]),
    ("ResourceSlice", f"{ATTRIBUTE}.bools", [True], ["1.36", "1.37"]),
    ("ResourceSlice", f"{ATTRIBUTE}.strings", ["x"], ["1.36", "1.37"]),
    ("ResourceSlice", f"{ATTRIBUTE}.versions", ["1.0.0"], ["1.36", "1.37"]),
    ("ResourceSlice", "spec.devices[0].consumesCounters[0].compatibilityGroups", ["g"], ["1.37"]),
    ("ResourceClaim", "spec.devices.requests[0].exactly.derivedAttributes", [{}], ["1.37"]),
    ("ResourceClaim", "spec.devices.requests[0].firstAvailable[0].derivedAttributes", [{}], ["1.37"]),
    ("ResourceClaimTemplate", "spec.spec.devices.requests[0].exactly.derivedAttributes", [], ["1.37"]),
    ("ResourceClaim", "status.allocation.devices.results[0].skipNodeOperations", ["*"], ["1.37"]),
    ("DeviceTaintRule", "status", {}, ["1.35", "1.36", "1.37"]),
    ("DeviceTaintRule", "spec.deviceSelector.deviceClassName", "c", ["1.34"]),
    ("DeviceTaintRule", "spec.deviceSelector.selectors", [{}], ["1.34"]),
    ("ResourcePoolStatusRequest", "spec.defaultPartitionTypeAttribute", "x/y", ["1.37"]),
    ("ResourcePoolStatusRequest", "status.pools[0].partitionSummary", [{}], ["1.37"]),
    ("ResourcePoolStatusRequest", "status.pools[0].shareableSummary", {}, ["1.37"]),
]


def document(path: str, value: Any) -> Any:
    """Return a document with one value, at a path."""
    steps = path.replace('["a"]', ".a").replace("[0]", ".0").split(".")
    for step in reversed(steps):
        value = [value] if step == "0" else {step: value}
    return value


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize(("kind", "path", "value", "minors"), FOUND)
def test_a_field_is_absent_where_its_release_has_none(
    kind: str, path: str, value: Any, minors: list[str], minor: str
) -> None:
    """The table says since when and until when; null is a field too."""
    for there in (value, None):
        found = [where for where, _ in absent_fields(document(path, there), kind, release(minor))]
        assert found == ([] if minor in minors else [path])


def test_every_row_of_the_table_can_be_met() -> None:
    """Each struct and field of the table exists, is part of some kind, and is tried above."""
    tried = {path.rpartition(".")[2] for _, path, _, _ in FOUND}
    reached: set[type[Any]] = set()

    def visit(kind: inspect.Type) -> None:
        kind = without_none(kind)
        if isinstance(kind, inspect.StructType) and kind.cls not in reached:
            reached.add(kind.cls)
            names = {field.encode_name for field in kind.fields}
            assert FIELDS.get(kind.cls, {}).keys() <= names & tried
            for field in kind.fields:
                visit(field.type)
        elif isinstance(kind, inspect.ListType):
            visit(kind.item_type)
        elif isinstance(kind, inspect.DictType):
            visit(kind.value_type)

    for kind in RESOURCE_TYPES.values():
        visit(type_info(kind))
    assert FIELDS.keys() <= reached
    assert sum(map(len, FIELDS.values())) == len(FOUND) - 1  # a claim's and a template's request are one struct


@pytest.mark.parametrize("doc", [None, 3, [], {"spec": 3}, {"spec": {"devices": [None, 3, {"attributes": [1]}]}}])
def test_any_shape_is_walked(doc: Any) -> None:
    """Wrong shapes are somebody else's fault."""
    assert absent_fields(doc, "ResourceSlice", release("1.34")) == []
    assert absent_fields(doc, "Pod", release("1.34")) == []


SLICE = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceSlice",
    "metadata": {"name": "s"},
    "spec": {
        "driver": "gpu.example.com",
        "nodeName": "n",
        "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
        "skipNodeOperations": ["*"],
        "devices": [{"name": "d", "attributes": {"pair": {"ints": [1, 2]}, "one": {"int": 1}}}],
    },
}
IN_1_35 = ["spec.skipNodeOperations", 'spec.devices[0].attributes["pair"].ints']


def forms() -> list[str]:
    """Return a slice alone and in lists, as the thorough and the fast way read it, and with a key in disguise."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": [SLICE]})
    bare = {key: inner for key, inner in SLICE.items() if key not in {"apiVersion", "kind"}}
    typed = json.dumps({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSliceList", "items": [bare]})
    escaped = listed.replace("skipNode", "skip\\u004eode").replace('"ints"', '"int\\u0073"')
    return [json.dumps(SLICE), "# YAML\n" + json.dumps(SLICE), listed, typed, escaped]


@pytest.mark.parametrize("text", forms())
def test_unknown_fields_of_a_release_are_refused(text: str) -> None:
    """However the text is read."""
    with pytest.raises(InputError) as caught:
        api.loads(text, release=release("1.35"))
    assert [fault.path for fault in caught.value.faults] == IN_1_35
    assert caught.value.faults[0].message == (
        "unknown field 'skipNodeOperations' in Kubernetes 1.35; remove it or use 1.37"
    )
    assert len(api.loads(text, validate=False, release=release("1.37")).slices) == 1


@pytest.mark.parametrize("text", forms())
def test_unknown_fields_of_a_release_are_dropped_on_demand(text: str) -> None:
    """As the API server does that is not asked to be strict."""
    objects = api.loads(text, strict=False, validate=False, release=release("1.35"))
    assert [fault.path for fault in objects.ignored_fields] == IN_1_35
    (made,) = objects.slices
    assert made.spec.skip_node_operations == []
    assert made.spec.devices[0].attributes["pair"] == api.resource.DeviceAttribute()
    assert made.spec.devices[0].attributes["one"].int_value == 1


def test_unknown_fields_are_named_as_they_are_written() -> None:
    """In v1beta1 a device has them in basic."""
    doc = api.to_builtins(api.loads(json.dumps(SLICE), validate=False).slices[0], "v1beta1")
    with pytest.raises(InputError) as caught:
        api.loads(json.dumps(doc), release=release("1.34"))
    assert {fault.path for fault in caught.value.faults} == {
        "spec.skipNodeOperations",
        'spec.devices[0].basic.attributes["pair"].ints',
    }


def test_what_an_anchor_repeats_is_dropped_everywhere() -> None:
    """One mapping of YAML may stand at several places."""
    text = json.dumps(SLICE).replace('{"ints": [1, 2]}', '&a {"ints": [1, 2]}').replace('{"int": 1}', "*a")
    objects = api.loads("# YAML\n" + text, strict=False, validate=False, release=release("1.35"))
    assert len(objects.ignored_fields) == 3
    empty = api.resource.DeviceAttribute()
    assert objects.slices[0].spec.devices[0].attributes == {"pair": empty, "one": empty}


def test_a_version_that_a_release_does_not_serve_is_refused_in_fast_lists() -> None:
    """Taint rules are in v1 from 1.37 on."""
    rule = {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceTaintRule", "metadata": {"name": "r"}, "spec": {}}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [rule]})
    with pytest.raises(
        InputError, match=r"1\.36 serves no DeviceTaintRule in resource\.k8s\.io/v1; write it in v1beta2"
    ):
        api.loads(text, validate=False, release=release("1.36"))
    assert len(api.loads(text, validate=False).taint_rules) == 1


@pytest.mark.parametrize("value", [None, [], [{"name": "a.b/c", "expression": "'x'"}]])
def test_a_field_that_a_release_lacks_says_nothing_of_a_request(value: object) -> None:
    """In v1beta1 any field of a request makes it ask by itself; one that is unknown does not."""
    request = {"name": "r", "derivedAttributes": value, "firstAvailable": [{"name": "a", "deviceClassName": "gpu"}]}
    claim = {"kind": "ResourceClaim", "metadata": {"name": "c"}, "spec": {"devices": {"requests": [request]}}}
    text = json.dumps({"apiVersion": "resource.k8s.io/v1beta1", **claim})
    objects = api.loads(text, strict=False, release=release("1.36"))
    assert [note.path for note in objects.ignored_fields] == ["spec.devices.requests[0].derivedAttributes"]
    assert objects.claims[0].spec.devices.requests[0].exactly is None
    with pytest.raises(InputError, match="unknown field 'derivedAttributes' in Kubernetes 1.36"):
        api.loads(text, release=release("1.36"))
