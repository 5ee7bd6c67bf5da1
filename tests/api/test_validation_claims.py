"""Validation of claims, templates, classes and taint rules."""

from __future__ import annotations

import copy
import json
import sys
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from drapolicy.api.core import Namespace
from drapolicy.api.defaults import apply_defaults
from drapolicy.api.load import loads
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    DeviceClass,
    DeviceClassConfiguration,
    DeviceClassSpec,
    DeviceTaintRule,
    OpaqueDeviceConfiguration,
    ResourceClaim,
    ResourceClaimTemplate,
)
from drapolicy.api.validation import examine, validate
from drapolicy.errors import InputError
from drapolicy.release import release

KINDS: Any = DeviceClass | DeviceTaintRule | ResourceClaim | ResourceClaimTemplate


def read(document: Any) -> Any:
    return apply_defaults(msgspec.convert(document, KINDS, dec_hook=lambda _, text: Quantity(text)))


def changed(document: Any, path: str, value: Any) -> Any:
    """Return a copy with the value at a path such as ``spec/devices/0`` set."""
    result = copy.deepcopy(document)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place = result
    for step in steps:
        place = place[step] if isinstance(place, list) else place.setdefault(step, {})
    place[last] = value
    return result


def request(name: str = "r", **fields: Any) -> Any:
    return {"name": name, "exactly": {"deviceClassName": "gpu.x"} | fields}


def choice(*names: str) -> Any:
    return {"name": "f", "firstAvailable": [{"name": name, "deviceClassName": "gpu.x"} for name in names]}


OPAQUE = {"driver": "gpu.x", "parameters": {"a": 1}}
RESULT = {"request": "r", "driver": "gpu.x", "pool": "n1", "device": "gpu-0"}
SHARE = "01234567-89ab-cdef-0123-456789abcdef"
USER = {"resource": "pods", "name": "p", "uid": "u"}
CLAIM: Any = {
    "kind": "ResourceClaim",
    "metadata": {"name": "c"},
    "spec": {"devices": {"requests": [request(), choice("a", "b")]}},
}
ALLOCATED = changed(CLAIM, "status/allocation/devices/results", [RESULT])
REPORTED = changed(ALLOCATED, "status/devices", [{"driver": "gpu.x", "pool": "n1", "device": "gpu-0"}])
TEMPLATE: Any = {"kind": "ResourceClaimTemplate", "metadata": {"name": "t"}, "spec": {"spec": CLAIM["spec"]}}
CLASS: Any = {"kind": "DeviceClass", "metadata": {"name": "gpu.x"}}
RULE: Any = {"kind": "DeviceTaintRule", "metadata": {"name": "r"}, "spec": {"taint": {"key": "a", "effect": "None"}}}
MATCH = {"matchAttribute": "gpu.x/numa"}

VALID: dict[str, Any] = {
    "claim": CLAIM,
    "no requests": changed(CLAIM, "spec/devices/requests", []),
    "all": changed(CLAIM, "spec/devices/requests", [request(allocationMode="All")]),
    "references": changed(CLAIM, "spec/devices/constraints", [MATCH | {"requests": ["r", "f", "f/a"]}]),
    "longest expression": changed(CLASS, "spec/selectors", [{"cel": {"expression": "x" * 10240}}]),
    "allocated": changed(ALLOCATED, "status/reservedFor", [USER]),
    "reported": changed(REPORTED, "status/devices/0/networkData", {"ips": ["10.0.0.1/24"], "interfaceName": "eth0"}),
    "share": changed(
        changed(REPORTED, "status/devices/0/shareID", SHARE), "status/allocation/devices/results/0/shareID", SHARE
    ),
    "derived": changed(
        changed(CLAIM, "spec/devices/constraints", [MATCH | {"requests": ["r"]}]),
        "spec/devices/requests/0/exactly/derivedAttributes",
        [{"name": "gpu.x/numa", "expression": "1"}],
    ),
    "template": changed(TEMPLATE, "spec/metadata", {"labels": {"a": "b"}, "annotations": {"c": "d"}}),
    "class": changed(CLASS, "spec/extendedResourceName", "example.com/gpu"),
    "rule": changed(RULE, "spec/deviceSelector", {}),
}


@pytest.mark.parametrize("name", VALID)
def test_valid_objects_have_no_fault(name):
    """What the API server accepts is accepted."""
    assert validate(read(VALID[name])) == []


R0 = "spec/devices/requests/0/exactly"
P0 = "spec.devices.requests[0].exactly"
S0 = "status/allocation/devices/results/0"
INVALID: list[tuple[Any, str, Any, str, str]] = [
    (CLAIM, "metadata/namespace", "A", "metadata.namespace", "DNS label"),
    (CLAIM, "spec/devices/requests", [request()] * 2, "spec.devices.requests[1].name", "repeats"),
    (CLAIM, "spec/devices/requests", [request(f"r{n}") for n in range(33)], "spec.devices.requests", "at most 32"),
    (CLAIM, "spec/devices/requests/0/name", "r/s", "spec.devices.requests[0].name", "DNS label"),
    (CLAIM, "spec/devices/requests/0", {"name": "r"}, "spec.devices.requests[0]", "firstAvailable"),
    (
        CLAIM,
        "spec/devices/requests/0",
        request() | {"firstAvailable": choice("a")["firstAvailable"]},
        "spec.devices.requests[0]",
        "in firstAvailable",
    ),
    (CLAIM, "spec/devices/requests/1", choice("a", "a"), "spec.devices.requests[1].firstAvailable[1].name", "repeats"),
    (CLAIM, "spec/devices/requests/1", choice(*"abcdefghi"), "spec.devices.requests[1].firstAvailable", "at most 8"),
    (CLAIM, f"{R0}/deviceClassName", "", f"{P0}.deviceClassName", "required"),
    (CLAIM, f"{R0}/deviceClassName", "GPU", f"{P0}.deviceClassName", "'GPU'"),
    (CLAIM, f"{R0}/allocationMode", "Some", f"{P0}.allocationMode", "'Some'"),
    (CLAIM, R0, {"deviceClassName": "a", "allocationMode": "All", "count": 1}, f"{P0}.count", "All"),
    (CLAIM, f"{R0}/count", -1, f"{P0}.count", "-1"),
    (CLAIM, f"{R0}/selectors", [{}], f"{P0}.selectors[0].cel", "required"),
    (CLAIM, f"{R0}/selectors", [{"cel": {"expression": ""}}], f"{P0}.selectors[0].cel.expression", "required"),
    (CLAIM, f"{R0}/selectors", [{"cel": {"expression": "é" * 5121}}], f"{P0}.selectors[0].cel.expression", "10242"),
    (CLAIM, f"{R0}/selectors", [{"cel": {"expression": "true"}}] * 33, f"{P0}.selectors", "at most 32"),
    (CLAIM, f"{R0}/tolerations", [{}] * 17, f"{P0}.tolerations", "at most 16"),
    (CLAIM, f"{R0}/tolerations", [{"operator": "Is"}], f"{P0}.tolerations[0].operator", "'Is'"),
    (CLAIM, f"{R0}/tolerations", [{"operator": "Exists", "value": "a"}], f"{P0}.tolerations[0].value", "Exists"),
    (CLAIM, f"{R0}/tolerations", [{"value": "a b"}], f"{P0}.tolerations[0].value", "'a b'"),
    (CLAIM, f"{R0}/tolerations", [{"key": "a b"}], f"{P0}.tolerations[0].key", "'a b'"),
    (CLAIM, f"{R0}/tolerations", [{"effect": "Evict"}], f"{P0}.tolerations[0].effect", "'Evict'"),
    (CLAIM, f"{R0}/capacity", {"requests": {"a-b": "1"}}, f'{P0}.capacity.requests["a-b"]', "qualified name"),
    (
        CLAIM,
        f"{R0}/derivedAttributes",
        [{"name": "gpu.x/numa", "expression": "1"}],
        f"{P0}.derivedAttributes[0].name",
        "no constraint",
    ),
    (CLAIM, "spec/devices/constraints", [MATCH] * 33, "spec.devices.constraints", "at most 32"),
    (CLAIM, "spec/devices/constraints", [{}], "spec.devices.constraints[0]", "exactly one"),
    (
        CLAIM,
        "spec/devices/constraints",
        [{"matchAttribute": "numa"}],
        "spec.devices.constraints[0].matchAttribute",
        "lacks a domain",
    ),
    (CLAIM, "spec/devices/config", [{}], "spec.devices.config[0].opaque", "required"),
    (CLAIM, "spec/devices/config", [{"opaque": OPAQUE}] * 33, "spec.devices.config", "at most 32"),
    (CLAIM, "status/reservedFor", [USER], "status.reservedFor", "not allocated"),
    (ALLOCATED, "status/reservedFor", [USER] * 2, "status.reservedFor[1].uid", "repeats"),
    (ALLOCATED, "status/reservedFor", [USER | {"uid": ""}], "status.reservedFor[0].uid", "required"),
    (
        ALLOCATED,
        "status/reservedFor",
        [USER | {"uid": str(n)} for n in range(257)],
        "status.reservedFor",
        "at most 256",
    ),
    (ALLOCATED, f"{S0}/request", "x", "status.allocation.devices.results[0].request", "use one of r, f, f/a, f/b"),
    (ALLOCATED, f"{S0}/driver", "", "status.allocation.devices.results[0].driver", "required"),
    (ALLOCATED, f"{S0}/shareID", SHARE.upper(), "status.allocation.devices.results[0].shareID", "UUID"),
    (
        ALLOCATED,
        f"{S0}/bindingConditions",
        ["a"],
        "status.allocation.devices.results[0].bindingFailureConditions",
        "together",
    ),
    (ALLOCATED, "status/allocation/devices/results", [RESULT] * 33, "status.allocation.devices.results", "at most 32"),
    (
        ALLOCATED,
        "status/allocation/devices/config",
        [{"source": "FromPod", "opaque": OPAQUE}],
        "status.allocation.devices.config[0].source",
        "'FromPod'",
    ),
    (
        ALLOCATED,
        "status/allocation/nodeSelector",
        {"nodeSelectorTerms": []},
        "status.allocation.nodeSelector.nodeSelectorTerms",
        "at least one",
    ),
    (REPORTED, "status/devices/0/device", "gpu-1", "status.devices[0]", "not allocated"),
    (REPORTED, "status/devices/0/shareID", SHARE, "status.devices[0]", "not allocated"),
    (REPORTED, "status/devices", REPORTED["status"]["devices"] * 2, "status.devices[1]", "repeats"),
    (REPORTED, "status/devices/0/data", [1], "status.devices[0].data", "JSON object"),
    (REPORTED, "status/devices/0/networkData", {"ips": ["::1"]}, "status.devices[0].networkData.ips[0]", "prefix"),
    (
        REPORTED,
        "status/devices/0/networkData",
        {"interfaceName": "a" * 257},
        "status.devices[0].networkData.interfaceName",
        "257 bytes",
    ),
    (
        REPORTED,
        "status/devices/0/conditions",
        [{"type": "Ready", "status": "Yes", "reason": "A"}],
        "status.devices[0].conditions[0].status",
        "'Yes'",
    ),
    (TEMPLATE, "spec/metadata", {"name": "x"}, "spec.metadata.name", "only labels and annotations"),
    (TEMPLATE, "spec/metadata", {"labels": {"a": "b c"}}, 'spec.metadata.labels["a"]', "label value"),
    (TEMPLATE, "spec/spec/devices/requests", [request("R")], "spec.spec.devices.requests[0].name", "'R'"),
    (CLASS, "metadata/name", "GPU", "metadata.name", "'GPU'"),
    (CLASS, "metadata/namespace", "default", "metadata.namespace", "cluster-scoped"),
    (CLASS, "spec/selectors", [{}], "spec.selectors[0].cel", "required"),
    (CLASS, "spec/config", [{"opaque": {"driver": "gpu.x"}}], "spec.config[0].opaque.parameters", "required"),
    (CLASS, "spec/config", [{"opaque": OPAQUE | {"parameters": []}}], "spec.config[0].opaque.parameters", "object"),
    (
        CLASS,
        "spec/config",
        [{"opaque": OPAQUE | {"parameters": {"a": "b" * 10240}}}],
        "spec.config[0].opaque.parameters",
        "10248 bytes",  # {"a":"..."} adds eight
    ),
    *(
        (
            CLASS,
            "spec/config",
            [{"opaque": OPAQUE | {"parameters": {"a": [{"b": number}]}}}],
            "spec.config[0].opaque.parameters",
            "float",
        )
        for number in (10**309, -(10**400), Decimal("1E+309"))
    ),
    (CLASS, "spec/extendedResourceName", "gpu", "spec.extendedResourceName", "'gpu'"),
    (RULE, "spec/taint", {"effect": "None"}, "spec.taint.key", "required"),
    (RULE, "spec/taint", {"key": "a"}, "spec.taint.effect", "required"),
    (RULE, "spec/deviceSelector", {"pool": "A"}, "spec.deviceSelector.pool", "'A'"),
    (RULE, "spec/deviceSelector", {"driver": ""}, "spec.deviceSelector.driver", "required"),
    (
        RULE,
        "status/conditions",
        [{"type": f"t{n}", "status": "True", "reason": "A"} for n in range(9)],
        "status.conditions",
        "at most 8",
    ),
]
REFERENCES = [("x", "'x'"), ("r/a", "'r/a'"), ("f/c", "'f/c'"), ("f/a/b", "'f/a/b'"), ("", "''")]
INVALID += [
    (CLAIM, "spec/devices/constraints", [MATCH | {"requests": [name]}], "spec.devices.constraints[0].requests[0]", text)
    for name, text in REFERENCES
]
INVALID += [
    (
        CLAIM,
        "spec/devices/config",
        [{"opaque": OPAQUE, "requests": ["r", "r"]}],
        "spec.devices.config[0].requests[1]",
        "repeats",
    )
]


@pytest.mark.parametrize("row", INVALID, ids=[f"{row[3]}: {row[4]}"[-60:] for row in INVALID])
def test_one_wrong_value_gives_one_fault_at_its_path(row):
    """Each rule of A.2 and A.3 names object, field and value, and nothing else is blamed."""
    document, place, value, path, text = row
    faults = validate(read(changed(document, place, value)))
    assert [fault.path for fault in faults] == [path]
    assert text in faults[0].message
    assert faults[0].object.startswith(document["kind"])


def test_a_missing_namespace_is_a_fault_unless_the_defaults_fill_it():
    """The API server has no default namespace; kubectl has."""
    claim = msgspec.convert(CLAIM, ResourceClaim)
    assert "metadata.namespace" in [fault.path for fault in validate(claim)]
    assert validate(apply_defaults(claim)) == []


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def configured(parameters: Any) -> DeviceClass:
    opaque = OpaqueDeviceConfiguration(driver="gpu.x", parameters=parameters)
    spec = DeviceClassSpec(config=[DeviceClassConfiguration(opaque=opaque)])
    return DeviceClass(metadata=ObjectMeta(name="c"), spec=spec)


@pytest.mark.parametrize(
    "parameters", [{"a": "\ud800"}, {"a": object()}, nested(100_000)], ids=["text", "type", "depth"]
)
def test_parameters_that_are_no_json_are_a_fault(parameters):
    """Objects built in Python may hold anything, and validation answers instead of crashing."""
    assert [fault.path for fault in validate(configured(parameters))] == ["spec.config[0].opaque.parameters"]


def test_kinds_without_rules_pass():
    """Only objects of the resource group are validated here."""
    assert validate(Namespace()) == []


def test_the_largest_float_is_no_fault_in_parameters():
    """The API server reads numbers of parameters as 64-bit floats, which round down what is just above the largest."""
    largest = int(sys.float_info.max)
    assert validate(configured({"a": [largest, -largest - 10**290, True, 1.5]})) == []


def test_a_distinct_attribute_beside_a_match_attribute_is_noted():
    """Every API server lets both stand and goes by the match attribute alone, whatever the other holds."""
    claim = read(changed(CLAIM, "spec/devices/constraints", [MATCH | {"distinctAttribute": "no domain"}]))
    report = examine(claim, release())
    assert report.faults == []
    assert [note.path for note in report.notes] == ["spec.devices.constraints[0].distinctAttribute"]


def test_a_request_for_nothing_is_told_in_words_of_every_version():
    """v1beta1 has no field ``exactly``, so the message names none."""
    asks_nothing = changed(CLAIM, "spec/devices/requests", [{"name": "r"}])
    for version in ("v1", "v1beta1"):
        with pytest.raises(InputError) as raised:
            loads(json.dumps(asks_nothing | {"apiVersion": f"resource.k8s.io/{version}"}))
        (fault,) = raised.value.faults
        assert fault.path == "spec.devices.requests[0]"
        assert "exactly" not in fault.message
