"""Validation of resource slices."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceAttribute, ResourcePool, ResourceSlice
from drapolicy.api.validation import validate
from drapolicy.api.validation.report import Report
from drapolicy.api.validation.screen import devices_pass
from drapolicy.api.validation.slices import check_devices
from drapolicy.release import release

UNSET = object()


def read(document: Any) -> ResourceSlice:
    return msgspec.convert({"kind": "ResourceSlice"} | document, ResourceSlice, dec_hook=lambda _, text: Quantity(text))


def changed(document: Any, path: str, value: Any) -> Any:
    """Return a copy with the value at a path such as ``spec/devices/0/name`` replaced, or removed."""
    result = copy.deepcopy(document)
    *steps, last = [int(step) if step.isdigit() else step.replace("~", "/") for step in path.split("/")]
    place = result
    for step in steps:
        place = place[step] if isinstance(place, list) else place.setdefault(step, {})
    if value is UNSET:
        del place[last]
    else:
        place[last] = value
    return result


def device(name: str = "gpu-0", **fields: Any) -> dict[str, Any]:
    return {"name": name, "attributes": {"model": {"string": "a"}}, "capacity": {"memory": {"value": "80Gi"}}} | fields


PLAIN: Any = {
    "metadata": {"name": "s"},
    "spec": {
        "driver": "gpu.x",
        "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1},
        "nodeName": "n1",
        "devices": [device()],
    },
}
SHARED = changed(
    changed(PLAIN, "spec/devices", UNSET), "spec/sharedCounters", [{"name": "c", "counters": {"m": {"value": "1"}}}]
)
SHAREABLE = changed(PLAIN, "spec/devices/0/allowMultipleAllocations", True)
PER_DEVICE = changed(
    changed(changed(PLAIN, "spec/nodeName", UNSET), "spec/perDeviceNodeSelection", True),
    "spec/devices/0/nodeName",
    "n1",
)
CONSUMES = [{"counterSet": "c", "counters": {"m": {"value": "1"}}}]
TAINT = {"key": "a", "effect": "NoSchedule"}
TERM = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
MEMORY = "spec/devices/0/capacity/memory/requestPolicy"
RANGE = {"default": "1Gi", "validRange": {"min": "1Gi", "step": "1Gi", "max": "8Gi"}}


def selector(**requirement: Any) -> Any:
    return {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]} | requirement]}]
    }


def with_selector(value: Any) -> Any:
    return changed(changed(PLAIN, "spec/nodeName", UNSET), "spec/nodeSelector", value)


def devices(count: int, **fields: Any) -> list[Any]:
    return [device(f"gpu-{index}", **fields) for index in range(count)]


VALID = {
    "plain": PLAIN,
    "counters": SHARED,
    "shareable": SHAREABLE,
    "per device": PER_DEVICE,
    "generated name": changed(PLAIN, "metadata", {"generateName": "n1-"}),
    "128 devices": changed(PLAIN, "spec/devices", devices(128)),
    "64 devices with taints": changed(PLAIN, "spec/devices", devices(64, taints=[TAINT])),
    "selector": with_selector(selector()),
    "field": with_selector(
        {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}
    ),
    "consumption": changed(PLAIN, "spec/devices/0/consumesCounters", CONSUMES),
    "range": changed(SHAREABLE, MEMORY, RANGE),
    "fractional range": changed(
        SHAREABLE, MEMORY, {"default": "500m", "validRange": {"min": "500m", "step": "250m", "max": "2"}}
    ),
    "values": changed(SHAREABLE, MEMORY, {"default": "2Gi", "validValues": ["1Gi", "2Gi", "80Gi"]}),
    "binding": changed(
        changed(PLAIN, "spec/devices/0/bindingConditions", ["a"]), "spec/devices/0/bindingFailureConditions", ["b"]
    ),
    "no devices": changed(PLAIN, "spec/devices", []),
    "name in both forms": changed(PLAIN, "spec/devices/0/attributes/gpu.x~model", {"string": "b"}),
    "list": changed(PLAIN, "spec/devices/0/attributes/model", {"ints": list(range(48))}),
    "longest text": changed(PLAIN, "spec/devices/0/attributes/model", {"string": "é" * 32}),
    "node resource": changed(
        PLAIN,
        "spec/devices/0/nodeAllocatableResources",
        {"memory": {"mapping": {"capacityKey": "memory", "capacityMultiplier": "1"}, "overhead": {"perPod": "0"}}},
    ),
}


@pytest.mark.parametrize("name", VALID)
def test_valid_slices_have_no_fault(name):
    """What the API server accepts is accepted."""
    assert validate(read(VALID[name])) == []


D0 = "spec/devices/0"
# Document, place and value of the change, path of the one fault, words of its message.
INVALID: list[tuple[Any, str, Any, str, str]] = [
    (PLAIN, "metadata/name", "", "metadata.name", "required"),
    (PLAIN, "metadata/name", "Slice", "metadata.name", "'Slice'"),
    (PLAIN, "metadata", {"generateName": "N-"}, "metadata.generateName", "'N-'"),
    (PLAIN, "metadata/namespace", "default", "metadata.namespace", "cluster-scoped"),
    (PLAIN, "metadata/labels", {"a b": "c"}, 'metadata.labels["a b"]', "label key"),
    (PLAIN, "metadata/labels", {"a": "b c"}, 'metadata.labels["a"]', "label value"),
    (PLAIN, "metadata/annotations", {"a/b/c": ""}, 'metadata.annotations["a/b/c"]', "label key"),
    (PLAIN, "metadata/annotations", {"a": "b" * 262144}, "metadata.annotations", "262145 bytes"),
    (PLAIN, "metadata/finalizers", [""], "metadata.finalizers[0]", "required"),
    (PLAIN, "spec/driver", "", "spec.driver", "required"),
    (PLAIN, "spec/driver", "a" * 64, "spec.driver", "63"),
    (PLAIN, "spec/pool/name", "a//b", "spec.pool.name", "'a//b'"),
    (PLAIN, "spec/pool/generation", -1, "spec.pool.generation", "-1"),
    (PLAIN, "spec/pool/resourceSliceCount", 0, "spec.pool.resourceSliceCount", "0"),
    (PLAIN, "spec/nodeName", UNSET, "spec", "exactly one"),
    (PLAIN, "spec/nodeName", "N1", "spec.nodeName", "'N1'"),
    (PLAIN, "spec/allNodes", True, "spec", "nodeName and allNodes"),
    (PLAIN, "spec/allNodes", False, "spec.allNodes", "false"),
    (PLAIN, "spec/perDeviceNodeSelection", False, "spec.perDeviceNodeSelection", "false"),
    (
        with_selector({"nodeSelectorTerms": []}),
        "spec/driver",
        "gpu.x",
        "spec.nodeSelector.nodeSelectorTerms",
        "0 terms",
    ),
    (
        with_selector({"nodeSelectorTerms": [TERM, TERM]}),
        "spec/driver",
        "gpu.x",
        "spec.nodeSelector.nodeSelectorTerms",
        "2 terms",
    ),
    (SHARED, "spec/devices", [device()], "spec", "of their own"),
    (SHARED, "spec/sharedCounters", SHARED["spec"]["sharedCounters"] * 2, "spec.sharedCounters[1].name", "repeats"),
    (SHARED, "spec/sharedCounters/0/name", "C", "spec.sharedCounters[0].name", "'C'"),
    (SHARED, "spec/sharedCounters/0/counters", {}, "spec.sharedCounters[0].counters", "at least one"),
    (SHARED, "spec/sharedCounters/0/counters/M", {"value": "1"}, 'spec.sharedCounters[0].counters["M"]', "'M'"),
    (
        SHARED,
        "spec/sharedCounters/0/counters",
        {f"m{index}": {"value": "1"} for index in range(33)},
        "spec.sharedCounters[0].counters",
        "33 entries; use at most 32",
    ),
    (
        SHARED,
        "spec/sharedCounters",
        [{"name": f"c{index}", "counters": {"m": {"value": "1"}}} for index in range(9)],
        "spec.sharedCounters",
        "at most 8",
    ),
    (PLAIN, "spec/devices", devices(129), "spec.devices", "129 entries; use at most 128"),
    (PLAIN, "spec/devices", [*devices(64), device("t", taints=[TAINT])], "spec.devices", "at most 64"),
    (PLAIN, "spec/devices", [*devices(64), device("t", consumesCounters=CONSUMES)], "spec.devices", "at most 64"),
    (PLAIN, "spec/devices", [*devices(64), device("t", attributes={"a": {"ints": [1]}})], "spec.devices", "at most 64"),
    (PLAIN, "spec/devices", devices(1) * 2, "spec.devices[1].name", "'gpu-0' repeats entry 0"),
    (PLAIN, f"{D0}/name", "GPU", "spec.devices[0].name", "'GPU'"),
    (PLAIN, f"{D0}/attributes", {f"a{index}": {"int": 1} for index in range(32)}, "spec.devices[0]", "at most 32"),
    (PLAIN, f"{D0}/attributes/b", {"ints": [1] * 48}, "spec.devices[0].attributes", "49 values; use at most 48"),
    (PLAIN, f"{D0}/attributes/a-b", {"int": 1}, 'spec.devices[0].attributes["a-b"]', "qualified name"),
    (PLAIN, f"{D0}/capacity/~m", {"value": "1"}, 'spec.devices[0].capacity["/m"]', "qualified name"),
    (PLAIN, f"{D0}/attributes/model", {}, 'spec.devices[0].attributes["model"]', "exactly one"),
    (PLAIN, f"{D0}/attributes/model", {"int": 1, "bool": True}, 'spec.devices[0].attributes["model"]', "int and bool"),
    (PLAIN, f"{D0}/attributes/model", {"string": "é" * 33}, 'spec.devices[0].attributes["model"].string', "66 bytes"),
    (PLAIN, f"{D0}/attributes/model", {"version": "1.0"}, 'spec.devices[0].attributes["model"].version', "semver"),
    (PLAIN, f"{D0}/attributes/model", {"strings": ["a" * 65]}, 'spec.devices[0].attributes["model"].strings[0]', "65"),
    (PLAIN, f"{D0}/attributes/model", {"versions": ["1"]}, 'spec.devices[0].attributes["model"].versions[0]', "'1'"),
    (PLAIN, f"{D0}/taints", [TAINT] * 17, "spec.devices[0].taints", "at most 16"),
    (PLAIN, f"{D0}/taints", [{"key": "a"}], "spec.devices[0].taints[0].effect", "required"),
    (PLAIN, f"{D0}/taints", [TAINT | {"effect": "Evict"}], "spec.devices[0].taints[0].effect", "'Evict'"),
    (PLAIN, f"{D0}/taints", [TAINT | {"key": ""}], "spec.devices[0].taints[0].key", "required"),
    (PLAIN, f"{D0}/taints", [TAINT | {"value": "a b"}], "spec.devices[0].taints[0].value", "'a b'"),
    (PLAIN, f"{D0}/nodeName", "n1", "spec.devices[0].nodeName", "perDeviceNodeSelection"),
    (PLAIN, f"{D0}/allNodes", False, "spec.devices[0].allNodes", "perDeviceNodeSelection"),
    (PER_DEVICE, f"{D0}/nodeName", UNSET, "spec.devices[0]", "exactly one"),
    (PER_DEVICE, f"{D0}/allNodes", True, "spec.devices[0]", "nodeName and allNodes"),
    (PLAIN, f"{D0}/consumesCounters", CONSUMES * 2, "spec.devices[0].consumesCounters[1].counterSet", "repeats"),
    (PLAIN, f"{D0}/consumesCounters", CONSUMES * 3, "spec.devices[0].consumesCounters", "at most 2"),
    (
        PLAIN,
        f"{D0}/consumesCounters",
        [CONSUMES[0] | {"counters": {}}],
        "spec.devices[0].consumesCounters[0].counters",
        "at least one",
    ),
    (
        PLAIN,
        f"{D0}/consumesCounters",
        [CONSUMES[0] | {"compatibilityGroups": ["a", "a"]}],
        "spec.devices[0].consumesCounters[0].compatibilityGroups[1]",
        "repeats",
    ),
    (PLAIN, f"{D0}/bindingConditions", ["a"], "spec.devices[0].bindingFailureConditions", "together"),
    (PLAIN, f"{D0}/bindingFailureConditions", ["a"], "spec.devices[0].bindingConditions", "together"),
    (VALID["binding"], f"{D0}/bindingConditions", ["a", "a"], "spec.devices[0].bindingConditions[1]", "repeats"),
    (VALID["binding"], f"{D0}/bindingConditions", ["b"], "spec.devices[0].bindingFailureConditions[0]", "too"),
    (VALID["binding"], f"{D0}/bindingConditions", list("acdef"), "spec.devices[0].bindingConditions", "at most 4"),
    (PLAIN, "spec/skipNodeOperations", ["NodePrepareResources"], "spec.skipNodeOperations", "alone"),
    (PLAIN, "spec/skipNodeOperations", ["x"], "spec.skipNodeOperations[0]", "'x'"),
    (PLAIN, "spec/partitionTypeAttribute", "gpu.x/model", "spec.partitionTypeAttribute", "consume counters"),
    (PLAIN, MEMORY, RANGE, 'spec.devices[0].capacity["memory"].requestPolicy', "allowMultipleAllocations"),
]
SELECTORS = [
    (selector(key=""), "key", "required"),
    (selector(operator="Is"), "operator", "'Is'"),
    (selector(values=[]), "values", "at least one"),
    (selector(operator="Exists"), "values", "takes none"),
    (selector(operator="Gt", values=["1", "2"]), "values", "exactly one"),
    (selector(values=["a b"]), "values[0]", "label value"),
]
INVALID += [
    (
        with_selector(made),
        "spec/driver",
        "gpu.x",
        f"spec.nodeSelector.nodeSelectorTerms[0].matchExpressions[0].{path}",
        text,
    )
    for made, path, text in SELECTORS
]
POLICY = 'spec.devices[0].capacity["memory"].requestPolicy'
# The capacity is 80Gi.
POLICIES: list[tuple[Any, str, str]] = [
    (RANGE | {"validValues": ["1Gi"]}, "", "keep one"),
    ({"validValues": ["1Gi"]}, ".default", "required"),
    ({"validRange": {"min": "1Gi"}}, ".default", "required"),
    ({"default": "3Gi", "validValues": ["1Gi", "2Gi"]}, ".validValues", "lacks the default 3Gi"),
    ({"default": "1Gi", "validValues": ["1Gi", "1024Mi"]}, ".validValues[1]", "ascending"),
    ({"default": "1Gi", "validValues": ["2Gi", "1Gi"]}, ".validValues[1]", "ascending"),
    ({"default": "1Gi", "validValues": ["1Gi", "81Gi"]}, ".validValues[1]", "exceeds the capacity"),
    ({"default": "1", "validValues": [str(n) for n in range(1, 12)]}, ".validValues", "at most 10"),
    ({"default": "1Gi", "validRange": {"max": "2Gi"}}, ".validRange.min", "required"),
    ({"default": "81Gi", "validRange": {"min": "81Gi"}}, ".validRange.min", "exceeds"),
    ({"default": "1Gi", "validRange": {"min": "2Gi"}}, ".default", "below min"),
    ({"default": "3Gi", "validRange": {"min": "1Gi", "max": "2Gi"}}, ".default", "above max"),
    ({"default": "1Gi", "validRange": {"min": "1Gi", "max": "81Gi"}}, ".validRange.max", "exceeds"),
    ({"default": "1Gi", "validRange": {"min": "1Gi", "step": "0"}}, ".validRange.step", "not positive"),
    ({"default": "1Gi", "validRange": {"min": "1Gi", "step": "80Gi"}}, ".validRange.step", "beyond the capacity"),
    ({"default": "2Gi", "validRange": {"min": "1Gi", "step": "3Gi"}}, ".default", "number of steps"),
    ({"default": "1Gi", "validRange": {"min": "1Gi", "step": "3Gi", "max": "5Gi"}}, ".validRange.max", "steps"),
    ({"default": "1", "validRange": {"min": "-1", "step": "1"}}, ".validRange.min", "outside"),
    ({"default": "1", "validRange": {"min": "500u", "step": "1"}}, ".validRange.min", "milli units"),
    ({"default": "750m", "validRange": {"min": "1m", "step": "500m"}}, ".default", "number of steps"),
]
INVALID += [(SHAREABLE, MEMORY, policy, POLICY + path, text) for policy, path, text in POLICIES]


@pytest.mark.parametrize("row", INVALID, ids=[f"{row[3]}: {row[4]}"[-60:] for row in INVALID])
def test_one_wrong_value_gives_one_fault_at_its_path(row):
    """Each rule of A.1 and A.3 names object, field and value, and nothing else is blamed."""
    document, place, value, path, text = row
    faults = validate(read(changed(document, place, value)))
    assert [fault.path for fault in faults] == [path]
    assert text in faults[0].message
    assert faults[0].object.startswith("ResourceSlice")


def test_numbers_beyond_64_bits_are_refused_in_slices_built_in_python():
    """The decoder refuses them in texts; the rule holds for objects made otherwise too."""
    made = Device(name="a", attributes={"b": DeviceAttribute(int_value=2**63)})
    spec = replace(
        read(PLAIN).spec, devices=[made], pool=ResourcePool(name="n", generation=2**63, resource_slice_count=1)
    )
    faults = validate(replace(read(PLAIN), spec=spec))
    assert [fault.path for fault in faults] == ["spec.pool.generation", 'spec.devices[0].attributes["b"].int']


def test_all_faults_are_reported_together():
    """A slice with several faults needs one look, not several."""
    document = changed(changed(PLAIN, "spec/driver", ""), "spec/devices", [device("A"), device("B")])
    paths = [fault.path for fault in validate(read(document))]
    assert paths == ["spec.driver", "spec.devices[0].name", "spec.devices[1].name"]


def test_an_empty_node_name_is_no_choice_of_nodes():
    """An empty name is wrong itself, and the choice among the node fields stays open."""
    paths = [fault.path for fault in validate(read(changed(PLAIN, "spec/nodeName", "")))]
    assert paths == ["spec.nodeName", "spec"]


attributes = st.dictionaries(
    st.sampled_from(["model", "gpu.x/model", "a-b", "a/b/c", "", "x" * 33]),
    st.dictionaries(
        st.sampled_from(["int", "bool", "string", "version"]),
        st.sampled_from([1, True, "a", "é" * 33, "a" * 64, "1.2.3", "1.2"]),
        max_size=2,
    ),
    max_size=4,
)
odd_devices = st.builds(
    lambda name, attributes, extra: {"name": name, "attributes": attributes} | extra,
    st.sampled_from(["gpu-0", "gpu-1", "GPU", ""]),
    attributes,
    st.sampled_from(
        [
            {},
            {"nodeName": "n1"},
            {"allNodes": False},
            {"taints": [TAINT]},
            {"taints": [{}]},
            {"consumesCounters": [{}]},
            {"bindingConditions": ["a"]},
            {"bindingFailureConditions": ["a"]},
            {"capacity": {"m": {"value": "1", "requestPolicy": {}}}},
            {"capacity": {"m-": {"value": "1"}}},
            {"capacity": {f"m{index}": {"value": "1"} for index in range(32)}},
            {"nodeAllocatableResources": {"cpu": {}}},
            {"nodeSelector": {}},
            {"attributes": {"a": {"ints": [1]}}},
        ]
    ),
)


@given(st.lists(odd_devices, max_size=3), st.booleans())
def test_the_screen_passes_no_device_in_which_the_thorough_check_finds_a_fault(made, per_device):
    """The quick look may only save time, never a fault."""
    document = changed(PLAIN, "spec/devices", made)
    if per_device:
        document = changed(document, "spec/perDeviceNodeSelection", True)
    try:
        slice_ = read(document)
    except msgspec.ValidationError:
        return
    report = Report(slice_, release())
    check_devices(report, slice_.spec)
    assert not (devices_pass(slice_.spec, release()) and report.faults)


def test_the_screen_passes_ordinary_devices():
    """Without this the quick look could refuse everything and nobody would notice but the user."""
    ordinary = {"a": {"int": 1}, "gpu.x/b": {"bool": False}, "c": {"string": "x"}, "d": {"version": "1.2.3"}}
    assert devices_pass(read(changed(PLAIN, "spec/devices", devices(128, attributes=ordinary))).spec, release())
    assert not devices_pass(read(changed(PLAIN, "spec/devices", devices(129))).spec, release())


@pytest.mark.parametrize("field", ["allowMultipleAllocations", "bindsToNode"])
def test_the_screen_passes_a_field_that_is_always_valid_unless_its_gate_is_off(field):
    """Fleets of shareable devices are as quick to check, and no dropped field goes untold."""
    spec = read(changed(PLAIN, f"spec/devices/0/{field}", False)).spec
    assert devices_pass(spec, release("1.37"))
    assert not devices_pass(spec, release("1.35"))
