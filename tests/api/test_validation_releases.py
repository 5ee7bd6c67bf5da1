"""Rules on which releases differ, and those of alpha features, each with the verdict of every release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from drapolicy.api.defaults import apply_defaults
from drapolicy.api.kinds import RESOURCE_TYPES
from drapolicy.api.quantity import Quantity
from drapolicy.api.validation import validate
from drapolicy.release import MINORS, Release
from drapolicy.testing.documents import (
    MATCH,
    TAINT,
    a_claim,
    a_device,
    a_part,
    a_question,
    a_request,
    a_rule,
    a_slice,
    allocated,
    consumed,
    counter_sets,
    full,
    shareable,
    without,
)

FROM_1_35 = MINORS[1:]
FROM_1_36 = MINORS[2:]
TERM = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
POLICY = 'spec.devices[0].capacity["memory"].requestPolicy'
STEPS = {"default": "3", "validRange": {"min": "1", "step": "-1"}}
HALVES = {"default": "1500m", "validRange": {"min": "500m", "step": "400m"}}
MAPPED = {"capacity": {"memory": {"value": "1Gi"}}}
D0 = "spec.devices[0]"


def read(document: Any) -> Any:
    struct = RESOURCE_TYPES[document["kind"]]
    return apply_defaults(msgspec.convert(document, struct, dec_hook=lambda _, text: Quantity(text)))


def faults(document: Any, rules: Release) -> list[str]:
    return [fault.path for fault in validate(read(document), rules)]


def mapping(**fields: Any) -> Any:
    return a_slice(a_device(nodeAllocatableResources={"cpu": fields}, **MAPPED))


def old_mapping(name: str = "cpu", **fields: Any) -> Any:
    return a_slice(a_device(nodeAllocatableResourceMappings={name: fields}, **MAPPED))


def partitioned(*devices: Any, name: str = "gpu.x/model") -> Any:
    return a_slice(*devices, partitionTypeAttribute=name)


PART = a_device(consumesCounters=consumed(1))
NEW = 'spec.devices[0].nodeAllocatableResources["cpu"]'
OLD = 'spec.devices[0].nodeAllocatableResourceMappings["{}"]'
MODEL = 'spec.devices[0].attributes["gpu.x/model"]'
DERIVED = "spec.devices.requests[0].exactly.derivedAttributes"
# What is wrong, the object, and the one fault in each release that is asked (None: valid).
RULES: list[tuple[str, Any, Mapping[str, str | None]]] = [
    (
        "effect None",
        a_slice(a_device(taints=[TAINT | {"effect": "None"}])),
        {"1.34": f"{D0}.taints[0].effect"} | dict.fromkeys(FROM_1_35),
    ),
    (
        "tolerated effect None",
        a_claim(a_request(tolerations=[{"operator": "Exists", "effect": "None"}])),
        {"1.34": "spec.devices.requests[0].exactly.tolerations[0].effect"} | dict.fromkeys(FROM_1_35),
    ),
    (
        "counters and devices",
        a_slice(a_device(), sharedCounters=counter_sets(1)),
        {"1.34": None} | dict.fromkeys(FROM_1_35, "spec"),
    ),
    (
        "set of another slice",
        a_slice(a_device(consumesCounters=consumed(1))),
        {"1.34": f"{D0}.consumesCounters[0].counterSet"} | dict.fromkeys(FROM_1_35),
    ),
    (
        "negative step",
        shareable(STEPS),
        dict.fromkeys(MINORS[:3]) | {"1.37": f"{POLICY}.validRange.step"},
    ),
    (
        "no step",
        shareable({"default": "1", "validRange": {"min": "1", "step": "0"}}),
        dict.fromkeys(MINORS, f"{POLICY}.validRange.step"),
    ),
    # 1500m and 500m are 2 and 1 once rounded up, one step of 400m, which is 1, apart.
    ("amounts in fractions", shareable(HALVES), dict.fromkeys(MINORS[:3]) | {"1.37": f"{POLICY}.default"}),
    (
        "values that are one when rounded up",
        shareable({"default": "1", "validValues": ["500m", "1"]}),
        dict.fromkeys(MINORS[:3], f"{POLICY}.validValues[1]") | {"1.37": None},
    ),
    (
        "toleration of a result",
        allocated({"tolerations": [{"operator": "Is"}]}),
        dict.fromkeys(MINORS[:3]) | {"1.37": "status.allocation.devices.results[0].tolerations[0].operator"},
    ),
    (
        "two terms of a device",
        a_slice(a_device(nodeSelector={"nodeSelectorTerms": [TERM, TERM]}), nodeName=None, perDeviceNodeSelection=True),
        dict.fromkeys(MINORS),
    ),
    (
        "two terms of a slice",
        a_slice(nodeName=None, nodeSelector={"nodeSelectorTerms": [TERM, TERM]}),
        dict.fromkeys(MINORS, "spec.nodeSelector.nodeSelectorTerms"),
    ),
    (
        "time",
        a_slice(a_device(taints=[TAINT | {"timeAdded": "now"}])),
        dict.fromkeys(MINORS, f"{D0}.taints[0].timeAdded"),
    ),
    (
        "second of a minute",
        a_slice(a_device(taints=[TAINT | {"timeAdded": "2026-02-28T12:00:59.5+01:00"}])),
        dict.fromkeys(MINORS),
    ),
    (
        "day of a month",
        a_slice(a_device(taints=[TAINT | {"timeAdded": "2026-02-29T12:00:00Z"}])),
        dict.fromkeys(MINORS, f"{D0}.taints[0].timeAdded"),
    ),
    (
        "class of a taint rule",
        a_rule(spec={"taint": TAINT, "deviceSelector": {"deviceClassName": "A"}}),
        {"1.34": "spec.deviceSelector.deviceClassName"},
    ),
    ("two values", a_slice(a_device(attributes={"a": {"ints": [1], "int": 1}})), {"1.37": f'{D0}.attributes["a"]'}),
    ("old mapping", old_mapping(), {"1.36": None}),
    ("old mapping of an unknown capacity", old_mapping(capacityKey="x"), {"1.36": f"{OLD.format('cpu')}.capacityKey"}),
    (
        "old mapping by nothing",
        old_mapping(allocationMultiplier="0"),
        {"1.36": f"{OLD.format('cpu')}.allocationMultiplier"},
    ),
    ("old mapping to a device", old_mapping("gpu.x/a"), {"1.36": OLD.format("gpu.x/a")}),
    ("no mapping", mapping(), {"1.37": NEW}),
    ("mapping of nothing", mapping(mapping={}), {"1.37": f"{NEW}.mapping"}),
    (
        "mapping of a capacity and of devices",
        mapping(mapping={"capacityKey": "memory", "capacityMultiplier": "1", "deviceMultiplier": "1"}),
        {"1.37": f"{NEW}.mapping"},
    ),
    (
        "mapping without multiplier",
        mapping(mapping={"capacityKey": "memory"}),
        {"1.37": f"{NEW}.mapping.capacityMultiplier"},
    ),
    ("no overhead", mapping(overhead={}), {"1.37": f"{NEW}.overhead"}),
    ("negative overhead", mapping(overhead={"perPod": "-1"}), {"1.37": f"{NEW}.overhead.perPod"}),
    (
        "disk",
        a_slice(a_device(nodeAllocatableResources={"pods": {"overhead": {"perPod": "1"}}})),
        {"1.37": NEW.replace("cpu", "pods")},
    ),
    ("type of no partitions", partitioned(a_device()), {"1.37": "spec.partitionTypeAttribute"}),
    ("type without domain", partitioned(PART, name="model"), {"1.37": "spec.partitionTypeAttribute"}),
    ("partition without type", partitioned(PART), {"1.37": MODEL}),
    ("partition with a number as type", partitioned(PART | {"attributes": {"model": {"int": 1}}}), {"1.37": MODEL}),
    (
        "partition with its type",
        partitioned(PART | {"attributes": {"model": {"string": "a"}}}, a_device(1)),
        {"1.37": None},
    ),
    (
        "skipping preparation alone",
        a_slice(skipNodeOperations=["NodePrepareResources"]),
        {"1.37": "spec.skipNodeOperations"},
    ),
    ("skipping all", a_slice(skipNodeOperations=["NodePrepareResources", "*"]), {"1.37": None}),
    (
        "skipping twice",
        allocated({"skipNodeOperations": ["*", "*"]}),
        {"1.37": "status.allocation.devices.results[0].skipNodeOperations[1]"},
    ),
    (
        "derived attribute of no constraint",
        a_claim(a_request(derivedAttributes=[{"name": "gpu.x/a", "expression": "1"}])),
        {"1.37": f"{DERIVED}[0].name"},
    ),
    (
        "derived attribute without domain",
        a_claim(
            a_request(derivedAttributes=[{"name": "a", "expression": "1"}]), constraints=[MATCH | {"requests": ["r0"]}]
        ),
        {"1.37": f"{DERIVED}[0].name"},
    ),
    (
        "derived attribute without expression",
        a_claim(a_request(derivedAttributes=[{"name": "gpu.x/numa"}]), constraints=[MATCH]),
        {"1.37": f"{DERIVED}[0].expression"},
    ),
    ("question", a_question(), dict.fromkeys(FROM_1_36)),
    ("question to nobody", a_question(spec={"driver": ""}), dict.fromkeys(FROM_1_36, "spec.driver")),
    # Drivers of slices have at most 63 characters.
    ("question to a long name", a_question(spec={"driver": "A" * 64}), dict.fromkeys(FROM_1_36)),
    ("question for none", a_question(spec={"limit": 0}), dict.fromkeys(FROM_1_36, "spec.limit")),
    (
        "question by a short name",
        a_question(spec={"defaultPartitionTypeAttribute": "model"}),
        {"1.37": "spec.defaultPartitionTypeAttribute"},
    ),
    ("answer without a number", a_question(poolCount=None, pools=[]), dict.fromkeys(FROM_1_36, "status.poolCount")),
    (
        "answer without generation",
        a_question({"generation": 0}),
        dict.fromkeys(FROM_1_36, "status.pools[0].generation"),
    ),
    (
        "answer of no slices",
        a_question({"resourceSliceCount": 0}),
        dict.fromkeys(FROM_1_36, "status.pools[0].resourceSliceCount"),
    ),
    ("answer below zero", a_question({"totalDevices": -1}), dict.fromkeys(FROM_1_36, "status.pools[0].totalDevices")),
    ("answer of nowhere", a_question({"nodeName": ""}), dict.fromkeys(FROM_1_36, "status.pools[0].nodeName")),
    (
        "long excuse",
        a_question({"validationError": "x" * 257}),
        dict.fromkeys(FROM_1_36, "status.pools[0].validationError"),
    ),
    (
        "partition twice",
        a_question({"partitionSummary": [a_part(), a_part()]}),
        {"1.37": "status.pools[0].partitionSummary[1]"},
    ),
    (
        "partition without total",
        a_question({"partitionSummary": [a_part(total=None)]}),
        {"1.37": "status.pools[0].partitionSummary[0].total"},
    ),
    (
        "summary without number",
        a_question({"shareableSummary": {"fullyAvailableDevices": 0}}),
        {"1.37": "status.pools[0].shareableSummary.partiallyAvailableDevices"},
    ),
]
RULE_ROWS = [
    pytest.param(document, full(minor), path, id=f"{minor} {what}")
    for what, document, verdicts in RULES
    for minor, path in verdicts.items()
]


@pytest.mark.parametrize(("document", "rules", "path"), RULE_ROWS)
def test_a_rule_gives_the_verdict_of_the_release(document, rules, path):
    """Where releases differ each keeps its own verdict; rules of alpha features have one."""
    assert sorted(set(faults(document, rules))) == ([] if path is None else [path])


def test_fractions_are_rounded_up_where_their_gate_is_off():
    """The gate of 1.37 decides, not the release."""
    rules = without("1.37", "DRAFractionalCapacityRange")
    assert faults(shareable(HALVES), rules) == []
    assert faults(shareable({"default": "1", "validValues": ["500m", "1"]}), rules) == [f"{POLICY}.validValues[1]"]
