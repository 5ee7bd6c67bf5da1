"""A problem as a line of the protocol, the reference's answer to it, and what makes two answers differ (I2)."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from drapolicy.api.encode import to_builtins
from drapolicy.api.load import loads
from drapolicy.api.quantity import Quantity
from drapolicy.cli.jsonl import run
from drapolicy.errors import InputError
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.release import release
from drapolicy.testing.generate import Case

Line: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, Any]

VARIANT = "incubating"


def line_of(case: Case, name: str = "", *, every_node: bool = False) -> Line:
    """Return a problem as the scheduler gives it to the allocator: with the taints of all rules.

    Parameters
    ----------
    every_node
        Ask for all nodes, one after the other, instead of the case's own.
    """
    nodes = [to_builtins(node) for node in case.objects.nodes]
    slices = with_taint_rules(case.objects.slices, case.objects.taint_rules)
    return {
        "name": name,
        "features": dict.fromkeys(sorted(case.release.features), True),
        "variant": VARIANT,
        "classes": [to_builtins(item) for item in case.objects.classes],
        "slices": [to_builtins(item) for item in slices],
        "claims": [to_builtins(item) for item in case.claims],
        **({"nodes": nodes} if every_node else {"node": to_builtins(case.node)}),
        "allocated": {"claims": [to_builtins(item) for item in case.existing]},
    }


def reference(lines: Sequence[Line], minor: str = "1.37") -> list[Answer]:
    """Return what drapolicy answers to the lines."""
    out = io.StringIO()
    run(io.StringIO("".join(json.dumps(line) + "\n" for line in lines)), out, kubernetes=release(minor))
    return [json.loads(text) for text in out.getvalue().splitlines()]


def valid(line: Line) -> bool:
    """Return whether the API server takes every object of the line."""
    return not refusal(line)


def refusal(line: Line) -> str:
    """Return why the API server refuses an object of the line, or nothing."""
    held = line["allocated"].get("claims") or []
    nodes = line["nodes"] if "nodes" in line else [line["node"]]
    objects = [*line["classes"], *line["slices"], *line["claims"], *nodes, *held]
    try:
        loads(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects, "metadata": {}}), defaults=False)
    except InputError as error:
        return str(error)
    return ""


def difference(want: Answer, got: Answer) -> str:
    """Return the kind of difference between upstream's answer and another, or nothing.

    Returns
    -------
    str
        ``outcome``, ``text`` (of an error), ``devices``, ``amounts``, ``config``, ``selector`` or ``steps``.
    """
    for one, other in zip(outcomes(want), outcomes(got), strict=True):
        kind = _difference(one, other)
        if kind:
            return kind
    return "" if want.get("allocateOne") == got.get("allocateOne") else "steps"


def outcomes(answer: Answer) -> list[Answer]:
    """Return what an answer says of each node."""
    return answer.get("nodes") or [answer]


def _difference(want: Answer, got: Answer) -> str:
    if (want["fit"], want.get("errorKind")) != (got["fit"], got.get("errorKind")):
        return "outcome"
    if not _same_text(want.get("error", ""), got.get("error", "")):
        return "text"
    pairs = list(zip(want.get("results", ()), got.get("results", ()), strict=False))
    if len(want.get("results", ())) != len(got.get("results", ())):
        return "devices"
    for kind, part in (("devices", _devices), ("amounts", _amounts), ("config", _config), ("selector", _selector)):
        if any(part(one) != part(other) for one, other in pairs):
            return kind
    return ""


def _same_text(want: str, got: str) -> bool:
    # Upstream writes a device whose node selection fails with the addresses of its values, which nobody can repeat.
    head, device, _ = want.partition("&Device{")
    return got.startswith(head) if device else want == got


def _results(result: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result.get("devices", {}).get("results") or []
    return found


def _devices(result: Answer) -> object:
    """Return the ordered devices with all they carry, amounts aside; of a share id only that there is one."""
    return [
        {key: key if key == "shareID" else value for key, value in each.items() if value and key != "consumedCapacity"}
        for each in _results(result)
    ]


def _amounts(result: Answer) -> object:
    return [
        {name: Quantity(text).nano for name, text in (each.get("consumedCapacity") or {}).items()}
        for each in _results(result)
    ]


def _config(result: Answer) -> object:
    return result.get("devices", {}).get("config") or []


def _selector(result: Answer) -> object:
    return result.get("nodeSelector")
