"""Fields whose feature gate is off: kept, looked at, and told (K8s S18)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from drapolicy.api.defaults import apply_defaults
from drapolicy.api.kinds import RESOURCE_TYPES
from drapolicy.api.load import loads
from drapolicy.api.quantity import Quantity
from drapolicy.api.validation import examine
from drapolicy.errors import InputError
from drapolicy.release import MINORS, release
from drapolicy.testing.documents import (
    MATCH,
    TAINT,
    a_claim,
    a_class,
    a_device,
    a_question,
    a_request,
    a_slice,
    allocated,
    alternatives,
    consumed,
    counter_sets,
    full,
    reported,
    shareable,
    without,
)

POLICY = 'spec.devices[0].capacity["memory"].requestPolicy'
D0 = "spec.devices[0]"
PARTITIONS = "DRAPartitionableDevices"
BINDING = {"bindingConditions": ["a"], "bindingFailureConditions": ["b"]}
# Gate, an object, and the fields that are told.
GATED: list[tuple[str, Any, list[str]]] = [
    ("DRADeviceTaints", a_slice(a_device(taints=[TAINT])), [f"{D0}.taints"]),
    (PARTITIONS, a_slice(sharedCounters=counter_sets(1)), ["spec.sharedCounters"]),
    (PARTITIONS, a_slice(a_device(consumesCounters=consumed(1))), [f"{D0}.consumesCounters"]),
    (
        PARTITIONS,
        a_slice(a_device(allNodes=True), nodeName=None, perDeviceNodeSelection=True),
        ["spec.perDeviceNodeSelection", f"{D0}.allNodes"],
    ),
    (
        "DRADeviceBindingConditions",
        a_slice(a_device(bindsToNode=False, **BINDING)),
        [f"{D0}.bindingConditions", f"{D0}.bindingFailureConditions", f"{D0}.bindsToNode"],
    ),
    ("DRAConsumableCapacity", a_slice(a_device(allowMultipleAllocations=False)), [f"{D0}.allowMultipleAllocations"]),
    ("DRAConsumableCapacity", shareable({}), [f"{D0}.allowMultipleAllocations", POLICY]),
    ("DRAListTypeAttributes", a_slice(a_device(attributes={"a": {"ints": [1]}})), [f'{D0}.attributes["a"].ints']),
    (
        "DRAPartitionableDevicesType",
        a_slice(a_device(consumesCounters=consumed(1)), partitionTypeAttribute="gpu.x/model"),
        ["spec.partitionTypeAttribute"],
    ),
    ("DRAOptionalNodeOperations", a_slice(skipNodeOperations=["*"]), ["spec.skipNodeOperations"]),
    (
        "DRADeviceCompatibilityGroups",
        a_slice(a_device(consumesCounters=[consumed(1)[0] | {"compatibilityGroups": ["g"]}])),
        [f"{D0}.consumesCounters[0].compatibilityGroups"],
    ),
    (
        "DRANodeAllocatableResources",
        a_slice(a_device(nodeAllocatableResources={"cpu": {"overhead": {"perPod": "1"}}})),
        [f"{D0}.nodeAllocatableResources"],
    ),
    ("DRAExtendedResource", a_class(extendedResourceName="gpu.x/gpu"), ["spec.extendedResourceName"]),
    ("DRAPrioritizedList", a_claim(alternatives(1)), ["spec.devices.requests[0].firstAvailable"]),
    (
        "DRADeviceTaints",
        a_claim(a_request(tolerations=[{"operator": "Exists"}])),
        ["spec.devices.requests[0].exactly.tolerations"],
    ),
    ("DRAAdminAccess", a_claim(a_request(adminAccess=False)), ["spec.devices.requests[0].exactly.adminAccess"]),
    ("DRAConsumableCapacity", a_claim(a_request(capacity={})), ["spec.devices.requests[0].exactly.capacity"]),
    (
        "DRAConsumableCapacity",
        a_claim(constraints=[{"distinctAttribute": "gpu.x/a"}]),
        ["spec.devices.constraints[0].distinctAttribute"],
    ),
    (
        "DRADerivedAttributes",
        a_claim(a_request(derivedAttributes=[{"name": "gpu.x/numa", "expression": "1"}]), constraints=[MATCH]),
        ["spec.devices.requests[0].exactly.derivedAttributes"],
    ),
    ("DRAResourceClaimDeviceStatus", reported(), ["status.devices"]),
    ("DRAAdminAccess", allocated({"adminAccess": True}), ["status.allocation.devices.results[0].adminAccess"]),
    (
        "DRAConsumableCapacity",
        allocated({"shareID": "01234567-89ab-cdef-0123-456789abcdef", "consumedCapacity": {"m": "1"}}),
        ["status.allocation.devices.results[0].shareID", "status.allocation.devices.results[0].consumedCapacity"],
    ),
    (
        "DRADeviceBindingConditions",
        allocated(BINDING),
        [
            "status.allocation.devices.results[0].bindingConditions",
            "status.allocation.devices.results[0].bindingFailureConditions",
        ],
    ),
    (
        "DRAOptionalNodeOperations",
        allocated({"skipNodeOperations": ["*"]}),
        ["status.allocation.devices.results[0].skipNodeOperations"],
    ),
    (
        "DRAPartitionableDevicesType",
        a_question(spec={"defaultPartitionTypeAttribute": "gpu.x/model"}),
        ["spec.defaultPartitionTypeAttribute"],
    ),
]


def read(document: Any) -> Any:
    struct = RESOURCE_TYPES[document["kind"]]
    return apply_defaults(msgspec.convert(document, struct, dec_hook=lambda _, text: Quantity(text)))


@pytest.mark.parametrize(("gate", "document", "paths"), GATED, ids=[f"{row[0]} {row[2][-1]}" for row in GATED])
def test_a_field_whose_gate_is_off_is_told_and_one_whose_gate_is_on_is_not(gate, document, paths):
    """S18: the API server drops the field on create without a word."""
    notes = examine(read(document), without("1.37", gate)).notes
    assert [note.path for note in notes if gate in note.message] == paths
    assert examine(read(document), full("1.37")).notes == []


def test_fields_that_a_release_keeps_without_their_gate_are_not_told():
    """1.34 drops neither tolerations nor distinct attributes; the others keep the time of allocation, which 1.34 drops."""
    document = a_claim(
        a_request(tolerations=[{"operator": "Exists"}]), constraints=[{"distinctAttribute": "gpu.x/a"}]
    ) | {"status": {"allocation": {"allocationTimestamp": "2026-01-01T00:00:00Z"}}}
    told = {
        minor: [note.path.rpartition(".")[2] for note in examine(read(document), release(minor)).notes]
        for minor in MINORS[:2]
    }
    assert told == {"1.34": ["allocationTimestamp"], "1.35": ["tolerations", "distinctAttribute"]}


def test_a_note_says_that_nothing_is_left_without_the_field():
    """An attribute without its list has no value, so the API server refuses the slice."""
    listed = a_slice(a_device(attributes={"a": {"strings": ["x"]}}))
    (note,) = examine(read(listed), release("1.37")).notes
    assert "refuses the object" in note.message


def test_a_field_that_a_release_does_not_know_is_told_with_the_release_that_brought_it():
    """Objects made in Python may hold any field."""
    (note,) = examine(read(a_slice(skipNodeOperations=["*"])), release("1.36")).notes
    assert "unknown to Kubernetes 1.36" in note.message
    assert "1.37" in note.message


def test_loading_keeps_what_a_gate_would_drop_and_tells_it():
    """Stored objects may have been created when the gate was on, so nothing is taken away."""
    document = a_slice(a_device(taints=[TAINT])) | {"apiVersion": "resource.k8s.io/v1"}
    objects = loads(json.dumps(document), "pool.json", release=release("1.35"))
    assert objects.slices[0].spec.devices[0].taints
    assert [(note.file, note.path) for note in objects.ignored_fields] == [("pool.json", "spec.devices[0].taints")]
    assert loads(json.dumps(document)).ignored_fields == ()


def test_loading_validates_by_the_release():
    """The same file is refused by one release and read by the next."""
    document = json.dumps(a_slice(a_device(taints=[TAINT] * 5)) | {"apiVersion": "resource.k8s.io/v1"})
    with pytest.raises(InputError, match="at most 4"):
        loads(document, release=release("1.34"))
    assert loads(document, release=release("1.35")).slices
