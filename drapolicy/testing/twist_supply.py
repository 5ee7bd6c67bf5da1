"""Twists of what is offered: devices, their amounts, and what other claims hold of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from drapolicy.testing.devices import PCIE_ROOT, TAINT_KEYS
from drapolicy.testing.lines import Line

_T = TypeVar("_T")
Object = dict[str, Any]

_AMOUNTS = {
    "memory": ("1", "1Gi", "5Gi", "7Gi", "10Gi", "12500Mi", "20Gi", "40Gi", "60Gi", "61Gi", "80Gi", "81Gi", "1e9", "0"),
    "cores": ("1m", "100m", "250m", "0.3", "500m", "750m", "1", "1300m", "1500m", "2", "3", "4", "5", "100u", "0"),
}


def amount(rng: Random, name: str) -> str:
    """Return an amount of a capacity, often at a limit that occurs."""
    return rng.choice(_AMOUNTS.get(name, ("1", "500m", "2Gi")))


def chance(rng: Random, items: Sequence[_T], share: float) -> list[_T]:
    """Return each of the items with a chance, and at least one if there are any."""
    if not items:
        return []
    return [item for item in items if rng.random() < share] or [rng.choice(items)]


def devices(line: Line) -> list[Object]:
    """Return all devices of the line."""
    return [device for item in line["slices"] for device in item["spec"].get("devices") or []]


def attributes(rng: Random, line: Line) -> None:
    """Change attributes: other values, other types, other domains, none at all."""
    for device in chance(rng, devices(line), 0.4):
        found = device.setdefault("attributes", {})
        name = rng.choice(("model", "index", "numa", "healthy", "version", "speed", PCIE_ROOT, "gpu.example.com/model"))
        value: Object = rng.choice(
            (
                {"string": rng.choice(("h100", "a100", "x", "B200", "pci0000:01"))},
                {"int": rng.choice((-1, 0, 1, 2, 2**53 + 1, 2**63 - 1, -(2**63)))},
                {"bool": rng.random() < 0.5},
                {"version": rng.choice(("1.0.0", "1.2.0-rc.1", "2.10.0+build.5", "0.0.1"))},
            )
        )
        if rng.random() < 0.2:
            found.pop(name, None)
        else:
            found[name] = value
        if rng.random() < 0.05:
            found.clear()


def capacities(rng: Random, line: Line) -> None:
    """Change capacities, with and without a policy for requests."""
    for device in chance(rng, devices(line), 0.5):
        shared = device.get("allowMultipleAllocations")
        found = device.setdefault("capacity", {})
        for name in rng.sample(("memory", "cores"), rng.choice((1, 2))):
            value = (
                rng.choice(("4", "3500m", "3.25", "10")) if name == "cores" else rng.choice(("80Gi", "64Gi", "1e11"))
            )
            found[name] = {"value": value}
            if shared and rng.random() < 0.8:
                found[name]["requestPolicy"] = _policy(rng, name)


def domains(rng: Random, line: Line) -> None:
    """Write names of capacities with their domain, on devices or in requests, where they count as other names."""
    for item in chance(rng, line["slices"], 0.5):
        for device in item["spec"].get("devices") or []:
            if "memory" in (device.get("capacity") or {}) and rng.random() < 0.6:
                device["capacity"][f"{item['spec']['driver']}/memory"] = device["capacity"].pop("memory")
    drivers = sorted({item["spec"]["driver"] for item in line["slices"]})
    for claim in line["claims"] if drivers else []:
        for request in claim["spec"]["devices"].get("requests") or []:
            for ask in [request.get("exactly"), *(request.get("firstAvailable") or [])]:
                if ask is not None and rng.random() < 0.6:
                    name = rng.choice(("memory", f"{rng.choice(drivers)}/memory"))
                    ask["capacity"] = {"requests": {name: amount(rng, "memory")}}


def _policy(rng: Random, name: str) -> Object:
    low, step, high, middle = ("250m", "250m", "3", "500m") if name == "cores" else ("5Gi", "2560Mi", "60Gi", "10Gi")
    range_: Object = {"min": low}
    if rng.random() < 0.6:
        range_["max"] = high
    if rng.random() < 0.6:
        range_["step"] = step
    kinds: tuple[Object, ...] = (
        {"default": middle},
        {"default": middle, "validRange": range_},
        {"default": low, "validRange": range_},
        {"default": low, "validValues": [low, middle, high]},
        {"default": high, "validValues": [middle, high]},
    )
    return copy.deepcopy(rng.choice(kinds))


def extremes(rng: Random, line: Line) -> None:
    """Share devices whose amounts are at the limits of what upstream computes with, and ask for such amounts."""
    ends = ("9223372036854775807", "9223372036854775806", "8E", "1e30", "9223372036854775", "9223372036854776")
    whole = ("1m", "500m", "1", "3")  # policies have milli units at least
    fine = ("1n", "1500u", "0.0001", *whole)
    for device in chance(rng, devices(line), 0.5):
        device["allowMultipleAllocations"] = True
        low, high = rng.choice(whole), rng.choice(ends)
        range_: Object = {"min": low, **({"step": rng.choice(whole)} if rng.random() < 0.6 else {})}
        policy: Object = {"default": low, "validRange": range_} if rng.random() < 0.7 else {"default": low}
        device.setdefault("capacity", {})["memory"] = {"value": high, "requestPolicy": policy}
    for claim in line["claims"]:
        for request in claim["spec"]["devices"].get("requests") or []:
            for ask in [request.get("exactly"), *(request.get("firstAvailable") or [])]:
                if ask is not None and rng.random() < 0.6:
                    ask["capacity"] = {"requests": {"memory": rng.choice((*ends, *fine))}}


def sharing(rng: Random, line: Line) -> None:
    """Let devices be shared, or no longer."""
    for device in chance(rng, devices(line), 0.4):
        if rng.random() < 0.6:
            device["allowMultipleAllocations"] = True
        else:
            device["allowMultipleAllocations"] = False
            for each in (device.get("capacity") or {}).values():
                each.pop("requestPolicy", None)


def held(rng: Random, line: Line) -> None:
    """Let other claims hold devices, shares, fractions of capacity, and what no slice has."""
    found = [(item["spec"], device) for item in line["slices"] for device in item["spec"].get("devices") or []]
    for _ in range(rng.choice((1, 2, 4))):
        spec, device = rng.choice(found) if found else ({"driver": "gpu.example.com", "pool": {"name": "p"}}, {})
        shared = device.get("allowMultipleAllocations") is True
        result: Object = {
            "request": "r0",
            "driver": spec["driver"],
            "pool": spec["pool"]["name"],
            "device": rng.choice((device.get("name", "gone"),) * 8 + ("gone",)),
        }
        if rng.random() < 0.1:
            result["adminAccess"] = True
        if shared or rng.random() < 0.1:
            result["shareID"] = str(UUID(int=rng.getrandbits(128), version=4))
            names = [name for name in (*(device.get("capacity") or {}), "absent") if rng.random() < 0.7]
            if names:
                result["consumedCapacity"] = {name: amount(rng, name) for name in names}
        _hold(line, result)


def shared_partitions(rng: Random, line: Line) -> None:
    """Share devices that draw from counters; let other claims hold shares of some, with or without amounts."""
    for item in line["slices"]:
        for device in item["spec"].get("devices") or []:
            if not device.get("consumesCounters") or rng.random() < 0.4:
                continue
            device["allowMultipleAllocations"] = True
            if rng.random() < 0.5:
                spec = item["spec"]
                place = {"driver": spec["driver"], "pool": spec["pool"]["name"], "device": device["name"]}
                amounts = {name: "1" for name in device.get("capacity") or {} if rng.random() < 0.5}
                share = {"shareID": str(UUID(int=rng.getrandbits(128), version=4))}
                _hold(line, {"request": "r0", **place, **share, **({"consumedCapacity": amounts} if amounts else {})})


def _hold(line: Line, result: Object) -> None:
    """Add a claim that holds a result."""
    number = len(line["allocated"]["claims"])
    admin = {"adminAccess": True} if "adminAccess" in result else {}
    exactly = {"deviceClassName": "any", "allocationMode": "ExactCount", "count": 1, **admin}
    line["allocated"]["claims"].append(
        {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": {"name": f"more-{number}", "namespace": "ops", "uid": f"u-{number}"},
            "spec": {"devices": {"requests": [{"name": "r0", "exactly": exactly}]}},
            "status": {"allocation": {"devices": {"results": [result]}}},
        }
    )


def taints(rng: Random, line: Line) -> None:
    """Taint devices."""
    for device in chance(rng, devices(line), 0.4):
        device["taints"] = [
            {
                "key": rng.choice(TAINT_KEYS),
                "effect": rng.choice(("NoSchedule", "NoExecute", "None")),
                "timeAdded": "2026-01-01T00:00:00Z",
                **({"value": "x"} if rng.random() < 0.5 else {}),
            }
            for _ in range(rng.choice((1, 1, 2)))
        ]


def binding(rng: Random, line: Line) -> None:
    """Give devices binding conditions, or bind them to the node."""
    for device in chance(rng, devices(line), 0.3):
        if rng.random() < 0.7:
            device["bindingConditions"] = rng.sample(("example.com/a", "example.com/b", "example.com/c"), 2)
            device["bindingFailureConditions"] = ["example.com/broken"]
        if rng.random() < 0.5:
            device["bindsToNode"] = True


TWISTS: tuple[Callable[[Random, Line], None], ...] = (
    *(
        attributes,
        attributes,
        capacities,
        capacities,
        domains,
        extremes,
        sharing,
        held,
        held,
        shared_partitions,
        taints,
        binding,
    ),
)
