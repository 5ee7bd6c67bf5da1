"""Changes to a random problem, so that what seldom meets does meet; the API server takes nearly all that comes out.

A twist takes a random generator and a line of the protocol, and changes the line in place where it can.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeAlias

from drapolicy.release import Release
from drapolicy.testing import twist_alpha, twist_pools, twist_supply
from drapolicy.testing.devices import PCIE_ROOT, TAINT_KEYS
from drapolicy.testing.expressions import expression
from drapolicy.testing.lines import Line
from drapolicy.testing.supply import DRIVERS
from drapolicy.testing.twist_supply import amount, chance

Twist: TypeAlias = Callable[[Random, Line], None]
Object: TypeAlias = dict[str, Any]


def twist(rng: Random, line: Line, release: Release, *, calm: bool = False) -> None:
    """Apply up to six random twists to a line, after making it easier to satisfy in four cases of ten.

    Parameters
    ----------
    release
        Only fields of its API are added.
    calm
        Leave out what makes selectors fail and pools unusable.
    """
    if rng.random() < 0.4:
        _forgive(line)
    changes = [*TWISTS, *(change for since, change in twist_alpha.TWISTS for _ in "ab" if release.at_least(since))]
    if calm:
        changes = [change for change in changes if change not in _WILD]
    for change in rng.choices(changes, k=rng.choice((0, 1, 1, 2, 2, 3, 4, 6))):
        change(rng, line)
    twist_alpha.tidy(line, release)


def requests(line: Line) -> Iterator[Object]:
    """Iterate over the requests of the claims to place."""
    for claim in line["claims"]:
        yield from claim["spec"]["devices"].get("requests") or []


def asks(line: Line) -> list[Object]:
    """Return exact requests and alternatives, which are alike but for admin access."""
    found: list[Object] = []
    for request in requests(line):
        found += [request["exactly"]] if "exactly" in request else request["firstAvailable"]
    return found


def _forgive(line: Line) -> None:
    """Drop what mostly leaves no solution, so that more of the rest decides."""
    for claim in line["claims"]:
        claim["spec"]["devices"]["constraints"] = []
    for ask in asks(line):
        ask["tolerations"] = [{"operator": "Exists"}]
        ask["selectors"] = []


def selectors_of_requests(rng: Random, line: Line) -> None:
    """Give requests selectors of any shape."""
    for ask in chance(rng, asks(line), 0.4):
        driver = _driver(ask["deviceClassName"])
        ask["selectors"] = [{"cel": {"expression": expression(rng, driver)}} for _ in range(rng.choice((1, 1, 2, 3)))]


def selectors_of_classes(rng: Random, line: Line) -> None:
    """Give classes selectors of any shape."""
    for each in chance(rng, line["classes"], 0.3):
        driver = _driver(each["metadata"]["name"])
        own = f'device.driver == "{driver}" && ' if driver and rng.random() < 0.8 else ""
        text = f"{own}({expression(rng, driver)})"
        each.setdefault("spec", {})["selectors"] = [{"cel": {"expression": text}}]


def _driver(class_name: str) -> str | None:
    return next((driver for driver in DRIVERS if driver.startswith(f"{class_name}.")), None)


def class_is_missing(rng: Random, line: Line) -> None:
    """Take a class away."""
    if line["classes"]:
        line["classes"].pop(rng.randrange(len(line["classes"])))


def counts(rng: Random, line: Line) -> None:
    """Ask for more devices, up to what a result can hold and beyond."""
    for ask in chance(rng, asks(line), 0.4):
        ask["allocationMode"] = "ExactCount"
        ask["count"] = rng.choice((1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 16, 31, 32, 33))


def all_devices(rng: Random, line: Line) -> None:
    """Ask for all devices."""
    for ask in chance(rng, asks(line), 0.4):
        ask["allocationMode"] = "All"
        ask.pop("count", None)


def amounts(rng: Random, line: Line) -> None:
    """Ask for amounts, whole and fractional, of capacities that exist or not."""
    for ask in chance(rng, asks(line), 0.6):
        names = rng.choice((*(("memory",),) * 6, *(("memory", "cores"),) * 3, ("cores",), ("absent",)))
        ask["capacity"] = {"requests": {name: amount(rng, name) for name in names}}


def alternatives(rng: Random, line: Line) -> None:
    """Turn requests into prioritized lists of up to eight."""
    for request in chance(rng, list(requests(line)), 0.4):
        if "exactly" not in request or "adminAccess" in request["exactly"]:
            continue
        exact = request.pop("exactly")
        classes = ("gpu", "nic", "fpga", "any", "large")
        request["firstAvailable"] = [
            {
                **exact,
                "name": f"s{n}",
                "deviceClassName": rng.choice((exact["deviceClassName"], *classes)),
                **({"count": rng.choice((1, 2, 4))} if exact.get("allocationMode") == "ExactCount" else {}),
            }
            for n in range(rng.choice((1, 2, 3, 8)))
        ]


def _names(devices: Line) -> list[str]:
    """Return what a claim's constraints and configuration may name: requests, then their alternatives."""
    requests = devices.get("requests") or []
    return [request["name"] for request in requests] + [
        f"{request['name']}/{sub['name']}" for request in requests for sub in request.get("firstAvailable") or []
    ]


def constraints(rng: Random, line: Line) -> None:
    """Constrain requests, alternatives or all of a claim by any attribute."""
    for claim in line["claims"]:
        devices = claim["spec"]["devices"]
        names = _names(devices)
        made = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            driver = rng.choice(DRIVERS)
            attribute = rng.choice(
                (PCIE_ROOT, *(f"{driver}/{name}" for name in ("model", "index", "numa", "healthy", "links")))
            )
            chosen = sorted(rng.sample(names, min(len(names), rng.choice((1, 2, 3))))) if rng.random() < 0.6 else []
            kind = rng.choice(("matchAttribute", "matchAttribute", "distinctAttribute"))
            made.append({kind: attribute, **({"requests": chosen} if chosen else {})})
        devices["constraints"] = made


def configuration(rng: Random, line: Line) -> None:
    """Configure requests, alternatives or all of a claim."""
    for claim in line["claims"]:
        devices = claim["spec"]["devices"]
        names = _names(devices)
        devices["config"] = [
            {
                "opaque": {"driver": rng.choice(DRIVERS), "parameters": {"n": n}},
                **({"requests": sorted(rng.sample(names, 1))} if names and rng.random() < 0.7 else {}),
            }
            for n in range(rng.choice((1, 2, 3)))
        ]


def tolerations(rng: Random, line: Line) -> None:
    """Tolerate taints by key, value, effect or all."""
    for ask in chance(rng, asks(line), 0.5):
        made: list[Object] = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            one: Object = {"operator": "Exists"}
            if rng.random() < 0.8:
                one["key"] = rng.choice(TAINT_KEYS)
                if rng.random() < 0.5:
                    one |= {"operator": "Equal", **({"value": "x"} if rng.random() < 0.6 else {})}
            if rng.random() < 0.5:
                one["effect"] = rng.choice(("NoSchedule", "NoExecute"))
            made.append(one)
        ask["tolerations"] = made


def admin_access(rng: Random, line: Line) -> None:
    """Ask for admin access."""
    for request in chance(rng, list(requests(line)), 0.5):
        if "exactly" in request:
            request["exactly"]["adminAccess"] = rng.choice((True, True, False))


def more_requests(rng: Random, line: Line) -> None:
    """Ask for the same again under another name."""
    for claim in chance(rng, line["claims"], 0.5):
        asked = claim["spec"]["devices"].get("requests") or []
        if asked and len(asked) < 5:
            again = rng.choice(asked)
            asked.append({**again, "name": f"again-{len(asked)}"})


def crowd(rng: Random, line: Line) -> None:
    """Let a slice have dozens of like devices, and claims ask for lists of as many as a result can hold."""
    full = [item["spec"] for item in line["slices"] if item["spec"].get("devices")]
    if not full:
        return
    spec = rng.choice(full)
    model = {key: value for key, value in spec["devices"][0].items() if key not in {"consumesCounters", "taints"}}
    spec["devices"] = [{**copy.deepcopy(model), "name": f"like-{n}"} for n in range(rng.choice((33, 40, 64)))]
    _forgive(line)
    for claim in line["claims"]:
        claim["spec"]["devices"]["config"] = []
        for request in claim["spec"]["devices"].get("requests") or []:
            request.pop("exactly", None)
            request["firstAvailable"] = [
                {
                    "name": f"s{n}",
                    "deviceClassName": "any",
                    "allocationMode": "ExactCount",
                    "count": rng.choice((1, 1, 2, 3, 15, 16, 17, 30, 31, 32, 33)),
                    "tolerations": [{"operator": "Exists"}],
                }
                for n in range(rng.choice((1, 2, 3)))
            ]


def gates(rng: Random, line: Line) -> None:
    """Turn some gates off."""
    for name in chance(rng, sorted(line["features"]), 0.2):
        line["features"][name] = False


TWISTS: tuple[Twist, ...] = (
    selectors_of_requests,
    selectors_of_requests,
    selectors_of_classes,
    class_is_missing,
    counts,
    all_devices,
    amounts,
    amounts,
    alternatives,
    constraints,
    constraints,
    configuration,
    tolerations,
    admin_access,
    more_requests,
    crowd,
    gates,
    *twist_supply.TWISTS,
    *twist_pools.TWISTS,
)
_WILD = (
    *(selectors_of_requests, selectors_of_classes, class_is_missing),
    *(twist_supply.attributes, twist_supply.extremes, twist_pools.slices, twist_pools.twins),
)
