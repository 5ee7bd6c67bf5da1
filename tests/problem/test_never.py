"""Constraints that can never hold."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    Device,
    DeviceAttribute,
    DeviceConstraint,
    ResourceClaim,
    ResourceClaimTemplate,
    ResourceClaimTemplateSpec,
)
from drapolicy.inventory import build
from drapolicy.problem.never import asks_to_match, never_hold
from drapolicy.release import Release, release
from drapolicy.testing.simple import claim, device, first_of, objects, request

PLAIN, LISTS = release(), release(gates={"DRAListTypeAttributes": True})
ROOT = "x.io/root"
IS = 'device.attributes["gpu.example"].kind == "{}"'
GPU, NIC = request(1, IS.format("gpu"), name="gpu"), request(1, IS.format("nic"), name="nic")


def at(name: str, kind: str, root: str | int | list[str] | None) -> Device:
    """Return a device of a kind on a root, with a list on all of them, with None on none."""
    made = device(name, kind=kind)
    if isinstance(root, list):
        made.attributes[ROOT] = DeviceAttribute(string_values=root)
    elif root is not None:
        made.attributes.update(device(name, **{ROOT: root}).attributes)
    return made


def said(
    nodes: dict[str, list[Device]], *claims: ResourceClaim | ResourceClaimTemplate, kubernetes: Release = PLAIN
) -> list[str]:
    found = never_hold(build(objects(nodes), kubernetes), claims)
    return [f"{fault.object}: {fault.path}: {fault.message}" for fault in found]


ALIGNED = claim("c", GPU, NIC, match=ROOT)
APART = [at("g0", "gpu", "a"), at("g1", "gpu", "b"), at("n0", "nic", "c")]


def test_no_value_in_common() -> None:
    """GPUs and cards that publish the attribute, on no common root: the values of each request are told."""
    (text,) = said({"n": APART}, ALIGNED)
    assert text == (
        "ResourceClaim test/c: spec.devices.constraints[0].matchAttribute: x.io/root can never hold on the one node "
        "that has devices for its requests, even with all free: devices for request gpu have a, b; devices for "
        "request nic have c"
    )


@pytest.mark.parametrize(
    ("devices", "never"),
    [
        pytest.param([at("g", "gpu", "a"), at("n", "nic", "a")], False, id="a common value"),
        pytest.param([at("g", "gpu", "a"), at("n", "nic", ["b", "a"])], False, id="a list that has it"),
        pytest.param([at("g", "gpu", ["c", "d"]), at("n", "nic", ["b", "a"])], True, id="lists apart"),
        pytest.param([at("g", "gpu", 1), at("n", "nic", "1")], True, id="other types"),
        pytest.param([at("g", "gpu", "a"), at("n", "nic", None)], True, id="one side lacks it"),
        pytest.param([at("g", "gpu", "a")], False, id="no card at all: the constraint is not to blame"),
    ],
)
def test_what_counts_as_common(devices: list[Device], never: bool) -> None:
    """Values are compared as Kubernetes does, and other reasons are not called this one."""
    assert bool(said({"n": devices}, ALIGNED, kubernetes=LISTS)) is never


def test_types_are_told_where_they_differ() -> None:
    """The string 1 is not the integer."""
    (text,) = said({"n": [at("g", "gpu", 1), at("n", "nic", "1")]}, ALIGNED)
    assert "gpu have 1 (int); devices for request nic have 1 (string)" in text


def test_lists_match_only_where_the_release_has_them() -> None:
    """With the gate off a list is no value like its members, and is shown as what it is."""
    (text,) = said({"n": [at("g", "gpu", "a"), at("n", "nic", ["b", "a"])]}, ALIGNED)
    assert "gpu have a (string); devices for request nic have [a, b] (list)" in text


def test_one_node_where_it_holds_is_enough() -> None:
    """A fleet in which any node can satisfy the constraint has nothing to tell."""
    together = [at("g", "gpu", "a"), at("n", "nic", "a")]
    assert said({"m": APART, "n": together}, ALIGNED) == []
    (text,) = said({"m": APART, "n": APART, "o": [at("g", "gpu", "a")]}, ALIGNED)
    assert "on any of the 2 nodes that have devices" in text


def test_there_must_be_enough_of_a_value() -> None:
    """Two GPUs of one root are asked for, and no root has two."""
    two = claim("c", request(2, IS.format("gpu"), name="gpu"), match=ROOT)
    assert said({"n": APART}, two)
    assert not said({"n": [*APART, at("g2", "gpu", "b")]}, two)


def test_a_constraint_is_tried_by_itself() -> None:
    """Neither other constraints nor requests that it does not name matter."""
    both = claim("c", GPU, NIC, request(99, "true", name="disks"))
    both.spec.devices.constraints.extend(
        [DeviceConstraint(match_attribute="x.io/none", requests=["gpu"]), DeviceConstraint(match_attribute=ROOT, requests=["gpu", "nic"])]
    )  # fmt: skip
    paths = [text.split(": ")[1] for text in said({"n": APART}, both)]
    assert paths == [f"spec.devices.constraints[{n}].matchAttribute" for n in range(2)]


def test_alternatives_may_save_it() -> None:
    """A constraint that some alternative can satisfy may hold; else each alternative is told."""
    choices = first_of((1, IS.format("gpu")), (1, IS.format("tpu")), name="fast")
    pair = claim("c", choices, NIC, match=ROOT)
    (text,) = said({"n": APART}, pair)
    assert "request fast/a0 have a, b; devices for request fast/a1 have none; devices for request nic have c" in text
    assert not said({"n": [*APART, at("t", "tpu", "c")]}, pair)


def test_what_is_busy_does_not_matter_and_equal_wishes_are_told_once() -> None:
    """Of a template and claims like it one note is made, for the first."""
    template = ResourceClaimTemplate(
        metadata=ObjectMeta(name="t", namespace="test"), spec=ResourceClaimTemplateSpec(spec=ALIGNED.spec)
    )
    (text,) = said({"n": APART}, template, ALIGNED, claim("d", GPU, NIC, match=ROOT))
    assert text.startswith("ResourceClaimTemplate test/t: ")


def test_long_lists_are_cut() -> None:
    """Of many values some are told, with the number of the others."""
    (text,) = said({"n": [*(at(f"g{d}", "gpu", f"r{d}") for d in range(9)), at("n", "nic", "x")]}, ALIGNED)
    assert "gpu have r0, r1, r2, r3, r4, r5 and 3 more;" in text


def test_claims_without_such_constraints_are_not_tried() -> None:
    """What has nothing to match says so."""
    assert not asks_to_match(claim("c", GPU))
    assert asks_to_match(ALIGNED)
    assert never_hold(build(Objects()), [ALIGNED]) == []


ROOTS = st.sampled_from(["a", "b", "c", None])


@given(gpus=st.lists(ROOTS, max_size=4), nics=st.lists(ROOTS, max_size=3), count=st.integers(1, 3))
def test_the_rule_is_the_one_by_hand(gpus: list[str | None], nics: list[str | None], count: int) -> None:
    """It can never hold when there are devices enough, but of no value enough on both sides."""
    wanted = claim("c", request(count, IS.format("gpu"), name="gpu"), NIC, match=ROOT)
    devices = [at(f"d{d}", kind, root) for d, (kind, root) in enumerate(itertools.chain((("gpu", r) for r in gpus), (("nic", r) for r in nics)))]  # fmt: skip
    enough = len(gpus) >= count and bool(nics)
    holds = any(gpus.count(root) >= count and root in nics for root in "abc")
    assert bool(said({"n": devices}, wanted)) is (enough and not holds)
