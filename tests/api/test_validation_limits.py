"""The limits of each release: n pass, n + 1 are refused (K8s A.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    ONE,
    TAINT,
    a_claim,
    a_class,
    a_device,
    a_part,
    a_pool,
    a_question,
    a_request,
    a_result,
    a_rule,
    a_slice,
    allocated,
    alternatives,
    consumed,
    counter_sets,
    full,
    reported,
    shareable,
)

FROM_1_35 = MINORS[1:]
FROM_1_36 = MINORS[2:]
CEL = {"cel": {"expression": "true"}}
OPAQUE = {"opaque": {"driver": "gpu.x", "parameters": {"a": 1}}}
READY = {"status": "True", "reason": "Ok"}
POLICY = 'spec.devices[0].capacity["memory"].requestPolicy'


def read(document: Any) -> Any:
    struct = RESOURCE_TYPES[document["kind"]]
    return apply_defaults(msgspec.convert(document, struct, dec_hook=lambda _, text: Quantity(text)))


def faults(document: Any, rules: Release) -> list[str]:
    return [fault.path for fault in validate(read(document), rules)]


def with_counters(devices: list[Any], rules: Release) -> Any:
    """Return a slice whose devices consume counters, published in the same slice where the release wants that."""
    return a_slice(*devices) if rules.at_least("1.35") else a_slice(*devices, sharedCounters=counter_sets(32))


# What is counted, an object that holds n of it, the limit of each release that has it, and where a fault is found.
LIMITS: list[tuple[str, Callable[[int, Release], Any], Mapping[str, int], str]] = [
    ("devices", lambda n, _: a_slice(*map(a_device, range(n))), dict.fromkeys(MINORS, 128), "spec.devices"),
    (
        "devices, one with a taint",
        lambda n, _: a_slice(a_device(n, taints=[TAINT]), *map(a_device, range(n - 1))),
        {"1.34": 128} | dict.fromkeys(FROM_1_35, 64),
        "spec.devices",
    ),
    (
        "devices, one with a counter",
        lambda n, rules: with_counters(
            [a_device(n, consumesCounters=consumed(1)), *map(a_device, range(n - 1))], rules
        ),
        {"1.34": 128} | dict.fromkeys(FROM_1_35, 64),
        "spec.devices",
    ),
    (
        "devices, one with a list",
        lambda n, _: a_slice(a_device(n, attributes={"a": {"ints": [1]}}), *map(a_device, range(n - 1))),
        dict.fromkeys(FROM_1_36, 64),
        "spec.devices",
    ),
    (
        "taints",
        lambda n, _: a_slice(a_device(taints=[TAINT] * n)),
        {"1.34": 4} | dict.fromkeys(FROM_1_35, 16),
        "spec.devices[0].taints",
    ),
    (
        "counter sets",
        lambda n, _: a_slice(sharedCounters=counter_sets(n)),
        {"1.34": 32} | dict.fromkeys(FROM_1_35, 8),
        "spec.sharedCounters",
    ),
    (
        "counters of a set",
        lambda n, _: a_slice(sharedCounters=counter_sets(1, n)),
        dict.fromkeys(MINORS, 32),
        "spec.sharedCounters[0].counters",
    ),
    (
        "counters of two sets",
        lambda n, _: a_slice(sharedCounters=[*counter_sets(1, 16), counter_sets(1, n - 16)[0] | {"name": "z"}]),
        {"1.34": 32},
        "spec.sharedCounters",
    ),
    (
        "consumptions",
        lambda n, rules: with_counters([a_device(consumesCounters=consumed(n))], rules),
        {"1.34": 32} | dict.fromkeys(FROM_1_35, 2),
        "spec.devices[0].consumesCounters",
    ),
    (
        "counters of a consumption",
        lambda n, _: a_slice(a_device(consumesCounters=consumed(1, n))),
        dict.fromkeys(FROM_1_35, 32),
        "spec.devices[0].consumesCounters[0].counters",
    ),
    (
        "consumed counters of a slice",
        lambda n, rules: with_counters(
            [a_device(i, consumesCounters=consumed(min(32, n - 32 * i))) for i in range(-(-n // 32))], rules
        ),
        {"1.34": 1024},
        "spec.devices",
    ),
    (
        "compatibility groups",
        lambda n, _: a_slice(
            a_device(consumesCounters=[consumed(1)[0] | {"compatibilityGroups": [f"g{i}" for i in range(n)]}])
        ),
        {"1.37": 2},
        "spec.devices[0].consumesCounters[0].compatibilityGroups",
    ),
    (
        "attributes and capacities",
        lambda n, _: a_slice(a_device(attributes={f"a{i}": {"int": i} for i in range(n - 1)}, capacity={"m": ONE})),
        dict.fromkeys(MINORS, 32),
        "spec.devices[0]",
    ),
    (
        "attribute values",
        lambda n, _: a_slice(a_device(attributes={"a": {"int": 1}, "b": {"bools": [True] * (n - 1)}})),
        dict.fromkeys(FROM_1_36, 48),
        "spec.devices[0].attributes",
    ),
    (
        "binding conditions",
        lambda n, _: a_slice(
            a_device(bindingConditions=[f"a{i}" for i in range(n)], bindingFailureConditions=["failed"])
        ),
        dict.fromkeys(MINORS, 4),
        "spec.devices[0].bindingConditions",
    ),
    (
        "valid values",
        lambda n, _: shareable({"default": "1", "validValues": [str(i + 1) for i in range(n)]}),
        dict.fromkeys(MINORS, 10),
        f"{POLICY}.validValues",
    ),
    ("requests", lambda n, _: a_claim(*map(a_request, range(n))), dict.fromkeys(MINORS, 32), "spec.devices.requests"),
    (
        "alternatives",
        lambda n, _: a_claim(alternatives(n)),
        dict.fromkeys(MINORS, 8),
        "spec.devices.requests[0].firstAvailable",
    ),
    (
        "constraints",
        lambda n, _: a_claim(constraints=[MATCH] * n),
        dict.fromkeys(MINORS, 32),
        "spec.devices.constraints",
    ),
    ("configuration", lambda n, _: a_claim(config=[OPAQUE] * n), dict.fromkeys(MINORS, 32), "spec.devices.config"),
    (
        "selectors",
        lambda n, _: a_claim(a_request(selectors=[CEL] * n)),
        dict.fromkeys(MINORS, 32),
        "spec.devices.requests[0].exactly.selectors",
    ),
    (
        "derived attributes",
        lambda n, _: a_claim(
            a_request(derivedAttributes=[{"name": f"gpu.x/a{i}", "expression": "1"} for i in range(n)]),
            constraints=[{"matchAttribute": f"gpu.x/a{i}"} for i in range(32)],
        ),
        {"1.37": 32},
        "spec.devices.requests[0].exactly.derivedAttributes",
    ),
    ("selectors of a class", lambda n, _: a_class(selectors=[CEL] * n), dict.fromkeys(MINORS, 32), "spec.selectors"),
    (
        "results",
        lambda n, _: allocated(*map(a_result, range(n))),
        dict.fromkeys(MINORS, 32),
        "status.allocation.devices.results",
    ),
    (
        "users",
        lambda n, _: allocated(reservedFor=[{"resource": "pods", "name": "p", "uid": f"u{i}"} for i in range(n)]),
        dict.fromkeys(MINORS, 256),
        "status.reservedFor",
    ),
    (
        "conditions of a device",
        lambda n, _: reported(conditions=[READY | {"type": f"t{i}"} for i in range(n)]),
        dict.fromkeys(MINORS, 8),
        "status.devices[0].conditions",
    ),
    (
        "conditions of a taint rule",
        lambda n, _: a_rule(status={"conditions": [READY | {"type": f"t{i}"} for i in range(n)]}),
        dict.fromkeys(FROM_1_35, 8),
        "status.conditions",
    ),
    (
        "conditions of an answer",
        lambda n, _: a_question(conditions=[READY | {"type": f"t{i}"} for i in range(n)]),
        dict.fromkeys(FROM_1_36, 10),
        "status.conditions",
    ),
    ("pools", lambda n, _: a_question(pools=[a_pool()] * n), dict.fromkeys(FROM_1_36, 1000), "status.pools"),
    (
        "partitions",
        lambda n, _: a_question({"partitionSummary": [a_part(i) for i in range(n)]}),
        {"1.37": 32},
        "status.pools[0].partitionSummary",
    ),
    ("pools asked for", lambda n, _: a_question(spec={"limit": n}), dict.fromkeys(FROM_1_36, 1000), "spec.limit"),
]
LIMIT_ROWS = [
    pytest.param(make, full(minor), limit, path, id=f"{minor} {what}")
    for what, make, limits, path in LIMITS
    for minor, limit in limits.items()
]


@pytest.mark.parametrize(("make", "rules", "limit", "path"), LIMIT_ROWS)
def test_a_limit_lets_n_pass_and_refuses_one_more(make, rules, limit, path):
    """The limits of A.3, release by release."""
    assert faults(make(limit, rules), rules) == []
    assert path in faults(make(limit + 1, rules), rules)
