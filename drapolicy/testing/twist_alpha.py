"""Twists with fields that only some releases have: lists of values, derived attributes, groups, skipped operations.

They happen whether the gate is on or not: what was stored while it was on stays when it is turned off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from drapolicy.release import Release
from drapolicy.testing.derive import NAMES, expression
from drapolicy.testing.devices import GROUPS, PCIE_ROOT
from drapolicy.testing.lines import Line
from drapolicy.testing.supply import DRIVERS, SKIPS
from drapolicy.testing.twist_supply import chance, devices

Object = dict[str, Any]

_VALUES: dict[str, tuple[Any, ...]] = {
    "ints": (0, 1, 2, 3, -1, 2**63 - 1),
    "bools": (True, False),
    "strings": ("a", "b", "c", "h100", "pci0000:01"),
    "versions": ("1.0.0", "1.2.0", "2.0.0-rc.1+b7", "2.0.0-rc.1+b8"),
}


def lists(rng: Random, line: Line) -> None:
    """Give attributes lists of any kind, with values in any order and now and then twice."""
    name = rng.choice(("model", "numa", "healthy", "version", "links", PCIE_ROOT))
    kinds = rng.choice((*((kind,) for kind in _VALUES), tuple(_VALUES), ("ints", "int"), ("strings", "string")))
    for device in chance(rng, devices(line), 0.7):
        kind = rng.choice(kinds)
        values = _VALUES.get(kind) or _VALUES[f"{kind}s"]
        value: Any = rng.choice(values) if kind not in _VALUES else rng.choices(values, k=rng.choice((1, 1, 2, 2, 3)))
        device.setdefault("attributes", {})[name] = {kind: value}
    for devices_of in chance(rng, [claim["spec"]["devices"] for claim in line["claims"]], 0.7):
        attribute = name if "/" in name else f"{rng.choice(DRIVERS)}/{name}"
        kind = rng.choice(("matchAttribute", "matchAttribute", "distinctAttribute"))
        devices_of["constraints"] = [*(devices_of.get("constraints") or []), {kind: attribute}]


def overlaps(rng: Random, line: Line) -> None:
    """Give devices of a driver lists of which each two have a value in common, but not all, and match them."""
    driver = rng.choice(DRIVERS)
    for item in line["slices"]:
        for device in item["spec"].get("devices") or []:
            if item["spec"]["driver"] == driver:
                values = rng.choice((["x", "y"], ["y", "z"], ["x", "z"], ["x", "y", "z"], ["w"]))
                device.setdefault("attributes", {})["links"] = {"strings": values}
    for claim in line["claims"]:
        claim["spec"]["devices"]["constraints"] = [{"matchAttribute": f"{driver}/links"}]
        for _, ask in asks(claim):
            ask |= {"deviceClassName": driver.split(".", maxsplit=1)[0], "selectors": []}
            if ask.get("allocationMode") == "ExactCount":
                ask["count"] = rng.choice((1, 2, 2, 3))


def derived(rng: Random, line: Line) -> None:
    """Let requests derive attributes, under names of their own or those of real ones, and constrain them."""
    for claim in chance(rng, line["claims"], 0.6):
        of_claim = claim["spec"]["devices"]
        name = rng.choice((*NAMES, f"{rng.choice(DRIVERS)}/model", f"{rng.choice(DRIVERS)}/numa"))
        kind = rng.choice(("matchAttribute", "matchAttribute", "distinctAttribute"))
        of_claim["constraints"] = [*(of_claim.get("constraints") or []), {kind: name}]
        same = expression(rng, rng.choice(DRIVERS))
        for _, ask in asks(claim):
            if rng.random() < 0.8:
                text = same if rng.random() < 0.6 else expression(rng, rng.choice(DRIVERS))
                others = [each for each in ask.get("derivedAttributes") or [] if each["name"] != name]
                ask["derivedAttributes"] = [*others, {"name": name, "expression": text}]


def groups(rng: Random, line: Line) -> None:
    """Let what devices draw from counters be of groups, of other groups, or of none."""
    for device in chance(rng, [device for device in devices(line) if device.get("consumesCounters")], 0.6):
        for each in device["consumesCounters"]:
            each["compatibilityGroups"] = rng.sample(GROUPS, rng.choice((0, 1, 1, 2)))


def skips(rng: Random, line: Line) -> None:
    """Let slices skip node operations, and the node be one that can do without, or not."""
    for item in chance(rng, line["slices"], 0.4):
        if item["spec"].get("devices"):
            item["spec"]["skipNodeOperations"] = list(rng.choice((*SKIPS, [])))
    for each in line.get("nodes") or [line["node"]]:
        if rng.random() < 0.5:
            features = rng.choice((["DRAOptionalNodeOperations"], ["A", "DRAOptionalNodeOperations"], ["A"], []))
            each["status"] = {**each.get("status", {}), "declaredFeatures": features}


def asks(claim: Object) -> Iterator[tuple[tuple[str, ...], Object]]:
    """Yield the exact requests and alternatives of a claim, each with the names by which constraints mean it."""
    for request in claim["spec"]["devices"].get("requests") or []:
        if "exactly" in request:
            yield (request["name"],), request["exactly"]
        for sub in request.get("firstAvailable") or []:
            yield (request["name"], f"{request['name']}/{sub['name']}"), sub


def tidy(line: Line, release: Release) -> None:
    """Take out what the release's API refuses: derived attributes that no constraint compares, new kinds of taint."""
    for claim in line["claims"]:
        constraints = claim["spec"]["devices"].get("constraints") or []
        for names, ask in asks(claim):
            compared = {
                each.get("matchAttribute") or each.get("distinctAttribute")
                for each in constraints
                if not each.get("requests") or not set(names).isdisjoint(each["requests"])
            }
            if "derivedAttributes" in ask:
                ask["derivedAttributes"] = [each for each in ask["derivedAttributes"] if each["name"] in compared]
    if not release.at_least("1.37"):
        for device in devices(line):
            for capacity in (device.get("capacity") or {}).values():
                policy = capacity.get("requestPolicy") or {}
                # Valid values count as whole numbers, of which none may come twice.
                if any(text.endswith("m") for text in policy.get("validValues") or []):
                    del policy["validValues"]
    if not release.at_least("1.35"):
        for device in devices(line):
            for taint in device.get("taints") or []:
                taint["effect"] = "NoSchedule" if taint["effect"] == "None" else taint["effect"]


TWISTS: tuple[tuple[str, Callable[[Random, Line], None]], ...] = (
    ("1.36", lists),
    ("1.36", overlaps),
    ("1.37", derived),
    ("1.37", groups),
    ("1.37", skips),
)
