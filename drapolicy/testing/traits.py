"""What occurs in a problem and in its answer, so that a run can say what it has covered."""

from __future__ import annotations

import json
import re

from drapolicy.testing.lines import Answer, Line, outcomes

_TEXTS = {
    "S25 invalid pool": "invalid resource pools",
    "S25 All of an incomplete pool": "is currently being updated",
    "S25 All of an invalid pool": "asks for all devices, but resource pool .* is currently invalid",
    "S29 class is missing": "could not retrieve device class",
    "S36 result is too large": "exceeds the claim limit|max size exceeded|adding .* exceeds",
    "S30 All cannot have a device": "cannot add device",
    "S29 gate is off": "is disabled",
    "S41 amount cannot be computed with": "checking capacity|consumed capacity",
    "S39 CEL runtime error": "CEL runtime error",
}
_INPUT = {
    "ask: prioritized list": r'"firstAvailable": \[[^\]]',
    "ask: All": '"allocationMode": "All"',
    "ask: admin access": '"adminAccess": true',
    "ask: capacity": '"capacity": {"requests"',
    "ask: match attribute": '"matchAttribute"',
    "ask: distinct attribute": '"distinctAttribute"',
    "ask: tolerations": r'"tolerations": \[[^\]]',
    "ask: configuration": r'"config": \[[^\]]',
}
_SUPPLY = {
    "slice: one node": '"nodeName"',
    "slice: all nodes": '"allNodes"',
    "slice: node selector": '"nodeSelector"',
    "slice: per device": '"perDeviceNodeSelection"',
    "slice: counters": r'"sharedCounters": \[[^\]]',
    "device: shared": '"allowMultipleAllocations": true',
    "device: valid range": '"validRange"',
    "device: valid values": '"validValues"',
    "device: fractional amounts": r'"value": "[^"]*(\\.|[mu]")',
    "device: taints": r'"taints": \[[^\]]',
    "device: binding": r'"bindingConditions": \[[^\]]|"bindsToNode": true',
}
_OUTPUT = {
    "got: share": '"shareID"',
    "got: consumed capacity": '"consumedCapacity"',
    "got: alternative": '"request": "[^"]+/',
    "got: later alternative": '"request": "[^"]+/[as][1-9]',
    "got: binding conditions": r'"bindingConditions": \[[^\]]',
    "got: tolerations": r'"tolerations": \[[^\]]',
    "got: admin access": '"adminAccess": true',
    "got: class configuration": '"source": "FromClass"',
    "got: claim configuration": '"source": "FromClaim"',
    "got: selector of one node": '"matchFields"',
    "got: selector by label": '"matchExpressions"',
}


def traits(line: Line, answer: Answer) -> set[str]:
    """Return the names of what occurs in a problem and upstream's answer to it."""
    asked, supply, held = (json.dumps(line[part]) for part in ("claims", "slices", "allocated"))
    told = outcomes(answer)
    results = json.dumps([outcome.get("results") or [] for outcome in told])
    found = {f"claims: {len(line['claims'])}"}
    for text, patterns in ((asked, _INPUT), (supply, _SUPPLY), (results, _OUTPUT)):
        found |= {name for name, pattern in patterns.items() if re.search(pattern, text)}
    for outcome in told:
        error = outcome.get("error", "")
        found |= {name for name, pattern in _TEXTS.items() if re.search(pattern, error)}
        found.add(f"outcome: {outcome.get('errorKind') or ('fit' if outcome['fit'] else 'no fit')}")
    also = {
        "several nodes": "nodes" in line,
        "gates: some are off": not all(line["features"].values()),
        "held: shares": '"shareID": "' in held,
        "held: devices": '"device"' in held,
        "got: devices of several drivers": len(set(re.findall('"driver": "([^"]+)", "pool"', results))) > 1,
        "search: more than 30 steps": answer.get("allocateOne", 0) > 30,
    }
    return found | {name for name, there in also.items() if there}
