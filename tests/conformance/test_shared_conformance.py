"""Upstream's own answers, where they lie beside the checkout."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from drapolicy.api.quantity import Quantity
from drapolicy.cli.jsonl import run
from drapolicy.release import release
from drapolicy.release.gates import FEATURES

# Upstream 1.34 checks the capacity of another device than the one it is about to take (K8s Q24).
Q24 = {"1.34": {"consumable-capacity-multi-allocatable-device-allocation-mode-all-in-use-insufficient"}}


def answers(lines: list[dict[str, Any]], minor: str) -> list[dict[str, Any]]:
    """Return what the protocol answers to the lines."""
    out = io.StringIO()
    run(io.StringIO("".join(json.dumps(line) + "\n" for line in lines)), out, kubernetes=release(minor))
    return [json.loads(text) for text in out.getvalue().splitlines()]


def device(result: dict[str, Any]) -> str:
    """Return one device of a result in a form in which equal ones are equal."""
    kept = {key: value for key, value in result.items() if value}
    if "shareID" in kept:
        kept["shareID"] = "*"
    if "consumedCapacity" in kept:
        kept["consumedCapacity"] = {name: Quantity(text).nano for name, text in kept["consumedCapacity"].items()}
    return json.dumps(kept, sort_keys=True)


def allocation(result: dict[str, Any], *, ordered: bool) -> str:
    """Return one allocation in a form in which equal ones are equal."""
    devices = [device(entry) for entry in result.get("devices", {}).get("results") or []]
    selector = json.dumps(result.get("nodeSelector"), sort_keys=True)
    config = json.dumps(result.get("devices", {}).get("config") or [], sort_keys=True)
    return json.dumps([devices if ordered else sorted(devices), config, selector])


def differs(expected: dict[str, Any], answer: dict[str, Any]) -> str:
    """Return what differs, or nothing."""
    if expected.get("errorContains") or expected.get("error"):
        texts = expected.get("errorContains") or [expected["error"]]
        missing = [text for text in texts if text not in (answer.get("error") or "")]
        # A class lister of the recorded run writes the absence of a class in its own way.
        return "" if not missing or "could not retrieve device class" in missing[0] else f"{missing} not in {answer}"
    if answer.get("error"):
        return f"error {answer['error']}"
    ordered = all(entry["order"] == "exact" for entry in expected["results"])
    want = sorted(allocation(entry["result"], ordered=ordered) for entry in expected["results"])
    got = sorted(allocation(result, ordered=ordered) for result in answer.get("results", ()))
    if want != got:
        return f"want {want}, got {got}"
    steps = expected.get("allocateOneByVariant", {}).get(answer["variant"], expected.get("allocateOne"))
    return f"steps: want {steps}, got {answer['allocateOne']}" if steps and steps != answer["allocateOne"] else ""


@pytest.mark.parametrize(
    ("name", "minor", "count"),
    [
        ("upstream-1.34.13", "1.34", 157),
        ("upstream-1.35.10", "1.35", 186),
        ("upstream-1.36.6", "1.36", 233),
        ("upstream-1.37.2", "1.37", 278),
        ("random-1.37.2", "1.37", 500),
    ],
)
def test_recorded_answers_are_given_again(shared: Path, name: str, minor: str, count: int) -> None:
    """Devices, configuration, node selector, error text and number of steps are upstream's."""
    cases = [json.loads(text) for text in (shared / "conformance" / f"{name}.jsonl").read_text().splitlines()]
    cases = [case for case in cases if not case["source"].get("notJSONSafe")]
    wrong = {
        case["name"]: difference
        for case, answer in zip(cases, answers(cases, minor), strict=True)
        if (difference := differs(case["expected"], answer))
    }
    assert wrong.keys() == Q24.get(minor, set()), wrong
    assert len(cases) == count


@pytest.mark.parametrize(("patch", "minor"), [("1.35.10", "1.35"), ("1.36.6", "1.36"), ("1.37.2", "1.37")])
def test_recipes_come_out_as_written(shared: Path, patch: str, minor: str) -> None:
    """Every worked example has upstream's outcome, from 1.36 on also its devices and text (I2)."""
    folder = shared / "conformance" / "recipes"
    expected = {
        name: case for name, case in json.loads((folder / "expected.json").read_text()).items() if patch in case
    }
    lines, claims_of = [], []
    for name, case in expected.items():
        # Kubernetes reads an unquoted y as true, PyYAML does not (I3b).
        text = (folder / f"{name}.yaml").read_text().replace("name: y,", 'name: "true",')
        objects = [entry for entry in yaml.safe_load_all(text) if entry]
        claims = [entry for entry in objects if entry["kind"] == "ResourceClaim"]
        for claim in claims:
            default_requests(claim)
        held = [claim for claim in claims if claim.get("status", {}).get("allocation")]
        claims_of.append([claim["metadata"]["name"] for claim in claims if claim not in held])
        features = FEATURES[minor] if case["features"] == ["all"] else case["features"]
        lines.append(
            {
                "name": name,
                "features": {feature: True for feature in features if feature in FEATURES[minor]},
                "classes": [entry for entry in objects if entry["kind"] == "DeviceClass"],
                "slices": [entry for entry in objects if entry["kind"] == "ResourceSlice"],
                "node": next(entry for entry in objects if entry["kind"] == "Node"),
                "claims": [claim for claim in claims if claim not in held],
                "allocated": {"claims": held},
            }
        )
    wrong = {}
    kinds = {"abort": "fatal", "node-fail": "node", "no-fit": None, "ok": None, "unsupported-input": "input"}
    for name, own, answer in zip(expected, claims_of, answers(lines, minor), strict=True):
        want = expected[name][patch]
        same = answer.get("errorKind") == kinds[want["outcome"]] and answer["fit"] == (want["outcome"] == "ok")
        if minor != "1.35" and want["outcome"] != "unsupported-input":
            got = dict(zip(own, answer.get("results", ()), strict=False))
            same = (
                same
                and want.get("text", "") == answer.get("error", "")
                and {key: allocation(value, ordered=True) for key, value in got.items()}
                == {key: allocation(value, ordered=True) for key, value in want.get("claims", {}).items()}
            )
        if not same:
            wrong[name] = (want, answer)
    assert wrong == {}
    assert len(expected) > 90


def default_requests(claim: dict[str, Any]) -> None:
    """Fill in what the API server does."""
    for request in claim["spec"]["devices"].get("requests") or []:
        for spec in [request.get("exactly"), *(request.get("firstAvailable") or [])]:
            if spec is not None:
                spec.setdefault("allocationMode", "ExactCount")
                if spec["allocationMode"] == "ExactCount":
                    spec.setdefault("count", 1)
