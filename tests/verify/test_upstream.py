"""What Kubernetes' own allocator answered passes the checker."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from drapolicy.api.convert import convert
from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationResult,
    DeviceClass,
    DeviceRequestAllocationResult,
    ResourceClaim,
    ResourceClaimStatus,
    ResourceSlice,
)
from drapolicy.cli.jsonl import run
from drapolicy.cli.solve import decide_by
from drapolicy.policies import POLICIES
from drapolicy.release import release
from drapolicy.testing.build import Placed
from drapolicy.testing.generate import problem
from drapolicy.testing.lines import line_of
from drapolicy.testing.modes import MODES, Mode
from drapolicy.testing.oracle import FOLDER, Oracle
from drapolicy.verify import violations

# Upstream's test writes a quantity of 10^21, which its own Quantity turns into 1 in JSON.
NOT_COMPARABLE = {"consumable-capacity-requests-are-not-modified"}


def held(allocated: dict[str, Any]) -> ResourceClaim:
    """One claim that holds what a case says is taken."""
    results = []
    for key, share in (("devices", None), ("sharedDevices", "shareID"), ("consumedCapacity", None)):
        for number, item in enumerate(allocated.get(key, [])):
            result = DeviceRequestAllocationResult(
                driver=item["driver"], pool=item["pool"], device=item["device"], share_id=share and item[share]
            )
            if key == "consumedCapacity":
                amounts = convert(item["capacity"], dict[str, Quantity])
                result = replace(result, share_id=f"aggregated-{number}", consumed_capacity=amounts)
            results.append(result)
    allocation = AllocationResult(devices=DeviceAllocationResult(results=results))
    return ResourceClaim(metadata=ObjectMeta(name="held"), status=ResourceClaimStatus(allocation=allocation))


def with_share_ids(results: list[AllocationResult]) -> list[AllocationResult]:
    """The same with share IDs of their own: those of the cases are random or a mark."""
    number = 0
    for allocation in results:
        for index, item in enumerate(allocation.devices.results):
            if item.share_id is not None:
                number += 1
                allocation.devices.results[index] = replace(item, share_id=f"beef0000-0000-4000-8000-{number:012}")
    return results


def alarms(case: dict[str, Any], minor: str) -> list[str]:
    def read(values: list[Any], kind: Any) -> tuple[Any, ...]:
        return tuple(convert({"kind": kind.__name__, **value}, kind) for value in values)

    features = [name for name, on in case["features"].items() if on]
    objects = Objects(slices=read(case["slices"], ResourceSlice), classes=read(case["classes"], DeviceClass))
    allocated = case.get("allocated") or {}
    results = [convert(item.get("result", item), AllocationResult) for item in case["expected"]["results"]]
    found = violations(
        objects,
        read([case["node"]], Node)[0],
        read(case["claims"], ResourceClaim),
        with_share_ids(results),
        release(minor).with_features(features),
        existing=[held(allocated), *read(allocated.get("claims", []), ResourceClaim)],
    )
    return [str(error) for error in found]


def answers(mode: Mode, seeds: range) -> Iterator[Placed]:
    """What upstream's own allocator finds for random problems."""
    with Oracle(mode.minor) as oracle:
        for seed in seeds:
            made, solved = mode.releases(Random(seed))
            case = dataclasses.replace(problem(seed, release=made), release=solved)
            if not solved.heeds_taint_rules:
                case = dataclasses.replace(case, objects=dataclasses.replace(case.objects, taint_rules=()))
            told = oracle.ask({**line_of(case, variant=mode.variant), "timeoutMs": 300})
            if told["fit"]:
                results = with_share_ids([convert(item, AllocationResult) for item in told["results"]])
                kubernetes = solved.with_variant(told["variant"])
                yield Placed(case.objects, case.node, case.claims, tuple(results), case.existing, kubernetes)


def fits(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["expected"].get("results") and case["name"] not in NOT_COMPARABLE:
            yield case


@pytest.mark.parametrize(
    ("file", "minor", "least"),
    [
        ("upstream-1.34.13.jsonl", "1.34", 90),
        ("upstream-1.35.10.jsonl", "1.35", 100),
        ("upstream-1.36.6.jsonl", "1.36", 130),
        ("upstream-1.37.2.jsonl", "1.37", 160),
        ("random-1.37.2.jsonl", "1.37", 280),
    ],
)
def test_answers_of_upstream_are_valid(shared: Path, file: str, minor: str, least: int) -> None:
    """No placement of Kubernetes' own allocator raises an alarm."""
    found = {case["name"]: alarms(case, minor) for case in fits(shared / "conformance" / file)}
    assert len(found) >= least
    assert {name: errors for name, errors in found.items() if errors} == {}


FILES = (
    ("upstream-1.34.13.jsonl", "1.34"),
    ("upstream-1.35.10.jsonl", "1.35"),
    ("upstream-1.36.6.jsonl", "1.36"),
    ("upstream-1.37.2.jsonl", "1.37"),
    ("random-1.37.2.jsonl", "1.37"),
)
# Each case goes to one policy in each turn; seven shares no factor with 24, so all policies get cases of every file.
TURNS = 3


@pytest.mark.parametrize("turn", range(TURNS))
@pytest.mark.parametrize(("file", "minor"), FILES)
def test_answers_of_policies_are_valid(shared: Path, file: str, minor: str, turn: int) -> None:
    """Every policy finds devices wherever upstream does, and they are valid."""
    names = sorted(POLICIES)
    found: dict[tuple[str, str], list[str]] = {}
    for number, case in enumerate(fits(shared / "conformance" / file)):
        name = names[(7 * number + turn) % len(names)]
        told = io.StringIO()
        line = json.dumps({key: value for key, value in case.items() if key != "expected"} | {"timeoutMs": 0})
        run(io.StringIO(line), told, kubernetes=release(minor), policy=decide_by(name))
        answer = json.loads(told.getvalue())
        found[case["name"], name] = alarms({**case, "expected": answer}, minor) if answer["fit"] else ["no devices"]
    assert {at: errors for at, errors in found.items() if errors} == {}
    assert len({name for _, name in found}) >= min(len(names), len(found)) // 2


@pytest.mark.go
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_answers_of_upstream_to_random_problems_are_valid(mode: Mode) -> None:
    """No placement that Kubernetes' own allocator finds raises an alarm, in any release, with all gates and by default."""
    if not (FOLDER / f"oracle-{mode.minor}").is_file():
        pytest.skip("this release's oracle is not built: make oracle")
    found = list(answers(mode, range(200)))
    assert len(found) >= 30
    for placed in found:
        errors = violations(
            placed.objects, placed.node, placed.claims, placed.results, placed.release, existing=placed.existing
        )
        assert [str(error) for error in errors] == []
