"""The shapes that v1beta1 has otherwise than v1, and where faults of its documents are told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from drapolicy import api
from drapolicy.api import admission
from drapolicy.api.values import Doubled
from drapolicy.api.versions import v1beta1
from drapolicy.errors import InputError


def a_slice(*devices: Any, **spec: Any) -> dict[str, Any]:
    return {"kind": "ResourceSlice", "spec": {"driver": "gpu.example.com", "devices": list(devices), **spec}}


def a_claim(*requests: Any) -> dict[str, Any]:
    return {"kind": "ResourceClaim", "spec": {"devices": {"requests": list(requests)}}}


def a_template(*requests: Any) -> dict[str, Any]:
    return {"kind": "ResourceClaimTemplate", "spec": {"spec": {"devices": {"requests": list(requests)}}}}


def to_v1(doc: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the document, which must stay as it was, and the faults, unknown fields among them."""
    faults: list[tuple[str, str]] = []
    before = copy.deepcopy(doc)
    made = v1beta1.to_v1(doc, lambda *fault: faults.append(fault), lambda *fault: faults.append(fault))
    assert doc == before
    return made, faults


def from_v1(doc: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    refused: list[str] = []
    before = copy.deepcopy(doc)
    made = v1beta1.from_v1(doc, lambda path, _: refused.append(path))
    assert doc == before
    return made, refused


# v1beta1 and v1 of the same
PAIRS = {
    "device": (
        a_slice({"name": "gpu-0", "basic": {"attributes": {"name": {"string": "x"}}, "capacity": {}}}),
        a_slice({"name": "gpu-0", "attributes": {"name": {"string": "x"}}, "capacity": {}}),
    ),
    "device without anything": (a_slice({"name": "gpu-0", "basic": {}}), a_slice({"name": "gpu-0"})),
    "slice without devices": (a_slice(allNodes=True), a_slice(allNodes=True)),
    "exact request": (
        a_claim({"name": "r", "deviceClassName": "c", "allocationMode": "All", "adminAccess": True}),
        a_claim({"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All", "adminAccess": True}}),
    ),
    "alternatives": (
        a_claim({"name": "r", "firstAvailable": [{"name": "s", "deviceClassName": "c"}]}),
        a_claim({"name": "r", "firstAvailable": [{"name": "s", "deviceClassName": "c"}]}),
    ),
    "both": (
        a_claim({"name": "r", "firstAvailable": [{"name": "s"}], "count": 2}),
        a_claim({"name": "r", "firstAvailable": [{"name": "s"}], "exactly": {"count": 2}}),
    ),
    "neither": (a_claim({"name": "r"}), a_claim({"name": "r"})),
    "exactly that is empty": (
        a_claim({"name": "r", "selectors": []}),
        a_claim({"name": "r", "exactly": {"selectors": []}}),
    ),
    "template": (
        a_template({"name": "r", "deviceClassName": "c"}),
        a_template({"name": "r", "exactly": {"deviceClassName": "c"}}),
    ),
    "class": ({"kind": "DeviceClass", "spec": {}}, {"kind": "DeviceClass", "spec": {}}),
}


@pytest.mark.parametrize("name", PAIRS)
def test_each_shape_has_its_other(name: str) -> None:
    """Both ways, and nothing is refused."""
    old, new = PAIRS[name]
    assert to_v1(old) == (new, [])
    assert from_v1(new) == (old, [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (a_slice({"name": "d"}), a_slice({"name": "d"})),
        (a_slice({"name": "d", "basic": None}), a_slice({"name": "d"})),
        (a_slice({"name": None, "basic": {"capacity": None}}), a_slice({})),
        (a_slice(nodeName="", allNodes=False), a_slice()),
        (a_claim({"name": "r", "deviceClassName": "", "count": 0, "allocationMode": ""}), a_claim({"name": "r"})),
        (a_claim({"name": "r", "selectors": None, "capacity": None}), a_claim({"name": "r"})),
        (
            a_claim({"name": "r", "deviceClassName": "", "tolerations": []}),
            a_claim({"name": "r", "exactly": {"deviceClassName": "", "tolerations": []}}),
        ),
    ],
)
def test_what_is_zero_in_v1beta1_is_unset(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Strings and numbers say nothing when zero, lists do when empty, null never does."""
    assert to_v1(old) == (new, [])


def test_an_exactly_without_fields_is_kept() -> None:
    """Of all that v1beta1 could write only an empty list tells it from none at all."""
    made, refused = from_v1(a_claim({"name": "r", "exactly": {}}))
    assert (made, refused) == (a_claim({"name": "r", "selectors": []}), [])
    assert to_v1(made)[0]["spec"]["devices"]["requests"][0]["exactly"] == {"selectors": []}


def test_what_v1beta1_takes_for_unset_is_refused() -> None:
    """An empty node name and a false allNodes would come back as none."""
    assert from_v1(a_slice(nodeName="", allNodes=False))[1] == ["spec.nodeName", "spec.allNodes"]
    assert from_v1(a_slice({"name": "d", "allNodes": False, "nodeName": ""}))[1] == []


@pytest.mark.parametrize(
    ("doc", "path", "message"),
    [
        (a_slice({"name": "d", "attributes": {}}), "spec.devices[0].attributes", "v1beta1 has it in basic"),
        (a_slice({"name": "d", "basik": {}}), "spec.devices[0].basik", "did you mean basic?"),
        (a_slice({}, {"basic": {"name": "d"}}), "spec.devices[1].basic.name", "unknown field 'name'"),
        (a_slice({"basic": {"atributes": {}}}), "spec.devices[0].basic.atributes", "did you mean attributes?"),
        (a_slice({"basic": [1]}), "spec.devices[0].basic", "must be an object, not a list"),
        (a_claim({"exactly": {}}), "spec.devices.requests[0].exactly", "v1beta1 has its fields in the request itself"),
        (a_template({"counts": 2}), "spec.spec.devices.requests[0].counts", "did you mean count?"),
    ],
)
def test_fields_out_of_place_are_named_where_they_stand(doc: dict[str, Any], path: str, message: str) -> None:
    """Whoever wrote a field of v1 into v1beta1 is told where it belongs."""
    ((found, text),) = to_v1(doc)[1]
    assert found == path
    assert message in text


def test_keys_given_twice_are_seen_in_what_is_taken_apart() -> None:
    """Moving fields must not hide that one stood there twice."""
    device, basic = Doubled({"name": "d"}), Doubled({"allNodes": True})
    device.keys_twice, basic.keys_twice = ("name",), ("allNodes",)
    device["basic"] = basic
    faults = to_v1(a_slice(device))[1]
    assert [path for path, _ in faults] == ["spec.devices[0].name", "spec.devices[0].basic.allNodes"]


@pytest.mark.parametrize("kind", ["ResourceSlice", "ResourceClaim", "ResourceClaimTemplate"])
@pytest.mark.parametrize("spec", [None, 3, [], {"devices": 3}, {"devices": None}, {"spec": {"devices": [3, None]}}])
def test_wrong_shapes_stay_for_the_reader(kind: str, spec: Any) -> None:
    """What is no list of objects is handed on as it is."""
    doc = {"kind": kind, "spec": spec}
    assert to_v1(doc) == (doc, [])


HEAD = "apiVersion: resource.k8s.io/v1beta1\nkind: {}\nmetadata: {{name: a}}\nspec:\n"
SLICE = HEAD.format("ResourceSlice") + (
    "  driver: gpu.example.com\n  nodeName: node-1\n  pool: {name: p, generation: 1, resourceSliceCount: 1}\n"
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            SLICE + "  devices: [{name: d, basic: {attributes: {model: {int: x}}}}]",
            'spec.devices[0].basic.attributes["model"].int',
        ),
        (
            SLICE + "  devices: [{name: d, basic: {attributes: {model: {strng: x}}}}]",
            'spec.devices[0].basic.attributes["model"].strng',
        ),
        (
            SLICE + "  devices: [{name: d, basic: {attributes: {model: {}}}}]",
            'spec.devices[0].basic.attributes["model"]',
        ),
        (SLICE + "  devices: [{name: D, basic: {}}]", "spec.devices[0].name"),
        (
            HEAD.format("ResourceClaim") + "  devices: {requests: [{name: r, deviceClassName: c, count: -1}]}",
            "spec.devices.requests[0].count",
        ),
        (
            HEAD.format("ResourceClaim") + "  devices: {requests: [{name: r, count: x, deviceClassName: c}]}",
            "spec.devices.requests[0].count",
        ),
        (
            HEAD.format("ResourceClaim") + "  devices: {requests: [{name: r, count: false, deviceClassName: c}]}",
            "spec.devices.requests[0].count",
        ),
        (
            HEAD.format("ResourceClaimTemplate")
            + "  spec: {devices: {requests: [{name: r, deviceClassName: c, tolerations: [{effect: x, operator: Exists}]}]}}",
            "spec.spec.devices.requests[0].tolerations[0].effect",
        ),
    ],
)
def test_faults_name_the_field_as_it_is_written(text: str, path: str) -> None:
    """Reading and validating look at v1; who wrote v1beta1 gets paths of v1beta1."""
    with pytest.raises(InputError) as caught:
        api.loads(text)
    assert [fault.path for fault in caught.value.faults] == [path]


def test_faults_of_the_whole_input_name_the_field_as_it_is_written() -> None:
    """Admin access depends on the namespace, so it is looked at when all is read."""
    text = (
        HEAD.format("ResourceClaim")
        + "  devices: {requests: [{name: r, deviceClassName: c, adminAccess: true}]}\n---\n"
        + "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"
    )
    objects = api.loads(text)
    (fault,) = objects.located(admission.check(objects))
    assert fault.path == "spec.devices.requests[0].adminAccess"
