"""One placement under four releases: what each of them gives passes there, and only there (I1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec.structs import replace as with_fields

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    Counter,
    CounterSet,
    DeviceAllocationConfiguration,
    DeviceClaimConfiguration,
    DeviceConstraint,
    DeviceCounterConsumption,
    DeviceDerivedAttribute,
    DeviceRequest,
    DeviceSubRequest,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
)
from drapolicy.release import MINORS, release
from drapolicy.release.gates import FEATURES
from drapolicy.testing import build
from drapolicy.testing.build import GPU, NIC, Placed
from drapolicy.verify import violations


def broken(placed: Placed, minor: str) -> list[str]:
    """Rules broken under a release with all its features and no configuration of classes."""
    kubernetes = release(minor).with_features(FEATURES[minor]).with_variant("experimental")
    classes = tuple(with_fields(item, spec=with_fields(item.spec, config=[])) for item in placed.objects.classes)
    objects = replace(placed.objects, classes=classes)
    found = violations(objects, placed.node, placed.claims, placed.results, kubernetes, existing=placed.existing)
    return [error.rule for error in found]


def incomplete_pool() -> Placed:
    slices = (build.slice_of(GPU, "here", [build.device("gpu-0")], count=2, node_name="here"),)
    return build.placed(slices, [build.claim("c", [build.exactly("r", "gpu")])], given("gpu-0"))


def all_of_an_incomplete_pool() -> Placed:
    slices = (build.slice_of(GPU, "here", [build.device("gpu-0")], count=2, node_name="here"),)
    return build.placed(slices, [build.claim("c", [build.exactly("r", "gpu", mode="All")])], given("gpu-0"))


def two_shares_for_one_request() -> Placed:
    device = build.device("gpu-0", allow_multiple_allocations=True)
    slices = (build.slice_of(GPU, "here", [device], node_name="here"),)
    results = [build.allocation([build.share("r", "gpu-0", number, {}) for number in (1, 2)])]
    return build.placed(slices, [build.claim("c", [build.exactly("r", "gpu", count=2)])], results)


def distinct(*values: int, requests: int = 1) -> Placed:
    """Devices with these values, distinct by constraint, for one request or for one each."""
    devices = [build.device(f"gpu-{n}", index=value) for n, value in enumerate(values)]
    slices = (build.slice_of(GPU, "here", devices, node_name="here"),)
    names = [f"r{n if requests > 1 else 0}" for n in range(len(values))]
    asked = [build.exactly(name, "gpu", count=names.count(name)) for name in dict.fromkeys(names)]
    constraint = DeviceConstraint(distinct_attribute=f"{GPU}/index")
    results = [build.allocation([build.result(name, GPU, "here", f"gpu-{n}") for n, name in enumerate(names)])]
    return build.placed(slices, [build.claim("c", asked, constraints=[constraint])], results)


def counters_of_another_driver() -> Placed:
    """Two pools of one name; the second device draws more than there is, of a counter that the first pool lacks."""
    slices = tuple(
        item
        for driver, drawn, has in ((GPU, 1, 9), (NIC, 5, 4))
        for item in (
            build.slice_of(
                driver, "here", [build.device("d", consumes_counters=[draws(driver, drawn)])], count=2, node_name="here"
            ),
            build.slice_of(
                driver, "here", [], "counters", count=2, node_name="here", shared_counters=[counters(driver, has)]
            ),
        )
    )
    claim = build.claim("c", [build.exactly("r", "gpu"), build.exactly("s", "nic")])
    results = [build.allocation([build.result("r", GPU, "here", "d"), build.result("s", NIC, "here", "d")])]
    return build.placed(slices, [claim], results)


def counters(driver: str, amount: int) -> CounterSet:
    return CounterSet(name=driver, counters={"slices": Counter(value=Quantity(amount))})


def draws(driver: str, amount: int) -> DeviceCounterConsumption:
    return with_fields(build.draws(amount), counter_set=driver)


def mixed_alternatives() -> Placed:
    """One device of the alternative that won, the others of the first one."""
    slices = (build.slice_of(GPU, "here", [build.device(f"gpu-{n}") for n in range(3)], node_name="here"),)
    request = DeviceRequest(
        name="r",
        first_available=[
            DeviceSubRequest(name="a", device_class_name="gpu", allocation_mode="ExactCount", count=2),
            DeviceSubRequest(name="b", device_class_name="gpu", allocation_mode="All"),
        ],
    )
    results = [build.allocation([build.result(f"r/{name}", GPU, "here", f"gpu-{n}") for n, name in enumerate("ba")])]
    return build.placed(slices, [build.claim("c", [request])], results)


def bare_taint_rule() -> Placed:
    slices = (build.slice_of(GPU, "here", [build.device("gpu-0")], node_name="here"),)
    placed = build.placed(slices, [build.claim("c", [build.exactly("r", "gpu")])], given("gpu-0"))
    rule = DeviceTaintRule(
        metadata=ObjectMeta(name="rule"), spec=DeviceTaintRuleSpec(taint=DeviceTaint(key="k", effect="NoExecute"))
    )
    return replace(placed, objects=replace(placed.objects, taint_rules=(rule,)))


def overlapping_lists() -> Placed:
    """Each two of three devices have a value in common, all three have none."""
    rails = (["a", "b"], ["b", "c"], ["c", "a"])
    devices = [build.device(f"gpu-{n}", rails=rails[n]) for n in range(3)]
    slices = (build.slice_of(GPU, "here", devices, node_name="here"),)
    constraint = DeviceConstraint(match_attribute=f"{GPU}/rails")
    claim = build.claim("c", [build.exactly("r", "gpu", count=3)], constraints=[constraint])
    return build.placed(slices, [claim], given("gpu-0", "gpu-1", "gpu-2"))


def given(*devices: str) -> list[AllocationResult]:
    return [build.allocation([build.result("r", GPU, "here", name) for name in devices])]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (incomplete_pool, ["", "S25", "S25", "S25"]),
        (all_of_an_incomplete_pool, ["S25", "S25", "S25", "S25"]),
        (two_shares_for_one_request, ["", "", "S34", "S34"]),
        (lambda: distinct(1, 2, 1), ["", "", "", "S51"]),
        (lambda: distinct(1, 1, requests=2), ["", "S51", "S51", "S51"]),
        (counters_of_another_driver, ["", "", "S45", "S45"]),
        (mixed_alternatives, ["", "", "S40", "S40"]),
        (bare_taint_rule, ["S49", "", "", ""]),
    ],
    ids=lambda made: getattr(made, "__name__", ""),
)
def test_each_release_decides_by_its_own_rules(make: Callable[[], Placed], expected: list[str]) -> None:
    """From 1.34 to 1.37: the rule that a placement breaks first, or none."""
    found = [broken(make(), minor) for minor in MINORS]
    assert [rules[0] if rules else "" for rules in found] == expected


@pytest.mark.parametrize("minor", ["1.36", "1.37"])
def test_all_lists_have_one_value_in_common(minor: str) -> None:
    """It is not enough that each two have one (S52)."""
    assert broken(overlapping_lists(), minor) == ["S52"]


@pytest.mark.parametrize(("expression", "expected"), [("[]", ["S52"]), ("[1]", []), ("device.nothing", ["S53"])])
def test_a_derived_attribute_takes_the_place_of_the_device_s_own(expression: str, expected: list[str]) -> None:
    """An empty list is refused even as the first one, and an error ends the attempt (S53)."""
    placed = distinct(1)
    derived = DeviceDerivedAttribute(name=f"{GPU}/index", expression=expression)
    request = build.exactly("r0", "gpu", derived_attributes=[derived])
    devices = with_fields(placed.claims[0].spec.devices, requests=[request])
    claim = with_fields(placed.claims[0], spec=with_fields(placed.claims[0].spec, devices=devices))
    assert broken(replace(placed, claims=(claim,)), "1.37") == expected


def test_configuration_of_several_requests_is_listed_once_since_1_37() -> None:
    """Before, once for each request that it names, and with their names (S55)."""
    placed = distinct(1, 2, requests=2)
    given = DeviceAllocationConfiguration(source="FromClaim", requests=["r0", "r1"], opaque=build.opaque("x"))
    claims = placed.claims[0].spec.devices
    asked = with_fields(
        claims, constraints=[], config=[DeviceClaimConfiguration(requests=given.requests, opaque=given.opaque)]
    )
    claim = with_fields(placed.claims[0], spec=with_fields(placed.claims[0].spec, devices=asked))

    def under(minor: str, config: list[DeviceAllocationConfiguration]) -> list[str]:
        devices = with_fields(placed.results[0].devices, config=config)
        return broken(
            replace(placed, claims=(claim,), results=(with_fields(placed.results[0], devices=devices),)), minor
        )

    for minor in MINORS:
        new, old = [with_fields(given, requests=[])], [given, given]
        assert under(minor, new) == ([] if minor == "1.37" else ["S55"])
        assert under(minor, old) == (["S55"] if minor == "1.37" else [])
