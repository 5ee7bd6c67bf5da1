"""Twists of slices, pools and nodes: who reaches what, what a pool shares, and which of its slices there are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

from drapolicy.testing.lines import Line
from drapolicy.testing.twist_supply import chance

Object = dict[str, Any]


def pools(line: Line) -> list[list[Object]]:
    """Return the slices of the line by driver and pool."""
    found: dict[tuple[str, str], list[Object]] = {}
    for item in line["slices"]:
        found.setdefault((item["spec"]["driver"], item["spec"]["pool"]["name"]), []).append(item)
    return [found[key] for key in sorted(found)]


def reach(rng: Random, line: Line) -> None:
    """Say in another way which nodes reach a slice or a device."""
    for item in chance(rng, line["slices"], 0.4):
        spec = item["spec"]
        if spec.get("sharedCounters"):
            continue
        for key in ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"):
            spec.pop(key, None)
            for device in spec.get("devices") or []:
                device.pop(key, None)
        if rng.random() < 0.4:
            spec["perDeviceNodeSelection"] = True
            for device in spec.get("devices") or []:
                device |= _reach(rng)
        else:
            spec |= _reach(rng)


def _reach(rng: Random) -> Object:
    kind = rng.choice(("name", "all", "selector", "selector", "selector"))
    if kind == "name":
        return {"nodeName": rng.choice(("node-0", "node-0", "node-1"))}
    if kind == "all":
        return {"allNodes": True}
    zone, rack = "topology.kubernetes.io/zone", "example.com/rack"
    needs: tuple[Object, ...] = (
        {"key": zone, "operator": "In", "values": ["a", "b"]},
        {"key": zone, "operator": "NotIn", "values": ["c"]},
        {"key": zone, "operator": "Exists"},
        {"key": rack, "operator": "Gt", "values": ["0"]},
        {"key": rack, "operator": "Lt", "values": ["1"]},
        {"key": "example.com/none", "operator": "DoesNotExist"},
        {"key": "example.com/none", "operator": "NotIn", "values": ["x"]},
        {"key": "example.com/none", "operator": "In", "values": ["x"]},
    )
    term: Object = {"matchExpressions": rng.sample(needs, rng.choice((1, 1, 2, 3)))}
    if rng.random() < 0.15:
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-0"]}]}
    return {"nodeSelector": {"nodeSelectorTerms": [copy.deepcopy(term)]}}


def counters(rng: Random, line: Line) -> None:
    """Change the amounts of counters, let devices draw from several sets, or from one that is unknown."""
    for items in pools(line):
        holders = [item["spec"] for item in items if item["spec"].get("sharedCounters")]
        values = ("4", "6500m", "1e1", "2")
        for holder in holders:
            if len(holder["sharedCounters"]) < 3:
                holder["sharedCounters"].append({"name": "more", "counters": {"slices": {"value": rng.choice(values)}}})
        if not holders:
            continue
        shared = rng.random() < 0.5
        for device in [each for item in items for each in item["spec"].get("devices") or []]:
            if shared:
                device["allowMultipleAllocations"] = True
            if rng.random() < 0.4:
                device["consumesCounters"] = [
                    {"counterSet": name, "counters": {"slices": {"value": rng.choice(("1", "500m", "2500m", "0"))}}}
                    for name in rng.choice((["card"], ["more"], ["card", "more"], ["more", "card"]))
                ]
        # A counter or a set that is missing is refused where the slice of the devices has the sets.
        if rng.random() < 0.1 and not holders[0].get("devices"):
            for device in chance(rng, [each for item in items for each in item["spec"].get("devices") or []], 0.2):
                device["consumesCounters"] = [{"counterSet": "links", "counters": {"slices": {"value": "1"}}}]
        if rng.random() < 0.1 and not holders[0].get("devices"):
            holders[0]["sharedCounters"].pop()


def slices(rng: Random, line: Line) -> None:
    """Rename, drop, repeat or renew slices; shorten pools."""
    if not line["slices"]:
        return
    item = rng.choice(line["slices"])
    pool = item["spec"]["pool"]
    kind = rng.choice(("rename", "rename", "rename", "drop", "again", "double", "renew", "empty", "pool", "swap"))
    if kind == "rename":
        used = {each["metadata"]["name"] for each in line["slices"]}
        item["metadata"]["name"] = rng.choice([name for name in ("a", "zz", "m-10", "m-9", "x.y") if name not in used])
    elif kind == "drop":
        line["slices"].remove(item)
    elif kind in {"again", "double"}:
        line["slices"].append({**copy.deepcopy(item), "metadata": {"name": f"{item['metadata']['name']}-again"}})
        for each in [each["spec"] for each in line["slices"] if kind == "double"]:
            if (each["driver"], each["pool"]["name"]) == (item["spec"]["driver"], pool["name"]):
                each["pool"]["resourceSliceCount"] += 1
    elif kind == "renew":
        pool["generation"] += rng.choice((-1, 1))
    elif kind == "empty" and not item["spec"].get("sharedCounters"):
        item["spec"]["devices"] = []
    elif kind == "pool":
        old, new = pool["name"], rng.choice(("aa", "zz/1", "node-10", "node-9"))
        for each in line["slices"]:
            if (each["spec"]["driver"], each["spec"]["pool"]["name"]) == (item["spec"]["driver"], old):
                each["spec"]["pool"]["name"] = new
    elif kind == "swap":
        rng.shuffle(line["slices"])
        rng.shuffle(item["spec"].get("devices") or [])


def node(rng: Random, line: Line) -> None:
    """Move the node, or give it labels at the edge of what selectors compare."""
    if "node" not in line:
        return
    labels = line["node"]["metadata"].setdefault("labels", {})
    kind = rng.choice(("name", "rack", "bare"))
    if kind == "name":
        line["node"]["metadata"]["name"] = "node-1"
    elif kind == "rack":
        labels["example.com/rack"] = rng.choice(("x", "-5", "01", ""))
    else:
        labels.clear()


def twins(rng: Random, line: Line) -> None:
    """Give a pool the name that a pool of another driver has."""
    items = rng.choice(pools(line) or [[]])
    others = [item["spec"]["pool"]["name"] for item in line["slices"] if item["spec"]["driver"] != _driver(items)]
    taken = {item["spec"]["pool"]["name"] for item in line["slices"] if item["spec"]["driver"] == _driver(items)}
    free = [name for name in others if name not in taken]
    if free:
        name = rng.choice(free)
        for item in items:
            item["spec"]["pool"]["name"] = name


def _driver(items: list[Object]) -> str:
    return items[0]["spec"]["driver"] if items else ""


def neighbours(rng: Random, line: Line) -> None:
    """Let the devices of some slices be those of another node, which draw from the same counters."""
    found = [item["spec"] for item in line["slices"] if item["spec"].get("nodeName") and item["spec"].get("devices")]
    for spec in chance(rng, found, 0.3):
        spec["nodeName"] = rng.choice(("node-1", "node-2"))


TWISTS: tuple[Callable[[Random, Line], None], ...] = (reach, counters, counters, slices, node, twins, neighbours)
