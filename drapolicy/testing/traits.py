"""What occurs in a problem and in its answer, so that a run can say what it has covered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from drapolicy.release import release
from drapolicy.testing.lines import Answer, Line, outcomes
from drapolicy.testing.modes import Mode

# Patterns over compact JSON, and the release since which they can occur.
_ASKED: Final = {
    "ask: prioritized list": r'"firstAvailable":\[\{',
    "ask: All": '"allocationMode":"All"',
    "ask: admin access": '"adminAccess":true',
    "ask: capacity": '"capacity":{"requests":{"',
    "ask: match attribute": '"matchAttribute"',
    "ask: distinct attribute": '"distinctAttribute"',
    "ask: tolerations": r'"tolerations":\[\{',
    "ask: configuration": r'"config":\[\{',
    "ask: derived attribute": r'"derivedAttributes":\[\{',
    "ask: derived attribute of a real name": r'"derivedAttributes":\[[^\]]*"name":"(?!derived)',
}
_SUPPLY: Final = {
    "slice: one node": '"nodeName"',
    "slice: all nodes": '"allNodes"',
    "slice: node selector": '"nodeSelector"',
    "slice: per device": '"perDeviceNodeSelection"',
    "slice: counters": r'"sharedCounters":\[\{',
    "slice: skips node operations": r'"skipNodeOperations":\["',
    "device: shared": '"allowMultipleAllocations":true',
    "device: valid range": '"validRange"',
    "device: valid values": '"validValues"',
    "device: fractional amounts": r'"value":"[^"]*(\.|[mu]")',
    "device: taints": r'"taints":\[\{',
    "device: binding": r'"bindingConditions":\["|"bindsToNode":true',
    "device: list of ints": r'"ints":\[',
    "device: list of bools": r'"bools":\[',
    "device: list of strings": r'"strings":\[',
    "device: list of versions": r'"versions":\[',
    "device: compatibility groups": r'"compatibilityGroups":\["',
}
_GOT: Final = {
    "got: share": '"shareID"',
    "got: consumed capacity": '"consumedCapacity"',
    "got: alternative": '"request":"[^"]+/',
    "got: later alternative": '"request":"[^"]+/[as][1-9]',
    "got: binding conditions": r'"bindingConditions":\["',
    "got: tolerations": r'"tolerations":\[\{',
    "got: admin access": '"adminAccess":true',
    "got: class configuration": '"source":"FromClass"',
    "got: claim configuration": '"source":"FromClaim"',
    "got: selector of one node": '"matchFields"',
    "got: selector by label": '"matchExpressions"',
    "got: skipped node operations": r'"skipNodeOperations":\["',
}
_TEXTS: Final = {
    "S25 invalid pool": "invalid resource pools|pool .* is invalid",
    "S25 All of an incomplete pool": "is currently being updated",
    "S25 All of an invalid pool": "asks for all devices, but resource pool .* is currently invalid",
    "S29 class is missing": "could not retrieve device class",
    "S36 result is too large": "exceeds the claim limit|max size exceeded|adding .* exceeds",
    "S30 All cannot have a device": "cannot add device",
    "S29 gate is off": "is disabled",
    "S41 amount cannot be computed with": "checking capacity|consumed capacity",
    "S39 CEL runtime error": "CEL runtime error",
    "S53 derived attribute fails": "evaluate derived attribute",
}
# Alpha features, told together with the outcome.
_ALPHA: Final = {
    "lists": r'"(int|bool|string|version)s":\[',
    "derived attributes": r'"derivedAttributes":\[\{',
    "groups": r'"compatibilityGroups":\["',
    "skipped operations": r'"skipNodeOperations":\["',
}
# Fields that a problem may lack, so that it tells whether their rule was what refused it.
REFUSING: Final = {"groups": "compatibilityGroups", "skipped operations": "skipNodeOperations"}
# The first release in whose random problems a trait can occur; all others occur in every release.
_SINCE: Final = {
    "lists": "1.36",
    "device: list of ints": "1.36",
    "device: list of bools": "1.36",
    "device: list of strings": "1.36",
    "device: list of versions": "1.36",
    "derived attributes": "1.37",
    "groups": "1.37",
    "skipped operations": "1.37",
    "ask: derived attribute": "1.37",
    "ask: derived attribute of a real name": "1.37",
    "device: compatibility groups": "1.37",
    "slice: skips node operations": "1.37",
    "got: skipped node operations": "1.37",
    "S53 derived attribute fails": "1.37",
    "S41 amount cannot be computed with": "1.37",
    "got: tolerations": "1.35",
    "S25 All of an invalid pool": "1.35",
}
# Traits that take a gate which is off by default.
_GATED: Final = {"got: skipped node operations", "S53 derived attribute fails"}


def _compiled(table: Mapping[str, str]) -> dict[str, Any]:
    return {name: re.compile(pattern).search for name, pattern in table.items()}


_ASKED_IN, _SUPPLY_IN, _GOT_IN, _TEXTS_IN, _ALPHA_IN = map(_compiled, (_ASKED, _SUPPLY, _GOT, _TEXTS, _ALPHA))
_DRIVERS = re.compile(r'"driver":"([^"]+)","pool"').findall


def traits(line: Line, answer: Answer) -> set[str]:
    """Return the names of what occurs in a problem and upstream's answer to it."""
    asked, supply = _json(line["claims"]), _json(line["slices"])
    held = _json(line["allocated"])
    told = outcomes(answer)
    found = {f"claims: {len(line['claims'])}"}
    found |= {name for name, search in _ASKED_IN.items() if search(asked)}
    found |= {name for name, search in _SUPPLY_IN.items() if search(supply)}
    results = _json([outcome["results"] for outcome in told if outcome.get("results")])
    if len(results) > 2:
        found |= {name for name, search in _GOT_IN.items() if search(results)}
    alpha = [name for name, search in _ALPHA_IN.items() if search(supply) or search(asked)]
    for outcome in told:
        error = outcome.get("error", "")
        if error:
            found |= {name for name, search in _TEXTS_IN.items() if search(error)}
        kind = outcome.get("errorKind") or ("fit" if outcome["fit"] else "no fit")
        found |= {f"outcome: {kind}", *(f"{name}: {kind}" for name in alpha)}
    also = {
        "several nodes": "nodes" in line,
        "gates: some are off": not all(line["features"].values()),
        "held: shares": '"shareID":"' in held,
        "held: devices": '"device"' in held,
        "pools: one name under two drivers": _twins(line),
        "got: devices of several drivers": len(set(_DRIVERS(results))) > 1,
        "search: more than 30 steps": answer.get("allocateOne", 0) > 30,
    }
    return found | {name for name, there in also.items() if there}


def every_trait(mode: Mode) -> set[str]:
    """Return the names of the traits that random problems of a mode have, some seldom."""
    known = release(mode.minor)
    kinds = ("fit", "no fit", "fatal")
    alpha = {name for name in _ALPHA if known.at_least(_SINCE[name])}
    gated = mode.variant == "experimental"
    return (
        {
            name
            for table in (_ASKED, _SUPPLY, _GOT, _TEXTS)
            for name in table
            if known.at_least(_SINCE.get(name, mode.minor)) and (gated or name not in _GATED)
        }
        | {f"outcome: {kind}" for kind in (*kinds, *(("node",) if known.behaviour.skips_unusable_pools else ()))}
        | {
            f"{name}: {kind}"
            for name in alpha
            for kind in (*kinds, *(("refused",) if name in REFUSING else ()))
            if gated
        }
        | {f"claims: {number}" for number in range(1, 5)}
        | {"several nodes", "gates: some are off", "held: shares", "held: devices", "search: more than 30 steps"}
        | {"got: devices of several drivers", *(["pools: one name under two drivers"] if mode.ordered else [])}
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _twins(line: Line) -> bool:
    pools = {(item["spec"]["driver"], item["spec"]["pool"]["name"]) for item in line["slices"]}
    return len({name for _, name in pools}) < len(pools)
